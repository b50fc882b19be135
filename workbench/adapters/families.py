"""What the attacks and edits of texts change: a model hardened against one family is judged on another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Family = Literal["letters", "synonyms", "paraphrases", "unseen characters", "near words", "words dropped"]

ATTACKS: Mapping[str, tuple[str, Family]] = {
    "deepwordbug": ("DeepWordBugGao2018", "letters"),
    "pruthi": ("Pruthi2019", "letters"),
    "textbugger_letters": ("TextBuggerLetters", "letters"),
    "pwws": ("PWWSRen2019", "synonyms"),
    "leap": ("LEAP2023", "synonyms"),
    "textfooler_glove": ("TextFoolerGlove", "near words"),
    "checklist_without_names": ("CheckListWithoutNames", "paraphrases"),
    "homoglyphs": ("BadCharactersHomoglyphs", "unseen characters"),
    "invisible_characters": ("BadCharactersInvisible", "unseen characters"),
    "reorderings": ("BadCharactersReorderings", "unseen characters"),
}
"""Attack -> its name in `textattack_recipes`, and what it changes. Those that ask the model for answers only."""

EDITS: Mapping[str, Family] = {
    "misspellings": "letters",
    "synonyms": "synonyms",
    "near_words": "near words",
    "paraphrases": "paraphrases",
    "deletions": "words dropped",
    "look_alikes": "unseen characters",
}
"""Edit that `textattack_edits` makes at random -> what it changes."""
