"""Reference models of a run, as an attack reads them: not their weights, only what each says of every record.

One safetensors file for each, `references/007.safetensors` in the run's folder: whether it learned from each record of
the run's membership list, and its logit-scaled confidence in the true label. A file appears whole or not at all.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput
from workbench.files import writing

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FOLDER = "references"
SAME: Final = "same"
"""Kind of references that are trained as the run itself was."""


@dataclass(frozen=True)
class References:
    """What K reference models say of n records."""

    confidence: Floats
    """Logit-scaled confidence in the true label, (K, n)."""
    included: Bools
    """Whether each learned from each record, (K, n)."""
    kind: str
    """'same': trained as the run was; 'lora' or 'head': fewer parameters moved, so a weaker attack."""

    @property
    def digest(self) -> str:
        """sha256 of all that they say."""
        told = hashlib.sha256(f"{self.kind} {self.confidence.shape}".encode())
        for held in (self.confidence, self.included):
            told.update(np.ascontiguousarray(held).tobytes())
        return told.hexdigest()

    def among(self, rows: Bools) -> References:
        """Return what they say of the records that `rows` (n,) marks."""
        return References(self.confidence[:, rows], self.included[:, rows], self.kind)


def place_of(run: Path, number: int) -> Path:
    """Return the file of reference `number`, counted from 0."""
    return run / FOLDER / f"{number:03d}.safetensors"


def write_reference(place: Path, *, confidence: Floats, included: Bools, kind: str, pool: str) -> None:
    """Write what one reference says, all or nothing. `pool`: digest of the membership list. Raises `Unwritable`."""
    from safetensors.numpy import save_file

    with writing(place) as temporary:
        tensors: dict[str, Any] = {"confidence": confidence, "included": included}
        save_file(tensors, temporary, metadata={"kind": kind, "pool": pool})


def read_reference(place: Path, *, pool: str, n: int) -> References:
    """Return the one reference in the file `place`, K = 1. Raises `BadInput` where it is not of this pool."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(place, framework="numpy") as held:
            told = held.metadata() or {}
            confidence, included = held.get_tensor("confidence"), held.get_tensor("included")
    except (OSError, SafetensorError) as error:
        raise BadInput(f"cannot read the reference {place}: {error}; remove it and make it again") from error
    if told.get("pool") != pool or confidence.shape != (n,) or included.shape != (n,):
        raise BadInput(f"the reference {place} is about other records than this run's membership list; remove it")
    return References(confidence[None].astype(np.float64), included[None].astype(np.bool_), told.get("kind", SAME))


def read_references(run: Path, *, pool: str, n: int) -> References | None:
    """Return all references of the run in the folder `run`; None without.

    Raises `BadInput` for a file that cannot be read, or references of several kinds.
    """
    places = sorted((run / FOLDER).glob("[0-9]*.safetensors"))
    if not places:
        return None
    held = [read_reference(place, pool=pool, n=n) for place in places]
    if len(kinds := sorted({one.kind for one in held})) > 1:
        raise BadInput(f"{run / FOLDER} holds references of several kinds ({', '.join(kinds)}); remove all but one")
    return References(
        np.concatenate([one.confidence for one in held]), np.concatenate([one.included for one in held]), kinds[0]
    )
