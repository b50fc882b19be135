"""The gradient of a model's loss, word by word: what attacks follow that may look inside the model.

Models read tokens, attacks change words. A token belongs to every word with which it shares a character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.slopes import Slopes
from workbench.models.protocols import Differentiable, Encoded, FloatArray

Span = tuple[int, int]
Swap = tuple[int, str]
"""Which word is replaced, counted from 0, and by what."""


class WordGradients(NamedTuple):
    """How the loss changes with each word's input embeddings."""

    gradient: FloatArray
    """(words, width): mean over the word's tokens; zeros for a word that the model does not read."""
    ids: NDArray[np.int64]
    """(words,): the token that is this word and nothing else; -1 for a word of several tokens, and for one not read."""


class WhiteBox:
    """The loss of one label and what a swap of words would do to it. Not for several threads at once."""

    def __init__(self, model: Differentiable, label: int, told: Callable[[int], None] = lambda texts: None) -> None:
        """`label`: the column whose cross-entropy is the loss. `told`: called with the texts that are asked about."""
        self._model, self._label, self._told = model, label, told
        self._tokens: dict[tuple[str, str, str], int | None] = {}

    def read(self, text: str, words: Sequence[str]) -> list[bool]:
        """Return which of `words`, in their order in `text`, the model reads at least the beginning of."""
        encoded = self._model.encode([text])
        return [bool(_tokens_of(encoded, 0, span)) for span in spans(text, words)]

    def gradients(self, texts: Sequence[tuple[str, Sequence[str]]]) -> list[WordGradients]:
        """Return for each text with its words their gradients: a forward and a backward pass for each label.

        Texts of equal length in tokens are asked about together.
        """
        self._told(len(texts))
        encoded = [self._model.encode([text]) for text, _ in texts]
        alike: dict[int, list[int]] = {}
        for i, one in enumerate(encoded):
            alike.setdefault(one.input_ids.shape[1], []).append(i)
        by_token: dict[int, FloatArray] = {}
        for rows in alike.values():
            found = loss_gradients(self._model, [encoded[i] for i in rows], self._label)
            by_token.update(zip(rows, found, strict=True))
        return [self._by_word(*texts[i], encoded[i], by_token[i]) for i in range(len(texts))]

    def _by_word(self, text: str, words: Sequence[str], encoded: Encoded, by_token: FloatArray) -> WordGradients:
        gradient = np.zeros((len(words), by_token.shape[1]))
        ids = np.full(len(words), -1, dtype=np.int64)
        for i, span in enumerate(spans(text, words)):
            tokens = _tokens_of(encoded, 0, span)
            if tokens:
                gradient[i] = by_token[tokens].mean(axis=0)
            if len(tokens) == 1 and _is(text, encoded.spans[0][tokens[0]], span):
                ids[i] = int(encoded.input_ids[0, tokens[0]])
        return WordGradients(gradient, ids)

    def gains(
        self, text: str, words: Sequence[str], swaps: Sequence[Swap], found: WordGradients
    ) -> list[tuple[float, Swap]]:
        """Return by how much each of `swaps`, made alone, raises the loss, to first order: (e_new - e_old) . gradient.

        `found`: the gradients at `text`. Swaps that are not of one known token for another are left out.
        """
        place = spans(text, words)
        known = [swap for swap in swaps if found.ids[swap[0]] >= 0]
        keys = [(text[max(0, a - 1) : a], new, text[b : b + 1]) for i, new in known for a, b in [place[i]]]
        flips = {
            swap: (int(found.ids[swap[0]]), token)
            for swap, token in zip(known, self._whole_tokens(keys), strict=True)
            if token is not None
        }
        embedded = self._embeddings({token for pair in flips.values() for token in pair})
        return [
            (float((embedded[new] - embedded[old]) @ found.gradient[swap[0]]), swap)
            for swap, (old, new) in flips.items()
        ]

    def _whole_tokens(self, keys: Sequence[tuple[str, str, str]]) -> list[int | None]:
        """Return for each (character before, word, character after) the one token that the word becomes, spelled out.

        None where it would be several tokens, or an unknown one.
        """
        if fresh := [key for key in dict.fromkeys(keys) if key not in self._tokens]:
            encoded = self._model.encode(["".join(key) for key in fresh])
            self._tokens.update((key, _whole(encoded, i, *key)) for i, key in enumerate(fresh))
        return [self._tokens[key] for key in keys]

    def _embeddings(self, ids: Iterable[int]) -> dict[int, FloatArray]:
        """Return the input embedding, (width,), of each of `ids`."""
        import torch

        wanted = sorted(ids)
        if not wanted:
            return {}
        device = self._model.encode(["a"]).input_ids.device
        with torch.inference_mode():
            found = self._model.embed(torch.tensor([wanted], dtype=torch.int64, device=device))[0]
        return dict(zip(wanted, found.cpu().double().numpy(), strict=True))


def loss_gradients(model: Differentiable, texts: Sequence[Encoded], label: int) -> FloatArray:
    """Return the gradient of the cross-entropy of column `label` at texts' input embeddings, (texts, length, width).

    It is the sum over the other labels k of p_k (dz_k - dz_label), for logits z and probabilities p. So written it does
    not vanish for a model so sure that 1 - p_label has no digits left. Each of `texts` is a batch of exactly one, all
    of the same length.
    """
    import torch

    with torch.inference_mode(False):
        points = torch.cat([model.embed(one.input_ids).detach() for one in texts])
        found = [Slopes(model, texts[0], column)(points) for column in range(len(model.labels))]
        logits = torch.stack([logit for logit, _ in found])  # (labels, texts)
        slopes = torch.stack([slope for _, slope in found])  # (labels, texts, length, width)
        weights = torch.softmax(logits, dim=0)[..., None, None]
        loss = (weights * (slopes - slopes[label])).sum(dim=0)
    return np.asarray(loss.numpy(), dtype=np.float64)


def spans(text: str, words: Sequence[str]) -> list[Span]:
    """Return where each of `words` stands in `text`: each from the end of the one before, as TextAttack replaces them.

    Raises ValueError where one is not there.
    """
    found, end = [], 0
    for word in words:
        start = text.index(word, end)
        end = start + len(word)
        found.append((start, end))
    return found


def _tokens_of(encoded: Encoded, row: int, span: Span) -> list[int]:
    """Return the positions of the tokens that share a character with `span`."""
    start, stop = span
    return [i for i, (a, b) in enumerate(encoded.spans[row]) if a < stop and b > start]


def _is(text: str, token: Span, word: Span) -> bool:
    """Return whether a token's characters, but for white space around them, are a word's."""
    start, stop = token
    piece = text[start:stop]
    return (start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())) == word


def _whole(encoded: Encoded, row: int, before: str, word: str, after: str) -> int | None:
    span = (len(before), len(before) + len(word))
    tokens = _tokens_of(encoded, row, span)
    if len(tokens) != 1 or not _is(before + word + after, encoded.spans[row][tokens[0]], span):
        return None
    spelled = encoded.tokens[row][tokens[0]].lower().endswith(word.lower())  # after a mark that a word begins
    return int(encoded.input_ids[row, tokens[0]]) if spelled else None
