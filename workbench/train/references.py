"""Reference models of a run: trained as it was, each on another random half of the same records.

What attacks need of them (Carlini et al. 2022) are not their weights but what each says of every record, and whether it
learned from it. So a reference is trained, asked about all records of the run's membership list, and removed; a file
with its answers stays beside the run. One that is interrupted continues where it stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from workbench.data.corpus import Corpus
from workbench.errors import BadInput, Misconfigured
from workbench.evidence.cards import MembershipList, TrainingCard
from workbench.models.checkpoint import read_backbone
from workbench.models.engine.workers import Workers
from workbench.models.hugging_face import HuggingFaceTextClassifier
from workbench.models.references import SAME, Floats, place_of, read_reference, write_reference
from workbench.models.training_card import read_membership, read_training_card
from workbench.seeds import Streams
from workbench.train.adapter import LastLayers, LoRA
from workbench.train.backbone import find_backbone
from workbench.train.events import OnEvent, TrainingEvent, silent
from workbench.train.loop import train
from workbench.train.recipe import Recipe

Kind = Literal["same", "lora", "head"]
Score = Callable[[HuggingFaceTextClassifier, Corpus], Floats]
"""What an attack reads of a model: (n,) numbers, one for each record."""


class Made(NamedTuple):
    """What became of a request for references."""

    total: int
    """References that there are now."""
    new: int
    """Those of them that were trained for it."""
    kind: str
    records: int
    """Records that each was asked about."""


def make_references(
    run: Path,
    corpus: Corpus,
    *,
    count: int,
    kind: Kind = "same",
    backbone: str | None = None,
    score: Score,
    online: bool = False,
    progress: OnEvent | None = None,
    workers: Workers | None = None,
) -> Made:
    """Train references of the run in the folder `run` until there are `count`; keep what each says in its folder.

    Args:
        run: a finished experiment.
        corpus: the whole corpus that it was trained on.
        count: how many there are to be.
        kind: 'same': as the run was trained; 'lora' (low-rank adapters) and 'head' (the head alone) are quicker, and
            make a weaker attack on a run that moved more.
        backbone: where the run's backbone lies, if its recipe names a folder elsewhere.
        score: what to keep of each.
        online: allow to download the backbone.
        progress: called with every `TrainingEvent`.
        workers: where attacks on a model in training run.

    Raises:
        BadInput: `run` is no experiment of ours, `corpus` is another, or there are references of another kind.
        Misconfigured: fewer than one, or a kind that the run itself is.
        And what training raises.
    """
    tell = progress or silent
    if count < 1:
        raise Misconfigured(f"--count must be at least 1; got {count}")
    card, listed = _of(run)
    if listed.corpus != corpus.digest:
        raise BadInput(f"{run} was trained on other data than {corpus.name}; name them with --data")
    recipe = _recipe(card, kind, backbone)
    if card.backbone_digest is not None:
        found = find_backbone(recipe.backbone, online=online)
        if read_backbone(found.folder) != card.backbone_digest:
            raise BadInput(f"{run} was trained from another backbone than {found.name}; name its with --backbone")
    names = frozenset(listed.ids)
    pool = corpus.where(lambda one: one.id in names).canonical()
    new = 0
    for number in range(count):
        place = place_of(run, number)
        if place.is_file():
            held = read_reference(place, pool=listed.digest, n=len(pool))
            if held.kind != kind:
                raise BadInput(f"{place} is a reference of kind {held.kind!r}; ask for that kind, or remove it")
            continue
        tell(TrainingEvent("references", number, count, message=f"reference {number + 1} of {count}"))
        work = run.parent / f".{run.name}.references" / f"{number:03d}"
        own = recipe.but(seed=_seed(card, number))
        model = train(own, corpus, work, resume=True, progress=progress, online=online, workers=workers).classifier
        drawn = read_membership(work)
        assert drawn is not None
        assert drawn.ids == listed.ids, "the same pool"
        write_reference(
            place, confidence=score(model, pool), included=np.array(drawn.member), kind=kind, pool=listed.digest
        )
        shutil.rmtree(work)
        new += 1
    tell(TrainingEvent("references", count, count))
    shutil.rmtree(run.parent / f".{run.name}.references", ignore_errors=True)
    return Made(count, new, kind, len(pool))


def _of(run: Path) -> tuple[TrainingCard, MembershipList]:
    """Return what the run in `run` left of itself. Raises `BadInput`."""
    card, listed = read_training_card(run), read_membership(run)
    if card is None or listed is None or not listed.drawn:
        raise BadInput(
            f"{run} is no experiment: references need a run whose members coins have drawn; train it with experiment = "
            "true in the recipe (workbench train --experiment)"
        )
    return card, listed


def _recipe(card: TrainingCard, kind: Kind, backbone: str | None) -> Recipe:
    """Return the run's recipe as its references follow it, but for the seed."""
    recipe = Recipe.checked(dict(card.recipe), where="the run's recipe").but(backbone=backbone)
    changes: dict[str, Any] = {}
    if kind != SAME:
        if recipe.adapter is not None:
            raise Misconfigured(f"--kind {kind}: the run itself moved only a part of its parameters; leave --kind out")
        changes["adapter"] = {"lora": LoRA(kind="lora"), "head": LastLayers(kind="last_layers", layers=0)}[kind]
    if recipe.privacy is not None and card.privacy is not None:
        # The noise that the run had, found once; canaries are the run's own.
        changes["privacy"] = {
            **recipe.privacy.model_dump(),
            **{"epsilon": None, "noise_multiplier": card.privacy.noise_multiplier, "canaries": 0, "guesses": None},
        }
    return recipe.but(canaries=0, **changes)


def _seed(card: TrainingCard, number: int) -> int:
    return Streams(int(card.recipe.get("seed", 0))).seed("reference", str(number)) >> 1
