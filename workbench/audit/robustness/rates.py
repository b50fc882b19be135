"""From rewrites to rates: how often an attack succeeded, what accuracy it left, what it took."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.evidence.bootstrap import People, median_interval, proportion_interval, rare_interval, score_interval
from workbench.evidence.exhibits import Rewrite
from workbench.evidence.measurement import Better, Interval, Measurement
from workbench.seeds import Streams

TRIED = ("succeeded", "resisted", "exhausted")
"""Outcomes of texts that the model got right and the recipe did not crash on."""
MOST_FAILED = 0.05
"""Share of the texts attacked that a recipe may fail on, one text aside: beyond it, what became of the others is no
sample of what becomes of all."""


def rates(
    found: Sequence[Rewrite],
    people: People,
    *,
    recipe: str,
    budget: int,
    streams: Streams,
    only: str | None = None,
) -> tuple[tuple[Measurement, ...], tuple[str, ...]]:
    """Return the measurements of one recipe and, in sentences, what they leave out.

    - `attack_success_rate`: successes among the texts attacked (decided rightly before, recipe did not crash);
    - `accuracy_under_attack`: texts decided rightly before and not brought to fall, among all but the crashed;
    - `queries_mean`: texts scored per attacked text;
    - `words_changed_median`: words that differ, per success: they have no end that a mean's interval could rest on;
    - `similarity_mean`: cosine of text and rewrite by the default sentence encoder, per success;
    - `search_missed_rate`: of the texts that resisted a search in bfloat16 and were searched again in float32, the
      share that fell then.

    `people` says whose each of `found` is, `budget` how many queries a text may cost. A quantity without anything to
    rest on is left out, and a sentence says so. So is the success rate where `untold` says that it means nothing;
    `only` is the one label that the model gives all texts of the data, if it does. Accuracy under attack stays: such a
    model is right as often as before. Both are left out where the recipe failed on too many texts.
    """
    tried = np.array([one.outcome in TRIED for one in found], dtype=bool)
    fell = np.array([one.outcome == "succeeded" for one in found], dtype=bool)
    known = np.array([one.outcome != "failed" for one in found], dtype=bool)
    notes = [_tally(found)]
    measurements: list[Measurement] = []

    def add(metric: str, values: np.ndarray, keep: np.ndarray, unit: str, better: Better, absent: str) -> None:
        who, kept = people.among(keep), values[keep]
        rng = streams.stream("interval", recipe, metric)
        interval: Interval | None
        if unit == "proportion":
            interval = proportion_interval(kept.astype(bool), who, rng=rng)
        elif unit == "score":
            interval = score_interval(kept, who, bottom=-1.0, rng=rng)  # cosines
        elif unit == "words":
            interval = median_interval(kept, who, rng=rng)
        else:  # queries: a few texts may take most of them
            interval = rare_interval(kept, who, top=float(budget), rng=rng)
        if interval is None:
            notes.append(f"{metric} is not given: {absent}.")
            return
        measurements.append(
            Measurement(
                name=f"robustness.{metric}",
                value=float(np.median(kept) if unit == "words" else kept.mean()),
                unit=unit,
                better=better,
                n=who.size,
                interval=interval,
                where={"recipe": recipe},
            )
        )

    if reason := untold(found, only):
        notes.append(f"attack_success_rate is not given: {reason}")
    else:
        add("attack_success_rate", fell, tried, "proportion", "lower", "no text was decided rightly and then attacked")
    if reason := _lost(found):
        notes.append(f"accuracy_under_attack is not given: {reason}")
    else:
        add("accuracy_under_attack", tried & ~fell, known, "proportion", "higher", "nothing was attacked")
    queries = np.array([one.queries for one in found], dtype=np.float64)
    add("queries_mean", queries, tried, "queries", "higher", "nothing was attacked")
    changed = np.array([one.words_changed or 0 for one in found], dtype=np.float64)
    add("words_changed_median", changed, fell, "words", "higher", "the texts that fell are of too few people")
    alike = np.array([one.similarity is not None for one in found], dtype=bool)
    similarity = np.array([one.similarity if one.similarity is not None else 0.0 for one in found])
    if fell.any():
        add("similarity_mean", similarity, alike, "score", "higher", "it needs the default encoder and two successes")
    repeated = np.array([one.repeated is not None for one in found], dtype=bool)
    if repeated.any():
        missed = np.array([one.repeated == "missed" for one in found], dtype=bool)
        add("search_missed_rate", missed, repeated, "proportion", "lower", "nothing was searched again")
    notes += _searches(found)
    return tuple(measurements), tuple(notes)


def untold(found: Sequence[Rewrite], only: str | None) -> str:
    """Return why the outcomes tell no success rate, in a sentence; '' where they do.

    A recipe may have failed on too many texts. And a model that gives all texts the same decision has shown no decision
    that could change: success rate 0 would be that of a stone. One success is enough to show that there is another.
    """
    if reason := _lost(found):
        return reason
    if only is None or any(one.outcome == "succeeded" for one in found):
        return ""
    right = sum(one.predicted_before == one.label for one in found)
    return (
        f"the model decides every text of the data as '{only}', so an attack that finds no other decision says nothing "
        f"about robustness; of the {len(found)} texts drawn it decides {right} rightly."
    )


def _lost(found: Sequence[Rewrite]) -> str:
    """Return in a sentence that the recipe failed on too many of the texts attacked; '' where it did not."""
    failed = sum(one.outcome == "failed" for one in found)
    attacked = failed + sum(one.outcome in TRIED for one in found)
    if failed <= max(1, MOST_FAILED * attacked):
        return ""
    return (
        f"the attack crashed, or broke its own rules, on {failed} of the {attacked} texts attacked, so what became "
        "of the others is no sample of what becomes of all."
    )


def _searches(found: Sequence[Rewrite]) -> list[str]:
    """Return sentences on what was searched in which precision."""
    fast = [one for one in found if one.search_precision == "bfloat16" or one.repeated or one.unconfirmed]
    if not fast:
        return []
    notes = ["Searches ran in bfloat16; every success was confirmed in float32."]
    if unconfirmed := sum(one.unconfirmed for one in found):
        notes.append(
            f"{unconfirmed} successes of the bfloat16 search were not confirmed in float32; these texts were searched "
            "again in float32, and that outcome stands."
        )
    repeated = [one for one in found if one.repeated is not None]
    left = sum(one.outcome in ("resisted", "exhausted") and one.search_precision == "bfloat16" for one in found)
    if repeated:
        missed = sum(one.repeated == "missed" for one in repeated)
        notes.append(
            f"{len(repeated)} texts that resisted in bfloat16, drawn at random, were searched again in float32: "
            f"{missed} of them fell, and count as fallen. {left} that resisted were not searched again"
            + (", so the true success rate may be higher by what search_missed_rate says of these." if left else ".")
        )
    return notes


def _tally(found: Sequence[Rewrite]) -> str:
    """Return the outcomes in one sentence."""
    count = {outcome: sum(one.outcome == outcome for one in found) for outcome in (*TRIED, "skipped", "failed")}
    crashed = (
        f", and on {count['failed']} the attack itself crashed or broke its own rules (counted in no rate)"
        if count["failed"]
        else ""
    )
    return (
        f"Of {len(found)} texts drawn by hash of their id, {count['skipped']} were decided wrongly before any attack, "
        f"{count['succeeded']} fell, {count['resisted']} resisted and {count['exhausted']} outlasted the query budget"
        f"{crashed}."
    )
