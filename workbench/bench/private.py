"""What does privacy cost, and does it protect? `python -m workbench.bench.private`

Six measurements on the default corpus and backbone, kept in the runs folder as they are finished:

- head: the head alone at several epsilons, beside the same without privacy;
- sweep: what learning rate, bound of gradients, batch and steps do to the head, on the validation split;
- tuned: low-rank updates, and all parameters, from the private head, beside the same without privacy;
- steps: how long a private step takes beside the plain one on the same batch, and how much memory;
- noise: how long a step's noise takes to draw beside numbers that have a seed;
- members: an overfitted model and its private twin, both learned from half of the same people by independent coins, and
  how well each tells who those were.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from workbench.bench.private_members import measure_members
from workbench.bench.private_page import page
from workbench.bench.private_steps import measure_noise, measure_steps
from workbench.bench.private_utility import measure_head, measure_sweep, measure_tuned
from workbench.files import write_json, write_text

PARTS = ("head", "sweep", "tuned", "steps", "noise", "members")


def main(
    out: Annotated[Path, typer.Option("--out", help="Folder for private.json and private.md.")] = Path("reports"),
    runs: Annotated[Path, typer.Option("--runs", help="Folder for models and finished parts.")] = Path("runs/private"),
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Runs of the head at each epsilon.")] = 3,
    tuned_steps: Annotated[
        int, typer.Option("--tuned-steps", min=1, help="Steps of a private fine-tuning, at most.")
    ] = 45,
    only: Annotated[
        list[str] | None, typer.Option("--only", help=f"One of {', '.join(PARTS)}; the rest is kept.")
    ] = None,
) -> None:
    """Measure what private training costs and protects (hours on two cores; continues where it was interrupted)."""
    runs.mkdir(parents=True, exist_ok=True)
    make: dict[str, Callable[[], object]] = {
        "head": lambda: measure_head(runs, seeds=seeds, say=typer.echo),
        "sweep": lambda: measure_sweep(runs, say=typer.echo),
        "tuned": lambda: measure_tuned(runs, steps=tuned_steps, say=typer.echo),
        "steps": lambda: measure_steps(say=typer.echo),
        "noise": lambda: measure_noise(say=typer.echo),
        "members": lambda: measure_members(runs, say=typer.echo),
    }
    found = {}
    for part in PARTS:
        place = runs / f"{part}.json"
        if part in (only or PARTS):
            write_json(place, make[part]())
        if place.is_file():
            found[part] = json.loads(place.read_text("utf-8"))
    write_json(out / "private.json", found)
    write_text(out / "private.md", page(found))
    typer.echo(page(found))


if __name__ == "__main__":
    typer.run(main)
