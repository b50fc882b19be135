"""Which explanations of the demo model can be relied on? `python -m workbench.bench.trust`

The explanation part of the full profile on its own: every method, every quality probe, a hundred held-out reviews,
twenty for what explains each text again and again. The sanity check is put to an "explainer" that never asks the model,
too, and shows whether it would catch one. It takes hours, so figures are written after each probe, what a kill left
unfinished continues, and `--only` takes one probe at a time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench import terminal
from workbench.audit.probe import Setting
from workbench.audit.profiles import profile
from workbench.audit.runner import Run
from workbench.audit.store import Store, key_of
from workbench.bench.rarity import offer
from workbench.bench.trust_page import PARTS, page
from workbench.data.sources import load_corpus
from workbench.data.splits import split
from workbench.engines.local import Threads
from workbench.environment import environment
from workbench.errors import NotFound, WorkbenchError
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Note
from workbench.evidence.record import Evidence, Measured
from workbench.evidence.sanity import passes
from workbench.files import write_json, write_text
from workbench.models.engine import engine_for
from workbench.models.engine.choice import search_precision
from workbench.models.hugging_face import load_checkpoint
from workbench.seeds import Streams
from workbench.verbs.auditing import positive_of

DATA, SEED = "reviews", 0
_CACHE = 100_000


def part_of(probe: Any) -> str:
    """Return a probe's name without pillar and version."""
    return str(probe.name).partition(".")[2].partition("@")[0]


def chosen(only: Sequence[str] = (), label_randomised: str | None = None) -> list[Any]:
    """Return the full profile's explanation probes named by `only`, or all of `PARTS`. Raises `NotFound`."""
    for name in only:
        if name not in PARTS:
            raise NotFound.among("part", name, PARTS)
    wanted = only or PARTS
    probes: tuple[Any, ...] = profile("full", label_randomised=label_randomised)
    return [
        replace(probe, methods=(*probe.methods, offer())) if part_of(probe) == "sanity" else probe
        for probe in probes
        if probe.name.startswith("explanations.") and part_of(probe) in wanted
    ]


def told(evidence: Evidence) -> dict[str, Any]:
    """Return what a probe found as plain JSON: figures and notes, or why there are none."""
    result = evidence.result
    found: dict[str, Any] = {"params": dict(evidence.params), "seconds": evidence.seconds, "outcome": result.outcome}
    if isinstance(result, Measured):
        notes = [one.text for one in result.exhibits if isinstance(one, Note)]
        figures = [one.model_dump(mode="json", exclude_none=True) for one in result.measurements]
        passed = passes(result.measurements)
        return found | {"measurements": figures, "notes": notes} | ({"passes": passed} if passed else {})
    return found | {"reason": getattr(result, "reason", None) or getattr(result, "error", "")}


def main(
    model: Annotated[Path, typer.Option("--model", help="Folder of a checkpoint.")] = Path("runs/demo"),
    out: Annotated[Path, typer.Option("--out", help="Folder for explanations.json and explanations.md.")] = Path(
        "reports"
    ),
    runs: Annotated[Path, typer.Option("--runs", help="Folder for unfinished work.")] = Path("runs/trust"),
    only: Annotated[
        list[str] | None, typer.Option("--only", help=f"This part only, the rest is kept: {', '.join(PARTS)}.")
    ] = None,
    label_randomised: Annotated[
        str | None,
        typer.Option("--label-randomised", help="Folder of a model trained on random labels (`--random-labels`)."),
    ] = None,
) -> None:
    """Measure every method of explanation on a hundred reviews (hours; continues where it was interrupted)."""
    try:
        probes = chosen(only or (), label_randomised)
        classifier = load_checkpoint(model, device="cpu")
    except WorkbenchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    corpus = split(load_corpus(DATA), "test")
    setting = Setting(Streams(SEED), Decision(), positive_of(None, corpus, classifier.labels))
    searching = search_precision(classifier, "auto")
    place, of = out / "explanations.json", {"model": classifier.digest, "corpus": corpus.digest}
    kept: dict[str, Any] = json.loads(place.read_text("utf-8"))["parts"] if place.is_file() else {}
    # Figures of another model are no part of this page.
    parts = {name: part for name, part in kept.items() if of.items() <= part.items()}
    machine = environment("cpu").model_dump(mode="json")
    key = key_of(seed=SEED, precision=searching.precision, environment=machine, **of)
    store = Store(runs)
    try:
        with (
            terminal.audit_progress() as progress,
            engine_for(classifier, precision=searching.precision, cache_entries=_CACHE) as engine,
        ):
            run = Run(engine, corpus, setting, store, key, progress, Threads())
            for probe in probes:
                found = told(run.probe(probe)) | of
                if found.items() <= parts.get(part_of(probe), {}).items():
                    continue  # from the store: it was finished before
                found |= {"searched_in": searching.precision, "machine": machine}
                parts[part_of(probe)] = found | {"date": datetime.now(UTC).isoformat(timespec="seconds")}
                result = {"data": DATA, "seed": SEED, "parts": {name: parts[name] for name in PARTS if name in parts}}
                write_json(place, result)
                write_text(out / "explanations.md", page(result))
    finally:
        store.close()
    typer.echo(f"Page: {out / 'explanations.md'}")


if __name__ == "__main__":
    typer.run(main)
