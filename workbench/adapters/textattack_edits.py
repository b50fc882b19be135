"""TextAttack's augmenters: texts edited at random, without asking any model."""

from __future__ import annotations

from typing import Any

from workbench.adapters.families import EDITS
from workbench.adapters.near_words import NEAR
from workbench.adapters.textattack import require_near_words, require_textattack, require_wordnet, textattack_module
from workbench.adapters.textattack_parts import parts_of
from workbench.adapters.turns import turn
from workbench.errors import NotFound

_NEEDS = {"synonyms": (require_wordnet,), "near_words": (require_wordnet, require_near_words)}


def prepare(edit: str) -> None:
    """See that everything is there that `edit`, one of `families.EDITS`, needs.

    Raises `NotFound` for an unknown one, `MissingResource`.
    """
    if edit not in EDITS:
        raise NotFound.among("edit", edit, EDITS)
    for require in (require_textattack, *_NEEDS.get(edit, ())):
        require()


def edited(edit: str, text: str, *, copies: int, share: float, seed: int) -> list[str]:
    """Return up to `copies` distinct rewritings of `text`, none of them the text itself; fewer where fewer were found.

    Args:
        edit: what is done to a word: one of `families.EDITS`.
        text: what is edited.
        copies: rewritings wanted.
        share: of the words to edit, (0, 1]; at least one word. No word is edited twice, stopwords never.
        seed: of everything random.
    """
    textattack = textattack_module()
    with turn(seed):
        augmenter = textattack.augmentation.Augmenter(
            _transformation(textattack, edit),
            constraints=_constraints(textattack, edit),
            pct_words_to_swap=share,
            transformations_per_example=copies,
        )
        return [one for one in augmenter.augment(text) if one != text][:copies]


def _transformation(textattack: Any, edit: str) -> Any:
    swaps = textattack.transformations
    if edit == "synonyms":
        return parts_of(textattack)["Synonyms"]()
    if edit == "near_words":
        return parts_of(textattack)["NearWords"](max_candidates=10, embedding=parts_of(textattack)["Near"]())
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


def _constraints(textattack: Any, edit: str) -> list[Any]:
    constraints = textattack.constraints
    found = [constraints.pre_transformation.RepeatModification()]
    if edit != "paraphrases":  # a contraction is one of stopwords
        found.append(constraints.pre_transformation.StopwordModification())
    if edit == "near_words":
        near = parts_of(textattack)["Near"]()
        found.append(constraints.semantics.WordEmbeddingDistance(embedding=near, min_cos_sim=NEAR))
        found.append(constraints.grammaticality.PartOfSpeech(tagger_type="nltk", allow_verb_noun_swap=True))
    return found
