"""How alike two sentences are: the cosine of their embeddings by the default sentence encoder.

Reimers and Gurevych 2019, "Sentence-BERT": the mean of the last layer's tokens, of length one. The encoder is the one
that training starts from, as it was before any fine-tuning.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from workbench.data.manifest import model_folder
from workbench.models.protocols import FloatArray
from workbench.models.quiet import quiet_transformers

ENCODER = "all-minilm-l6-v2"
_BATCH = 32
_LONGEST = 256
"""Tokens that the encoder reads, by its own configuration; what follows is not compared."""
_ENCODING = threading.Lock()


def embeddings(texts: Sequence[str]) -> FloatArray:
    """Return unit vectors, (n, 384). Raises `MissingResource`, `Untrusted` where the encoder is not at hand."""
    import torch

    with _ENCODING:
        tokenizer, network = _loaded()
        rows = []
        with torch.inference_mode():
            for start in range(0, len(texts), _BATCH):
                chunk = [text or " " for text in texts[start : start + _BATCH]]
                held = tokenizer(chunk, padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt")
                hidden = network(**held).last_hidden_state
                mask = held["attention_mask"][..., None]
                mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
                rows.append(torch.nn.functional.normalize(mean, dim=-1).double().numpy())
    return np.concatenate(rows) if rows else np.zeros((0, 0))


def similarity(one: Sequence[str], other: Sequence[str]) -> FloatArray:
    """Return the cosine of each pair, (n,), in [-1, 1]."""
    left, right = np.split(embeddings([*one, *other]), 2)
    found: FloatArray = np.clip((left * right).sum(axis=1), -1.0, 1.0)
    return found


@cache
def _loaded() -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer

    folder = model_folder(ENCODER)
    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        network = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
    return tokenizer, network
