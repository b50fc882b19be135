"""From texts to tokens: a private copy of the checkpoint's fast tokenizer, with fixed truncation and no padding.

A transformers tokenizer changes its own truncation settings at every call, so two threads cannot share one; this copy
never changes after construction. Padding is ours: on the side that `models.padding` found to change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from workbench.errors import Unsupported
from workbench.models.protocols import Encoded


class TextEncoder:
    """Tokenises, truncates to `max_length` tokens (None: never) at the end where the tokenizer does, pads."""

    def __init__(self, tokenizer: Any, *, max_length: int | None, side: str = "right", types: bool = False) -> None:
        """Copy a transformers tokenizer. Use `fitting_encoder`.

        `side`: where `inputs` pads, 'left' or 'right'; `types`: whether the network wants token_type_ids.
        Raises `Unsupported` for a tokenizer without offsets or without a padding token.
        """
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
        self.mask_id = None if getattr(tokenizer, "mask_token_id", None) is None else int(tokenizer.mask_token_id)
        self.max_length = max_length
        self.side = side
        self._types = types
        self._type_pad = int(getattr(tokenizer, "pad_token_type_id", 0))
        self._backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._backend.no_padding()
        self._backend.no_truncation()
        probe = self._backend.encode("a")
        text = [i for i, special in enumerate(probe.special_tokens_mask) if not special] or [len(probe.ids)]
        self._before, self._after = probe.type_ids[: text[0]], probe.type_ids[text[-1] + 1 :]
        self._type = probe.type_ids[text[0]] if text[0] < len(probe.ids) else 0
        if max_length is not None:
            self._backend.enable_truncation(max_length, direction=getattr(tokenizer, "truncation_side", "right"))

    def ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the token ids of each text, special tokens included."""
        return [tuple(encoding.ids) for encoding in self._encodings(texts)]

    def truncated(self, texts: Sequence[str]) -> int:
        """Return how many of `texts` have more tokens than `max_length`."""
        return sum(1 for encoding in self._encodings(texts) if encoding.overflowing)

    def encode(self, texts: Sequence[str], device: torch.device) -> Encoded:
        """Return `texts` as one batch on `device`, padded to its longest on the right: token i is at position i."""
        encodings = self._encodings(texts)
        ids = _padded([encoding.ids for encoding in encodings], self.pad_id, "right").to(device)
        mask = _padded([[1] * len(encoding.ids) for encoding in encodings], 0, "right").to(device)
        special = _padded([encoding.special_tokens_mask for encoding in encodings], 0, "right").to(device)
        return Encoded(
            input_ids=ids,
            attention_mask=mask,
            special=special.bool() & mask.bool() | ~mask.bool(),
            tokens=tuple(tuple(encoding.tokens) for encoding in encodings),
            spans=tuple(tuple((start, end) for start, end in encoding.offsets) for encoding in encodings),
        )

    def inputs(
        self, rows: Sequence[Sequence[int]], device: torch.device, *, length: int = 0
    ) -> dict[str, torch.Tensor]:
        """Return what the network's forward takes for `rows` of ids: tensors (batch, tokens), int64, on `device`.

        Padded to the longest of `rows`, or to `length` where that is more.
        """
        found = {
            "input_ids": _padded(rows, self.pad_id, self.side, length),
            "attention_mask": _padded([[1] * len(row) for row in rows], 0, self.side, length),
        }
        if self._types:
            found["token_type_ids"] = _padded([self._types_of(row) for row in rows], self._type_pad, self.side, length)
        return {name: tensor.to(device) for name, tensor in found.items()}

    def _types_of(self, row: Sequence[int]) -> list[int]:
        """Return the token types of one text: special tokens before and after it may have types of their own."""
        text = len(row) - len(self._before) - len(self._after)
        return [*self._before, *[self._type] * text, *self._after]

    def _encodings(self, texts: Sequence[str]) -> list[Any]:
        # A lone surrogate is no character and cannot be tokenised; '?' takes its place, so spans stay aligned.
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        return list(self._backend.encode_batch(clean)) if clean else []


def _padded(rows: Sequence[Sequence[int]], fill: int, side: str, length: int = 0) -> torch.Tensor:
    length = max((len(row) for row in rows), default=0) if not length else max(length, *map(len, rows))
    table = torch.full((len(rows), length), fill, dtype=torch.int64)
    for i, row in enumerate(rows):
        start = length - len(row) if side == "left" else 0
        table[i, start : start + len(row)] = torch.tensor(row, dtype=torch.int64)
    return table
