"""The demo: train the embedded default model on the embedded default corpus, audit it, write the report."""

from __future__ import annotations

import shutil
from pathlib import Path

from workbench import terminal, verbs
from workbench.errors import Unwritable
from workbench.evidence.record import Verdict

CORPUS = "reviews"
EXAMPLES = 4_000
"""Training examples: one epoch over them takes some four minutes on two cores, and reaches a ROC-AUC of about 0.94."""


def run_demo(runs: Path, out: Path, *, fresh: bool = False, command: str | None = None) -> Verdict:
    """Train to `runs` (unless this very model is there), audit it, write the report to `out`; return the verdict.

    An interrupted demo continues when it is run again. `fresh` throws an earlier model away first.
    """
    from workbench.train.recipe import Recipe

    recipe = Recipe.read("default").but(limit=EXAMPLES)
    if fresh:
        _throw_away(runs)
    terminal.out.print(
        f"1/2  Fine-tuning {recipe.backbone} on {EXAMPLES:,} examples of {CORPUS!r} to {runs}: "
        "some minutes on two cores (nothing to do if that model is there already)."
    )
    with terminal.training_progress() as progress:
        trained = verbs.train(recipe, CORPUS, out=runs, resume=True, progress=progress)
    terminal.print_training(trained.card, runs)
    terminal.out.print(
        f"\n2/2  Auditing it on the held-out test split of {CORPUS!r}, quick profile: some minutes more."
    )
    with terminal.audit_progress() as progress:
        audited = verbs.audit(runs, CORPUS, out=out, profile="quick", command=command, progress=progress)
    terminal.print_audited(audited, out)
    terminal.out.print(f'Next:    workbench explain {runs} "Lovely fabric, but it runs small"')
    return audited.verdict


def _throw_away(runs: Path) -> None:
    """Remove the model and the half-finished state at `runs`; anything else there is not ours to remove."""
    from workbench.models.training_card import CARD
    from workbench.train.state import clear_state

    if runs.exists() and any(runs.iterdir()):
        if not (runs / CARD).is_file():
            raise Unwritable(f"{runs} holds something that the workbench did not write; choose another --runs")
        shutil.rmtree(runs)
    clear_state(runs)
