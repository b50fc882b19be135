"""From texts to tokens: a private copy of the checkpoint's fast tokenizer, with fixed truncation and no padding.

A transformers tokenizer changes its own truncation settings at every call, so two threads cannot share one; this copy
never changes after construction. Padding is ours: always to the right, and the caller says how far.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from workbench.errors import Unsupported
from workbench.models.protocols import Encoded


class TextEncoder:
    """Tokenises, truncates to `max_length` tokens (None: never), pads."""

    def __init__(self, tokenizer: Any, *, max_length: int | None) -> None:
        """Copy a transformers tokenizer. Raises `Unsupported` for one without offsets or without a padding token."""
        from tokenizers import Tokenizer

        name = type(tokenizer).__name__
        if not getattr(tokenizer, "is_fast", False):
            raise Unsupported(
                f"the tokenizer ({name}) cannot say which characters a token stands for, which attacks and "
                "explanations need; save a fast one (tokenizer.json) beside the weights with AutoTokenizer"
            )
        if tokenizer.pad_token_id is None:
            raise Unsupported(
                f"the tokenizer ({name}) has no padding token, so texts of different lengths cannot share a batch; "
                "set pad_token in tokenizer_config.json and pad_token_id in config.json"
            )
        self.pad_id = int(tokenizer.pad_token_id)
        self.vocabulary = len(tokenizer)
        self.max_length = max_length
        self._backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._backend.no_padding()
        if max_length is None:
            self._backend.no_truncation()
        else:
            self._backend.enable_truncation(max_length)

    def ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the token ids of each text, special tokens included."""
        return [tuple(encoding.ids) for encoding in self._encodings(texts)]

    def truncated(self, texts: Sequence[str]) -> int:
        """Return how many of `texts` have more tokens than `max_length`."""
        return sum(1 for encoding in self._encodings(texts) if encoding.overflowing)

    def encode(self, texts: Sequence[str], device: torch.device) -> Encoded:
        """Return `texts` as one batch on `device`, padded to its longest."""
        encodings = self._encodings(texts)
        ids, mask = self.pad([encoding.ids for encoding in encodings], device)
        special, _ = self.pad([encoding.special_tokens_mask for encoding in encodings], device)
        return Encoded(
            input_ids=ids,
            attention_mask=mask,
            special=special.bool() & mask.bool() | ~mask.bool(),
            tokens=tuple(tuple(encoding.tokens) for encoding in encodings),
            spans=tuple(tuple((start, end) for start, end in encoding.offsets) for encoding in encodings),
        )

    def pad(self, rows: Sequence[Sequence[int]], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return `rows` padded to the longest, and the attention mask; both (batch, length) int64 on `device`."""
        length = max((len(row) for row in rows), default=0)
        ids = torch.full((len(rows), length), self.pad_id, dtype=torch.int64)
        mask = torch.zeros((len(rows), length), dtype=torch.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row, dtype=torch.int64)
            mask[i, : len(row)] = 1
        return ids.to(device), mask.to(device)

    def _encodings(self, texts: Sequence[str]) -> list[Any]:
        # A lone surrogate is no character and cannot be tokenised; '?' takes its place, so spans stay aligned.
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        return list(self._backend.encode_batch(clean)) if clean else []
