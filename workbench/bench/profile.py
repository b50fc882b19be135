"""Where the time inside the network goes: what no faster matrix product can save."""

from __future__ import annotations

from collections import Counter

import torch

from workbench.bench.results import Profile
from workbench.models.hugging_face import HuggingFaceTextClassifier

_REPEATS = 5
_PRODUCTS = ("linear", "mm", "matmul", "einsum")
_ATTENTION = ("attention",)


def profiled(model: HuggingFaceTextClassifier, precision: str, *, length: int) -> Profile:
    """Return the shares of the network's own time, on one batch of the shape of texts of `length` tokens, one thread.

    Times are torch's, of each operation without those that it calls.
    """
    from torch.profiler import ProfilerActivity, profile

    network = (model if precision == model.precision else model.cast(precision)).network
    rows, length = model.table.shape(length)
    ids = torch.randint(0, network.get_input_embeddings().num_embeddings, (rows, length)).to(model.device)
    mask = torch.ones_like(ids)
    spent: Counter[str] = Counter()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            network(input_ids=ids, attention_mask=mask)
            with profile(activities=[ProfilerActivity.CPU]) as found:
                for _ in range(_REPEATS):
                    network(input_ids=ids, attention_mask=mask)
    finally:
        torch.set_num_threads(before)
    for one in found.key_averages():
        spent[_kind(one.key)] += one.self_cpu_time_total
    total = sum(spent.values())
    return Profile(
        precision=precision,
        rows=rows,
        length=length,
        repeats=_REPEATS,
        products=spent["products"] / total,
        attention=spent["attention"] / total,
        rest=spent["rest"] / total,
    )


def _kind(name: str) -> str:
    if any(part in name for part in _ATTENTION):
        return "attention"
    return "products" if any(part in name for part in _PRODUCTS) else "rest"
