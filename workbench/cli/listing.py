"""Commands that say what there is."""

from __future__ import annotations

from workbench import terminal
from workbench.cli.root import app


@app.command(epilog="[bold]Example[/]\n\n  workbench attacks")
def attacks() -> None:
    """List the attack recipes: what each changes, whether it can run here, and what to do where it cannot."""
    from workbench.audit.robustness.recipes import listed

    terminal.print_attacks(listed())


@app.command()
def datasets() -> None:
    """List the named corpora and models: what is there, licence, size, digest."""
    from workbench.data.manifest import catalogue

    terminal.print_catalogue(catalogue())


@app.command()
def doctor() -> None:
    """Say what this installation has, what is missing, what that switches off and how to get it."""
    from workbench.doctor import examine

    terminal.print_checks(examine())


@app.command(epilog="[bold]Example[/]\n\n  workbench schema > audit.schema.json")
def schema() -> None:
    """Print the JSON schema of audit.json."""
    from workbench.evidence.record import AuditRecord

    terminal.print_json(AuditRecord.model_json_schema())
