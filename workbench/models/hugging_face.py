"""Hugging Face text classifiers as the workbench sees them: probabilities, embeddings, gradients, truncation."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.data.corpus import Task
from workbench.errors import BadInput, Misconfigured, MissingResource, Unsupported
from workbench.evidence.cards import ModelCard
from workbench.models.checkpoint import Checkpoint, read_checkpoint
from workbench.models.embeddings import normalises, require_embeddings
from workbench.models.engine.lanes import Point, Slope
from workbench.models.engine.threads import alone
from workbench.models.fewer_rows import FewerRows
from workbench.models.finding import find_model
from workbench.models.mean_pooled import register
from workbench.models.padding import fitting_encoder
from workbench.models.protocols import Encoded, FloatArray
from workbench.models.quiet import quiet_transformers
from workbench.models.randomised import groups_of, randomise
from workbench.models.shapes import Shape, ShapeTable, grouped, tables
from workbench.models.shortcut import pack_linears, take_shortcut
from workbench.models.tokens import TextEncoder


class HuggingFaceTextClassifier:
    """A text classifier with a Hugging Face network, in evaluation mode. Threads may share it."""

    def __init__(
        self,
        network: Any,
        encoder: TextEncoder,
        checkpoint: Checkpoint,
        *,
        device: str,
        precision: str,
    ) -> None:
        self.network = network.eval().requires_grad_(False).to(device)
        self.encoder = encoder
        self.precision = precision
        self.table: ShapeTable = tables(torch.device(device).type, encoder.max_length)[0]
        """The shapes in which texts go through the network: part of what its numbers depend on."""
        self.reads_first = False
        """Whether the network classifies by its last layer's output at the first token, as was tried out."""
        self._checkpoint = checkpoint
        self._device = torch.device(device)
        self._plain: Callable[[], Any] = lambda: _network(checkpoint)
        """Makes this model's network anew, without shortcuts."""
        self._fewer = FewerRows(self._logits_in)
        self._attending = threading.Lock()
        self._eager: Any = None

    @property
    def task(self) -> Task:
        return Task.TEXT_CLASSIFICATION

    @property
    def labels(self) -> tuple[str, ...]:
        return self._checkpoint.labels

    @property
    def folder(self) -> Path:
        """Where the checkpoint lies."""
        return self._checkpoint.folder

    @property
    def device(self) -> str:
        """The device that the network is on: 'cpu', 'cuda', 'cuda:1', …"""
        return str(self._device)

    @property
    def max_length(self) -> int | None:
        """Tokens read of one text, special tokens included; None where there is no limit."""
        return self.encoder.max_length

    @property
    def digest(self) -> str:
        """sha256 over config, weights and tokenizer."""
        return self.card.digest

    @cached_property
    def card(self) -> ModelCard:
        return ModelCard(
            name=self._checkpoint.name,
            digest=self._checkpoint.digest,
            files=dict(self._checkpoint.files),
            architecture=self._checkpoint.architecture,
            base=self._checkpoint.base,
            task=self.task,
            labels=self.labels,
            max_length=self.max_length,
            parameters=sum(parameter.numel() for parameter in self.network.parameters()),
            bytes=self._checkpoint.bytes,
        )

    @cached_property
    def tokenizer(self) -> Any:
        """A transformers tokenizer of this model, for libraries that want one. Not for several threads at once."""
        return load_tokenizer(self.folder)

    @property
    def mask_id(self) -> int | None:
        """Id of the tokenizer's mask token; None where it has none."""
        return self.encoder.mask_id

    def attentions(self, encoded: Encoded) -> FloatArray:
        """Return the attention weights of exactly one text, (layers, length, length), means over heads: rows attend.

        One text at a time, on one core, by a second copy of the network, made at the first call.

        Raises `Unsupported` for a network that gives none, or does not classify by its first token.
        """
        assert encoded.input_ids.shape[0] == 1
        if not self.reads_first:
            raise Unsupported(
                f"{self._checkpoint.architecture} is not known to classify by its first token, so what reaches that "
                "token says nothing of the decision"
            )
        with self._attending, alone(self.device), torch.inference_mode():
            if self._eager is None:
                self._eager = self._plain().eval().requires_grad_(False).to(self._device)
                self._eager.set_attn_implementation("eager")
            inputs = self.encoder.inputs([encoded.input_ids[0].tolist()], self._device)
            found = getattr(self._eager(**inputs, output_attentions=True), "attentions", None)
        if not found or any(one is None or one.shape[-1] != one.shape[-2] for one in found):
            raise Unsupported(f"{self._checkpoint.architecture} does not tell its attention weights")
        return torch.stack([one[0].mean(dim=0) for one in found]).float().cpu().numpy().astype(np.float64)

    def require_embeddings(self) -> None:
        """Raise `Unsupported` for an architecture whose logits from embeddings are not its logits from ids."""
        self._embeddings_agree  # noqa: B018 - checked once, by the property

    def cast(self, precision: str) -> HuggingFaceTextClassifier:
        """Return a copy of this model that computes in `precision`: 'bfloat16' has half the digits and memory."""
        network = copy.deepcopy(self.network).to(getattr(torch, precision))
        twin = HuggingFaceTextClassifier(
            network, self.encoder, self._checkpoint, device=self.device, precision=precision
        )
        twin.table, twin.reads_first = self.table, self.reads_first
        return twin

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Parts of the network from its head down to its embeddings; see `randomised`."""
        return groups_of(self.network)

    def randomised(self, count: int, seed: int) -> HuggingFaceTextClassifier:
        """Return another model whose first `count` of `groups` hold random numbers; see `models.randomised`."""

        def drawn() -> Any:
            network = _network(self._checkpoint).eval()
            randomise(network, count, seed)
            return network

        made = HuggingFaceTextClassifier(
            drawn(), self.encoder, self._checkpoint, device=self.device, precision="float32"
        )
        made.table, made.reads_first, made._plain = self.table, self.reads_first, drawn
        return made

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        """Return probabilities, (n, n_labels); each distinct token sequence goes through the network once.

        On one core, or through the inference engine, other texts beside a text and another order change no bit of its
        row; on several cores (float32) its last bit.
        """
        ids = self.tokenise(inputs)
        table: dict[tuple[int, ...], FloatArray] = {}
        distinct = list(dict.fromkeys(ids))
        for shape, indices in grouped([len(row) for row in distinct], self.table):
            batch = [distinct[i] for i in indices]
            table.update(zip(batch, self.probabilities(batch, shape), strict=True))
        return np.array([table[row] for row in ids], dtype=np.float64).reshape(len(ids), len(self.labels))

    def serve(self, inputs: Sequence[str]) -> FloatArray:
        """Return probabilities, (n, n_labels), from one batch padded to its longest text, on all cores.

        For timing: nothing is added to the batch, so a row's last bits depend on what else is in it.
        """
        if not inputs:
            return np.zeros((0, len(self.labels)))
        with torch.inference_mode():
            return _softmax(self.network(**self.encoder.inputs(self.tokenise(inputs), self._device)).logits)

    def tokenise(self, inputs: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the token ids that the network reads of each text, special tokens included."""
        return self.encoder.ids(inputs)

    def probabilities(self, rows: Sequence[tuple[int, ...]], shape: Shape) -> FloatArray:
        """Return probabilities, (len(rows), n_labels), of token ids, computed in exactly `shape`."""
        return _softmax(self._logits_in(rows, shape))

    def fitted(self, rows: Sequence[tuple[int, ...]], shape: Shape) -> Shape:
        """Return the shape to compute `rows` of `shape` in: that, or one of fewer rows that changes no bit."""
        steady = self._device.type == "cpu" and self.precision == "float32"
        return self._fewer.shape(rows, shape) if steady else shape

    def _logits_in(self, rows: Sequence[tuple[int, ...]], shape: Shape) -> torch.Tensor:
        full = [*rows, *[rows[0]] * (shape.rows - len(rows))]
        with torch.inference_mode():
            logits: torch.Tensor = self.network(**self.encoder.inputs(full, self._device, length=shape.length)).logits
        return logits[: len(rows)]

    def gradients(self, points: Sequence[Point], shape: Shape) -> list[Slope]:
        """Return logits and the target's gradient at points in embedding space, computed in exactly `shape`."""
        width = points[0].embedded.shape[1]
        # inference_mode(False): whoever calls may be inside it, and then nothing could be differentiated.
        with torch.inference_mode(False), torch.enable_grad():
            embedded = torch.zeros(shape.rows, shape.length, width, device=self._device)
            mask = torch.zeros(shape.rows, shape.length, dtype=torch.int64, device=self._device)
            for i in range(shape.rows):
                point = points[min(i, len(points) - 1)]
                embedded[i, : len(point.embedded)] = point.embedded
                mask[i, : len(point.mask)] = point.mask
            embedded.requires_grad_()
            logits = self._logits_plain(embedded, mask)
            wanted = logits[range(len(points)), [point.target for point in points]]
            (gradient,) = torch.autograd.grad(wanted.sum(), embedded)
        return [Slope(logits[i].detach(), gradient[i, : len(point.embedded)].clone()) for i, point in enumerate(points)]

    def truncated(self, inputs: Sequence[str]) -> int:
        return self.encoder.truncated(inputs)

    def encode(self, inputs: Sequence[str]) -> Encoded:
        return self.encoder.encode(inputs, self._device)

    def embed(self, input_ids: torch.Tensor) -> torch.Tensor:
        embedded: torch.Tensor = self.network.get_input_embeddings()(input_ids)
        return embedded

    def baseline_ids(self, encoded: Encoded) -> torch.Tensor:
        return torch.where(encoded.special, encoded.input_ids, self.encoder.pad_id)

    def logits_from(self, embedded: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return logits, (batch, n_labels), float32, differentiable in `embedded`.

        Raises `Unsupported` for an architecture whose logits from embeddings are not its logits from ids.
        """
        self.require_embeddings()
        return self._logits_plain(embedded, attention_mask)

    @cached_property
    def _embeddings_agree(self) -> bool:
        """True, or `Unsupported`."""
        inputs, batch = self.encoder.inputs(self.encoder.ids(_TRIAL), self._device), self.encode(_TRIAL)
        require_embeddings(
            lambda: self.network(**inputs).logits,
            lambda: self._logits_plain(self.embed(batch.input_ids), batch.attention_mask),
            what=self._checkpoint.architecture,
            instead=_BLACK_BOX,
        )
        return True

    @cached_property
    def normalises_embeddings(self) -> bool:
        """Whether the length of what stands for a token changes nothing: see `workbench.models.embeddings`.

        Raises `Unsupported` as `logits_from` does.
        """
        self.require_embeddings()
        batch = self.encode(_TRIAL)
        return normalises(
            self.network, lambda points: self._logits_plain(points, batch.attention_mask), self.embed(batch.input_ids)
        )

    def _logits_plain(self, embedded: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(inputs_embeds=embedded, attention_mask=attention_mask).logits
        return logits.float()

    def __repr__(self) -> str:
        return f"HuggingFaceTextClassifier({self._checkpoint.name!r}, {self.device}, {self.precision})"


_TRIAL = ("one", "two words, and a few more so that the other text is padded")
_PACKED_AT_MOST = 300_000_000
"""Parameters of a network whose weights are kept twice, with gradients three times: beyond, memory is dearer than a
tenth of the time."""

_BLACK_BOX = ": gradient methods would explain another model; use a black-box method for it"


def load_checkpoint(
    model: str | Path,
    *,
    online: bool = False,
    device: str = "auto",
    max_length: int | None = None,
    precision: str = "float32",
) -> HuggingFaceTextClassifier:
    """Load a text classifier from a folder, or by hub id from the local cache (or the network, with `online`).

    Args:
        model: a folder that `save_pretrained` or `workbench train` wrote, or a hub id.
        online: allow downloads.
        device: 'auto' (a CUDA device if there is one), 'cpu', 'cuda', 'cuda:1', …
        max_length: read only so many tokens of a text; default: as many as tokenizer and network allow.
        precision: 'float32', or 'bfloat16' (weights and all): about three significant digits, good to search with
            and never evidence.

    Raises:
        NotFound, Untrusted, Unsupported, BadInput: see `read_checkpoint`; `Unsupported` also where padding would
            change the answers, see `fitting_encoder`.
        Misconfigured, MissingResource: a device, length or precision that cannot be had.
    """
    if precision not in ("float32", "bfloat16"):
        raise Misconfigured(f"unknown precision {precision!r}; choose float32 or bfloat16")
    found = find_model(model, online=online)
    checkpoint = read_checkpoint(found.folder, name=found.name)
    chosen = choose_device(device)
    network = _network(checkpoint)
    tokenizer = load_tokenizer(found.folder)
    rows = int(network.get_input_embeddings().num_embeddings)
    if len(tokenizer) > rows:
        raise BadInput(
            f"{found.folder}: the tokenizer knows {len(tokenizer)} tokens, the network only {rows}; "
            "they do not belong together: copy the tokenizer of the model it was fine-tuned from"
        )
    length = read_length(max_length, tokenizer, network)
    encoder = fitting_encoder(tokenizer, network, max_length=length, name=checkpoint.architecture)
    made = HuggingFaceTextClassifier(network, encoder, checkpoint, device=chosen, precision="float32")
    _take_shortcuts(made)
    return made if precision == "float32" else made.cast(precision)


def _take_shortcuts(model: HuggingFaceTextClassifier) -> None:
    """Let the network leave out what changes no logit."""
    batch = model.encoder.inputs(model.encoder.ids(_TRIAL), torch.device(model.device))

    def trial() -> torch.Tensor:
        logits: torch.Tensor = model.network(**batch).logits
        return logits

    model.reads_first = take_shortcut(model.network, trial) is not None
    if model.card.parameters <= _PACKED_AT_MOST:
        pack_linears(model.network, trial)


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer in `folder`, never from the network. Raises `BadInput`."""
    from transformers import AutoTokenizer

    try:
        with quiet_transformers():
            return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # whatever a broken file makes of a third-party parser
        raise BadInput(f"cannot read the tokenizer in {folder}: {_first_line(error)}; save it again") from error


def choose_device(device: str) -> str:
    """Return the torch device for `device`, resolving 'auto'. Raises `Misconfigured`, `MissingResource`."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError:
        raise Misconfigured(f"unknown device {device!r}; choose auto, cpu, cuda or cuda:N") from None
    if kind == "meta":
        raise Misconfigured("device 'meta' computes nothing; choose auto, cpu, cuda or cuda:N")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        seen = f"{torch.cuda.device_count()} CUDA devices" if torch.cuda.is_available() else "no CUDA device"
        raise MissingResource(
            f"device {device!r} was asked for, but torch cannot use it here ({_first_line(error)}; it sees {seen}); "
            "use --device cpu"
        ) from error
    return device


def _network(checkpoint: Checkpoint) -> Any:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    register()
    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True, trust_remote_code=False)
            config.id2label = dict(enumerate(checkpoint.labels))
            config.label2id = {label: i for i, label in enumerate(checkpoint.labels)}
            network, loaded = AutoModelForSequenceClassification.from_pretrained(
                checkpoint.folder,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except Exception as error:  # transformers raises whatever its loader meets
        raise BadInput(
            f"transformers cannot load {checkpoint.folder} as {checkpoint.architecture} with labels "
            f"{', '.join(checkpoint.labels)}: {_first_line(error)}; save the checkpoint again with save_pretrained"
        ) from error
    if missing := sorted(loaded["missing_keys"]):
        raise BadInput(
            f"{checkpoint.folder} has no weights for {', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}: "
            "they would be random numbers; save the whole fine-tuned model with save_pretrained"
        )
    return network


def read_length(asked: int | None, tokenizer: Any, network: Any) -> int | None:
    """Return the tokens read of one text: the least of what is asked, what the tokenizer and the network allow."""
    limits = [limit for limit in (_positions(network), int(min(tokenizer.model_max_length, 10**9))) if limit < 10**6]
    allowed = min(limits, default=None)
    if asked is None:
        return allowed
    if asked < 3 or (allowed is not None and asked > allowed):
        raise Misconfigured(
            f"max_length must lie between 3 and the {allowed or 'unlimited'} tokens the model reads; got {asked}"
        )
    return asked


def _positions(network: Any) -> int:
    """Return how many positions the network has: RoBERTa and kin start counting after the padding index."""
    for name, module in network.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            skipped = 0 if module.padding_idx is None else module.padding_idx + 1
            return module.num_embeddings - skipped
    stated = getattr(network.config, "max_position_embeddings", None)
    return int(stated) if isinstance(stated, int) and stated > 0 else 10**9


def _softmax(logits: torch.Tensor) -> FloatArray:
    wide = logits.float().cpu().to(torch.float64)
    probabilities: FloatArray = torch.softmax(wide, dim=-1).numpy()
    if not np.isfinite(probabilities).all():
        raise BadInput("the model's outputs are not finite numbers; its weights are damaged, or training diverged")
    return probabilities


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0].strip()}" if lines else type(error).__name__
