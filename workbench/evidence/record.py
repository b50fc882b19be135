"""The audit record: everything one audit established, and how to establish it again.

Schema history
--------------
1  first version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from workbench.evidence.cards import CorpusCard, ModelCard, TrainingCard
from workbench.evidence.decision import Decision
from workbench.evidence.effort import Effort
from workbench.evidence.exhibits import Exhibit
from workbench.evidence.measurement import Measurement
from workbench.evidence.mitigation import MitigationCard
from workbench.evidence.schema import Stored

SCHEMA_VERSION = 1


class Measured(Stored):
    """The probe ran and this is what it found."""

    outcome: Literal["measured"] = "measured"
    measurements: tuple[Measurement, ...]
    exhibits: tuple[Exhibit, ...] = ()


class NotApplicable(Stored):
    """The probe cannot run here, for a reason that is a sentence."""

    outcome: Literal["not_applicable"] = "not_applicable"
    reason: str = Field(min_length=1)
    missing: bool = False
    """Whether something is not there that it needs: once it is, another audit will not leave it out."""


class Failed(Stored):
    """The probe crashed."""

    outcome: Literal["failed"] = "failed"
    error: str = Field(min_length=1)
    """Type and message of the exception, and where it was raised."""


Result = Annotated[Measured | NotApplicable | Failed, Field(discriminator="outcome")]


class Evidence(Stored):
    """What one probe left, with what is needed to run it again."""

    probe: str
    """`name@version`."""
    params: dict[str, Any]
    seed: int
    seconds: float = Field(ge=0)
    result: Result


def repeated(evidence: Iterable[Evidence]) -> Measurement | None:
    """Return the first measurement whose name and facets are those of an earlier one, None where all differ."""
    seen = set()
    for one in evidence:
        for measurement in one.result.measurements if isinstance(one.result, Measured) else ():
            if measurement.key in seen:
                return measurement
            seen.add(measurement.key)
    return None


class Environment(Stored):
    """Where the audit ran."""

    python: str
    platform: str
    device: str
    """e.g. 'cpu', 'NVIDIA H200'."""
    processor: str
    threads: int
    versions: dict[str, str]
    """Package -> version, for every package that can change a number."""
    code: str
    """The workbench's own version and source revision."""


class AuditSettings(Stored):
    """The choices that every number assumes."""

    seed: int
    profile: str
    split: str
    """Which part of the corpus was audited: 'test', 'all', …"""
    limit: int | None
    """`--limit`: at most so many examples, sampled by hash of their id."""
    decision: Decision
    positive_label: str
    """The label that rates are about."""
    label_map: dict[str, str]
    """Data label -> model label, where `--label-map` renamed any."""
    rests_on: str | None = None
    """sha256 of what probes looked into beside model and data: who was learned from, references, other models."""
    crossed: tuple[str, ...] = ()
    """Attributes that `--cross` made of others, such as 'sex x region'."""
    precision: str
    """What every reported score was computed in."""
    search_precision: str = "float32"
    """What attacks and explainers searched in; whatever they found was computed again in `precision`."""
    search_reason: str | None = None
    """Why searches ran in that."""
    shapes: str | None = None
    """The shapes in which texts went through the network; None for a model that makes its own batches."""
    policy: str
    policy_digest: str
    """sha256 of the policy, fixed before the audit ran."""
    date: str
    """ISO 8601 date and time (UTC) at the start. Volatile."""
    ledger_count: int = Field(ge=1)
    """How many audits have been made on this very set of examples on this installation, this one included. Volatile."""
    command: str | None = None
    """The command that was run, for the report's last section. Volatile."""


Verdict = Literal["pass", "warn", "fail", "not_established"]


class Finding(Stored):
    """The judgement of one criterion of the policy."""

    criterion: str
    severity: Literal["fail", "warn"]
    verdict: Verdict
    because: str
    """One plain sentence: what was required, what was found."""
    why: str
    """The policy's own reason for the criterion."""
    measurement: str
    where: dict[str, str]
    bound: str
    """The requirement in words, e.g. 'at least 0.80'."""
    evidence: Measurement | None
    """The measurement judged; None where there was none."""
    probe: str | None
    """The probe that made it, or should have."""
    owner: str = ""
    """Who answers for the requirement, as the policy names them."""


REDACTION = "record.redaction@1"
"""The evidence that says of a record that it is redacted."""

WITHHELD = "(withheld)"
"""What stands in a redacted record where a group or a slice would be named that is not."""


class Withheld(NamedTuple):
    """What a redacted record is silent about."""

    attributes: tuple[str, ...] = ()
    """Attributes of which groups are withheld."""
    facets: tuple[str, ...] = ()
    """Facets, such as 'slice', of which values are."""


class AuditRecord(Stored):
    """One audit of one model on one corpus."""

    schema_version: int = SCHEMA_VERSION
    model: ModelCard
    training: TrainingCard | None
    """None for a model that the workbench did not train."""
    mitigation: MitigationCard | None = None
    """How its decisions were changed after training to bring groups closer; None where they were not."""
    corpus: CorpusCard
    environment: Environment
    audit: AuditSettings
    evidence: tuple[Evidence, ...]
    findings: tuple[Finding, ...] = ()
    effort: tuple[Effort, ...] = ()
    """What each step of this very run cost. Volatile."""

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if (again := repeated(self.evidence)) is not None:
            raise ValueError(f"{again.name} {again.where} is measured twice, and nothing tells which is meant")
        return self

    @property
    def redacted(self) -> bool:
        """Whether it says of itself that it is redacted: its texts and ids are hashes."""
        return any(one.probe == REDACTION for one in self.evidence)

    def measurements(self) -> Iterator[tuple[Evidence, Measurement]]:
        """Yield every measurement with the evidence that holds it, in record order."""
        for evidence in self.evidence:
            if isinstance(evidence.result, Measured):
                for measurement in evidence.result.measurements:
                    yield evidence, measurement

    def exhibits(self, kind: str | None = None) -> Iterator[tuple[Evidence, Exhibit]]:
        """Yield every exhibit (of one kind) with the evidence that holds it, in record order."""
        for evidence in self.evidence:
            if isinstance(evidence.result, Measured):
                for exhibit in evidence.result.exhibits:
                    if kind is None or exhibit.kind == kind:
                        yield evidence, exhibit

    @property
    def withheld(self) -> Withheld:
        """What redaction took out of it; nothing of a whole record."""
        for evidence in self.evidence:
            if evidence.probe == REDACTION:
                attributes = evidence.params.get("attributes", self.corpus.groups)  # older marks do not say: any may be
                return Withheld(tuple(attributes), tuple(evidence.params.get("facets", ("slice",))))
        return Withheld()

    def find(self, name: str, **where: str) -> Measurement | None:
        """Return the one measurement with this name and exactly these facets, or None."""
        for _, measurement in self.measurements():
            if measurement.name == name and measurement.where == where:
                return measurement
        return None


VOLATILE: tuple[str, ...] = (
    "audit.date",
    "audit.ledger_count",
    "audit.command",
    "evidence.*.seconds",
    "effort.*",
    "cost.latency_p50",
    "cost.latency_p95",
    "cost.throughput",
    "cost.peak_memory",
    "explanations.seconds_median",
)
"""What may differ between two equal audits: paths into the record, and measurements by name (value and interval).

Findings that rest on a volatile measurement are volatile with it.
"""


def stable(record: AuditRecord) -> dict[str, Any]:
    """Return the record as plain JSON values without what is `VOLATILE`: equal for two equal audits."""
    plain: dict[str, Any] = record.model_dump(mode="json")
    for key in ("date", "ledger_count", "command"):
        del plain["audit"][key]
    del plain["effort"]
    for evidence in plain["evidence"]:
        del evidence["seconds"]
        for measurement in evidence["result"].get("measurements", ()):
            _blur(measurement)
    for finding in plain["findings"]:
        if finding["measurement"] in VOLATILE:
            finding["verdict"] = finding["because"] = finding["evidence"] = None
    return plain


def _blur(measurement: dict[str, Any]) -> None:
    if measurement["name"] in VOLATILE:
        measurement["value"] = measurement["interval"] = None
