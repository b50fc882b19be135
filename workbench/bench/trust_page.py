"""The page on which explanations of the demo model can be relied on, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workbench.audit.explanations.one_text import CHANCE
from workbench.bench.rarity import RARITY
from workbench.evidence.measurement import Measurement
from workbench.evidence.sanity import CORRELATION, EXCESS, UNLEARNED, alike_without_labels, mostly_embeddings

PARTS = ("quality", "sanity", "stability", "cost")
"""Probes of the full profile, by the second half of their names."""
_SHALLOW = (
    "With every layer drawn anew and only the embeddings left, their explanations are still like the trained model's: "
    "they tell little of what the layers make of a text."
)
_UNTAUGHT = (
    "On a model trained on labels dealt out at random their explanations are much the same: they tell little of what "
    "this one learned from its labels."
)
_TABLES = (
    ("quality", "deletion", "Against chance", ("gain_over_random", "comprehensiveness", "sufficiency")),
    ("quality", "deletion", "Word by word", ("deletion_auc", "insertion_auc", "tau_loo", "infidelity")),
    ("quality", "mask", "With a mask in place of missing words", ("comprehensiveness", "sufficiency", "deletion_auc",
                                                                  "insertion_auc")),
    ("quality", "deletion", "Completeness and effort", ("completeness_gap", "passes_median")),
    ("stability", "deletion", "Stability", ("seed_stability", "edit_stability", "sensitivity_median")),
    ("cost", "deletion", "Time", ("seconds_median",)),
)  # fmt: skip
"""Part, what a missing word leaves behind, title, figures."""
_HEADS = {
    "gain_over_random": "comprehensiveness above that of random words, paired, corrected for all methods",
    "comprehensiveness": "comprehensiveness, the more the better",
    "sufficiency": "sufficiency, the less the better",
    "deletion_auc": "deletion curve, area, the less the better",
    "insertion_auc": "insertion curve, area, the more the better",
    "tau_loo": "Kendall's tau with leave-one-out",
    "infidelity": "infidelity, the less the better",
    "completeness_gap": "completeness gap, median",
    "passes_median": "forward passes a text, median",
    "seed_stability": "rank correlation with another seed",
    "edit_stability": "rank correlation after edits that keep every word",
    "sensitivity_median": "sensitivity, median",
    "seconds_median": "seconds a text, median",
}


def page(found: Mapping[str, Any]) -> str:
    """Return what there is of the parts: what follows first, then the tables, then notes and where it was made."""
    parts = found["parts"]
    lines = [
        "# Which explanations of the demo model can be relied on?",
        "",
        f"The methods of the full profile on held-out `{found['data']}`, measured as in its explanation part. Each "
        "cell has the value, its 95% interval (the first column's is corrected for all methods) and the number n of "
        "people whose texts it rests on (of texts, for seconds). `shap_kernel` explains short texts only: its first "
        "figure sets it against random words on those, and none compares with another method's. Random words have no "
        "row where an order dealt out at random gives 0 on average, whatever the text: tau and rank correlations. "
        "`python -m workbench.bench.trust` makes this page.",
        "",
        *(f"- {line}" for line in conclusions(parts)),
        "",
    ]
    for part, removal, title, metrics in _TABLES:
        lines += _table(title, _figures(parts.get(part), removal), metrics)
    lines += _sanity(parts.get("sanity"))
    lines += _agreement(parts.get("quality"))
    lines += ["## Notes", ""]
    lines += [f"- {name}: {note}" for name, part in parts.items() for note in part.get("notes", ())]
    lines += ["", "## Where and when", "", *(f"- {_made(name, part)}" for name, part in parts.items()), ""]
    return "\n".join(lines)


def conclusions(parts: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a reader may act on; parts that are missing or gave no figures are named first."""
    for name in PARTS:
        part = parts.get(name)
        if part is None:
            yield f"{name}: not measured yet."
        elif part["outcome"] != "measured":
            yield f"{name}: no figures ({part['outcome'].replace('_', ' ')}: {part['reason']})."
    quality = _figures(parts.get("quality"), "deletion")
    gains = {method: one for (method, metric), one in quality.items() if metric == "gain_over_random"}
    better = [method for method, one in gains.items() if one["interval"]["low"] > 0]
    if gains:
        yield f"{len(better)} of {len(gains)} methods are better than random words: {_listed(better)}."
        if rest := [method for method in gains if method not in better]:
            yield f"Not shown to be better than random words: {_listed(rest)}."
    asked = parts.get("sanity", {}).get("passes", {})
    silent = [one for one in parts.get("sanity", {}).get("params", {}).get("methods", ()) if asked and one not in asked]
    passes = {method: passed for method, passed in asked.items() if method != RARITY}
    doubted: dict[str, list[str]] = {}
    if passes:
        figures = _measurements(parts["sanity"])
        doubted = {_SHALLOW: mostly_embeddings(figures), _UNTAUGHT: alike_without_labels(figures)}
        passed = [method for method, outcome in passes.items() if outcome]
        yield f"{len(passed)} of {len(passes)} methods pass the sanity check: {_listed(passed)}."
        if rest := [*(method for method in passes if method not in passed), *silent]:
            yield f"Not shown to pass the sanity check: {_listed(rest)}."
        for why, methods in doubted.items():
            if named := [method for method in passed if method in methods]:
                yield f"Pass with reservation: {_listed(named)}. {why}"
    if RARITY in asked:
        caught = "is not caught: the check proves nothing" if asked[RARITY] else "does not pass, as it should be"
        yield f'{_called(RARITY)}, an "explainer" that never asks the model, {caught}.'
    if gains and passes:
        doubtful = {method for methods in doubted.values() for method in methods}
        both = [method for method in better if passes.get(method) and method not in doubtful]
        yield f"Better than random words, and pass without reservation: {_listed(both)}."
        if unasked := [method for method in better if method not in (*passes, *silent)]:
            yield f"Better than random words and not put to the sanity check: {_listed(unasked)}."


def _measurements(part: Mapping[str, Any]) -> list[Measurement]:
    return [Measurement.model_validate(one) for one in part.get("measurements", ())]


def _figures(part: Mapping[str, Any] | None, removal: str) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return (method, metric) -> figure about a method alone, by this removal; by none counts as by deletion."""
    return {
        (one["where"]["attributor"], one["name"].partition(".")[2]): one
        for one in (part or {}).get("measurements", ())
        if one["where"].keys() <= {"attributor", "removal"} and one["where"].get("removal", "deletion") == removal
    }


def _table(title: str, figures: Mapping[tuple[str, str], Mapping[str, Any]], metrics: Sequence[str]) -> Iterator[str]:
    methods = list(dict.fromkeys(method for method, metric in figures if metric in metrics))
    if not methods:
        return
    yield from (f"## {title}", "", f"| method | {' | '.join(_HEADS[metric] for metric in metrics)} |")
    yield "|---" * (len(metrics) + 1) + "|"
    for method in methods:
        cells = [_cell(figures.get((method, metric))) for metric in metrics]
        yield f"| {_called(method)} | {' | '.join(cells)} |"
    yield ""


def _sanity(part: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the table of the sanity check, signed scores, stage by stage; absolute scores are in the JSON."""
    passes = (part or {}).get("passes", {})
    if not passes:
        return
    columns: dict[str, dict[str, Mapping[str, Any]]] = {}
    for one in (part or {})["measurements"]:
        if one["where"].get("scores", "signed") == "signed" and (head := _head(one)):
            columns.setdefault(head, {})[one["where"]["attributor"]] = one
    yield from ("## Sanity check", "")
    yield (
        "Rank correlation of the words' scores with those on a network of which so many parts are random, from the "
        "head down to the embeddings; those of absolute scores are in `explanations.json`."
    )
    yield from ("", f"| method | | {' | '.join(columns)} |", "|---" * (2 + len(columns)) + "|")
    for method, outcome in passes.items():
        cells = [_cell(column.get(method)) for column in columns.values()]
        yield f"| {_called(method)} | {'passes' if outcome else 'not shown to pass'} | {' | '.join(cells)} |"
    yield ""


def _head(one: Mapping[str, Any]) -> str:
    """Return the heading of the column that a figure of the sanity check stands in; '' for other figures."""
    heads: dict[str, str] = {
        CORRELATION: one["where"].get("randomised", "all parts"),
        EXCESS: "all parts, above the limit by",
        UNLEARNED: "on a model trained on random labels",
    }
    return heads.get(one["name"], "")


def _agreement(part: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the matrix of rank correlations between methods above the diagonal, top words in common below."""
    found = {
        (one["where"]["attributor"], one["where"]["other"], one["name"].partition(".")[2]): one["value"]
        for one in (part or {}).get("measurements", ())
        if "other" in one["where"]
    }
    methods = list(dict.fromkeys(method for one, other, _ in found for method in (one, other)))
    if not methods:
        return
    yield from ("## Do methods agree?", "")
    yield (
        "Above the diagonal: rank correlation of the words' scores, mean over texts; below it: share of the five top "
        "words in common. Intervals and n are in `explanations.json`."
    )
    yield from ("", f"| | {' | '.join(_called(method) for method in methods)} |", "|---" * (len(methods) + 1) + "|")
    for i, row in enumerate(methods):
        cells = []
        for j, column in enumerate(methods):
            pair = (row, column, "agreement") if j > i else (column, row, "top_overlap")
            cells.append("" if i == j else f"{found[pair]:.2f}" if pair in found else "none")
        yield f"| {_called(row)} | {' | '.join(cells)} |"
    yield ""


def _cell(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "none, see notes"
    interval, unit = figure["interval"], figure["unit"]
    digits = 0 if unit == "sequences" else 3
    value, low, high = (f"{one:,.{digits}f}" for one in (figure["value"], interval["low"], interval["high"]))
    return f"{value} ({low} to {high}), n = {figure['n']}"


def _called(method: str) -> str:
    return "random words" if method == CHANCE else f"`{method.partition('@')[0]}`"


def _listed(methods: Sequence[str]) -> str:
    return ", ".join(_called(method) for method in methods) or "none"


def _made(name: str, part: Mapping[str, Any]) -> str:
    machine = part["machine"]
    return (
        f"{name}: {part['date'][:10]}, {part['seconds'] / 60:,.0f} minutes since it was last continued, on "
        f"{machine['threads']} threads of {machine['processor']}, searched in {part['searched_in']}, "
        f"model {part['model'][:12]}, code {machine['code']}."
    )
