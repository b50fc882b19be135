"""The Workbench: train, attack, explain, disaggregate and audit a model before it is released."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Before torch or tokenizers load. Spinning OpenMP threads collapse on a busy machine (a neighbour process makes batch-1
# inference 20 times slower); a process that forks after a parallel tokenizer ran can deadlock.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

__version__ = "0.1.0"
