"""What every test shares: an offline, quiet process; a ledger of its own; markers that say what a test needs."""

from __future__ import annotations

import os

# Before torch, tokenizers or the hub libraries load: they read these once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
os.environ.setdefault("OMP_NUM_THREADS", str(min(2, os.cpu_count() or 1)))
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")

import importlib.util
import ipaddress
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from workbench import home

CHECKOUT = Path(__file__).resolve().parent.parent
REQUIRE_ALL = "WORKBENCH_REQUIRE_ALL"
"""Set (by `.ci/run`) where every resource is expected: a missing one then fails its tests instead of skipping them."""

# How fast examples are made says more of the machine than of the strategy.
settings.register_profile("workbench", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("workbench")


# --- What a test needs -------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--gpu", action="store_true", help="also run the tests that need a GPU")
    parser.addoption("--network", action="store_true", help="also run the tests that need internet")
    parser.addoption("--update-golden", action="store_true", help="accept the rendered report as the golden one")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first: a long file that starts last would keep one worker waiting for the other."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, missing in _NEEDS.items():
        if item.get_closest_marker(marker) and (reason := missing()):
            if os.environ.get(REQUIRE_ALL, "0") not in ("", "0"):
                pytest.fail(f"{reason} ({REQUIRE_ALL} is set: nothing may be missing here)", pytrace=False)
            pytest.skip(reason)
    for marker in ("gpu", "network"):
        if item.get_closest_marker(marker) and not item.config.getoption(f"--{marker}"):
            pytest.skip(f"opt-in: run with --{marker}")


def _no_browser() -> str:
    if importlib.util.find_spec("playwright") is None:
        return "needs playwright (pip install 'trust-workbench[dev]')"
    return "" if _chromium() else "needs Chromium (Debian package chromium)"


def _no_wordnet() -> str:
    if (home.nltk_root() / "corpora" / "wordnet" / "data.noun").is_file():
        return ""
    return "needs WordNet (make wordnet, or the Debian packages wordnet-base and wordnet-sense-index, then make setup)"


def _no_demo() -> str:
    return "" if (CHECKOUT / "reports" / "demo" / "audit.json").is_file() else "needs the demo's report (make demo)"


_NEEDS: dict[str, Callable[[], str]] = {"browser": _no_browser, "wordnet": _no_wordnet, "demo": _no_demo}


def _chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium's executable, for tests marked `browser`."""
    found = _chromium()
    assert found, "mark the test with pytest.mark.browser"
    return found


# --- Where things are --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the source checkout."""
    return CHECKOUT


@pytest.fixture(scope="session", autouse=True)
def _prepared_home() -> Iterator[None]:
    """Keep to the checkout's resources, whatever folder a test runs in."""
    with pytest.MonkeyPatch.context() as patch:
        if "WORKBENCH_HOME" not in os.environ:
            patch.setenv("WORKBENCH_HOME", str(CHECKOUT / ".workbench"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _session_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep audits made by wider fixtures out of the user's ledger."""
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("ledger")
        patch.setenv("WORKBENCH_LEDGER", str(place / "ledger.jsonl"))
        patch.setenv("WORKBENCH_PRIVATE_LEDGER", str(place / "private-runs.jsonl"))
        yield


@pytest.fixture(autouse=True)
def _own_ledger(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test an empty ledger, so that none counts another's audits."""
    place = tmp_path_factory.mktemp("ledger")
    monkeypatch.setenv("WORKBENCH_LEDGER", str(place / "ledger.jsonl"))
    monkeypatch.setenv("WORKBENCH_PRIVATE_LEDGER", str(place / "private-runs.jsonl"))


# --- No network --------------------------------------------------------------------------------------------------


class Offline(OSError):
    """A test reached for the network."""


class _Guard:
    """Stands in for `socket.socket.connect` and name lookup; remembers what was asked for, also if that was caught."""

    def __init__(self) -> None:
        self.attempts: list[str] = []

    def check(self, host: object) -> None:
        if not _is_local(host):
            self.attempts.append(str(host))
            raise Offline(f"a test tried to reach {host!r}; tests run offline (mark it `network` if it must)")

    def wrap_connect(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(sock: socket.socket, address: Any) -> Any:
            if sock.family != socket.AF_UNIX:
                self.check(address[0])
            return real(sock, address)

        return connect

    def wrap_lookup(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
            self.check(host)
            return real(host, *args, **kwargs)

        return getaddrinfo


def _is_local(host: object) -> bool:
    """Whether `host` is this machine. (Browser and notebook tests talk to their own servers.)"""
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in ("", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(str(name).partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def network_guard() -> Iterator[_Guard]:
    guard = _Guard()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guard.wrap_connect(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guard.wrap_connect(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", guard.wrap_lookup(socket.getaddrinfo))
        yield guard


@pytest.fixture(autouse=True)
def _no_network(
    request: pytest.FixtureRequest, network_guard: _Guard, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Fail a test that reached for the network, even where a library swallowed the refusal."""
    if request.node.get_closest_marker("network"):
        monkeypatch.setattr(network_guard, "check", lambda host: None)
    yield
    attempts, network_guard.attempts[:] = list(network_guard.attempts), []
    assert not attempts, f"reached for the network: {attempts}"


# --- Shared models and corpora (others add theirs below) -----------------------------------------------------------

# Tiny checkpoints, built in-process (the models' engineer).

BuildCheckpoint = Callable[..., Path]


@pytest.fixture(scope="session")
def build_checkpoint() -> BuildCheckpoint:
    """Write a random two-layer text classifier with its tokenizer, as transformers saves them.

    `build_checkpoint(folder, architecture="bert", labels=("negative", "positive"), seed=0, **config)`; the vocabulary
    is 26 words and all letters, so every English text can be read. Reads at most 32 tokens.
    """
    return _build_checkpoint


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random BERT for two labels, 'negative' and 'positive'. Copy it before changing it."""
    return _build_checkpoint(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_masked_lm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT that fills every gap with 'awful', then a piece of a word, '[UNK]', 'poor'."""
    import torch
    from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer

    made = _build_checkpoint(tmp_path_factory.mktemp("masked") / "tiny-mlm")
    tokenizer = AutoTokenizer.from_pretrained(made)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(made))
    with torch.no_grad():
        for word, bias in (("awful", 90.0), ("##o", 80.0), ("[UNK]", 70.0), ("poor", 60.0)):
            network.cls.predictions.bias[tokenizer.convert_tokens_to_ids(word)] = bias
    network.save_pretrained(made)
    return made


_WORDS = [
    *("the", "a", "dress", "is", "was", "good", "bad", "fine", "poor", "lovely", "awful", "fits", "well", "not"),
    *("very", "i", "loved", "hated", "it", "this", "and", "too", "small", "large", "soft", "rough"),
]


def _build_checkpoint(
    folder: Path,
    *,
    architecture: str = "bert",
    labels: tuple[str, ...] = ("negative", "positive"),
    seed: int = 0,
    **config: Any,
) -> Path:
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    tokenizer = _tiny_tokenizer()
    shape: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    if architecture == "distilbert":
        shape = {"dim": 16, "hidden_dim": 24, "n_layers": 2, "n_heads": 2}
    # 34 positions: RoBERTa and kin begin to count after the padding index, so 34 - (0 + 1) = 33 of them are of use.
    settings = AutoConfig.for_model(
        architecture,
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        max_position_embeddings=34,
        type_vocab_size=2,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
        **{"intermediate_size": 24, **shape, **config},
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForSequenceClassification.from_config(settings)
        for parameter in model.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.3)  # wide enough that texts get different probabilities
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if bars:
        logging.enable_progress_bar()
    return folder


def _tiny_tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = [*specials, *_WORDS, *(x for x in letters if x not in _WORDS), *(f"##{x}" for x in letters)]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=32,
    )


# A differentiable model whose attributions are known (the engineer of explanations and attacks).


class KnownModel:
    """Two labels; the logit of 'positive' is `shape(sum over tokens of weight)`, that of 'negative' is 0.

    Tokens are split at spaces, the special ones '<s>' and '</s>' weigh nothing. A token's embedding is float64 and two
    numbers wide; its weight is their sum. Unknown words weigh 0.25, padding -0.125. Reads at most `limit` tokens.
    """

    def __init__(self, weights: dict[str, float], shape: Callable[[Any], Any], limit: int = 16) -> None:
        import torch

        self.words = ("<pad>", "<s>", "</s>", "<unk>", *weights)
        values = torch.tensor([-0.125, 0.0, 0.0, 0.25, *weights.values()], dtype=torch.float64)
        self.table = torch.stack([0.75 * values, 0.25 * values], dim=1)
        self.shape, self.limit, self.labels = shape, limit, ("negative", "positive")

    @property
    def task(self) -> Any:
        from workbench.data.corpus import Task

        return Task.TEXT_CLASSIFICATION

    @property
    def card(self) -> Any:
        from workbench.evidence.cards import ModelCard

        return ModelCard(
            name="known",
            digest="0" * 64,
            files={},
            architecture="KnownModel",
            base=None,
            task=self.task,
            labels=self.labels,
            max_length=self.limit,
            parameters=self.table.numel(),
            bytes=8 * self.table.numel(),
        )

    def encode(self, inputs: Any) -> Any:
        import re

        import torch

        from workbench.models.protocols import Encoded

        rows, spans = [], []
        for text in inputs:
            found = list(re.finditer(r"\S+", text))[: self.limit - 2]
            rows.append(("<s>", *(match.group() for match in found), "</s>"))
            spans.append(((0, 0), *(match.span() for match in found), (0, 0)))
        length = max(len(row) for row in rows)
        number = {word: i for i, word in enumerate(self.words)}
        ids = torch.tensor([[number.get(word, 3) for word in row] + [0] * (length - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
        return Encoded(ids, mask, ids < 3, tuple(rows), tuple(spans))

    def embed(self, input_ids: Any) -> Any:
        return self.table[input_ids]

    def baseline_ids(self, encoded: Any) -> Any:
        return encoded.input_ids.where(encoded.special, 0)

    def logits_from(self, embedded: Any, attention_mask: Any) -> Any:
        import torch

        positive = self.shape((embedded.sum(-1) * attention_mask).sum(-1))
        return torch.stack([torch.zeros_like(positive), positive], dim=1)

    def predict_proba(self, inputs: Any) -> Any:
        import torch

        if not len(inputs):
            return torch.zeros((0, 2), dtype=torch.float64).numpy()
        encoded = self.encode(inputs)
        return torch.softmax(self.logits_from(self.embed(encoded.input_ids), encoded.attention_mask), 1).numpy()


@pytest.fixture(scope="session")
def known_model() -> Callable[..., KnownModel]:
    """`known_model(weights, shape=identity, limit=16)`: see `KnownModel`."""

    def build(weights: dict[str, float], shape: Callable[[Any], Any] = lambda s: s, limit: int = 16) -> KnownModel:
        return KnownModel(weights, shape, limit)

    return build


@pytest.fixture(scope="session")
def textattack() -> Any:
    """The module textattack, or the test is not run (a failure where nothing may be missing)."""
    from workbench.adapters.textattack import require_textattack
    from workbench.errors import MissingResource

    try:
        require_textattack()
    except MissingResource as error:
        if os.environ.get(REQUIRE_ALL, "0") not in ("", "0"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    import textattack

    return textattack
