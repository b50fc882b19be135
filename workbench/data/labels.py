"""Bringing the data's labels and the model's labels together, or saying why that cannot be done."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.data.corpus import Corpus
from workbench.errors import LabelMismatch, Misconfigured, NotFound

_DIVIDER = re.compile(r"(?<!\\)=")


def align(corpus: Corpus, labels: Sequence[str], label_map: Mapping[str, str]) -> Corpus:
    """Return `corpus` with the model's `labels`, in the model's order.

    `label_map` (data label -> model label) goes first; the labels that it leaves must all be the model's names, or all
    be whole numbers that are the model's label ids; where a model's names count otherwise than its ids ('1 star' has
    the id 0), numbers are ambiguous, and refused. Several data labels may become one. Without a model label of its own,
    a data label is an error: nothing is guessed, and nothing is dropped.

    Raises:
        LabelMismatch: what still does not match, with both sides and a --label-map to paste.
        NotFound: `label_map` names a label that is on neither side.
    """
    names = tuple(labels)
    for theirs, ours in label_map.items():
        if theirs not in corpus.labels:
            raise NotFound.among("data label", theirs, corpus.labels, where=f"--label-map (labels of {corpus.name})")
        if ours not in names:
            raise NotFound.among("model label", ours, names, where="--label-map")
    left = [label for label in corpus.labels if label not in label_map]
    matched = _matched(left, names, corpus)
    renumbered = {ours for theirs, ours in label_map.items() if _is_number(theirs)}
    for theirs, ours in matched.items():
        if theirs != ours and ours in renumbered:
            raise LabelMismatch(
                f"--label-map gives {ours!r} to another label of {corpus.name}, and {theirs!r}, read as the model's "
                f"label id, is {ours!r} as well; say what each means: {_flags({**label_map, **matched})}"
            )
    meaning = {**label_map, **matched}
    positive = None if corpus.positive_label is None else meaning.get(corpus.positive_label)
    examples = tuple(
        example if meaning[example.label] == example.label else replace(example, label=meaning[example.label])
        for example in corpus
    )
    return replace(corpus, examples=examples, labels=names, positive_label=positive)


def parse_label_map(items: Sequence[str]) -> dict[str, str]:
    r"""Return the mapping that repeated 'DATA=MODEL' arguments tell. Raises `Misconfigured`.

    The first '=' divides; one that belongs to the data label is written '\='. Spaces belong to the names.
    """
    mapping: dict[str, str] = {}
    for item in items:
        theirs, *rest = _DIVIDER.split(item, maxsplit=1)
        theirs, ours = theirs.replace("\\=", "="), "".join(rest)
        if not (theirs and ours):
            raise Misconfigured(
                f"--label-map {item!r} must look like DATA=MODEL, such as --label-map yes=positive; "
                "an '=' inside the data label is written '\\=', and spaces around '=' belong to the names"
            )
        if mapping.setdefault(theirs, ours) != ours:
            raise Misconfigured(f"--label-map gives {theirs!r} two meanings: {mapping[theirs]!r} and {ours!r}")
    return mapping


def _matched(left: Sequence[str], names: Sequence[str], corpus: Corpus) -> dict[str, str]:
    """Return the model label of each data label in `left`: all by name, or all by id."""
    by_name = {label: label for label in left if label in names}
    by_id = {label: names[int(label)] for label in left if _is_id(label, len(names))}
    if len(by_name) == len(left) == len(by_id) and by_name != by_id:
        label = next(label for label in left if by_name[label] != by_id[label])
        raise LabelMismatch(
            f"the label {label!r} of {corpus.name} is ambiguous: the model has a label named {label!r}, but its label "
            f"with id {label} is {by_id[label]!r}; say which is meant, for names: {_flags(by_name)}"
        )
    if len(by_name) == len(left):
        return by_name
    if len(by_id) == len(left):
        if not (odd := _numbered_otherwise(names)):
            return by_id
        by_number = _by_number(left, names)
        as_named = f"; as the numbers in the names: {_flags(by_number)}" if len(by_number) == len(left) else ""
        raise LabelMismatch(
            f"the labels of {corpus.name} are ambiguous: {_listed(left)} may be label ids, but the model's names count "
            f"otherwise ({odd[1]!r} has the id {odd[0]}); say which is meant, as ids: {_flags(by_id)}{as_named}"
        )
    unmatched = [label for label in left if label not in by_name]
    raise LabelMismatch(
        f"the labels of {corpus.name} are not the model's: the data has {_listed(corpus.labels)}, "
        f"the model {_listed(names)}; without a counterpart: {_listed(unmatched)}. "
        f"Say what each means, for example (check every pair): {_flags(_guessed(unmatched, names))}"
    )


def _numbered_otherwise(names: Sequence[str]) -> tuple[int, str] | None:
    """Return the first label id whose name holds another whole number, and that name; LABEL_3 with id 3 is none."""
    for i, name in enumerate(names):
        if any(number != str(i) for number in _numbers(name)):
            return i, name
    return None


def _by_number(left: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return the name that holds each label as a number, where there is exactly one."""
    fitting = {label: [name for name in names if label in _numbers(name)] for label in left}
    return {label: found[0] for label, found in fitting.items() if len(found) == 1}


def _numbers(name: str) -> list[str]:
    """Return the whole numbers in `name`, without zeros in front."""
    return [digits.lstrip("0") or "0" for digits in re.findall(r"[0-9]+", name)]


def _is_id(label: str, n: int) -> bool:
    return _is_number(label) and int(label) < n


def _is_number(label: str) -> bool:
    """Whether `label` is a whole number as label ids are written: no sign, no zeros in front, of a sane length."""
    return label.isascii() and label.isdigit() and len(label) < 10 and str(int(label)) == label


def _guessed(unmatched: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return a proposal for each label: the name with its number, the nearest one, else those left over, in order."""
    folded = {name.casefold(): name for name in names}
    guess = _by_number([label for label in unmatched if _is_number(label)], names)
    for label in unmatched:
        if label not in guess and (near := difflib.get_close_matches(label.casefold(), folded, n=1, cutoff=0.6)):
            guess[label] = folded[near[0]]
    rest = [name for name in names if name not in guess.values()]
    for label in unmatched:
        if label not in guess:
            guess[label] = rest.pop(0) if rest else names[-1]
    return {label: guess[label] for label in unmatched}


def _flags(mapping: Mapping[str, str]) -> str:
    items = (theirs.replace("=", "\\=") + "=" + ours for theirs, ours in mapping.items())
    return " ".join(f"--label-map {shlex.quote(item)}" for item in items)


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(repr(label) for label in labels[:20]) + (
        f" and {len(labels) - 20} more" if len(labels) > 20 else ""
    )
