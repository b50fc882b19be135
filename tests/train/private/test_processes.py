"""Private training in two processes: the same sum, one draw of noise for all, one account."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from workbench.data.corpus import Corpus
from workbench.models.hugging_face import HuggingFaceTextClassifier
from workbench.models.training_card import read_training_card
from workbench.train.parts import divide
from workbench.train.recipe import Recipe

pytestmark = pytest.mark.slow

BODY = """
import torch
from safetensors.torch import save_file
from accelerate import Accelerator
from dataclasses import replace
from workbench.data.splits import split
from workbench.seeds import Streams
from workbench.train.backbone import prepare
from workbench.train.private.clipping import Bookkeeper
from workbench.train.private.feed import TextFeed
from workbench.train.private.step import Mechanism
from workbench.train.step import Workshop

trainee = prepare(recipe, corpus.labels)
accelerator = Accelerator(cpu=True)
network = trainee.network.train()
shop = Workshop(recipe, accelerator, network, trainee.encoder, torch.ones(2), "float32", Streams(0))
named = {name: one for name, one in network.named_parameters() if one.requires_grad}
how = recipe.privacy.model_copy(update={"physical_tokens": 64})
feed = TextFeed(shop, split(corpus, "train"))
mechanism = Mechanism(how, 0.0, Bookkeeper(network), feed, tuple(named.values()))
units = {i: feed.rows(i, (), share=1.0) for i in range(20)}
mechanism.released(shop, mechanism.clipped_sum(shop, units))
kept = {f"sum/{name}": one.grad.clone() for name, one in named.items()}
replace(mechanism, noise_multiplier=1.0).released(shop, {})
kept |= {f"noise/{name}": one.grad.clone() for name, one in named.items()}
save_file(kept, OUT + f"/{accelerator.process_index}of{accelerator.num_processes}.safetensors")
"""


def launched(script: Path, processes: int) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    place = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*launch, str(script)], capture_output=True, text=True, timeout=200, env=place)
    assert done.returncode == 0, done.stderr[-2_000:]


def test_two_processes_release_the_sum_of_one_and_share_one_draw_of_noise(
    private_recipe: Recipe, toy: Corpus, tmp_path: Path, script: Callable[[Recipe, Corpus, str], Path]
) -> None:
    file = script(private_recipe, toy, f"OUT = {str(tmp_path)!r}\n{BODY}")
    launched(file, 1)
    launched(file, 2)
    one, first, second = (load_file(tmp_path / f"{which}.safetensors") for which in ("0of1", "0of2", "1of2"))
    assert private_recipe.privacy is not None
    deviation = private_recipe.privacy.max_grad_norm / private_recipe.privacy.batch
    for name, total in one.items():
        assert torch.equal(first[name], second[name]), "all processes take the same step"
        if name.startswith("sum/"):
            torch.testing.assert_close(first[name], total, rtol=1e-4, atol=1e-6)
    drawn = [torch.cat([held[name].flatten() for name in held if name.startswith("noise/")]) for held in (one, first)]
    for noise in drawn:  # added by each process, it would be sqrt(2) times as large
        assert float(noise.std()) == pytest.approx(deviation, rel=5 / (2 * len(noise)) ** 0.5)
    assert abs(float(torch.corrcoef(torch.stack(drawn))[0, 1])) < 5 / len(drawn[0]) ** 0.5, "drawn anew in each run"


def test_a_private_run_in_two_processes_checks_itself_and_states_what_was_spent(
    private_recipe: Recipe,
    toy: Corpus,
    tmp_path: Path,
    train_in_two_processes: Callable[[Recipe, Corpus, Path], HuggingFaceTextClassifier],
) -> None:
    trained = train_in_two_processes(private_recipe, toy, tmp_path / "two")
    card = read_training_card(trained.folder)
    assert card is not None
    assert card.privacy is not None
    assert (card.processes, card.privacy.steps, card.privacy.units) == (2, 12, len(divide(toy, private_recipe).train))
    assert len(card.privacy.checks) == 8
    assert 7.9 < card.privacy.epsilon <= 8.0
