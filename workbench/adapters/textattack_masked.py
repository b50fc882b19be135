"""Attacks whose words a masked language model proposes, put together from TextAttack's parts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from workbench.adapters.textattack_parts import parts_of
from workbench.models.masked_lm import masked_lm


def bae(textattack: Any, victim: Any) -> Any:
    """Garg and Ramakrishnan 2020, BAE-R: words replaced by the 50 likeliest, of the same part of speech.

    With the user's masked language model for BERT, and MiniLM for the Universal Sentence Encoder at the same bound,
    on 15-word windows.
    """
    constraints = textattack.constraints
    return textattack.Attack(
        textattack.goal_functions.UntargetedClassification(victim),
        [
            constraints.pre_transformation.RepeatModification(),
            constraints.pre_transformation.StopwordModification(),
            constraints.grammaticality.PartOfSpeech(tagger_type="nltk", allow_verb_noun_swap=True),
            parts_of(textattack)["Says"](
                victim,
                threshold=0.936338023,
                metric="cosine",
                compare_against_original=True,
                window_size=15,
                skip_text_shorter_than_window=True,
            ),
        ],
        _fitting(textattack)(victim, max_candidates=50),
        textattack.search_methods.GreedyWordSwapWIR(wir_method="delete"),
    )


@lru_cache(maxsize=1)
def _fitting(textattack: Any) -> type[Any]:
    class Fitting(textattack.transformations.WordSwapMaskedLM):  # type: ignore[misc]
        """Whole words only, as in the paper; texts are padded to the longest of a batch, not to 512 tokens."""

        def __init__(self, victim: Any, max_candidates: int) -> None:
            self._victim, self._model = victim, masked_lm()
            super().__init__(
                method="bae",
                masked_language_model=self._model.network,
                tokenizer=self._model.tokenizer,
                max_candidates=max_candidates,
                min_confidence=0.0,
            )

        def _bae_replacement_words(self, current_text: Any, indices_to_modify: Any) -> list[list[str]]:
            masked = [current_text.replace_word_at_index(i, self._model.mask).text for i in indices_to_modify]
            with self._victim.aside():
                return self._model.fill(masked, self.max_candidates)

    return Fitting
