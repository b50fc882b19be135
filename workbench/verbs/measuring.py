"""An audit's long work: predictions and probes, in batches that the memory can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import MissingResource

if TYPE_CHECKING:
    from workbench.audit.probe import ItemProbe, Setting, WholeProbe
    from workbench.audit.runner import Progress
    from workbench.audit.store import Store
    from workbench.data.corpus import Corpus
    from workbench.evidence.effort import Effort
    from workbench.evidence.record import AuditSettings, Evidence
    from workbench.models.protocols import Classifier, FloatArray


class _Measured(NamedTuple):
    """What the probes left."""

    probabilities: FloatArray
    evidence: tuple[Evidence, ...]
    effort: tuple[Effort, ...]
    shapes: str | None


def measure(
    classifier: Classifier,
    corpus: Corpus,
    probes: Sequence[WholeProbe | ItemProbe],
    settings: AuditSettings,
    setting: Setting,
    *,
    key: str,
    store: Store | None,
    progress: Progress,
) -> _Measured:
    """Predict, run the probes, and start again in smaller batches as often as memory runs out.

    Raises `MissingResource` if one text alone does not fit.
    """
    from workbench.audit.profiles import search_probe
    from workbench.audit.runner import Run, run_probes
    from workbench.audit.store import key_of
    from workbench.engines.local import Threads
    from workbench.models.engine import OutOfRoom, engine_for
    from workbench.models.engine.room import rooms

    precision = "bfloat16" if settings.search_precision == "bfloat16" and settings.precision == "float32" else "float32"
    chosen = tuple(probes) if precision == "float32" else (*probes, search_probe())
    for shapes in rooms(classifier):
        # The corpus itself is never forgotten.
        with engine_for(classifier, precision=precision, cache_entries=100_000 + len(corpus)) as engine:
            run = Run(engine, corpus, setting, store, key_of(run=key, shapes=shapes), progress, Threads())
            try:
                probabilities, evidence = run_probes(run, chosen)
            except OutOfRoom as error:
                reason = str(error)
                continue
            return _Measured(probabilities, evidence, tuple(run.meter.efforts), shapes)
    raise MissingResource(
        f"the model cannot read a single one of these texts in the memory that there is ({reason}); "
        "use a machine or device with more, or a model with a smaller max_length"
    )
