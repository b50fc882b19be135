"""Measure, on the model under audit, which explanations name the words that it uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

import numpy as np

from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.explain import explain, full_names
from workbench.audit.explanations.faithfulness import Removal
from workbench.audit.explanations.one_text import CHANCE, OCCLUSION, quality_of
from workbench.audit.explanations.ranks import overlap, spearman
from workbench.audit.probe import Item, Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import EmptyData, Misconfigured, Unsupported
from workbench.evidence.bootstrap import (
    REPLICATES,
    People,
    expanded_tail,
    median_interval,
    score_interval,
)
from workbench.evidence.exhibits import ExplanationCheck, MethodQuality, Note, TokenScores, WordScore
from workbench.evidence.measurement import Better, Interval, Measurement
from workbench.evidence.names import value_range
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier, FloatArray

_MOST_REPLICATES = 200_000
"""Of a bootstrap, at most: beyond, an interval says no more than the range of its score."""
TOP = 5
"""Words that two methods may have in common."""

_BOUNDED: dict[str, Better] = {
    "comprehensiveness": "higher",
    "sufficiency": "lower",
    "deletion_auc": "lower",
    "insertion_auc": "higher",
    "tau_loo": "higher",
    "infidelity": "lower",
    "seed_stability": "higher",
    "edit_stability": "higher",
}
"""Metrics with a least and a largest value -> which is better."""
_GAP = "completeness_gap"
_MEDIANS = {
    "passes": ("passes_median", "sequences"),
    "sensitivity": ("sensitivity_median", "score"),
    _GAP: (_GAP, "ratio"),
}
"""Metrics of at least 0, the less the better -> name of their median over texts, its unit. They know no upper end, so
the mean of a few texts has no interval that can be relied on: one text in a hundred may make up most of it."""
_NO_ORDER = {
    "tau_loo": "on no text do both the scores and what leaving out each word changes put the words in an order",
    "edit_stability": "on no text did an edit that the model reads keep the words, and the scores put them in an order",
    "seed_stability": "on no text do the scores put the words in an order",
}
"""Rank correlations of a method -> why no text has one: the scores of a constant model are all alike, and so are those
of a single word."""


@probes.register("explanations.quality@1")
@dataclass(frozen=True)
class QualityProbe:
    """Explains the decided label of a sample of examples, drawn by hash of id, with several methods and by chance."""

    methods: tuple[str, ...] = (
        "integrated_gradients@1",
        "shap_partition@1",
        "occlusion@1",
        "input_x_gradient_l2@1",
        "saliency@1",
        "attention_rollout@1",
    )
    examples: int = 12
    orders: int = 10
    """Random orders of the words of each text: their mean is the floor."""
    removals: tuple[Removal, ...] = ("deletion",)
    """What a missing word leaves behind."""
    kept: int = 0
    """Texts whose scores, by every method, stay in the record."""

    name: ClassVar[str] = "explanations.quality@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, orders=1)
        object.__setattr__(self, "methods", full_names(self.methods))
        if CHANCE in self.methods:
            raise Misconfigured(f"{self.name}: leave out {CHANCE}: it is always measured")
        if "deletion" not in self.removals:
            raise Misconfigured(f"{self.name}: removals must hold 'deletion', by which methods are set against chance")

    def select(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[Example] | NotApplicable:
        """Return the sample."""
        if not len(corpus):
            return NotApplicable(reason="the corpus has no examples to explain")
        return corpus.sample(self.examples).examples

    def item(self, model: Classifier, example: Example, setting: Setting) -> Item:
        """Return every method's explanation of `example` and its quality; texts without words have none."""
        text = example.input
        whole = model.predict_proba([text])
        target = int(setting.decision.decide(whole, setting.positive(model.labels))[0])
        found: dict[str, TokenScores] = {}
        absent: dict[str, str] = {}
        for method in self.methods:
            try:
                found[method] = explain(
                    model,
                    text,
                    target=model.labels[target],
                    method=method,
                    seed=setting.streams.seed("explain", method, example.id),
                )
            except (Unsupported, EmptyData) as error:
                absent[method] = str(error)
        methods = quality_of(
            model,
            text,
            target,
            found,
            orders=self.orders,
            kinds=self.removals,
            rng=setting.streams.stream("orders", example.id),
        )
        return ExplanationCheck(
            example=example.id,
            target=model.labels[target],
            label=example.label,
            words=len(next(iter(found.values())).words) if found else 0,
            methods=methods,
            absent=absent,
        )

    def gather(self, items: Sequence[Item], corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return each measure of each method with its interval, what it is above chance, and how methods agree."""
        found = [item for item in items if isinstance(item, ExplanationCheck) and item.methods]
        if not found:
            return NotApplicable(reason=f"no text drawn could be explained: {first_reason(items)}")
        table = Table(found, corpus, setting)
        methods = [method for method in (*self.methods, CHANCE) if table.holds(method)]
        measurements: list[Measurement] = []
        notes = [self._read(found, items)]
        for method in methods:
            measurements += table.of(method)
        gains = [one for method in methods if method != CHANCE for one in table.gain(method, len(methods) - 1)]
        measurements += gains
        pairs = list(combinations([method for method in methods if method != CHANCE], 2))
        measurements += [figure for pair in pairs for figure in table.between(*pair)]
        notes += _verdict(gains, len(methods) - 1)
        notes.append("Comprehensiveness and sufficiency take words away, as occlusion does itself: they favour it.")
        if OCCLUSION in methods:
            notes.append(f"tau_loo does not apply to {OCCLUSION}: leave-one-out is what it computes.")
        if unsigned := [one for one in methods if one != CHANCE and not table.has(one, "infidelity")]:
            notes.append(f"infidelity does not apply to {', '.join(unsigned)}: the scores do not say which way.")
        notes += absences(found)
        notes += _unmeasured(found, self.removals)
        notes += untold(table, measurements, methods, ("tau_loo", *_MEDIANS))
        notes += _untold_pairs(measurements, pairs)
        if open_ended := [one for one in methods if one != CHANCE and not table.has(one, _GAP)]:
            notes.append(f"completeness_gap does not apply to {', '.join(open_ended)}: the scores share out no total.")
        kept = tuple(
            one if position < self.kept else one.model_copy(update={"methods": tuple(_bare(m) for m in one.methods)})
            for position, one in enumerate(found)
        )
        return Measured(measurements=tuple(measurements), exhibits=(*(Note(text=note) for note in notes), *kept))

    def _read(self, found: Sequence[ExplanationCheck], items: Sequence[Item]) -> str:
        left = len(items) - len(found)
        return (
            f"{len(found)} texts drawn by hash of their id were explained for the label decided"
            + (f"; {left} could not be ({first_reason(items)})" if left else "")
            + f". Random words: the mean of {self.orders} random orders of each text's words."
        )


class Table:
    """Values by method, metric and text."""

    def __init__(self, found: Sequence[ExplanationCheck], corpus: Corpus, setting: Setting) -> None:
        self._rows = [{method.attributor: method for method in one.methods} for one in found]
        self._people = People(np.array([corpus.owners[one.example] for one in found], dtype=np.int64))
        self._streams = setting.streams

    def holds(self, method: str) -> bool:
        return any(method in row for row in self._rows)

    def of(self, method: str) -> Iterator[Measurement]:
        """Yield each metric's mean (of what knows no upper end, the median) over the texts where it is defined."""
        known = [row[method].values if method in row else {} for row in self._rows]
        for key in sorted({key for values in known for key in values}):
            metric, _, removal = key.partition("/")
            where = {"attributor": method} | ({"removal": removal} if removal not in ("", "deletion") else {})
            has = np.array([key in values for values in known], dtype=bool)
            numbers = np.array([values[key] for values in known if key in values])
            people = self._people.among(has)
            rng = self._streams.stream("interval", "quality", method, key)
            if metric in _BOUNDED:
                (low, high), better = value_range(f"explanations.{metric}"), _BOUNDED[metric]
                interval = score_interval(numbers, people, bottom=low, top=high, rng=rng)
                if interval is not None:
                    yield _measurement(metric, numbers, people, interval, where, better)
            elif metric in _MEDIANS and (interval := median_interval(numbers, people, rng=rng)) is not None:
                name, unit = _MEDIANS[metric]
                middle = float(np.median(numbers))
                yield _measurement(name, numbers, people, interval, where, "lower", unit=unit, value=middle)

    def has(self, method: str, key: str) -> bool:
        """Tell whether a method has a value on any text."""
        return any(key in _values(row, method) for row in self._rows)

    def gain(self, method: str, compared: int) -> Iterator[Measurement]:
        """Yield comprehensiveness above that of random words, text by text, at a level corrected for all methods."""
        key = "comprehensiveness/deletion"
        has = np.array([key in row[method].values if method in row else False for row in self._rows], dtype=bool)
        rows = [row for row, is_there in zip(self._rows, has, strict=True) if is_there]
        numbers = np.array([row[method].values[key] - row[CHANCE].values[key] for row in rows])
        if not len(numbers):
            return
        people = self._people.among(has)
        rng = self._streams.stream("interval", "quality", method, "gain")
        level = 1 - 0.05 / compared
        # Enough that some twenty replicates lie in either tail; of very few people that would be millions.
        tail = expanded_tail(max(people.size, 2), level=level)
        least, most = value_range("explanations.gain_over_random")
        if tail * _MOST_REPLICATES < 20:
            how = f"the whole range of the score: {people.size} people are too few to say more at this level"
            interval: Interval | None = Interval(low=least, high=most, level=level, method=how)
        else:
            replicates = int(np.ceil(max(REPLICATES, 20 / tail)))
            interval = score_interval(
                numbers, people, bottom=least, top=most, rng=rng, replicates=replicates, level=level
            )
        if interval is not None:
            yield _measurement("gain_over_random", numbers, people, interval, {"attributor": method}, "higher")

    def between(self, one: str, other: str) -> Iterator[Measurement]:
        """Yield how alike two methods rank the words of a text."""
        # Scores without a sign say how strongly: against them, the others' strength counts.
        signed = all(getattr(attributors[method], "signed", True) for method in (one, other))
        array = _array if signed else _strength
        pairs = [
            (array(row[one].scores.words), array(row[other].scores.words))  # type: ignore[union-attr]
            if one in row and other in row
            else None
            for row in self._rows
        ]
        for metric, compare, low in (
            ("agreement", spearman, -1.0),
            ("top_overlap", lambda a, b: overlap(a, b, TOP), 0.0),
        ):
            found = [None if pair is None else compare(*pair) for pair in pairs]
            has = np.array([value is not None for value in found], dtype=bool)
            numbers = np.array([value for value in found if value is not None])
            if not len(numbers):
                continue
            people = self._people.among(has)
            rng = self._streams.stream("interval", "quality", metric, one, other)
            interval = score_interval(numbers, people, bottom=low, rng=rng)
            if interval is not None:
                where = {"attributor": one, "other": other}
                yield _measurement(metric, numbers, people, interval, where, "neither")


def _measurement(
    metric: str,
    numbers: FloatArray,
    people: People,
    interval: Interval,
    where: dict[str, str],
    better: Better,
    unit: str = "score",
    value: float | None = None,
) -> Measurement:
    value = float(numbers.mean()) if value is None else value
    return Measurement(
        name=f"explanations.{metric}",
        value=min(max(value, interval.low), interval.high),
        unit=unit,
        better=better,
        n=people.size,
        interval=interval,
        where=where,
    )


def _verdict(gains: Sequence[Measurement], compared: int) -> list[str]:
    level = f"{100 * (1 - 0.05 / compared):.1f}%"
    beat = [one.where["attributor"] for one in gains if one.interval is not None and one.interval.low > 0]
    rest = [one.where["attributor"] for one in gains if one.where["attributor"] not in beat]
    notes = []
    if beat:
        notes.append(
            f"Better than random words (the paired {level} interval, corrected for {compared} methods, lies above "
            f"zero): {', '.join(beat)}."
        )
    if rest:
        notes.append(f"Not shown to be better than random words on this model: {', '.join(rest)}. Do not rely on them.")
    return notes


def absences(found: Sequence[ExplanationCheck]) -> list[str]:
    """Return a sentence on each method that did not explain every text."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for one in found:
        for method, reason in one.absent.items():
            reasons[method].append(reason)
    return [
        f"{method}: no explanation of {len(given)} of {len(found)} texts ({given[0]})"
        for method, given in sorted(reasons.items())
    ]


def untold(
    table: Table, measurements: Sequence[Measurement], methods: Sequence[str], metrics: Sequence[str]
) -> list[str]:
    """Return a sentence on each of `metrics` that no figure tells of a method, though it applies to it."""
    told = {(one.name, one.where.get("attributor")) for one in measurements}
    notes = []
    for metric in metrics:
        name = _MEDIANS.get(metric, (metric, ""))[0]
        silent = [method for method in methods if (f"explanations.{name}", method) not in told]
        few = [method for method in silent if table.has(method, metric)]
        flat = [method for method in silent if method not in few and _asks(metric, method)]
        if few:
            notes.append(f"{name} is not given for {', '.join(few)}: the texts are of too few people for an interval.")
        if flat:
            notes.append(f"{name} is not given for {', '.join(flat)}: {_NO_ORDER[metric]}.")
    return notes


def _asks(metric: str, method: str) -> bool:
    """Return whether a method should have a rank correlation by this metric on some text."""
    if method == CHANCE or metric not in _NO_ORDER:
        return False
    if metric == "tau_loo":
        return method != OCCLUSION
    return metric != "seed_stability" or bool(getattr(attributors[method], "seeded", False))


def _untold_pairs(measurements: Sequence[Measurement], pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return a sentence on each way of comparing methods that has no figure for a pair of them."""
    notes = []
    for metric, fewest in (("agreement", ""), ("top_overlap", f" of more than {TOP}")):
        told = {
            (one.where["attributor"], one.where["other"])
            for one in measurements
            if one.name == f"explanations.{metric}"
        }
        if silent := [f"{one} beside {other}" for one, other in pairs if (one, other) not in told]:
            why = f"on no text that both explained do both put the words{fewest} in an order"
            notes.append(f"{metric} is not given for {', '.join(silent)}: {why}.")
    return notes


def _unmeasured(found: Sequence[ExplanationCheck], removals: Sequence[Removal]) -> list[str]:
    """Return a sentence on each thing asked for that no figure tells of."""
    keys = {key for one in found for method in one.methods for key in method.values}
    notes = []
    if "mask" in removals and not any(key.endswith("/mask") for key in keys):
        notes.append("Not measured with a mask in place of missing words: the model has no mask token.")
    return notes


def first_reason(items: Sequence[Item]) -> str:
    """Return why the first text that could not be explained could not be."""
    given = [
        reason
        for one in items
        if isinstance(one, ExplanationCheck) and not one.methods
        for reason in (*one.absent.values(), "it has no word that the model reads")
    ]
    return given[0] if given else "none was drawn"


def _bare(method: MethodQuality) -> MethodQuality:
    return method.model_copy(update={"scores": None})


def _values(row: Mapping[str, MethodQuality], method: str) -> Mapping[str, float]:
    return row[method].values if method in row else {}


def _strength(words: Sequence[WordScore]) -> FloatArray:
    return np.abs(_array(words))


def _array(words: Sequence[WordScore]) -> FloatArray:
    return np.array([word.score for word in words], dtype=np.float64)
