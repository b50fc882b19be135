"""Padding: what a model answers for a text may not depend on the other texts, and must be what transformers gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    XLNetConfig,
    XLNetForSequenceClassification,
)

from workbench.errors import Unsupported
from workbench.models.hugging_face import HuggingFaceTextClassifier, load_checkpoint
from workbench.models.quiet import quiet_transformers

TEXTS = ["good", "the dress is very bad and too small", "i loved it", "x " * 100]
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "bos_token_id": None, "eos_token_id": None}
NAMES = ["input_ids", "token_type_ids", "attention_mask"]
Build = Callable[..., Path]


def edit(folder: Path, file: str, **values: Any) -> None:
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def stock(folder: Path, *, without: tuple[str, ...] = ()) -> np.ndarray[Any, Any]:
    """Return probabilities as transformers gives them for each text alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    rows = []
    for text in TEXTS:
        inputs = tokenizer([text], return_tensors="pt", truncation=True, max_length=32)
        with torch.inference_mode():
            logits = network(**{key: value for key, value in inputs.items() if key not in without}).logits
        rows.append(torch.softmax(logits[0].double(), dim=-1).numpy())
    return np.array(rows)


def is_stock(model: HuggingFaceTextClassifier, folder: Path, *, without: tuple[str, ...] = ()) -> None:
    expected = stock(folder, without=without)
    assert np.ptp(expected[:, 0]) > 0.01, "the texts differ"
    np.testing.assert_allclose(model.predict_proba(TEXTS), expected, atol=1e-6)
    alone = np.concatenate([model.predict_proba([text]) for text in TEXTS])
    np.testing.assert_allclose(alone, expected, atol=1e-6)


def xlnet(build: Build, folder: Path) -> Path:
    """Write a tiny XLNet that ends texts as XLNet does: <sep>, then <cls> with token type 2; padded on the left."""
    tokenizer = AutoTokenizer.from_pretrained(build(folder))
    config = XLNetConfig(
        vocab_size=len(tokenizer), d_model=16, n_layer=2, n_head=2, d_inner=24, pad_token_id=tokenizer.pad_token_id
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = XLNetForSequenceClassification(config)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    with quiet_transformers():
        network.save_pretrained(folder)
    content = json.loads((folder / "tokenizer.json").read_text())
    content["post_processor"]["single"] = [
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
        {"SpecialToken": {"id": "[CLS]", "type_id": 2}},
    ]
    (folder / "tokenizer.json").write_text(json.dumps(content))
    edit(folder, "tokenizer_config.json", padding_side="left", model_input_names=NAMES)
    return folder


def test_xlnet_is_padded_on_the_left_with_its_token_types(build_checkpoint: Build, tmp_path: Path) -> None:
    folder = xlnet(build_checkpoint, tmp_path / "xlnet")
    model = load_checkpoint(folder)
    assert model.encoder.side == "left"
    row = model.encoder.inputs(model.encoder.ids(["good", "good dress"]), torch.device("cpu"))
    assert row["token_type_ids"].tolist() == [[0, 0, 0, 2], [0, 0, 0, 2]]
    assert row["attention_mask"].tolist() == [[0, 1, 1, 1], [1, 1, 1, 1]]
    is_stock(model, folder)
    batch = model.encode(["good", "good dress"])
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]], "attributions count from the left"
    with pytest.raises(Unsupported, match="black-box"):
        model.logits_from(model.embed(batch.input_ids), batch.attention_mask)


def test_the_side_that_changes_nothing_is_found(build_checkpoint: Build, tmp_path: Path) -> None:
    folder = xlnet(build_checkpoint, tmp_path / "xlnet")
    edit(folder, "tokenizer_config.json", padding_side="right")
    model = load_checkpoint(folder)
    assert model.encoder.side == "left"
    is_stock(model, folder)
    bert = build_checkpoint(tmp_path / "bert")
    edit(bert, "tokenizer_config.json", padding_side="left")
    model = load_checkpoint(bert)
    assert model.encoder.side == "right", "BERT counts positions from the left"
    is_stock(model, bert)


def test_decoder_without_a_padding_token_gets_the_tokenizers(build_checkpoint: Build, tmp_path: Path) -> None:
    folder = build_checkpoint(tmp_path / "gpt2", architecture="gpt2", **GPT2)
    is_stock(load_checkpoint(folder), folder)
    edit(folder, "config.json", pad_token_id=None)
    model = load_checkpoint(folder)
    assert model.network.config.pad_token_id == model.encoder.pad_id
    is_stock(model, folder)


def test_decoder_with_another_padding_token_than_its_tokenizer(build_checkpoint: Build, tmp_path: Path) -> None:
    folder = build_checkpoint(tmp_path / "gpt2", architecture="gpt2", **GPT2)
    edit(folder, "config.json", pad_token_id=4)
    with pytest.raises(Unsupported, match=r"GPT2.*on the right by .*set pad_token_id .* tokenizer's 0 \(it is 4"):
        load_checkpoint(folder)


def test_network_that_mixes_padding_in(build_checkpoint: Build, tmp_path: Path) -> None:
    folder = build_checkpoint(tmp_path / "fnet", architecture="fnet")
    with pytest.raises(Unsupported, match=r"padding changes what FNetForSequenceClassification answers"):
        load_checkpoint(folder)


def test_token_types_go_only_to_networks_that_name_them(build_checkpoint: Build, tmp_path: Path) -> None:
    folder = build_checkpoint(tmp_path / "distilbert", architecture="distilbert")
    edit(folder, "tokenizer_config.json", model_input_names=NAMES)
    is_stock(load_checkpoint(folder), folder, without=("token_type_ids",))
