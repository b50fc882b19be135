"""TextAttack's input reduction: words taken away while the decision stays.

Feng et al. 2018, "Pathologies of Neural Models Make Interpretations Difficult". Goal, transformation and ranking are
TextAttack's; ours is that a word is deleted where it stands in the text as reduced so far.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from workbench.adapters.textattack import textattack_module
from workbench.adapters.textattack_victim import Scores, Victim, refuse_separator, unknown_to_textattack
from workbench.adapters.turns import turn


class Reduced(NamedTuple):
    """How a reduction ended."""

    text: str
    """The text with the fewest words found that is decided as before; the text itself where no word may go."""
    queries: int
    """Texts scored, the original included."""
    exhausted: bool
    """It ended because the budget was spent: more words may be dispensable."""


def reduce(scores: Scores, text: str, label: int, *, budget: int, seed: int) -> Reduced:
    """Take words from `text`, decided as `label`, while it stays decided so: the one whose loss costs least first.

    Words are ranked once, by the score of the text without them, and each is tried once: two queries a word.

    Raises:
        MissingResource: as `require_textattack`.
        ValueError: see `refuse_separator`; also where `text` is not decided as `label`.
        Exception: whatever TextAttack raises on a text that it cannot handle.
    """
    textattack = textattack_module()
    refuse_separator(text)
    with turn(seed) as own:
        victim = Victim(scores, own)
        with unknown_to_textattack():
            goal = textattack.goal_functions.InputReduction(
                victim, maximizable=True, query_budget=budget, model_batch_size=budget
            )
        attack = textattack.Attack(
            goal,
            [textattack.constraints.pre_transformation.RepeatModification()],
            textattack.transformations.WordDeletion(),
            _in_place(textattack)(wir_method="delete"),
        )
        result = attack.attack(text, label)
        if isinstance(result, textattack.attack_results.SkippedAttackResult):
            raise ValueError("the text is not decided as `label` to begin with")
        return Reduced(
            text=result.perturbed_result.attacked_text.text,
            queries=goal.num_queries,
            exhausted=goal.num_queries >= budget,
        )


@lru_cache(maxsize=1)
def _in_place(textattack: Any) -> type[Any]:
    """Return TextAttack's greedy search, for deletions.

    Its own takes the number of a word in the original for its number in the text as it is: after the first deletion it
    deletes other words than it ranked, tries some twice and some never.
    """

    class InPlace(textattack.search_methods.GreedyWordSwapWIR):  # type: ignore[misc]
        get_transformations: Any

        def perform_search(self, initial_result: Any) -> Any:
            plain = self.get_transformations
            self.get_transformations = lambda text, **rest: plain(text, shifted_idxs=True, **rest)
            try:
                return super().perform_search(initial_result)
            finally:
                self.get_transformations = plain

    return InPlace
