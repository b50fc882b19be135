"""Training on rewritings and on perturbed embeddings: what is learned from, what it weighs, what the card says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from workbench.adapters import textattack as adapter
from workbench.data.corpus import Corpus
from workbench.errors import Misconfigured, MissingResource
from workbench.models.hugging_face import HuggingFaceTextClassifier
from workbench.seeds import Streams
from workbench.train.augmentation import Embedding
from workbench.train.backbone import prepare
from workbench.train.events import TrainingEvent
from workbench.train.loop import train
from workbench.train.passes import Passes
from workbench.train.recipe import Recipe
from workbench.train.rows import Rows
from workbench.train.step import Batch, Workshop, optimise
from workbench.train.variants import Random, Variants

ATTACK = {"kind": "adversarial", "attack": "deepwordbug", "fraction": 0.3, "query_budget": 30}
TEXTS = ["a good dress", "the dress is bad and it is not good"]


class Killed(BaseException):
    pass


@pytest.fixture
def shop(quick: Recipe) -> Any:
    """Makes a workshop in which a network of its own stands, without dropout."""

    def make(**augmentation: Any) -> Workshop:
        recipe = quick.but(dropout=0.0, augmentation=augmentation or None)
        trainee = prepare(recipe, ("negative", "positive"))
        weights = torch.tensor([1.0, 3.0])
        return Workshop(recipe, Accelerator(cpu=True), trainee.network, trainee.encoder, weights, "float32", Streams(0))

    return make


def gradients(shop: Workshop, batches: list[Batch]) -> tuple[float, dict[str, torch.Tensor]]:
    """Return the loss and gradients of one step, taken without moving."""
    network = shop.network.train()
    found: dict[str, torch.Tensor] = {}

    class Still(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            found.update({name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None})

    loss = optimise(shop, Still(network.parameters(), lr=1.0), batches, step=0)
    return loss, found


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor], atol: float) -> None:
    assert a.keys() == b.keys()
    for name, gradient in a.items():
        torch.testing.assert_close(gradient, b[name], atol=atol, rtol=1e-4, msg=name)


def batch(shop: Workshop, *, shares: tuple[float, ...] = (1.0, 1.0)) -> Batch:
    return Batch(shop.encoder.ids(TEXTS), (1, 0), shares, (1.0, 1.0))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({**ATTACK, "primary_attack": "pruthi"}, r"pruthi edits letters, which training sees; .* pwws"),
    ({**ATTACK, "primary_attack": "nobody"}, "primary_attack: unknown"),
    ({**ATTACK, "attack": "hotair"}, "augmentation.*attack: unknown"),
    ({**ATTACK, "clean_epochs": 2}, r"clean_epochs: 2 leave none of 2 epochs"),
    ({"kind": "edits", "edits": ["misspelings"]}, "unknown: misspelings; choose of misspellings"),
    ({"kind": "edits", "edits": []}, "at least 1"),
    ({"kind": "edits", "edits": ["synonyms"], "primary_attack": "pwws@1"}, "pwws@1 edits synonyms"),
    ({"kind": "magic"}, "adversarial"),
    ({"kind": "embedding", "radius": 0}, "radius"),
    ({"kind": "embedding", "steps": 3, "eta": 1}, "eta"),
]


@pytest.mark.parametrize(("table", "said"), WRONG, ids=[said[:30] for _, said in WRONG])
def test_wrong_tables(quick: Recipe, table: dict[str, Any], said: str) -> None:
    with pytest.raises(Misconfigured, match=said) as refusal:
        quick.but(augmentation=table)
    assert "\n" not in str(refusal.value)


def test_a_table_in_toml(tmp_path: Path) -> None:
    place = tmp_path / "recipe.toml"
    place.write_text('epochs = 3\n[augmentation]\nkind = "embedding"\nmethod = "pgd"\nprimary_attack = "pwws"\n')
    found = Recipe.read(place)
    assert found.augmentation == Embedding(kind="embedding", method="pgd", primary_attack="pwws")
    assert found.but(epochs=2).augmentation == found.augmentation


def test_an_example_counts_once_however_many_rewritings_it_has(shop: Any, toy: Corpus) -> None:
    """Rewritings that are the text itself change neither loss nor gradient; class weights hold, too."""
    once, here = shop(), shop()
    few = Corpus(toy.examples[:4], toy.labels, "few", "made")
    ids = once.encoder.ids(few.inputs)
    plain = Rows(once.encoder, few, ids, Variants({})).batch([0, 1, 2, 3])
    same = Variants({1: (few.inputs[1],) * 3, 2: (few.inputs[2],)})
    more = Rows(once.encoder, few, ids, same).batch([0, 1, 2, 3])
    assert (len(plain.ids), len(more.ids), sum(more.shares)) == (4, 8, 4)
    a, b = gradients(once, [plain]), gradients(here, [more])
    assert a[0] == pytest.approx(b[0], rel=1e-5)
    assert_same(a[1], b[1], 1e-6)
    other = Variants({1: ("something else",)})
    assert gradients(shop(), [Rows(once.encoder, few, ids, other).batch([0, 1, 2, 3])])[0] != pytest.approx(a[0])


def test_texts_may_be_replaced(shop: Any, toy: Corpus) -> None:
    here = shop()
    few = Corpus(toy.examples[:2], toy.labels, "few", "made")
    rows = Rows(here.encoder, few, here.encoder.ids(few.inputs), Variants({0: ("a",), 1: ("b",)}, instead=True))
    assert rows.batch([1, 0]) == Batch(tuple(here.encoder.ids(["b", "a"])), (1, 0), (1.0, 1.0), (1.0, 1.0))


@pytest.mark.parametrize("method", ["freelb", "pgd", "virtual"])
def test_perturbations_of_no_size_change_nothing(shop: Any, method: str) -> None:
    plain, here = shop(), shop(kind="embedding", method=method, radius=1e-7, step_size=1e-7)
    a, b = gradients(plain, [batch(plain)]), gradients(here, [batch(here)])
    assert a[0] == pytest.approx(b[0], rel=1e-4)
    assert_same(a[1], b[1], 1e-5)


@pytest.mark.parametrize("method", ["freelb", "pgd", "virtual"])
def test_perturbations_raise_the_loss(shop: Any, method: str) -> None:
    plain, here = shop(), shop(kind="embedding", method=method, radius=3.0, step_size=1.0)
    assert gradients(here, [batch(here)])[0] > gradients(plain, [batch(plain)])[0] + 1e-4


def test_freelb_is_the_mean_over_its_own_path(shop: Any) -> None:
    """One text, two steps, computed again by hand from the paper's algorithm 1."""
    how = Embedding(kind="embedding", steps=2, radius=0.8, step_size=0.5)
    here = shop(**how.model_dump())
    ids = here.encoder.ids(TEXTS[:1])
    loss, found = gradients(here, [Batch(ids, (1,), (1.0,), (1.0,))])
    by_hand = shop()
    network = by_hand.network.train()
    table = network.get_input_embeddings()
    unit = float(table.weight.detach().norm(dim=-1).mean())
    inputs = by_hand.encoder.inputs(ids, torch.device("cpu"))
    tokens = inputs.pop("input_ids")
    size = tokens.shape[1] * table.weight.shape[1]
    with torch.random.fork_rng():
        torch.manual_seed(Streams(0).seed("train", "dropout", "0", "0", "0"))
        start = torch.empty(1, tokens.shape[1], table.weight.shape[1]).uniform_(-1, 1)
    delta = start * how.step_size * unit / size**0.5
    losses = []
    for _ in range(2):
        delta = delta.detach().requires_grad_()
        logits = network(inputs_embeds=table(tokens) + delta, **inputs).logits
        one = 3 * torch.nn.functional.cross_entropy(logits, torch.tensor([1]))  # what the label weighs
        (one / 2).backward()
        losses.append(one.item())
        step = delta.detach() + how.step_size * unit * delta.grad / delta.grad.norm()
        delta = step * min(1.0, how.radius * unit / float(step.norm()))
    assert loss == pytest.approx(np.mean(losses), rel=1e-5)
    # Clipped to length 1 as the recipe says.
    grads = {name: p.grad for name, p in network.named_parameters()}
    whole = float(torch.sqrt(sum(g.pow(2).sum() for g in grads.values())))
    assert_same(found, {name: g * min(1.0, 1.0 / whole) for name, g in grads.items()}, 1e-5)


def test_perturbations_leave_padding_alone_and_stay_inside(shop: Any) -> None:
    here = shop(kind="embedding", radius=0.5, step_size=2.0)
    passes: Passes = here.passes
    seen = []
    network = here.network.train()
    table = network.get_input_embeddings()
    unit = float(table.weight.detach().norm(dim=-1).mean())
    inputs = here.encoder.inputs(here.encoder.ids(TEXTS), torch.device("cpu"))
    plain = table(inputs["input_ids"]).detach()

    def spy(module: Any, args: Any, kwargs: Any) -> None:
        seen.append(kwargs["inputs_embeds"].detach() - plain)

    with network.register_forward_pre_hook(spy, with_kwargs=True):
        passes.backward(inputs, torch.tensor([1, 0]), torch.tensor([0.5, 0.5]), seed=1, last=True)
    assert len(seen) == 3
    for moved in seen:
        assert float(moved[inputs["attention_mask"] == 0].abs().max()) == 0
        assert (moved.norm(dim=(1, 2)) <= 0.5 * unit * 1.001).all()
    assert (seen[-1].norm(dim=(1, 2)) >= 0.5 * unit * 0.99).all()


def test_random_edits_are_drawn_by_example(textattack: Any, quick: Recipe, toy: Corpus) -> None:
    table = {"kind": "edits", "edits": ["misspellings"], "fraction": 0.5, "copies": 2, "words": 0.3}
    how: Any = quick.but(augmentation=table).augmentation
    told: list[TrainingEvent] = []
    found = Random(how, toy, Streams(3), told.append).of(0, starts=True)
    assert 80 <= len(found.texts) <= 160
    assert all(1 <= len(texts) <= 2 for texts in found.texts.values())
    assert all(text != toy.inputs[i] for i, texts in found.texts.items() for text in texts)
    assert len(told) == len(toy)
    half = Corpus(toy.examples[100:], toy.labels, "half", "made")
    again = Random(how, half, Streams(3), lambda event: None).of(1, starts=False)
    assert {i + 100: texts for i, texts in again.texts.items()} == {i: t for i, t in found.texts.items() if i >= 100}


def test_edits_are_in_the_card(textattack: Any, quick: Recipe, toy: Corpus, tmp_path: Path) -> None:
    table = {"kind": "edits", "edits": ["misspellings"], "primary_attack": "checklist_without_names"}
    told: list[TrainingEvent] = []
    trained = train(quick.but(epochs=1, augmentation=table), toy, tmp_path / "out", progress=told.append)
    card = trained.card.augmentation
    assert card is not None
    assert (card.families, card.primary_attack) == (("letters",), "checklist_without_names")
    assert card.rewritings > 100
    said = next(i for i, event in enumerate(told) if "rewritings of" in event.message)
    assert said < next(i for i, event in enumerate(told) if event.phase == "augment")


@pytest.mark.parametrize("attack", ["pwws", "textfooler_glove"])
def test_what_an_attack_needs_is_asked_for_before_the_first_epoch(
    textattack: Any, quick: Recipe, toy: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: str
) -> None:
    def lacking(look: Any, missing: str) -> None:
        raise MissingResource(missing)

    monkeypatch.setattr(adapter, "_require_nltk", lacking)
    told: list[TrainingEvent] = []
    recipe = quick.but(augmentation={**ATTACK, "attack": attack, "clean_epochs": 1})
    with pytest.raises(MissingResource, match="attacks with synonyms need WordNet"):
        train(recipe, toy, tmp_path / "out", progress=told.append)
    assert {event.phase for event in told} == {"prepare"}
    train(recipe.but(epochs=1, augmentation={**ATTACK, "clean_epochs": 0}), toy, tmp_path / "letters")


@pytest.fixture(scope="module")
def hardened(textattack: Any, quick: Recipe, toy: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return train(quick.but(epochs=3, augmentation=ATTACK), toy, tmp_path_factory.mktemp("runs") / "hardened")


def test_attacks_are_counted(hardened: Any) -> None:
    card = hardened.card.augmentation
    assert [one.epoch for one in card.rounds] == [1, 2]
    for one in card.rounds:
        assert 20 <= one.drawn <= 90
        assert one.drawn >= one.attacked >= one.succeeded > 0
        assert one.failed == 0
    assert card.rewritings == card.rounds[-1].succeeded


@pytest.mark.slow
@pytest.mark.parametrize("kill", ["during an attack", "in the epoch after it"])
def test_a_killed_run_ends_in_the_same_bits(
    hardened: Any, quick: Recipe, toy: Corpus, tmp_path: Path, kill: str
) -> None:
    counts = {"augment": 0}

    def die(event: TrainingEvent) -> None:
        if event.phase == "augment":
            counts["augment"] += 1
            if kill == "during an attack" and counts["augment"] == 7:
                raise Killed
        if event.phase == "train" and event.step == 17 and kill != "during an attack":
            raise Killed

    recipe, out = quick.but(epochs=3, augmentation=ATTACK), tmp_path / "broken"
    with pytest.raises(Killed):
        train(recipe, toy, out, progress=die)
    again: list[TrainingEvent] = []
    resumed = train(recipe, toy, out, resume=True, progress=again.append)
    assert resumed.classifier.digest == hardened.classifier.digest
    first = next(event for event in again if event.phase == "augment")
    if kill == "during an attack":
        assert first.step == 8, "what was found before the kill is not searched again"
    assert [one.model_dump(exclude={"seconds"}) for one in resumed.card.augmentation.rounds] == [
        one.model_dump(exclude={"seconds"}) for one in hardened.card.augmentation.rounds
    ]


@pytest.mark.slow
@pytest.mark.parametrize("table", [ATTACK, {"kind": "embedding"}], ids=["adversarial", "embedding"])
def test_two_processes_learn_what_one_does(
    textattack: Any,
    quick: Recipe,
    toy: Corpus,
    tmp_path: Path,
    train_in_two_processes: Callable[[Recipe, Corpus, Path], HuggingFaceTextClassifier],
    table: dict[str, Any],
) -> None:
    recipe = quick.but(dropout=0.0, class_weights="balanced", batch_size=15, augmentation=table)
    one = train(recipe, toy, tmp_path / "one")
    two = train_in_two_processes(recipe, toy, tmp_path / "two")
    texts = toy.inputs[:50]
    if table["kind"] == "embedding":  # where each process's perturbations start is its own
        assert np.abs(two.predict_proba(texts) - one.classifier.predict_proba(texts)).max() < 0.2
        return
    np.testing.assert_allclose(two.predict_proba(texts), one.classifier.predict_proba(texts), atol=2e-2)
    from workbench.models.training_card import read_training_card

    card = read_training_card(tmp_path / "two")
    assert card is not None
    assert card.augmentation is not None
    assert card.augmentation.rounds[0].drawn == one.card.augmentation.rounds[0].drawn
