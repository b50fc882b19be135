"""What gradient methods compare a text with: embeddings that say nothing, special tokens kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from workbench.errors import Unsupported
from workbench.models.protocols import Differentiable, Encoded

if TYPE_CHECKING:
    import torch

Baseline = Literal["padding", "mask", "zero"]

DESCRIBED: dict[Baseline, str] = {
    "padding": "padding in place of every token, special tokens kept",
    "mask": "the mask token in place of every token, special tokens kept",
    "zero": "an embedding of zeros in place of every token, special tokens kept",
}


def baseline_of(model: Differentiable, encoded: Encoded, kind: Baseline = "padding") -> torch.Tensor:
    """Return the embeddings of the baseline of one text, (1, length, width), on the CPU, in float64.

    Raises `Unsupported` where `kind` is 'mask' and the model's tokenizer has no mask token.
    """
    import torch

    if kind == "padding":
        return model.embed(model.baseline_ids(encoded)).detach().cpu().double()
    if kind == "zero":
        text = model.embed(encoded.input_ids).detach().cpu().double()
        return text * encoded.special.cpu()[..., None]
    mask_id = getattr(model, "mask_id", None)
    if mask_id is None:
        raise Unsupported("this model's tokenizer has no mask token; start from padding or from zeros")
    masked = torch.where(encoded.special, encoded.input_ids, mask_id)
    return model.embed(masked).detach().cpu().double()
