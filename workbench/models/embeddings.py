"""Whether a network reads embeddings as it reads token ids: what gradients and perturbations at embeddings rest on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.errors import Unsupported

if TYPE_CHECKING:
    import torch

AGREEMENT = 1e-3
"""How far logits from embeddings may lie from logits from ids (float32 gives 1e-6)."""


def require_embeddings(
    from_ids: Callable[[], torch.Tensor], from_embeddings: Callable[[], torch.Tensor], *, what: str, instead: str
) -> None:
    """Raise `Unsupported` for a network whose logits from embeddings are not its logits from ids.

    Causal classifiers, for one, look for the last token's id and find no ids.

    Args:
        from_ids: returns the logits of a few texts, (rows, n_labels), by a network in evaluation mode.
        from_embeddings: returns theirs from embeddings, computed as whoever asks is going to compute them.
        what: begins the message: the architecture, and what it is wanted for.
        instead: ends the message: what to do.
    """
    import torch

    with torch.no_grad():
        expected = from_ids().float()
        try:
            found = from_embeddings().float()
        except (TypeError, ValueError, NotImplementedError) as error:
            raise Unsupported(f"{what} takes no embeddings ({error}){instead}") from error
    off = float((found - expected).abs().max())
    if not off <= AGREEMENT:  # a difference that is no number is none that agrees
        raise Unsupported(f"{what} gives other logits from embeddings than from token ids (off by {off:.2g}){instead}")
