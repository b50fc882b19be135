"""The demo: the two commands that a user would run, on the embedded model and corpus.

Each runs in a process of its own, so that what the audit measures (memory, time) is not what training left behind.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from workbench import terminal
from workbench.errors import Unwritable

EXAMPLES = 4_000
"""Training examples: one epoch over them takes three to five minutes on two cores and reaches a ROC-AUC of 0.96."""

VERDICTS = {0: "pass or warn", 1: "fail", 3: "not established"}
"""Exit codes of an audit that ran to its end."""


def run_demo(runs: Path, out: Path, *, fresh: bool = False) -> None:
    """Train to `runs` (unless this very model is there), audit it, write the report to `out`.

    An interrupted demo continues when it is run again. `fresh` throws an earlier model away first.

    Raises:
        Unwritable: `fresh`, and `runs` holds something that the workbench did not write.
        SystemExit: with the code of the command that could not do its work.
    """
    if fresh:
        _throw_away(runs)
    terminal.out.print(
        "Step 1 of 2: fine-tune the embedded model on real reviews (three to five minutes on two cores)."
    )
    command("train", "--data", "reviews", "--limit", str(EXAMPLES), "--out", str(runs), "--resume", may_end=(0,))
    terminal.out.print("\nStep 2 of 2: audit it on the held-out test split (three to six minutes).")
    code = command("audit", str(runs), "--data", "reviews", "--out", str(out), may_end=VERDICTS)
    terminal.out.print(f"(As a release gate this audit exits with {code}: {VERDICTS[code]}.)", style="dim")
    terminal.out.print(f'Next:    workbench explain {shlex.quote(str(runs))} "Lovely fabric, but it runs small"')


def command(*arguments: str, may_end: Collection[int]) -> int:
    """Run one command in a process of its own; return its exit code if it is in `may_end`, else leave with it."""
    terminal.out.print(f"$ {shlex.join(['workbench', *arguments])}", style="bold", soft_wrap=True)
    sys.stdout.flush()  # what we said comes before what the command says
    code = subprocess.run([sys.executable, "-m", "workbench.cli", *arguments], check=False).returncode
    if code not in may_end:
        raise SystemExit(code)
    return code


def _throw_away(runs: Path) -> None:
    """Remove the model and the half-finished state at `runs`; anything else there is not ours to remove."""
    from workbench.models.training_card import CARD
    from workbench.train.state import clear_state

    if runs.exists() and any(runs.iterdir()):
        if not (runs / CARD).is_file():
            raise Unwritable(f"{runs} holds something that the workbench did not write; choose another --runs")
        shutil.rmtree(runs)
    clear_state(runs)
