"""What an attributor is: a mechanism that shares a model's output out among the tokens of one text."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from workbench.models.protocols import Classifier, FloatArray
from workbench.registry import Registry


class Attribution(NamedTuple):
    """How much each token of one text moved the output for one label."""

    tokens: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    """Character span of each token in the text; (0, 0) for special tokens."""
    scores: FloatArray
    """One per token, in units of `output`; positive pushes towards the label, unless the method is unsigned."""
    output: str
    """What the scores add up to, e.g. 'logit'."""
    completeness_gap: float | None
    """Relative error of that sum; None for methods whose scores add up to nothing."""
    baseline: str | None
    """What the text is compared with."""
    passes: int
    """Sequences sent through the model."""
    seed_agreement: float | None = None
    """Spearman correlation of two independent draws, of a method that samples until they agree, or until its cap."""
    precision: str = "float32"
    """What the scores were computed in. 'bfloat16' only where a float32 check on this very text agreed."""


class Attributor(Protocol):
    """A way to attribute. Registered as `method@version`.

    A class attribute `signed = False` says that scores tell how strongly, and not which way; `labelled = False` that
    they are the same for every label; `seeded = True` that another seed gives other scores; `embedded = True` that they
    are computed from the text's embeddings, so that these may be moved a little. A method `check(text)` raises at once
    what `attribute` would raise of that text, so that of many texts none is worked on in vain.
    """

    def attribute(self, model: Classifier, text: str, target: int, *, gap_bound: float, seed: int) -> Attribution:
        """Attribute the output for the label in column `target`.

        A method with a completeness gap spends more passes until it is at most `gap_bound`, up to a limit of its own.
        All randomness comes from `seed`. The engine behind `model` runs many of these at once, each in a thread.

        Raises:
            Unsupported: the method needs more of the model than it offers.
            EmptyData: the text has no tokens.
        """
        ...


attributors: Registry[type[Attributor]] = Registry("attributor", group="workbench.attributors")
"""Attributors by `name@version`, built without arguments. `@attributors.register("integrated_gradients@1")`."""
