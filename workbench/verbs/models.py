"""Models on the same data: each is audited in the same way, then the audits are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.errors import Misconfigured, WorkbenchError
from workbench.evidence.record import AuditRecord, Failed, NotApplicable, Result
from workbench.files import require_writable
from workbench.results import COMPARISON, COMPARISON_JSON, PREDICTIONS, RECORD, REPORT, read_record
from workbench.verbs.auditing import audit, decision_of, judged_by, positive_of, rests_on
from workbench.verbs.comparing import save_comparison
from workbench.verbs.corpora import audited_part, corpus_of
from workbench.verbs.loading import either
from workbench.verbs.membership import members_in, membership_list
from workbench.verdict.policy import Policy

if TYPE_CHECKING:
    from workbench.audit.probe import ItemProbe, WholeProbe
    from workbench.audit.runner import Progress
    from workbench.comparing import Comparison
    from workbench.data.corpus import Corpus
    from workbench.data.sources import Columns
    from workbench.models.group_aware import GroupAwareClassifier
    from workbench.models.hugging_face import HuggingFaceTextClassifier
    from workbench.models.protocols import Classifier

    ProgressOf = Callable[[str], AbstractContextManager[Progress]]
    """Model's name -> what shows the steps of its audit."""

_CHECKPOINT = "config.json"


@dataclass(frozen=True)
class Asked:
    """How all models are audited; None: as the first finished audit among them was, else as `audit` does."""

    policy: Policy
    profile: str | None = None
    columns: Columns | None = None
    cross: Sequence[Sequence[str]] | None = None
    label_map: Mapping[str, str] | None = None
    positive_label: str | None = None
    threshold: float | None = None
    split: str | None = None
    limit: int | None = None
    seed: int | None = None
    precision: str = "auto"
    behaviours: Sequence[str] = ()
    lexicons: Sequence[str] = ()
    device: str = "auto"
    online: bool = False
    command: str | None = None


class _Looked(NamedTuple):
    """What two audits must have in common to be compared."""

    examples: str
    """Digest."""
    labels: tuple[str, ...]
    positive_label: str


@dataclass(frozen=True)
class _Planned:
    """A model that is to be audited."""

    model: HuggingFaceTextClassifier | GroupAwareClassifier
    scores: Classifier
    """The model itself, or what one that decides by group decides on."""
    corpus: Corpus
    """The part to be audited."""
    positive_label: str
    folder: Path


def require_records(places: Sequence[str | Path]) -> None:
    """Refuse models where there is no data to audit them on. Raises `Misconfigured`."""
    for place in places:
        if (Path(place) / _CHECKPOINT).is_file() and not (Path(place) / RECORD).is_file():
            raise Misconfigured(
                f"{place} is a model, not a finished audit: give --data to audit all models on the same data first"
            )


def compare_models(
    places: Sequence[str | Path],
    data: str | Path | Corpus,
    out: str | Path,
    asked: Asked,
    *,
    progress: ProgressOf,
    kept: Callable[[Path], None],
) -> Comparison:
    """Audit the models among `places` on `data`, each in a folder of its name in `out`; compare all with the first.

    Finished audits among them are taken as they are. So is one that an earlier run left in `out`, where model, data,
    settings and environment are still the same: `kept` is told its folder. What can be refused is refused before the
    first audit. Writes `comparison.html` and `comparison.json` to `out`.

    Raises:
        Misconfigured: there is nothing to audit, or what would be audited could not be compared.
        NotFound, BadInput, …: a model, a record or `data` cannot be used.
    """
    from workbench.audit.profiles import profile

    root = Path(out)
    _require_folder(root)
    if len(places) < 2:
        raise Misconfigured("compare needs a base and at least one other model; got one")
    records = {i: read_record(place) for i, place in enumerate(places) if _is_record(place)}
    if len(records) == len(places):
        raise Misconfigured("--data: these are finished audits already, so there is nothing to audit; leave it out")
    chosen = _like(next(iter(records.values())), asked) if records else asked
    whole = corpus_of(data, columns=asked.columns, online=asked.online)
    for attributes in chosen.cross or ():
        whole = whole.crossed(attributes)
    probes = profile(chosen.profile or "quick", behaviours=chosen.behaviours, lexicons=chosen.lexicons)
    folders = _folders(places, root)
    planned = {i: _plan(place, whole, folders[i], chosen) for i, place in enumerate(places) if i not in records}
    looked = [_of_record(records[i]) if i in records else _of_plan(planned[i]) for i in range(len(places))]
    _require_comparable(places, looked)
    for one in planned.values():
        if _finished(one, whole, chosen, probes):
            kept(one.folder)
        else:
            with progress(one.model.card.name) as steps:
                _audit(one, whole, chosen, steps)
    return _compared([place if i in records else folders[i] for i, place in enumerate(places)], root, asked.policy)


def _is_record(place: str | Path) -> bool:
    """Tell whether `place` is an `audit.json`, or a folder with one that is no checkpoint."""
    path = Path(place)
    return path.is_file() or ((path / RECORD).is_file() and not (path / _CHECKPOINT).is_file())


def _require_folder(root: Path) -> None:
    if root.suffix.lower() in (".html", ".htm") or root.is_file():
        raise Misconfigured(f"--out {root}: with --data, name a folder; the audits and {COMPARISON} go into it")
    if (root / RECORD).is_file():
        raise Misconfigured(f"--out {root} holds an audit of its own; name another folder")
    require_writable(root)


def _folders(places: Sequence[str | Path], root: Path) -> list[Path]:
    """Return where each model's audit goes: a folder of its name, numbered where that one is taken.

    It is taken by another model's audit, or by a finished audit among `places`, whose own folder is returned for it.
    """
    records = {i: _folder_of(place) for i, place in enumerate(places) if _is_record(place)}
    taken, found = set(records.values()), list[Path]()
    for i, place in enumerate(places):
        if i in records:
            found.append(records[i])
            continue
        name = Path(place).resolve().name
        free = (root / (f"{name}-{number}" if number > 1 else name) for number in count(1))
        folder = next(one for one in free if one.resolve() not in taken)
        taken.add(folder.resolve())
        found.append(folder)
    for folder in (one for i, one in enumerate(found) if i not in records):
        if (folder / _CHECKPOINT).is_file():
            raise Misconfigured(f"--out {root}: {folder} is a model, and an audit would be written into it")
    return found


def _folder_of(record: str | Path) -> Path:
    path = Path(record).resolve()
    return path.parent if path.is_file() else path


def _like(record: AuditRecord, asked: Asked) -> Asked:
    """Return `asked` with what it leaves open filled in from a finished audit."""
    from workbench.data.corpus import CROSS

    held = record.audit
    given: dict[str, Any] = {
        "profile": held.profile,
        "label_map": held.label_map,
        "positive_label": held.positive_label,
        "threshold": held.decision.threshold,
        "split": held.split,
        "limit": held.limit,
        "seed": held.seed,
        "cross": [one.split(CROSS) for one in held.crossed],
    }
    return replace(asked, **{name: value for name, value in given.items() if getattr(asked, name) is None})


def _plan(place: str | Path, whole: Corpus, folder: Path, asked: Asked) -> _Planned:
    from workbench.models.group_aware import GroupAwareClassifier

    model = either(place, online=asked.online, device=asked.device)
    scores = model.scores if isinstance(model, GroupAwareClassifier) else model
    mapping = dict(asked.label_map or {})
    part = audited_part(whole, scores.labels, label_map=mapping, split=asked.split, limit=asked.limit)
    return _Planned(model, scores, part, positive_of(asked.positive_label, part, scores.labels), folder)


def _of_record(record: AuditRecord) -> _Looked:
    return _Looked(record.corpus.digest, record.model.labels, record.audit.positive_label)


def _of_plan(one: _Planned) -> _Looked:
    return _Looked(one.corpus.digest, one.model.card.labels, one.positive_label)


def _require_comparable(places: Sequence[str | Path], looked: Sequence[_Looked]) -> None:
    """Raise `Misconfigured`, before any audit, where the audits would turn out to be of different things."""
    for place, one in zip(places[1:], looked[1:], strict=True):
        for what in _Looked._fields:
            if getattr(one, what) != getattr(looked[0], what):
                raise Misconfigured(
                    f"{place}: other {what.replace('_', ' ')} than with {places[0]}, so changes between the two would "
                    "say nothing about the models; nothing was audited. Give data and settings that suit all of them"
                )


def _finished(one: _Planned, whole: Corpus, asked: Asked, probes: Sequence[WholeProbe | ItemProbe]) -> bool:
    """Tell whether the folder holds the whole audit that would be made now."""
    from workbench.audit.profiles import gains_from_twin
    from workbench.audit.runner import params_of
    from workbench.environment import environment
    from workbench.models.engine.choice import search_precision
    from workbench.models.group_aware import GroupAwareClassifier
    from workbench.models.training_card import read_training_card

    if not all((one.folder / name).is_file() for name in (RECORD, REPORT, PREDICTIONS)):
        return False
    try:
        record = read_record(one.folder)
    except WorkbenchError:
        return False
    by_group = one.model if isinstance(one.model, GroupAwareClassifier) else None
    rule, mitigation = (None, None) if by_group is None else (by_group.rule, by_group.mitigation)
    folder = getattr(one.scores, "folder", None)
    training = None if folder is None else read_training_card(folder)
    chosen = judged_by(probes, training)
    listed = membership_list(folder, None)
    members = members_in(whole, listed, folder, one.scores.labels, asked.label_map or {})
    searching = search_precision(one.scores, asked.precision, worthwhile=gains_from_twin(probes))
    settings = {
        "seed": asked.seed or 0,
        "profile": asked.profile or "quick",
        "split": one.corpus.split,
        "limit": asked.limit,
        "decision": decision_of(asked.threshold, one.scores.labels, rule),
        "positive_label": one.positive_label,
        "label_map": dict(asked.label_map or {}),
        "crossed": whole.crossings,
        "search_precision": searching.precision,
        "policy_digest": asked.policy.digest,
        "rests_on": rests_on(listed, members, chosen),
    }
    return (
        not any(_unfinished(held.result) for held in record.evidence)
        and record.model == one.model.card
        and record.training == training
        and record.mitigation == mitigation
        and record.corpus.digest == one.corpus.digest
        and record.environment == environment(str(getattr(one.scores, "device", "cpu")))
        and all(getattr(record.audit, name) == value for name, value in settings.items())
        and [(held.probe, held.params) for held in record.evidence]
        == [(probe.name, params_of(probe)) for probe in chosen]
    )


def _unfinished(result: Result) -> bool:
    """Tell whether a probe crashed, or missed something that may be there now."""
    return isinstance(result, Failed) or (isinstance(result, NotApplicable) and result.missing)


def _audit(one: _Planned, whole: Corpus, asked: Asked, steps: Progress) -> None:
    audit(
        one.model,
        whole,
        out=one.folder,
        profile=asked.profile or "quick",
        policy=asked.policy,
        precision=asked.precision,
        behaviours=asked.behaviours,
        lexicons=asked.lexicons,
        label_map=asked.label_map,
        positive_label=asked.positive_label,
        threshold=asked.threshold,
        split=asked.split,
        limit=asked.limit,
        seed=asked.seed or 0,
        device=asked.device,
        online=asked.online,
        command=asked.command,
        progress=steps,
    )


def _compared(audits: Sequence[str | Path], root: Path, policy: Policy) -> Comparison:
    from workbench.comparing import compare

    found = compare(*audits, policy=policy)
    save_comparison(found, page=root / COMPARISON, told=root / COMPARISON_JSON)
    return found
