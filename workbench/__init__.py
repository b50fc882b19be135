"""The Workbench: train, attack, explain, disaggregate and audit a model before it is released.

Verbs: `load`, `train`, `mitigate`, `audit`, `attack`, `judge`, `compare`, `render`, `explain`, `explore`, `regress`;
`references`, which makes what attacks on membership compare with, `smoothed`, which makes a model whose decisions can
be certified, and `group_aware`, which loads one that decides by group. They are imported when first used, so that
`import workbench` is quick and never fails for a missing extra. `workbench.audit` and `workbench.train` are also the
packages that do the work: both are callable.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.verbs import (
        attack,
        audit,
        compare,
        explain,
        explore,
        group_aware,
        judge,
        load,
        mitigate,
        references,
        regress,
        render,
        smoothed,
        train,
    )

# Before torch or tokenizers load. Spinning OpenMP threads collapse on a busy machine (a neighbour process makes batch-1
# inference 20 times slower); a process that forks after a parallel tokenizer ran can deadlock.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "attack",
    "audit",
    "compare",
    "explain",
    "explore",
    "group_aware",
    "judge",
    "load",
    "mitigate",
    "references",
    "regress",
    "render",
    "smoothed",
    "train",
]

_VERBS = frozenset(__all__) - {"__version__"}
_ROOMS = frozenset({"audit", "train"})  # verbs that share their name with a package


class _CallableRoom(ModuleType):
    """A package that can be called as the verb it is named after."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from workbench import verbs

        return getattr(verbs, self.__name__.rpartition(".")[2])(*args, **kwargs)


class _Workbench(ModuleType):
    """This package. Importing a submodule binds it here: that is when a room becomes callable."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _ROOMS and isinstance(value, ModuleType):
            value.__class__ = _CallableRoom
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name in _ROOMS:
            return importlib.import_module(f"workbench.{name}")
        if name in _VERBS:
            return getattr(importlib.import_module("workbench.verbs"), name)
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_VERBS})


sys.modules[__name__].__class__ = _Workbench
