"""How fast a model gets worse while its texts get noisier.

Five kinds of noise in growing doses: mistyped letters of several kinds, neighbouring keys, letters that a scanner takes
for others, letters of other alphabets that look the same, and missing words. Doses are nested: a letter that is spoilt
at a small dose is spoilt, and in the same way, at every larger one, so a curve falls by the dose and not by new luck.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.confusables import look_alikes
from workbench.audit.performance.brier import squared_errors
from workbench.audit.probe import Setting, probes, require_at_least
from workbench.data.corpus import Corpus, Task
from workbench.errors import Misconfigured
from workbench.evidence.bootstrap import People, proportion_interval, rare_interval, score_interval
from workbench.evidence.exhibits import Curve, CurvePoint, Note
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import Measured, NotApplicable
from workbench.models.protocols import Classifier, FloatArray
from workbench.text.words import words

_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SCANNED = {
    "0": "O", "1": "l", "5": "S", "8": "B", "B": "8", "D": "O", "I": "l", "O": "0", "S": "5", "Z": "2", "a": "o",
    "b": "h", "c": "e", "e": "c", "f": "t", "g": "q", "h": "b", "i": "l", "l": "1", "m": "rn", "n": "ri", "o": "0",
    "r": "n", "s": "5", "t": "f", "u": "ii", "v": "y", "w": "vv", "y": "v", "z": "2",
}  # fmt: skip
"""What optical character recognition takes for what (after Nguyen et al. 2019, "Deep Statistical Analysis of OCR Errors
for Effective Post-OCR Processing": mostly one letter for a similar one, some for two)."""
_CLEAN = ("", 0.0)
"""Stands for no noise of any kind."""
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@probes.register("robustness.noise@1")
@dataclass(frozen=True)
class Noise:
    """Accuracy and Brier score of a sample of examples, drawn by hash of id, at each dose of each kind of noise."""

    examples: int = 100
    doses: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4)
    """Chance that a letter (or word) is spoilt, growing; 0 is measured in any case."""
    replicates: int = 1000

    name: ClassVar[str] = "robustness.noise@1"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.TEXT_CLASSIFICATION})
    protocol: ClassVar[type[Any]] = Classifier
    grows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least(self, examples=2, replicates=100)
        if not self.doses or any(not 0 < one <= 1 for one in self.doses) or sorted(set(self.doses)) != [*self.doses]:
            raise Misconfigured(f"{self.name}: doses must grow and lie above 0 and up to 1; got {self.doses}")
        object.__setattr__(self, "doses", tuple(self.doses))

    def measure(self, model: Classifier, corpus: Corpus, setting: Setting) -> Measured | NotApplicable:
        """Return, for each kind, the mean accuracy over the doses (area under its curve) and the curve."""
        if len(corpus) < 2:
            return NotApplicable(reason=f"noise curves need two examples; the corpus has {len(corpus)}")
        drawn = corpus.sample(self.examples).canonical()
        seeds = [setting.streams.seed("noise", one.id) for one in drawn]
        texts = {
            (kind, dose): [spoil(one.input, dose, seed) for one, seed in zip(drawn, seeds, strict=True)]
            for kind, spoil in KINDS.items()
            for dose in self.doses
        }
        answers = model.predict_proba([*drawn.inputs, *(text for held in texts.values() for text in held)])
        positive = setting.positive(model.labels)
        right: dict[tuple[str, float], NDArray[np.bool_]] = {}
        loss: dict[tuple[str, float], FloatArray] = {}
        for key, rows in zip([_CLEAN, *texts], answers.reshape(1 + len(texts), len(drawn), -1), strict=True):
            right[key] = setting.decision.decide(rows, positive) == drawn.label_ids
            loss[key], top = squared_errors(rows, drawn.label_ids, positive)
        people = People(drawn.people)
        measurements: list[Measurement] = []
        exhibits: list[Curve | Note] = []
        for kind in KINDS:
            if all(texts[kind, dose] == list(drawn.inputs) for dose in self.doses):
                exhibits.append(Note(text=f"noise_auc is not given for {kind}: no text drawn has anything to spoil."))
                continue
            keys = [_CLEAN, *((kind, dose) for dose in self.doses)]
            area = self._area(np.array([right[key] for key in keys], dtype=np.float64))
            rng = setting.streams.stream("interval", self.name, kind)
            interval = score_interval(area, people, rng=rng, replicates=self.replicates)
            if interval is not None:
                measurements.append(
                    Measurement(
                        name="robustness.noise_auc",
                        value=min(max(float(area.mean()), interval.low), interval.high),
                        unit="score",
                        better="higher",
                        n=people.size,
                        interval=interval,
                        where={"noise": kind},
                    )
                )
            for name, values, interval_of in (
                ("accuracy", right, proportion_interval),
                ("Brier score", loss, partial(rare_interval, top=top)),
            ):
                exhibits += self._curve(kind, name, [values[key] for key in keys], interval_of, people, setting)
        if not measurements:
            return NotApplicable(reason="no text drawn has a letter or a second word that noise could spoil")
        exhibits.append(
            Note(
                text=f"Noise spoils each letter (or word) with the chance on the axis, in {len(drawn)} texts drawn by "
                "hash of their id; what is spoilt at a small dose stays spoilt at a larger one. The area is the mean "
                f"accuracy from no noise to a dose of {self.doses[-1]:g}. Somewhere on the way a person could not "
                "read the texts either: look at doses that your users' texts have."
            )
        )
        return Measured(measurements=tuple(measurements), exhibits=tuple(exhibits))

    def _area(self, heights: FloatArray) -> FloatArray:
        """Return the area under each text's curve, (n,), as share of the largest dose; `heights` (doses + 1, n)."""
        doses = np.array([0.0, *self.doses])
        widths = np.diff(doses) / doses[-1]
        found: FloatArray = (widths[:, None] * (heights[1:] + heights[:-1]) / 2).sum(axis=0)
        return found

    def _curve(
        self,
        kind: str,
        name: str,
        values: Sequence[NDArray[Any]],
        interval_of: Callable[..., Interval | None],
        people: People,
        setting: Setting,
    ) -> list[Curve]:
        """Return the mean of `values`, of each text, dose by dose; nothing where one of the doses has no interval."""
        points = []
        for dose, held in zip((0.0, *self.doses), values, strict=True):
            rng = setting.streams.stream("interval", self.name, kind, name, repr(dose))
            interval = interval_of(held, people, rng=rng, replicates=self.replicates)
            if interval is None:
                return []
            y = min(max(float(held.mean()), interval.low), interval.high)
            points.append(CurvePoint(x=dose, y=y, low=interval.low, high=interval.high, n=people.size))
        return [
            Curve(
                name=f"noise_{name.replace(' ', '_').lower()}",
                x_label="share of letters or words spoilt",
                y_label=name,
                points=tuple(points),
                method="Wilson or bootstrap over people, 95%, dose by dose",
                where={"noise": kind},
            )
        ]


def _letters(text: str, dose: float, seed: int, spoilt: Callable[[str, np.random.Generator], str]) -> str:
    """Return `text` with each letter or digit that draws below `dose` as `spoilt` makes it."""
    rng = np.random.default_rng(seed)
    chances = rng.random(len(text))
    made = []
    for i, letter in enumerate(text):
        if letter.isalnum() and chances[i] < dose:
            made.append(spoilt(letter, np.random.default_rng([seed, i])))
        else:
            made.append(letter)
    return "".join(made)


def mistyped(letter: str, rng: np.random.Generator) -> str:
    """Return `letter` dropped, doubled, replaced by another, or with another after it."""
    other = _ALPHABET[int(rng.integers(len(_ALPHABET)))]
    return ("", letter + letter, other, letter + other)[int(rng.integers(4))]


def neighbouring_key(letter: str, rng: np.random.Generator) -> str:
    """Return a letter beside `letter` in its row of an English keyboard; what is on none stays."""
    for row in _KEYS:
        if (at := row.find(letter.lower())) >= 0:
            beside = [row[i] for i in (at - 1, at + 1) if 0 <= i < len(row)]
            found = beside[int(rng.integers(len(beside)))]
            return found.upper() if letter.isupper() else found
    return letter


def scanned(letter: str, rng: np.random.Generator) -> str:
    """Return what a scanner may take `letter` for; what it always reads stays."""
    return _SCANNED.get(letter, letter)


def look_alike(letter: str, rng: np.random.Generator) -> str:
    """Return a letter of another alphabet that looks like `letter`; what has none stays."""
    found = look_alikes().get(letter)
    return found[int(rng.integers(len(found)))] if found else letter


def missing_words(text: str, dose: float, seed: int) -> str:
    """Return `text` without each word that draws below `dose`; the luckiest always stays."""
    found = words(text)
    if not found:
        return text
    chances = np.random.default_rng(seed).random(len(found))
    kept, end = [], 0
    for i, word in enumerate(found):
        if chances[i] < dose and i != int(chances.argmax()):
            kept.append(text[end : word.start])
            end = word.stop
    return "".join((*kept, text[end:]))


KINDS: Mapping[str, Callable[[str, float, int], str]] = MappingProxyType(
    {
        "mistyped letters": lambda text, dose, seed: _letters(text, dose, seed, mistyped),
        "neighbouring keys": lambda text, dose, seed: _letters(text, dose, seed, neighbouring_key),
        "scanning errors": lambda text, dose, seed: _letters(text, dose, seed, scanned),
        "look-alike letters": lambda text, dose, seed: _letters(text, dose, seed, look_alike),
        "missing words": missing_words,
    }
)
"""Kinds of noise: text, dose and seed to the spoilt text. A text in which nothing can be spoilt stays as it is."""
