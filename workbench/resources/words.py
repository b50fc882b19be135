"""Stopwords and English sentence boundaries for NLTK, from the copies that the package llama-index-core carries."""

from __future__ import annotations

import shutil
from pathlib import Path

from workbench.resources.piece import verified

CACHE = Path("llama_index") / "core" / "_static" / "nltk_cache"
SOURCE = "llama-index-core 0.14.25"

STOPWORDS = {"english": "f6d005956f407dbc6ea32e5ff0c7e8e6f71488d3239b9023efdc7fc139d6375b"}
PUNKT = {
    "abbrev_types.txt": "92a3e070f43d9b4c5534758ca40ad7343b04e7e29bfe0c2eb658a39445a4f779",
    "collocations.tab": "8e2da1225e4dd2cc9dba261ee231ccb134859e21b46006e7f472c5ee269af0cf",
    "ortho_context.tab": "4bbcca25ed3d3f06c02402abf8419b9f033b8adc06e7b482eca4e45f81a5dc4c",
    "sent_starters.txt": "f3f8535483e1dba487241b764945168123bca3209a9645e59acd1225dc76edac",
}
"""File -> sha256. The English files are checked, because results depend on them."""


def write_stopwords(folder: Path, *, carriers: Path, remedy: str) -> str:
    """Copy the stopword lists of every language into `folder`; return the source in words."""
    cache = carriers / CACHE / "corpora" / "stopwords"
    for name, sha256 in STOPWORDS.items():
        verified(cache / name, sha256, remedy=remedy)
    for file in sorted(cache.iterdir()):
        shutil.copyfile(file, folder / file.name)
    return SOURCE


def write_punkt(folder: Path, *, carriers: Path, remedy: str) -> str:
    """Copy the English sentence tokenizer's tables into `folder`; return the source in words."""
    for name, sha256 in PUNKT.items():
        file = verified(carriers / CACHE / "tokenizers" / "punkt_tab" / "english" / name, sha256, remedy=remedy)
        shutil.copyfile(file, folder / name)
    return SOURCE
