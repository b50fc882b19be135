"""What several methods' explanations of one text are worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from workbench.adapters.captum_infidelity import infidelity, removals
from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.by_word import read_part
from workbench.audit.explanations.faithfulness import (
    Removal,
    faithfulness,
    leave_one_out,
    ranking,
    variants,
    without,
)
from workbench.audit.explanations.ranks import kendall
from workbench.evidence.exhibits import MethodQuality, TokenScores
from workbench.models.protocols import Classifier, FloatArray

PERTURBATIONS = 30
"""Random removals of words that infidelity is a mean over."""

CHANCE, OCCLUSION = "random@1", "occlusion@1"


def quality_of(
    model: Classifier,
    text: str,
    target: int,
    found: Mapping[str, TokenScores],
    *,
    orders: int,
    kinds: Sequence[Removal],
    rng: np.random.Generator,
) -> tuple[MethodQuality, ...]:
    """Return one entry for each method, and last that of random words; nothing for a text without words.

    All questions of all methods go to the model in one request.

    Args:
        model: any classifier.
        text: what was explained; words are taken from the part of it that the model reads.
        target: column of the label whose probability is watched.
        found: method -> its explanation of `text`; random scores among them are left out.
        orders: random orders of the words, whose mean is the floor.
        kinds: what a missing word leaves behind; 'mask' is left out for a model without a mask token.
        rng: of the random orders.
    """
    found = {method: one for method, one in found.items() if method != CHANCE}
    part = read_part(model, text)
    text, words = part.text, part.words(next(iter(found.values())).words) if found else ()
    if not words:
        return ()
    ranked = {method: [ranking([word.score for word in one.words])] for method, one in found.items()}
    ranked[CHANCE] = [tuple(rng.permutation(len(words)).tolist()) for _ in range(orders)]
    masks = {"deletion": None, "mask": getattr(getattr(model, "tokenizer", None), "mask_token", None)}
    keys = [
        (method, removal)
        for method in ranked
        for removal in kinds
        if removal == "deletion" or masks[removal] is not None
    ]
    asked = {
        (method, removal): [one for order in ranked[method] for one in variants(text, words, order, masks[removal])]
        for method, removal in keys
    }
    alone = leave_one_out(text, words)
    taken = removals(len(words), PERTURBATIONS, rng)
    perturbed = [without(text, words, frozenset(np.flatnonzero(row).tolist()), None) for row in taken]
    first = [text, *alone, *perturbed]
    answers = model.predict_proba([*first, *(one for key in keys for one in asked[key])])[:, target]
    whole = float(answers[0])
    importance, changed = np.split(whole - answers[1 : len(first)], [len(words)])
    answers = answers[len(first) :]

    def infidelity_of(scores: FloatArray) -> float:
        return infidelity(whole, lambda _: whole - changed, scores, taken)

    values: dict[str, dict[str, float]] = defaultdict(dict)
    for method, removal in keys:
        here, answers = np.split(answers, [len(asked[method, removal])])
        each = [faithfulness(whole, one) for one in np.split(here, len(ranked[method]))]
        for metric, column in zip(each[0]._fields, np.array(each).T, strict=True):
            values[method][f"{metric}/{removal}"] = float(column.mean())
    for method, one in found.items():
        scores = np.array([word.score for word in one.words])
        # Scores without a sign say how strongly, not which way: they are set against the size of the change, and
        # predict none, which is what infidelity asks.
        signed = getattr(attributors[method], "signed", True)
        if signed:
            values[method]["infidelity"] = infidelity_of(scores)
        effect = importance if signed else np.abs(importance)
        if method != OCCLUSION and (tau := kendall(scores, effect)) is not None:
            values[method]["tau_loo"] = tau
        values[method]["passes"] = float(one.passes)
        if one.completeness_gap is not None:
            values[method]["completeness_gap"] = one.completeness_gap
    chances = rng.standard_normal((orders, len(words)))
    values[CHANCE]["infidelity"] = float(np.mean([infidelity_of(scores) for scores in chances]))
    return tuple(MethodQuality(attributor=method, values=values[method], scores=found.get(method)) for method in ranked)
