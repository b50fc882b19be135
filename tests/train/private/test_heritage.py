"""A private run that starts from a model that had learned before: what is counted, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
from dp_accounting.pld import PLDAccountant

from workbench.adapters.privacy_accounting import Phase, epsilon_of, noise_for
from workbench.audit.privacy.statement import Statement
from workbench.audit.probe import Setting
from workbench.data.corpus import Corpus
from workbench.data.overlap import fingerprints
from workbench.errors import BadInput, Misconfigured
from workbench.evidence.cards import PrivacyCard, TrainingCard
from workbench.evidence.decision import Decision
from workbench.evidence.record import Measured
from workbench.models.training_card import read_canaries, read_fingerprints, read_training_card
from workbench.seeds import Streams
from workbench.train.backbone import prepare
from workbench.train.loop import Trained, train
from workbench.train.parts import divide
from workbench.train.recipe import Recipe


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_PRIVATE_LEDGER", str(tmp_path / "private-runs.jsonl"))
    return tmp_path / "private-runs.jsonl"


def changed(recipe: Recipe, **privacy: object) -> Recipe:
    assert recipe.privacy is not None
    return recipe.model_copy(update={"privacy": recipe.privacy.model_copy(update=privacy)})


def onto(recipe: Recipe, backbone: Path) -> Recipe:
    return recipe.model_copy(update={"backbone": str(backbone)})


@pytest.fixture
def plain_recipe(private_recipe: Recipe) -> Recipe:
    return private_recipe.model_copy(update={"privacy": None, "epochs": 1})


@pytest.fixture
def elsewhere(toy: Corpus) -> Corpus:
    """Other texts: those of `toy` with a word in front, and its ids."""
    examples = (replace(one, id=f"x{one.id}", person=f"x{one.id}", input=f"elsewhere {one.input}") for one in toy)
    return replace(toy, examples=tuple(examples), name="elsewhere")


@pytest.fixture
def first(private_recipe: Recipe, toy: Corpus, tmp_path: Path) -> Trained:
    return train(changed(private_recipe, epsilon=2.0), toy, tmp_path / "first")


@pytest.fixture
def both(private_recipe: Recipe, first: Trained, toy: Corpus, tmp_path: Path) -> Trained:
    """Steps of another noise and rate, from where the first run ended."""
    return train(onto(changed(private_recipe, steps=5, batch=40), tmp_path / "first"), toy, tmp_path / "both")


def stated(trained: Trained) -> PrivacyCard:
    assert trained.card.privacy is not None
    return trained.card.privacy


def of_library(card: PrivacyCard) -> float:
    """Return epsilon by dp-accounting, asked without our code."""
    accountant = PLDAccountant()
    for one in (*card.before, card):
        accountant.compose(PoissonSampledDpEvent(one.sample_rate, GaussianDpEvent(one.noise_multiplier)), one.steps)
    return float(accountant.get_epsilon(card.delta))


def test_the_claim_counts_what_made_the_backbone(first: Trained, both: Trained) -> None:
    card, before = stated(both), stated(first)
    assert [one.model_dump() for one in card.before] == [
        {"noise_multiplier": before.noise_multiplier, "sample_rate": before.sample_rate, "steps": 12}
    ]
    assert 7.9 < card.epsilon <= 8.0
    assert of_library(card) <= card.epsilon
    alone = card.model_copy(update={"before": ()})
    assert of_library(alone) < of_library(card) - 0.1


def test_a_third_run_counts_both(private_recipe: Recipe, both: Trained, toy: Corpus, tmp_path: Path) -> None:
    third = stated(train(onto(changed(private_recipe, epsilon=12.0), tmp_path / "both"), toy, tmp_path / "third"))
    assert [one.steps for one in third.before] == [12, 5]
    assert of_library(third) <= third.epsilon <= 12


def test_what_all_runs_spend_is_never_less_than_what_one_claims(first: Trained, both: Trained) -> None:
    """The backbone's run need not be in this ledger, so it counts again: too much is said rather than too little."""
    assert stated(both).runs == 2
    assert stated(both).epsilon_of_runs == pytest.approx(stated(first).epsilon + stated(both).epsilon)


def test_canaries_are_held_against_the_steps_they_were_in(
    private_recipe: Recipe, first: Trained, toy: Corpus, tmp_path: Path
) -> None:
    train(onto(changed(private_recipe, canaries=20, guesses=4), tmp_path / "first"), toy, tmp_path / "second")
    card, run = read_training_card(tmp_path / "second"), read_canaries(tmp_path / "second")
    assert card is not None
    assert card.privacy is not None
    assert run is not None
    own = (Phase(card.privacy.noise_multiplier, card.privacy.sample_rate, card.privacy.steps),)
    assert run.epsilon == pytest.approx(epsilon_of(own, card.privacy.delta, accountant="rdp"))
    assert run.epsilon < card.privacy.epsilon - 0.1


def test_a_run_that_may_spend_no_more_than_its_backbone_had_is_refused(
    private_recipe: Recipe, first: Trained, toy: Corpus, tmp_path: Path
) -> None:
    with pytest.raises(Misconfigured, match=r"privacy.epsilon is 1.5, .* has spent (2|1.9\d*) already"):
        train(onto(changed(private_recipe, epsilon=1.5), tmp_path / "first"), toy, tmp_path / "second")


def test_noise_is_found_where_only_the_tight_accountant_leaves_room() -> None:
    before = (Phase(1.0, 0.02, 500),)
    tight, loose = (epsilon_of(before, 1e-5, accountant=name) for name in ("prv", "rdp"))
    target = (tight + loose) / 2
    assert tight < target < loose
    noise = noise_for(target, 1e-5, sample_rate=0.02, steps=10, accountant="prv", before=before)
    spent = epsilon_of((*before, Phase(noise, 0.02, 10)), 1e-5, accountant="prv")
    less = epsilon_of((*before, Phase(0.9 * noise, 0.02, 10)), 1e-5, accountant="prv")
    assert spent <= target < less


def test_noise_of_a_first_run_spends_what_may_be_spent_by_another_library() -> None:
    noise = noise_for(3.0, 1e-5, sample_rate=0.05, steps=30, accountant="prv")
    accountant = PLDAccountant()
    accountant.compose(PoissonSampledDpEvent(0.05, GaussianDpEvent(noise)), 30)
    assert 2.9 < float(accountant.get_epsilon(1e-5)) <= 3.0


def test_a_backbone_that_saw_the_examples_without_privacy_is_refused(
    plain_recipe: Recipe, private_recipe: Recipe, toy: Corpus, tmp_path: Path
) -> None:
    train(plain_recipe, toy, tmp_path / "plain")
    with pytest.raises(Misconfigured, match=r"backbone plain: has learned from \d+ of these \d+ examples without"):
        train(onto(private_recipe, tmp_path / "plain"), toy, tmp_path / "second")
    assert not (tmp_path / "second").exists()
    (tmp_path / "plain" / "fingerprints.txt").unlink()
    with pytest.raises(Misconfigured, match=r"there are no fingerprints.txt beside it to tell whether these"):
        train(onto(private_recipe, tmp_path / "plain"), toy, tmp_path / "second")
    (tmp_path / "plain" / "fingerprints.txt").write_text("0123456789abcdef\n")
    with pytest.raises(Misconfigured, match=r"on \d+ texts, and there are 1 marks in fingerprints.txt"):
        train(onto(private_recipe, tmp_path / "plain"), toy, tmp_path / "second")
    (tmp_path / "plain" / "training.json").unlink()
    with pytest.raises(Misconfigured, match=r"trained by the workbench, and training.json is not beside its weights"):
        train(onto(private_recipe, tmp_path / "plain"), toy, tmp_path / "second")


def test_one_that_saw_others_is_taken_and_said_and_not_forgotten(
    plain_recipe: Recipe, private_recipe: Recipe, toy: Corpus, elsewhere: Corpus, tmp_path: Path
) -> None:
    train(plain_recipe, elsewhere, tmp_path / "plain")
    card = stated(train(onto(private_recipe, tmp_path / "plain"), toy, tmp_path / "second"))
    assert card.before == ()
    assert card.unprotected
    assert any(one.startswith("Whoever the backbone had learned from before") for one in card.not_covered)
    with pytest.raises(Misconfigured, match="whether on these examples is not known any more"):
        train(onto(private_recipe, tmp_path / "second"), elsewhere, tmp_path / "third")


def test_what_was_learned_of_a_person_is_not_in_texts(
    plain_recipe: Recipe, private_recipe: Recipe, toy: Corpus, elsewhere: Corpus, tmp_path: Path
) -> None:
    train(plain_recipe, elsewhere, tmp_path / "plain")
    with pytest.raises(Misconfigured, match="what it learned of one person cannot be told from its texts"):
        train(onto(changed(private_recipe, unit="person"), tmp_path / "plain"), toy, tmp_path / "second")


def test_what_comes_of_an_unknown_backbone_is_unknown(
    plain_recipe: Recipe, private_recipe: Recipe, first: Trained, toy: Corpus, elsewhere: Corpus, tmp_path: Path
) -> None:
    train(onto(plain_recipe, tmp_path / "first"), elsewhere, tmp_path / "plain")
    with pytest.raises(Misconfigured, match="what its own backbone had learned from is not known any more"):
        train(onto(private_recipe, tmp_path / "plain"), toy, tmp_path / "second")


def test_an_experiment_on_those_whom_the_backbone_knows_is_refused(
    plain_recipe: Recipe, private_recipe: Recipe, first: Trained, toy: Corpus, elsewhere: Corpus, tmp_path: Path
) -> None:
    halved = private_recipe.model_copy(update={"experiment": True})
    with pytest.raises(Misconfigured, match="experiment: the backbone first was trained privately"):
        train(onto(halved, tmp_path / "first"), toy, tmp_path / "second")
    train(plain_recipe, elsewhere, tmp_path / "plain")
    half = plain_recipe.model_copy(update={"experiment": True})
    with pytest.raises(Misconfigured, match=r"experiment: the backbone plain has learned from \d+ of these"):
        train(onto(half, tmp_path / "plain"), elsewhere, tmp_path / "third")
    assert train(onto(half, tmp_path / "plain"), toy, tmp_path / "fourth").card.fingerprints is not None


def test_units_of_two_kinds_do_not_add_up(private_recipe: Recipe, first: Trained, toy: Corpus, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"for one example each, and this run protects one person"):
        train(onto(changed(private_recipe, unit="person"), tmp_path / "first"), toy, tmp_path / "second")


def test_fingerprints_tell_of_the_backbones_examples_too(
    plain_recipe: Recipe, private_recipe: Recipe, first: Trained, toy: Corpus, elsewhere: Corpus, tmp_path: Path
) -> None:
    train(plain_recipe, elsewhere, tmp_path / "plain")
    train(onto(plain_recipe, tmp_path / "plain"), toy, tmp_path / "again")
    expected = {mark for one in (toy, elsewhere) for mark in fingerprints(divide(one, plain_recipe).train)}
    assert read_fingerprints(tmp_path / "again") == expected
    # whom a private backbone learned from is not told, so nobody can say any more that an example is new
    found = train(onto(plain_recipe, tmp_path / "first"), toy, tmp_path / "from private")
    assert found.card.fingerprints is None
    assert read_fingerprints(tmp_path / "from private") is None


def test_an_audit_reckons_the_steps_of_both(both: Trained, toy: Corpus) -> None:
    def measured(card: TrainingCard) -> Measured:
        found = Statement().measure(None, toy, Setting(Streams(0), Decision(), "positive", training=card))  # type: ignore[arg-type]
        assert isinstance(found, Measured)
        return found

    card = stated(both)
    by = {one.where["accountant"]: one.value for one in measured(both.card).measurements if "accountant" in one.where}
    assert by["pld"] == pytest.approx(of_library(card), abs=2e-3)
    alone = of_library(card.model_copy(update={"before": ()}))
    lower = both.card.model_copy(update={"privacy": card.model_copy(update={"epsilon": alone})})
    with pytest.raises(BadInput, match="with those that made its backbone"):
        measured(lower)


@pytest.mark.parametrize("pooling", ["backbone", "mean"])
def test_a_classifier_goes_on_with_its_head(private_recipe: Recipe, toy: Corpus, tmp_path: Path, pooling: str) -> None:
    recipe = private_recipe.model_copy(update={"pooling": pooling})
    done = train(recipe, toy, tmp_path / "first")
    on = prepare(onto(recipe, tmp_path / "first").model_copy(update={"seed": 5, "dropout": 0.25}), toy.labels)
    held = done.classifier.network.state_dict()
    assert held.keys() == on.network.state_dict().keys()
    assert all(torch.equal(value, held[name]) for name, value in on.network.state_dict().items())
    assert {one.p for one in on.network.modules() if isinstance(one, torch.nn.Dropout)} == {0.25}
    assert on.name == "first"


@pytest.mark.parametrize("pooling", ["backbone", "mean"])
def test_the_head_of_other_labels_is_not_taken(plain_recipe: Recipe, toy: Corpus, tmp_path: Path, pooling: str) -> None:
    recipe = plain_recipe.model_copy(update={"pooling": pooling})
    done = train(recipe, toy, tmp_path / "first")
    turned = prepare(onto(recipe, tmp_path / "first"), toy.labels[::-1]).network
    head, held = turned.state_dict(), done.classifier.network.state_dict()
    assert not torch.equal(head["classifier.weight"], held["classifier.weight"])
    body = turned.base_model_prefix + "."
    assert all(torch.equal(value, held[name]) for name, value in head.items() if name.startswith(body))
    again = prepare(onto(recipe, tmp_path / "first"), toy.labels[::-1]).network.state_dict()
    assert torch.equal(again["classifier.weight"], head["classifier.weight"])
