"""One run: machine, roofline, growth, works; stored after each of them, so that an interruption loses one work."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import psutil
import torch

from workbench.bench.attack import Attack
from workbench.bench.compare import Compared, Limits, compare
from workbench.bench.explainers import Lime, Shap
from workbench.bench.gemm import FASTER, speedup
from workbench.bench.gradients import Gradients
from workbench.bench.growth import measure_growth
from workbench.bench.inputs import load_inputs
from workbench.bench.predictions import Predictions
from workbench.bench.profile import profiled
from workbench.bench.results import Absent, Bench, Machine
from workbench.bench.roofline import limits_of, measure_gemms, near
from workbench.bench.settings import GROWTH, Settings
from workbench.bench.stock import Stock
from workbench.bench.targets import TITLES
from workbench.bench.timing import Say
from workbench.bench.work import Work
from workbench.data.corpus import Corpus
from workbench.environment import environment
from workbench.errors import MissingResource
from workbench.models.hugging_face import HuggingFaceTextClassifier


def run(
    settings: Settings, say: Say, *, save: Callable[[Bench], None] = lambda bench: None, corpus: Corpus | None = None
) -> Bench:
    """Measure what `settings` ask for; `save` is given the state before the first part and after each."""
    say(f"Loading {settings.model} and the held-out texts")
    inputs = load_inputs(settings.model, device=settings.device, corpus=corpus)
    library = Stock(inputs.model.folder, inputs.model.device)
    load = _load()
    gemms = list(measure_gemms(inputs, library, say))
    limits = limits_of(gemms, inputs, library)
    gain = speedup(gemms)
    cases = inputs.cases(settings.examples)
    bench = Bench(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=settings.command,
        model=inputs.model.card.name,
        model_digest=inputs.model.digest,
        corpus=f"{inputs.corpus.name} ({inputs.corpus.split})",
        corpus_digest=inputs.corpus.digest,
        lengths=inputs.lengths(cases),
        machine=Machine(
            **environment(inputs.model.device).model_dump(),
            cores=os.cpu_count() or 1,
            memory_bytes=psutil.virtual_memory().total,
            load=load,
            instructions=torch.backends.cpu.get_cpu_capability(),
            bfloat16_speedup=gain,
        ),
        results=(),
        absent=(),
        roofline=tuple(gemms),
        growth=(),
        complete=False,
    )
    save(bench)
    precisions = [name for name in settings.precisions if name != "bfloat16" or gain >= FASTER]
    refused = [name for name in settings.precisions if name not in precisions]
    if settings.wants(GROWTH):  # first: later the process holds what the libraries left behind
        for precision in precisions:
            found = measure_growth(inputs, precision, settings.sizes, settings.repeats, say)
            bench = bench.model_copy(update={"growth": (*bench.growth, found)})
            save(bench)
    works: tuple[Work, ...] = (
        Attack(library, inputs, inputs.cases(settings.attacks)),
        Shap(library, inputs, cases),
        Lime(library, inputs, cases),
        Gradients(library, inputs, cases),
        Predictions(library, inputs, inputs.texts(settings.predictions)),
    )
    for work in works:
        if settings.wants(work.name):
            bench = _with(bench, work, inputs.model, precisions, refused, settings.repeats, limits, gain, say)
            save(bench)
    bench = bench.model_copy(update={"complete": settings.is_whole})
    save(bench)
    return bench


def _with(
    bench: Bench,
    work: Work,
    model: HuggingFaceTextClassifier,
    precisions: Sequence[str],
    refused: Sequence[str],
    repeats: int,
    limits: Limits,
    gain: float,
    say: Say,
) -> Bench:
    """Return `bench` with what one work gave."""
    wanted = [name for name in precisions if name in work.precisions]
    absent = [
        _absent(work, name, f"this machine computes the model's products only {gain:.2f} times as fast in {name}")
        for name in refused
        if name in work.precisions
    ]
    absent += [
        _absent(work, name, reason)
        for name, reason in getattr(work, "refused", {}).items()
        if name in (*precisions, *refused)
    ]
    found: list[Compared] = []
    try:
        found = compare(work, wanted, repeats, limits, say) if wanted else []
    except MissingResource as error:
        absent += [_absent(work, name, str(error)) for name in wanted]
    except Exception as error:  # noqa: BLE001 - one work's crash must not cost the hours of the others; it is said
        say(f"{TITLES[work.name]}: failed: {type(error).__name__}: {error}")
        reason = f"{type(error).__name__}: {error}"
        absent += [_absent(work, name, reason, failed=True) for name in wanted]
    near_peak = [near(one.result, limits, model.device) for one in found if one.result.use is not None]
    profiles = [profiled(model, work.name, one.result.precision, one.spent) for one in found]
    return bench.model_copy(
        update={
            "results": (*bench.results, *(one.result for one in found)),
            "absent": (*bench.absent, *absent),
            "roofline": (*bench.roofline, *near_peak, *profiles),
        }
    )


def _absent(work: Work, precision: str, reason: str, *, failed: bool = False) -> Absent:
    return Absent(
        outcome="failed" if failed else "not_applicable",
        name=work.name,
        title=TITLES[work.name],
        precision=precision,
        reason=reason,
    )


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None
