"""What the verbs return: results that show themselves in a notebook and save themselves to files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex, overload

from pydantic import ValidationError

from workbench.errors import BadInput, NotFound, Unwritable
from workbench.evidence.exhibits import MethodQuality, TokenScores
from workbench.evidence.explained import numbered
from workbench.evidence.record import SCHEMA_VERSION, AuditRecord, Finding, Verdict
from workbench.files import write_text, writing
from workbench.report.junit import junit
from workbench.seeds import Streams
from workbench.verdict.judge import overall

if TYPE_CHECKING:
    import pandas as pd

    from workbench.data.corpus import Corpus
    from workbench.models.protocols import FloatArray
    from workbench.report.beside import Beside
    from workbench.report.not_compared import NotCompared

RECORD, REPORT, PREDICTIONS, JUNIT = "audit.json", "index.html", "predictions.parquet", "junit.xml"
CARD = "model_card.md"
COMPARISON, COMPARISON_JSON, NOT_COMPARED = "comparison.html", "comparison.json", "not_compared.json"
OF_ONE_AUDIT = (REPORT, RECORD, PREDICTIONS, JUNIT, COMPARISON, COMPARISON_JSON, NOT_COMPARED)
"""What a new audit in the same folder takes the place of."""
_CHANCE = "chance of deciding the positive label"
"""Column of a model that decides by group: what it says; `decided` holds one draw of it."""
PREVIOUS = "previous-"
"""Prefix of an earlier audit's files while, or since, a new one has not come to its end."""


@dataclass(frozen=True)
class Audited:
    """A finished audit."""

    record: AuditRecord
    corpus: Corpus
    probabilities: FloatArray
    """(n, n_labels), in the order of `corpus`."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One judgement per criterion of the policy."""
        return self.record.findings

    @property
    def verdict(self) -> Verdict:
        """The overall verdict, worst first."""
        return overall(self.record, self.findings)

    @cached_property
    def html(self) -> str:
        """The report as one self-contained page."""
        from workbench.report.render import render

        return render(self.record, self.findings)

    def save(self, folder: str | Path) -> Path:
        """Write record, predictions, JUnit XML and report to `folder`; return the report's path.

        The report is written last: where it exists, everything that it tells of does. Raises `Unwritable`.
        """
        place = Path(folder)
        self._save_predictions(place / PREDICTIONS)
        write_text(place / RECORD, record_json(self.record))
        write_text(place / JUNIT, junit(self.record, self.findings))
        write_text(place / REPORT, self.html)
        for name in OF_ONE_AUDIT:
            (place / f"{PREVIOUS}{name}").unlink(missing_ok=True)
        return place / REPORT

    def _save_predictions(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as parquet

        from workbench.data.decided import chances, decided

        settings = self.record.audit
        labels = self.corpus.labels
        positive = labels.index(settings.positive_label)
        chosen = decided(
            settings.decision, self.probabilities, self.corpus, positive=positive, streams=Streams(settings.seed)
        )
        rule = settings.decision.by_group
        drawn = {} if rule is None else {_CHANCE: chances(rule, self.probabilities, self.corpus)}
        table = {
            "id": [example.id for example in self.corpus],
            "person": [example.person for example in self.corpus],
            "label": [example.label for example in self.corpus],
            "decided": [labels[i] for i in chosen],
            **drawn,
            **{f"probability of {label}": self.probabilities[:, i] for i, label in enumerate(labels)},
            **{f"group {attribute}": list(self.corpus.group_of(attribute)) for attribute in self.corpus.attributes},
        }
        with writing(path) as temporary:
            parquet.write_table(pa.table(table), temporary)

    def _repr_html_(self) -> str:
        from workbench.report.fragments import record_fragment

        return record_fragment(self.record, self.findings)

    def __repr__(self) -> str:
        words = self.verdict.replace("_", " ")
        record = self.record
        return f"Audited({record.model.name!r} on {record.corpus.name!r}: {words}, {len(self.findings)} criteria)"


@dataclass(frozen=True)
class Explanation:
    """Token scores for one or more texts, by one or more methods. Shows itself in a notebook."""

    scores: tuple[TokenScores, ...]
    """Text by text, and for each text method by method."""
    quality: tuple[tuple[MethodQuality, ...], ...] = ()
    """For each text what each explanation is worth, random words last; empty where that was not measured."""

    def __len__(self) -> int:
        return len(self.scores)

    @overload
    def __getitem__(self, index: SupportsIndex) -> TokenScores: ...
    @overload
    def __getitem__(self, index: slice | str) -> Explanation: ...
    def __getitem__(self, index: SupportsIndex | slice | str) -> TokenScores | Explanation:
        """Return one explanation by its position, several by a slice, or all of one method by its name.

        The name's version may be left out. Raises `NotFound` for a method that was not asked for.
        """
        if isinstance(index, slice):
            return self._chosen(range(len(self))[index])
        if not isinstance(index, str):
            return self.scores[index]
        chosen = [i for i, one in enumerate(self.scores) if index in (one.method, one.method.split("@")[0])]
        if not chosen:
            raise NotFound.among("method", index, self.methods)
        return self._chosen(chosen)

    def _chosen(self, positions: Sequence[int]) -> Explanation:
        """Return the explanations at `positions`, and of each text what these are worth beside random words."""
        from workbench.report.trust import CHANCE

        scores = tuple(self.scores[i] for i in positions)
        if not self.quality:
            return Explanation(scores)
        before, after = numbered(self.scores), numbered(scores)
        kept: list[dict[str, MethodQuality]] = [{} for _ in set(after)]
        for i, text in zip(positions, after, strict=True):
            wanted = (self.scores[i].method, CHANCE)
            kept[text] |= {one.attributor: one for one in self.quality[before[i]] if one.attributor in wanted}
        last = [sorted(held.values(), key=lambda one: one.attributor == CHANCE) for held in kept]
        return Explanation(scores, tuple(tuple(held) for held in last))

    def __iter__(self) -> Iterator[TokenScores]:
        return iter(self.scores)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods' registered names, in the order asked for."""
        return tuple(dict.fromkeys(one.method for one in self.scores))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per text, method and word: text, method, target, versus, word, start, stop, score, output.

        And `signed`: whether the score says which way the word pushes, or only how strongly.
        """
        import pandas as pd

        columns = ["text", "method", "target", "versus", "word", "start", "stop", "score", "output", "signed"]
        rows = [
            {
                **one.model_dump(include={"method", "target", "versus", "output", "signed"}),
                **word.model_dump(),
                "text": text,
                "word": one.text[word.start : word.stop],
            }
            for one, text in zip(self.scores, numbered(self.scores), strict=True)
            for word in one.words
        ]
        return pd.DataFrame(rows, columns=columns)

    def quality_frame(self) -> pd.DataFrame:
        """Return one row per text and method, random words among them, with a column per measure."""
        import pandas as pd

        rows = [
            {"text": i, "method": one.attributor, **{key.removesuffix("/deletion"): v for key, v in one.values.items()}}
            for i, held in enumerate(self.quality)
            for one in held
        ]
        return pd.DataFrame(rows)

    @cached_property
    def html(self) -> str:
        """A self-contained page."""
        from workbench.report.fragments import render_explanation

        return render_explanation(self.scores, self.quality)

    @cached_property
    def json(self) -> str:
        """Scores and quality as JSON text."""
        return json.dumps(
            {
                "scores": [one.model_dump(mode="json") for one in self.scores],
                "quality": [[one.model_dump(mode="json", exclude={"scores"}) for one in held] for held in self.quality],
            },
            indent=1,
        )

    def save(self, path: str | Path) -> Path:
        """Write to `path`, all or nothing: JSON where it ends in .json, else a page. Raises `Unwritable`."""
        write_text(Path(path), self.json + "\n" if Path(path).suffix.lower() == ".json" else self.html)
        return Path(path)

    def _repr_html_(self) -> str:
        from workbench.report.fragments import explanation_fragment

        return explanation_fragment(self.scores, self.quality)


def set_aside(folder: Path) -> None:
    """Rename an earlier audit's files in `folder` to `previous-…`: a report never stands for an audit that is not done.

    A finished audit removes them; an audit that stops halfway leaves them. Raises `Unwritable`.
    """
    for name in OF_ONE_AUDIT:
        file = folder / name
        try:
            if file.is_file():
                file.replace(folder / f"{PREVIOUS}{name}")
        except OSError as error:
            raise Unwritable(f"cannot rename {file}: {error.strerror or error}; choose another --out") from error


def write_card(record: AuditRecord, folder: Path) -> Path:
    """Write the model card of `record` to `folder`; a card that somebody has worked on is put aside, not lost."""
    from workbench.report.model_card import model_card

    put_card_aside(folder)
    write_text(folder / CARD, model_card(record, record.findings))
    return folder / CARD


def put_card_aside(folder: Path) -> None:
    """Remove the card in `folder` if it is as it was made; else give it another name. Raises `Unwritable`."""
    from workbench.report.model_card import is_untouched

    card = folder / CARD
    try:
        if not card.is_file():
            return
        if is_untouched(card.read_bytes().decode("utf-8", "replace")):
            card.unlink()
            return
        names = (folder / f"{PREVIOUS}{card.stem}{'' if i == 1 else f'-{i}'}{card.suffix}" for i in count(1))
        card.rename(next(name for name in names if not name.exists()))
    except OSError as error:
        raise Unwritable(f"cannot put {card} aside: {error.strerror or error}; choose another --out") from error


def report_page(record: AuditRecord, folder: Path) -> str:
    """Return the report of `record` as it stands in `folder`.

    It tells of the comparison there, or why the one that was asked for could not be made, if that is of this audit.
    """
    from workbench.report.render import render

    compared = comparison_beside(record, folder) or _refusal_beside(record, folder)
    return render(record, record.findings, compared=compared)


def junit_beside(record: AuditRecord, folder: Path) -> str:
    """Return the JUnit XML of `record` as it stands in `folder`, with a comparison there that could not be made."""
    return junit(record, record.findings, not_compared=_refusal_beside(record, folder))


def comparison_beside(record: AuditRecord, folder: Path) -> Beside | None:
    """Return the comparison in `folder` if it is of this audit; None also where there is none that can be read."""
    from workbench.report.beside import beside

    try:
        told, page = ((folder / name).read_text(encoding="utf-8") for name in (COMPARISON_JSON, COMPARISON))
    except (OSError, UnicodeDecodeError):
        return None
    return beside(record, told, page)


def _refusal_beside(record: AuditRecord, folder: Path) -> NotCompared | None:
    from workbench.report.not_compared import not_compared

    try:
        return not_compared(record, (folder / NOT_COMPARED).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def record_json(record: AuditRecord) -> str:
    """Return the record as the text of `audit.json`."""
    return record.model_dump_json(indent=1) + "\n"


def read_record(path: str | Path) -> AuditRecord:
    """Read an `audit.json` (or the folder that holds one).

    Raises:
        NotFound: there is no such file.
        BadInput: it is no audit record, or of another schema version.
    """
    file = Path(path)
    if file.is_dir():
        file = file / RECORD
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(
            f"no audit record at {file}; `workbench audit MODEL --data DATA --out FOLDER` writes one"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {file}: {error}") from error
    try:
        version = json.loads(text).get("schema_version")
    except (ValueError, AttributeError, RecursionError) as error:
        raise BadInput(f"{file} is not an audit record: {error}; it may have been cut short: audit again") from error
    if version != SCHEMA_VERSION:
        raise BadInput(
            f"{file} has schema version {version!r}; this workbench reads version {SCHEMA_VERSION}: audit again"
        )
    try:
        return AuditRecord.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}." for part in first["loc"]).rstrip(".")
        said = f"{where}: {first['msg']}" if where else first["msg"].removeprefix("Value error, ")
        raise BadInput(f"{file} is not an audit record: {said}; audit again") from error
