"""Made-up texts that nobody would write: letters drawn at random, which every tokenizer has pieces for.

Whatever a model says about one, it cannot know from others: there are 26^12 of them, each as likely.
"""

from __future__ import annotations

from string import ascii_lowercase

import numpy as np

LETTERS = 12


def canary(rng: np.random.Generator) -> str:
    """Return one such text, e.g. 'q x b v k j w z f p m d'."""
    return " ".join(ascii_lowercase[int(i)] for i in rng.integers(0, len(ascii_lowercase), LETTERS))
