"""How texts of different lengths share a batch without changing each other's logits, tried out before any number is.

Encoders mask padding on either side; XLNet reads its last position, so it needs padding on the left; decoders look for
the last token that is not the config's padding token; FNet mixes padding into every token. None of them complains.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch

from workbench.errors import Unsupported
from workbench.models.tokens import TextEncoder

_SHORT, _LONG = "one", "two words, and a few more, so that the other text has to be padded"

_TOLERANCE, _NOISE = 1e-3, 1e-5
"""How far padded logits may lie from stock ones: a thousandth of the largest, at most 1e-3; float32 gives 1e-6."""

_REFUSED = (TypeError, ValueError, RuntimeError, IndexError, KeyError, AttributeError)
"""What forward passes raise at inputs that they cannot read."""


def fitting_encoder(tokenizer: Any, network: Any, *, max_length: int | None, name: str) -> TextEncoder:
    """Return an encoder whose padded batches give the logits that transformers gives for the text alone.

    The tokenizer's own padding side is tried first, then the other. A config without padding token gets the
    tokenizer's. `network` is tried in float32 where it is, in evaluation mode; `name` is its architecture.

    Raises `Unsupported` if neither side gives those logits, or the network cannot read a padded batch at all.
    """
    config = network.config.get_text_config()
    if getattr(config, "pad_token_id", None) is None:
        config.pad_token_id = tokenizer.pad_token_id
    types = "token_type_ids" in tokenizer.model_input_names and "token_type_ids" in _parameters(network)
    first = "left" if tokenizer.padding_side == "left" else "right"
    found = []
    training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            stock = _stock(tokenizer, network, max_length, name)
            for side in (first, "left" if first == "right" else "right"):
                encoder = TextEncoder(tokenizer, max_length=max_length, side=side, types=types)
                off = _off(encoder, network, stock)
                if isinstance(off, float) and not off > max(_NOISE, _TOLERANCE * min(1.0, float(stock.abs().max()))):
                    return encoder
                found.append(f"on the {side} {f'by {off:.2g}' if isinstance(off, float) else f'it fails ({off})'}")
    finally:
        network.train(training)
    theirs = getattr(config, "pad_token_id", None)
    ids = "" if theirs == tokenizer.pad_token_id else f" (it is {theirs})"
    raise Unsupported(
        f"padding changes what {name} answers for a text ({', '.join(found)}), so its numbers would depend on which "
        f"texts share a batch: set pad_token_id in config.json to the tokenizer's {tokenizer.pad_token_id}{ids}, or "
        "use an architecture that masks padding, such as BERT"
    )


def _stock(tokenizer: Any, network: Any, max_length: int | None, name: str) -> torch.Tensor:
    """Return the logits of the short text alone, tokenised and fed as transformers does it."""
    cut = {} if max_length is None else {"truncation": True, "max_length": max_length}
    inputs = tokenizer([_SHORT], return_tensors="pt", **cut)
    read = {key: value.to(network.device) for key, value in inputs.items() if key in _parameters(network)}
    try:
        logits: torch.Tensor = network(**read).logits
    except _REFUSED as error:
        raise Unsupported(
            f"{name} cannot read one short text ({type(error).__name__}: {error}); try the checkpoint in transformers' "
            "own text-classification pipeline, and save it again"
        ) from error
    return logits[0].float()


def _off(encoder: TextEncoder, network: Any, stock: torch.Tensor) -> float | str:
    """Return the largest difference to `stock` of the short text's logits, alone and padded, or why there are none."""
    short, long = encoder.ids([_SHORT, _LONG])
    try:
        alone = network(**encoder.inputs([short], network.device)).logits[0].float()
        padded = network(**encoder.inputs([short, long], network.device)).logits[0].float()
    except _REFUSED as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
    return max(float((logits - stock).abs().max()) for logits in (alone, padded))


def _parameters(network: Any) -> frozenset[str]:
    """Return the inputs that the network names; what it swallows as **kwargs is not among them."""
    return frozenset(inspect.signature(network.forward).parameters)
