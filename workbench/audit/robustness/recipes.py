"""What an attack recipe is: a named, versioned way to search for a rewrite that is decided otherwise."""

from __future__ import annotations

from typing import Protocol

from workbench.adapters.textattack import Search, require_textattack, search
from workbench.audit.robustness.victim import Victim
from workbench.audit.robustness.words import end_of_word
from workbench.registry import Registry


class Attack(Protocol):
    """A recipe. Registered as `recipe@version`."""

    def prepare(self) -> None:
        """See that everything needed is there. Raises `MissingResource` with the remedy."""
        ...

    def words_edited(self, budget: int) -> int:
        """Return how many words from its start a text may have changed; the victim always reads the whole text."""
        ...

    def attack(self, victim: Victim, text: str, label: int, *, budget: int, seed: int) -> Search:
        """Search for a text that is not decided as `label`, scoring at most `budget` texts.

        All randomness comes from `seed`. May raise anything on a text that the recipe cannot handle.
        """
        ...


recipes: Registry[type[Attack]] = Registry("attack recipe", group="workbench.attacks")
"""Recipes by `name@version`, built without arguments. `@recipes.register("deepwordbug@1")`."""


@recipes.register("deepwordbug@1")
class DeepWordBug:
    """DeepWordBug (Gao et al. 2018), TextAttack's `DeepWordBugGao2018` as published there.

    Ranks words by what masking them does to the score, then misspells them in that order (two letters swapped, one
    replaced, dropped or added), up to 30 edits in all. Stopwords stay as they are.
    """

    def prepare(self) -> None:
        require_textattack()

    def words_edited(self, budget: int) -> int:
        """Half the budget: ranking takes one query a word and misspelling up to four.

        Without this limit a text with as many words as the budget would be 'resisted' because nothing was ever tried.
        Texts of fewer words are not affected.
        """
        return max(1, budget // 2)

    def attack(self, victim: Victim, text: str, label: int, *, budget: int, seed: int) -> Search:
        """As `Attack.attack`.

        Raises ValueError for a text holding TextAttack's own separator, behind which it would silently drop all words.
        """
        if _SEPARATOR in text:
            raise ValueError(f"the text contains {_SEPARATOR!r}, which TextAttack takes for the end of the text")
        cut = end_of_word(text, self.words_edited(budget))
        head, tail = text[:cut], text[cut:]
        found = search(
            "DeepWordBugGao2018",
            lambda heads: victim.scores([one + tail for one in heads]),
            head,
            label,
            budget=budget,
            seed=seed,
        )
        return found if found.rewritten is None else found._replace(rewritten=found.rewritten + tail)


_SEPARATOR = "<SPLIT>"
"""`textattack.shared.AttackedText.SPLIT_TOKEN`."""
