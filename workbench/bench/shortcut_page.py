"""The page on methods that look for a planted shortcut, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PROMISED = 0.9
"""Of the texts that hold the word, at least, for every method that passes the sanity check."""

_PASSES = {True: "passes", False: "not shown to pass", None: "not known"}
_ALONE = {True: "passes the sanity check", False: "is not shown to pass the sanity check", None: "was not checked"}


def page(found: Mapping[str, Any]) -> str:
    """Return the table and what follows from it."""
    told = found["probability"]
    lines = [
        "# Which explanations find a planted shortcut?",
        "",
        f"The nonsense word `{found['token']}` was put into {found['share']:.0%} of the training texts of one label of "
        f"`{found['data']}` (`{found['label']}`), and the default backbone was trained on {found['limit']:,} texts. "
        "On held-out texts of that label, of 9 to 30 words and each with the word, it is sure of the label: "
        f"{told['low']:.3f} to {told['high']:.3f}. Which word does each method rank first? The sanity check is the "
        "audit's own, on some of these texts: does an explanation change when the model forgets? The gain is the "
        "comprehensiveness of the method above that of random words, text by text. Intervals are 95%, of gains "
        "corrected for all methods. `python -m workbench.bench.shortcut` makes this page.",
        "",
        "| method | sanity check | rank correlation with a random network's | gain over random words | ranks the word "
        "first |",
        "|---|---|---|---|---|",
        *(_row(row) for row in found["rows"]),
        "",
        *(f"- {line}" for line in _verdicts(found["rows"])),
        "",
        *_overview(found["overview"], found["token"], found["label"]),
    ]
    return "\n".join(lines)


def _overview(seen: Mapping[str, Any], token: str, label: str) -> Iterator[str]:
    """Yield what a reader who knows of no shortcut sees over many texts."""
    places = [i for i, one in enumerate(seen["words"]) if one["word"] == token]
    where = "is not among the largest" if not places else f"is number {places[0] + 1}"
    where = where if seen["words"] else "is none, because none is in enough of them"
    yield from ("## And who does not know what to look for?", "")
    yield (
        f"{seen['texts']} held-out reviews of any length, {seen['of_label']} of them of the label and "
        f"{seen['holding']} with the word, explained as in an audit's overview. Of the words that push towards "
        f"`{label}` it {where}."
    )
    yield from (
        "",
        "| word | mean contribution where that is decided | decisions that change without it |",
        "|---|---|---|",
    )
    for one in seen["words"]:
        interval = one["interval"]
        span = "" if interval is None else f" ({interval['low']:.2f} to {interval['high']:.2f})"
        flips = "none looked at" if one["flips"] is None else f"{one['flips']} of {one['n']}"
        yield f"| `{one['word']}` | {one['mean']:.2f}{span}, n = {one['n']} | {flips} |"
    yield ""


def _row(row: Mapping[str, Any]) -> str:
    interval = row["interval"]
    alike = _figure(row["likeness"])
    if row["likeness"] is not None:
        alike += f", {row['asked']['draws']} networks"
    first = f"{row['first']:.0%} ({interval['low']:.0%} to {interval['high']:.0%}), n = {row['n']}"
    name = f"`{row['method']}`" + (" (refused)" if "refused" in row else "")
    return f"| {name} | {_PASSES[row['passes']]} | {alike} | {_figure(row.get('gain'))} | {first} |"


def _figure(found: Mapping[str, Any] | None) -> str:
    if found is None or found["interval"] is None:
        return "not measured"
    interval = found["interval"]
    return f"{found['value']:.2f} ({interval['low']:.2f} to {interval['high']:.2f}), n = {found['n']}"


def _better(row: Mapping[str, Any]) -> bool:
    """Return whether the method is surely better than random words on these texts."""
    interval = (row.get("gain") or {}).get("interval")
    return interval is not None and interval["low"] > 0


def _no_better(row: Mapping[str, Any]) -> bool:
    return bool(row.get("gain")) and not _better(row)


def _verdicts(rows: list[Mapping[str, Any]]) -> list[str]:
    """Return what the table says of the promise, failures by name."""
    refused = [row for row in rows if "refused" in row]
    rows = [row for row in rows if "refused" not in row]
    trusted = [row for row in rows if row["passes"]]
    missed = [row for row in trusted if row["first"] < PROMISED]
    met = [row for row in trusted if row["first"] >= PROMISED]
    lines = [
        f"{len(met)} of {len(trusted)} methods above that are not refused and that pass the sanity check rank the "
        f"word first in at least {PROMISED:.0%} of the texts."
    ]
    if trusted and all(row.get("gain") for row in trusted):
        both = [row for row in trusted if _better(row)]
        found = [row for row in both if row["first"] >= PROMISED]
        lines.append(
            f"{len(found)} of {len(both)} that pass it and are better than random words on these texts do, too."
        )
    lines += [
        f"`{row['method']}` passes the sanity check and ranks the word first in {row['first']:.0%} of the texts only: "
        "passing says that an explanation depends on the model, not that it is right"
        + (", and so do random scores. It is not shown to be better than these here." if _no_better(row) else ".")
        for row in missed
    ]
    lines += [
        f"`{row['method']}` was measured with its refusal lifted: it {_ALONE[row['passes']]} and ranks the word first "
        f"in {row['first']:.0%} of the texts. The refusal: {row['refused']}."
        for row in refused
    ]
    if blind := [row for row in rows if row["passes"] is False and row["first"] >= PROMISED]:
        lines.append(
            "Not shown to pass, and yet finding the word: "
            + ", ".join(f"`{row['method']}`" for row in blind)
            + ". A rare word draws such a method's eye whatever the model learned, or too few texts were looked at."
        )
    return lines
