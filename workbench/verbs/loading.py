"""Models to ask: as they were saved, smoothed, or deciding by group."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import BadInput, Unsupported

if TYPE_CHECKING:
    from workbench.models.group_aware import GroupAwareClassifier
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
        Unsupported: a model that decides by somebody's group (see `group_aware`).
    """
    from workbench.models.group_aware import RULE, read_rule

    found = _load(model, online=online, device=device, precision=precision, max_length=max_length)
    if (rule := read_rule(found.folder)) is not None:
        raise Unsupported(
            f"{found.card.name} decides by somebody's {rule.attribute} ({RULE} beside its weights), so a text alone is "
            "not decided; audit it, load it with workbench.group_aware, or give the model whose scores it decides on"
        )
    return found


def group_aware(
    model: str | Path, *, online: bool = False, device: str = "auto", precision: str = "auto"
) -> GroupAwareClassifier:
    """Load a model that decides by group, as `mitigate` writes them: `predict_proba(texts, groups)`.

    Its `scores` are a classifier of texts, `rule` is what decides on them, `mitigation` tells how that came about.
    Raises what `load` does, and `BadInput` for a model that decides without groups.
    """
    from workbench.models.group_aware import RULE, GroupAwareClassifier, read_mitigation, read_rule

    scores = _load(model, online=online, device=device, precision=precision)
    if (rule := read_rule(scores.folder)) is None:
        raise BadInput(f"{scores.card.name} decides without groups: there is no {RULE} beside its weights; use load")
    return GroupAwareClassifier(scores, rule, read_mitigation(scores.folder))


def either(model: str | Path, *, online: bool, device: str) -> HuggingFaceTextClassifier | GroupAwareClassifier:
    """Load `model`, whether it decides by group or not. Raises what `load` does."""
    from workbench.models.group_aware import GroupAwareClassifier, read_mitigation, read_rule

    found = _load(model, online=online, device=device)
    rule = read_rule(found.folder)
    return found if rule is None else GroupAwareClassifier(found, rule, read_mitigation(found.folder))


def _load(
    model: str | Path, *, online: bool, device: str, precision: str = "auto", max_length: int | None = None
) -> HuggingFaceTextClassifier:
    from workbench.models.hugging_face import load_checkpoint

    resolved = {"auto": "float32"}.get(precision, precision)
    return load_checkpoint(model, online=online, device=device, precision=resolved, max_length=max_length)


def smoothed(
    model: str | Path | Classifier,
    *,
    keep: float = 0.2,
    samples: int = 200,
    seed: int = 0,
    threshold: float | None = None,
    positive_label: str | None = None,
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
        threshold: what `model` must give the positive label to vote for it (two labels only); default: it votes for its
            most probable one. The certificates of an audit with a threshold are about such a model.
        positive_label: what the threshold is about; default: the last label.
        online: allow downloads.
        device: 'auto', 'cpu', 'cuda', …

    Raises `Misconfigured`, and whatever `load` does.
    """
    from workbench.models.smoothed import Smoothed

    base: Classifier = load(model, online=online, device=device) if isinstance(model, str | Path) else model
    return Smoothed(base, keep=keep, samples=samples, seed=seed, threshold=threshold, positive_label=positive_label)
