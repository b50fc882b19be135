"""The data that a verb works on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.data.corpus import Corpus
    from workbench.data.sources import Columns


def corpus_of(data: str | Path | Corpus, *, columns: Columns | None, online: bool) -> Corpus:
    """Return `data` itself, or the corpus that it names. Raises what `load_corpus` does."""
    from workbench.data.corpus import Corpus
    from workbench.data.sources import load_corpus

    return data if isinstance(data, Corpus) else load_corpus(str(data), columns=columns, online=online)


def audited_part(
    whole: Corpus, labels: tuple[str, ...], *, label_map: Mapping[str, str], split: str | None, limit: int | None
) -> Corpus:
    """Return the part of `whole` to audit, with the model's labels, in canonical order."""
    from workbench.data.labels import align
    from workbench.data.manifest import manifests
    from workbench.data.sources import require_labels
    from workbench.data.splits import split as part_of

    # Split first: a label map that merges labels must not move anybody between the parts.
    wanted = split or ("test" if whole.name in manifests() and whole.split == "all" else whole.split)
    part = whole if wanted == whole.split else part_of(whole, wanted)
    corpus = align(part, labels, label_map)
    if limit is not None:
        corpus = corpus.sample(limit)
    require_labels(corpus, at_least=2)
    return corpus.canonical()
