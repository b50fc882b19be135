"""Private training as a whole, on a tiny network: what it states, what it pays for, what an interruption costs."""

from __future__ import annotations

import os
import re
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

from workbench.adapters.privacy_accounting import Phase, epsilon_of
from workbench.adapters.textattack_edits import edited
from workbench.data.corpus import Corpus
from workbench.errors import BadInput, GuaranteeBroken, Misconfigured, Unwritable
from workbench.train.evaluation import score
from workbench.train.events import TrainingEvent
from workbench.train.loop import Trained, train
from workbench.train.parts import divide
from workbench.train.privacy import Privacy
from workbench.train.private import step as step_module
from workbench.train.private.feed import Row
from workbench.train.private.ledger import Entry, runs_on, spent
from workbench.train.private.loop import Finished, plan_of
from workbench.train.private.statement import statement
from workbench.train.recipe import Recipe
from workbench.train.state import Progress, state_folder


class Killed(BaseException):
    """What an interruption looks like from inside."""


def kill_after(step: int) -> Callable[[TrainingEvent], None]:
    def listen(event: TrainingEvent) -> None:
        if event.phase == "train" and event.step == step and not event.message:
            raise Killed

    return listen


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_PRIVATE_LEDGER", str(tmp_path / "private-runs.jsonl"))
    return tmp_path / "private-runs.jsonl"


@pytest.fixture
def trained(private_recipe: Recipe, toy: Corpus, tmp_path: Path) -> Trained:
    assert private_recipe.privacy is not None
    how = private_recipe.privacy.model_copy(update={"accountant": "prv"})
    return train(private_recipe.model_copy(update={"privacy": how}), toy, tmp_path / "run")


@pytest.fixture
def n(private_recipe: Recipe, toy: Corpus) -> int:
    return len(divide(toy, private_recipe).train)


def test_the_card_states_what_was_done(trained: Trained, n: int) -> None:
    card = trained.card.privacy
    assert card is not None
    assert (card.unit, card.units, card.steps, card.lost, card.batch) == ("example", n, 12, 0, 24)
    assert card.sample_rate == pytest.approx(24 / n)
    assert card.units_public
    assert 7.9 < card.epsilon <= 8.0
    again = epsilon_of((Phase(card.noise_multiplier, card.sample_rate, 12),), 1e-3, accountant="prv")
    assert card.epsilon == pytest.approx(again, rel=1e-6)
    by = {one.accountant: one.epsilon for one in card.accountants}
    assert set(by) == {"prv", "rdp", "gdp", "pld"}
    assert by["pld"] <= card.epsilon <= by["rdp"]
    assert card.trainable == sum(one.numel() for one in trained.classifier.network.parameters())
    assert "every trainable parameter moved" in card.checks
    assert len(card.checks) == 8
    assert trained.card.fingerprints is None
    assert not (trained.classifier.folder / "fingerprints.txt").exists(), "who took part is nobody's to look up"


def test_no_loss_on_private_examples_is_told(private_recipe: Recipe, toy: Corpus, tmp_path: Path, n: int) -> None:
    events: list[TrainingEvent] = []
    done = train(private_recipe, toy, tmp_path / "run", progress=events.append)
    steps = [event for event in events if event.phase == "train"]
    assert [event.step for event in steps] == list(range(1, 13))
    assert all(event.loss is None for event in steps)
    assert done.card.curve == ()  # one more thing that is not published
    assert done.card.stopped == "steps completed"
    assert any(re.search(rf"epsilon (8|7\.99) at delta 0\.001 for {n} units", event.message) for event in events)


def test_it_learns_where_the_noise_is_small(private_recipe: Recipe, toy: Corpus, tmp_path: Path) -> None:
    assert private_recipe.privacy is not None
    how = private_recipe.privacy.model_copy(
        update={"epsilon": None, "noise_multiplier": 0.05, "steps": 60, "batch": 40}
    )
    done = train(private_recipe.model_copy(update={"privacy": how, "learning_rate": 5e-3}), toy, tmp_path / "run")
    test = divide(toy, private_recipe).test
    assert score(done.classifier.predict_proba(test.inputs), test.label_ids).accuracy > 0.9


def test_the_same_seed_does_not_repeat_a_private_run(
    trained: Trained, private_recipe: Recipe, toy: Corpus, tmp_path: Path
) -> None:
    again = train(private_recipe, toy, tmp_path / "again")
    one, other = (load_file(run.classifier.folder / "model.safetensors") for run in (trained, again))
    assert all(not torch.equal(tensor, other[name]) for name, tensor in one.items() if tensor.is_floating_point())


@pytest.mark.parametrize(("killed", "lost"), [((3,), 3), ((7,), 2), ((4, 7, 9), 4 + 4), ((12,), 2)], ids=str)
def test_an_interruption_pays_for_every_step_once(
    private_recipe: Recipe, toy: Corpus, tmp_path: Path, ledger: Path, killed: tuple[int, ...], lost: int
) -> None:
    out = tmp_path / "run"
    for step in killed:
        with pytest.raises(Killed):
            train(private_recipe, toy, out, resume=step != killed[0], progress=kill_after(step))
        assert (state_folder(out) / "steps-begun").stat().st_size == step
    done = train(private_recipe, toy, out, resume=True)
    card = done.card.privacy
    assert card is not None
    assert card.steps == 12, "neither more nor fewer steps than the noise was made for"
    assert card.lost == lost, "states lie at 5 and 10: what came after the last one is lost"
    assert card.epsilon == pytest.approx(8.0, abs=0.1)
    assert len(runs_on(ledger, corpus=toy.digest)) == 1, "a resumed run is one run"


def test_kill_9_midway_loses_no_count(
    private_recipe: Recipe, tiny_checkpoint: Path, toy: Corpus, tmp_path: Path
) -> None:
    script = tmp_path / "run.py"
    (tmp_path / "recipe.json").write_text(private_recipe.model_dump_json())
    rows = [[e.id, e.person, e.input, e.label] for e in toy]
    script.write_text(
        "import json, os, signal, sys\nfrom pathlib import Path\n"
        "from workbench.data.corpus import Corpus, Example\nfrom workbench.train.loop import train\n"
        "from workbench.train.recipe import Recipe\n"
        f"toy = Corpus(tuple(Example(*row) for row in {rows!r}), {toy.labels!r}, 'toy', 'made for the tests')\n"
        f"recipe = Recipe.model_validate_json(Path({str(tmp_path / 'recipe.json')!r}).read_text())\n"
        "def tell(event):\n"
        "    if event.phase == 'train' and event.step == 8:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        f"train(recipe, toy, Path({str(tmp_path / 'run')!r}), progress=tell)\n"
    )
    killed = subprocess.run([sys.executable, str(script)], env={**os.environ}, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    done = train(private_recipe, toy, tmp_path / "run", resume=True)
    card = done.card.privacy
    assert card is not None
    assert (card.steps, card.lost) == (12, 3)


def test_a_run_whose_count_was_lost_is_not_resumed(private_recipe: Recipe, toy: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(Killed):
        train(private_recipe, toy, out, progress=kill_after(7))
    with pytest.raises(Unwritable, match="waits in"):
        train(private_recipe, toy, out)
    (state_folder(out) / "steps-begun").write_bytes(b"...")
    with pytest.raises(BadInput, match="tells of 3 private steps, but the state beside it was left by step 5"):
        train(private_recipe, toy, out, resume=True)


def test_a_run_of_which_nothing_is_left_is_not_resumed(private_recipe: Recipe, toy: Corpus, tmp_path: Path) -> None:
    """Killed in its last step, before the first state: the network is untrained, and everything is spent."""
    recipe = private_recipe.model_copy(update={"checkpoint_every": 100})
    with pytest.raises(Killed):
        train(recipe, toy, tmp_path / "run", progress=kill_after(12))
    with pytest.raises(Misconfigured, match=r"all 12 private steps were begun, .* there is nothing to resume"):
        train(recipe, toy, tmp_path / "run", resume=True)
    assert not (tmp_path / "run").exists()


def test_people_are_protected_only_where_the_data_names_them(private_recipe: Recipe, toy: Corpus) -> None:
    assert private_recipe.privacy is not None
    how = private_recipe.privacy.model_copy(update={"unit": "person", "batch": 4})
    with pytest.raises(Misconfigured, match=r"does not say whose record an example is, .*--person-column"):
        plan_of(how, toy)
    named = replace(toy, examples=tuple(replace(one, person=f"p{i // 2}") for i, one in enumerate(toy)))
    plan = plan_of(how, named)
    assert len(plan.units) == 120
    finished = Finished(Progress(run="run", step=12), {}, "bookkeeping", 10, (), None)
    assert any("each counts as a person" in one for one in statement(plan, finished, "digest").not_covered)


def test_a_delta_that_accountants_cannot_resolve_is_refused_before_the_work() -> None:
    stated = {"epsilon": 1.0, "steps": 5, "batch": 4}
    assert Privacy(**stated, delta=1e-12).delta == 1e-12
    with pytest.raises(ValueError, match=r"greater than or equal to 0\.000000000001"):
        Privacy(**stated, delta=1e-14)


def test_what_protects_people_protects_their_examples_and_not_the_other_way_round() -> None:
    people = Entry("digest", "person", 3.0, 1e-5, "first", "today")
    examples = Entry("digest", "example", 1.0, 2e-5, "second", "today")
    assert spent([people, people], unit="person") == (6.0, 2e-5)
    assert spent([people, examples], unit="example") == (4.0, pytest.approx(3e-5))
    assert spent([people, examples], unit="person") is None
    assert spent([], unit="example") is None


def test_the_ledger_counts_the_runs_on_these_examples(
    trained: Trained, private_recipe: Recipe, toy: Corpus, tmp_path: Path
) -> None:
    assert trained.card.privacy is not None
    assert trained.card.privacy.runs == 1
    second = train(private_recipe.model_copy(update={"seed": 1}), toy, tmp_path / "second").card.privacy
    assert second is not None
    assert second.runs == 2
    assert second.epsilon_of_runs == pytest.approx(trained.card.privacy.epsilon + second.epsilon)
    assert second.delta_of_runs == pytest.approx(trained.card.privacy.delta + second.delta)


def test_empty_steps_are_steps(
    private_recipe: Recipe, toy: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    real = step_module.Mechanism.step

    def counting(self, shop, optimiser, taking_part, **more):  # type: ignore[no-untyped-def]
        taken.append(len(taking_part))
        real(self, shop, optimiser, taking_part, **more)

    monkeypatch.setattr(step_module.Mechanism, "step", counting)
    assert private_recipe.privacy is not None
    how = private_recipe.privacy.model_copy(update={"sample_rate": 0.004, "batch": 1})
    card = train(private_recipe.model_copy(update={"privacy": how}), toy, tmp_path / "run").card.privacy
    assert card is not None
    assert not card.units_public
    assert len(taken) == card.steps == 12
    assert 0 in taken, "the chance of no empty step among twelve is below 1e-5"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delta": 0.01}, "must be below 0.00"),
        ({"batch": 1_000}, "there are only {n} units"),
    ],
)
def test_plans_that_protect_nobody_are_refused(
    private_recipe: Recipe, toy: Corpus, tmp_path: Path, n: int, changes: dict[str, float], message: str
) -> None:
    assert private_recipe.privacy is not None
    how = private_recipe.privacy.model_copy(update=changes)
    with pytest.raises(Misconfigured, match=message.format(n=n)):
        train(private_recipe.model_copy(update={"privacy": how}), toy, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_mechanism_that_is_broken_trains_nothing(
    private_recipe: Recipe, toy: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_module, "normal", lambda shape, deviation, device: torch.zeros(shape, device=device))
    with pytest.raises(GuaranteeBroken, match="noise has the stated deviation"):
        train(private_recipe, toy, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("unit", ["example", "person"])
@pytest.mark.parametrize("rewritten", [False, True])
def test_one_unit_more_moves_the_sum_by_at_most_the_bound(
    shop, mechanism, toy: Corpus, unit: str, rewritten: bool
) -> None:
    """Both neighbouring data sets are made from scratch, with all their rewritings."""
    people = tuple(replace(example, person=f"p{i % 9}") for i, example in enumerate(toy.examples[:36]))
    how = mechanism.how.model_copy(
        update={"unit": unit, "records": 3, "batch": 4, "max_grad_norm": 0.1, "epsilon": None, "noise_multiplier": 1.0}
    )
    mechanism = replace(mechanism, how=how)

    def total(examples):  # type: ignore[no-untyped-def]
        train_part = replace(toy, examples=examples, split="train")
        plan = plan_of(how, train_part)
        taking_part = {}
        for members in plan.units.members:
            rows = []
            for i in members:
                example = examples[i]
                more = edited("misspellings", example.input, copies=2, share=0.5, seed=sum(example.id.encode()))
                texts = [example.input, *(more if rewritten else [])]
                rows += [
                    Row(ids, toy.labels.index(example.label), 1 / (len(texts) * len(members)))
                    for ids in shop.encoder.ids(texts)
                ]
            taking_part[examples[members[0]].person if unit == "person" else examples[members[0]].id] = rows
        return mechanism.clipped_sum(shop, dict(enumerate(taking_part.values())))

    whole = total(people)
    gone = "p4" if unit == "person" else people[4].id
    less = total(tuple(e for e in people if (e.person if unit == "person" else e.id) != gone))
    moved = np.sqrt(sum(float((whole[one] - less[one]).double().square().sum()) for one in whole))
    assert 0.05 < moved <= 0.1 * (1 + 1e-4)
