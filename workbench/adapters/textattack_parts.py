"""Parts of attacks that TextAttack has not, or not so: word lists of our own, searches that end where they should.

Classes can be derived from TextAttack's only once it is imported, so they are made by a function and kept.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.optimize import differential_evolution

from workbench.adapters.confusables import look_alikes
from workbench.adapters.near_words import neighbours, opposites, space
from workbench.models.sentences import embeddings

_AHEAD = 32
"""Texts of a search that are scored at once: some batches full, and little lost where the first of them succeeds."""


@lru_cache(maxsize=1)
def parts_of(textattack: Any) -> dict[str, type[Any]]:
    """Return the parts by name."""
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
            return list(neighbours(index, topn))

    class NearWords(swaps.WordSwapEmbedding):  # type: ignore[misc, name-defined]
        """Leaves out a word's opposites, and what is no word."""

        def _get_replacement_words(self, word: str) -> list[str]:
            against = opposites(word)
            found = super()._get_replacement_words(word)
            return [one for one in found if one.isalpha() and one != word and one.lower() not in against]

    class Says(textattack.constraints.semantics.sentence_encoders.SentenceEncoder):  # type: ignore[misc]
        """A text must say much the same before and after a change, to the default encoder, by TextAttack's bounds."""

        def __init__(self, victim: Any, **bounds: Any) -> None:
            super().__init__(**bounds)
            self._victim, self.model = victim, self

        def encode(self, sentences: Any) -> Any:
            import torch

            place = {one: i for i, one in enumerate(dict.fromkeys(sentences))}  # the text before comes many times
            with self._victim.aside():
                return torch.from_numpy(embeddings(list(place))[[place[one] for one in sentences]])

    class Swarm(textattack.search_methods.ParticleSwarmOptimizationLEAP):  # type: ignore[misc]
        """Gives up on a text in which nothing can be replaced, where TextAttack's own would fail."""

        def perform_search(self, initial_result: Any) -> Any:
            text = initial_result.attacked_text
            changes = self.get_transformations(text, original_text=text)
            return super().perform_search(initial_result) if changes else initial_result

    class Evolution(textattack.search_methods.DifferentialEvolution):  # type: ignore[misc]
        """Ends at the first success, or when the budget is spent, where TextAttack's own would fail.

        The first generation is drawn before any of it is scored, so it is scored many at a time: one by one, the texts
        of a search are too few for a batch.
        """

        get_goal_results: Any

        def __init__(self, victim: Any, **settings: Any) -> None:
            super().__init__(**settings)
            self._victim = victim

        def _first_generation(self, text: Any) -> list[str]:
            """Return the texts that scipy is about to score, in its order; the generators are left as they were."""
            bounds, precomputed = self.get_bounds_and_precomputed(text, self.max_perturbs)
            found: list[str] = []

            def seen(vector: Any) -> float:
                found.append(self.apply_perturbation(text, vector, precomputed).tokenizer_input)
                return 0.0

            state = np.random.get_state()  # what scipy draws from, as TextAttack asks it to
            try:
                differential_evolution(seen, bounds, maxiter=0, popsize=self.popsize, polish=False)
            finally:
                np.random.set_state(state)
            return found

        def perform_search(self, initial_result: Any) -> Any:
            bounds, _ = self.get_bounds_and_precomputed(initial_result.attacked_text, self.max_perturbs)
            if not bounds or any(high < 0 for _, high in bounds):
                return initial_result  # nothing in this text can be changed so
            ask, best = self.get_goal_results, initial_result
            coming, at = self._first_generation(initial_result.attacked_text), 0
            status = textattack.goal_function_results.GoalFunctionResultStatus.SUCCEEDED

            def asked(texts: Any) -> Any:
                nonlocal best, at
                # What the transformation's filter drops is not asked for.
                own = texts[0].tokenizer_input
                if own in coming[at:] and not self._victim.has(own):
                    at = coming.index(own, at)
                    self._victim.ask_ahead(coming[at : at + _AHEAD])
                results, over = ask(texts)
                for result in results:
                    # With three labels or more the highest score may be another, unsuccessful text's.
                    if result.goal_status == status:
                        best = result
                        raise _Ended
                    best = result if result.score >= best.score else best
                if over or not results:
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
