"""`python -m workbench.bench`: one call, no logic.

Exit codes: 0 measured, whatever the ratios; 1 a work crashed or the two sides do not agree; 2 usage or bad input.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench import terminal
from workbench.errors import BadInput, Misconfigured, NotFound, WorkbenchError

if TYPE_CHECKING:
    from workbench.bench.results import Bench

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

WHOLE, PART = "benchmarks", "benchmarks-part"
"""Names of the files, so that a trial never takes the place of a whole run."""


@app.command(
    epilog="[bold]Examples[/]\n\n  python -m workbench.bench\n\n  python -m workbench.bench --quick\n\n"
    "  python -m workbench.bench --only lime --only shap_partition --precision float32\n\n"
    "  python -m workbench.bench --device cuda --predictions 20000\n\n"
    "Works: textattack_deepwordbug, shap_partition, lime, captum_integrated_gradients, predict_proba, growth.\n\n"
    "Exit codes: 0 measured, whatever the ratios; 1 a work crashed or stock and workbench disagree; 2 bad input.",
)
def bench(
    model: Annotated[str, typer.Option("--model", help="Folder of a checkpoint.")] = "runs/demo",
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1.")] = "cpu",
    examples: Annotated[int, typer.Option("--examples", help="Texts to explain.")] = 20,
    attacks: Annotated[int, typer.Option("--attacks", help="Texts to attack.")] = 60,
    predictions: Annotated[int, typer.Option("--predictions", help="Texts to predict.")] = 2_000,
    repeats: Annotated[int, typer.Option("--repeats", help="Repetitions of each side.")] = 3,
    precision: Annotated[str, typer.Option("--precision", help="both, float32 or bfloat16.")] = "both",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Measure this work only; repeatable.", show_default=False)
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="Folder to write to; a trial or a part goes to benchmarks-part there.")
    ] = Path("reports"),
    again: Annotated[
        bool, typer.Option("--again", help="Put what --only names in its place in the whole run, and say so there.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A trial: 2 examples, once.")] = False,
) -> None:
    """Measure the workbench against the libraries that it uses, in turns (about an hour)."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["DO_NOT_TRACK"] = "1"
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # torch's profiler says on the terminal when it starts and stops
    from workbench.bench.run import run
    from workbench.bench.settings import Settings
    from workbench.bench.table import print_bench
    from workbench.bench.targets import PRECISIONS
    from workbench.files import require_writable

    if precision not in ("both", *PRECISIONS):
        raise Misconfigured(f"unknown --precision {precision!r}; choose both, {' or '.join(PRECISIONS)}")
    require_writable(out)
    settings = Settings(
        model=model,
        device=device,
        examples=examples,
        attacks=attacks,
        predictions=predictions,
        repeats=repeats,
        precisions=PRECISIONS if precision == "both" else (precision,),
        only=tuple(only or ()),
        command=shlex.join(["python", "-m", "workbench.bench", *sys.argv[1:]]),
    )
    settings = settings.quick() if quick else settings
    if again and (quick or not only):
        raise Misconfigured("--again needs --only, and is no trial: it says which works to measure again")
    whole = _whole(out) if again else None
    if whole is not None:
        whole.require_kept(settings.only, settings.precisions)
    name = WHOLE if settings.is_whole else PART

    def save(state: Bench) -> None:
        if whole is not None:
            whole.require_fitting(state)  # before anything is measured: a work takes minutes
        if state.results or state.absent or state.growth:
            _save(state, out, name)

    found = run(settings, _say, save=save)
    if whole is not None:
        found, name = whole.replaced(found), WHOLE
        _save(found, out, name)
    print_bench(found)
    terminal.out.print(f"Page:    {out / name}.html\nResults: {out / name}.json")
    crashed = any(one.outcome == "failed" for one in found.absent)
    raise typer.Exit(int(crashed or not all(one.agreement.met for one in found.results)))


def _whole(out: Path) -> Bench:
    """Return the whole run in the folder `out`. Raises `NotFound`, `BadInput`."""
    from pydantic import ValidationError

    from workbench.bench.results import Bench

    file = out / f"{WHOLE}.json"
    try:
        return Bench.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(f"there is no whole run at {file} to put a work into; run it without --only first") from None
    except (OSError, ValidationError) as error:
        raise BadInput(f"cannot read the whole run at {file}: {str(error).splitlines()[0]}") from error


def _save(bench: Bench, out: Path, name: str) -> None:
    from workbench.bench.page import render
    from workbench.files import write_json, write_text

    write_json(out / f"{name}.json", bench.model_dump(mode="json"))
    write_text(out / f"{name}.html", render(bench))


def _say(line: str) -> None:
    terminal.err.print(terminal.clean(line), markup=False)


def main() -> None:
    """Run the command; an expected error is one line with a remedy."""
    try:
        app()
    except WorkbenchError as error:
        terminal.print_error(str(error))
        sys.exit(2)


if __name__ == "__main__":
    main()
