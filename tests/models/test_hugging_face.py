from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from workbench.errors import BadInput, Misconfigured, MissingResource, NotFound, Unsupported
from workbench.models.engine import engine_for
from workbench.models.engine.threads import alone
from workbench.models.hugging_face import HuggingFaceTextClassifier, choose_device, load_checkpoint
from workbench.models.protocols import Classifier, Differentiable, Servable, Truncating

TEXTS = ["good dress", "", "the dress is very bad and too small", "zebra! quick", "good dress", "x " * 100]
ARCHITECTURES: list[tuple[str, dict[str, Any]]] = [
    ("bert", {}),
    ("distilbert", {}),
    ("roberta", {}),
    ("electra", {"embedding_size": 12}),
    ("deberta-v2", {"relative_attention": True, "position_biased_input": False, "pos_att_type": ["c2p", "p2c"]}),
]


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> HuggingFaceTextClassifier:
    return load_checkpoint(tiny_checkpoint)


def test_satisfies_the_protocols(model: HuggingFaceTextClassifier) -> None:
    assert isinstance(model, Classifier)
    assert isinstance(model, Differentiable)
    assert isinstance(model, Truncating)
    assert isinstance(model, Servable)
    assert not model.network.training
    assert model.card.parameters == sum(p.numel() for p in model.network.parameters())
    assert model.card.max_length == 32


def test_agrees_with_transformers_own_pipeline(model: HuggingFaceTextClassifier, tiny_checkpoint: Path) -> None:
    from transformers import pipeline

    stock = pipeline("text-classification", model=str(tiny_checkpoint), top_k=None, device="cpu")
    for text, row in zip(TEXTS, model.predict_proba(TEXTS), strict=True):
        expected = {entry["label"]: entry["score"] for entry in stock([text], truncation=True)[0]}
        assert dict(zip(model.labels, row, strict=True)) == pytest.approx(expected, abs=1e-6)


def test_probabilities(model: HuggingFaceTextClassifier) -> None:
    got = model.predict_proba(TEXTS)
    assert got.shape == (6, 2)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_array_equal(got[0], got[4])
    assert len(np.unique(got[:, 1])) == 5
    assert model.predict_proba([]).shape == (0, 2)


def test_serving_adds_nothing_to_the_batch(model: HuggingFaceTextClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    forward = model.network.forward

    def watched(**inputs: Any) -> Any:
        seen.append(tuple(inputs["input_ids"].shape))
        return forward(**inputs)

    expected = model.predict_proba(TEXTS)
    monkeypatch.setattr(model.network, "forward", watched)
    np.testing.assert_allclose(model.serve(TEXTS), expected, atol=1e-6)
    model.serve(["good dress"])
    assert seen == [(6, 32), (1, 4)]
    assert model.serve([]).shape == (0, 2)


def test_row_order_changes_no_bit(model: HuggingFaceTextClassifier) -> None:
    texts = [f"good dress {'very ' * (i % 7)}{chr(97 + i % 26)}" for i in range(60)]
    order = np.random.default_rng(0).permutation(60)
    with engine_for(model, cache_entries=0) as engine:
        shuffled = engine.predict_proba([texts[i] for i in order])
        np.testing.assert_array_equal(engine.predict_proba(texts)[order], shuffled)
    with alone("cpu"):
        np.testing.assert_array_equal(model.predict_proba(texts)[order], shuffled)
    np.testing.assert_allclose(model.predict_proba(texts)[order], shuffled, atol=1e-6)  # on all cores


def test_threads_may_share_it(model: HuggingFaceTextClassifier) -> None:
    expected = [model.predict_proba([text]) for text in TEXTS]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda text: model.predict_proba([text]), TEXTS * 10))
    for i, row in enumerate(got):
        np.testing.assert_array_equal(row, expected[i % len(TEXTS)])


def test_truncation_is_counted(model: HuggingFaceTextClassifier) -> None:
    assert model.truncated(["a " * 30, "a " * 31, "", "a " * 500]) == 2
    assert model.truncated([]) == 0


def test_long_texts_are_cut_where_the_tokenizer_cuts_them(tiny_checkpoint: Path, tmp_path: Path) -> None:
    from transformers import pipeline

    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "left"))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "truncation_side": "left"}))
    left, text = load_checkpoint(folder), "bad " * 30 + "good " * 30
    assert left.tokenise([text]) == [tuple(left.tokenizer(text, truncation=True)["input_ids"])]
    assert left.encode([text]).tokens[0] == ("[CLS]", *["good"] * 30, "[SEP]")
    assert left.encode([text]).spans[0][1:-1] == tuple((i, i + 4) for i in range(120, 270, 5))
    assert left.truncated([text, "good"]) == 1
    stock = pipeline("text-classification", model=str(folder), top_k=None, device="cpu")
    expected = {entry["label"]: entry["score"] for entry in stock([text], truncation=True)[0]}
    assert dict(zip(left.labels, left.predict_proba([text])[0], strict=True)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("architecture", "config"), ARCHITECTURES, ids=[row[0] for row in ARCHITECTURES])
def test_logits_from_embeddings_are_the_logits(
    architecture: str, config: dict[str, Any], build_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    model = load_checkpoint(build_checkpoint(tmp_path / architecture, architecture=architecture, **config))
    batch = model.encode(TEXTS)
    with torch.no_grad():
        expected = model.network(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    embedded = model.embed(batch.input_ids).requires_grad_()
    logits = model.logits_from(embedded, batch.attention_mask)
    torch.testing.assert_close(logits.detach(), expected, atol=1e-5, rtol=0)
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), embedded)
    assert gradient.abs().sum() > 0
    padding = batch.attention_mask == 0
    assert gradient[padding].abs().sum() == 0
    probabilities = torch.softmax(expected.double(), dim=-1).numpy()
    np.testing.assert_allclose(model.predict_proba(TEXTS), probabilities, atol=1e-6)


def test_encoding(model: HuggingFaceTextClassifier) -> None:
    batch = model.encode(["Good dress", "bad"])
    assert batch.tokens == (("[CLS]", "good", "dress", "[SEP]"), ("[CLS]", "bad", "[SEP]"))
    assert batch.spans == (((0, 0), (0, 4), (5, 10), (0, 0)), ((0, 0), (0, 3), (0, 0)))
    assert batch.special.tolist() == [[True, False, False, True], [True, False, True, True]]
    baseline = model.baseline_ids(batch)
    pad = model.encoder.pad_id
    assert (baseline[~batch.special] == pad).all()
    assert (baseline[batch.special] == batch.input_ids[batch.special]).all()


def test_half_a_character_is_read_as_a_question_mark(model: HuggingFaceTextClassifier) -> None:
    np.testing.assert_array_equal(model.predict_proba(["good \ud800 dress"]), model.predict_proba(["good ? dress"]))


def test_length_may_be_shortened_not_stretched(tiny_checkpoint: Path) -> None:
    short = load_checkpoint(tiny_checkpoint, max_length=8)
    assert short.max_length == 8
    assert short.encode(["a " * 20]).input_ids.shape == (1, 8)
    with pytest.raises(Misconfigured, match="32 tokens"):
        load_checkpoint(tiny_checkpoint, max_length=64)


def test_roberta_counts_positions_after_padding(build_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    folder = build_checkpoint(tmp_path / "roberta", architecture="roberta")
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_max_length": 10**30}))
    model = load_checkpoint(folder)
    assert model.max_length == 33
    assert np.isfinite(model.predict_proba(["a " * 100])).all()


def test_bfloat16_is_close(tiny_checkpoint: Path, model: HuggingFaceTextClassifier) -> None:
    half = load_checkpoint(tiny_checkpoint, precision="bfloat16")
    assert half.precision == "bfloat16"
    np.testing.assert_allclose(half.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=0.05)
    np.testing.assert_allclose(half.predict_proba(TEXTS).sum(axis=1), 1.0, atol=1e-12)


def test_sharded_weights_load(tiny_checkpoint: Path, model: HuggingFaceTextClassifier, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "sharded"))
    (folder / "model.safetensors").unlink()
    model.network.save_pretrained(folder, max_shard_size="10KB")
    assert (folder / "model.safetensors.index.json").is_file()
    sharded = load_checkpoint(folder)
    assert len([name for name in sharded.card.files if name.endswith(".safetensors")]) > 1
    np.testing.assert_array_equal(sharded.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_config_of_transformers_4(build_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    labels = ("LABEL_0", "LABEL_1", "LABEL_2")
    folder = build_checkpoint(tmp_path / "old", labels=labels)
    expected = load_checkpoint(folder).predict_proba(TEXTS)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for key in ("id2label", "label2id", "dtype"):
        config.pop(key, None)
    old = {"_num_labels": 3, "torch_dtype": "float32", "transformers_version": "4.8.2", "gradient_checkpointing": False}
    path.write_text(json.dumps({**config, **old, "position_embedding_type": "absolute", "use_cache": True}))
    model = load_checkpoint(folder)
    assert model.labels == labels
    np.testing.assert_array_equal(model.predict_proba(TEXTS), expected)


def test_head_missing_from_the_weights(tiny_checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "headless"))
    weights = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in weights.items() if not k.startswith("classifier")}, folder / "model.safetensors")
    with pytest.raises(BadInput, match=r"no weights for classifier\.bias.*random numbers"):
        load_checkpoint(folder)


def test_config_with_more_labels_than_the_head(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "three"))
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "a", "1": "b", "2": "c"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match="cannot load"):
        load_checkpoint(folder)


def test_tokenizer_of_another_model(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "mixed"))
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"]["vocab"].update({f"extra{i}": 200 + i for i in range(100)})
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(BadInput, match="do not belong together"):
        load_checkpoint(folder)


def test_broken_tokenizer(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "broken"))
    (folder / "tokenizer.json").write_text('{"version": "1.0"')
    with pytest.raises(BadInput, match="cannot read the tokenizer"):
        load_checkpoint(folder)


def test_damaged_weights_are_reported_when_they_show(tiny_checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "nan"))
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"][0] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadInput, match="not finite"):
        load_checkpoint(folder).predict_proba(["good"])


def test_causal_classifier_is_black_box_only(build_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    shape = {"n_embd": 16, "n_layer": 2, "n_head": 2, "bos_token_id": None, "eos_token_id": None}
    model = load_checkpoint(build_checkpoint(tmp_path / "gpt2", architecture="gpt2", **shape))
    both, alone = model.predict_proba(["good", "the dress is very bad"]), model.predict_proba(["good"])
    np.testing.assert_allclose(both[0], alone[0], atol=1e-6)
    batch = model.encode(["good"])
    with pytest.raises(Unsupported, match="black-box"):
        model.logits_from(model.embed(batch.input_ids), batch.attention_mask)


def test_missing_folder_suggests_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    with pytest.raises(NotFound, match=r"did you mean '.*base'\?"):
        load_checkpoint(tmp_path / "bsae")
    with pytest.raises(NotFound, match="--online"):
        load_checkpoint("some-owner/some-model")


def test_unknown_precision_and_device(tiny_checkpoint: Path) -> None:
    with pytest.raises(Misconfigured, match="precision 'float8'"):
        load_checkpoint(tiny_checkpoint, precision="float8")
    with pytest.raises(Misconfigured, match="device 'gpu9'"):
        load_checkpoint(tiny_checkpoint, device="gpu9")
    with pytest.raises(Misconfigured, match="'meta' computes nothing"):
        load_checkpoint(tiny_checkpoint, device="meta")


@pytest.mark.parametrize("device", ["mps", "xpu", "cuda:99"])
def test_device_that_is_not_here(device: str) -> None:
    if (torch.backends.mps if device == "mps" else torch.xpu).is_available() and not device.startswith("cuda"):
        pytest.skip(f"this machine has {device}")
    with pytest.raises(MissingResource, match=f"device '{device}' was asked for.*use --device cpu"):
        choose_device(device)


def test_loading_leaves_transformers_as_it_was(tiny_checkpoint: Path) -> None:
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    load_checkpoint(tiny_checkpoint)
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_attention_weights_are_those_of_the_network_asked(model: HuggingFaceTextClassifier) -> None:
    encoded = model.encode(["the dress is very bad"])
    found = model.attentions(encoded)
    length = encoded.input_ids.shape[1]
    assert found.shape == (model.network.config.num_hidden_layers, length, length)
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, atol=1e-6)
    drawn = model.randomised(len(model.groups), 1)
    assert np.abs(drawn.attentions(encoded) - found).max() > 1e-4
    np.testing.assert_array_equal(model.attentions(encoded), found)


def test_a_causal_classifier_gives_no_gradients_and_no_attention_through_the_engine(
    build_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    from workbench.audit.explanations.explain import explain

    causal = load_checkpoint(build_checkpoint(tmp_path / "gpt2", architecture="gpt2"))
    with engine_for(causal) as engine:
        for method in ("integrated_gradients", "saliency", "attention_rollout"):
            with pytest.raises(Unsupported):
                explain(engine, "good dress", method=method)
        assert explain(engine, "good dress", method="occlusion").words
