"""Training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.notebook import stepping
from workbench.verbs.corpora import corpus_of

if TYPE_CHECKING:
    from workbench.data.corpus import Corpus
    from workbench.data.sources import Columns
    from workbench.models.hugging_face import HuggingFaceTextClassifier
    from workbench.models.references import Floats
    from workbench.train.events import OnEvent, TrainingEvent
    from workbench.train.loop import Trained
    from workbench.train.recipe import Recipe
    from workbench.train.references import Kind, Made


def train(
    recipe: Recipe | str | Path | None = None,
    data: str | Path | Corpus | None = None,
    *,
    out: str | Path,
    columns: Columns | None = None,
    resume: bool = False,
    track: str | None = None,
    online: bool = False,
    progress: OnEvent | None = None,
) -> Trained:
    """Fine-tune as `recipe` says and write a plain Hugging Face checkpoint with a training card to `out`.

    Args:
        recipe: a `Recipe`, a TOML file, or None for the shipped one.
        data: a named corpus, a file, a hub data set (with `online`) or a `Corpus`; overrides the recipe's.
        out: a folder that does not exist yet, or is empty.
        columns: which columns of a file or hub data set hold text, label, groups, id, person.
        resume: continue an interrupted run; return at once if this very run is finished in `out`.
        track: 'tensorboard', 'mlflow' or 'wandb'.
        online: allow downloads.
        progress: called with every `TrainingEvent`.

    Raises:
        BadInput: the recipe, the data or `out` cannot be used; the message says what to do.
    """
    from workbench.engines.local import Threads
    from workbench.train.loop import train as fine_tune
    from workbench.train.recipe import Recipe

    chosen = recipe if isinstance(recipe, Recipe) else Recipe.read(recipe or "default")
    corpus = corpus_of(chosen.data if data is None else data, columns=columns, online=online)
    chosen = chosen.but(data=corpus.name)
    with stepping(progress, _read) as told:
        return fine_tune(
            chosen, corpus, Path(out), resume=resume, track=track, online=online, progress=told, workers=Threads()
        )


def references(
    run: str | Path,
    data: str | Path | Corpus | None = None,
    *,
    count: int,
    kind: Kind = "same",
    backbone: str | None = None,
    columns: Columns | None = None,
    online: bool = False,
    progress: OnEvent | None = None,
) -> Made:
    """Train reference models of an experiment, each on another random half, for attacks on membership.

    What each says of every record is kept in the run's folder (`references/`), where an audit of it finds it; their
    weights are removed. Asked again, it makes those that are missing, and goes on with one that was interrupted.

    Args:
        run: folder of a model trained with `experiment = true`.
        data: what it was trained on; by default what its training card names.
        count: how many there are to be in all.
        kind: 'same': trained as the run was; 'lora' or 'head' of a fully tuned run: quicker, and a weaker attack.
        backbone: the run's backbone, where that is a folder.
        columns: which columns of a file or hub data set hold text, label, groups, id, person.
        online: allow downloads.
        progress: called with every `TrainingEvent`.

    Raises:
        BadInput: the run is no experiment, or the data is not what it was trained on.
    """
    from workbench.engines.local import Threads
    from workbench.models.training_card import read_training_card
    from workbench.train.references import make_references

    folder = Path(run)
    card = read_training_card(folder)
    named = "reviews" if card is None else str(card.recipe.get("data", "reviews"))
    corpus = corpus_of(named if data is None else data, columns=columns, online=online)
    with stepping(progress, _read) as told:
        return make_references(
            folder, corpus, count=count, kind=kind, backbone=backbone, score=_confidence, online=online,
            progress=told, workers=Threads(),
        )  # fmt: skip


def _read(event: TrainingEvent) -> tuple[str, int, int]:
    return event.phase, event.step, event.total


def _confidence(model: HuggingFaceTextClassifier, pool: Corpus) -> Floats:
    """Return the model's logit-scaled confidence in each record's true label, (n,)."""
    from workbench.audit.privacy.attacks import log_probabilities, logit_confidence

    return logit_confidence(log_probabilities(model.predict_proba(pool.inputs)), pool.label_ids)
