"""Which explanations to trust for this model: methods side by side, each measured on the model under audit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations

from workbench.evidence.exhibits import MethodQuality
from workbench.evidence.measurement import Measurement
from workbench.evidence.names import title
from workbench.evidence.sanity import ALIKE, Outcome, alike_without_labels, mostly_embeddings, outcomes
from workbench.report.blocks import Block, Cell, Fold, Heading, Paragraph, Table
from workbench.report.tables import tables
from workbench.report.text import listed, short
from workbench.verdict import wording

GAIN = "explanations.gain_over_random"
CHANCE = "random@1"

_FIRST = (
    "explanations.comprehensiveness",
    "explanations.sufficiency",
    "explanations.deletion_auc",
    "explanations.insertion_auc",
    "explanations.tau_loo",
    "explanations.seconds_median",
)
_LOWER = ("explanations.sufficiency", "explanations.deletion_auc", "explanations.seconds_median")
_PAIRS = ("explanations.agreement", "explanations.top_overlap")


def trust(held: Sequence[Measurement], asked: Collection[str] = ()) -> tuple[Block, ...]:
    """Return the methods with the best first, what to make of it, how they agree, and the other measurements.

    `asked` are the methods that were put to the sanity check: those without an outcome left nothing to compare.
    """
    gains = {one.where["attributor"]: one for one in held if one.name == GAIN}
    pairs = [one for one in held if one.name in _PAIRS]
    shown = [one for one in held if one.name in _FIRST and set(one.where) == {"attributor"}]
    rest = [one for one in held if one.name != GAIN and one not in pairs and one not in shown]
    silent: dict[str, Outcome] = dict.fromkeys(asked, "open")
    checks, shallow, untaught = silent | outcomes(held), mostly_embeddings(held), alike_without_labels(held)
    doubted = {*shallow, *untaught}
    blocks: list[Block] = []
    if gains:
        order = [*sorted(gains, key=lambda method: -gains[method].value), CHANCE]
        blocks += [
            Heading("Which explanations should you trust for this model?"),
            Paragraph(_sentence(gains, checks, shallow, untaught)),
            _table(order, gains, shown, {one: _checked(checks.get(one), one in doubted) for one in gains}),
        ]
        if pairs:
            blocks.append(_agreement([method for method in order if method != CHANCE], pairs))
    else:
        rest += shown
    others = tables("Explanations", rest)
    if gains and others:
        return (*blocks, Fold("More measurements of the explanations", others))
    return (*blocks, *others)


def worth(quality: Sequence[MethodQuality]) -> Table:
    """Return what several explanations of one text are worth on it; random words last."""
    names = [name for name in _FIRST if any(_key(name) in one.values for one in quality)]
    rows = tuple(
        (
            Cell(short(one.attributor)),
            *(_value(one.values.get(_key(name))) for name in names),
        )
        for one in quality
    )
    columns = (Cell("Method"), *(Cell(title(name), _better(name), numeric=True) for name in names))
    return Table("What each explanation is worth on this one text (no interval: an audit measures many)", columns, rows)


def _value(value: float | None) -> Cell:
    return Cell("undefined" if value is None else wording.number(value, ""), numeric=True)


def _key(name: str) -> str:
    metric = name.partition(".")[2]
    return metric if metric == "tau_loo" else f"{metric}/deletion"


def beats_random(gain: Measurement) -> bool:
    """Return whether the whole interval of a method's gain over random words lies above zero."""
    return gain.interval is not None and gain.interval.low > 0


def _sentence(
    gains: Mapping[str, Measurement],
    checks: Mapping[str, Outcome],
    shallow: Collection[str],
    untaught: Collection[str],
) -> str:
    """Return which methods to rely on: better than random words, and changed when the model forgets what it learned."""
    beat = [method for method, gain in gains.items() if beats_random(gain)]
    level = wording.level(next(iter(gains.values())).interval)  # type: ignore[arg-type]
    if not beat:
        return (
            "None. On this model no method was shown to name words that matter more than random ones "
            f"({level} intervals, corrected for the number of methods), so no coloured text below should be believed."
        )
    more = (
        "taking away the words named changes the model's probability more than taking away random ones "
        f"({level} intervals, corrected for the number of methods)"
    )
    passed = [method for method in beat if checks.get(method) == "passes"]
    said = {
        f"{{}}: {more}, and the explanations change when the model forgets what it learned (the sanity check).": (
            [method for method in passed if method not in shallow and method not in untaught]
        ),
        f"{{}}: {more}. Whether the explanations depend on what the model learned was not checked in this audit.": (
            [] if checks else beat
        ),
        "With reservation, {}: better than random words, but the explanations are still like the model's own (rank "
        f"correlation surely above {ALIKE:g}) where everything but the embeddings is random, so they tell little of "
        "what its layers make of a text.": ([method for method in passed if method in shallow]),
        "With reservation, {}: better than random words, but the explanations are like those on a model that was "
        f"trained on random labels (rank correlation surely above {ALIKE:g}), so they tell little of what this one "
        "learned from its labels.": ([method for method in passed if method in untaught]),
        "Not shown to pass the sanity check, though better than random words: {}.": (
            [method for method in beat if checks.get(method) == "open"]
        ),
        "Better than random words, and not put to the sanity check in this audit: {}.": (
            [method for method in beat if checks and method not in checks]
        ),
        "Do not rely on {}: better than random words, but the sanity check failed: the explanations hardly depend on "
        "what the model learned.": [method for method in beat if checks.get(method) == "fails"],
        "Do not rely on {}: not shown to be better than random words.": [one for one in gains if one not in beat],
    }
    sentences = [
        text.format(listed([short(one) for one in names], limit=len(names))) for text, names in said.items() if names
    ]
    return " ".join(sentences if passed or not checks else ["None for sure.", *sentences])


def _checked(outcome: Outcome | None, doubted: bool) -> str:
    if outcome == "passes" and doubted:
        return "passes, with reservation"
    return {"passes": "passes", "fails": "fails", "open": "not shown", None: "not asked"}[outcome]


def _table(
    order: Iterable[str], gains: Mapping[str, Measurement], shown: Sequence[Measurement], checked: Mapping[str, str]
) -> Table:
    by_key = {(one.where["attributor"], one.name): one for one in shown}
    names = [name for name in _FIRST if any(key[1] == name for key in by_key)]
    rows = []
    for method in order:
        gain = gains.get(method)
        if gain is None:
            word, cell = "the floor", Cell("", numeric=True)
        else:
            word, cell = ("yes" if beats_random(gain) else "not shown"), _cell(gain)
        figures = (_cell(by_key.get((method, name))) for name in names)
        rows.append((Cell(short(method)), Cell(word), Cell(checked.get(method, "")), cell, *figures))
    return Table(
        "Methods, the best first; random words last",
        (
            Cell("Method"),
            Cell("Beats random words"),
            Cell("Sanity check"),
            Cell(title(GAIN), numeric=True),
            *(Cell(title(name), _better(name), numeric=True) for name in names),
        ),
        tuple(rows),
    )


def _better(name: str) -> str:
    return "lower is better" if name in _LOWER else "higher is better"


def _agreement(methods: Sequence[str], pairs: Sequence[Measurement]) -> Table:
    """Return one row for each pair: a matrix of so many numbers would fit neither a telephone nor paper."""
    known = {(one.name, frozenset((one.where["attributor"], one.where["other"]))): one for one in pairs}
    rows = [
        (
            Cell(f"{short(one)} and {short(other)}"),
            *(_cell(known.get((name, frozenset((one, other))))) for name in _PAIRS),
        )
        for one, other in combinations(methods, 2)
    ]
    return Table(
        "How alike methods rank the words of a text",
        (
            Cell("Methods"),
            Cell("Mean Spearman correlation", "1 is the same, 0 is unrelated", numeric=True),
            Cell("Top five words in common", "mean share", numeric=True),
        ),
        tuple(rows),
    )


def _cell(one: Measurement | None) -> Cell:
    if one is None:
        return Cell("not measured", numeric=True)
    small = f"{wording.interval(one.interval, one.unit)}; n = {one.n:,}"
    return Cell(wording.number(one.value, one.unit), small, numeric=True, strong=True)
