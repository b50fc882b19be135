"""The end of a run: weights, tokenizer, training card and fingerprints, in a folder that appears whole."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from workbench.data.corpus import Corpus
from workbench.data.overlap import fingerprints, write_fingerprints
from workbench.environment import code_revision, installed
from workbench.errors import Unwritable
from workbench.evidence.cards import AugmentationCard, CanaryRun, PrivacyCard, TrainingCard
from workbench.models.checkpoint import read_backbone
from workbench.models.protocols import FloatArray
from workbench.models.quiet import quiet_transformers
from workbench.models.training_card import (
    CANARIES,
    CARD,
    FINGERPRINTS,
    MEMBERSHIP,
    TEXT_CANARIES,
    is_trained_here,
    read_fingerprints,
    read_training_card,
)
from workbench.train.backbone import Trainee, find_backbone
from workbench.train.evaluation import report_text
from workbench.train.folders import writing_folder
from workbench.train.parts import Parts, divide
from workbench.train.recipe import Recipe
from workbench.train.reweighting import group_weights
from workbench.train.state import Progress
from workbench.train.step import Workshop

_PACKAGES = (
    "accelerate",
    "dp-accounting",
    "numpy",
    "opacus",
    "safetensors",
    "scikit-learn",
    "tokenizers",
    "torch",
    "transformers",
)


def write_result(
    out: Path,
    shop: Workshop,
    trainee: Trainee,
    parts: Parts,
    progress: Progress,
    *,
    validation: FloatArray,
    test: FloatArray,
    privacy: PrivacyCard | None = None,
    canaries: CanaryRun | None = None,
) -> None:
    """Write a plain Hugging Face checkpoint with its training card to `out`, all or nothing. Raises `Unwritable`."""
    recipe = shop.recipe
    marks = None if privacy is not None else _marks(trainee.folder, parts.train)
    card = TrainingCard(
        recipe=portable(shop.recipe),
        backbone_digest=trainee.digest,
        corpus=parts.train.card,
        fingerprints=None if marks is None else FINGERPRINTS,
        curve=progress.curve,
        best_step=progress.best_step,
        steps=progress.step,
        stopped=progress.stopped,
        class_weights=_weights(shop, parts.train),
        group_weights=None if recipe.reweighting is None else group_weights(recipe.reweighting, parts.train),
        validation_report=report_text(validation, parts.validation, of=parts.validation_of),
        test_report=report_text(test, parts.test, of=parts.test_of),
        device=_device_name(shop.device),
        processes=shop.accelerator.num_processes,
        precision=shop.precision,
        seconds=progress.seconds,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        code=code_revision(),
        versions={package: found for package in _PACKAGES if (found := installed(package))},
        resumed=progress.resumed,
        augmentation=_augmentation(shop.recipe, progress),
        privacy=privacy,
    )
    network = shop.accelerator.unwrap_model(shop.network)
    network.config.name_or_path = trainee.name  # a name: checkpoints travel, and paths tell of somebody's machine
    with writing_folder(out) as place, quiet_transformers():
        network.save_pretrained(place)
        trainee.tokenizer.save_pretrained(place)
        (place / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
        if canaries is not None:
            (place / CANARIES).write_text(canaries.model_dump_json() + "\n", encoding="utf-8")
        if parts.membership is not None:
            (place / MEMBERSHIP).write_text(parts.membership.model_dump_json() + "\n", encoding="utf-8")
        if parts.canaries is not None:
            (place / TEXT_CANARIES).write_text(parts.canaries.model_dump_json() + "\n", encoding="utf-8")
        if marks is not None:
            write_fingerprints(place / FINGERPRINTS, marks)


def _marks(backbone: Path, train: Corpus) -> Collection[str] | None:
    """Return the fingerprints of all that the result has learned from: of `train`, and of what made its backbone.

    None where the workbench trained the backbone and its fingerprints are not beside it: then an overlap with the
    examples of an audit cannot be ruled out.
    """
    own = fingerprints(train)
    if not is_trained_here(backbone):
        return own
    card, earlier = read_training_card(backbone), read_fingerprints(backbone)
    if card is None or card.fingerprints is None or earlier is None:
        return None
    return earlier.union(own)


def already_finished(out: Path, recipe: Recipe, corpus: Corpus, *, online: bool = False) -> TrainingCard | None:
    """Return the card in `out` if this very run has finished there; None if nothing is there.

    Cards of older versions do not tell the backbone's digest; of those, its name must do. Settings that came later had
    their defaults then. Raises `Unwritable` if `out` holds something else, and like `find_backbone` and `read_backbone`
    if the backbone cannot be compared.
    """
    if not out.is_dir() or not any(out.iterdir()):
        return None
    card = read_training_card(out)
    same = card is not None and _complete(card.recipe) == portable(recipe)
    backbone = "" if card is None or card.backbone_digest is None else card.backbone_digest
    if card is None or not same or card.corpus.digest != divide(corpus, recipe, backbone=backbone).train.digest:
        raise Unwritable(f"{out} holds the result of another run; choose another --out, or remove it first")
    if card.backbone_digest is not None:
        found = find_backbone(recipe.backbone, online=online)
        if read_backbone(found.folder) != card.backbone_digest:
            raise Unwritable(
                f"{out} was trained from another backbone that is also called {found.name!r}; choose another --out, or "
                "remove it first"
            )
    return card


def portable(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as stored: names, never paths of somebody's machine."""
    stored = recipe.model_dump(mode="json")
    for key in ("backbone", "data"):
        if Path(stored[key]).exists() or Path(stored[key]).is_absolute():
            stored[key] = Path(stored[key]).resolve().name
    return stored


def _complete(stored: dict[str, Any]) -> dict[str, Any]:
    """Return a stored recipe with the settings that its version did not have yet."""
    defaults = {name: field.get_default(call_default_factory=True) for name, field in Recipe.model_fields.items()}
    return {**{name: value for name, value in defaults.items() if name not in stored}, **stored}


def _weights(shop: Workshop, train: Corpus) -> dict[str, float] | None:
    if shop.recipe.class_weights == "none":
        return None
    return dict(zip(train.labels, shop.class_weights.tolist(), strict=True))


def _augmentation(recipe: Recipe, progress: Progress) -> AugmentationCard | None:
    how = recipe.augmentation
    if how is None:
        return None
    return AugmentationCard(
        families=how.families,
        primary_attack=how.primary_attack,
        rewritings=progress.rewritings,
        rounds=progress.rounds,
    )


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
