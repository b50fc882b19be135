"""What do privacy and hardening cost and gain? An example fit to be committed: `python -m workbench.bench.twins`

Three models on the same reviews with the same seed: the demo's, a private and a hardened twin. Each is trained (unless
it is there), audited by the quick profile and written to `reports/example` without the reviews' texts; one page
compares all three, pair by pair, and the index lists them. Whole audits stay in the runs folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.demo import EXAMPLES, VERDICTS, command
from workbench.results import COMPARISON, RECORD, REPORT

DATA = "reviews"
PLAIN = "demo"
TWINS = ("private", "hardened")
"""Each with a recipe of its name in the example's folder."""
COMPARED = {
    0: "nothing is worse",
    1: "something is worse",
    3: "nothing is worse, but some figures could not be compared",
}


def main(
    out: Annotated[Path, typer.Option("--out", help="Folder of all reports, where the index goes.")] = Path("reports"),
    runs: Annotated[Path, typer.Option("--runs", help="Folder for models and whole audits.")] = Path("runs"),
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Train and audit this model only; the others are told as they are."),
    ] = None,
) -> None:
    """Train, audit and compare the demo model and its twins (half an hour to an hour on two cores)."""
    example, audits = out / "example", runs / "audits"
    names = (PLAIN, *TWINS)
    for name in names:
        if name in (only or names):
            make(name, example, runs)
            command("audit", str(runs / name), "--data", DATA, "--out", str(audits / name), may_end=VERDICTS)
    there = [name for name in names if (audits / name / RECORD).is_file()]
    page = example / COMPARISON
    command("compare", *(str(audits / name) for name in there), "--out", str(page), may_end=COMPARED)
    for name in there:
        told = example / name / REPORT
        command("report", str(audits / name), "--redact", "--out", str(told), may_end={0: "done"})
    command("index", str(out), may_end={0: "done", 3: "some record could not be read"})


def make(name: str, example: Path, runs: Path) -> None:
    """Train the model `name`, unless this very model is there."""
    how = ("--data", DATA, "--limit", str(EXAMPLES)) if name == PLAIN else ("--recipe", str(example / f"{name}.toml"))
    command("train", *how, "--out", str(runs / name), "--resume", may_end={0: "trained"})


if __name__ == "__main__":
    typer.run(main)
