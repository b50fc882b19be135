"""Run probes over a model and a corpus; commit each finished piece; let no crash look like a clean result."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from workbench.audit.effort import Meter
from workbench.audit.probe import (
    KNOWS_GROUPS,
    Item,
    ItemProbe,
    RepeatingProbe,
    Setting,
    SteppedProbe,
    WholeProbe,
    called,
    uses_of,
)
from workbench.audit.raised import raised
from workbench.audit.store import Store, key_of
from workbench.data.corpus import Corpus, Example
from workbench.data.decided import decided
from workbench.errors import MissingResource, Unwritable
from workbench.evidence.record import Evidence, Failed, Measured, NotApplicable, Result, repeated
from workbench.models.engine import Engine
from workbench.models.engine.workers import OneByOne, Workers
from workbench.models.protocols import Classifier, FloatArray

CHUNK = 1024
"""Examples predicted between two commits: about ten seconds of work for a small model on two cores."""

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
    workers: Workers = field(default_factory=OneByOne)
    meter: Meter = field(default_factory=Meter)

    def predict(self) -> FloatArray:
        """Return the probabilities of the whole corpus, (n, n_labels), committing them chunk by chunk."""
        inputs = self.corpus.inputs
        rows: list[FloatArray] = []
        with self.meter.step("predictions", self.engine, grows=True) as note:
            self._predict(inputs, rows, note.skipped)
        self.progress(Step("predictions", len(inputs), len(inputs), "measured"))
        return np.concatenate(rows)

    def _predict(self, inputs: Sequence[str], rows: list[FloatArray], skipped: Callable[[], None]) -> None:
        told = self.engine.on_progress
        for start in range(0, len(inputs), CHUNK):
            chunk = inputs[start : start + CHUNK]
            self.progress(Step("predictions", start, len(inputs)))
            key = key_of(run=self.key, predictions=start)
            if stored := self._get(key):
                rows.append(np.array(json.loads(stored), dtype=np.float64))
                self.engine.remember(chunk, rows[-1])
                skipped()
                continue
            self.engine.on_progress = lambda done, _, start=start: self.progress(
                Step("predictions", start + done, len(inputs))
            )
            try:
                rows.append(self.engine.predict_proba(chunk))
            finally:
                self.engine.on_progress = told
            self._put(key, json.dumps(rows[-1].tolist()))  # repr of a float round-trips exactly

    def probe(self, probe: WholeProbe | ItemProbe) -> Evidence:
        """Return the evidence of one probe: from the store if it was finished before, else by running it."""
        params = params_of(probe)
        uses = dict(uses_of(probe))
        key = key_of(run=self.key, probe=probe.name, params=params, **({"uses": uses} if uses else {}))
        if stored := self._get(key):
            evidence = Evidence.model_validate_json(stored)
            self.meter.left_out(called(probe))
            self.progress(Step(called(probe), 1, 1, describe(evidence.result)))
            return evidence
        self.progress(Step(called(probe), 0, None))
        start = time.perf_counter()
        try:
            with self.meter.step(called(probe), self.engine, grows=grows(probe)) as note:
                result = self._result(probe, key, note.skipped)
        except Unwritable:
            raise  # nothing that follows could be kept
        except MissingResource as error:
            result = NotApplicable(reason=str(error), missing=True)
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
        self.progress(Step(called(probe), 1, 1, describe(result)))
        return evidence

    def _result(self, probe: WholeProbe | ItemProbe, key: str, skipped: Callable[[], None]) -> Result:
        model = self.engine
        if model.task not in probe.tasks:
            return NotApplicable(reason=f"{probe.name} does not judge {model.task} models")
        if not isinstance(model, probe.protocol):
            return NotApplicable(reason=f"{probe.name} needs the model's gradients, which this model does not offer")
        rule = self.setting.decision.by_group
        if rule is not None and not getattr(probe, KNOWS_GROUPS, False):
            return NotApplicable(
                reason=f"this model decides by somebody's {rule.attribute}, and {probe.name} asks about texts alone; "
                "audit the model whose scores it decides on, which this probe can judge"
            )
        if isinstance(probe, ItemProbe):
            return self._items(probe, key, skipped)
        if isinstance(probe, SteppedProbe):
            return self._steps(probe, key, skipped)
        return probe.measure(model, self.corpus, self.setting)

    def _steps(self, probe: SteppedProbe, key: str, skipped: Callable[[], None]) -> Measured | NotApplicable:
        names = probe.steps(self.engine, self.corpus, self.setting)
        if isinstance(names, NotApplicable):
            return names
        found: dict[str, str] = {}
        for position, name in enumerate(names):
            self.progress(Step(called(probe), position, len(names)))
            place = key_of(probe=key, step=name)
            if stored := self._get(place):
                found[name] = stored
                skipped()
                continue
            found[name] = probe.step(name, self.engine, self.corpus, self.setting)
            self._put(place, found[name])
        return probe.conclude(found, self.engine, self.corpus, self.setting)

    def _items(self, probe: ItemProbe, key: str, skipped: Callable[[], None]) -> Measured | NotApplicable:
        chosen = probe.select(self.engine, self.corpus, self.setting)
        if isinstance(chosen, NotApplicable):
            return chosen
        found = self._each(
            called(probe),
            {i: key_of(probe=key, example=example.id) for i, example in enumerate(chosen)},
            chosen,
            lambda view, i: probe.item(view, chosen[i], self.setting),
            skipped,
        )
        items = [found[i] for i in range(len(chosen))]
        if isinstance(probe, RepeatingProbe):
            again = self._each(
                f"{called(probe)}, again",
                {i: key_of(probe=key, example=chosen[i].id, again=True) for i in probe.repeats(items, self.setting)},
                chosen,
                lambda view, i: probe.again(view, chosen[i], items[i], self.setting),
                skipped,
            )
            items = [again.get(i, item) for i, item in enumerate(items)]
        return probe.gather(items, self.corpus, self.setting)

    def _each(
        self,
        name: str,
        keys: dict[int, str],
        chosen: Sequence[Example],
        work: Callable[[Classifier, int], Item],
        skipped: Callable[[], None],
    ) -> dict[int, Item]:
        """Return position -> item: from the store where it was finished before, else by `work`, many at once."""
        found: dict[int, Item] = {}
        for i, key in keys.items():
            if stored := self._get(key):
                found[i] = _ITEM.validate_json(stored)
                skipped()
        wanted = [i for i in keys if i not in found]
        owner = {i: f"{name}: {chosen[i].id}" for i in wanted}

        def one(i: int) -> Item:
            with self.engine.item(owner[i]) as view:
                return work(view, i)

        if wanted:
            self.progress(Step(name, len(found), len(keys)))

        def cancel(position: int) -> None:
            self.engine.cancel(owner[wanted[position]])

        for position, item in self.workers.map(one, wanted, cancel):
            i = wanted[position]
            found[i] = item
            if getattr(item, "outcome", None) != "failed":  # tried again next time
                self._put(keys[i], item.model_dump_json())
            self.progress(Step(name, len(found), len(keys)))
        return found

    def _get(self, key: str) -> str | None:
        return None if self.store is None else self.store.get(key)

    def _put(self, key: str, value: str) -> None:
        if self.store is not None:
            self.store.put(key, value)


def run_probes(run: Run, probes: Sequence[WholeProbe | ItemProbe]) -> tuple[FloatArray, tuple[Evidence, ...]]:
    """Predict the whole corpus, then run every probe in order; return the probabilities and the evidence.

    A model that cannot predict at all raises: there is nothing to audit. A probe that repeats a measurement has failed.
    """
    probabilities = run.predict()
    setting, labels = run.setting, run.engine.labels
    positive = setting.positive(labels)
    found_decisions = decided(setting.decision, probabilities, run.corpus, positive=positive, streams=setting.streams)
    labels_decided = set(found_decisions.tolist())
    if len(labels_decided) == 1 < len(probabilities):
        run = replace(run, setting=replace(setting, only_decision=labels[labels_decided.pop()]))
    found: list[Evidence] = []
    for probe in probes:
        found.append(_told_apart(run, probe, run.probe(probe), found))
    return probabilities, tuple(found)


def _told_apart(run: Run, probe: WholeProbe | ItemProbe, evidence: Evidence, before: Sequence[Evidence]) -> Evidence:
    """Return `evidence`, as failed where it measures again what has been measured: nobody could tell which is meant."""
    if (again := repeated([*before, evidence])) is None:
        return evidence
    where = ", ".join(f"{facet} {value}" for facet, value in again.where.items())
    failed = Failed(
        error=f"{again.name} ({where or 'without facets'}) has been measured already in this audit; leave one of the "
        "two probes out, or have their facets tell them apart"
    )
    run.progress(Step(called(probe), 1, 1, describe(failed)))
    return evidence.model_copy(update={"result": failed})


def grows(probe: WholeProbe | ItemProbe) -> bool:
    """Return whether a probe's work grows with the corpus: that of most does that look at it as a whole."""
    return bool(getattr(probe, "grows", not isinstance(probe, ItemProbe)))


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
    """Return a probe's parameters, but for those `UNRECORDED`, as plain JSON: with its name, they rebuild it."""
    recorded = {one.name for one in fields(probe) if one.metadata.get("recorded", True)}
    told = {name: value for name, value in asdict(probe).items() if name in recorded}
    plain: dict[str, Any] = json.loads(json.dumps(told))
    return plain
