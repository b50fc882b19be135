"""Shortcuts: the logits, gradients and files of the untouched network, or the untouched network."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer, XLNetConfig, XLNetForSequenceClassification

from workbench.models.quiet import quiet_transformers
from workbench.models.shortcut import pack_linears, take_shortcut

TEXTS = ["good", "the dress is very bad and too small", "i loved it"]
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "bos_token_id": None, "eos_token_id": None}
KNOWN = {"bert": "BertLayer", "roberta": "RobertaLayer", "distilbert": "TransformerBlock", "electra": "ElectraLayer"}
KNOWN |= {"xlm-roberta": "XLMRobertaLayer", "camembert": "CamembertLayer"}


class Subject:
    """A tiny network, its untouched twin, and a padded batch."""

    def __init__(self, folder: Path, *, side: str = "right", **load: Any) -> None:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.padding_side = side
        batch = tokenizer(TEXTS, return_tensors="pt", padding=True)
        self.inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        with quiet_transformers():
            self.network = AutoModelForSequenceClassification.from_pretrained(folder, **load).eval()
        self.network.requires_grad_(False)
        self.untouched = copy.deepcopy(self.network)

    def trial(self) -> torch.Tensor:
        return self.logits(self.network)

    def logits(self, network: Any) -> torch.Tensor:
        found: torch.Tensor = network(**self.inputs).logits
        return found

    def shortened(self) -> bool:
        return take_shortcut(self.network, self.trial) is not None

    def is_untouched(self) -> bool:
        kinds = [[type(module) for module in network.modules()] for network in (self.network, self.untouched)]
        return kinds[0] == kinds[1] and torch.equal(self.trial(), self.logits(self.untouched))


def xlnet(folder: Path) -> Path:
    """Replace the network in `folder`, but not its tokenizer, by a tiny XLNet."""
    config = XLNetConfig(vocab_size=81, d_model=16, n_layer=2, n_head=2, d_inner=24, pad_token_id=0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = XLNetForSequenceClassification(config)
    with quiet_transformers():
        network.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(build_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    built: dict[str, Path] = {}

    def get(architecture: str) -> Path:
        if architecture not in built:
            path = tmp_path_factory.mktemp("shortcut") / architecture
            if architecture == "xlnet":
                built[architecture] = xlnet(build_checkpoint(path))
            else:
                shape = GPT2 if architecture == "gpt2" else {}
                built[architecture] = build_checkpoint(path, architecture=architecture, **shape)
        return built[architecture]

    return get


@pytest.fixture(params=list(KNOWN))
def subject(request: pytest.FixtureRequest, folder: Callable[[str], Path]) -> Subject:
    return Subject(folder(request.param))


def test_logits_stay_and_only_the_first_position_is_computed(subject: Subject) -> None:
    kind = KNOWN[subject.network.config.model_type]
    assert take_shortcut(subject.network, subject.trial) == kind
    torch.testing.assert_close(subject.trial(), subject.logits(subject.untouched), atol=1e-6, rtol=0)
    assert float(subject.trial()[:, 0].std()) > 1e-3, "the texts differ"
    hidden = subject.network.base_model(**subject.inputs).last_hidden_state
    whole = subject.untouched.base_model(**subject.inputs).last_hidden_state
    assert hidden.shape == (len(TEXTS), 1, 16)
    torch.testing.assert_close(hidden, whole[:, :1], atol=1e-6, rtol=0)
    assert take_shortcut(subject.network, subject.trial) is None, "there is nothing left to shorten"


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_padding_on_either_side_in_either_attention(folder: Callable[[str], Path], side: str, attention: str) -> None:
    subject = Subject(folder("bert"), side=side, attn_implementation=attention)
    assert subject.shortened()
    torch.testing.assert_close(subject.trial(), subject.logits(subject.untouched), atol=1e-6, rtol=0)
    subject.inputs = {name: value[1:2] for name, value in subject.inputs.items()}  # no padding: there is no mask then
    torch.testing.assert_close(subject.trial(), subject.logits(subject.untouched), atol=1e-6, rtol=0)


def gradients(network: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    embedded = network.get_input_embeddings()(inputs["input_ids"]).requires_grad_()
    logits = network(inputs_embeds=embedded, attention_mask=inputs["attention_mask"]).logits
    found: torch.Tensor = torch.autograd.grad(logits[:, 1].sum(), embedded)[0]
    return found


def test_gradients_stay(subject: Subject) -> None:
    expected = gradients(subject.untouched, subject.inputs)
    assert subject.shortened()
    assert pack_linears(subject.network, subject.trial)
    largest = float(expected.abs().max())
    assert largest > 0.01
    found = gradients(subject.network, subject.inputs)
    torch.testing.assert_close(found, expected, atol=1e-6 * max(1.0, largest), rtol=0)


def test_parameters_are_the_same_and_are_saved_under_the_same_names(subject: Subject, tmp_path: Path) -> None:
    before = dict(subject.network.named_parameters())
    assert subject.shortened()
    assert pack_linears(subject.network, subject.trial)
    after = dict(subject.network.named_parameters())
    assert before.keys() == after.keys()
    assert all(after[name] is before[name] for name in before)
    with quiet_transformers():
        subject.network.save_pretrained(tmp_path / "short")
        subject.untouched.save_pretrained(tmp_path / "whole")
    short, whole = (load_file(tmp_path / name / "model.safetensors") for name in ("short", "whole"))
    assert short.keys() == whole.keys()
    assert all(torch.equal(short[name], whole[name]) for name in whole)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "short").eval()
    torch.testing.assert_close(subject.logits(loaded), subject.logits(subject.untouched), atol=0, rtol=0)


def test_a_copy_in_bfloat16_is_on_its_own(subject: Subject) -> None:
    assert subject.shortened()
    assert pack_linears(subject.network, subject.trial)
    twin = copy.deepcopy(subject.network).to(torch.bfloat16)
    assert pack_linears(twin, lambda: subject.logits(twin)) == 0, "all are packed already"
    whole = copy.deepcopy(subject.untouched).to(torch.bfloat16)
    with torch.inference_mode():
        found, exact = subject.logits(twin), subject.logits(whole)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, exact, atol=0.02, rtol=0.02)
    assert not {p.data_ptr() for p in twin.parameters()} & {p.data_ptr() for p in subject.network.parameters()}
    torch.testing.assert_close(subject.trial(), subject.logits(subject.untouched), atol=1e-6, rtol=0)


@pytest.mark.parametrize("architecture", ["xlnet", "gpt2"])
def test_other_architectures_are_left_alone(folder: Callable[[str], Path], architecture: str) -> None:
    subject = Subject(folder(architecture), side="left" if architecture == "xlnet" else "right")
    assert not subject.shortened()
    assert subject.is_untouched()


def last_position(hidden: torch.Tensor) -> torch.Tensor:
    return hidden[:, -1]


def mean(hidden: torch.Tensor) -> torch.Tensor:
    return hidden.mean(1)


def second_position(hidden: torch.Tensor) -> torch.Tensor:
    return hidden[:, 1]


@pytest.mark.parametrize("read", [last_position, mean, second_position])
def test_a_head_that_reads_other_positions_is_left_alone(
    folder: Callable[[str], Path], read: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    subject = Subject(folder("bert"))
    subject.network.bert.pooler.forward = subject.untouched.bert.pooler.forward = read
    assert not subject.shortened()
    assert subject.is_untouched()


def test_a_subclass_of_a_known_layer_is_left_alone(folder: Callable[[str], Path]) -> None:
    subject = Subject(folder("bert"))
    layer = subject.network.bert.encoder.layer[-1]
    layer.__class__ = type("BertLayer", (type(layer),), {"__module__": __name__})
    assert not subject.shortened()


def test_a_decoder_and_a_network_in_training_are_left_alone(folder: Callable[[str], Path]) -> None:
    decoder = Subject(folder("bert"), is_decoder=True)
    assert not decoder.shortened()
    assert decoder.is_untouched()
    subject = Subject(folder("bert"))
    subject.network.train()
    assert not subject.shortened()
    assert pack_linears(subject.network, subject.trial) == 0
    assert subject.network.training
    subject.network.eval()
    assert subject.is_untouched()
    assert subject.shortened()
    subject.network.train()
    with pytest.raises(RuntimeError, match="eval"):
        subject.trial()


def test_an_unforeseen_failure_puts_the_layer_back_and_is_not_hidden(folder: Callable[[str], Path]) -> None:
    subject, calls = Subject(folder("bert")), 0

    def interrupted() -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return subject.trial()

    for change in (take_shortcut, pack_linears):
        calls = 0
        with pytest.raises(KeyboardInterrupt):
            change(subject.network, interrupted)
        assert subject.is_untouched()


# --- Packed weights ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("architecture", "dtype"),
    [
        ("bert", torch.float32),
        ("bert", torch.bfloat16),
        ("distilbert", torch.float32),
        ("distilbert", torch.bfloat16),
        ("xlnet", torch.float32),  # transformers' XLNet does not run in bfloat16
    ],
)
def test_packed_logits_stay(folder: Callable[[str], Path], architecture: str, dtype: torch.dtype) -> None:
    subject = Subject(folder(architecture), side="left" if architecture == "xlnet" else "right", dtype=dtype)
    linears = sum(type(module) is torch.nn.Linear for module in subject.network.modules())
    multiplies = dtype == torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported()  # else torch packs nothing
    assert linears > 0
    assert pack_linears(subject.network, subject.trial) == (linears if multiplies else 0)
    with torch.inference_mode():
        found, exact = subject.trial(), subject.logits(subject.untouched)
    atol = 1e-6 if dtype == torch.float32 else 0.02
    torch.testing.assert_close(found, exact, atol=atol, rtol=0)


def packed(folder: Callable[[str], Path]) -> tuple[Subject, Any]:
    subject = Subject(folder("bert"))
    assert pack_linears(subject.network, subject.trial)
    return subject, subject.network.bert.encoder.layer[0].intermediate.dense


def test_packed_weights_that_change_are_packed_again(folder: Callable[[str], Path]) -> None:
    _, linear = packed(folder)
    x = torch.randn(5, 16)
    with torch.no_grad():
        for change in (lambda: linear.weight.mul_(2), lambda: setattr(linear.weight, "data", linear.weight + 1)):
            change()
            expected = x @ linear.weight.T + linear.bias
            torch.testing.assert_close(linear(x), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("rows", [(0, 16), (1, 16), (2, 0, 16), (3, 7, 16), (16,)])
def test_packed_shapes(folder: Callable[[str], Path], rows: tuple[int, ...]) -> None:
    _, linear = packed(folder)
    x = torch.randn(rows)
    with torch.inference_mode():
        torch.testing.assert_close(linear(x), x @ linear.weight.T + linear.bias, atol=1e-5, rtol=0)


@pytest.mark.parametrize("rows", [(0, 16), (1, 16), (3, 7, 16), (16,)])
def test_packed_gradients(folder: Callable[[str], Path], rows: tuple[int, ...]) -> None:
    _, linear = packed(folder)
    x, y = (torch.randn(rows, requires_grad=True), torch.randn(*rows[:-1], linear.weight.shape[0]))
    with torch.inference_mode():
        linear(x.detach())  # whoever packs first is no matter
    for _ in range(2):
        found, expected = (
            torch.autograd.grad((out * y).sum(), x)[0]
            for out in (linear(x), torch.nn.functional.linear(x, linear.weight, linear.bias))
        )
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
        with torch.no_grad():
            linear.weight.mul_(-2)


def test_packed_gradients_are_those_of_the_weight_that_answered(folder: Callable[[str], Path]) -> None:
    _, linear = packed(folder)
    x = torch.randn(5, 16, requires_grad=True)
    weight, out = linear.weight.clone(), linear(x)
    with torch.no_grad():
        linear.weight.mul_(3)
    torch.testing.assert_close(torch.autograd.grad(out.sum(), x)[0], weight.sum(0).expand(5, 16), atol=1e-5, rtol=0)


def test_a_packed_weight_that_may_learn_has_a_gradient(folder: Callable[[str], Path]) -> None:
    _, linear = packed(folder)
    linear.weight.requires_grad_(True)
    x = torch.randn(5, 16)
    (found,) = torch.autograd.grad(linear(x).sum(), linear.weight)
    torch.testing.assert_close(found, x.sum(0).expand_as(found), atol=1e-5, rtol=0)


def test_packed_under_autocast_is_as_torch_does_it(folder: Callable[[str], Path]) -> None:
    subject, _ = packed(folder)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(subject.trial(), subject.logits(subject.untouched), atol=0, rtol=0)


def test_what_onednn_cannot_do_is_left_alone(folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject(folder("bert"), dtype=torch.float64)
    assert pack_linears(subject.network, subject.trial) == 0
    assert subject.is_untouched()
    subject = Subject(folder("bert"))
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", None)
    assert pack_linears(subject.network, subject.trial) == 0
    assert subject.is_untouched()


def test_a_twin_in_a_type_that_cannot_be_packed_is_as_torch_does_it(folder: Callable[[str], Path]) -> None:
    subject, _ = packed(folder)
    twin, whole = (copy.deepcopy(network).double() for network in (subject.network, subject.untouched))
    with torch.inference_mode():
        torch.testing.assert_close(subject.logits(twin), subject.logits(whole), atol=0, rtol=0)
