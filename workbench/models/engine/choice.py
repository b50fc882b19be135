"""Whether to search in bfloat16: decided once for a machine and a model, and kept, so that noise does not choose.

The same command must end in the same record, and a search in bfloat16 may find other rewrites than one in float32. So
the decision is not taken anew each time: it is timed once, with a margin, and stored; where it cannot be stored,
searches run in float32.
"""

from __future__ import annotations

import hashlib
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from workbench import home
from workbench.errors import Misconfigured, Unwritable
from workbench.files import write_text
from workbench.models.engine.threads import alone, lacks_memory
from workbench.models.hugging_face import HuggingFaceTextClassifier

FILE = "tuning.json"

PAYS_FROM = 4.0
"""Times faster that a full batch must be in bfloat16. Small batches gain about half of that, and what is confirmed and
searched again takes a third of the time of a search in float32, so four times as fast saves a quarter. DeepWordBug on
200 texts, at 2.2 times as fast, took 1.04 times as long as in float32, and missed a third of those that resisted."""
_LENGTH = 80
"""Tokens of the texts timed."""
_REPEATS = 5


class Choice(NamedTuple):
    """What to search in, and why."""

    precision: str
    because: str


def search_precision(model: Any, asked: str, *, worthwhile: bool = True) -> Choice:
    """Return what to search in: what was `asked` for, or for 'auto' bfloat16 where that pays, see `PAYS_FROM`.

    `worthwhile`: whether there is so much to search that a twin saves time; without, 'auto' is float32.

    Only a Hugging Face model in float32 has a bfloat16 twin; any other is searched as it is. Raises `Misconfigured`.
    """
    if asked not in ("auto", "float32", "bfloat16"):
        raise Misconfigured(f"unknown precision {asked!r}; choose auto, float32 or bfloat16")
    if not isinstance(model, HuggingFaceTextClassifier) or model.precision != "float32":
        return Choice(str(getattr(model, "precision", "float64")), "the model has no faster twin")
    if asked != "auto":
        return Choice(asked, "asked for")
    if not worthwhile:
        return Choice("float32", "so few texts are attacked that a faster copy would save nothing")
    path, key = home.home() / FILE, _key(model)
    kept = _read(path)
    if key not in kept:
        try:
            ratio = speed_up(model)
        except (RuntimeError, MemoryError) as error:
            if not lacks_memory(error):
                raise
            return Choice("float32", "there is no memory for a copy in bfloat16")
        kept[key] = {"bfloat16_is_faster": round(ratio, 2)}
        try:
            write_text(path, json.dumps(kept, indent=1, sort_keys=True) + "\n")
        except Unwritable:
            return Choice("float32", f"a choice could not be kept in {FILE}")
    ratio = float(kept[key]["bfloat16_is_faster"])
    return Choice(
        "bfloat16" if ratio >= PAYS_FROM else "float32",
        f"bfloat16 was timed once on this machine at {ratio:.2f} times the speed of float32, and pays from "
        f"{PAYS_FROM:g} times on",
    )


def speed_up(model: HuggingFaceTextClassifier) -> float:
    """Return how many times faster the model computes one batch in bfloat16: the ratio of medians, interleaved."""
    shape = model.table.shape(min(_LENGTH, model.max_length or _LENGTH))
    vocabulary = int(model.network.get_input_embeddings().num_embeddings)
    draw = torch.Generator().manual_seed(0)
    row = tuple(torch.randint(vocabulary, (shape.length,), generator=draw).tolist())
    twin = model.cast("bfloat16")
    seconds: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    with alone(model.device):
        for repeat in range(_REPEATS + 1):
            for one in (model, twin):
                taken = _timed(lambda one=one: one.probabilities([row] * shape.rows, shape), model.device)  # type: ignore[misc]
                if repeat:  # the first of each allocates and chooses kernels
                    seconds[one.precision].append(taken)
            if repeat and seconds["bfloat16"][-1] > 2 * seconds["float32"][-1]:
                break  # a processor without bfloat16 emulates it, slowly
    return statistics.median(seconds["float32"]) / statistics.median(seconds["bfloat16"])


def _timed(work: Callable[[], object], device: str) -> float:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()  # ends with probabilities in main memory, so an accelerator has finished
    return time.perf_counter() - start


def _key(model: HuggingFaceTextClassifier) -> str:
    """Return a hash of what the choice depends on: model, machine, device, torch."""
    device = torch.cuda.get_device_name(model.device) if model.device.startswith("cuda") else platform.processor()
    parts = (model.digest, device, _processor(), torch.__version__)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("flags"):  # the same name may hide other instructions
                return hashlib.sha256(line.encode()).hexdigest()
    except OSError:
        pass  # not Linux
    return platform.machine()


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # not there yet, or damaged: it is made anew
    return found if isinstance(found, dict) else {}
