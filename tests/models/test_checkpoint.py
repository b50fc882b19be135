"""Checkpoints refused, one by one, before anything is loaded; and what is read of good ones."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import BadInput, NotFound, Unsupported, Untrusted, WorkbenchError
from workbench.models.checkpoint import read_backbone, read_checkpoint


@pytest.fixture
def folder(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "model"))


def configure(folder: Path, drop: tuple[str, ...] = (), **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    for key in drop:
        config.pop(key, None)
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def test_good_checkpoint(folder: Path) -> None:
    found = read_checkpoint(folder)
    assert found.name == "model"
    assert found.labels == ("negative", "positive")
    assert found.architecture == "BertForSequenceClassification"
    assert set(found.files) == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    weights = (folder / "model.safetensors").read_bytes()
    assert found.files["model.safetensors"] == hashlib.sha256(weights).hexdigest()
    assert found.bytes == len(weights)


def test_digest_follows_content_not_place(folder: Path, tmp_path: Path) -> None:
    copied = read_checkpoint(Path(shutil.copytree(folder, tmp_path / "elsewhere")))
    assert copied.digest == read_checkpoint(folder).digest
    configure(copied.folder, hidden_dropout_prob=0.2)
    assert read_checkpoint(copied.folder).digest != copied.digest


def _pickle_only(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"w": 1}))


def _truncate(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def _cut_header(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:20])


def _empty(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def _pointer(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")


def _sharded(folder: Path, second: str) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    table = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": second}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(table))


def _adapter(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text("{}")


def _adapter_beside(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")


def _of_ranks(folder: Path) -> None:
    shutil.copy(folder / "model.safetensors", folder / "shard-00001-model-00001-of-00001.safetensors")


def _tokenizer(folder: Path, **changes: Any) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


BROKEN: list[tuple[str, Callable[[Path], None], type[WorkbenchError], str]] = [
    ("pickle only", _pickle_only, Untrusted, r"pickled form \(pytorch_model.bin\).*save_pretrained\('NEW'\)"),
    ("cut short", _truncate, BadInput, "cut short"),
    ("cut in its header", _cut_header, BadInput, "cut short"),
    ("zero bytes", _empty, BadInput, r"\(0 bytes"),
    ("git-lfs pointer", _pointer, BadInput, "not a complete safetensors file"),
    ("no weights", lambda f: (f / "model.safetensors").unlink(), NotFound, "no weights"),
    ("tensorflow only", lambda f: (f / "model.safetensors").rename(f / "tf_model.h5"), NotFound, "TensorFlow"),
    ("adapter only", _adapter, Unsupported, "holds an adapter; merge"),
    ("adapter beside", _adapter_beside, Unsupported, "an adapter, which would change"),
    ("weights of ranks", _of_ranks, Unsupported, r"distributed run \(shard-00001-model-00001-of-00001\.safetensors"),
    ("other weights", lambda f: configure(f, transformers_weights="x.safetensors"), Unsupported, r"x\.safetensors"),
    ("other config", lambda f: configure(f, configuration_files=["config.4.0.0.json"]), Unsupported, "without conf"),
    ("other tokenizer", lambda f: _tokenizer(f, fast_tokenizer_files=["tokenizer.4.0.0.json"]), Unsupported, "4.0.0"),
    ("missing shard", lambda f: _sharded(f, "two.safetensors"), NotFound, r"lacks 1 of 2 weight files: two\.saf"),
    ("shard elsewhere", lambda f: _sharded(f, "../two.safetensors"), Untrusted, "not a safetensors file of that"),
    ("pickled shard", lambda f: _sharded(f, "two.bin"), Untrusted, "two.bin"),
    ("remote code", lambda f: configure(f, auto_map={"AutoModel": "m.M"}), Untrusted, "auto_map"),
    ("no config", lambda f: (f / "config.json").unlink(), NotFound, "no config.json"),
    ("broken config", lambda f: (f / "config.json").write_text("{"), BadInput, "config.json"),
    ("config no object", lambda f: (f / "config.json").write_text("[]"), BadInput, "not a JSON object"),
    ("no tokenizer", _no_tokenizer, NotFound, "no tokenizer"),
    ("no head", lambda f: configure(f, architectures=["BertModel"]), Unsupported, "BertModel, not a text classifier"),
    ("no architecture", lambda f: configure(f, ("architectures",)), Unsupported, "'architectures' is missing"),
    ("one output", lambda f: configure(f, id2label={"0": "score"}), Unsupported, "num_labels=2"),
    ("regression", lambda f: configure(f, problem_type="regression"), Unsupported, "regression"),
    ("multi-label", lambda f: configure(f, problem_type="multi_label_classification"), Unsupported, "multi-label"),
    ("gap in ids", lambda f: configure(f, id2label={"0": "a", "2": "b"}), BadInput, "without gaps"),
    ("twins", lambda f: configure(f, id2label={"0": "a", "1": "a"}), BadInput, "alike"),
    ("no table", lambda f: configure(f, id2label={"x": "a", "y": "b"}), BadInput, "not a table"),
]


@pytest.mark.parametrize(("breaking", "kind", "said"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_refusal(folder: Path, breaking: Callable[[Path], None], kind: type[WorkbenchError], said: str) -> None:
    breaking(folder)
    with pytest.raises(kind, match=said) as refusal:
        read_checkpoint(folder)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("row", [row for row in BROKEN if row[0].startswith(("adapter b", "weights", "other"))])
def test_backbones_are_refused_alike(folder: Path, row: tuple[str, Callable[[Path], None], Any, str]) -> None:
    row[1](folder)
    with pytest.raises(row[2], match=row[3]):
        read_backbone(folder)


@pytest.mark.parametrize(
    "name", ["BertTokenizer", "GPT2Tokenizer", "LukeTokenizer", "RemBertTokenizer", "WhisperTokenizer"]
)
def test_every_file_of_a_fast_tokenizer_is_in_the_digest(folder: Path, name: str) -> None:
    import transformers

    wanted = set(getattr(transformers, name).vocab_files_names.values())
    for one in wanted:
        (folder / one).touch()
    assert wanted <= set(read_checkpoint(folder).files)


def test_keys_that_name_no_other_file_are_taken(folder: Path) -> None:
    configure(folder, transformers_weights=None)
    _tokenizer(folder, fast_tokenizer_files=[])
    assert read_checkpoint(folder).weights == ("model.safetensors",)


def test_remote_code_in_the_tokenizer_is_refused(folder: Path) -> None:
    _tokenizer(folder, auto_map={"AutoTokenizer": ["t.T", None]})
    with pytest.raises(Untrusted, match=r"tokenizer_config\.json"):
        read_checkpoint(folder)


LABELS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"id2label": {"1": "one", "0": "zero"}}, ("zero", "one")),
    ({"id2label": {str(i): f"L{i}" for i in reversed(range(12))}}, tuple(f"L{i}" for i in range(12))),
    ({"label2id": {"no": 0, "yes": 1}}, ("no", "yes")),
    ({"_num_labels": 3}, ("LABEL_0", "LABEL_1", "LABEL_2")),
    ({"num_labels": 4}, ("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3")),
    ({}, ("LABEL_0", "LABEL_1")),
    ({"id2label": {"0": 1, "1": 2}}, ("1", "2")),
]


@pytest.mark.parametrize(("stated", "labels"), LABELS)
def test_labels_from_configs_of_every_age(folder: Path, stated: dict[str, Any], labels: tuple[str, ...]) -> None:
    configure(folder, ("id2label", "label2id", "num_labels", "_num_labels"), **stated)
    assert read_checkpoint(folder).labels == labels


@pytest.mark.parametrize(
    ("stated", "base"),
    [
        ("bert-base-uncased", "bert-base-uncased"),
        ("owner/name", "owner/name"),
        ("/home/someone/runs/base", "base"),
        ("./runs/base/", "base"),
        ("C:\\models\\base", "base"),
        ("", None),
    ],
)
def test_base_is_a_name_never_a_path(folder: Path, stated: str, base: str | None) -> None:
    configure(folder, _name_or_path=stated)
    assert read_checkpoint(folder).base == base
