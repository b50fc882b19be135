"""What the attacks and edits of texts change, and what each needs beside TextAttack: one table for audit and training.

A model hardened against one family is judged on another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from workbench.adapters.textattack import require_encoder_and_tagger, require_near_words, require_wordnet

Family = Literal["letters", "synonyms", "paraphrases", "unseen characters", "near words", "words dropped"]
Needs = tuple[Callable[[], None], ...]
"""Each sees that something is there, and raises `MissingResource` with the remedy where it is not."""


class Attack(NamedTuple):
    """An attack that TextAttack searches for."""

    made: str
    """Its name in `textattack_recipes`."""
    family: Family
    needs: Needs = ()


class Edit(NamedTuple):
    """An edit that `textattack_edits` makes at random."""

    family: Family
    needs: Needs = ()


_SYNONYMS: Needs = (require_wordnet,)
_NEAR_WORDS: Needs = (require_wordnet, require_near_words)  # WordNet says what is an opposite

ATTACKS: Mapping[str, Attack] = {
    "deepwordbug": Attack("DeepWordBugGao2018", "letters"),
    "pruthi": Attack("Pruthi2019", "letters"),
    "textbugger_letters": Attack("TextBuggerLetters", "letters"),
    "pwws": Attack("PWWSRen2019", "synonyms", _SYNONYMS),
    "leap": Attack("LEAP2023", "synonyms", _SYNONYMS),
    "textfooler_glove": Attack("TextFoolerGlove", "near words", _NEAR_WORDS),
    "checklist_without_names": Attack("CheckListWithoutNames", "paraphrases"),
    "homoglyphs": Attack("BadCharactersHomoglyphs", "unseen characters"),
    "invisible_characters": Attack("BadCharactersInvisible", "unseen characters"),
    "reorderings": Attack("BadCharactersReorderings", "unseen characters"),
}
"""Those that ask the model for answers only: training can use them, too."""

ATTACKS_THAT_ASK_MORE: Mapping[str, Attack] = {
    "a2t_glove": Attack("A2TGlove", "near words", _NEAR_WORDS),
    "hotflip": Attack("HotFlip", "near words", _NEAR_WORDS),
    "bae": Attack("BAE", "paraphrases", (require_encoder_and_tagger,)),
}
"""Those that ask for gradients, or another model."""

EDITS: Mapping[str, Edit] = {
    "misspellings": Edit("letters"),
    "synonyms": Edit("synonyms", _SYNONYMS),
    "near_words": Edit("near words", _NEAR_WORDS),
    "paraphrases": Edit("paraphrases"),
    "deletions": Edit("words dropped"),
    "look_alikes": Edit("unseen characters"),
}
