"""From a backbone to a classifier that can be trained: found, checked, given a fresh head."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch

from workbench.errors import BadInput, Misconfigured
from workbench.models.checkpoint import read_backbone
from workbench.models.finding import Found, find_model
from workbench.models.hugging_face import load_tokenizer, read_length
from workbench.models.mean_pooled import mean_pooled, register
from workbench.models.padding import fitting_encoder
from workbench.models.quiet import quiet_transformers
from workbench.models.tokens import TextEncoder
from workbench.seeds import Streams
from workbench.train.adapter import adapt
from workbench.train.recipe import Recipe

_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "hidden_dropout")
"""What the architectures call their dropout probabilities in the config."""


class Trainee(NamedTuple):
    """A network that is about to be trained, and how texts get into it."""

    name: str
    """The backbone's name, never a path."""
    network: Any
    tokenizer: Any
    encoder: TextEncoder
    folder: Path
    """Where the backbone lies."""
    digest: str
    """sha256 over the backbone's config, weights and tokenizer: two folders may have one name."""


def find_backbone(name: str, *, online: bool = False) -> Found:
    """Return the folder of a named model, a checkpoint folder or a hub id. Raises `NotFound`, `MissingResource`."""
    if not Path(name).is_dir():
        from workbench.data.manifest import manifests, model_folder

        if name in manifests() and manifests()[name].kind == "model":
            return Found(model_folder(name), name)
    return find_model(name, online=online)


def prepare(recipe: Recipe, labels: tuple[str, ...], *, online: bool = False) -> Trainee:
    """Return the recipe's backbone with a head for `labels`, initialised from the recipe's seed.

    A backbone that was trained here on these very labels, with the same pooling, goes on with the head it has.

    Raises:
        NotFound, Untrusted: there is no such backbone, or it is not to be trusted.
        BadInput: it cannot be loaded, or part of its body is missing.
        Misconfigured: `max_length` is more than it can read.
        Unsupported: padding would change its answers.
    """
    found = find_backbone(recipe.backbone, online=online)
    digest = read_backbone(found.folder)
    tokenizer = load_tokenizer(found.folder)
    network = _with_head(found, recipe, labels)
    adapt(network, recipe.adapter)
    longest = read_length(None, tokenizer, network)
    if longest is not None and recipe.max_length > longest:
        raise Misconfigured(f"max_length is {recipe.max_length}, but {found.name} reads at most {longest} tokens")
    tokenizer.model_max_length = recipe.max_length  # saved beside the weights: the model is used as it was trained
    encoder = fitting_encoder(tokenizer, network, max_length=recipe.max_length, name=type(network).__name__)
    return Trainee(found.name, network, tokenizer, encoder, found.folder, digest)


def _drop(config: Any, dropout: float) -> None:
    """Set every dropout probability in `config`, and in that of the encoder inside."""
    inner = getattr(config, "body", None)
    for key in (*_DROPOUTS, "classifier_dropout", "cls_dropout", "seq_classif_dropout"):
        if hasattr(config, key):
            setattr(config, key, dropout)
        if isinstance(inner, dict) and key in inner:
            inner[key] = dropout


def _with_head(found: Found, recipe: Recipe, labels: tuple[str, ...]) -> Any:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    _, mean_pooled_class = register()
    try:
        with quiet_transformers(), torch.random.fork_rng():
            config = AutoConfig.from_pretrained(found.folder, local_files_only=True, trust_remote_code=False)
            stored = tuple(config.id2label[i] for i in sorted(config.id2label))
            config.id2label = dict(enumerate(labels))
            config.label2id = {label: i for i, label in enumerate(labels)}
            config.problem_type = "single_label_classification"
            config.base_model = found.name
            if recipe.dropout is not None:
                _drop(config, recipe.dropout)
            torch.manual_seed(Streams(recipe.seed).seed("train", "head"))
            network, loaded = AutoModelForSequenceClassification.from_pretrained(
                found.folder,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # a head for other labels is replaced
                output_loading_info=True,
            )
            body = network.base_model_prefix + "."
            fresh = {*loaded["missing_keys"], *(key for key, *_ in loaded["mismatched_keys"])}
            if stored != labels and all(key.startswith(body) for key in fresh):
                # a head for other labels, which happen to be as many
                drawn = AutoModelForSequenceClassification.from_config(config).state_dict()
                head = {key: value for key, value in drawn.items() if not key.startswith(body)}
                network.load_state_dict(head, strict=False)
    except Exception as error:
        raise BadInput(f"cannot load the backbone {found.name!r}: {type(error).__name__}: {error}") from error
    if lost := sorted(key for key in fresh if key.startswith(body) and "pooler" not in key):
        raise BadInput(
            f"the backbone {found.name!r} has no weights for {', '.join(lost[:3])}{' …' if len(lost) > 3 else ''}; "
            "they would be random numbers: save it again with save_pretrained"
        )
    if recipe.pooling == "backbone" or isinstance(network, mean_pooled_class):
        return network
    with torch.random.fork_rng():
        torch.manual_seed(Streams(recipe.seed).seed("train", "head"))
        pooled = mean_pooled(getattr(network, network.base_model_prefix), labels=labels)
    pooled.config.base_model = found.name
    return pooled
