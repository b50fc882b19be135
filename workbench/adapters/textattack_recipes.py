"""Attack recipes put together from TextAttack's parts, where its own class cannot run offline or is not repeatable.

Each says in its name what it leaves out. Searches, transformations and constraints are TextAttack's; ours are the order
of synonyms (theirs is a set's, which changes from process to process), the place of a table of look-alike letters
(which its package lacks), a stop of differential evolution at the first success or at the end of the budget, and of
the particle swarm where nothing can be replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np

from workbench.adapters.confusables import look_alikes
from workbench.adapters.near_words import NEAR, opposites, space
from workbench.models.sentences import embeddings

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
        _parts(textattack)["Synonyms"](),
        textattack.search_methods.GreedyWordSwapWIR("weighted-saliency"),
    )


def _leap(textattack: Any, victim: Any) -> Any:
    """Xiao et al. 2023: synonyms from WordNet, at most 16% of the words, by a particle swarm."""
    return textattack.Attack(
        textattack.goal_functions.UntargetedClassification(victim),
        [textattack.constraints.pre_transformation.MaxModificationRate(max_rate=0.16), _stopwords(textattack)],
        _parts(textattack)["Synonyms"](),
        _parts(textattack)["Swarm"](pop_size=60, max_iters=20, post_turn_check=True, max_turn_retries=20),
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
                _parts(textattack)["Homoglyphs"](),
            ]
        ),
        textattack.search_methods.GreedyWordSwapWIR(wir_method="delete"),
    )


def _bad_characters(part: str) -> Callable[[Any, Any], Any]:
    """Boucher et al. 2021, one of their kinds, against the decision as it is instead of towards a given label."""

    def made(textattack: Any, victim: Any) -> Any:
        parts = _parts(textattack)
        return textattack.Attack(
            textattack.goal_functions.UntargetedClassification(victim),
            [],
            parts[part](),
            parts["Evolution"](popsize=_POPULATION, maxiter=_GENERATIONS, max_perturbs=_PERTURBATIONS),
        )

    return made


def _textfooler(textattack: Any, victim: Any) -> Any:
    """Jin et al. 2020 with GloVe for the counter-fitted vectors, and MiniLM for the Universal Sentence Encoder.

    GloVe does not push opposites apart, so what WordNet calls one is left out, and near means a cosine of 0.7, not 0.5.
    The bound on the similarity of 15-word windows is theirs, an angle of at most half a radian.
    """
    parts = _parts(textattack)
    near = parts["Near"]()
    constraints = textattack.constraints
    return textattack.Attack(
        textattack.goal_functions.UntargetedClassification(victim),
        [
            _once(textattack),
            _stopwords(textattack),
            constraints.semantics.WordEmbeddingDistance(embedding=near, min_cos_sim=NEAR),
            constraints.grammaticality.PartOfSpeech(tagger_type="nltk", allow_verb_noun_swap=True),
            parts["Says"](victim),
        ],
        parts["NearWords"](max_candidates=50, embedding=near),
        textattack.search_methods.GreedyWordSwapWIR(wir_method="delete"),
    )


def _once(textattack: Any) -> Any:
    return textattack.constraints.pre_transformation.RepeatModification()


def _stopwords(textattack: Any) -> Any:
    return textattack.constraints.pre_transformation.StopwordModification()


@lru_cache(maxsize=1)
def _parts(textattack: Any) -> dict[str, type[Any]]:
    """Return classes that TextAttack has not, or not so; they can be made only once it is imported."""
    swaps = textattack.transformations.word_swaps

    class Synonyms(swaps.WordSwapWordNet):  # type: ignore[misc, name-defined]
        """Without a try at a download, and in alphabetical order."""

        def __init__(self) -> None:
            self.language = "eng"

        def _get_replacement_words(self, word: str, random: bool = False) -> list[str]:
            return sorted(super()._get_replacement_words(word))

    class Homoglyphs(swaps.WordSwapHomoglyphSwap):  # type: ignore[misc, name-defined]
        """With Unicode's own table of confusable characters, as the package confusable-homoglyphs has it."""

        def __init__(self) -> None:
            with suppress(FileNotFoundError):  # its own table is not shipped; whatever else there is to set gets set
                super().__init__()
            self.homos_intentional = look_alikes()

    class Reorderings(swaps.WordSwapReorderings):  # type: ignore[misc, name-defined]
        """Knows that a text of one letter has no two to swap."""

        def _get_bounds(self, current_text: Any, max_perturbs: int, precomputed: Any) -> Any:
            return super()._get_bounds(current_text, max_perturbs, precomputed) if len(current_text.text) > 1 else []

    class Near(textattack.shared.AbstractWordEmbedding):  # type: ignore[misc]
        """Vectors of length one, with neighbours by cosine."""

        def __init__(self) -> None:
            self._words, self._index, self._matrix = space()

        def __getitem__(self, index: Any) -> Any:
            return self._matrix[self._index[index] if isinstance(index, str) else index]

        def word2index(self, word: str) -> int:
            return self._index[word]

        def index2word(self, index: int) -> str:
            return self._words[index]

        def get_cos_sim(self, a: Any, b: Any) -> float:
            return float(self[a] @ self[b])

        def get_mse_dist(self, a: Any, b: Any) -> float:
            return float(((self[a] - self[b]) ** 2).sum())

        def nearest_neighbours(self, index: int, topn: int) -> list[int]:
            alike = self._matrix @ self._matrix[index]
            alike[index] = -np.inf
            found = np.argpartition(-alike, topn)[:topn]
            return sorted(found.tolist(), key=lambda i: (-alike[i], i))

    class NearWords(swaps.WordSwapEmbedding):  # type: ignore[misc, name-defined]
        """Leaves out a word's opposites, and what is no word."""

        def _get_replacement_words(self, word: str) -> list[str]:
            against = opposites(word)
            found = super()._get_replacement_words(word)
            return [one for one in found if one.isalpha() and one != word and one.lower() not in against]

    class Says(textattack.constraints.semantics.sentence_encoders.SentenceEncoder):  # type: ignore[misc]
        """The 15 words around a change must say much the same before and after it, to the default encoder."""

        def __init__(self, victim: Any) -> None:
            super().__init__(
                threshold=0.840845057,
                metric="angular",
                compare_against_original=False,
                window_size=15,
                skip_text_shorter_than_window=True,
            )
            self._victim, self.model = victim, self

        def encode(self, sentences: Any) -> Any:
            import torch

            with self._victim.aside():
                return torch.from_numpy(embeddings(list(sentences)))

    class Swarm(textattack.search_methods.ParticleSwarmOptimizationLEAP):  # type: ignore[misc]
        """Gives up on a text in which nothing can be replaced, where TextAttack's own would fail."""

        def perform_search(self, initial_result: Any) -> Any:
            text = initial_result.attacked_text
            changes = self.get_transformations(text, original_text=text)
            return super().perform_search(initial_result) if changes else initial_result

    class Evolution(textattack.search_methods.DifferentialEvolution):  # type: ignore[misc]
        """Ends at the first success, or when the budget is spent, where TextAttack's own would fail."""

        get_goal_results: Any

        def perform_search(self, initial_result: Any) -> Any:
            bounds, _ = self.get_bounds_and_precomputed(initial_result.attacked_text, self.max_perturbs)
            if not bounds or any(high < 0 for _, high in bounds):
                return initial_result  # nothing in this text can be changed so
            ask, best = self.get_goal_results, initial_result
            status = textattack.goal_function_results.GoalFunctionResultStatus.SUCCEEDED

            def asked(texts: Any) -> Any:
                nonlocal best
                results, over = ask(texts)
                for result in results:
                    best = result if result.score >= best.score else best
                if over or not results or any(result.goal_status == status for result in results):
                    raise _Ended
                return results, over

            self.get_goal_results = asked
            try:
                # A change that changes nothing scores infinity; scipy takes the spread of such a population.
                with suppress(_Ended), np.errstate(invalid="ignore"):
                    super().perform_search(initial_result)
            finally:
                self.get_goal_results = ask
            return best

    return {
        "Synonyms": Synonyms,
        "Homoglyphs": Homoglyphs,
        "Invisible": swaps.WordSwapInvisibleCharacters,
        "Reorderings": Reorderings,
        "Evolution": Evolution,
        "Swarm": Swarm,
        "Near": Near,
        "NearWords": NearWords,
        "Says": Says,
    }


class _Ended(Exception):
    """The search need not go on."""


_OURS: dict[str, Callable[[Any, Any], Any]] = {
    "PWWSRen2019": _pwws,
    "LEAP2023": _leap,
    "CheckListWithoutNames": _checklist,
    "TextBuggerLetters": _textbugger,
    "TextFoolerGlove": _textfooler,
    "BadCharactersInvisible": _bad_characters("Invisible"),
    "BadCharactersHomoglyphs": _bad_characters("Homoglyphs"),
    "BadCharactersReorderings": _bad_characters("Reorderings"),
}
