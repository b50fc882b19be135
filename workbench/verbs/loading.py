"""Models to ask: as they were saved, or smoothed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.models.hugging_face import HuggingFaceTextClassifier
    from workbench.models.protocols import Classifier
    from workbench.models.smoothed import Smoothed


def load(
    model: str | Path,
    *,
    online: bool = False,
    device: str = "auto",
    precision: str = "auto",
    max_length: int | None = None,
) -> HuggingFaceTextClassifier:
    """Load a text classifier: a folder written by `train`, any Hugging Face checkpoint folder, or a hub id.

    Only safetensors weights are read, no remote code is run, and nothing is downloaded unless `online`.
    `precision` is 'auto' (float32), 'float32', or 'bfloat16' (all of it: fast, and never evidence).

    Raises:
        NotFound: no such folder, and not a hub id that is at hand.
        Untrusted: pickled weights or remote code.
        BadInput: not a text-classification checkpoint.
    """
    from workbench.models.hugging_face import load_checkpoint

    resolved = {"auto": "float32"}.get(precision, precision)
    return load_checkpoint(model, online=online, device=device, precision=resolved, max_length=max_length)


def smoothed(
    model: str | Path | Classifier,
    *,
    keep: float = 0.2,
    samples: int = 200,
    seed: int = 0,
    online: bool = False,
    device: str = "auto",
) -> Smoothed:
    """Return a classifier that decides by vote: what `model` decides on copies of a text with most words masked.

    Its decisions can be certified against replaced words (the probe `robustness.certified@1`), and it can be audited
    like any other. It asks `model` up to `samples` times about each text. Levine and Feizi 2020.

    Args:
        model: a folder, a hub id (with `online`) or a classifier; one that was trained on masked texts serves best.
        keep: share of a text's words that stay, drawn at random for each copy.
        samples: copies of each text.
        seed: of the draws, which otherwise depend on the text only.
        online: allow downloads.
        device: 'auto', 'cpu', 'cuda', …

    Raises `Misconfigured`, and whatever `load` does.
    """
    from workbench.models.smoothed import Smoothed

    base: Classifier = load(model, online=online, device=device) if isinstance(model, str | Path) else model
    return Smoothed(base, keep=keep, samples=samples, seed=seed)
