"""The command that lists many audits on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench import terminal
from workbench.cli.root import app


@app.command(
    epilog="[bold]Example[/]\n\n  workbench index reports\n\n"
    "Exit codes: 0 every record was read, 3 some could not be (they are listed), 2 bad input.",
)
def index(
    folder: Annotated[Path, typer.Argument(help="Folder with finished audits in it, or below it.")],
) -> None:
    """List all audited models below a folder in its index.html, with each one's history. Needs no torch."""
    from workbench.files import write_text
    from workbench.report.index import render_index
    from workbench.verbs.comparing import audits_below, page_of

    found = audits_below(folder)
    target = page_of(folder)
    name = folder.resolve().name
    write_text(target, render_index(found.listed, found.unreadable, name=name, comparisons=found.comparisons))
    terminal.print_index(found, target)
    raise typer.Exit(3 if found.unreadable else 0)
