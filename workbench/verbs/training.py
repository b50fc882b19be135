"""Training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.verbs.corpora import corpus_of

if TYPE_CHECKING:
    from workbench.data.corpus import Corpus
    from workbench.data.sources import Columns
    from workbench.train.events import OnEvent
    from workbench.train.loop import Trained
    from workbench.train.recipe import Recipe


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
    return fine_tune(
        chosen, corpus, Path(out), resume=resume, track=track, online=online, progress=progress, workers=Threads()
    )
