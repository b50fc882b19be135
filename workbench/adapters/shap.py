"""SHAP: the partition explainer over the tokens of one text, as `shap.Explainer(transformers_pipeline)` runs it.

Lundberg and Lee 2017, "A Unified Approach to Interpreting Model Predictions"; the values are those that Owen 1977,
"Values of games with a priori unions", gives to players in nested groups, here groups of neighbouring tokens.

The algorithm is SHAP's, untouched: it calls any function from texts to probabilities instead of a pipeline. It draws
tie-breakers from NumPy's process-wide generator and keeps state in explainer and masker, so each call makes its own and
takes turns with the others: see `workbench.adapters.turns`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from workbench.adapters.turns import turn
from workbench.errors import EmptyData
from workbench.models.protocols import FloatArray
from workbench.text.words import replaced

Ask = Callable[[Sequence[str]], FloatArray]
"""Texts to probabilities, (n, n_labels)."""

_BATCH = 20
"""Masked texts that SHAP asks about at once; its own default is 10. With some of them remembered, 10 leave a text's
next step waiting for six rows, which fill no batch: on 20 reviews of 85 tokens a quarter of what was computed was
filling. The order in which SHAP splits groups changes with it, and so do scores: Pearson with those at 10 is at least
0.9999 (at 40: 0.997)."""


class Shares(NamedTuple):
    """How one text's probability of one label is shared out."""

    tokens: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    """Character span of each token; (0, 0) where it stands for none of the text."""
    scores: FloatArray
    """(length,), in probability. A special token scores 0, unless evaluations ran out and its group was shared out."""
    gap: float
    """Relative error of the scores' sum, against probability of the text minus probability with everything masked.

    Not 0 where SHAP does not put the text together again as it was: it drops what follows the last word."""
    mask: str
    """What stands in place of a token."""


class Values(NamedTuple):
    """Shapley values of the words of one text."""

    scores: FloatArray
    """(n_words,), in probability."""
    gap: float
    """Relative error of their sum, against probability of the text minus probability with every word masked."""


def kernel(
    ask: Ask, text: str, target: int, *, spans: Sequence[tuple[int, int]], mask: str, samples: int, seed: int
) -> Values:
    """Return Shapley values of the words at `spans` by SHAP's kernel explainer, for the label in column `target`.

    Exact where `samples` allows every subset of the words (2 ** n - 2), else a weighted regression on a sample of them.

    Args:
        ask: the model.
        text: what to explain.
        target: column of the label.
        spans: the words, (start, stop), in order, not overlapping; at least one.
        mask: what stands in place of a word that is left out.
        samples: subsets to ask about at most.
        seed: of the sample.
    """
    import shap

    n = len(spans)

    def texts_of(rows: Any) -> list[str]:
        return [replaced(text, [span for span, kept in zip(spans, row, strict=True) if not kept], mask) for row in rows]

    with turn(seed) as mine:

        def model(rows: Any) -> FloatArray:
            texts = texts_of(rows)
            with mine.aside():
                return ask(texts)[:, target]

        whole, nothing = model([[1] * n, [0] * n])
        if n == 1:
            scores = np.array([whole - nothing])
        else:
            explainer = shap.KernelExplainer(model, np.zeros((1, n)))
            found = explainer.shap_values(np.ones((1, n)), nsamples=samples, l1_reg=False, silent=True)
            scores = np.asarray(found, dtype=np.float64).reshape(n)
    difference = float(whole - nothing)
    return Values(scores, float(abs(scores.sum() - difference) / max(abs(difference), 1e-6)))


class _Tokens(NamedTuple):
    names: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    is_text: tuple[bool, ...]
    """False for special tokens."""


def partition(
    ask: Ask, text: str, target: int, *, tokenizer: Any | None, max_length: int | None, max_evals: int, seed: int
) -> Shares:
    """Return the Owen values of the tokens of `text` that the model reads, for the label in column `target`.

    Args:
        ask: the model.
        text: what to explain.
        target: column of the label.
        tokenizer: the model's own, a fast one of transformers: tokens are replaced by its mask token. None (or one
            that knows no offsets): words are found by SHAP's regular expression and replaced by '...'.
        max_length: tokens that the model reads, special ones included; the rest has no score. None: no limit.
        max_evals: calls that SHAP may make, 500 in `shap.Explainer`; one for each masked text.
        seed: of the tie-breakers.

    Raises:
        EmptyData: no token of `text` is read.
    """
    import shap

    text = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot be tokenised; '?' takes its place
    if not getattr(tokenizer, "is_fast", False):
        tokenizer = None
    start = 0
    with turn(seed) as mine:

        def model(masked: Any) -> FloatArray:
            texts = [str(one) for one in masked]
            with mine.aside():
                return ask(texts)

        masker = shap.maskers.Text(tokenizer)
        tokens = _tokens(masker.tokenizer, text)
        if tokenizer is not None and max_length is not None and len(tokens.spans) > max_length:
            start, stop = _part(tokens, max_length, getattr(tokenizer, "truncation_side", "right"))
            text = text[start:stop]
            tokens = _tokens(masker.tokenizer, text)
        if not any(tokens.is_text):
            raise EmptyData(f"nothing to explain: the model reads no token in {text[:40]!r}")
        whole = model([text])[0, target]
        if len(tokens.spans) == 1:
            # SHAP fails on one token (github.com/shap/shap/issues/3515), which gets the whole difference.
            difference = whole - model(masker(np.zeros(1, dtype=bool), text)[0])[0, target]
            scores = np.array([difference])
        else:
            found = shap.Explainer(model, masker)([text], max_evals=max_evals, batch_size=_BATCH, silent=True)
            scores = np.array(found.values[0][:, target], dtype=np.float64)
            difference = whole - found.base_values[0][target]
    assert scores.shape == (len(tokens.spans),)
    gap = float(abs(scores.sum() - difference) / max(abs(difference), 1e-6))
    spans = tuple((start + a, start + b) if a < b else (a, b) for a, b in tokens.spans)
    return Shares(tokens.names, spans, scores, gap, str(masker.mask_token))


def _tokens(tokenizer: Any, text: str) -> _Tokens:
    """Return the tokens that SHAP masks: all that `tokenizer` finds, or the words of SHAP's own."""
    if not hasattr(tokenizer, "convert_ids_to_tokens"):
        spans = [(start, stop) if start < stop else (0, 0) for start, stop in tokenizer(text)["offset_mapping"]]
        return _Tokens(tuple(text[a:b] for a, b in spans), tuple(spans), tuple(a < b for a, b in spans))
    found = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False)
    return _Tokens(
        tuple(tokenizer.convert_ids_to_tokens(found["input_ids"])),
        tuple((int(start), int(stop)) for start, stop in found["offset_mapping"]),
        tuple(not special for special in found["special_tokens_mask"]),
    )


def _part(tokens: _Tokens, max_length: int, cut: str) -> tuple[int, int]:
    """Return which part of the text a model reads: `max_length` tokens, special ones included, none on side `cut`."""
    texts = [span for span, is_text in zip(tokens.spans, tokens.is_text, strict=True) if is_text]
    most = max(max_length - (len(tokens.spans) - len(texts)), 0)
    read = texts[len(texts) - most :] if cut == "left" else texts[:most]
    return min((start for start, _ in read), default=0), max((stop for _, stop in read), default=0)
