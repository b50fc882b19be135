"""The demo: train the embedded default model on the embedded default corpus, audit it, write the report."""

from __future__ import annotations

from pathlib import Path

from workbench import terminal, verbs

CORPUS = "reviews"


def run_demo(runs: Path, out: Path, *, fresh: bool = False, command: str | None = None) -> None:
    """Train (unless the same recipe already made the model in `runs`), audit, write the report to `out`, say where."""
    from workbench.models.training_card import read_training_card
    from workbench.train.recipe import Recipe

    recipe = Recipe.read(None)
    card = None if fresh else read_training_card(runs)
    if card is not None and card.recipe == recipe.model_dump(mode="json"):
        terminal.out.print(f"1/2  The model of this recipe is in {runs} already (--fresh trains it again).")
    else:
        terminal.out.print(
            f"1/2  Fine-tuning {recipe.backbone} on {recipe.limit or 'all'} examples of {CORPUS!r}: "
            "a few minutes on two cores."
        )
        with terminal.training_progress() as progress:
            trained = verbs.train(recipe, CORPUS, out=runs, resume=not fresh, replace=True, progress=progress)
        terminal.print_training(trained.card, runs)
    terminal.out.print(
        f"2/2  Auditing it on the held-out test split of {CORPUS!r} (quick profile): a few minutes more."
    )
    with terminal.audit_progress() as progress:
        audited = verbs.audit(runs, CORPUS, out=out, profile="quick", command=command, progress=progress)
    terminal.print_audited(audited, out)
    terminal.out.print(
        f'\nNext:  open {out / "index.html"}\n       workbench explain {runs} "Lovely fabric, but it runs small"'
    )
