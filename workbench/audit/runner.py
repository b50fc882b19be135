"""Run probes over a model and a corpus; commit each finished piece; let no crash look like a clean result."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from workbench.audit.probe import Item, ItemProbe, Setting, WholeProbe
from workbench.audit.raised import raised
from workbench.audit.store import Store, key_of
from workbench.data.corpus import Corpus
from workbench.errors import MissingResource, Unwritable
from workbench.evidence.record import Evidence, Failed, Measured, NotApplicable, Result
from workbench.models.engine import Engine
from workbench.models.protocols import FloatArray

CHUNK = 256
"""Examples predicted between two commits: about five seconds of work for a small model on two cores."""

_ITEM: TypeAdapter[Item] = TypeAdapter(Item)


@dataclass(frozen=True)
class Step:
    """Progress: what is being done and how far it is. `total` is None where it cannot be known."""

    name: str
    done: int
    total: int | None
    outcome: str | None = None
    """Set once, when the step has ended: 'measured', 'not applicable: …', 'failed: …'."""


Progress = Callable[[Step], None]


@dataclass(frozen=True)
class Run:
    """One audit under way: the model behind its engine, the corpus in canonical order, and what all probes share."""

    engine: Engine
    corpus: Corpus
    setting: Setting
    store: Store | None
    key: str
    """Hash of everything that all values of this audit depend on."""
    progress: Progress

    def predict(self) -> FloatArray:
        """Return the probabilities of the whole corpus, (n, n_labels), committing them chunk by chunk."""
        inputs = self.corpus.inputs
        rows: list[FloatArray] = []
        for start in range(0, len(inputs), CHUNK):
            chunk = inputs[start : start + CHUNK]
            self.progress(Step("predictions", start, len(inputs)))
            key = key_of(run=self.key, predictions=start)
            if stored := self._get(key):
                rows.append(np.array(json.loads(stored), dtype=np.float64))
                self.engine.remember(chunk, rows[-1])
            else:
                rows.append(self.engine.predict_proba(chunk))
                self._put(key, json.dumps(rows[-1].tolist()))  # repr of a float round-trips exactly
        self.progress(Step("predictions", len(inputs), len(inputs), "measured"))
        return np.concatenate(rows)

    def probe(self, probe: WholeProbe | ItemProbe) -> Evidence:
        """Return the evidence of one probe: from the store if it was finished before, else by running it."""
        params = params_of(probe)
        key = key_of(run=self.key, probe=probe.name, params=params)
        if stored := self._get(key):
            evidence = Evidence.model_validate_json(stored)
            self.progress(Step(probe.name, 1, 1, describe(evidence.result)))
            return evidence
        self.progress(Step(probe.name, 0, None))
        start = time.perf_counter()
        try:
            result = self._result(probe, key)
        except Unwritable:
            raise  # nothing that follows could be kept
        except MissingResource as error:
            result = NotApplicable(reason=str(error))
        except Exception as error:  # noqa: BLE001 - a probe may crash in any way; the audit goes on and says so
            result = Failed(error=raised(error))
        evidence = Evidence(
            probe=probe.name,
            params=params,
            seed=self.setting.streams.root,
            seconds=time.perf_counter() - start,
            result=result,
        )
        if isinstance(result, Measured):  # what failed or lacked a resource is tried again next time
            self._put(key, evidence.model_dump_json())
        self.progress(Step(probe.name, 1, 1, describe(result)))
        return evidence

    def _result(self, probe: WholeProbe | ItemProbe, key: str) -> Result:
        model = self.engine
        if model.task not in probe.tasks:
            return NotApplicable(reason=f"{probe.name} does not judge {model.task} models")
        if not isinstance(model, probe.protocol):
            return NotApplicable(reason=f"{probe.name} needs the model's gradients, which this model does not offer")
        if isinstance(probe, ItemProbe):
            return self._items(probe, key)
        return probe.measure(model, self.corpus, self.setting)

    def _items(self, probe: ItemProbe, key: str) -> Measured | NotApplicable:
        chosen = probe.select(self.engine, self.corpus, self.setting)
        if isinstance(chosen, NotApplicable):
            return chosen
        items: list[Item] = []
        for done, example in enumerate(chosen):
            self.progress(Step(probe.name, done, len(chosen)))
            item_key = key_of(probe=key, example=example.id)
            if stored := self._get(item_key):
                items.append(_ITEM.validate_json(stored))
            else:
                items.append(probe.item(self.engine, example, self.setting))
                if getattr(items[-1], "outcome", None) != "failed":  # tried again next time
                    self._put(item_key, items[-1].model_dump_json())
        return probe.gather(items, self.corpus, self.setting)

    def _get(self, key: str) -> str | None:
        return None if self.store is None else self.store.get(key)

    def _put(self, key: str, value: str) -> None:
        if self.store is not None:
            self.store.put(key, value)


def run_probes(run: Run, probes: Sequence[WholeProbe | ItemProbe]) -> tuple[FloatArray, tuple[Evidence, ...]]:
    """Predict the whole corpus, then run every probe in order; return the probabilities and the evidence.

    A model that cannot predict at all raises: there is nothing to audit.
    """
    probabilities = run.predict()
    return probabilities, tuple(run.probe(probe) for probe in probes)


def describe(result: Result) -> str:
    """Return a result's outcome in a few words, for people who watch."""
    match result:
        case Measured():
            return "measured"
        case NotApplicable():
            return f"not applicable: {result.reason}"
        case Failed():
            return f"failed: {result.error}"


def params_of(probe: Any) -> dict[str, Any]:
    """Return a probe's parameters as plain JSON values: with its name, they rebuild it."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(probe)))
    return plain
