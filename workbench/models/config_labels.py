"""Label names and their order, from the config of any age."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import BadInput, Unsupported


def labels_of(config: Mapping[str, Any], *, where: str) -> tuple[str, ...]:
    """Return the label names in output order as the config of a text classifier states them.

    `id2label` rules (its keys are strings in JSON); without it `label2id`; without both as many LABEL_0, LABEL_1, … as
    `num_labels`, or `_num_labels` as transformers 4 and older wrote it, says; 2 is transformers' own default.

    Raises:
        Unsupported: a regression or multi-label head: its outputs are not one distribution over labels.
        BadInput: the label ids are not 0, 1, 2, …, or two labels share a name.
    """
    labels = _stated(config, where)
    if len(labels) == 1 or config.get("problem_type") == "regression":
        raise Unsupported(
            f"{where} has {len(labels)} output and problem type {config.get('problem_type')!r}: a regression, or a "
            "single logit with a sigmoid, gives no distribution over labels; train it with two labels (num_labels=2)"
        )
    if config.get("problem_type") == "multi_label_classification":
        raise Unsupported(
            f"{where} is a multi-label model: its labels do not exclude each other, and every rate here assumes that "
            "they do; audit one label at a time with a two-label model"
        )
    if len(set(labels)) != len(labels):
        raise BadInput(f"{where} names two labels alike: {', '.join(labels)}; give each its own name in id2label")
    return labels


def _stated(config: Mapping[str, Any], where: str) -> tuple[str, ...]:
    id2label = config.get("id2label")
    if not id2label and isinstance(config.get("label2id"), Mapping):
        id2label = {index: label for label, index in config["label2id"].items()}
    if not id2label:
        count = config.get("num_labels", config.get("_num_labels", 2))
        return tuple(f"LABEL_{i}" for i in range(int(count)))
    try:
        by_id = {int(index): str(label) for index, label in dict(id2label).items()}
    except (TypeError, ValueError):
        raise BadInput(f"{where} has an id2label that is not a table from label id to name: {id2label!r}") from None
    if sorted(by_id) != list(range(len(by_id))):
        raise BadInput(f"{where} has label ids {sorted(by_id)}; they must be 0, 1, 2, … without gaps")
    return tuple(by_id[i] for i in range(len(by_id)))
