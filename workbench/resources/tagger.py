"""English part-of-speech weights for NLTK, from the package textblob-aptagger (M. Honnibal, MIT licence).

NLTK's averaged-perceptron tagger is a port of that tagger and reads the same weights as JSON. They come as a pickle, so
its sha256 is checked first, and then an unpickler that can make plain containers only, and call nothing, reads it.
They are not the weights of NLTK's own current download: results that rest on them name this source.
"""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path
from typing import Any

from workbench.errors import Untrusted
from workbench.resources.piece import verified

PICKLE = Path("textblob_aptagger") / "trontagger-0.1.0.pickle"
SHA256 = "1109164b3d28dce58f96b763128bab2fd8754c3921fd3330de2724ac6d1ada7c"
SOURCE = "textblob-aptagger 0.2.0"
FILES = tuple(f"averaged_perceptron_tagger_eng.{part}.json" for part in ("weights", "tagdict", "classes"))


def write_tagger(folder: Path, *, carriers: Path, remedy: str) -> str:
    """Write NLTK's three JSON files into `folder` from the pickle below `carriers`; return the source in words."""
    data = verified(carriers / PICKLE, SHA256, remedy=remedy).read_bytes()
    weights, tagdict, classes = plain_unpickle(data)
    for name, content in zip(FILES, (weights, tagdict, sorted(classes)), strict=True):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return SOURCE


def plain_unpickle(data: bytes) -> Any:
    """Return the numbers, strings, tuples, lists, dicts and sets in the pickle `data`; anything else is Untrusted."""
    try:
        return _Plain(io.BytesIO(data), encoding="utf-8").load()
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError) as error:
        raise Untrusted(f"the tagger's pickle cannot be read as plain data: {error}") from error


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[set[Any]]:
        if (module, name) in {("__builtin__", "set"), ("builtins", "set")}:
            return set
        raise pickle.UnpicklingError(f"it names {module}.{name}")
