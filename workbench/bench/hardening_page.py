"""The page that compares hardened models with a plain one, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.bench.stock import BAD_CHARACTERS

_TOLERATED = 0.02
"""Clean accuracy that a hardened model may lose."""


def page(found: Mapping[str, Any]) -> str:
    """Return the comparison as Markdown."""
    lines = [
        "# Does hardening harden?",
        "",
        f"The default backbone, trained on `{found['data']}` by recipes that differ in their augmentation alone, and "
        f"attacked by `{found['primary_attack']}`, an attack of a family that no training saw, named in the recipes "
        "before training. How strong each is was chosen on the validation split; everything here is measured on the "
        "test split. Changes are paired with the plain model on the same texts; intervals are 95%. "
        "`python -m workbench.bench.hardening` makes this page.",
        "",
        "| model | edits seen in training | accuracy | change | accuracy under attack | change | the same after "
        "temperature scaling | change |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['model']} | {', '.join(row['seen']) or 'none'} | {_shown(row['clean'])} | "
        f"{_shown(row.get('clean_change'))} | {_shown(row['under'])} | {_shown(row.get('under_change'))} | "
        f"{_shown(row['under_tempered'])} (T = {row['temperature']:.2f}) | "
        f"{_shown(row.get('under_tempered_change'))} |"
        for row in found["models"]
    ]
    lines += ["", *(_verdict(row) for row in found["models"] if "under_change" in row), ""]
    lines += [
        "## Beside published figures",
        "",
        f"The plain model (22.7 million parameters, where BERT has 110 million), {found['published'][0]['clean']['n']} "
        "held-out texts, at most 5,000 questions a text.",
        "",
        "| recipe | accuracy | accuracy under attack | questions, mean | published |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{row['recipe']}` | {_shown(row['clean'])} | {_shown(row['under'])} | {row['queries']:.0f} | "
        f"{row['published']} |"
        for row in found["published"]
    ]
    lines += [
        "",
        "## Beside stock TextAttack",
        "",
        "The same texts, model, seeds and budgets (2,000 questions), in stock TextAttack as it is published (padding "
        "to the longest text of a batch, which changes no decision) and in the workbench. Where the outcome differs, "
        "our search was run again on stock's own scores, which differ from ours in the sixth digit."
        + "".join(f" {told}" for told in _conditions(found)),
        "",
        "| recipe | texts | same rewriting | same outcome | other outcome, which rounding explains |",
        "|---|---|---|---|---|",
        *(
            f"| `{one['recipe']}` | {one['n']} | {one['identical']} | {one['same_outcome']} | {one['explained']} of "
            f"{one['n'] - one['same_outcome']} |"
            for one in found["stock"]
        ),
    ]
    return "\n".join(lines) + "\n"


def _conditions(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a reader must know of the recipes that are in the table beside stock."""
    recipes = {one["recipe"] for one in found["stock"]}
    if "leap" in recipes:
        yield (
            "Synonyms come in alphabetical order on both sides: stock's order is a set's and changes from process to "
            "process."
        )
    if recipes & BAD_CHARACTERS.keys():
        yield (
            "Searches for bad characters aim at the other of the two labels, without a budget, as stock's must; ours "
            "end at the first success and stock's look for a better one, so rewritings differ."
        )
    yield "Input reduction is left out: stock deletes other words than those that it ranked, and ours does not."
    if found.get("stock_model") != found.get("model"):
        yield "For this table the plain model was trained anew, by the same recipe."


def _verdict(row: Mapping[str, Any]) -> str:
    gain, after, cost = row["under_change"], row["under_tempered_change"], row["clean_change"]
    if _high(cost) < -_TOLERATED:
        return f"- {row['model']} costs more than 2 points of clean accuracy, so what it gains under attack is no gain."
    if _low(gain) > 0 and _low(after) > 0:
        said = "helps: accuracy under attack rises, before and after temperature scaling"
    elif _high(gain) < 0 or _high(after) < 0:
        said = "makes it worse: accuracy under attack falls"
    else:
        said = "is not shown to help: the interval of the change holds zero, before or after temperature scaling"
    price = (
        "clean accuracy does not fall by 2 points"
        if _low(cost) > -_TOLERATED
        else "a fall of clean accuracy by 2 points cannot be excluded"
    )
    return f"- {row['model']} {said}; {price}. Its training: {row['cost']}."


def _low(found: Mapping[str, Any]) -> float:
    return -1.0 if found["interval"] is None else float(found["interval"]["low"])


def _high(found: Mapping[str, Any]) -> float:
    return 1.0 if found["interval"] is None else float(found["interval"]["high"])


def _shown(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    interval = found["interval"]
    spread = "" if interval is None else f" ({interval['low']:.3f} to {interval['high']:.3f})"
    return f"{found['value']:.3f}{spread}, n = {found['n']:,}"
