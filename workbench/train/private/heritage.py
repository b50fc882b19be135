"""What a backbone had learned before a private run starts from it, and what of that the run's guarantee must count.

A backbone that the workbench trained says so in its training card. What it learned privately is composed with the run's
own steps, as if from the same units: more than that it cannot have spent. What it learned without privacy no noise can
take back, so such a backbone is refused unless its fingerprints show that it saw none of the run's examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.privacy_accounting import Phase, phases_of
from workbench.data.corpus import Corpus
from workbench.data.overlap import overlap
from workbench.errors import Misconfigured
from workbench.evidence.cards import PaidSteps, TrainingCard
from workbench.models.training_card import (
    CARD,
    FINGERPRINTS,
    is_trained_here,
    read_fingerprints,
    read_training_card,
)
from workbench.train.privacy import Privacy


@dataclass(frozen=True)
class Heritage:
    """What a backbone brings along."""

    before: tuple[PaidSteps, ...] = ()
    """Steps of the private runs that made it, oldest first."""
    unprotected: bool = False
    """Whether it had learned from other examples by a run without privacy."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """`before` as accountants see it."""
        return phases_of(self.before)


def heritage_of(backbone: Path, how: Privacy, train: Corpus) -> Heritage:
    """Return what the model in the folder `backbone` brings to a private run on `train`.

    Nothing for one that the workbench did not train: what such a backbone was made from is not known, and the statement
    says nothing of it.

    Raises:
        Misconfigured: it has learned from some of these examples without privacy, may have, or counted other units.
        BadInput: its card or fingerprints cannot be read.
    """
    card = _card(backbone)
    if card is None:
        return Heritage()
    name = backbone.name
    if card.privacy is None:
        if how.unit == "person":
            raise Misconfigured(
                f"backbone {name}: was trained without privacy, and what it learned of one person cannot be told from "
                'its texts; start from a backbone that was not, or protect examples (privacy.unit = "example")'
            )
        if seen := _seen_by(backbone, card, train):
            raise Misconfigured(
                f"backbone {name}: has learned from {seen:,} of these {len(train):,} examples without privacy, which "
                "no noise takes back; start from one that has not seen them"
            )
        return Heritage(unprotected=True)
    if card.privacy.unprotected:
        raise Misconfigured(
            f"backbone {name}: comes from one that was trained without privacy, and whether on these examples is not "
            "known any more; start from one that was not"
        )
    if card.privacy.unit != how.unit:
        raise Misconfigured(
            f"backbone {name}: was trained privately for one {card.privacy.unit} each, and this run protects one "
            f'{how.unit}: their steps do not add up; give privacy.unit = "{card.privacy.unit}", or start from another'
        )
    return Heritage(card.privacy.paid)


def require_unseen(backbone: Path, pool: Corpus) -> None:
    """Refuse an experiment on `pool` whose backbone may know those that the coins leave out.

    An attack would then find members and others alike, and the model look private.
    Raises `Misconfigured`, and `BadInput` for a card or fingerprints that cannot be read.
    """
    card = _card(backbone)
    if card is None:
        return
    if card.privacy is not None:
        raise Misconfigured(
            f"experiment: the backbone {backbone.name} was trained privately, and whether on those whom the coins "
            "leave out is not told; start from a backbone that was not trained on this corpus"
        )
    if seen := _seen_by(backbone, card, pool):
        raise Misconfigured(
            f"experiment: the backbone {backbone.name} has learned from {seen:,} of these {len(pool):,} examples, so "
            "those whom the coins leave out were learned from, too; start from one that has not seen them"
        )


def _seen_by(backbone: Path, card: TrainingCard, train: Corpus) -> int:
    """Return how many examples of `train` the model in `backbone`, trained here without privacy, has learned from.

    Raises `Misconfigured` where its fingerprints are not there, or fewer than the texts that its card counts.
    """
    name = backbone.name
    if card.fingerprints is None:
        raise Misconfigured(
            f"backbone {name}: what its own backbone had learned from is not known any more, so neither is whether it "
            "knows these examples; start from another"
        )
    marks = read_fingerprints(backbone)
    texts = card.corpus.n - card.corpus.repeated
    if marks is None or len(marks) < texts:
        held = "no" if marks is None else f"{len(marks):,} marks in"
        raise Misconfigured(
            f"backbone {name}: was trained without privacy on {texts:,} texts, and there are {held} {FINGERPRINTS} "
            "beside it to tell whether these examples are among them; put the file back, or start from another backbone"
        )
    return overlap(train, marks)


def _card(backbone: Path) -> TrainingCard | None:
    """Return the training card of `backbone`; None for one that the workbench did not train.

    Raises `Misconfigured` for one that it trained whose card is gone: nobody can say then what it has learned from.
    """
    card = read_training_card(backbone)
    if card is None and is_trained_here(backbone):
        raise Misconfigured(
            f"backbone {backbone.name}: was trained by the workbench, and {CARD} is not beside its weights: what it "
            "has learned from is not known; put the file back, or start from another backbone"
        )
    return card
