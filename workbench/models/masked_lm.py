"""A masked language model of the user's, for attacks that ask one which words would fit in a place."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench import home
from workbench.errors import BadInput, MissingResource, WorkbenchError
from workbench.models.checkpoint import read_backbone
from workbench.models.quiet import quiet_transformers

_BATCH = 16


class MaskedLm:
    """Fills the gap in a text with whole words. Threads may share it."""

    def __init__(self, network: Any, tokenizer: Any, *, length: int | None, name: str, digest: str) -> None:
        """Take over `network`, which reads `length` tokens at most (None: any number), and its `tokenizer`."""
        import torch

        self.network, self.tokenizer = network.eval().requires_grad_(False), tokenizer
        self.name, self.digest, self._length = name, digest, length
        self._device = next(network.parameters()).device
        self._words = _whole_words(tokenizer, int(network.get_input_embeddings().num_embeddings))
        self._ids = torch.tensor(sorted(self._words), dtype=torch.int64, device=self._device)
        self._filling = threading.Lock()  # the tokenizer changes its own truncation at every call

    @property
    def mask(self) -> str:
        """What a text has in place of the word that is asked for."""
        found: str = self.tokenizer.mask_token
        return found

    def fill(self, texts: Sequence[str], most: int) -> list[list[str]]:
        """Return for each text, with one `mask`, the `most` likeliest whole words in its place, the likeliest first.

        None for a text without exactly one mask, also where it lies beyond what the model reads.
        """
        with self._filling:
            return [
                words
                for start in range(0, len(texts), _BATCH)
                for words in self._filled(list(texts[start : start + _BATCH]), most)
            ]

    def _filled(self, texts: list[str], most: int) -> list[list[str]]:
        import torch

        held = self.tokenizer(
            texts, padding=True, truncation=self._length is not None, max_length=self._length, return_tensors="pt"
        ).to(self._device)
        gaps = held["input_ids"] == self.tokenizer.mask_token_id
        with torch.inference_mode():
            logits = self.network(**held).logits.float()
        found: list[list[str]] = []
        for row, gap in zip(logits, gaps, strict=True):
            if int(gap.sum()) != 1:
                found.append([])
                continue
            scores = row[gap][0][self._ids]
            best = torch.sort(scores, descending=True, stable=True).indices[:most]
            found.append([self._words[int(self._ids[i])] for i in best])
        return found


def masked_lm() -> MaskedLm:
    """Return the model in the folder that `$WORKBENCH_MASKED_LM` names, loaded once.

    Raises `MissingResource` where it names none, or one that cannot be used.
    """
    folder = home.masked_lm()
    if folder is None:
        raise MissingResource(
            f"name the folder of a masked language model in the variable {home.MASKED_LM}: config, tokenizer and "
            "safetensors, as save_pretrained writes them"
        )
    try:
        return _loaded(folder)
    except WorkbenchError as error:
        raise MissingResource(f"{home.MASKED_LM} names {folder}, which cannot be used: {error}") from error


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> MaskedLm:
    import torch
    from transformers import AutoModelForMaskedLM

    from workbench.models.hugging_face import choose_device, load_tokenizer, read_length

    digest = read_backbone(folder)
    tokenizer = load_tokenizer(folder)
    if tokenizer.mask_token_id is None:
        raise BadInput("its tokenizer has no mask token")
    try:
        with quiet_transformers():
            network, told = AutoModelForMaskedLM.from_pretrained(
                folder,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except Exception as error:  # transformers raises whatever its loader meets
        raise BadInput(f"transformers cannot load it as a masked language model: {error}") from error
    if missing := sorted(told["missing_keys"]):
        raise BadInput(f"it has no weights for {missing[0]}: it is no masked language model")
    length = read_length(None, tokenizer, network)
    return MaskedLm(network.to(choose_device("auto")), tokenizer, length=length, name=folder.name, digest=digest)


def _whole_words(tokenizer: Any, rows: int) -> dict[int, str]:
    """Return id -> word for each token that is how the tokenizer reads a word of letters that stands after a space."""
    special = set(tokenizer.all_special_ids)
    ids = [i for i in range(min(len(tokenizer), rows)) if i not in special]
    words = [tokenizer.decode([i]).strip() for i in ids]
    letters = [(i, word) for i, word in zip(ids, words, strict=True) if word.isalpha()]
    read = tokenizer([f" {word}" for _, word in letters], add_special_tokens=False)["input_ids"] if letters else []
    return {i: word for (i, word), found in zip(letters, read, strict=True) if found == [i]}
