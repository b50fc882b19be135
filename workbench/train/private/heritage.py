"""What a backbone had learned before a private run starts from it, and what of that the run's guarantee must count.

A backbone that the workbench trained says so in its training card. What it learned privately is composed with the run's
own steps, as if from the same units: more than that it cannot have spent. What it learned without privacy no noise can
take back, so such a backbone is refused unless its fingerprints show that it saw none of the run's examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.privacy_accounting import Phase
from workbench.data.corpus import Corpus
from workbench.data.overlap import overlap
from workbench.errors import Misconfigured
from workbench.evidence.cards import PaidSteps
from workbench.models.training_card import FINGERPRINTS, read_fingerprints, read_training_card
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
        return tuple(Phase(one.noise_multiplier, one.sample_rate, one.steps) for one in self.before)


def heritage_of(backbone: Path, how: Privacy, train: Corpus) -> Heritage:
    """Return what the model in the folder `backbone` brings to a private run on `train`.

    Nothing for one that the workbench did not train: what such a backbone was made from is not known, and the statement
    says nothing of it.

    Raises:
        Misconfigured: it has learned from some of these examples without privacy, may have, or counted other units.
        BadInput: its card or fingerprints cannot be read.
    """
    card = read_training_card(backbone)
    if card is None:
        return Heritage()
    name = backbone.name
    if card.privacy is None:
        marks = read_fingerprints(backbone)
        if marks is None:
            raise Misconfigured(
                f"backbone {name}: was trained without privacy, and no {FINGERPRINTS} beside it tells whether on these "
                "examples; start from a backbone that was not, or put the file back"
            )
        if seen := overlap(train, marks):
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
