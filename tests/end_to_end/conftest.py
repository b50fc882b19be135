"""What a user has before the workbench: a data file of their own and a checkpoint that somebody else's code made."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from workbench.data.manifest import carrier_file, manifests, model_folder

SENTIMENTS = ("bad", "mixed", "good")


@pytest.fixture(scope="session")
def ratings() -> pd.DataFrame:
    """Real reviews with three classes made from the rating, as a user would have them in a table."""
    manifest = manifests()["reviews"]
    raw = pd.read_parquet(carrier_file(manifest, manifest.files[0]))
    words = raw["Review Text"].fillna("").str.split().str.len()
    raw = raw[(words >= 3) & (words <= 25)].head(2_000)  # short ones: an attack asks about every word
    names = {1: "bad", 2: "bad", 3: "mixed", 4: "good", 5: "good"}
    table = pd.DataFrame(
        {
            "comment": raw["Review Text"],
            "sentiment": raw["Rating"].map(names),
            "age": ["under 40" if age < 40 else "40 and over" for age in raw["Age"]],
            "department": raw["Department Name"].fillna(""),
        }
    )
    # Balanced, so that each class is there in small samples.
    return table.groupby("sentiment").head(80).sort_index().reset_index(drop=True)


@pytest.fixture(scope="session")
def own_csv(ratings: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's own file: the last 120 rows, which the checkpoint has not seen."""
    path = tmp_path_factory.mktemp("own") / "comments.csv"
    ratings.tail(120).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def trainer_checkpoint(ratings: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that stock `transformers.Trainer` made and saved, three classes, nothing of ours involved."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments, set_seed

    set_seed(0)
    out = tmp_path_factory.mktemp("trainer") / "sentiment"
    source = model_folder("all-minilm-l6-v2")
    tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
    model = AutoModelForSequenceClassification.from_pretrained(
        source,
        num_labels=3,
        id2label=dict(enumerate(SENTIMENTS)),
        label2id={label: i for i, label in enumerate(SENTIMENTS)},
        local_files_only=True,
    )
    rows = ratings.head(96)

    class Rows(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return len(rows)

        def __getitem__(self, i: int) -> dict[str, torch.Tensor]:
            encoded = tokenizer(
                rows["comment"].iloc[i], truncation=True, max_length=96, padding="max_length", return_tensors="pt"
            )
            return {
                **{k: v[0] for k, v in encoded.items()},
                "labels": torch.tensor(SENTIMENTS.index(rows["sentiment"].iloc[i])),
            }

    arguments = TrainingArguments(
        output_dir=str(out.parent / "scratch"), max_steps=8, per_device_train_batch_size=16, learning_rate=1e-4,
        report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
    trainer = Trainer(model=model, args=arguments, train_dataset=Rows(), processing_class=tokenizer)
    trainer.train()
    trainer.save_model(str(out))
    return out


@pytest.fixture(scope="session")
def transformers_4_checkpoint(trainer_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights in the shape that transformers 4 saved: its config keys, its tokenizer files, LABEL_0 names."""
    import shutil

    out = tmp_path_factory.mktemp("four") / "sentiment-v4"
    shutil.copytree(trainer_checkpoint, out)
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    for modern in ("dtype", "id2label", "label2id"):
        config.pop(modern, None)
    config |= {
        "_name_or_path": "sentence-transformers/all-MiniLM-L6-v2",
        "id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"},
        "label2id": {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2},
        "gradient_checkpointing": False,
        "position_embedding_type": "absolute",
        "torch_dtype": "float32",
        "transformers_version": "4.38.2",
        "use_cache": True,
    }
    (out / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    special = {
        name: f"[{name[:-6].upper()}]" for name in ("cls_token", "mask_token", "pad_token", "sep_token", "unk_token")
    }
    (out / "special_tokens_map.json").write_text(json.dumps(special), encoding="utf-8")
    (out / "tokenizer_config.json").write_text(
        json.dumps(
            {
                **special,
                "clean_up_tokenization_spaces": True,
                "do_lower_case": True,
                "model_max_length": 512,
                "strip_accents": None,
                "tokenize_chinese_chars": True,
                "tokenizer_class": "BertTokenizer",
            }
        ),
        encoding="utf-8",
    )
    return out


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Ended]


@pytest.fixture
def workbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line's own `main` in this process, in an empty folder: quick, and torch is imported once."""
    from workbench import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("DO_NOT_TRACK", "1")

    def run(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run
