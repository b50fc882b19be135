"""What lies beside the weights of a model that the workbench trained: its training card and its fingerprints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from workbench.data import overlap
from workbench.errors import BadInput
from workbench.evidence.cards import CanaryRun, MembershipList, TextCanaries, TrainingCard
from workbench.evidence.schema import Stored
from workbench.models.mean_pooled import MODEL_TYPE

CARD, FINGERPRINTS, CANARIES = "training.json", "fingerprints.txt", "canaries.json"
BASE = "base_model"
"""Key of the config under which training notes the backbone's name."""
MEMBERSHIP, TEXT_CANARIES = "membership.json", "text_canaries.json"

_Kept = TypeVar("_Kept", bound=Stored)


def read_training_card(folder: Path) -> TrainingCard | None:
    """Return the card in `folder`, or None for a model that the workbench did not train. Raises `BadInput`."""
    return read_stored(folder / CARD, TrainingCard, "the training card")


def is_trained_here(folder: Path) -> bool:
    """Tell from the config whether the workbench trained the model in `folder`, also where its card is gone."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and (BASE in config or config.get("model_type") == MODEL_TYPE)


def read_fingerprints(folder: Path) -> frozenset[str] | None:
    """Return the hashes of the texts and people that the model in `folder` was trained on; None where unknown."""
    path = folder / FINGERPRINTS
    return overlap.read_fingerprints(path) if path.is_file() else None


def read_canaries(folder: Path) -> CanaryRun | None:
    """Return what became of the canaries of the private run that made the model in `folder`; None without.

    Raises `BadInput`.
    """
    return read_stored(folder / CANARIES, CanaryRun, "the canaries")


def read_text_canaries(folder: Path) -> TextCanaries | None:
    """Return the made-up texts that the run of the model in `folder` planted; None without. Raises `BadInput`."""
    return read_stored(folder / TEXT_CANARIES, TextCanaries, "the text canaries")


def read_membership(folder: Path) -> MembershipList | None:
    """Return who the model in `folder` could have learned from and did; None where unknown. Raises `BadInput`."""
    return read_stored(folder / MEMBERSHIP, MembershipList, "the membership list")


def read_stored(path: Path, kind: type[_Kept], called: str) -> _Kept | None:
    """Return the value stored at `path`; None where there is none. Raises `BadInput`, naming what it is `called`."""
    if not path.is_file():
        return None
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise BadInput(f"cannot read {called} {path}: {first}; restore the file, or remove it") from error
