"""The gradient of one logit at points in embedding space, from whatever batches them, as torch would have it.

Captum differentiates a function. Here that function's value and gradient come from the model's engine, where points of
many texts share batches, so Captum's methods run as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.models.protocols import Differentiable, Encoded, Gradients

if TYPE_CHECKING:
    import torch


class Slopes:
    """Logit and gradient of one label for one text's points."""

    def __init__(self, model: Differentiable, encoded: Encoded, target: int, *, batch: int = 16) -> None:
        """Ask about the logit in column `target` under the attention mask of `encoded`, a batch of exactly one text.

        `batch`: points per forward and backward pass, where the model does not offer `Gradients`.
        """
        assert encoded.input_ids.shape[0] == 1
        self._model, self._target, self._batch = model, target, batch
        self._batched = model if isinstance(model, Gradients) else None
        self._mask = encoded.attention_mask[0].clone()  # a tensor of inference mode could not be part of a gradient
        self._like = model.embed(encoded.input_ids).detach()
        self.passes = 0
        """Points asked about so far."""

    def __call__(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits, (n,), and gradients, (n, length, width), at `points`: on the CPU, in float64."""
        import torch

        self.passes += len(points)
        embedded = points.detach().to(self._like)
        if self._batched is not None:
            logits, slopes = self._batched.logit_gradients(embedded, self._mask, self._target)
            return logits[:, self._target].cpu().double(), slopes.cpu().double()
        found = [self._locally(chunk) for chunk in torch.split(embedded, self._batch)]
        logit, slope = zip(*found, strict=True)
        return torch.cat(logit), torch.cat(slope)

    def _locally(self, embedded: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        with torch.enable_grad():
            points = embedded.clone().requires_grad_()
            logits = self._model.logits_from(points, self._mask.expand(len(points), -1))[:, self._target]
            (slopes,) = torch.autograd.grad(logits.sum(), points)
        return logits.detach().cpu().double(), slopes.cpu().double()


def differentiable(ask: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]) -> Callable[..., torch.Tensor]:
    """Return the function from points to logits, (n,), whose gradient torch takes from `ask`."""
    import torch

    class Logit(torch.autograd.Function):
        """One logit, with the gradient that came along with it."""

        @staticmethod
        def forward(ctx: Any, points: torch.Tensor) -> torch.Tensor:
            logits, slopes = ask(points)
            ctx.save_for_backward(slopes)
            return logits

        @staticmethod
        def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
            (slopes,) = ctx.saved_tensors
            found: torch.Tensor = grads[0][:, None, None] * slopes
            return found

    found: Callable[..., torch.Tensor] = Logit.apply
    return found
