"""What a private run guarantees, in figures and words that can be held against it: the card's part on privacy."""

from __future__ import annotations

from workbench.adapters.privacy_accounting import reckoned
from workbench.evidence.cards import PrivacyCard
from workbench.home import private_ledger
from workbench.train.private.entropy import NAME
from workbench.train.private.ledger import runs_on, spent
from workbench.train.private.loop import Finished, Plan

_NOT_COVERED = (
    "What this folder tells beside the weights, in training.json: the number of training examples, of people, of each "
    "label and group, of repeated texts and of rows left out, how long texts are (median and most), the digest, "
    "and the figures on validation and test examples.",
    "The names of the labels: those that occur in the data, where no manifest lists them.",
    "Features of the training texts that a frozen part of the network made: they are kept in the workbench's own "
    "folder (features), not in this one.",
    "How many rewritings an attack found in training (training.json); the texts themselves go with the run's state.",
    "Of an experiment, and of made-up texts: the lists of who took part (membership.json, text_canaries.json, and what "
    "references say of each record), which tell it outright. They are for measuring: keep them from whoever must not "
    "know.",
    "Reports of audits that show training examples, their scores or their explanations.",
    "What the workbench did not train: whether the very first backbone had learned from these examples, too, is not "
    "known, and no noise takes that back.",
    "Other models trained on the same examples, private or not: what each spends adds up.",
    "The choice of recipe, where it was made by looking at results on these examples.",
    "How long training took, and what the machine's memory or files told while it ran.",
    "Rounding: noise is added in the numbers of a computer, not in real ones (Mironov 2012), and what a network makes "
    "of one text depends in the last digits on the texts beside it (in bfloat16, if the recipe asks for that, in the "
    "second digit).",
)

_UNPROTECTED = (
    "Whoever the backbone had learned from before, by a run without privacy: none of their texts is among those of "
    "this run, and nothing is guaranteed to them.",
    "The choice of the backbone's weights, where it was made by looking at results on these examples (its validation "
    "part): its fingerprints tell what it learned from, not what it was judged on.",
)
_UNNAMED = "That two examples are one person's, where the data does not name their person: each counts as a person."


def statement(plan: Plan, finished: Finished, corpus: str) -> PrivacyCard:
    """Return the card of the finished run. `corpus`: digest of the whole corpus, as the ledger has it."""
    how = plan.how
    runs = runs_on(private_ledger(), corpus=corpus)
    together = spent(runs, unit=how.unit)
    person = how.unit == "person"
    return PrivacyCard(
        epsilon=plan.epsilon,
        delta=how.delta,
        unit=how.unit,
        records=how.records if person else None,
        units=len(plan.units),
        left_out=plan.units.left_out,
        neighbours=(
            f"one has one {how.unit}{', with all records of theirs,' if person else ''} more than the other (add or "
            "remove one)"
        ),
        sampling=(
            "Poisson: in each step, each unit takes part by a coin of its own; which examples training may use was "
            "decided for each by a hash of its own"
        ),
        sample_rate=plan.sample_rate,
        units_public=how.sample_rate is None,
        batch=how.batch,
        noise_multiplier=plan.noise_multiplier,
        max_grad_norm=how.max_grad_norm,
        steps=finished.progress.step,
        lost=finished.progress.lost,
        before=plan.heritage.before,
        unprotected=plan.heritage.unprotected,
        clipping=finished.clipping,
        noise=NAME,
        accountants=reckoned(plan.phases, how.delta, claimed=how.accountant),
        trainable=finished.trainable,
        runs=max(1, len(runs)),
        epsilon_of_runs=None if together is None else together[0],
        delta_of_runs=None if together is None else together[1],
        checks=finished.checks,
        not_covered=(
            *_NOT_COVERED,
            *([_UNNAMED] if person else []),
            *(_UNPROTECTED if plan.heritage.unprotected else []),
        ),
    )
