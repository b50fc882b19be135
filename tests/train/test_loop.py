"""Training as a whole, on a tiny network: it learns, survives interruption, and never leaves half a result."""

from __future__ import annotations

import ast
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import workbench.train
from workbench.data.corpus import Corpus
from workbench.data.overlap import overlap
from workbench.data.splits import split
from workbench.errors import EmptyData, Misconfigured, MissingResource, NotFound, Unwritable
from workbench.models.hugging_face import HuggingFaceTextClassifier, load_checkpoint
from workbench.models.training_card import read_fingerprints, read_training_card
from workbench.train.evaluation import score
from workbench.train.events import TrainingEvent
from workbench.train.loop import Trained, train
from workbench.train.recipe import Recipe


class Killed(BaseException):
    """What an interruption looks like from inside."""


def kill_at(step: int) -> Callable[[TrainingEvent], None]:
    def listen(event: TrainingEvent) -> None:
        if event.phase == "train" and event.step == step and event.loss is not None:
            raise Killed

    return listen


@pytest.fixture(scope="module")
def finished(toy: Corpus, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    recipe = Recipe(
        backbone=str(tiny_checkpoint),
        data="toy",
        epochs=6,
        batch_size=16,
        learning_rate=5e-3,
        max_length=32,
        evaluate_every=20,
        precision="float32",
    )
    return train(recipe, toy, tmp_path_factory.mktemp("runs") / "base")


def test_learns(finished: Trained, toy: Corpus) -> None:
    test = split(toy, "test")
    found = score(finished.classifier.predict_proba(test.inputs), test.label_ids)
    assert found.accuracy > 0.9
    assert finished.card.test_report.startswith(f"test: {len(test)} examples; log loss {found.loss:.4f}")


def test_leaves_a_plain_checkpoint_with_its_card(finished: Trained, toy: Corpus) -> None:
    folder = finished.classifier.folder
    assert sorted(os.listdir(folder)) == [
        *("config.json", "fingerprints.txt", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
        "training.json",
    ]
    assert os.listdir(folder.parent) == ["base"]
    assert read_training_card(folder) == finished.card
    assert finished.classifier.labels == toy.labels
    assert finished.classifier.max_length == 32
    assert finished.classifier.card.base == "tiny"
    marks = read_fingerprints(folder)
    assert marks is not None
    assert overlap(split(toy, "train"), marks) == finished.card.corpus.n == len(split(toy, "train"))
    assert overlap(split(toy, "test"), marks) == 0


def test_stock_transformers_reads_it(finished: Trained) -> None:
    from transformers import pipeline

    stock = pipeline("text-classification", model=str(finished.classifier.folder), device="cpu")
    texts = ["this dress is good", "it was bad"]
    expected = finished.classifier.predict_proba(texts)
    for text, row, answer in zip(texts, expected, stock(texts), strict=True):
        assert answer["label"] == finished.classifier.labels[row.argmax()], text
        assert answer["score"] == pytest.approx(row.max(), abs=1e-6)


def test_card_tells_no_path(finished: Trained) -> None:
    folder = finished.classifier.folder
    written = (folder / "training.json").read_text() + (folder / "config.json").read_text()
    assert str(folder.parent) not in written
    assert "/tmp" not in written
    assert finished.card.recipe["backbone"] == "tiny"


def test_curve(finished: Trained) -> None:
    card = finished.card
    assert [point.step for point in card.curve] == [20, 40, 60, 72]
    assert [point.epoch for point in card.curve] == pytest.approx([20 / 12, 40 / 12, 5, 6])
    losses = {point.step: point.validation_loss for point in card.curve}
    assert card.best_step == min(losses, key=lambda step: losses[step] or 0.0)
    assert card.stopped == "epochs completed"
    assert card.steps == 72


@pytest.fixture(scope="module")
def uninterrupted(quick: Recipe, toy: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(quick, toy, tmp_path_factory.mktemp("runs") / "whole")


@pytest.mark.parametrize("kills", [(1,), (8,), (7, 13, 24)], ids=str)
def test_resumed_run_ends_in_the_same_bits(
    kills: tuple[int, ...], uninterrupted: Trained, quick: Recipe, toy: Corpus, tmp_path: Path
) -> None:
    quick = quick.but(checkpoint_every=3)
    out = tmp_path / "broken"
    for step in kills:
        with pytest.raises(Killed):
            train(quick, toy, out, resume=True, progress=kill_at(step))
        assert not out.exists()
        torch.manual_seed(step)  # whatever happened in between must not matter
    resumed = train(quick, toy, out, resume=True)
    expected = load_file(uninterrupted.classifier.folder / "model.safetensors")
    got = load_file(out / "model.safetensors")
    assert expected.keys() == got.keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor, got[name]), name
    assert resumed.card.curve == uninterrupted.card.curve
    assert resumed.card.best_step == uninterrupted.card.best_step
    assert resumed.classifier.digest == uninterrupted.classifier.digest
    assert resumed.card.resumed == sum(step > 3 for step in kills)
    assert not list(tmp_path.glob(".broken*"))


@pytest.mark.slow
def test_survives_kill_minus_nine(
    uninterrupted: Trained, quick: Recipe, toy: Corpus, tmp_path: Path, script: Callable[[Recipe, Corpus, str], Path]
) -> None:
    out = tmp_path / "killed"
    body = (
        "import os, signal\n"
        "def die(event):\n"
        "    if event.phase == 'train' and event.step == 17:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        f"train(recipe, corpus, Path({str(out)!r}), progress=die)\n"
    )
    file = script(quick, toy, body)
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not out.exists()
    resumed = train(quick, toy, out, resume=True)
    assert resumed.classifier.digest == uninterrupted.classifier.digest


@pytest.mark.slow
def test_two_processes_learn_what_one_does(
    quick: Recipe,
    toy: Corpus,
    tmp_path: Path,
    train_in_two_processes: Callable[[Recipe, Corpus, Path], HuggingFaceTextClassifier],
) -> None:
    recipe = quick.but(dropout=0.0, class_weights="balanced", epochs=1, batch_size=15)
    one = train(recipe, toy, tmp_path / "one")
    two = train_in_two_processes(recipe, toy, tmp_path / "two")
    texts = toy.inputs[:50]
    np.testing.assert_allclose(two.predict_proba(texts), one.classifier.predict_proba(texts), atol=2e-3)


@pytest.mark.slow
def test_same_seed_same_bits_other_seed_other_bits(
    uninterrupted: Trained, quick: Recipe, toy: Corpus, tmp_path: Path
) -> None:
    again = train(quick, toy, tmp_path / "again")
    other = train(quick.but(seed=1), toy, tmp_path / "other")
    assert again.classifier.digest == uninterrupted.classifier.digest != other.classifier.digest


def test_row_order_of_the_corpus_does_not_matter(
    uninterrupted: Trained, quick: Recipe, toy: Corpus, tmp_path: Path
) -> None:
    turned = train(quick, replace(toy, examples=toy.examples[::-1]), tmp_path / "turned")
    assert turned.classifier.digest == uninterrupted.classifier.digest


def test_accumulation_is_one_larger_batch(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    same = {"dropout": 0.0, "epochs": 1, "class_weights": "balanced"}
    whole = train(quick.but(batch_size=240, **same), toy, tmp_path / "whole")
    parts = train(quick.but(batch_size=48, accumulation=5, **same), toy, tmp_path / "parts")
    assert whole.card.steps == parts.card.steps == 1
    texts = toy.inputs[:50]
    np.testing.assert_allclose(parts.classifier.predict_proba(texts), whole.classifier.predict_proba(texts), atol=1e-4)


@pytest.mark.slow
def test_early_stopping_keeps_the_best_weights(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    """A rate at which the loss cannot keep falling: the weights kept are not the last ones."""
    recipe = quick.but(epochs=30, evaluate_every=4, early_stopping_patience=2, learning_rate=5e-2)
    trained = train(recipe, toy, tmp_path / "out")
    losses = [point.validation_loss for point in trained.card.curve]
    assert trained.card.stopped.startswith(f"early stopping after step {trained.card.steps}: in 2 evaluations")
    assert trained.card.steps == trained.card.best_step + 8 == 4 * len(losses) < 360
    assert losses[-3] == min(losses)
    validation = split(toy, "validation")
    kept = score(trained.classifier.predict_proba(validation.inputs), validation.label_ids)
    assert kept.loss == pytest.approx(losses[-3], rel=1e-5)


@pytest.mark.slow
def test_class_weights_are_in_the_card_and_move_the_decision(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    skewed = toy.where(lambda e: e.label == "positive" or int(e.id[1:]) % 8 == 0)
    recipe = quick.but(epochs=1, learning_rate=1e-3)
    plain = train(recipe, skewed, tmp_path / "plain")
    balanced = train(recipe.but(class_weights="balanced"), skewed, tmp_path / "balanced")
    counts = balanced.card.corpus.labels
    n = sum(counts.values())
    assert balanced.card.class_weights == pytest.approx({k: n / (2 * v) for k, v in counts.items()}, rel=1e-6)
    assert plain.card.class_weights is None
    share = [t.classifier.predict_proba(skewed.inputs)[:, 0].mean() for t in (plain, balanced)]
    assert share[1] > share[0]


def test_limit_samples_the_training_split_only(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    trained = train(quick.but(limit=40, epochs=1), toy, tmp_path / "few")
    assert trained.card.corpus.n == 40
    assert trained.card.corpus.digest == split(toy, "train").sample(40).digest
    assert f"test: {len(split(toy, 'test'))} examples;" in trained.card.test_report


def test_divergence_is_an_error_not_a_model(
    quick: Recipe, toy: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = torch.nn.functional.cross_entropy
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda *a, **k: real(*a, **k) * float("nan"))
    with pytest.raises(Misconfigured, match=r"the loss at step 1 is nan; lower learning_rate \(0\.003\)"):
        train(quick, toy, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_result_in_place_is_not_overwritten(finished: Trained, quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    folder = finished.classifier.folder
    with pytest.raises(Unwritable, match="not empty; choose another --out"):
        train(quick, toy, folder)
    with pytest.raises(Unwritable, match="another run"):
        train(quick, toy, folder, resume=True)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Unwritable, match="another run"):
        train(quick, toy, tmp_path, resume=True)


def test_finished_run_of_a_version_with_fewer_settings_counts_as_the_same(
    quick: Recipe, toy: Corpus, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = train(quick, toy, out)
    card = json.loads((out / "training.json").read_text())
    assert card["recipe"].pop("pooling") == "backbone"
    (out / "training.json").write_text(json.dumps(card))
    assert train(quick, toy, out, resume=True).card.date == first.card.date
    card["recipe"]["seed"] += 1
    (out / "training.json").write_text(json.dumps(card))
    with pytest.raises(Unwritable, match="another run"):
        train(quick, toy, out, resume=True)


def test_resuming_a_finished_run_returns_it(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = train(quick, toy, out)
    events: list[TrainingEvent] = []
    again = train(quick, toy, out, resume=True, progress=events.append)
    assert again.card == first.card
    assert events == []


def test_interrupted_run_is_neither_overwritten_nor_mixed(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(Killed):
        train(quick, toy, out, progress=kill_at(9))  # the first evaluation left a state
    with pytest.raises(Unwritable, match=r"continue it with --resume"):
        train(quick, toy, out)
    with pytest.raises(Misconfigured, match="another recipe, backbone, data set"):
        train(quick.but(learning_rate=1e-3), toy, out, resume=True)


def test_a_backbone_of_the_same_name_is_another_one(
    quick: Recipe, toy: Corpus, tiny_checkpoint: Path, build_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    namesake = quick.but(backbone=str(build_checkpoint(tmp_path / "other" / tiny_checkpoint.name, seed=1)))
    finished = train(quick.but(epochs=1), toy, tmp_path / "finished")
    assert finished.card.backbone_digest == load_checkpoint(tiny_checkpoint).digest
    with pytest.raises(Unwritable, match="another backbone that is also called 'tiny'"):
        train(namesake.but(epochs=1), toy, tmp_path / "finished", resume=True)

    place = tmp_path / "place" / tiny_checkpoint.name
    shutil.copytree(tiny_checkpoint, place)
    with pytest.raises(Killed):
        train(quick.but(backbone=str(place)), toy, tmp_path / "out", progress=kill_at(9))
    shutil.rmtree(place)
    shutil.copytree(namesake.backbone, place)
    with pytest.raises(Misconfigured, match="another recipe, backbone"):
        train(quick.but(backbone=str(place)), toy, tmp_path / "out", resume=True)


@pytest.mark.parametrize("when", ["state", "result"])
def test_full_disk_leaves_nothing_behind(
    when: str, quick: Recipe, toy: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if when == "state":
        monkeypatch.setattr("safetensors.torch.save_file", full)
    else:
        from transformers import PreTrainedModel

        monkeypatch.setattr(PreTrainedModel, "save_pretrained", full)
    with pytest.raises(Unwritable, match="No space left on device; choose another place or free some space"):
        train(quick, toy, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out.[!t]*"))
    monkeypatch.undo()
    assert train(quick, toy, tmp_path / "out", resume=True).card.steps == 24


def test_place_that_cannot_be_written(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(Unwritable, match="choose another --out"):
            train(quick, toy, out)


def test_too_little_to_learn_from(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    one_label = toy.where(lambda example: example.label == "positive")
    with pytest.raises(EmptyData, match="only the label 'positive'"):
        train(quick, one_label, tmp_path / "out")
    with pytest.raises(EmptyData, match="too few"):
        train(quick, toy[:2], tmp_path / "out")


def test_more_tokens_than_the_backbone_reads(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="max_length is 256, but tiny reads at most 32 tokens"):
        train(quick.but(max_length=256), toy, tmp_path / "out")


def test_backbone_that_is_not_there(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="--online"):
        train(quick.but(backbone="some-owner/some-model"), toy, tmp_path / "out")


def test_new_head_for_other_labels(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    three = replace(toy, labels=("negative", "neutral", "positive"))
    trained = train(quick.but(epochs=1), three, tmp_path / "out")
    assert trained.classifier.predict_proba(["good"]).shape == (1, 3)
    assert trained.classifier.labels == three.labels


def test_trackers(quick: Recipe, toy: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="did you mean 'tensorboard'"):
        train(quick, toy, tmp_path / "out", track="tensorbord")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingResource, match="pip install mlflow"):
        train(quick, toy, tmp_path / "out", track="mlflow")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard")
def test_tensorboard_gets_the_curve(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    trained = train(quick.but(epochs=1), toy, tmp_path / "out", track="tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (events,) = (tmp_path / "tracking").rglob("events.out.tfevents.*.0")
    read = EventAccumulator(str(events.parent))
    read.Reload()
    logged = [(scalar.step, scalar.value) for scalar in read.Scalars("validation/validation_loss")]
    assert logged == [(p.step, pytest.approx(p.validation_loss, rel=1e-6)) for p in trained.card.curve]


def test_events_tell_the_whole_story(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    events: list[TrainingEvent] = []
    train(quick.but(epochs=1), toy, tmp_path / "out", progress=events.append)
    steps = [event.step for event in events if event.phase == "train"]
    assert steps == list(range(1, 13))
    ended = [event.phase for event in events if event.step == event.total]
    # Evaluated at step 8 and at the end (12); then the best weights once more, in float32, and the test split.
    assert ended == ["prepare", "validate", "train", "validate", "validate", "test", "save"]
    judged = [event for event in events if event.phase in ("validate", "test") and event.step == event.total]
    assert all(event.loss is not None for event in judged)
    assert all(event.loss is not None and event.learning_rate for event in events if event.phase == "train")


def test_borrowed_state_is_given_back(quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected, threads = torch.rand(3), torch.get_num_threads()
    torch.manual_seed(7)
    train(quick.but(epochs=1), toy, tmp_path / "out")
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_the_loop_is_our_own() -> None:
    folder = Path(workbench.train.__file__).parent
    names = {
        alias.name
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert "AutoModelForSequenceClassification" in names
    assert not {name for name in names if "Trainer" in name or name == "pickle"}
