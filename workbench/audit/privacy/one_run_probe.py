"""The one-run audit of a private model: do its own canaries refute its claim?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench.adapters.privacy_accounting import epsilon_of, phases_of
from workbench.audit.privacy.attacks import log_probabilities
from workbench.audit.privacy.one_run import epsilon_lower_bound, guess, largest_bound, tally
from workbench.audit.probe import Setting, probes
from workbench.data.corpus import Corpus, Task
from workbench.evidence.cards import CanaryRun
from workbench.evidence.exhibits import Note
from workbench.evidence.intervals import LEVEL
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier


@probes.register("privacy.one_run@1")
@dataclass(frozen=True)
class OneRun:
    """Reads the canaries' scores, guesses as many coins as were fixed before training, bounds epsilon from below."""

    name: ClassVar[str] = "privacy.one_run@1"
    tasks: ClassVar[frozenset[Task]] = frozenset(Task)
    protocol: ClassVar[type[Any]] = Classifier
    by_group: ClassVar[bool] = True
    grows: ClassVar[bool] = False

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the bound, and what the claim lies above it. Not applicable without canaries.

        Canaries that could not have refuted the claim, had every guess been right, leave that margin out: it would hold
        whatever the model is.
        """
        runs = [] if setting.canaries is None else [setting.canaries]
        if (of_texts := _asked(model, corpus, setting)) is not None:
            runs.append(of_texts)
        if not runs:
            return NotApplicable(
                reason="no canaries were planted in a private training (no canaries.json beside the weights); to have "
                "some, set canaries in the recipe's table [privacy]"
            )
        if setting.mitigation is not None and setting.mitigation.breaks_privacy:
            return NotApplicable(reason=f"there is no claim to refute: {setting.mitigation.unprotected}")
        able = [_most(run) > run.epsilon for run in runs]
        found = [
            self._bounded(run, setting, able=can, alone=not any(able)) for run, can in zip(runs, able, strict=True)
        ]
        return Measured(
            measurements=tuple(one for held, _ in found for one in held), exhibits=tuple(note for _, note in found)
        )

    def _bounded(
        self, run: CanaryRun, setting: Setting, *, able: bool, alone: bool
    ) -> tuple[tuple[Measurement, ...], Note]:
        """Return what the canaries of one kind show, and how to read it.

        `able`: whether they could have refuted the claim. `alone`: whether none of any kind could.
        """
        m, r = len(run.included), _guesses(run)
        rng = setting.streams.stream("privacy", self.name, *([] if run.kind == "gradient" else [run.kind]))
        found = tally(guess(run.scores, run.positive_guesses, run.negative_guesses, rng=rng), run.included)
        bound = epsilon_lower_bound(m, r, found.right, run.delta)
        if not able:
            verdict = "so few could not have refuted it; plant more canaries, or guess more of them"
        elif bound > run.epsilon:
            verdict = "the claim is refuted: the implementation is broken, or the claim is wrong"
        else:
            verdict = "the claim is not refuted, which certifies nothing"
        note = (
            f"One-run audit (Steinke, Nasr and Jagielski 2023): {m:,} {run.kind} canaries, half of them used by a fair "
            f"coin each; {found.right} of {r} guesses are right. At {LEVEL:.0%} confidence epsilon is at least "
            f"{bound:.3g}, where the claim is {run.epsilon:.3g} and all guesses right would have shown "
            f"{_most(run):.3g}: {verdict}."
        )
        # A verdict looks for this beginning. Where other canaries answer, these are no reason to doubt the answer.
        if alone:
            note = f"claim_margin is not given: this audit could not have failed. {note}"
        where = {"confidence": f"{LEVEL:g}"} | ({} if run.kind == "gradient" else {"canaries": run.kind})
        method = "one-sided lower limit; the other end is not limited"
        stated = [("privacy.epsilon_lower_bound", bound, "lower")]
        stated += [("privacy.claim_margin", run.epsilon - bound, "higher")] if able else []
        return tuple(
            Measurement(
                name=name,
                value=value,
                unit="nats",
                better=better,
                n=m,
                interval=Interval(low=value, high=value, level=LEVEL, method=method),
                where=where,
            )
            for name, value, better in stated
        ), Note(text=note)


def _guesses(run: CanaryRun) -> int:
    return run.positive_guesses + run.negative_guesses


def _most(run: CanaryRun) -> float:
    """Return the lower bound of epsilon that the run's guesses would have shown, had all been right."""
    return largest_bound(len(run.included), _guesses(run), run.delta)


def _asked(model: Classifier, corpus: Corpus, setting: Setting) -> CanaryRun | None:
    """Return the run's text canaries, scored by the finished model alone; None without any, or without a claim.

    Nobody wrote them, so a model that decides by somebody's group is not asked about them.
    """
    held, claim = setting.text_canaries, None if setting.training is None else setting.training.privacy
    if held is None or claim is None or setting.decision.by_group is not None:
        return None
    columns = np.array([corpus.labels.index(label) for label in held.labels])
    epsilon = claim.epsilon
    if claim.before:  # what had made the backbone was before the canaries
        epsilon = min(epsilon, epsilon_of(phases_of(claim.paid[-1:]), claim.delta, accountant="prv"))
    scores = log_probabilities(model.predict_proba(held.texts))[np.arange(len(columns)), columns]
    return CanaryRun(
        kind="text",
        included=held.included,
        scores=tuple(scores.tolist()),
        positive_guesses=(held.guesses + 1) // 2,
        negative_guesses=held.guesses // 2,
        epsilon=epsilon,
        delta=claim.delta,
        steps=claim.steps,
    )
