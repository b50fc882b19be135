"""How a network reads embeddings: as it reads token ids? up to their length?

What gradients and perturbations at embeddings rest on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.errors import Unsupported

if TYPE_CHECKING:
    import torch

AGREEMENT = 1e-3
"""How far logits from embeddings may lie from logits from ids (float32 gives 1e-6)."""
_VANISHES = 1e-3
"""Share of a sum's terms, in absolute value, below which it counts as none: float32 gives 1e-6, an epsilon of 1e-5
beside the variance of usual embeddings 1e-4. A sum that means something has one over the root of its length: 0.01."""


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


def normalises(network: torch.nn.Module, logits_of: Callable[[torch.Tensor], torch.Tensor], like: torch.Tensor) -> bool:
    """Return whether `network` brings each token's vector to one length before it reads it, as BERT does.

    BERT adds the vectors of word, position and type, and normalises the sum h. Logits that do not change when h is
    scaled have h · gradient = 0 (Euler's theorem on homogeneous functions, of degree 0), so the word's part of that
    product is minus the position's and type's part: it says nothing of its own. Where h is the word's vector alone
    (DeBERTa, ModernBERT), it is 0. Tried out: the first normalisation must see all that the rest of the network does.

    Args:
        network: in evaluation mode.
        logits_of: embeddings, as from `network.get_input_embeddings()`, to logits, (rows, n_labels), by `network`.
        like: embeddings of a few texts, (rows, length, width).
    """
    import torch

    asking, sums = threading.get_ident(), list[torch.Tensor]()

    def keep(_: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        if threading.get_ident() == asking and not sums:  # other threads may be asking the same network
            sums.append(inputs[0])

    hooks = [one.register_forward_pre_hook(keep) for one in network.modules() if type(one).__name__.endswith("Norm")]
    try:
        with torch.inference_mode(False), torch.enable_grad():
            words = like.detach().clone().requires_grad_()
            logit = logits_of(words)[:, 0].sum()
            if not sums or sums[0].shape != words.shape or not sums[0].requires_grad:
                return False
            by_word, by_sum = (slope.double() for slope in torch.autograd.grad(logit, (words, sums[0])))
    finally:
        for hook in hooks:
            hook.remove()
    products = sums[0].detach().double() * by_sum
    alike = torch.nn.functional.cosine_similarity(by_word.flatten(), by_sum.flatten(), dim=0)
    vanished = products.sum(dim=-1).abs().sum() <= _VANISHES * products.abs().sum()
    return bool(vanished and alike >= 1 - _VANISHES)
