"""Does an explanation explain the model, or only the text? Make the model forget, and see whether it changes.

The model-parameter randomisation test of Adebayo et al. 2018, "Sanity Checks for Saliency Maps": the network is drawn
anew from its head downwards (cascading), and its explanations are compared, word by word, with those of the trained
one. Two networks that are both random give the measure of what remains alike for no reason. A method passes where two
things are sure: the correlation lies below the 95th percentile of the correlations between two random networks, and
below one half. Without the latter a method that hardly looks at the model would pass by the spread of its own noise.

Their data randomisation test asks the same of a model trained on labels dealt out at random. Training one is not an
audit's business: it is compared where its folder is given.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, Literal

import numpy as np

from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.explain import explain, full_names
from workbench.audit.explanations.ranks import spearman
from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import BadInput, EmptyData, Unsupported
from workbench.evidence.bootstrap import People, score_interval
from workbench.evidence.exhibits import Note
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.evidence.sanity import ALIKE, Outcome, alike_without_labels, mostly_embeddings, outcomes
from workbench.models.checkpoint import digest_of
from workbench.models.engine import engine_for
from workbench.models.protocols import Classifier, FloatArray

QUANTILE = 0.95
"""Of the correlations between two random networks: what a method's must stay below."""
_THREADS = 32
_OUTCOMES: tuple[Outcome, ...] = ("passes", "fails", "open")
_TRAINED, _UNLEARNED = "the model", "the model of random labels"
"""Steps beside the random networks."""
_LABELS_GIVEN = "Explanations were also compared with those on {}, trained on labels dealt out at random."

Kind = Literal["signed", "absolute"]
Words = dict[tuple[str, str], FloatArray]
"""(method, example) -> the scores of the example's words."""


@probes.register("explanations.sanity@1")
@dataclass(frozen=True)
class SanityProbe:
    """Explains a sample of examples, drawn by hash of id, on the model and on ever more random copies of it."""

    methods: tuple[str, ...] = (
        "integrated_gradients@1",
        "occlusion@1",
        "input_x_gradient_l2@1",
        "saliency@1",
        "attention_rollout@1",
    )
    examples: int = 12
    draws: int = 3
    """Random networks."""
    stages: int = 2
    """Steps of the cascade: 1, the whole network; 2, also all of it but the embeddings; more, from the head on."""
    label_randomised: str = ""
    """Folder of a model trained as this one was but on labels dealt out at random; '': there is none."""

    name: ClassVar[str] = "explanations.sanity@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    grows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, draws=2, stages=1)
        object.__setattr__(self, "methods", full_names(self.methods))

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return each method's correlation after randomising, and by how much it stays below that of random networks.

        Not applicable to a model that cannot be drawn anew.
        """
        names = self.steps(model, corpus, setting)
        if isinstance(names, NotApplicable):
            return names
        found = {name: self.step(name, model, corpus, setting) for name in names}
        return self.conclude(found, model, corpus, setting)

    def steps(self, model: Classifier, corpus: Corpus, setting: Setting) -> Sequence[str] | NotApplicable:
        """Return a step for the model, one for each random network, and one for the model of random labels if any."""
        inner: Any = getattr(model, "model", model)
        if not hasattr(inner, "randomised"):
            return NotApplicable(
                reason="this model's parameters cannot be drawn anew: only a Hugging Face network's can"
            )
        if not len(corpus):
            return NotApplicable(reason="the corpus has no examples to explain")
        return (_TRAINED, *self._networks(inner), *([_UNLEARNED] if self.label_randomised else []))

    def step(self, name: str, model: Classifier, corpus: Corpus, setting: Setting) -> str:
        """Return the scores of the words of every example by every method on one network, as JSON."""
        inner: Any = getattr(model, "model", model)
        drawn = corpus.sample(self.examples).canonical()
        targets = setting.decision.decide(model.predict_proba(drawn.inputs), setting.positive(model.labels))
        told = {one.id: model.labels[int(target)] for one, target in zip(drawn, targets, strict=True)}
        if name == _TRAINED:
            return self._words(model, drawn.examples, told, setting)
        if name == _UNLEARNED:
            return self._unlearned(model, drawn.examples, told, setting)
        count, draw = self._networks(inner)[name]
        with engine_for(inner.randomised(count, setting.streams.seed("randomise", str(draw)))) as engine:
            return self._words(engine, drawn.examples, told, setting)

    def conclude(
        self, found: Mapping[str, str], model: Classifier, corpus: Corpus, setting: Setting
    ) -> Measured | NotApplicable:
        """Return the comparison of what the steps found."""
        inner: Any = getattr(model, "model", model)
        drawn = corpus.sample(self.examples).canonical()
        trained, reasons = _read(found[_TRAINED])
        unlearned = _read(found[_UNLEARNED])[0] if _UNLEARNED in found else {}
        random: dict[int, list[Words]] = defaultdict(list)
        for name, (count, _) in self._networks(inner).items():
            random[count].append(_read(found[name])[0])
        table = _Table(drawn, trained, random, inner.groups, setting)
        methods = [method for method in self.methods if any(key[0] == method for key in trained)]
        measurements = [
            one for method in methods for one in (*table.of(method), *table.without_labels(method, unlearned))
        ]
        if not measurements:
            return NotApplicable(
                reason="no method explains two words or more of any text drawn"
                + "".join(f"; {method}: {reason}" for method, reason in reasons.items())
            )
        notes = [
            f"{len(drawn)} texts were explained again on {self.draws} networks drawn at random, from the head down: "
            f"{', '.join(str(count) for count in random)} of {len(inner.groups)} parts.",
            *_verdicts(measurements, methods, inner.groups[-1]),
            *([_LABELS_GIVEN.format(self.label_randomised)] if self.label_randomised else []),
            *(f"{method}: not checked on every text ({reason})." for method, reason in sorted(reasons.items())),
        ]
        return Measured(measurements=tuple(measurements), exhibits=tuple(Note(text=note) for note in notes))

    def _networks(self, inner: Any) -> dict[str, tuple[int, int]]:
        """Return step -> how many parts are random in its network, and which draw that is."""
        parts = len(inner.groups)
        return {
            f"{count} of {parts} parts random, network {draw + 1}": (count, draw)
            for count in _cascade(parts, self.stages)
            for draw in range(self.draws)
        }

    def uses(self) -> Mapping[str, str]:
        """Return the digest of the model trained on random labels: other weights in its folder, another result."""
        digest = digest_of(self.label_randomised) if self.label_randomised else None
        return {} if digest is None else {"model trained on random labels": digest}

    def _unlearned(self, model: Any, examples: Sequence[Example], told: dict[str, str], setting: Setting) -> str:
        """Explain every example on the model that was trained on random labels."""
        from workbench.models.hugging_face import load_checkpoint

        other = load_checkpoint(self.label_randomised, device=getattr(model, "device", "cpu"))
        if other.labels != model.labels:
            raise BadInput(
                f"the model trained on random labels, {self.label_randomised}, has the labels {list(other.labels)}; "
                f"the model under audit has {list(model.labels)}: train it on the same data"
            )
        with engine_for(other) as engine:
            return self._words(engine, examples, told, setting)

    def _words(self, model: Any, examples: Sequence[Example], told: dict[str, str], setting: Setting) -> str:
        """Explain every example with every method, many at once; return scores, or why there are none, as JSON."""
        jobs = [(method, one) for method in self.methods for one in examples]

        def explained(job: tuple[str, Example]) -> list[float] | str:
            method, one = job
            seed = setting.streams.seed("sanity", method, one.id)
            with model.item(f"{method} {one.id}") as view:
                try:
                    found = explain(view, one.input, target=told[one.id], method=method, seed=seed)
                except (Unsupported, EmptyData) as error:
                    return str(error)
            return [word.score for word in found.words]

        with ThreadPoolExecutor(_THREADS, thread_name_prefix="sanity") as pool:
            found = list(pool.map(explained, jobs))
        return json.dumps([(method, one.id, scores) for (method, one), scores in zip(jobs, found, strict=True)])


def _read(step: str) -> tuple[Words, dict[str, str]]:
    """Return what a step found, and why a method has no scores, as the first example without them says."""
    words: Words = {}
    reasons: dict[str, str] = {}
    for method, example, scores in json.loads(step):
        if isinstance(scores, str):
            reasons.setdefault(method, scores)
        else:
            words[method, example] = np.array(scores, dtype=np.float64)  # repr of a float round-trips exactly
    return words, reasons


class _Table:
    """Correlations of the trained model's explanations with random networks', and of random networks' with others'."""

    def __init__(
        self,
        drawn: Corpus,
        trained: Words,
        random: dict[int, list[Words]],
        groups: Sequence[str],
        setting: Setting,
    ) -> None:
        self._ids = [one.id for one in drawn]
        self._people = People(drawn.people)
        self._trained, self._random, self._groups, self._streams = trained, random, groups, setting.streams

    def of(self, method: str) -> Iterator[Measurement]:
        whole = len(self._groups)
        for kind in self._kinds(method):
            for count in self._random:
                means = self._against(method, kind, count)
                where = {"attributor": method, "scores": kind, "randomised": f"{count} of {whole} parts"}
                if count == whole and kind == "signed":
                    where = {"attributor": method}
                yield from self._measured("randomisation_correlation", means, where, bottom=-1.0, top=1.0)
        limits = self._limits(method, "signed")
        excess = {
            one: value - limits[one] for one, value in self._against(method, "signed", whole).items() if one in limits
        }
        yield from self._measured("randomisation_excess", excess, {"attributor": method}, bottom=-2.0, top=2.0)

    def without_labels(self, method: str, other: Words) -> Iterator[Measurement]:
        """Yield how alike the explanations are on a model that was trained on random labels."""
        for kind in self._kinds(method) if other else ():
            found = {
                one: value
                for one in self._ids
                if (value := _alike(self._trained.get((method, one)), other.get((method, one)), kind)) is not None
            }
            where = {"attributor": method} | ({"scores": kind} if kind == "absolute" else {})
            yield from self._measured("label_randomisation_correlation", found, where, bottom=-1.0, top=1.0)

    @staticmethod
    def _kinds(method: str) -> tuple[Kind, ...]:
        return ("signed", "absolute") if getattr(attributors[method], "signed", True) else ("signed",)

    def _against(self, method: str, kind: Kind, count: int) -> dict[str, float]:
        """Return, for each text, the mean correlation of the trained model's words with each random network's."""
        return {
            one: float(np.mean(found))
            for one in self._ids
            if (found := [
                value
                for words in self._random[count]
                if (value := _alike(self._trained.get((method, one)), words.get((method, one)), kind)) is not None
            ])
        }  # fmt: skip

    def _limits(self, method: str, kind: Kind) -> dict[str, float]:
        """Return the 95th percentile of correlations between two random networks, over all texts, for each text."""
        whole = self._random[len(self._groups)]
        found = [
            value
            for first, second in combinations(whole, 2)
            for one in self._ids
            if (value := _alike(first.get((method, one)), second.get((method, one)), kind)) is not None
        ]
        return dict.fromkeys(self._ids, float(np.quantile(found, QUANTILE))) if found else {}

    def _measured(
        self, metric: str, values: dict[str, float], where: dict[str, str], *, bottom: float, top: float
    ) -> Iterator[Measurement]:
        has = np.array([one in values for one in self._ids], dtype=bool)
        if not has.any():
            return
        numbers, people = np.array([values[one] for one in self._ids if one in values]), self._people.among(has)
        rng = self._streams.stream("interval", "sanity", metric, *where.values())
        found = score_interval(numbers, people, bottom=bottom, top=top, rng=rng)
        if found is None:
            return
        fixed = f"{found.method}, the random networks taken as given"
        interval: Interval = found.model_copy(update={"method": fixed})
        yield Measurement(
            name=f"explanations.{metric}",
            value=min(max(float(numbers.mean()), interval.low), interval.high),
            unit="score",
            better="lower",
            n=people.size,
            interval=interval,
            where=where,
        )


def _alike(one: FloatArray | None, other: FloatArray | None, kind: Kind) -> float | None:
    if one is None or other is None:
        return None
    return spearman(np.abs(one), np.abs(other)) if kind == "absolute" else spearman(one, other)


def _cascade(groups: int, stages: int) -> list[int]:
    """Return how many groups are random at each stage, last of all every one, and before it all but the lowest.

    What is alike while only the embeddings are left, and no more without them, shows the embeddings and no layer. Other
    stages lie evenly between the head alone and that one.
    """
    before = groups - 1
    between = {round(1 + (before - 1) * i / (stages - 2)) for i in range(stages - 1)} if stages > 2 else set[int]()
    return sorted({*between, *([before] if stages > 1 else []), groups} - {0})


def _verdicts(measurements: Sequence[Measurement], methods: Sequence[str], lowest: str) -> Iterator[str]:
    """Yield sentences on all of `methods`: which pass, which fail, of which it cannot be told, and what that means.

    `lowest` names the part of the network that is drawn anew last.
    """
    found = outcomes(measurements)
    fine, bad, open_ = ([one for one, said in found.items() if said == outcome] for outcome in _OUTCOMES)
    silent = [method for method in methods if method not in found]
    if fine:
        yield (
            f"Pass the sanity check: {', '.join(fine)}. Their explanations change when the model forgets: their mean "
            f"rank correlation with a random network's is surely below {ALIKE:g}, and below the 95th percentile of the "
            "correlations between two random networks. Scores dealt out at random would pass, too: rely on those only "
            "that are also better than random words."
        )
    if shallow := [method for method in mostly_embeddings(measurements) if method in fine]:
        yield (
            f"Still alike while only the lowest part ({lowest}) is left: {', '.join(shallow)}. Where every part above "
            "it was drawn anew, their mean rank correlation with the trained model's explanations is surely above "
            f"{ALIKE:g}: they show mostly which words stand out there, not what the layers above make of them."
        )
    if untaught := [method for method in alike_without_labels(measurements) if method in fine]:
        yield (
            f"Alike on the model of random labels: {', '.join(untaught)}. Their mean rank correlation with its "
            f"explanations is surely above {ALIKE:g}: they show mostly what stands out in a text whatever the labels "
            "taught."
        )
    if bad:
        yield (
            f"Fail the sanity check: {', '.join(bad)}. Their explanations hardly depend on what the model learned. Do "
            "not use them to judge this model."
        )
    if open_:
        yield (
            f"Not shown to pass the sanity check: {', '.join(open_)}. Too few texts were looked at to say whether "
            "their explanations depend on what the model learned. Do not rely on them before more were."
        )
    if silent:
        yield (
            f"Not shown to pass the sanity check: {', '.join(silent)}. They ranked the words of no text, on the model "
            "or on the random networks, so there was nothing to compare. Do not rely on them."
        )
