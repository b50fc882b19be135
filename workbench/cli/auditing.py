"""Commands that audit a model, and that judge and tell what an audit found."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Any

import typer

from workbench import terminal
from workbench.cli.options import (
    AuditData,
    AuditLimit,
    BehaviourFiles,
    Device,
    GroupColumn,
    IdColumn,
    LabelColumn,
    LabelMap,
    LabelRandomised,
    ModelArgument,
    Online,
    Out,
    PersonColumn,
    PolicyName,
    PositiveLabel,
    Precision,
    RecordArgument,
    ReportFile,
    Split,
    TextColumn,
    Threshold,
    columns_of,
    network,
)
from workbench.cli.root import app


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench audit runs/base --data reviews --out reports/base\n\n"
    "  workbench audit ./checkpoint --data mine.csv --text-column text --label-column label "
    "--group-column sex --group-column region --out reports/mine\n\n"
    "  workbench audit ./checkpoint --data mine.csv --label-map 1=good --label-map 0=bad --out reports/mine\n\n"
    "An interrupted audit continues when the same command is run again.\n\n"
    "Exit codes: 0 pass or warn, 1 fail, 3 not established, 2 bad input, 4 internal error.",
)
def audit(
    model: ModelArgument,
    data: AuditData,
    out: Out,
    profile: Annotated[str, typer.Option("--profile", help="quick, standard or full.")] = "quick",
    policy: PolicyName = "default",
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    id_column: IdColumn = None,
    person_column: PersonColumn = None,
    label_map: LabelMap = None,
    positive_label: PositiveLabel = None,
    threshold: Threshold = None,
    split: Split = None,
    limit: AuditLimit = None,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    precision: Precision = "auto",
    device: Device = "auto",
    label_randomised: LabelRandomised = None,
    behaviours: BehaviourFiles = None,
    online: Online = False,
) -> None:
    """Audit a model and write the report: index.html, audit.json and predictions.parquet."""
    network(online)
    from workbench import verbs
    from workbench.data.labels import parse_label_map

    with terminal.audit_progress() as progress:
        audited = verbs.audit(
            model, data, out=out, profile=profile, policy=policy,
            columns=columns_of(text_column, label_column, group_column, id_column, person_column),
            label_map=parse_label_map(label_map or []), positive_label=positive_label, threshold=threshold, split=split,
            limit=limit, seed=seed, precision=precision, device=device, online=online, command=_command(),
            label_randomised=label_randomised, behaviours=behaviours or (), progress=progress,
        )  # fmt: skip
    terminal.print_audited(audited, out)
    raise typer.Exit(_exit_code(audited.verdict))


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench judge reports/base/audit.json\n\n"
    "  workbench judge reports/base/audit.json --policy release.toml --json",
)
def judge(
    record: RecordArgument,
    policy: PolicyName = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print findings and verdict as JSON.")] = False,
) -> None:
    """Judge a finished audit by a policy, without measuring again. Needs no torch."""
    from workbench import verbs
    from workbench.results import read_record
    from workbench.verdict.judge import overall
    from workbench.verdict.policy import load_policy

    held, chosen = read_record(record), load_policy(policy)
    findings = verbs.judge(held, chosen)
    verdict = overall(held, findings)
    if as_json:
        terminal.print_json(
            {
                "verdict": verdict,
                "policy": {"name": chosen.name, "digest": chosen.digest},
                "model": {"name": held.model.name, "digest": held.model.digest},
                "corpus": {"name": held.corpus.name, "digest": held.corpus.digest},
                "findings": [finding.model_dump(mode="json") for finding in findings],
            }
        )
    else:
        terminal.print_verdict(held, findings, verdict, policy=chosen.name)
    raise typer.Exit(_exit_code(verdict))


@app.command(epilog="[bold]Example[/]\n\n  workbench report reports/base/audit.json --out reports/base/index.html")
def report(
    record: RecordArgument,
    out: ReportFile = None,
) -> None:
    """Write the HTML report of a finished audit again. Needs no torch."""
    from workbench import verbs
    from workbench.files import write_text
    from workbench.results import REPORT

    target = out or (record if record.is_dir() else record.parent) / REPORT
    write_text(target, verbs.render(record))
    terminal.out.print(f"Report: {target}")


@app.command(epilog="[bold]Examples[/]\n\n  workbench policy\n\n  workbench policy yours.toml")
def policy(
    name: Annotated[str, typer.Argument(help="Shipped policy or TOML file.")] = "default",
) -> None:
    """Check a policy and say how many examples each of its gates needs to be decidable."""
    from workbench.verdict.decidable import decidability
    from workbench.verdict.policy import load_policy

    for line in decidability(load_policy(name)):
        terminal.out.print(line, markup=False)


def _exit_code(verdict: Any) -> int:
    from workbench.verdict.judge import exit_code

    return exit_code(verdict)


def _command() -> str:
    return shlex.join(["workbench", *sys.argv[1:]])
