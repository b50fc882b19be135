"""What an epoch learns from beside, or instead of, the texts themselves: rewritings of training examples.

A rewriting is a function of seed, example and, for attacks, of the weights at the start of its epoch. So that a killed
run ends in the same bits, those that attacks found are kept beside its state as they are found, one line each.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from workbench.adapters import textattack_edits
from workbench.adapters.families import ATTACKS
from workbench.adapters.textattack import require_textattack, search
from workbench.data.corpus import Corpus
from workbench.errors import BadInput, Misconfigured, MissingResource
from workbench.evidence.cards import AttackRound
from workbench.models.ablation import STAND_IN, ablate
from workbench.models.checkpoint import Checkpoint
from workbench.models.engine import Engine, engine_for
from workbench.models.engine.workers import Workers
from workbench.models.hugging_face import HuggingFaceTextClassifier
from workbench.models.probabilities import normalised
from workbench.models.protocols import FloatArray
from workbench.seeds import Streams
from workbench.train.augmentation import Ablation, Adversarial, Edits
from workbench.train.evaluation import evaluating
from workbench.train.events import OnEvent, TrainingEvent
from workbench.train.journal import appending, read_lines
from workbench.train.passes import require_embeddings
from workbench.train.step import Workshop

_SECONDS = "seconds"
"""Key of the last line of a journal: how long the round took."""

Texts = Mapping[int, tuple[str, ...]]
"""Index of a training example -> its rewritings."""


class Variants(NamedTuple):
    """What one epoch sees."""

    texts: Texts
    instead: bool = False
    """They take the place of the examples."""
    counts: AttackRound | None = None
    """How the attacks ended that found them."""


class Source(Protocol):
    """Where an epoch's rewritings come from."""

    def of(self, epoch: int, *, starts: bool) -> Variants:
        """Return what `epoch`, counted from 0, sees; `starts`: its first step is next, so weights are its first."""
        ...


class Nothing:
    """The texts as they are."""

    def of(self, epoch: int, *, starts: bool) -> Variants:
        return Variants({})


class Random:
    """Random edits, the same in every epoch."""

    def __init__(self, how: Edits, train: Corpus, streams: Streams, tell: OnEvent) -> None:
        for edit in how.edits:
            textattack_edits.prepare(edit)
        self._how, self._train, self._streams, self._tell = how, train, streams, tell
        self._made: Variants | None = None

    def of(self, epoch: int, *, starts: bool) -> Variants:
        if self._made is None:
            self._made = Variants(dict(self._make()))
        return self._made

    def _make(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        how, total = self._how, len(self._train)
        for i, example in enumerate(self._train):
            self._tell(TrainingEvent("augment", i + 1, total))
            if not drawn(self._streams, example.id, how.fraction):
                continue
            found = [
                text
                for edit in how.edits
                for text in textattack_edits.edited(
                    edit,
                    example.input,
                    copies=how.copies,
                    share=how.words,
                    seed=self._streams.seed("train", "edit", edit, example.id),
                )
            ]
            if found := list(dict.fromkeys(found)):
                yield i, tuple(found)


class Masked:
    """All but a few words of every text masked, other ones in each epoch."""

    def __init__(self, how: Ablation, train: Corpus, streams: Streams, mask: str) -> None:
        self._how, self._train, self._streams, self._mask = how, train, streams, mask
        self._held: tuple[int, Variants] | None = None

    def of(self, epoch: int, *, starts: bool) -> Variants:
        if self._held is None or self._held[0] != epoch:
            self._held = epoch, self._make(epoch)
        return self._held[1]

    def _make(self, epoch: int) -> Variants:
        texts = {}
        for i, example in enumerate(self._train):
            rng = self._streams.stream("train", "ablation", str(epoch), example.id)
            texts[i] = (ablate(example.input, keep=self._how.keep, samples=1, mask=self._mask, rng=rng).texts[0],)
        return Variants(texts, instead=True)


class Attacked:
    """What an attack finds against the model as it is at the start of an epoch."""

    def __init__(
        self, how: Adversarial, shop: Workshop, train: Corpus, folder: Path, run: str, workers: Workers, tell: OnEvent
    ) -> None:
        """`folder`: where the state of the run with the digest `run` lies; each process keeps there what it found."""
        self._how, self._shop, self._train, self._folder, self._run = how, shop, train, folder, run
        self._workers, self._tell = workers, tell
        self._held: tuple[int, Variants] | None = None

    def of(self, epoch: int, *, starts: bool) -> Variants:
        """As `Source.of`. Raises `BadInput` where what an interrupted run found has gone, `Unwritable`."""
        made = self._how.round_of(epoch)
        if made is None:
            return Variants({})
        if self._held is None or self._held[0] != made:
            self._held = made, self._round(made, able=starts and made == epoch)
        return self._held[1]

    def _round(self, epoch: int, *, able: bool) -> Variants:
        accelerator = self._shop.accelerator
        place = self._folder / f"attacks-{self._run[:12]}-{epoch:04d}-{accelerator.process_index}.jsonl"
        found = read_lines(place)
        if not (found and _SECONDS in found[-1]):
            if not able:
                raise BadInput(
                    f"the rewritings that epoch {epoch + 1} started with are not in {place}; remove {self._folder} to "
                    "start anew"
                )
            found = self._attack(epoch, place, found)
        if accelerator.num_processes > 1:
            from accelerate.utils import gather_object

            found = gather_object(found)
        ended = sorted((one for one in found if _SECONDS not in one), key=lambda one: one["index"])
        texts = {one["index"]: (one["text"],) for one in ended if one["text"] is not None}
        counts = AttackRound(
            epoch=epoch,
            drawn=len(ended),
            attacked=sum(one["outcome"] == "attacked" for one in ended),
            failed=sum(one["outcome"] == "failed" for one in ended),
            succeeded=len(texts),
            seconds=max(one[_SECONDS] for one in found if _SECONDS in one),
        )
        return Variants(texts, counts=counts)

    def _attack(self, epoch: int, place: Path, before: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Attack this process's share of the drawn examples, but for those that were attacked `before`."""
        shop, start = self._shop, time.monotonic()
        which = ("attack", str(epoch))
        mine = [i for i, one in enumerate(self._train) if drawn(shop.streams, one.id, self._how.fraction, *which)][
            shop.accelerator.process_index :: shop.accelerator.num_processes
        ]
        done = {one["index"] for one in before}
        wanted = [i for i in mine if i not in done]
        found = list(before)
        with engine_for(self._model()) as engine, appending(place) as keep:

            def one(i: int) -> dict[str, Any]:
                with engine.item(f"attack {i}") as view:
                    return self._ended(view, i, epoch)

            for _, result in self._workers.map(one, wanted, lambda at: engine.cancel(f"attack {wanted[at]}")):
                keep(result)
                found.append(result)
                self._tell(TrainingEvent("augment", len(found), len(mine)))
            closing = {_SECONDS: time.monotonic() - start}
            keep(closing)
        return [*found, closing]

    def _model(self) -> HuggingFaceTextClassifier:
        """Return the model as it is now, to be asked."""
        shop = self._shop
        network = copy.deepcopy(shop.accelerator.unwrap_model(shop.network))
        card = Checkpoint(self._folder, "the model in training", {}, type(network).__name__, self._train.labels, (), {})
        return HuggingFaceTextClassifier(network, shop.encoder, card, device=str(shop.device), precision="float32")

    def _ended(self, model: Engine, i: int, epoch: int) -> dict[str, Any]:
        example = self._train.examples[i]
        column = self._train.labels.index(example.label)

        def scores(texts: Sequence[str]) -> FloatArray:
            return normalised(model.predict_proba(texts))

        if int(scores([example.input])[0].argmax()) != column:
            return {"index": i, "outcome": "wrong already", "text": None}
        seed = self._shop.streams.seed("train", "attack", self._how.attack, str(epoch), example.id)
        made, budget = ATTACKS[self._how.attack].made, self._how.query_budget
        try:
            found = search(made, scores, example.input, column, budget=budget, seed=seed)
        except MissingResource:
            raise  # no text's fault
        except Exception:  # noqa: BLE001 - an attack may crash on a text in any way; the card counts them
            return {"index": i, "outcome": "failed", "text": None}
        return {"index": i, "outcome": "attacked", "text": found.rewritten}


def source_of(
    shop: Workshop, train: Corpus, folder: Path, *, run: str, mask: str | None, tell: OnEvent, workers: Workers
) -> Source:
    """Return where the rewritings of the recipe's augmentation come from, and tell what they will cost.

    Args:
        shop: the network and what surrounds it.
        train: the training split.
        folder: where the state of the run lies.
        run: digest of the run.
        mask: the tokenizer's mask token, if it has one.
        tell: told the cost before anything is done, and every rewritten text.
        workers: where attacks run.

    Raises:
        MissingResource: what the edits or the attack need is not there.
        Misconfigured: training ends before the first attack.
        Unsupported: the network takes no embeddings.
    """
    how = shop.recipe.augmentation
    if how is None:
        return Nothing()
    epochs = shop.recipe.epochs if shop.recipe.privacy is None else shop.recipe.privacy.epochs(len(train))
    if isinstance(how, Adversarial) and not how.rounds(epochs):
        raise Misconfigured(
            f"augmentation.clean_epochs: {how.clean_epochs} leave none of {epochs} epochs for attacks; lower it, or "
            "train longer"
        )
    tell(TrainingEvent("prepare", 1, 1, message=f"augmentation ({how.kind}): {how.cost(len(train), epochs)}"))
    if isinstance(how, Edits):
        return Random(how, train, shop.streams, tell)
    if isinstance(how, Adversarial):
        for require in (require_textattack, *ATTACKS[how.attack].needs):
            require()
        return Attacked(how, shop, train, folder, run, workers, tell)
    if isinstance(how, Ablation):
        return Masked(how, train, shop.streams, mask or STAND_IN)
    network = shop.accelerator.unwrap_model(shop.network)
    with evaluating(network):
        require_embeddings(network, shop.encoder.inputs(shop.encoder.ids(train.inputs[:2]), shop.device))
    return Nothing()


def drawn(streams: Streams, example: str, chance: float, *which: str) -> bool:
    """Return whether a coin of this `chance`, of the example's own, says yes: no other example has a say in it."""
    return chance >= 1 or float(streams.stream("train", "draw", *which, example).random()) < chance
