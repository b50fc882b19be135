"""Names that TextAttack imports from `flair`, for environments where flair cannot be.

TextAttack 0.3.11 names five things of flair at import and calls them only for part-of-speech inflections and
named-entity swaps; flair 0.15.1 does not run under transformers 5. The stand-ins let the import succeed and refuse,
with a remedy, when anything really asks for a tagger.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

from workbench.errors import Unsupported

_NAMES = ("flair", "flair.data", "flair.models")


class Tokenizer:
    """Stands in for `flair.data.Tokenizer`: a base class, nothing more."""


class Sentence:
    """Stands in for `flair.data.Sentence`, which only taggers need."""

    def __init__(self, *_: object, **__: object) -> None:
        _refuse("flair.data.Sentence")


class SequenceTagger:
    """Stands in for `flair.models.SequenceTagger`."""

    @classmethod
    def load(cls, name: str) -> NoReturn:
        """Refuse: there is no tagger. Raises `Unsupported`."""
        _refuse(f"flair.models.SequenceTagger.load({name!r})")


def install() -> bool:
    """Make `import flair` succeed; return True where the stand-ins are in use, False where a working flair is.

    Idempotent. What a half-finished import of a broken flair left behind is removed first.
    """
    present = sys.modules.get("flair")
    if present is not None and (_stands_in(present) or "flair.models" in sys.modules):
        return _stands_in(present)
    if importlib.util.find_spec("flair") is not None and _works():
        return False
    for name in [name for name in sys.modules if name == "flair" or name.startswith("flair.")]:
        del sys.modules[name]
    data = _module("flair.data", Sentence=Sentence, Tokenizer=Tokenizer)
    models = _module("flair.models", SequenceTagger=SequenceTagger)
    package = _module("flair", __path__=[], __version__="0", device=None, data=data, models=models)
    sys.modules.update(zip(_NAMES, (package, data, models), strict=True))
    return True


def _works() -> bool:
    try:
        for name in _NAMES:
            importlib.import_module(name)
    except Exception:  # noqa: BLE001 - an incompatible flair fails in many ways; all mean that it is of no use here
        return False
    return True


def _stands_in(module: ModuleType) -> bool:
    return bool(getattr(module, "__standin__", False))


def _module(name: str, **names: Any) -> ModuleType:
    made = ModuleType(name, "Stand-in: see workbench.adapters.flair_standin.")
    # An own spec, so that find_spec("flair") answers; a package without files, so that flair.embeddings is not found.
    made.__spec__ = ModuleSpec(name, loader=None, is_package="__path__" in names)
    made.__dict__.update(names, __standin__=True)
    return made


def _refuse(what: str) -> NoReturn:
    raise Unsupported(
        f"{what} needs the package flair, which does not run with transformers 5; "
        "use an attack without part-of-speech inflections and named-entity swaps"
    )
