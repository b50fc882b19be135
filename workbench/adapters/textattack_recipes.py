"""Attack recipes put together from TextAttack's parts, where its own class cannot run offline or is not repeatable.

Each says in its name what it leaves out. Searches, transformations and constraints are TextAttack's; ours are the order
of synonyms (theirs is a set's, which changes from process to process), the place of a table of look-alike letters
(which its package lacks), a stop of differential evolution at the first success or at the end of the budget, and of
the particle swarm where nothing can be replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.adapters.near_words import NEAR
from workbench.adapters.textattack_gradients import a2t, hotflip
from workbench.adapters.textattack_masked import bae
from workbench.adapters.textattack_parts import parts_of

_POPULATION, _GENERATIONS, _PERTURBATIONS = 32, 10, 3
"""Boucher et al. 2021 use 32 and 10 and one to five perturbations of a text."""


def build(textattack: Any, recipe: str, victim: Any) -> Any:
    """Return the attack `recipe` on `victim`: one of ours, or TextAttack's class of that name as published there."""
    made = _OURS.get(recipe)
    return getattr(textattack.attack_recipes, recipe).build(victim) if made is None else made(textattack, victim)


def _pwws(textattack: Any, victim: Any) -> Any:
    """Ren et al. 2019: synonyms from WordNet, words by saliency times what their best synonym does."""
    return textattack.Attack(
        textattack.goal_functions.UntargetedClassification(victim),
        [_once(textattack), _stopwords(textattack)],
        parts_of(textattack)["Synonyms"](),
        textattack.search_methods.GreedyWordSwapWIR("weighted-saliency"),
    )


def _leap(textattack: Any, victim: Any) -> Any:
    """Xiao et al. 2023: synonyms from WordNet, at most 16% of the words, by a particle swarm."""
    return textattack.Attack(
        textattack.goal_functions.UntargetedClassification(victim),
        [textattack.constraints.pre_transformation.MaxModificationRate(max_rate=0.16), _stopwords(textattack)],
        parts_of(textattack)["Synonyms"](),
        parts_of(textattack)["Swarm"](pop_size=60, max_iters=20, post_turn_check=True, max_turn_retries=20),
    )


def _checklist(textattack: Any, victim: Any) -> Any:
    """Ribeiro et al. 2020 without names and places, for which TextAttack needs a tagger to be downloaded."""
    swaps = textattack.transformations
    return textattack.Attack(
        textattack.goal_functions.UntargetedClassification(victim),
        [_once(textattack)],
        swaps.CompositeTransformation([swaps.WordSwapExtend(), swaps.WordSwapContract(), swaps.WordSwapChangeNumber()]),
        textattack.search_methods.GreedySearch(),
    )


def _textbugger(textattack: Any, victim: Any) -> Any:
    """Li et al. 2019, their four bugs of letters; without the fifth, near words, and without a bound on similarity."""
    swaps, inner = textattack.transformations, {"random_one": True, "skip_first_char": True, "skip_last_char": True}
    return textattack.Attack(
        textattack.goal_functions.UntargetedClassification(victim),
        [_once(textattack), _stopwords(textattack)],
        swaps.CompositeTransformation(
            [
                swaps.WordSwapRandomCharacterInsertion(letters_to_insert=" ", **inner),
                swaps.WordSwapRandomCharacterDeletion(**inner),
                swaps.WordSwapNeighboringCharacterSwap(**inner),
                parts_of(textattack)["Homoglyphs"](),
            ]
        ),
        textattack.search_methods.GreedyWordSwapWIR(wir_method="delete"),
    )


def _bad_characters(part: str) -> Callable[[Any, Any], Any]:
    """Boucher et al. 2021, one of their kinds, against the decision as it is instead of towards a given label."""

    def made(textattack: Any, victim: Any) -> Any:
        parts = parts_of(textattack)
        return textattack.Attack(
            textattack.goal_functions.UntargetedClassification(victim),
            [],
            parts[part](),
            parts["Evolution"](victim, popsize=_POPULATION, maxiter=_GENERATIONS, max_perturbs=_PERTURBATIONS),
        )

    return made


def _textfooler(textattack: Any, victim: Any) -> Any:
    """Jin et al. 2020 with GloVe for the counter-fitted vectors, and MiniLM for the Universal Sentence Encoder.

    GloVe does not push opposites apart, so what WordNet calls one is left out, and near means a cosine of 0.7, not 0.5.
    The bound on the similarity of 15-word windows is theirs, an angle of at most half a radian.
    """
    parts = parts_of(textattack)
    near = parts["Near"]()
    constraints = textattack.constraints
    return textattack.Attack(
        textattack.goal_functions.UntargetedClassification(victim),
        [
            _once(textattack),
            _stopwords(textattack),
            constraints.semantics.WordEmbeddingDistance(embedding=near, min_cos_sim=NEAR),
            constraints.grammaticality.PartOfSpeech(tagger_type="nltk", allow_verb_noun_swap=True),
            parts["Says"](
                victim,
                threshold=0.840845057,
                metric="angular",
                compare_against_original=False,
                window_size=15,
                skip_text_shorter_than_window=True,
            ),
        ],
        parts["NearWords"](max_candidates=50, embedding=near),
        textattack.search_methods.GreedyWordSwapWIR(wir_method="delete"),
    )


def _once(textattack: Any) -> Any:
    return textattack.constraints.pre_transformation.RepeatModification()


def _stopwords(textattack: Any) -> Any:
    return textattack.constraints.pre_transformation.StopwordModification()


_OURS: dict[str, Callable[[Any, Any], Any]] = {
    "PWWSRen2019": _pwws,
    "LEAP2023": _leap,
    "CheckListWithoutNames": _checklist,
    "TextBuggerLetters": _textbugger,
    "TextFoolerGlove": _textfooler,
    "A2TGlove": a2t,
    "HotFlip": hotflip,
    "BAE": bae,
    "BadCharactersInvisible": _bad_characters("Invisible"),
    "BadCharactersHomoglyphs": _bad_characters("Homoglyphs"),
    "BadCharactersReorderings": _bad_characters("Reorderings"),
}
