"""Where the model is worse than elsewhere, said only as far as people who had no part in the search bear it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from workbench.audit.fairness.candidates import rules
from workbench.audit.fairness.confirmed import (
    CLUSTERED,
    EXACT,
    Half,
    Suspect,
    halves,
    holm,
    large_enough,
    suspects,
    worse,
)
from workbench.audit.fairness.traits import CONFIDENCE, Bools, Traits, as_groups, text_traits
from workbench.audit.performance.predictions import Predictions
from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.evidence.bootstrap import proportion_interval
from workbench.evidence.exhibits import Note, Slice, Slices
from workbench.evidence.intervals import LEVEL
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier
from workbench.seeds import Streams


@probes.register("performance.slices@1")
@dataclass(frozen=True)
class WorstSlices:
    """Looks for slices with many wrong decisions among half of the people, and measures these on the other half.

    Candidates: each group of each attribute, ranges of length and kind of characters and of the model's confidence, and
    the nodes of a shallow tree over the traits of texts.
    """

    minimum: int = 30
    """Fewest people of a slice, and of the rest, on either half."""
    most: int = 10
    """Slices that are tested at most."""
    depth: int = 3
    """Of the tree."""
    most_groups: int = 50
    """Groups of one attribute that are looked at, those with most examples."""

    name: ClassVar[str] = "performance.slices@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    by_group: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_at_least(self, minimum=2, most=1, depth=1, most_groups=1)

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the error of each tested slice on the half held out, confirmed or not."""
        first = halves([example.person for example in corpus])
        people = [len(set(corpus.people[side].tolist())) for side in (first, ~first)]
        if min(people) < 2 * self.minimum:
            return NotApplicable(
                reason=f"too few people to look for slices on one half and confirm them on the other: {people[0]} and "
                f"{people[1]}, where {2 * self.minimum} on each are the least; audit more examples"
            )
        seen = Predictions.of(model, corpus, setting)
        whole = Half(_traits(seen, corpus), ~seen.right, seen.people)
        search = self.search(whole.among(first), whole.among(~first), setting.streams)
        measurements = tuple(
            Measurement(
                name="performance.slice_error",
                value=one.error,
                unit="proportion",
                better="lower",
                n=one.people,
                interval=one.interval,
                where={"slice": one.name},
            )
            for one in search.exhibit.slices
        )
        notes = (Note(text=text) for text in (*search.notes, *_caveats(search.exhibit)))
        return Measured(measurements=measurements, exhibits=(search.exhibit, *notes))

    def search(self, found: Half, held: Half, streams: Streams) -> Search:
        """Return what looked worst on `found`, measured on `held`."""
        candidates = rules(
            found.traits, found.wrong, minimum=self.minimum, depth=self.depth, most_groups=self.most_groups
        )
        tested: list[Suspect] = []
        notes: list[str] = []
        for one in suspects(found, candidates, minimum=self.minimum, most=self.most):
            if large_enough(held, one.rule.holds(held.traits), self.minimum):
                tested.append(one)
            else:
                notes.append(
                    f"{one.rule} looked worse on the first half; on the other, fewer than {self.minimum} people are in "
                    "it, or outside: not established."
                )
        inside = [one.rule.holds(held.traits) for one in tested]
        adjusted = holm([worse(held.wrong, rows, held.people) for rows in inside])
        slices = [
            _slice(one, found, held, rows, float(p), streams.stream("interval", self.name, str(one.rule)))
            for one, rows, p in zip(tested, inside, adjusted, strict=True)
        ]
        exhibit = Slices(
            slices=tuple(sorted(slices, key=lambda one: (-one.error, one.name))),
            looked_at=len(candidates),
            minimum=self.minimum,
            overall=float(held.wrong.mean()),
            people_found=found.people.size,
            people=held.people.size,
            level=1 - LEVEL,
            method=f"{EXACT if held.people.one_each else CLUSTERED}; Holm's adjustment",
        )
        return Search(exhibit, tuple(notes))


class Search(NamedTuple):
    """What a search for slices came to."""

    exhibit: Slices
    notes: tuple[str, ...]


def _traits(seen: Predictions, corpus: Corpus) -> Traits:
    confidence = np.take_along_axis(seen.probabilities, seen.decisions[:, None], axis=1)[:, 0]
    return Traits(
        {**text_traits(corpus.inputs), CONFIDENCE: confidence},
        {attribute: as_groups(corpus.group_of(attribute)) for attribute in corpus.attributes},
    )


def _slice(one: Suspect, found: Half, held: Half, rows: Bools, p: float, rng: np.random.Generator) -> Slice:
    people = held.people.among(rows)
    interval = proportion_interval(held.wrong[rows], people, rng=rng)
    assert interval is not None  # the slice has rows
    return Slice(
        name=str(one.rule),
        n_found=int(one.rows.sum()),
        people_found=found.people.among(one.rows).size,
        error_found=float(found.wrong[one.rows].mean()),
        n=int(rows.sum()),
        people=people.size,
        error=float(held.wrong[rows].mean()),
        interval=interval,
        rest=float(held.wrong[~rows].mean()),
        p=p,
        confirmed=p <= 1 - LEVEL,
    )


def _caveats(found: Slices) -> tuple[str, ...]:
    confirmed = sum(one.confirmed for one in found.slices)
    sizes = f"{found.people_found:,} people to look for slices, {found.people:,} others to test them"
    if not found.slices:
        return (
            f"Slices: none of {found.looked_at} looked clearly worse than the rest ({sizes}). That is no proof that "
            "none is: a smaller slice, or one cut by what was not looked at, stays unseen.",
        )
    return (
        f"Slices: of {found.looked_at} candidates {len(found.slices)} looked worse than the rest and were tested on "
        f"people who had no part in the choice ({sizes}); {confirmed} confirmed. With no slice worse than the rest, "
        f"any at all is confirmed with a chance of {found.level:.0%} at most ({found.method}). The errors given are "
        "those of the people held out. That a slice is worse does not say why. Low confidence going with errors is as "
        "it should be.",
    )
