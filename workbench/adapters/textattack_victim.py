"""The model under attack as TextAttack sees it: answers to many texts at once and, where it may look inside, gradients.

TextAttack calls this a model wrapper.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.textattack_gradients import Spent
from workbench.adapters.turns import Turn
from workbench.adapters.word_gradients import Swap, WhiteBox, WordGradients

Scores = Callable[[Sequence[str]], NDArray[np.float64]]
"""Texts to scores, (n, n_labels): rows sum to 1, and the largest of a row is the decision."""

SEPARATOR = "<SPLIT>"
"""`textattack.shared.AttackedText.SPLIT_TOKEN`."""


class Victim:
    """A model wrapper: asked for many texts at once, padded by nobody but the model itself.

    (TextAttack's own wrapper for Hugging Face models pads every text to 512 tokens.)
    """

    model = None
    """TextAttack compares the class of this with the models it knows, to no effect."""
    goal: Any = None
    """TextAttack's goal function, which counts queries; set once the attack is built."""

    def __init__(self, scores: Scores, turn: Turn, white: WhiteBox | None = None) -> None:
        """`white`: what attacks look into that follow gradients."""
        self._scores, self._turn, self._white = scores, turn, white
        self._fetched: dict[str, WordGradients] = {}
        self._ahead: dict[str, NDArray[np.float64]] = {}

    def aside(self) -> AbstractContextManager[None]:
        """Let other searches compute inside the block."""
        return self._turn.aside()

    def __call__(self, text_input_list: Sequence[str], **_: Any) -> NDArray[np.float64]:
        if self._ahead and all(text in self._ahead for text in text_input_list):
            return np.array([self._ahead[text] for text in text_input_list])
        with self._turn.aside():
            return self._scores(text_input_list)

    def has(self, text: str) -> bool:
        """Return whether the scores of `text` are there already."""
        return text in self._ahead

    def ask_ahead(self, texts: Sequence[str]) -> None:
        """Score together what a search will ask for one by one: no more of it than may be asked, and only the latest.

        Queries are counted when the search asks, so one that ends before has asked for less than was scored.
        """
        asked = list(dict.fromkeys(texts[: self.goal.query_budget - self.goal.num_queries]))
        with self._turn.aside():
            scores = self._scores(asked) if asked else ()
        self._ahead = dict(zip(asked, scores, strict=True))

    def get_grad(self, text_input: str) -> dict[str, Any]:
        """Return 'gradient', (words, width), and 'ids', (words,), for TextAttack's words; see `WordGradients`.

        It counts as one query, unless it has been fetched. Raises `Spent` where none is left.
        """
        if text_input not in self._fetched:
            self.fetch([text_input])
        if text_input not in self._fetched:
            raise Spent
        return self._fetched[text_input]._asdict()

    def fetch(self, texts: Sequence[str]) -> None:
        """Ask for the gradients of several texts at once: one query each, and for no more of them than are left."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._fetched]
        asked = [(text, _words(text)) for text in fresh[: self.goal.query_budget - self.goal.num_queries]]
        self.goal.num_queries += len(asked)
        with self._turn.aside():
            found = self._inside.gradients(asked)
        self._fetched = {text: one for (text, _), one in zip(asked, found, strict=True)}

    def tokenize(self, inputs: Sequence[str], strip_prefix: bool = False) -> list[list[str]]:
        """Return TextAttack's words: the gradient is given by word, so TextAttack is to match each with itself."""
        return [_words(text) for text in inputs]

    def gains(self, text: str, swaps: Sequence[Swap]) -> list[tuple[float, Swap]]:
        """Return by how much each of `swaps` raises the loss, as far as that is known; see `WhiteBox.gains`.

        Costs as `get_grad`.
        """
        return self._inside.gains(text, _words(text), swaps, WordGradients(**self.get_grad(text)))

    def read(self, text: str) -> list[bool]:
        """Return which of TextAttack's words the model reads."""
        return self._inside.read(text, _words(text))

    @property
    def _inside(self) -> WhiteBox:
        assert self._white is not None, "an attack that follows gradients was started without"
        return self._white


def refuse_separator(text: str) -> None:
    """Raise ValueError for a text with TextAttack's own separator, behind which it would silently drop all words."""
    if SEPARATOR in text:
        raise ValueError(f"the text contains {SEPARATOR!r}, which TextAttack takes for the end of the text")


def _words(text: str) -> list[str]:
    """Return what TextAttack, which has been imported, takes for words."""
    found: list[str] = sys.modules["textattack"].shared.utils.words_from_text(text)
    return found


@contextmanager
def unknown_to_textattack() -> Iterator[None]:
    """Make goal functions inside: textattack 0.3.11 says by a deprecated logging method that it knows no `Victim`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The 'warn' method is deprecated", DeprecationWarning)
        yield
