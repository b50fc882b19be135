"""How results look in a terminal: progress, verdict, findings, coloured tokens. Presentation only."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from workbench.audit.robustness.recipes import Listed
    from workbench.audit.runner import Step
    from workbench.comparing import Comparison
    from workbench.data.manifest import CatalogueEntry
    from workbench.doctor import Check
    from workbench.evidence.cards import TrainingCard
    from workbench.evidence.exhibits import MethodQuality, TokenScores
    from workbench.evidence.mitigation import MitigationCard
    from workbench.evidence.record import AuditRecord, Finding, Verdict
    from workbench.judgements import Applied, Saved
    from workbench.results import Audited
    from workbench.train.events import TrainingEvent
    from workbench.train.references import Made
    from workbench.verbs.comparing import Audits

out = Console(highlight=False, soft_wrap=False, markup=False)
"""Without markup, as the other one: names and paths are somebody's text, and a bracket in them is no command."""
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

VERDICT_STYLE = {"pass": "bold green", "warn": "bold yellow", "fail": "bold red", "not_established": "bold magenta"}


def clean(text: str) -> str:
    """Return `text` without control characters, so that data cannot drive the reader's terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)


@contextmanager
def audit_progress() -> Iterator[Callable[[Step], None]]:
    """Yield a callback that shows audit steps: a live bar on a terminal, a line per step elsewhere."""
    with _bars() as bars:
        tasks: dict[str, Any] = {}
        said = time.monotonic()

        def show(step: Step) -> None:
            nonlocal said
            name = clean(step.name)
            if step.name not in tasks:
                tasks[step.name] = bars.add_task(escape(name), total=step.total)
                if not err.is_terminal:
                    err.print(f"{name} …")
            task = tasks[step.name]
            bars.update(task, completed=step.done, total=step.total)
            if not err.is_terminal and step.done and step.outcome is None and time.monotonic() - said > 30:
                said = time.monotonic()
                err.print(f"{name}: {step.done:,} of {step.total:,}" if step.total else f"{name} …")
            if step.outcome is not None:
                colour = {"m": "green", "n": "yellow", "f": "red"}[step.outcome[0]]
                bars.update(task, description=f"[{colour}]{escape(name)}[/]: {escape(clean(step.outcome))}")
                if not err.is_terminal:
                    err.print(f"{name}: {clean(step.outcome)}")

        yield show


@contextmanager
def progress_of(name: str) -> Iterator[Callable[[Step], None]]:
    """Say which model is audited now, and yield what `audit_progress` does."""
    err.print(Text(f"Audit of {clean(name)}", style="bold"))
    with audit_progress() as show:
        yield show


def print_kept(folder: Path) -> None:
    """Say that an audit was finished by an earlier run and is not made again."""
    err.print(Text(f"{clean(str(folder))}: finished by an earlier run, and taken as it is"))


@contextmanager
def training_progress() -> Iterator[Callable[[TrainingEvent], None]]:
    """Yield a callback that shows training: a live bar on a terminal, a line every half minute elsewhere."""
    with _bars() as bars:
        tasks: dict[str, Any] = {}
        said = 0.0

        def show(event: TrainingEvent) -> None:
            nonlocal said
            loss = "" if event.loss is None else f"  loss {event.loss:.3f}"
            if event.phase not in tasks:
                tasks[event.phase] = bars.add_task(event.phase, total=event.total)
            bars.update(tasks[event.phase], completed=event.step, total=event.total, description=f"{event.phase}{loss}")
            if event.message:
                bars.print(Text(clean(event.message)))
            ended = event.step >= event.total
            if not err.is_terminal and (ended or event.message or time.monotonic() - said > 30):
                said = time.monotonic()
                err.print(f"{event.phase}: {event.step} of {event.total}{loss}  {clean(event.message)}".rstrip())

        yield show


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callback (done, of how many) that shows a bar on a terminal, and nothing elsewhere."""
    with _bars() as bars:
        task = bars.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        yield show


@contextmanager
def _bars() -> Iterator[Progress]:
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    )  # fmt: skip
    with Progress(*columns, console=err, disable=not err.is_terminal) as bars:
        yield bars


def print_verdict(record: AuditRecord, findings: Sequence[Finding], verdict: Verdict, *, policy: str) -> None:
    """Print the findings, worst first, and the overall verdict under the policy of that name."""
    from workbench.evidence.record import Failed, NotApplicable
    from workbench.verdict.judge import worst_first
    from workbench.verdict.wording import SIGNS

    table = Table(show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("verdict", no_wrap=True)
    table.add_column("criterion")
    table.add_column("finding")
    for finding in worst_first(findings):
        sign = Text(f"{SIGNS[finding.verdict]} {words(finding.verdict)}", style=VERDICT_STYLE[finding.verdict])
        table.add_row(sign, Text(clean(finding.criterion)), Text(clean(finding.because)))
    out.print(table)
    for evidence in record.evidence:
        match evidence.result:
            case Failed(error=error):
                out.print(Text(f"{evidence.probe}: failed: {clean(error)}", style="red"))
            case NotApplicable(reason=reason):
                out.print(Text(f"{evidence.probe}: not applicable: {clean(reason)}", style="yellow"))
    line = Text("Verdict: ", style="bold")
    line.append(f"{SIGNS[verdict]} {words(verdict)}", style=VERDICT_STYLE[verdict])
    line.append(
        f"  ({clean(record.model.name)} on {clean(record.corpus.name)}, {record.corpus.n:,} examples, "
        f"policy {clean(policy)})"
    )
    out.print(line)


def print_other_policy(record: AuditRecord) -> None:
    """Say, beside the result, that the audit was made under another policy than it is judged by here."""
    own = f"{clean(record.audit.policy)} (sha256 {record.audit.policy_digest[:12]}…)"
    err.print(Text(f"Not the policy that this audit was made under, {own}.", style="yellow"), soft_wrap=True)


def print_summary(record: AuditRecord, findings: Sequence[Finding], verdict: Verdict, *, policy: str) -> None:
    """Print the verdict as one line without colour, for a log: what, how many of each, which model, data and policy."""
    from workbench.verdict.judge import count

    found = count(findings)
    told = ", ".join(f"{n} {words(kind)}" for kind, n in found.judged.items() if n) or "nothing judged"
    aside = ((found.reported, "only reported"), (found.spared, "not applicable"))
    told += "".join(f", {n} {what}" for n, what in aside if n)
    line = f"workbench: {words(verdict)}: {told} ({record.model.name} on {record.corpus.name}, policy {policy})"
    out.print(Text(clean(line)), soft_wrap=True)


def print_comparison(found: Comparison) -> None:
    """Print for each model its verdict, what became worse, and how many examples fail anew."""
    from workbench.evidence.names import title
    from workbench.report.beside import lost
    from workbench.verdict.wording import about, signed, signed_interval

    base = found.base.model.name
    out.print(Text(f"Base: {clean(base)}: {words(found.base_verdict)}"))
    for side in found.sides:
        out.print(Text(f"{clean(side.record.model.name)}: {words(side.verdict)}", style=VERDICT_STYLE[side.verdict]))
        for one in side.changes:
            if one.word in ("worse", "better"):
                span = "not paired" if one.interval is None else signed_interval(one.interval)
                line = f"  {one.word}: {title(one.name)}{about(one.where)}: {signed(one.change, one.unit)} ({span})"
                out.print(Text(clean(line), style="red" if one.word == "worse" else "green"), soft_wrap=True)
        if side.lacking:
            out.print(Text(f"  {lost(len(side.lacking))}", style="magenta"))
        out.print(Text(f"  {len(side.failing):,} examples fail anew, {side.mended:,} are mended"))
        for note in side.notes:
            out.print(Text(f"  {clean(note)}", style="yellow"), soft_wrap=True)


def print_index(found: Audits, page: Path) -> None:
    """Print how many audits are listed, which could not be read and why, and where the page is."""
    out.print(f"{len(found.listed):,} audits listed")
    for one in found.unreadable:
        out.print(Text(f"unreadable: {clean(one.folder)}: {clean(one.reason)}", style="red"), soft_wrap=True)
    print_file("Index", page)


def print_file(what: str, file: Path) -> None:
    """Print where what was written is."""
    out.print(Text.assemble((f"{what}: ", "bold"), clean(str(file))), soft_wrap=True)


def print_audited(audited: Audited, folder: Path) -> None:
    """Print what an audit found and where its files are."""
    from workbench.results import RECORD, REPORT

    print_verdict(audited.record, audited.findings, audited.verdict, policy=audited.record.audit.policy)
    print_file("Report", folder / REPORT)
    print_file("Record", folder / RECORD)


def print_training(card: TrainingCard, folder: Path) -> None:
    """Print how a training ended."""
    out.print(Text("Test split, scikit-learn's classification report", style="bold"))
    out.print(Text(clean(card.test_report)))
    out.print(clean(f"Trained in {card.seconds:,.0f} s on {card.device}, {card.steps:,} steps; {card.stopped}."))
    print_file("Model", folder)


def print_mitigation(card: MitigationCard, folder: Path) -> None:
    """Print what thresholds by group cost and gain, and what the model needs from now on."""
    from workbench.report.mitigation import figures, needs, trade_off_rows

    table = Table(show_edge=False, pad_edge=False, header_style="dim", title="Trade-off on the validation part")
    for column in ("setting", "accuracy", clean(card.gap), "drawn"):
        table.add_column(column)
    for row in trade_off_rows(card):
        table.add_row(*(Text(clean(cell)) for cell in row))
    out.print(table)
    out.print(Text(f"On the test part, {card.held_out.corpus.n:,} examples that the thresholds have not seen:"))
    for name, figure in figures(card):
        out.print(Text(f"  {clean(name)}: {clean(figure)}"), soft_wrap=True)
    for sentence in needs(card):
        out.print(Text(clean(sentence), style="yellow"), soft_wrap=True)
    print_file("Model", folder)


def print_references(made: Made, run: Path) -> None:
    """Print what became of a request for reference models."""
    out.print(
        f"{made.total} references of kind '{made.kind}' ({made.new} new), each asked about {made.records:,} records. "
        f"Attacks on membership use them: workbench audit {clean(str(run))} …"
    )


def print_catalogue(entries: Iterable[CatalogueEntry]) -> None:
    """Print the named corpora and models."""
    for entry in entries:
        out.print(Text.assemble((clean(entry.name), "bold"), f"  {entry.kind}, {entry.task}, {entry.size}"))
        out.print(Text(f"    licence {clean(entry.licence)}; sha256 {entry.digest[:16]}…; {clean(entry.state)}"))


def print_attacks(recipes: Iterable[Listed]) -> None:
    """Print each recipe with what it changes, and what it lacks where it cannot run."""
    for one in recipes:
        sign, colour = ("✓", "green") if one.missing is None else ("✗", "red")
        out.print(Text.assemble((f"{sign} ", colour), (one.name, "bold"), f" ({one.family}): {clean(one.changes)}"))
        out.print(Text(f"    {clean(one.source)}", style="dim"))
        if one.missing is not None:
            out.print(Text(f"    {clean(one.missing)}", style="cyan"))


def print_collected(cases: int, left_out: int, cut: int, file: Path) -> None:
    """Print how many cases were written, how many rewrites people's judgement left out, and what the record lacks."""
    without = (
        f"; left out: {left_out} successful {'rewrite' if left_out == 1 else 'rewrites'} that people judged to have "
        "lost their label"
        if left_out
        else ""
    )
    out.print(Text(f"{cases} cases: {clean(str(file))}{without}"), soft_wrap=True)
    if cut:
        many = "case fails that is" if cut == 1 else "cases fail that are"
        out.print(Text(f"{cut} more {many} not in the record, which keeps the first of each behaviour"))


def print_regressions(found: Mapping[str, tuple[int, int]]) -> None:
    """Print how many cases of each behaviour still fail."""
    for behaviour, (bad, n) in found.items():
        sign, colour = ("✗", "red") if bad else ("✓", "green")
        out.print(Text.assemble((f"{sign} ", colour), (clean(behaviour), "bold"), f": {bad} of {n} still fail"))
    out.print(Text(f"{sum(bad for bad, _ in found.values())} of {sum(n for _, n in found.values())} cases still fail."))


def print_saved(saved: Saved, record: Path) -> None:
    """Print what was written for people to judge, and what to do with it."""
    attacks = "1 attack" if saved.recipes == 1 else f"{saved.recipes} attacks"
    line = (
        f"{saved.rewrites} rewrites of {attacks}: {saved.file}. From the top, fill in label_kept (yes, no or unsure) "
        f"and judge, then: {shlex.join(['workbench', 'judgements', 'apply', str(record), str(saved.file)])}"
    )
    out.print(Text(clean(line)), soft_wrap=True)


def print_applied(applied: Applied) -> None:
    """Print what people's judgements amount to, the verdict and where the files are."""
    from workbench.verdict.wording import SIGNS, statement

    for measurement in applied.measurements:
        out.print(Text(f"{clean(statement(measurement))}."))
    for note in applied.notes:
        out.print(Text(clean(note), style="dim"))
    verdict = f"{SIGNS[applied.verdict]} {words(applied.verdict)}"
    out.print(Text.assemble(("Verdict: ", "bold"), (verdict, VERDICT_STYLE[applied.verdict])))
    print_file("Report", applied.report)
    print_file("Record", applied.file)


def print_checks(checks: Iterable[Check]) -> None:
    """Print what is there, what is missing, what that switches off and how to get it."""
    style = {"ok": ("✓", "green"), "missing": ("✗", "red"), "warning": ("!", "yellow")}
    for check in checks:
        sign, colour = style[check.status]
        out.print(Text.assemble((f"{sign} ", colour), (f"{check.name}: ", "bold"), clean(check.found)))
        if check.status != "ok":
            if check.effect:
                out.print(Text(f"    effect: {clean(check.effect)}"))
            if check.remedy:
                out.print(Text(f"    remedy: {clean(check.remedy)}", style="cyan"))


def print_json(value: Any) -> None:
    """Print `value` as JSON, for programs: no colour, no wrapping."""
    out.out(json.dumps(value, indent=1, ensure_ascii=True), highlight=False)


def words(verdict: str) -> str:
    """Return a verdict as people say it."""
    return verdict.replace("_", " ")


def print_explanation(scores: TokenScores) -> None:
    """Print one text with its tokens coloured: green pushes towards the target, red and underlined away from it.

    Where scores have no sign they are blue, in bold and underlined. What the model does not read stands in brackets.
    """
    from workbench.report.legends import STRENGTH, draws, not_read
    from workbench.report.marks import told

    largest = max((abs(score) for score in scores.scores), default=0.0) or 1.0
    line = Text()
    first, last = scores.span_read
    line.append(_unread(scores.text[:first]), style="dim")
    end = first
    for (start, stop), score in zip(scores.spans, scores.scores, strict=True):
        if stop <= start or start < end:
            continue  # special tokens have no place in the text
        line.append(clean(scores.text[end:start]))
        line.append(clean(scores.text[start:stop]), style=_shade(score / largest, signed=scores.signed))
        end = stop
    line.append(clean(scores.text[end:last]))
    line.append(_unread(scores.text[last:]), style="dim")
    header = f"P({clean(scores.target)}) = {scores.probability:.3f}   {scores.method}, {scores.output}"
    if scores.versus is not None:
        header += f", why {clean(scores.target)} rather than {clean(scores.versus)}"
    if scores.completeness_gap is not None:
        header += f", completeness gap {scores.completeness_gap:.1%}"
    if not scores.signed:
        header += f", {STRENGTH}"
    out.print(Text(header, style="bold"))
    out.print(line)
    for note in (not_read(scores), draws(scores)):
        if note:
            out.print(Text(note[:1].upper() + note[1:].removesuffix(".") + "."))
    table = Table(show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("token")
    table.add_column(f"{'score' if scores.signed else 'strength'} ({scores.output})", justify="right")
    ranked = sorted(zip(scores.tokens, scores.spans, scores.scores, strict=True), key=lambda row: -abs(row[2]))
    for token, (start, stop), score in ranked[:10]:
        if stop > start:
            table.add_row(Text(clean(token)), Text(told(scores, score)))
    out.print(table)


def print_quality(quality: Sequence[MethodQuality]) -> None:
    """Print what several methods' explanations of one text are worth on it, beside random words."""
    if not quality:
        return
    names = list(dict.fromkeys(key for one in quality for key in one.values if key != "passes"))
    table = Table(show_edge=False, pad_edge=False, header_style="dim", title="What each is worth on this text")
    table.add_column("method")
    for name in names:
        table.add_column(name.removesuffix("/deletion"), justify="right")
    for one in quality:
        cells = (f"{one.values[name]:.3g}" if name in one.values else "undefined" for name in names)
        table.add_row(Text(clean(one.attributor)), *cells)
    out.print(table)
    out.print(
        Text(
            "Higher is better, but for sufficiency, deletion_auc and infidelity. One text proves little: audits "
            "measure many.",
            style="dim",
        )
    )


def _unread(text: str) -> str:
    """Return what the model does not read, marked as such; '' where there is nothing."""
    return f"[not read: {clean(text)}]" if text else ""


def _shade(share: float, *, signed: bool) -> str:
    """Return a Rich style for a score's share of the largest, in [-1, 1]."""
    if abs(share) < 0.05:
        return ""
    light = int(70 + 110 * min(abs(share), 1.0))
    if not signed:
        return f"bold underline white on rgb(40,60,{light})"
    return f"bold white on rgb(0,{light},60)" if share > 0 else f"underline white on rgb({light},0,50)"


def print_error(message: str) -> None:
    """Print one line that says what went wrong and what to do."""
    err.print(Text.assemble(("error: ", "bold red"), " ".join(clean(message).split())))
