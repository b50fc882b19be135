"""A model card in the Hugging Face format: Markdown with metadata, from the record alone.

What a record cannot know (intended use, who is affected, licence) is left open for a person, and says so. The format of
the metadata is that of `huggingface_hub.ModelCardData`: `model-index` holds results by task and data set.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from workbench.evidence.measurement import Measurement
from workbench.evidence.names import title
from workbench.evidence.record import AuditRecord, Finding
from workbench.report.markdown import plain, table, yaml
from workbench.report.mitigation import figures, needed
from workbench.report.privacy import unfounded
from workbench.report.summary import PILLARS, outcome, pillar, summary
from workbench.report.text import plural, short
from workbench.verdict import wording
from workbench.verdict.judge import worst_first

OPEN = "To be filled in by a person"
"""What stands where the record knows nothing."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_INDEXED = ("performance", "calibration", "robustness", "fairness", "privacy")
"""Pillars whose overall figures become results; costs are about a machine, explanations about methods."""
_MANY, _KEPT = 20, 3
"""Of a measurement with more figures than this, a card holds the worst few: it is read by people."""
_TYPES = {
    "performance.accuracy": "accuracy",
    "performance.precision": "precision",
    "performance.recall": "recall",
    "performance.f1": "f1",
    "performance.roc_auc": "roc_auc",
}
"""Names that the hub knows, where theirs means the same as ours."""
_SEAL = "<!-- made by the workbench; sha256 of what stands above: {} -->\n"
_SEALED = re.compile(r"<!-- made by the workbench; sha256 of what stands above: ([0-9a-f]{64}) -->\n")


def model_card(record: AuditRecord, findings: Sequence[Finding]) -> str:
    """Return the card. Pure: same record and findings, same text."""
    parts = ["---", yaml(metadata(record)), "---", "", *_body(record, findings)]
    text = "\n".join(parts) + "\n\n"
    return text + _SEAL.format(_digest(text))


def is_untouched(card: str) -> bool:
    """Tell whether a card is as `model_card` made it, so that nobody's words are lost with it."""
    found = _SEALED.search(card)
    return found is not None and found.end() == len(card) and _digest(card[: found.start()]) == found[1]


def metadata(record: AuditRecord) -> dict[str, Any]:
    """Return what stands above the card, as plain values."""
    model, data = record.model, record.corpus
    held: dict[str, Any] = {"pipeline_tag": model.task, "tags": ["workbench-audit", *_tags(record)]}
    if model.base is not None and _HUB_ID.fullmatch(model.base):
        held["base_model"] = model.base
    results = [_metric(one) for one in _headlines(record)[0]]
    task = {"type": model.task, "name": model.task.replace("-", " ").capitalize()}
    dataset = {
        "name": short(data.name),
        "type": short(data.name),
        "split": short(data.split),
        "revision": f"sha256:{data.digest}",
    }
    entry = {"task": task, "dataset": dataset, "metrics": results}
    held["model-index"] = [{"name": short(model.name), "results": [entry] if results else []}]
    return held


def _tags(record: AuditRecord) -> Iterator[str]:
    training = record.training
    if training is not None and training.privacy is not None and unfounded(record) is None:
        yield "differential-privacy"
    if training is not None and training.augmentation is not None:
        yield "adversarial-training"


def _indexed(one: Measurement) -> bool:
    return pillar(one.name) in _INDEXED and "group" not in one.where and "slice" not in one.where


def _headlines(record: AuditRecord) -> tuple[list[Measurement], dict[str, int]]:
    """Return the figures that a card holds, in the record's order, and how many there are of those it cuts short."""
    held = [one for _, one in record.measurements() if _indexed(one)]
    families: dict[str, list[Measurement]] = {}
    for one in held:
        families.setdefault(one.name, []).append(one)
    cut = {name: len(family) for name, family in families.items() if len(family) > _MANY}
    kept = {one.key for name in cut for one in sorted(families[name], key=_badness, reverse=True)[:_KEPT]}
    return [one for one in held if one.name not in cut or one.key in kept], cut


def _badness(one: Measurement) -> float:
    match one.better:
        case "higher":
            return -one.value
        case "lower":
            return one.value
        case _:
            return abs(one.value)


def _metric(one: Measurement) -> dict[str, Any]:
    sure: dict[str, Any] = {"n": one.n}
    if one.interval is not None:
        held = one.interval
        sure |= {"low": held.low, "high": held.high, "level": held.level, "method": held.method}
    about = {"where": [f"{facet}={short(value)}" for facet, value in one.where.items()]} if one.where else {}
    return {
        "type": _TYPES.get(one.name, one.name),
        "value": one.value,
        "name": short(wording.subject(one.name, one.where), 120),
        "args": {**sure, **about},
    }


def _body(record: AuditRecord, findings: Sequence[Finding]) -> Iterator[str]:
    model, data, settings = record.model, record.corpus, record.audit
    screen = summary(record, findings)
    yield f"# Model card: {plain(short(model.name))}\n"
    withheld = " Texts and small groups are withheld." if record.redacted else ""
    yield (
        f"Written from the record of an audit of {plain(settings.date[:10])}; the report beside it tells more."
        f"{withheld} It says what was measured, and promises nothing beyond it.\n"
    )
    yield f"## Verdict: {plain(screen.word)}\n"
    yield f"{plain(screen.sentence)}\n"
    yield from _open("Intended use", "For which decisions, by whom, about whom, in which languages and places.")
    yield from _open("Uses out of scope", "For what this model must not be used, and why.")
    yield "## The model\n"
    yield table(("What", "Which"), _model(record)) + "\n"
    yield "## Data of the audit\n"
    yield (
        table(
            ("What", "Which"),
            (
                ("Data", f"{short(data.name)}, split {short(data.split)}"),
                ("Size", f"{plural(data.n, 'example')} by {plural(data.people, 'person', 'people')}"),
                ("Licence", short(data.licence)),
                ("Digest", f"sha256 {data.digest}"),
                ("Labels", ", ".join(f"{short(label)} ({n:,})" for label, n in data.labels.items())),
            ),
        )
        + "\n"
    )
    yield "## Results\n"
    yield from _requirements(findings)
    yield from _figures(record)
    yield "## Limits\n"
    yield "\n".join(f"* {plain(item.lead + item.text)}" for item in screen.limits) + "\n"
    yield from _open("Who may be harmed, and how", "By wrong decisions of either kind; what is done about it.")
    yield from _open("Licence and contact", "Of the model; whom to ask and to tell of errors.")
    yield "## How to reproduce\n"
    yield table(
        ("What", "Which"),
        (
            ("Command", settings.command or "not recorded"),
            ("Seed", str(settings.seed)),
            ("Policy", f"{short(settings.policy)}, sha256 {settings.policy_digest}"),
            ("Code", record.environment.code),
        ),
    )


def _open(heading: str, asks: str) -> Iterator[str]:
    yield f"## {heading}\n"
    yield f"*{OPEN}.* {asks} The record of an audit cannot know.\n"


def _model(record: AuditRecord) -> Iterator[tuple[str, str]]:
    model, training = record.model, record.training
    yield "Name and architecture", f"{short(model.name)}, {short(model.architecture)}"
    yield "Task and labels", f"{model.task}: {', '.join(short(label) for label in model.labels)}"
    yield "Size", f"{model.parameters:,} parameters, {wording.number(model.bytes, 'bytes')}"
    yield "Base model", short(model.base) if model.base else "not stated"
    yield "Digest", f"sha256 {model.digest}"
    if (rule := record.audit.decision.by_group) is not None:
        yield "Decisions", " ".join(needed(rule))
    if record.mitigation is not None:
        yield from ((name, value) for name, value in figures(record.mitigation))
    if training is None:
        yield "Training", "unknown: the workbench did not train this model"
        return
    data = training.corpus
    yield "Training data", f"{short(data.name)}, split {short(data.split)}, {plural(data.n, 'example')}"
    if training.privacy is not None:
        held = training.privacy
        if (doubt := unfounded(record)) is not None:
            yield "Privacy", f"not established. {doubt}"
            return
        yield "Privacy", f"epsilon {held.epsilon:.4g} at delta {held.delta:g}, for one {held.unit}"


def _requirements(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        yield "No requirement was judged.\n"
        return
    rows = (
        (outcome(one), wording.subject(one.measurement, one.where), one.bound, one.because)
        for one in worst_first(findings)
    )
    yield table(("Verdict", "Requirement", "Bound", "Finding"), rows) + "\n"


def _figures(record: AuditRecord) -> Iterator[str]:
    """Yield the overall figures, pillar by pillar, and which pillars have none."""
    held, cut = _headlines(record)
    rows = [
        (
            title(one.name),
            wording.about(one.where).strip(),
            wording.number(one.value, one.unit),
            wording.interval(one.interval, one.unit),
            f"{one.n:,}",
            "counted" if one.interval is None else f"{wording.level(one.interval)} {one.interval.method}",
        )
        for one in held
    ]
    if rows:
        yield table(("Measurement", "About", "Value", "Interval", "n", "Method"), rows) + "\n"
    for name, n in cut.items():
        yield f"{title(name)}: the worst {_KEPT} of {n} figures are shown; the report holds all.\n"
    absent = [PILLARS[name].lower() for name in _INDEXED if not any(pillar(one.name) == name for one in held)]
    if absent:
        yield f"Not measured: {', '.join(absent)}.\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
