"""What the training card guarantees, reckoned again from its own noise, sampling rate and steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.adapters.privacy_accounting import phases_of, reckoned
from workbench.audit.probe import Setting, probes
from workbench.data.corpus import Corpus, Task
from workbench.errors import BadInput
from workbench.evidence.cards import PrivacyCard
from workbench.evidence.measurement import Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier

_TOLERANCE = 1e-3
"""How far a claim may lie below the second accountant's figure, relatively: both round."""


@probes.register("privacy.statement@1")
@dataclass(frozen=True)
class Statement:
    """Reads the card, reckons epsilon by every accountant, and holds the claim against them."""

    name: ClassVar[str] = "privacy.statement@1"
    tasks: ClassVar[frozenset[Task]] = frozenset(Task)
    protocol: ClassVar[type[Any]] = Classifier
    by_group: ClassVar[bool] = True
    grows: ClassVar[bool] = False

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return epsilon and delta. Not applicable where nothing is claimed.

        Raises `BadInput` where the card claims less than its own noise, sampling rate and steps give.
        """
        training = setting.training
        if training is None:
            return NotApplicable(
                reason="it is not known how this model was trained (no training.json beside its weights), so nothing "
                "is claimed about privacy"
            )
        card = training.privacy
        if card is None:
            return NotApplicable(
                reason="the model was trained without differential privacy, so no guarantee limits what it tells of a "
                "record; to have one, train with a table [privacy] in the recipe"
            )
        mitigation = setting.mitigation
        if mitigation is not None and mitigation.breaks_privacy:
            return NotApplicable(reason=mitigation.unprotected)
        found = reckoned(phases_of(card.paid), card.delta, claimed="prv")
        _hold(card, {one.accountant: one.epsilon for one in found})
        measurements = [
            Measurement(
                name="privacy.epsilon",
                value=one.epsilon,
                unit="nats",
                better="lower",
                n=card.units,
                interval=None,
                where={"accountant": one.accountant},
            )
            for one in found
        ]
        measurements.append(
            Measurement(
                name="privacy.delta", value=card.delta, unit="proportion", better="lower", n=card.units, interval=None
            )
        )
        return Measured(measurements=tuple(measurements), exhibits=())


def _hold(card: PrivacyCard, found: dict[str, float]) -> None:
    """Raise `BadInput` where `card` claims less than the second accountant finds, or RDP where it finds nothing."""
    name = "pld" if "pld" in found else "rdp"
    if card.epsilon < found[name] * (1 - _TOLERANCE):
        before = ", with those that made its backbone," if card.before else ""
        raise BadInput(
            f"training.json claims epsilon {card.epsilon:.4g} at delta {card.delta:g}, but its own noise multiplier "
            f"({card.noise_multiplier:.4g}), sampling rate ({card.sample_rate:.4g}) and steps ({card.steps:,}){before} "
            f"give {found[name]:.4g} by {name}; the claim is not to be relied on"
        )
    if card.delta * card.units >= 1:
        raise BadInput(
            f"training.json states delta {card.delta:g} for {card.units:,} units: whole records may be published under "
            "such a guarantee"
        )
