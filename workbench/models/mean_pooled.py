"""An encoder whose tokens' mean is classified: what sentence encoders such as all-MiniLM-L6-v2 are made for.

transformers' own classifiers read one token, or add a dense layer; their pooler was never trained in such encoders.
This is a transformers model like others: `save_pretrained` writes a plain folder, and whoever calls `register` first
can load it with `AutoModelForSequenceClassification`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

MODEL_TYPE = "workbench_mean_pooled"


@cache
def register() -> tuple[type[Any], type[Any]]:
    """Make the two classes known to transformers, once; return configuration and network."""
    import torch
    from torch import nn
    from transformers import (
        AutoConfig,
        AutoModel,
        AutoModelForSequenceClassification,
        PreTrainedConfig,
        PreTrainedModel,
    )
    from transformers.modeling_outputs import SequenceClassifierOutput

    class MeanPooledConfig(PreTrainedConfig):  # type: ignore[misc]
        """The encoder's own configuration, as a table `body`."""

        model_type = MODEL_TYPE

        def __init__(self, body: dict[str, Any] | None = None, **more: Any) -> None:
            self.body = body
            super().__init__(**more)

    class MeanPooledForSequenceClassification(PreTrainedModel):  # type: ignore[misc]
        """Encoder, mean over the tokens that are no padding, one linear layer."""

        config_class = MeanPooledConfig
        base_model_prefix = "body"
        _supports_sdpa = True

        def __init__(self, config: Any) -> None:
            super().__init__(config)
            inner = dict(config.body or {})
            self.body = AutoModel.from_config(AutoConfig.for_model(inner.pop("model_type"), **inner))
            if getattr(self.body, "pooler", None) is not None:
                self.body.pooler = None  # never read here
            self.classifier = nn.Linear(self.body.config.hidden_size, config.num_labels)
            self.post_init()

        def _init_weights(self, module: nn.Module) -> None:
            if module is self.classifier:
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

        def forward(
            self,
            input_ids: torch.Tensor | None = None,
            attention_mask: torch.Tensor | None = None,
            token_type_ids: torch.Tensor | None = None,
            position_ids: torch.Tensor | None = None,
            inputs_embeds: torch.Tensor | None = None,
            labels: torch.Tensor | None = None,
            **more: Any,
        ) -> SequenceClassifierOutput:
            """Return logits, (batch, labels), and with `labels` their mean cross-entropy."""
            given = {
                "input_ids": input_ids,
                "attention_mask": attention_mask,
                "token_type_ids": token_type_ids,
                "position_ids": position_ids,
                "inputs_embeds": inputs_embeds,
            }
            found = self.body(**{name: one for name, one in given.items() if one is not None}, **more)
            hidden = found.last_hidden_state
            mask = hidden.new_ones(hidden.shape[:2]) if attention_mask is None else attention_mask.to(hidden.dtype)
            mask = mask.unsqueeze(-1)
            logits = self.classifier((hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp_min(1.0))
            loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
            return SequenceClassifierOutput(
                loss=loss, logits=logits, hidden_states=found.hidden_states, attentions=found.attentions
            )

    AutoConfig.register(MODEL_TYPE, MeanPooledConfig)
    AutoModelForSequenceClassification.register(MeanPooledConfig, MeanPooledForSequenceClassification)
    return MeanPooledConfig, MeanPooledForSequenceClassification


def mean_pooled(body: Any, *, labels: tuple[str, ...]) -> Any:
    """Return a classifier of the mean token of the encoder `body`, with a head of new random numbers."""
    config_class, network_class = register()
    config = config_class(
        body=body.config.to_dict(),
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
        problem_type="single_label_classification",
        pad_token_id=body.config.pad_token_id,
    )
    network = network_class(config)
    own = network.body.state_dict()
    network.body.load_state_dict({name: one for name, one in body.state_dict().items() if name in own})
    return network
