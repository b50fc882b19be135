"""Commands on what an audit found wrong: kept for the next model, and judged by people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench import terminal
from workbench.cli.options import ModelArgument, Online, RecordArgument, network, option
from workbench.cli.root import app

regressions = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Keep failing cases of an audit as a file, and ask the next model about them.",
)
app.add_typer(regressions, name="regress")


@regressions.command(epilog="[bold]Example[/]\n\n  workbench regress save reports/base --out cases.json")
def save(
    record: RecordArgument,
    out: Annotated[Path, typer.Option("--out", help="JSON file to write.")],
) -> None:
    """Write the failing cases and the successful attacks of a finished audit to a file.

    Of a behaviour that fails often the record holds the first cases only; how many it lacks is printed.
    Rewrites that people judged to have lost their label (workbench judgements) are left out.
    """
    from workbench.audit.robustness.regress import collect
    from workbench.files import write_json
    from workbench.results import read_record

    found = collect(read_record(record))
    write_json(out, found.held.model_dump(mode="json"))
    terminal.print_collected(len(found.held.cases), found.left_out, found.cut, out)


@regressions.command(
    epilog="[bold]Example[/]\n\n  workbench regress run cases.json runs/better\n\n"
    "Exit codes: 0 none fails any more, 1 some fail, 2 bad input.",
)
def run(
    cases: Annotated[Path, typer.Argument(help="File from `workbench regress save`.")],
    model: ModelArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print every case as JSON.")] = False,
    online: Online = False,
) -> None:
    """Ask a model about saved cases: which still fail?"""
    network(online)
    from workbench import verbs
    from workbench.audit.robustness.regress import summary

    asked = verbs.regress(model, cases, online=online)
    if as_json:
        terminal.print_json(
            [
                {**one.case.model_dump(), "fails": one.fails, "decided": one.decided, "probability": one.probability}
                for one in asked
            ]
        )
    else:
        terminal.print_regressions(summary(asked))
    raise typer.Exit(int(any(one.fails for one in asked)))


judged = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Let people say which rewrites keep their label, and put that into the report.",
)
app.add_typer(judged, name="judgements")


@judged.command(
    "save",
    epilog="[bold]Example[/]\n\n  workbench judgements save reports/base --out rewrites.csv",
)
def save_judgements(
    record: RecordArgument,
    out: Annotated[Path, typer.Option("--out", help="CSV file to write.", show_default=False)],
    examples: Annotated[int, typer.Option("--examples", help="Rewrites of each attack at most.")] = 50,
    seed: Annotated[int, typer.Option("--seed", help="Another seed draws others.")] = 0,
) -> None:
    """Write a random sample of each attack's successful rewrites to a file, for people to judge. Needs no torch."""
    from workbench import judgements

    terminal.print_saved(judgements.save(record, out, examples=examples, seed=seed), record)


@judged.command(
    "apply",
    epilog="[bold]Examples[/]\n\n  workbench judgements apply reports/base rewrites.csv\n\n"
    "  workbench judgements apply reports/base anna.csv ben.csv --policy release.toml\n\n"
    "Exits with 0 once record and report are written, whatever the verdict.",
)
def apply_judgements(
    record: RecordArgument,
    files: Annotated[list[Path], typer.Argument(help="Files from `workbench judgements save`, filled in.")],
    policy: Annotated[Path | None, option("--policy", "File of the audit's own policy, if not a shipped one.")] = None,
) -> None:
    """Put people's judgements into a finished audit, judge it anew and write its report again. Needs no torch."""
    from workbench import judgements

    terminal.print_applied(judgements.apply(record, files, policy=policy))
