"""Texts edited at random with TextAttack's transformations and constraints, without asking any model.

TextAttack's own `Augmenter` makes every single edit of a text again for each word that it changes, so its time grows
with the square of a text's length. Here the words to edit are drawn first, and only their edits are made.
"""

from __future__ import annotations

import random
from typing import Any

from workbench.adapters.families import EDITS
from workbench.adapters.near_words import NEAR
from workbench.adapters.textattack import require_textattack, textattack_module
from workbench.adapters.textattack_parts import parts_of
from workbench.adapters.turns import turn
from workbench.errors import NotFound

_TRIES = 3
"""Rewritings made for each that is wanted, as in TextAttack: two may be the same."""


def prepare(edit: str) -> None:
    """See that everything is there that `edit`, one of `families.EDITS`, needs.

    Raises `NotFound` for an unknown one, `MissingResource`.
    """
    if edit not in EDITS:
        raise NotFound.among("edit", edit, EDITS)
    for require in (require_textattack, *EDITS[edit].needs):
        require()


def edited(edit: str, text: str, *, copies: int, share: float, seed: int) -> list[str]:
    """Return up to `copies` distinct rewritings of `text`, none of them the text itself; fewer where fewer were found.

    Args:
        edit: what is done to a word: one of `families.EDITS`.
        text: what is edited.
        copies: rewritings wanted.
        share: of the words to edit, (0, 1], rounded down; at least one word. No word is edited twice; no
            stopword is replaced.
        seed: of everything random.
    """
    textattack = textattack_module()
    with turn(seed):
        transformation, constraints = _transformation(textattack, edit), _constraints(textattack, edit)
        original = textattack.shared.AttackedText(text)
        words = max(1, int(share * len(original.words)))
        found: dict[str, None] = {}
        for _ in range(_TRIES * copies):
            one = _once(original, transformation, constraints, words).text
            if one != text:
                found[one] = None
            if len(found) == copies:
                break
        return list(found)


def _once(original: Any, transformation: Any, constraints: tuple[list[Any], list[Any]], words: int) -> Any:
    """Return `original` with `words` of its words edited, drawn at random, or as many as can be."""
    before, after = constraints
    current = original
    order = list(range(len(original.words)))
    random.shuffle(order)
    for i in order:
        edits = transformation(current, before, indices_to_modify=[i], shifted_idxs=True)
        for constraint in after:
            if edits:
                against = original if constraint.compare_against_original else current
                edits = constraint.call_many(edits, against)
        if edits:
            current, words = random.choice(edits), words - 1
        if not words:
            break
    return current


def _transformation(textattack: Any, edit: str) -> Any:
    swaps = textattack.transformations
    if edit == "synonyms":
        return parts_of(textattack)["Synonyms"]()
    if edit == "near_words":
        return parts_of(textattack)["NearWords"](max_candidates=10, embedding=parts_of(textattack)["Near"]())
    if edit == "look_alikes":
        return parts_of(textattack)["Homoglyphs"]()
    if edit == "deletions":
        return swaps.WordDeletion()
    if edit == "paraphrases":
        return swaps.CompositeTransformation(
            [swaps.WordSwapExtend(), swaps.WordSwapContract(), swaps.WordSwapChangeNumber()]
        )
    return swaps.CompositeTransformation(  # as in TextAttack's CharSwapAugmenter
        [
            swaps.WordSwapNeighboringCharacterSwap(),
            swaps.WordSwapRandomCharacterSubstitution(),
            swaps.WordSwapRandomCharacterDeletion(),
            swaps.WordSwapRandomCharacterInsertion(),
        ]
    )


def _constraints(textattack: Any, edit: str) -> tuple[list[Any], list[Any]]:
    """Return what says which words may be edited, and what says which edits may stay."""
    constraints = textattack.constraints
    before = [constraints.pre_transformation.RepeatModification()]
    if edit != "paraphrases":  # a contraction is one of stopwords
        before.append(constraints.pre_transformation.StopwordModification())
    if edit != "near_words":
        return before, []
    near = parts_of(textattack)["Near"]()
    return before, [
        constraints.semantics.WordEmbeddingDistance(embedding=near, min_cos_sim=NEAR),
        constraints.grammaticality.PartOfSpeech(tagger_type="nltk", allow_verb_noun_swap=True),
    ]
