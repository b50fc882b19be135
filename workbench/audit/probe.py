"""What a probe is.

Two shapes, told apart by protocol:

- `WholeProbe.measure` looks at the whole corpus at once (performance, fairness). A `SteppedProbe` does so in long
  steps, one after the other, each of which is committed.
- `ItemProbe` works example by example (attacks, explanations): `select` the examples, produce one exhibit per `item`,
  `gather` them into measurements. The runner works on many items at once, each in a thread of its own with a view of
  the engine of its own, and commits each finished one, so a killed audit continues. A `RepeatingProbe` looks at the
  finished items and works on some of them again.

Probes are frozen dataclasses: their fields are their parameters, stored in the record, and rebuild them exactly. A file
of the user's own is stored by name and digest: who rebuilds the probe must have it.
Probes never train, never write files, never print. A probe that cannot run returns `NotApplicable` with a reason that
tells how to make it run; an exception becomes `Failed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, runtime_checkable

from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import Misconfigured
from workbench.evidence.cards import CanaryRun, TextCanaries, TrainingCard
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Certificate, ExplanationCheck, Reduction, Rewrite, TokenScores, WordEffects
from workbench.evidence.mitigation import MitigationCard
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.membership import NO_LIST, Members
from workbench.models.protocols import Classifier
from workbench.registry import Registry
from workbench.seeds import Streams

Item = Rewrite | Reduction | TokenScores | ExplanationCheck | WordEffects | Certificate
"""What an item probe leaves per example."""


@dataclass(frozen=True)
class Setting:
    """What every probe of one audit shares: the choices that its numbers assume, and what the corpus itself showed."""

    streams: Streams
    decision: Decision
    positive_label: str
    only_decision: str | None = None
    """The label that the model gives every text of the corpus, where it is the same for all: what then never changes
    under attack has not been shown to be able to. None where there are several, or nobody looked."""
    seen: tuple[str, ...] | None = None
    """Families of edits that the model saw in training; None where it learned from its corpus alone, or nobody knows.
    """
    training: TrainingCard | None = None
    """How the model was made, where that is known."""
    mitigation: MitigationCard | None = None
    """How its decisions were changed after training; None where they were not, or nobody knows."""
    canaries: CanaryRun | None = None
    """What became of the canaries of its private training; None without."""
    text_canaries: TextCanaries | None = None
    """Made-up texts of its training, and which it learned from; None without."""
    members: Members | NotApplicable = NO_LIST
    """Who could have been learned from and who was; not applicable, with what to do, where that is not known."""

    def positive(self, labels: Sequence[str]) -> int:
        """Return the column of the positive label."""
        return list(labels).index(self.positive_label)


KNOWS_GROUPS = "by_group"
"""Name of the class attribute that a probe sets to True where it judges models that decide by somebody's group, too:
it then takes decisions from `Predictions`, or looks at none. The runner answers `NotApplicable` for the rest."""

UNRECORDED: Mapping[str, bool] = MappingProxyType({"recorded": False})
"""Metadata of a probe's field that the record leaves out, because the fields beside it say which value it has."""


class Probe(Protocol):
    """What both shapes have in common."""

    name: ClassVar[str]
    """`pillar.name@version`, the registered name."""
    tasks: ClassVar[frozenset[Task]]
    """Tasks it can judge; the runner answers `NotApplicable` for the rest."""
    protocol: ClassVar[type[Any]]
    """`Classifier` or `Differentiable`; the runner answers `NotApplicable` for models without it."""


@runtime_checkable
class WholeProbe(Probe, Protocol):
    """A probe that looks at the whole corpus at once."""

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return what was found. `corpus` is in canonical order and its labels are the model's."""
        ...


@runtime_checkable
class SteppedProbe(WholeProbe, Protocol):
    """A probe of several long steps. The runner takes them in order and keeps what each found."""

    def steps(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[str] | NotApplicable:
        """Return the names of the steps."""
        ...

    def step(self, name: str, model: Classifier, corpus: Corpus, setting: Setting) -> str:
        """Return what one step finds, as JSON. It depends on no other step."""
        ...

    def conclude(
        self, found: Mapping[str, str], model: Classifier, corpus: Corpus, setting: Setting
    ) -> Measured | NotApplicable:
        """Return the measurements, given what each step found."""
        ...


@runtime_checkable
class ItemProbe(Probe, Protocol):
    """A probe that works example by example."""

    def select(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[Example] | NotApplicable:
        """Return the examples to work on, chosen by hash of id (never by row order)."""
        ...

    def item(self, model: Classifier, example: Example, setting: Setting) -> Item:
        """Return what this probe finds on one example; randomness only from `setting.streams` by example id."""
        ...

    def gather(self, items: Sequence[Item], corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return the measurements over all finished items, given in the order of `select`."""
        ...


@runtime_checkable
class RepeatingProbe(ItemProbe, Protocol):
    """An item probe that works on some of its items again, in a way that depends on how they ended."""

    def repeats(self, items: Sequence[Item], setting: Setting) -> Sequence[int]:
        """Return the positions of the items to work on again."""
        ...

    def again(self, model: Classifier, example: Example, item: Item, setting: Setting) -> Item:
        """Return what takes the place of `item`."""
        ...


def uses_of(probe: Probe) -> Mapping[str, str]:
    """Return name -> sha256 of what the results of `probe` depend on beside its parameters, model and data."""
    found: Mapping[str, str] = getattr(probe, "uses", dict)()
    return found


def called(probe: Probe) -> str:
    """Return how progress and costs name `probe`: with its recipe or suite, because an audit runs several."""
    which = getattr(probe, "recipe", None) or getattr(probe, "suite", None)
    return probe.name if which is None else f"{probe.name} ({which})"


def require_at_least(probe: Probe, **least: int) -> None:
    """Raise `Misconfigured` where a parameter of `probe` is less than the number given for it."""
    for field, number in least.items():
        if (value := getattr(probe, field)) < number:
            raise Misconfigured(f"{probe.name}: {field} must be at least {number}; got {value}")


TWIN_FROM = 200
"""Texts from which on a search on a twin may save time: of fewer, too large a part is searched again on the model. How
much faster the twin must be besides, `models.engine.choice` says."""

probes: Registry[type[Any]] = Registry("probe", group="workbench.probes")
"""Probe classes by `name@version`. `@probes.register("fairness.groups@1")`."""
