"""Features that a frozen network makes of texts, kept between runs: they take minutes, and all that follows seconds.

Resuming, another epsilon and another seed of the head read the same ones. They are as private as the texts, lie in the
workbench's own folder beside everything else that is prepared, and can be removed at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from workbench.files import writing
from workbench.home import home
from workbench.train.state import named

WORTH = 2_000
"""Texts from which on computing takes long enough to keep what comes of it."""
_NAME = "features"


def kept(
    network: nn.Module,
    head: nn.Module,
    ids: Sequence[Sequence[int]],
    precision: str,
    compute: Callable[[], torch.Tensor],
) -> torch.Tensor:
    """Return the features of the texts `ids`, (n, width), computed unless the same network made them before.

    The same: its class, the bytes of every parameter and buffer outside `head`, the token ids in order, the precision,
    torch's version and the kind of device. An unreadable file is computed again. Fewer than `WORTH` texts are not kept.
    """
    if len(ids) < WORTH:
        return compute()
    place = home() / _NAME / f"{_key(network, head, ids, precision)}.safetensors"
    device = next(network.parameters()).device
    if place.is_file():
        try:
            return load_file(place, device=named(device))[_NAME]
        except (SafetensorError, KeyError, OSError):
            place.unlink(missing_ok=True)
    found = compute()
    with writing(place) as temporary:
        save_file({_NAME: found.contiguous()}, temporary)
    return found


def _key(network: nn.Module, head: nn.Module, ids: Sequence[Sequence[int]], precision: str) -> str:
    digest = hashlib.sha256()
    own = {id(tensor) for tensor in head.state_dict(keep_vars=True).values()}
    device = next(network.parameters()).device.type
    digest.update(repr((type(network).__qualname__, precision, torch.__version__, device)).encode())
    for name, tensor in sorted(network.state_dict(keep_vars=True).items()):
        if id(tensor) not in own:
            digest.update(repr((name, tuple(tensor.shape), str(tensor.dtype))).encode())
            digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    for row in ids:
        digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()[:32]
