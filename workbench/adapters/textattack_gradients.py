"""White-box attacks put together from TextAttack's parts, fed by the gradients of any model that tells them.

TextAttack's own read the embeddings of its LSTM, whose tokens are words. Here the victim tells the gradient word by
word, see `word_gradients`, so TextAttack's ranking runs as it is. Ours are the transformation that proposes flips, and
searches that end where the budget does: a gradient costs one query, like a text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from workbench.adapters.near_words import NEARER, near_enough
from workbench.adapters.textattack_parts import parts_of

_NEIGHBOURS = 50
"""Near words looked at for each word that may be flipped."""
_FLIPS = 20
"""Flips of one text that are tried: those that raise the loss most, by its gradient."""


class Spent(Exception):
    """The budget is spent, and not on a success."""


def a2t(textattack: Any, victim: Any) -> Any:
    """Yoo and Qi 2021 with GloVe for the counter-fitted vectors, and MiniLM for their sentence encoder.

    Words in the order of their gradient's length (L1), a tenth of them at most, or four; the bounds on the cosine of
    words (0.8) and of whole texts (0.9) are theirs. GloVe does not push opposites apart: these are left out.
    """
    parts, constraints = parts_of(textattack), textattack.constraints
    near = parts["Near"]()
    return textattack.Attack(
        textattack.goal_functions.UntargetedClassification(victim),
        [
            constraints.pre_transformation.RepeatModification(),
            constraints.pre_transformation.StopwordModification(),
            constraints.pre_transformation.MaxModificationRate(max_rate=0.1, min_threshold=4),
            white_parts_of(textattack)["Read"](victim),
            constraints.semantics.WordEmbeddingDistance(embedding=near, min_cos_sim=NEARER),
            constraints.grammaticality.PartOfSpeech(tagger_type="nltk", allow_verb_noun_swap=False),
            parts["Says"](victim, threshold=0.9, metric="cosine"),
        ],
        parts["NearWords"](max_candidates=20, embedding=near),
        white_parts_of(textattack)["ByGradient"](wir_method="gradient"),
    )


def hotflip(textattack: Any, victim: Any) -> Any:
    """Ebrahimi et al. 2018, section 5: at most two words, by beam search, to near words of the same part of speech.

    A flip is from one token of the model to another, both whole words. Near means a cosine of 0.8 as theirs, but in
    GloVe, without opposites.
    """
    parts, constraints = white_parts_of(textattack), textattack.constraints
    flips = parts["Flips"](victim, embedding=parts_of(textattack)["Near"]())
    return textattack.Attack(
        textattack.goal_functions.UntargetedClassification(victim),
        [
            constraints.pre_transformation.RepeatModification(),
            constraints.pre_transformation.StopwordModification(),
            constraints.pre_transformation.MaxNumWordsModified(max_num_words=2),
            parts["Read"](victim),
            constraints.grammaticality.PartOfSpeech(tagger_type="nltk"),
        ],
        flips,
        parts["Beam"](flips, beam_width=10),
    )


@lru_cache(maxsize=1)
def white_parts_of(textattack: Any) -> dict[str, type[Any]]:
    """Return by name parts that look inside the victim, or that stop where a gradient took the last query."""

    class Read(textattack.constraints.PreTransformationConstraint):  # type: ignore[misc]
        """Leaves alone words beyond what the model reads."""

        def __init__(self, victim: Any) -> None:
            self._victim = victim

        def _get_modifiable_indices(self, current_text: Any) -> set[int]:
            return {i for i, read in enumerate(self._victim.read(current_text.text)) if read}

    class Flips(parts_of(textattack)["NearWords"]):  # type: ignore[misc]
        """Near words that are one token each, where they replace one token; those that raise the loss most."""

        def __init__(self, victim: Any, embedding: Any) -> None:
            super().__init__(max_candidates=_NEIGHBOURS, embedding=embedding)
            self._victim = victim

        def look(self, texts: Any) -> None:
            """Fetch at once the gradients of texts, each given with the words in it that may be flipped."""
            self._victim.fetch([text.text for text, indices in texts if self._swaps(text, indices)])

        def _get_transformations(self, current_text: Any, indices_to_modify: Any) -> list[Any]:
            swaps = self._swaps(current_text, indices_to_modify)
            gains = self._victim.gains(current_text.text, swaps) if swaps else []
            best = sorted((one for one in gains if one[0] > 0), key=lambda one: (-one[0], one[1]))[:_FLIPS]
            return [current_text.replace_word_at_index(i, new) for _, (i, new) in best]

        def _swaps(self, text: Any, indices: Any) -> list[tuple[int, str]]:
            return [
                (i, new)
                for i in sorted(indices)
                for new in self._get_replacement_words(text.words[i])
                if near_enough(text.words[i], new, NEARER)
            ]

    class Beam(textattack.search_methods.BeamSearch):  # type: ignore[misc]
        """Asks for all gradients of a step at once, and ends where they have taken the last query."""

        get_transformations: Any
        get_goal_results: Any
        get_indices_to_order: Any

        def __init__(self, flips: Any, beam_width: int) -> None:
            super().__init__(beam_width)
            self._flips = flips

        def perform_search(self, initial_result: Any) -> Any:
            first, best = initial_result.attacked_text, initial_result
            beam = [first]
            while best.goal_status != textattack.goal_function_results.GoalFunctionResultStatus.SUCCEEDED:
                self._flips.look([(text, self.get_indices_to_order(text)[1]) for text in beam])
                flipped = [one for text in beam for one in self.get_transformations(text, original_text=first)]
                if not flipped:
                    return best
                results, over = self.get_goal_results(flipped)
                if not results:
                    raise Spent
                results = sorted(results, key=lambda result: -result.score)
                best, beam = results[0], [result.attacked_text for result in results[: self.beam_width]]
                if over:
                    return best
            return best

    class ByGradient(textattack.search_methods.GreedyWordSwapWIR):  # type: ignore[misc]
        """Knows that the gradient may have taken the last query."""

        goal_function: Any

        def _get_index_order(self, initial_text: Any, max_len: int = -1) -> Any:
            order, over = super()._get_index_order(initial_text, max_len)
            return order, over or self.goal_function.num_queries >= self.goal_function.query_budget

    return {"Read": Read, "Flips": Flips, "Beam": Beam, "ByGradient": ByGradient}
