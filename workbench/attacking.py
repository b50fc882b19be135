"""Attack one model, or the same texts with another one: what fell, and whether two models differ.

An audit attacks, too, and says more. This is for the workshop: to look at rewrites in a notebook, and to see whether
a hardened model stands where the old one fell, on the same examples, pair by pair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from workbench.errors import Misconfigured, MissingResource
from workbench.evidence.bootstrap import People
from workbench.evidence.exhibits import Note, Rewrite
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.paired import paired_interval
from workbench.evidence.record import NotApplicable

if TYPE_CHECKING:
    import pandas as pd

    from workbench.audit.probe import Setting
    from workbench.data.corpus import Corpus
    from workbench.models.protocols import Classifier

_STANDS = ("resisted", "exhausted")


class Change(NamedTuple):
    """What a quantity is more, or less, for one model than for another on the same examples."""

    name: str
    before: float
    after: float
    change: float
    interval: Interval | None
    """Of the change, over people; None with fewer than two."""
    n: int
    """Examples that both were asked about."""


@dataclass(frozen=True)
class Attacked:
    """What one attack made of a sample of texts."""

    model: str
    recipe: str
    rewrites: tuple[Rewrite, ...]
    """One for each text, in the order of the sample."""
    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...]
    people: Mapping[str, int]
    """Example id -> whose it is."""
    seed: int
    query_budget: int
    seconds: float | None
    """Longest that a search on one text could take."""
    data: str
    """Digest of the corpus that the sample was drawn from."""

    def frame(self) -> pd.DataFrame:
        """Return a row for each text: outcome, original, rewritten, probabilities before and after, queries."""
        import pandas as pd

        columns = (
            "example", "outcome", "label", "original", "rewritten", "probability_before", "probability_after",
            "words_changed", "similarity", "queries",
        )  # fmt: skip
        return pd.DataFrame([{name: getattr(one, name) for name in columns} for one in self.rewrites])

    def figures(self) -> pd.DataFrame:
        """Return a row for each measurement: value, interval, n."""
        import pandas as pd

        rows = [
            {
                "": one.name.partition(".")[2],
                "value": one.value,
                "low": None if one.interval is None else one.interval.low,
                "high": None if one.interval is None else one.interval.high,
                "n": one.n,
            }
            for one in self.measurements
        ]
        return pd.DataFrame(rows).set_index("")

    @property
    def _how(self) -> Mapping[str, object]:
        """Return what must be the same of two attacks for the model alone to make the difference."""
        return {
            "recipe": self.recipe,
            "seed": self.seed,
            "query budget": self.query_budget,
            "seconds": self.seconds,
            "data": f"sha256 {self.data:.12}…",
        }

    @property
    def right(self) -> dict[str, bool]:
        """Example id -> decided rightly before the attack."""
        return {one.example: one.outcome != "skipped" for one in self.rewrites}

    @property
    def stands(self) -> dict[str, bool]:
        """Example id -> decided rightly and not brought to fall; texts that the attack crashed on are left out."""
        return {one.example: one.outcome in _STANDS for one in self.rewrites if one.outcome != "failed"}

    def since(self, before: Attacked) -> tuple[Change, ...]:
        """Return what changed since `before`, another model attacked the same way: accuracy, and accuracy under attack.

        Raises `Misconfigured` for another attack, budget, limit of time, seed or data, or where they share no example.
        """
        if differ := [
            f"{what} {before._how[what]}, {now}" for what, now in self._how.items() if before._how[what] != now
        ]:
            raise Misconfigured(f"these are not the same attack, and only the model may differ: {'; '.join(differ)}")
        sides = (
            ("accuracy", before.right, self.right),
            ("accuracy_under_attack", before.stands, self.stands),
        )
        return tuple(paired(name, old, new, self.people, self.seed) for name, old, new in sides)


def paired(
    name: str, before: Mapping[str, bool], after: Mapping[str, bool], people: Mapping[str, int], seed: int = 0
) -> Change:
    """Return the change of a share over the examples that both sides have, with a paired interval over people.

    Args:
        name: of the quantity.
        before: example -> whether it holds for one model.
        after: the same for the other.
        people: example -> whose it is.
        seed: of the bootstrap.

    Raises `Misconfigured` where they share no example.
    """
    from workbench.seeds import Streams

    both = [one for one in before if one in after]
    if not both:
        raise Misconfigured(f"{name}: the two models were asked about different examples")
    old, new = (np.array([float(side[one]) for one in both]) for side in (before, after))
    who = People(np.array([people[one] for one in both], dtype=np.int64))
    interval = paired_interval(old, new, who, rng=Streams(seed).stream("paired", name))
    return Change(name, float(old.mean()), float(new.mean()), float((new - old).mean()), interval, len(both))


def attack(
    model: Classifier,
    corpus: Corpus,
    *,
    recipe: str,
    examples: int,
    query_budget: int,
    seed: int,
    seconds: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Attacked:
    """Attack `model` on a sample of `corpus`, which has its labels: see `workbench.attack`."""
    from workbench.audit.probe import Setting
    from workbench.audit.robustness.attack import AttackProbe
    from workbench.engines.local import Threads
    from workbench.evidence.decision import Decision
    from workbench.models.engine import engine_for
    from workbench.models.engine.workers import in_order
    from workbench.seeds import Streams

    named = recipe if "@" in recipe else f"{recipe}@1"
    probe = AttackProbe(recipe=named, examples=examples, query_budget=query_budget, seconds=seconds)
    setting = Setting(Streams(seed), Decision(), model.labels[-1])
    with engine_for(model) as engine:
        chosen = probe.select(engine, corpus, setting)
        if isinstance(chosen, NotApplicable):
            raise MissingResource(chosen.reason)

        def one(position: int) -> Rewrite:
            with engine.item(chosen[position].id) as view:
                made = probe.item(view, chosen[position], setting)
            assert isinstance(made, Rewrite)
            return made

        rewrites = in_order(Threads(), one, range(len(chosen)), lambda at: engine.cancel(chosen[at].id), progress)
        setting = replace(setting, only_decision=_only_decision(engine, corpus, setting, rewrites))
    gathered = probe.gather(rewrites, corpus, setting)
    if isinstance(gathered, NotApplicable):
        raise MissingResource(gathered.reason)
    return Attacked(
        model=model.card.name,
        recipe=probe.recipe,
        rewrites=tuple(rewrites),
        measurements=gathered.measurements,
        notes=tuple(exhibit.text for exhibit in gathered.exhibits if isinstance(exhibit, Note)),
        people=corpus.owners,
        seed=seed,
        query_budget=query_budget,
        seconds=seconds,
        data=corpus.digest,
    )


def _only_decision(model: Classifier, corpus: Corpus, setting: Setting, rewrites: Sequence[Rewrite]) -> str | None:
    """Return the label that `model` gives every text of `corpus`; None where there are several, or only one text.

    Only where the texts attacked leave it open is the model asked about all of them.
    """
    given = {one.predicted_before for one in rewrites} | {one.predicted_after for one in rewrites} - {None}
    if len(given) > 1 or len(corpus) < 2:
        return None
    probabilities = model.predict_proba(corpus.inputs)
    decided = {int(one) for one in setting.decision.decide(probabilities, setting.positive(model.labels))}
    return model.labels[decided.pop()] if len(decided) == 1 else None
