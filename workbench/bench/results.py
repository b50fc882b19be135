"""What the benchmark leaves: plain values with their number and range, as reports/benchmarks.json holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.errors import Misconfigured
from workbench.evidence.measurement import Interval
from workbench.evidence.record import Environment
from workbench.evidence.schema import Stored

SCHEMA_VERSION = 1

_ALIKE = 1.5
"""Times as much that bfloat16 may gain in a later run on the same machine: repetitions differ by a tenth."""


class Seconds(Stored):
    """Seconds for one example: the median over repetitions of the whole work, and their range."""

    median: float = Field(gt=0)
    low: float = Field(gt=0)
    high: float = Field(gt=0)
    repeats: int = Field(ge=1)


class Ratio(Stored):
    """Stock seconds over ours: of the medians, and the range over repetitions, each with its own neighbours."""

    value: float = Field(gt=0)
    low: float = Field(gt=0)
    high: float = Field(gt=0)
    repeats: int = Field(ge=1)


class Check(Stored):
    """One comparison of our answers with stock's."""

    name: str
    value: float
    n: int = Field(ge=1)
    bound: float | None = None
    """None: the value is stated, not judged."""
    better: Literal["higher", "lower"]
    interval: Interval | None = None

    @property
    def met(self) -> bool:
        if self.bound is None:
            return True
        return self.value >= self.bound if self.better == "higher" else self.value <= self.bound


class Agreement(Stored):
    """Whether both sides found the same."""

    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()
    """What a reader must know of them: how many differ and why."""
    met: bool


class Second(Stored):
    """Stock with the one change that explains most of the difference."""

    name: str
    seconds: Seconds
    ratio: Ratio


class Use(Stored):
    """What our side spent in its median repetition, and how near that is to what the machine can do."""

    seconds: float
    """Wall-clock, from making the engine to its last answer."""
    share_inside: float = Field(ge=0)
    """Of that, the time in which at least one batch was in the model."""
    occupied: float | None = None
    """Of the cores' time, that between a batch's entry into the network and its exit. None: not measured then."""
    tokenising: float | None = None
    """Of the cores' time, that in which texts became tokens."""
    forwards: int
    """Sequences computed, in both precisions."""
    tokens: int
    """Their tokens."""
    tokens_computed: int
    """With padding and dummies."""
    flops_per_second: float
    """Useful ones: of real tokens, each distinct sequence once, as the network computes them."""
    whole_flops_per_second: float
    """The same sequences at the cost of stock's network, which computes what the classifier never reads too."""
    share_of_peak: float
    """Time that the useful operations take at the peak of their precision, over wall-clock time."""


class Result(Stored):
    """One work at one precision."""

    name: str
    title: str
    precision: str
    n: int = Field(ge=1)
    """Examples."""
    stock_seconds_per_example: float
    workbench_seconds_per_example: float
    ratio: float
    agreement: Agreement
    stock: Seconds
    stock_threads: int
    """Intra-op threads, the fastest of those tried."""
    stock_threads_tried: dict[str, float]
    """Threads -> seconds of a small part of the work."""
    workbench: Seconds
    ratios: Ratio
    second: Second | None = None
    target: float | None
    aim: float | None = None
    met: bool | None
    """The ratio reaches the target."""
    use: Use | None = None

    @property
    def at_peak(self) -> float | None:
        """The ratio if what we compute ran at the machine's peak, each part at that of its own precision, and nothing
        else took any time: no engine on this machine gets beyond it without computing less. None where not counted.
        """
        return None if self.use is None else self.ratio / self.use.share_of_peak

    def attainable(self, profile: Profile) -> float | None:
        """The ratio at peak where the network's own time besides products and attention stays what it is."""
        if self.use is None:
            return None
        inside = self.use.share_inside if self.use.occupied is None else self.use.occupied
        return self.ratio / (self.use.share_of_peak + profile.rest * inside)

    @property
    def needed(self) -> float | None:
        """Share of the peak at which the target would be met; above 1, no engine on this machine meets it."""
        return None if self.target is None or self.at_peak is None else self.target / self.at_peak


class Absent(Stored):
    """A work that was not measured."""

    outcome: Literal["not_applicable", "failed"]
    name: str
    title: str
    precision: str
    reason: str = Field(min_length=1)


class Gemm(Stored):
    """A matrix product of (rows, inner) with (inner, columns)."""

    kind: Literal["gemm"] = "gemm"
    precision: str
    rows: int
    inner: int
    columns: int
    of: str
    """'square', or the model's own."""
    flops_per_second: float = Field(gt=0)
    """Of the fastest repetition: what the machine can do."""
    low: float = Field(gt=0)
    """Of the slowest."""
    repeats: int = Field(ge=1)
    arrangement: str
    """'all cores in one product' or 'one product a core', with or without 'weights packed', whichever was fastest."""


class Near(Stored):
    """How near one work comes to the peak."""

    kind: Literal["work"] = "work"
    name: str
    precision: str
    flops_per_second: float
    peak_flops_per_second: float
    """Of the fastest product in the whole run."""
    share_of_peak: float
    share_of_peak_nearby: float
    """Of the speed of that same product right after the work: on a busy machine both are slower."""
    share_of_peak_target: float | None
    share_inside: float
    share_inside_target: float | None
    met: bool | None


class Profile(Stored):
    """Where the time inside the network goes, at the shapes in which one work sent its batches through it."""

    kind: Literal["profile"] = "profile"
    name: str
    """The work."""
    precision: str
    batches: int
    """That the work sent, in its median repetition."""
    shapes: int
    """Different ones; each was timed, and counts as often as the work had it."""
    shortest: tuple[int, int]
    """Rows and tokens of the batches with the shortest texts."""
    longest: tuple[int, int]
    repeats: int
    products: float = Field(ge=0, le=1)
    """Share of the time in matrix products with weights."""
    attention: float = Field(ge=0, le=1)
    rest: float = Field(ge=0, le=1)
    """In activations, normalisation, sums: what a faster product does not save."""


class Size(Stored):
    """Predictions for so many examples."""

    examples: int
    seconds: Seconds
    peak_bytes: int | None
    """Resident memory of the process at its highest, in the first pass; None where the system cannot tell."""
    device_bytes: int | None = None
    """Accelerator's memory held by torch at its highest."""


class Growth(Stored):
    """How cost and memory grow with the number of examples."""

    precision: str
    sizes: tuple[Size, ...]
    memory_growth: float | None
    """Of the peak, from 1,000 to 10,000 examples; None where one of them was not measured."""
    memory_growth_target: float
    met: bool | None


class Lengths(Stored):
    """Tokens of the explained and attacked texts."""

    n: int
    mean: float
    low: int
    high: int


class Machine(Environment):
    """Where it ran."""

    cores: int
    memory_bytes: int
    load: float | None
    """Average number of runnable processes in the minute before the start: others' work disturbs."""
    instructions: str = ""
    """The widest that torch found ('AVX2', 'AVX512'); '': not noted then. Processors of one name differ in them."""
    bfloat16_speedup: float
    """Of the model's own matrix products."""

    def like(self, other: Machine) -> bool:
        """Return whether figures of both belong side by side. Virtual machines of one name hide other processors."""
        known = self.instructions and other.instructions
        return (
            (self.processor, self.device, self.cores) == (other.processor, other.device, other.cores)
            and (not known or self.instructions == other.instructions)
            and max(self.bfloat16_speedup, other.bfloat16_speedup)
            < _ALIKE * min(self.bfloat16_speedup, other.bfloat16_speedup)
        )


class Again(Stored):
    """A work that was measured again, in a later run of its own, on the same machine, model and texts."""

    name: str
    title: str
    date: str
    command: str


class Bench(Stored):
    """One run."""

    schema_version: int = SCHEMA_VERSION
    date: str
    command: str
    model: str
    model_digest: str
    corpus: str
    corpus_digest: str
    lengths: Lengths
    machine: Machine
    results: tuple[Result, ...]
    absent: tuple[Absent, ...]
    roofline: tuple[Annotated[Gemm | Near | Profile, Field(discriminator="kind")], ...]
    growth: tuple[Growth, ...]
    complete: bool
    """False while works are still to come, or were left out with --only."""
    again: tuple[Again, ...] = ()
    """Works whose figures are those of a later run."""

    def require_fitting(self, later: Bench) -> None:
        """Raise `Misconfigured` where machine, model or texts of `later` are others: their ratios do not compare."""
        for what, same in (
            ("model", self.model_digest == later.model_digest),
            ("set of texts", self.corpus_digest == later.corpus_digest),
            ("machine", self.machine.like(later.machine)),
            ("set of library versions", self.machine.versions == later.machine.versions),
        ):
            if not same:
                raise Misconfigured(f"the whole run was on another {what}: measure everything anew, without --again")

    def require_kept(self, names: Sequence[str], precisions: Sequence[str]) -> None:
        """Raise `Misconfigured` where a work of `names`, measured anew, would lose its result in another precision."""
        lost = [one for one in self.results if one.name in names and one.precision not in precisions]
        if lost:
            raise Misconfigured(
                f"the whole run holds {lost[0].title} in {lost[0].precision}, too, which would be lost: both stand "
                "beside the same repetitions of stock. Measure it again without --precision"
            )

    def replaced(self, later: Bench) -> Bench:
        """Return this run with the works of `later` in the place of its own.

        Raises `Misconfigured` where they do not fit, or a result in another precision would be lost.
        """
        self.require_fitting(later)
        measured: tuple[Result | Absent, ...] = (*later.results, *later.absent)
        before: tuple[Result | Absent, ...] = (*self.results, *self.absent)
        names = {one.name for one in measured}
        for name in names:
            self.require_kept([name], [one.precision for one in measured if one.name == name])

        def merged(old: Sequence[Any], new: Sequence[Any]) -> tuple[Any, ...]:
            kept = [one for one in old if getattr(one, "name", None) not in names]
            order = {one.name: i for i, one in reversed([*enumerate(before)])}
            found = [*kept, *(one for one in new if getattr(one, "name", None) in names)]
            return tuple(sorted(found, key=lambda one: order.get(getattr(one, "name", ""), -1)))

        titles = {one.name: one.title for one in measured}
        again = tuple(
            Again(name=name, title=title, date=later.date, command=later.command) for name, title in titles.items()
        )
        grown = {one.precision for one in later.growth}
        if later.growth:
            again += (Again(name="growth", title="Growth", date=later.date, command=later.command),)
            names = names | {"growth"}
        return self.model_copy(
            update={
                "growth": (*(one for one in self.growth if one.precision not in grown), *later.growth),
                "results": merged(self.results, later.results),
                "absent": merged(self.absent, later.absent),
                "roofline": merged(self.roofline, later.roofline),
                "again": (*(one for one in self.again if one.name not in names), *again),
            }
        )
