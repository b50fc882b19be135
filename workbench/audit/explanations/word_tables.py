"""Tables of the words and phrases that decide over many texts: the largest of each kind, with counts and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.audit.explanations.weights import Phrase, Weight, phrases_of, spread, weights_of
from workbench.data.corpus import Corpus
from workbench.evidence.bootstrap import ROUNDING, proportion_interval
from workbench.evidence.exhibits import Ranking, WordEffects, WordRow, WordTable
from workbench.seeds import Streams

SHOWN = 12
"""Words in a table."""
LONGEST = 3
"""Words of a phrase."""
SEVERAL = 2
"""Decisions that hang on a word, at least, for it to be told: one is the case of one text."""
SHARE = 0.1
"""Of a phrase's push, at least, that comes from its first word, and from its last: else a shorter one says it all."""


class Tables:
    """Makes tables from explained texts."""

    def __init__(
        self, found: Sequence[WordEffects], corpus: Corpus, *, method: str, probe: str, least: int, streams: Streams
    ) -> None:
        """Look at `found`, explained by `method`; leave out what is in fewer than `least` people's texts."""
        self._found, self._corpus, self._method, self._least = found, corpus, method, least
        self._probe, self._streams = probe, streams
        self._weights = weights_of(found, corpus, least)

    def all(self) -> tuple[WordTable, ...]:
        """Return what decisions hang on; words and phrases that push; words that erred; what else is strong.

        Tables without rows are left out.
        """
        labels = self._corpus.labels
        words = [self._words(label) for label in labels]
        found = [
            self._flips(),
            *(pushing for pushing, _ in words),
            *(self._phrases(label) for label in labels),
            *(self._errors(label) for label in labels),
            *(strong for _, strong in words),
        ]
        return tuple(table for table in found if table.rows)

    def hinges(self) -> str:
        """Return in words how often decisions hang on one occurrence of one word, in all texts."""
        turned = [int(one.flips.sum()) for one in self._weights.values()]
        texts = sum(any(word.flips for word in one.words) for one in self._found)
        rest = f"{texts} of {len(self._found)} decisions change without one occurrence of some word"
        if not turned:
            return f"No word is in the texts of {self._least} people or more: no table tells what decides. {rest}."
        return (
            f"Words in the texts of {self._least} people or more: {len(turned)}. Without one occurrence of it, no "
            f"decision changes for {turned.count(0)} of them, one for {turned.count(1)}, {SEVERAL} or more for "
            f"{sum(count >= SEVERAL for count in turned)}. {rest}, rarer ones included."
        )

    def _flips(self) -> WordTable:
        """Return the words on which several decisions hang, whatever was decided; the surest first."""
        several = sorted(form for form, one in self._weights.items() if one.flips.sum() >= SEVERAL)
        rows = self._rows(self._weights, several, "", "flips")
        ranked = sorted(rows, key=lambda row: (-row.flip_interval.low if row.flip_interval else 0.0, row.word))
        return self._table("Words that decisions hang on", None, "flips", self._found, tuple(ranked[:SHOWN]))

    def _words(self, target: str) -> tuple[WordTable, WordTable]:
        """Return the words of the largest mean contribution, and of the rest those of the largest mean absolute one."""
        texts = self._decided(target)
        weights = self._moving(texts)
        told = _pushing(weights)[:SHOWN]
        strong = {form: float(one.strengths.mean()) for form, one in weights.items() if form not in told}
        strong = {form: strength for form, strength in strong.items() if strength > ROUNDING}
        rest = sorted(strong, key=lambda form: (-strong[form], form))[:SHOWN]
        more = f"More words strong in decisions for {target}, whichever way they push"
        return (
            self._table(
                f"Words that push towards {target}", target, "push", texts, self._rows(weights, told, target, "all")
            ),
            self._table(more, target, "strength", texts, self._rows(weights, rest, target, "strength")),
        )

    def _errors(self, target: str) -> WordTable:
        texts = [one for one in self._decided(target) if one.label != target]
        weights = self._moving(texts)
        rows = self._rows(weights, _pushing(weights)[:SHOWN], target, "wrong")
        return self._table(f"Words that push towards {target}, where that was wrong", target, "errors", texts, rows)

    def _phrases(self, target: str) -> WordTable:
        """Return phrases that push towards `target`, a tenth or more by either end."""
        texts = self._decided(target)
        phrases = phrases_of(texts, self._corpus, self._least, longest=LONGEST)
        ranked = _leading({form: one for form, one in phrases.items() if _carried_by_both_ends(one)})
        rows = tuple(
            WordRow(
                word=form,
                n=len(one.scores),
                mean=float(one.scores.mean()),
                interval=spread(one.scores, one.people, self._streams.stream("interval", "phrases", target, form)),
                mean_absolute=float(np.abs(one.scores).mean()),
            )
            for form, one in ranked.items()
        )
        return self._table(f"Phrases that push towards {target}", target, "phrases", texts, rows)

    def _decided(self, target: str) -> list[WordEffects]:
        return [one for one in self._found if one.target == target]

    def _moving(self, texts: Sequence[WordEffects]) -> dict[str, Weight]:
        """Return what the model makes of the words of `texts`, without those that do nothing anywhere."""
        weights = weights_of(texts, self._corpus, self._least)
        return {form: weight for form, weight in weights.items() if not weight.idle}

    def _rows(self, weights: Mapping[str, Weight], forms: Sequence[str], target: str, kind: str) -> tuple[WordRow, ...]:
        """Return the rows of the words `forms`, in their order."""
        rows = []
        for form in forms:
            weight = weights[form]
            rng = self._streams.stream("interval", self._probe, target, kind, form)
            interval = spread(weight.scores, weight.people, rng)
            share = proportion_interval(weight.flips, weight.people, rng=rng, replicates=1000)
            rows.append(
                WordRow(
                    word=form,
                    n=len(weight.scores),
                    mean=float(weight.scores.mean()),
                    interval=interval,
                    mean_absolute=float(weight.strengths.mean()),
                    flips=int(weight.flips.sum()),
                    flip_interval=share,
                )
            )
        return tuple(rows)

    def _table(
        self, title: str, target: str | None, by: Ranking, texts: Sequence[WordEffects], rows: tuple[WordRow, ...]
    ) -> WordTable:
        return WordTable(
            title=title,
            by=by,
            target=target,
            method=self._method,
            output=texts[0].output if texts else "",
            texts=len(texts),
            least=self._least,
            rows=rows,
        )


def _pushing(weights: Mapping[str, Weight]) -> list[str]:
    """Return the words that push towards the decision on average, the strongest first."""
    means = {form: float(weight.scores.mean()) for form, weight in weights.items()}
    return sorted((form for form, mean in means.items() if mean > 0), key=lambda form: (-means[form], form))


def _carried_by_both_ends(phrase: Phrase) -> bool:
    mean = float(phrase.scores.mean())
    return mean > 0 and bool((phrase.ends.mean(axis=0) >= SHARE * mean).all())


def _leading(phrases: Mapping[str, Phrase]) -> dict[str, Phrase]:
    """Return the phrases that push most, without those that stand in a longer one of these in as many texts."""
    ranked = sorted(phrases, key=lambda form: (-phrases[form].scores.mean(), form))
    leading: list[str] = []
    for form in ranked:
        n = len(phrases[form].scores)
        if not any(f" {form} " in f" {longer} " and len(phrases[longer].scores) == n for longer in leading):
            leading.append(form)
        if len(leading) == SHOWN:
            break
    return {form: phrases[form] for form in leading}
