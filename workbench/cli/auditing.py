"""Commands that audit a model, and that judge and tell what an audit found."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench import terminal
from workbench.cli.options import (
    AuditData,
    AuditLimit,
    BehaviourFiles,
    Cross,
    Device,
    FailOn,
    GroupColumn,
    IdColumn,
    LabelColumn,
    LabelMap,
    LabelRandomised,
    LexiconFiles,
    MembersFile,
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
    TwinFolder,
    columns_of,
    crossed,
    network,
    option,
)
from workbench.cli.root import app

Redact = Annotated[
    bool, typer.Option("--redact", help="Withhold texts, words, ids and small groups: for what leaves the house.")
]
_NOT_COMPARED = 3
"""Exit code of a passed audit whose comparison was asked for and could not be made, and of one that lacks figures."""


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench audit runs/base --data reviews --out reports/base\n\n"
    "  workbench audit ./checkpoint --data mine.csv --text-column text --label-column label "
    "--group-column sex --group-column region --cross sex,region --out reports/mine\n\n"
    "  workbench audit ./checkpoint --data mine.csv --label-map 1=good --label-map 0=bad --out reports/mine\n\n"
    "  workbench audit ./checkpoint --data mine.csv --lexicon mine.toml --out reports/mine\n\n"
    "  workbench audit runs/new --data reviews --baseline reports/base --out reports/new\n\n"
    "  workbench audit runs/base --data reviews --redact --out outside\n\n"
    "An interrupted audit continues when the same command is run again.\n\n"
    "Exit codes: 0 pass or warn, 1 fail, 3 not established, or passed and not wholly comparable with --baseline, "
    "2 bad input, 4 internal error.",
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
    cross: Cross = None,
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
    lexicon: LexiconFiles = None,
    members: MembersFile = None,
    twin: TwinFolder = None,
    online: Online = False,
    fail_on: FailOn = "fail",
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            help="Finished audit of the same data: also write comparison.html and comparison.json.",
            show_default=False,
        ),
    ] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Print the verdict as one line.")] = False,
    redact: Redact = False,
) -> None:
    """Audit a model and write the report: index.html, audit.json, junit.xml, model_card.md and predictions.parquet."""
    network(online)
    _require_fail_on(fail_on)
    from workbench import verbs
    from workbench.data.labels import parse_label_map
    from workbench.errors import Misconfigured

    if baseline is not None and redact:
        raise Misconfigured(
            "--redact and --baseline: a comparison needs predictions and quotes texts; ask for one only"
        )
    if baseline is not None:
        from workbench.verbs.comparing import require_baseline

        require_baseline(baseline, out)

    with terminal.audit_progress() as progress:
        audited = verbs.audit(
            model, data, out=out, profile=profile, policy=policy,
            columns=columns_of(text_column, label_column, group_column, id_column, person_column),
            cross=crossed(cross),
            label_map=parse_label_map(label_map or []), positive_label=positive_label, threshold=threshold, split=split,
            limit=limit, seed=seed, precision=precision, device=device, online=online, command=_command(),
            label_randomised=label_randomised, behaviours=behaviours or (), lexicons=lexicon or (), members=members,
            twin=twin, redact=redact, progress=progress,
        )  # fmt: skip
    if summary:
        terminal.print_summary(audited.record, audited.findings, audited.verdict, policy=audited.record.audit.policy)
    else:
        terminal.print_audited(audited, out)
    code = _exit_code(audited.verdict, fail_on)
    if not _compared(out, baseline, policy, quiet=summary) and code == 0:
        code = _NOT_COMPARED
    raise typer.Exit(code)


def _compared(out: Path, baseline: Path | None, policy: str, *, quiet: bool) -> bool:
    """Write the comparison that was asked for and say so; False, with the reason told, where there cannot be one or it
    lacks figures.
    """
    from workbench.errors import WorkbenchError
    from workbench.results import COMPARISON
    from workbench.verbs.comparing import write_comparison

    try:
        found = write_comparison(out, baseline, policy=policy)
    except WorkbenchError as error:
        terminal.print_error(f"no comparison with the baseline: {error}")
        return False
    if found is None:
        return True
    if not quiet:
        terminal.print_comparison(found)
    elif found.lacking:
        from workbench.report.beside import lost

        terminal.print_error(f"{lost(found.lacking)}: see {out / COMPARISON}")
    return not found.lacking


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench judge reports/base/audit.json\n\n"
    "  workbench judge reports/base/audit.json --policy release.toml --json\n\n"
    "  workbench judge reports/base --policy release --fail-on warn --summary --junit verdict.xml\n\n"
    "Exit codes: 0 pass or warn, 1 fail, 3 not established, 2 bad input, 4 internal error.",
)
def judge(
    record: RecordArgument,
    policy: Annotated[
        str | None,
        option("--policy", "Shipped policy or TOML file (default: the audit's own, if it is a shipped one)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print findings and verdict as JSON.")] = False,
    summary: Annotated[bool, typer.Option("--summary", help="Print one line and no table.")] = False,
    junit: Annotated[Path | None, typer.Option("--junit", help="Also write the findings as JUnit XML.")] = None,
    fail_on: FailOn = "fail",
) -> None:
    """Judge a finished audit by a policy, without measuring again. Needs no torch."""
    _require_fail_on(fail_on)
    from workbench import verbs
    from workbench.results import read_record
    from workbench.verbs.judging import judged_by, policy_of
    from workbench.verdict.judge import overall

    held = read_record(record)
    chosen = policy_of(held, policy)
    findings = verbs.judge(held, chosen)
    verdict = overall(held, findings)
    fixed = chosen.digest == held.audit.policy_digest
    if junit is not None:
        from workbench.files import write_text
        from workbench.report.junit import junit as as_junit

        write_text(junit, as_junit(judged_by(held, chosen), findings, afterwards=not fixed))
    if as_json:
        terminal.print_json(
            {
                "verdict": verdict,
                "policy": {"name": chosen.name, "digest": chosen.digest, "fixed_before_the_audit": fixed},
                "model": {"name": held.model.name, "digest": held.model.digest},
                "corpus": {"name": held.corpus.name, "digest": held.corpus.digest},
                "findings": [finding.model_dump(mode="json") for finding in findings],
            }
        )
    elif summary:
        terminal.print_summary(held, findings, verdict, policy=chosen.name)
    else:
        terminal.print_verdict(held, findings, verdict, policy=chosen.name)
    if not fixed:
        terminal.print_other_policy(held)
    raise typer.Exit(_exit_code(verdict, fail_on))


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench compare reports/v1 reports/v2 --out reports/v2/comparison.html\n\n"
    "  workbench compare runs/base runs/private --data reviews --out reports/base-private\n\n"
    "  workbench compare reports/base reports/private reports/hardened --policy release --out effects.html\n\n"
    "Exit codes: 0 nothing is shown to be worse than the base, 1 something is, 3 nothing is, but an audit lacks a "
    "figure of the base that it was asked for, too (its probe crashed, did not run or could not tell), 2 bad input. "
    "What an audit was not asked for, as a quick one beside a standard one, is named and does not count.",
)
def compare(
    places: Annotated[
        list[str],
        typer.Argument(metavar="AUDITS|MODELS...", help="Finished audits of the same data, or models; the base first."),
    ],
    out: Annotated[Path, typer.Option("--out", help="HTML file to write; with --data, a folder.")],
    policy: PolicyName = "default",
    data: Annotated[
        str | None,
        option("--data", "Audit the models among them on this first: named corpus, file, or hub data set."),
    ] = None,
    profile: Annotated[str | None, option("--profile", "quick (the default), standard or full.")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    cross: Cross = None,
    id_column: IdColumn = None,
    person_column: PersonColumn = None,
    label_map: LabelMap = None,
    positive_label: PositiveLabel = None,
    threshold: Threshold = None,
    split: Split = None,
    limit: AuditLimit = None,
    seed: Annotated[int | None, option("--seed", "Root of all random streams of the audits (default: 0).")] = None,
    precision: Precision = "auto",
    behaviours: BehaviourFiles = None,
    lexicon: LexiconFiles = None,
    device: Device = "auto",
    online: Online = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the comparison as JSON.", show_default=False)
    ] = None,
) -> None:
    """Compare finished audits, or models: what became worse or better, and which examples fail anew.

    With --data, models are audited first, all alike, each in a folder of its name in --out; finished audits among them
    are taken as they are and say how. Run again, it goes on where it stopped. Without --data it needs no torch.
    """
    from workbench import verbs
    from workbench.data.labels import parse_label_map
    from workbench.files import write_text
    from workbench.results import COMPARISON, COMPARISON_JSON
    from workbench.verbs.comparing import save_comparison
    from workbench.verbs.models import Asked, compare_models, require_records
    from workbench.verdict.policy import load_policy

    how: dict[str, Any] = {
        "profile": profile,
        "columns": columns_of(text_column, label_column, group_column, id_column, person_column),
        "label_map": parse_label_map(label_map) if label_map else None,
        "positive_label": positive_label,
        "threshold": threshold,
        "split": split,
        "limit": limit,
        "seed": seed,
    }
    more: dict[str, Any] = {
        "cross": crossed(cross) or None,
        "precision": precision,
        "behaviours": tuple(behaviours or ()),
        "lexicons": tuple(lexicon or ()),
    }
    if data is None:
        require_records(places)
        _require_data(
            {**how, "cross": cross, "behaviours": behaviours, "lexicon": lexicon}
            | {"precision": None if precision == "auto" else precision}
        )
        found = verbs.compare(*places, policy=policy)
        save_comparison(found, page=out, told=json_file)
    else:
        network(online)
        asked = Asked(policy=load_policy(policy), device=device, online=online, command=_command(), **how, **more)
        found = compare_models(places, data, out, asked, progress=terminal.progress_of, kept=terminal.print_kept)
        if json_file is not None:
            write_text(json_file, (out / COMPARISON_JSON).read_text("utf-8"))
    terminal.print_comparison(found)
    terminal.print_file("Page", out if data is None else out / COMPARISON)
    if any(one.word == "worse" for side in found.sides for one in side.changes):
        raise typer.Exit(1)
    raise typer.Exit(_NOT_COMPARED if found.lacking else 0)


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench report reports/base/audit.json --out reports/base/index.html\n\n"
    "  workbench report reports/base --pdf reports/base/report.pdf --model-card\n\n"
    "  workbench report reports/base --redact --out outside/index.html",
)
def report(
    record: RecordArgument,
    out: ReportFile = None,
    redact: Redact = False,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", help="Also print the report to this file.", show_default=False)
    ] = None,
    model_card: Annotated[
        bool, typer.Option("--model-card", help="Also write model_card.md beside the report.")
    ] = False,
) -> None:
    """Write the HTML report of a finished audit again, whole or redacted. Needs no torch.

    With --redact, a folder of its own (default: redacted/ beside the record) gets report, audit.json, junit.xml and
    model_card.md.
    """
    from workbench.errors import BadInput
    from workbench.files import write_text
    from workbench.results import REPORT, read_record, report_page, write_card
    from workbench.verbs import publishing

    held, folder = read_record(record), record if record.is_dir() else record.parent
    if pdf is not None:
        publishing.browser()  # before anything is written
    if redact:
        target = out or folder / "redacted" / REPORT
        if target.name != REPORT:
            raise BadInput(
                f"--redact writes several files to the folder of --out; call the page {REPORT}, not {target.name}"
            )
        publishing.require_elsewhere(record, target.parent)
        publishing.save_redacted(held, target.parent)
    else:
        target = out or folder / REPORT
        write_text(target, report_page(held, target.parent))
        if model_card:
            write_card(held, target.parent)
    if pdf is not None:
        publishing.write_pdf(target, pdf)
        terminal.print_file("PDF", pdf)
    terminal.print_file("Report", target)


@app.command(epilog="[bold]Examples[/]\n\n  workbench policy\n\n  workbench policy yours.toml")
def policy(
    name: Annotated[str, typer.Argument(help="Shipped policy or TOML file.")] = "default",
) -> None:
    """Check a policy and say how many examples each of its gates needs to be decidable."""
    from workbench.verdict.decidable import decidability
    from workbench.verdict.policy import load_policy

    for line in decidability(load_policy(name)):
        terminal.out.print(line)


def _require_data(how: dict[str, Any]) -> None:
    """Refuse what says how to audit where nothing is audited: finished audits were made as they were made."""
    from workbench.errors import Misconfigured

    if given := [name for name, value in how.items() if value is not None]:
        flag = {"columns": "…-column"}.get(given[0], given[0].replace("_", "-"))
        raise Misconfigured(f"--{flag} is about how to audit: it needs --data and a model")


def _exit_code(verdict: Any, fail_on: Any) -> int:
    from workbench.verdict.judge import exit_code

    return exit_code(verdict, fail_on=fail_on)


def _require_fail_on(value: str) -> None:
    """Refuse what --fail-on cannot be, before the long work."""
    from workbench.errors import NotFound

    if value not in ("fail", "warn"):
        raise NotFound.among("--fail-on", value, ("fail", "warn"))


def _command() -> str:
    return shlex.join(["workbench", *sys.argv[1:]])
