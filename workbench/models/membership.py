"""Who a model could have learned from and who it did, with their texts: what attacks on membership are measured on."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.data.corpus import Corpus
from workbench.data.labels import align
from workbench.errors import BadInput
from workbench.evidence.cards import MembershipList
from workbench.evidence.record import NotApplicable
from workbench.models.references import References

Bools = NDArray[np.bool_]

NO_LIST = NotApplicable(
    reason="it is not known who was learned from and who was not (no membership.json beside the weights); train with "
    "experiment = true in the recipe (workbench train --experiment), or name a list of your own with --members"
)
_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class Members:
    """Everybody who could have been learned from, and who was."""

    pool: Corpus
    """In canonical order, with the model's labels."""
    member: Bools
    """Whether each example of `pool` was learned from, (n,)."""
    drawn: bool
    """Whether fair coins decided it."""
    references: References | None = None
    """Models trained on other random halves of the same pool; None where nobody made any."""

    def sample(self, limit: int) -> Members:
        """Return at most `limit` examples of the pool, those whose ids hash lowest."""
        kept = self.pool.sample(limit)
        chosen = {one.id for one in kept}
        rows = np.array([one.id in chosen for one in self.pool], dtype=np.bool_)
        references = None if self.references is None else self.references.among(rows)
        return Members(kept, self.member[rows], self.drawn, references)


def members_of(
    listed: MembershipList,
    whole: Corpus,
    labels: tuple[str, ...],
    label_map: Mapping[str, str],
    *,
    references: References | None = None,
) -> Members | NotApplicable:
    """Return the examples of `whole` that `listed` names; not applicable where they are not in it.

    Args:
        listed: the list.
        whole: the data given to the audit, before it is split.
        labels: the model's.
        label_map: from the data's to them.
        references: scores in the order of the list's ids.

    Raises what `align` does.
    """
    if listed.corpus is not None and listed.corpus != whole.digest:
        return NotApplicable(
            reason=f"the membership list is about other data than {whole.name}; audit with the data that the model was "
            "trained on (the workbench takes the list's examples from it, and all other figures from its test part)"
        )
    member = dict(zip(listed.ids, listed.member, strict=True))
    pool = whole.where(lambda one: one.id in member).canonical()
    if len(pool) < len(member):
        return NotApplicable(
            reason=f"{len(member) - len(pool):,} of the {len(member):,} examples on the membership list are not in "
            f"{whole.name}; audit with the data that it was made from"
        )
    coins = np.array([member[one.id] for one in pool], dtype=np.bool_)
    assert references is None or listed.ids == tuple(one.id for one in pool), "canonical order is the list's"
    return Members(align(replace(pool, split="train"), labels, label_map), coins, listed.drawn, references)


def given_list(file: Path) -> MembershipList:
    """Return the list in a CSV file with the columns `id` and `member` (true or false).

    Raises `BadInput`, naming file and line.
    """
    found: dict[str, bool] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if not {"id", "member"} <= set(rows.fieldnames or ()):
                raise BadInput(f"{file}: a membership list needs the columns id and member; got {rows.fieldnames}")
            for row in rows:
                told = _WORDS.get((row["member"] or "").strip().lower())
                if told is None or row["id"] in found:
                    problem = f"member is {row['member']!r}" if told is None else f"the id {row['id']!r} stands twice"
                    raise BadInput(f"{file}, line {rows.line_num}: {problem}; give each id once, with true or false")
                found[row["id"]] = told
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"cannot read the membership list {file}: {error}") from error
    ids = tuple(sorted(found))
    return MembershipList(drawn=False, corpus=None, unit="person", ids=ids, member=tuple(found[each] for each in ids))
