"""The command `workbench` itself: its help, its options, and how every error leaves it."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from workbench import __version__, terminal
from workbench.errors import WorkbenchError

INTERNAL, INTERRUPTED = 4, 130
_ORDER = (
    *(
        "demo",
        "train",
        "mitigate",
        "audit",
        "judge",
        "compare",
        "index",
        "report",
        "explain",
        "policy",
        "attacks",
        "datasets",
        "doctor",
    ),
    *("schema", "regress", "judgements", "references"),
)
"""Of a first day. Modules register their commands in the order of their own names."""


class _Ordered(TyperGroup):
    """Lists the commands in `_ORDER`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(self.commands, key=_ORDER.index)


app = typer.Typer(
    name="workbench",
    cls=_Ordered,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train, attack, explain, disaggregate and audit a model before it is released.\n\n"
    "[bold]Start here:[/] workbench demo\n\n"
    "Nothing is downloaded without --online; nothing is sent anywhere.",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


VersionFlag = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
]


@app.callback()
def common(
    version: VersionFlag = False,
) -> None:
    """Hold the options that belong to no command."""


def main() -> None:
    """Run the command line; every expected error is one line with a remedy, every unexpected one exits with 4."""
    try:
        app()
    except WorkbenchError as error:
        terminal.print_error(str(error))
        sys.exit(2)
    except SystemExit as done:
        if done.code == INTERRUPTED:  # Typer turns Ctrl-C into this code, silently
            terminal.print_error("interrupted; finished work is kept: run the same command again to continue")
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence: say so, and exit with a code of its own
        if os.environ.get("WORKBENCH_DEBUG"):
            traceback.print_exc()
        terminal.print_error(
            f"internal error: {type(error).__name__}: {error}; this is a defect of the workbench. "
            "Set WORKBENCH_DEBUG=1 for the full trace and report it"
        )
        sys.exit(INTERNAL)
