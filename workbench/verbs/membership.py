"""What an audit knows of who the model could have learned from, and who it did."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.data.corpus import Corpus
    from workbench.evidence.cards import MembershipList
    from workbench.evidence.record import NotApplicable
    from workbench.models.membership import Members


def membership_list(run: Path | None, given: str | Path | None) -> MembershipList | None:
    """Return the list in the file `given`, or the one beside the weights in `run`; None without. Raises `BadInput`."""
    from workbench.models.membership import given_list
    from workbench.models.training_card import read_membership

    if given is not None:
        return given_list(Path(given))
    return None if run is None else read_membership(run)


def members_in(
    whole: Corpus,
    listed: MembershipList | None,
    run: Path | None,
    labels: tuple[str, ...],
    label_map: Mapping[str, str],
) -> Members | NotApplicable:
    """Return the examples of `whole` that `listed` names, with what the run's references say of them."""
    from workbench.models.membership import NO_LIST, members_of
    from workbench.models.references import read_references

    if listed is None:
        return NO_LIST
    references = None
    if run is not None and listed.corpus is not None:
        references = read_references(run, pool=listed.digest, n=len(listed.ids))
    return members_of(listed, whole, labels, label_map, references=references)
