"""Where examples come from: a named corpus, a user's file, or a data set on the hub."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from pathlib import Path

from workbench.data.assemble import assemble, rows_of
from workbench.data.columns import Columns
from workbench.data.corpus import Corpus
from workbench.data.manifest import manifests
from workbench.data.readers import FORMATS, format_of, read_table
from workbench.errors import BadInput, Misconfigured, NotFound

__all__ = ["Columns", "load_corpus", "require_labels"]

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(/[\w.-]+)?(@[\w.-]+)?")


def load_corpus(data: str, *, columns: Columns | None = None, online: bool = False) -> Corpus:
    """Return the corpus that `data` names: a file, else a named corpus, else a data set on the hub.

    Args:
        data: a path to a .csv, .tsv, .jsonl (also .gz) or .parquet file; a name that `workbench datasets` lists; or,
            with `online`, a hub id 'owner/name', 'owner/name/configuration', either with '@split'.
        columns: which columns hold what; for files and hub data sets only.
        online: allow a download from the hub.

    Raises:
        NotFound: nothing of that name, or no such column; the message suggests the nearest.
        BadInput: the file cannot be read as what its name says; the message names the line.
        EmptyData: no row has text and label.
    """
    path = Path(data)
    if path.is_file() and (format_of(path) or data not in manifests()):
        table = read_table(path)
        return assemble(rows_of(table, columns or Columns()), name=table.name, source=table.source)
    if data in manifests():
        if columns is not None:
            raise Misconfigured(
                f"{data!r} is a named corpus, whose columns are known; leave out the column options, "
                f"or name a file (such as ./{data}.csv)"
            )
        from workbench.data.named import load_named

        return load_named(manifests()[data])
    if path.is_dir():
        raise BadInput(f"{data} is a folder; name a {_formats()} file in it")
    if format_of(path) is None and _HUB_ID.fullmatch(data) and not data.startswith("."):
        from workbench.data.hub import load_from_hub

        if not online:
            raise NotFound(
                f"no file or named corpus {data!r}; if it is a data set on the hub, add --online to download it"
            )
        return load_from_hub(data, columns or Columns())
    if path.exists():
        raise BadInput(f"{data} is neither a file nor a folder; name a {_formats()} file")
    raise _nothing_there(data, path)


def require_labels(corpus: Corpus, *, at_least: int = 2) -> None:
    """Raise `BadInput` unless examples of at least so many labels are there.

    Examples of one label only cannot tell a model that has learnt something from one that has not.
    """
    counts = Counter(example.label for example in corpus)
    if len(counts) < at_least:
        found = ", ".join(f"{label!r} ({count})" for label, count in sorted(counts.items())) or "none"
        raise BadInput(
            f"{corpus.name} has examples of {len(counts)} label{'' if len(counts) == 1 else 's'} only: {found}; "
            f"at least {at_least} labels are needed. "
            "Is it the right label column, and are the file and --limit large enough?"
        )


def _nothing_there(data: str, path: Path) -> NotFound:
    """Return the error for a file or name that does not exist, with the nearest that does."""
    if path.suffix or "/" in data:
        if not path.parent.is_dir():
            return NotFound(f"no file {data}: there is no folder {path.parent}")
        beside = [other.name for other in path.parent.iterdir() if format_of(other)]
        near = difflib.get_close_matches(path.name, beside, n=1, cutoff=0.5)
        hint = f"; did you mean {path.parent / near[0]}?" if near else ""
        listed = ", ".join(sorted(beside)[:10])
        return NotFound(f"no file {data}{hint} (data files there: {listed or 'none'})")
    error = NotFound.among("corpus", data, [name for name, known in manifests().items() if known.kind == "corpus"])
    return NotFound(f"{error}; a file is named with its ending ({_formats()})")


def _formats() -> str:
    return ", ".join(f".{known}" for known in FORMATS)
