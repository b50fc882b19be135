"""Fine-tuning: one visible loop, the same on a laptop, a GPU, and several processes under `accelerate launch`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from workbench.data.corpus import Corpus
from workbench.evidence.cards import EpochPoint, TextCanaries, TrainingCard
from workbench.models.checkpoint import read_backbone
from workbench.models.engine.workers import OneByOne, Workers
from workbench.models.hugging_face import HuggingFaceTextClassifier, load_checkpoint
from workbench.models.protocols import FloatArray
from workbench.models.training_card import read_training_card
from workbench.seeds import Streams
from workbench.train.adapter import plain
from workbench.train.backbone import Trainee, find_backbone, prepare
from workbench.train.batches import epoch_batches, steps_per_epoch
from workbench.train.class_weights import balanced_weights, given_weights
from workbench.train.evaluation import score
from workbench.train.events import OnEvent, Phase, TrainingEvent, silent
from workbench.train.finish import already_finished, write_result
from workbench.train.folders import require_new
from workbench.train.optimiser import make_optimiser, rate_at, set_rate
from workbench.train.parts import Parts, divide
from workbench.train.place import make_accelerator, resolve_precision, training_threads
from workbench.train.private.heritage import Heritage, heritage_of, require_unseen
from workbench.train.private.loop import Plan, fit_private, plan_of
from workbench.train.private.statement import statement
from workbench.train.recipe import Recipe
from workbench.train.resume import begin, snapshot
from workbench.train.reweighting import example_weights, require_known
from workbench.train.rows import Rows
from workbench.train.state import (
    Progress,
    Weights,
    clear_state,
    optimiser_moments,
    require_no_state,
    run_digest,
    save_state,
    state_folder,
)
from workbench.train.step import Workshop, optimise, predict
from workbench.train.variants import Source, Variants, source_of

_SHARED = (
    "{0} examples of the validation and test parts are near enough to the training part that this private run may "
    "learn from them (each decides by its own hash, so a small corpus has no sharp cut); they are left out of its "
    "closing figures, and an audit should use other data than {1}"
)


@dataclass(frozen=True)
class Trained:
    """A finished training run."""

    classifier: HuggingFaceTextClassifier
    card: TrainingCard


class Fitted(NamedTuple):
    """What the loop leaves: where it ended, and the best weights that it met."""

    progress: Progress
    best: Weights


def train(
    recipe: Recipe,
    corpus: Corpus,
    out: Path,
    *,
    resume: bool = False,
    track: str | None = None,
    progress: OnEvent | None = None,
    online: bool = False,
    workers: Workers | None = None,
) -> Trained:
    """Fine-tune as `recipe` says on the training split of `corpus`; write a Hugging Face checkpoint to `out`.

    The weights kept are those with the lowest validation loss. An interrupted run leaves its state beside `out`; the
    same call with `resume` continues it, on a CPU to the very same bits, and returns at once if `out` is finished.

    Args:
        recipe: everything that decides the result.
        corpus: the whole corpus; split here.
        out: a folder that does not exist yet, or is empty. Nothing half-written ever appears there.
        resume: continue an interrupted run, if there is one.
        track: 'tensorboard', 'mlflow' or 'wandb'; tensorboard's files go to `tracking/` beside `out`.
        progress: called with every `TrainingEvent`.
        online: allow to download the backbone.
        workers: where attacks on the model in training run; default: one after the other.

    Raises:
        Unwritable: `out` is in use, or the disk is full.
        EmptyData: not enough examples.
        Misconfigured: the recipe is impossible, training diverged, the interrupted run was another one, or the backbone
            of a private run has learned from the same examples without privacy.
        NotFound, Untrusted, MissingResource: backbone, tracker or what an augmentation needs cannot be had.
        Unsupported: the network takes no embeddings, and the augmentation perturbs them.
    """
    if resume and (card := already_finished(out, recipe, corpus, online=online)):
        return Trained(load_checkpoint(out), card)
    require_new(out)
    if not resume:
        require_no_state(out)
    accelerator = make_accelerator(track, str(out.parent / "tracking"))
    tell = progress if progress and accelerator.is_main_process else silent
    tell(TrainingEvent("prepare", 0, 1))
    # Texts are made up for this backbone; without any, the data is looked at before the backbone is.
    made_for = read_backbone(find_backbone(recipe.backbone, online=online).folder) if recipe.canaries else ""
    parts = divide(corpus, recipe, backbone=made_for)
    if parts.shared:
        tell(TrainingEvent("prepare", 0, 1, message=_SHARED.format(parts.shared, corpus.name)))
    if recipe.reweighting is not None:
        example_weights(recipe.reweighting, parts.train)  # what cannot be weighed is said before the long work
        if recipe.privacy is None:
            require_known(recipe.reweighting, parts.train)
    trainee = prepare(recipe, corpus.labels, online=online)
    heritage = Heritage() if recipe.privacy is None else heritage_of(trainee.folder, recipe.privacy, parts.train)
    if parts.pool is not None:
        require_unseen(trainee.folder, parts.pool)
    tell(TrainingEvent("prepare", 1, 1))
    with training_threads(accelerator.num_processes):
        shop = _workshop(recipe, parts, trainee, accelerator)
        if track:
            accelerator.init_trackers(out.name, config={k: str(v) for k, v in recipe.model_dump(mode="json").items()})
        if recipe.privacy is not None and recipe.privacy.epsilon is not None:
            tell(TrainingEvent("prepare", 1, 1, message="looking for the noise that epsilon allows (up to a minute)"))
        plan = None if recipe.privacy is None else plan_of(recipe.privacy, parts.train, heritage)
        run, mask = _run(shop, trainee, corpus, plan, parts.canaries), trainee.tokenizer.mask_token
        source = source_of(
            shop, parts.train, state_folder(out), run=run, mask=mask, tell=tell, workers=workers or OneByOne()
        )
        private = canaries = None
        if plan is None:
            fitted = fit(shop, parts, source, out, run=run, tell=tell)
        else:
            tell(TrainingEvent("prepare", 1, 1, message=plan.said))
            finished = fit_private(shop, plan, parts.train, source, out, corpus=corpus.digest, run=run, tell=tell)
            fitted, private = Fitted(finished.progress, finished.weights), statement(plan, finished, corpus.digest)
            canaries = finished.canaries
        network = accelerator.unwrap_model(shop.network)
        network.load_state_dict({name: value.to(shop.device) for name, value in fitted.best.items()})
        plain(network)
        judged = [_judge(shop, part, "float32", phase, tell) for phase, part in _closing(parts)]
        if accelerator.is_main_process:
            tell(TrainingEvent("save", 0, 1))
            write_result(
                out,
                shop,
                trainee,
                parts,
                fitted.progress,
                validation=judged[0],
                test=judged[1],
                privacy=private,
                canaries=canaries,
            )
            clear_state(out)
            tell(TrainingEvent("save", 1, 1))
        accelerator.wait_for_everyone()
        if track:
            accelerator.end_training()
    written = read_training_card(out)
    assert written is not None, "write_result wrote one"
    return Trained(load_checkpoint(out), written)


def fit(shop: Workshop, parts: Parts, source: Source, out: Path, *, run: str, tell: OnEvent) -> Fitted:
    """Run the loop from the newest state, or from the start, to its end: all epochs, or early stopping."""
    recipe, accelerator = shop.recipe, shop.accelerator
    ids = shop.encoder.ids(parts.train.inputs)
    lengths = [len(row) for row in ids]
    weights = example_weights(recipe.reweighting, parts.train)
    per_epoch = steps_per_epoch(len(ids), recipe.batch_size, recipe.accumulation)
    total = per_epoch * recipe.epochs
    network = accelerator.unwrap_model(shop.network)
    optimiser = make_optimiser(network, recipe)
    progress, best = begin(shop, optimiser, out, run=run)
    if progress.step:
        tell(TrainingEvent("train", progress.step, total, message=f"resumed after step {progress.step}"))
    since = time.monotonic() - progress.seconds
    shop.network.train()
    batches: list[list[int]] = []
    while progress.step < total and not progress.watch.exhausted(recipe.early_stopping_patience):
        step = progress.step
        epoch, within = divmod(step, per_epoch)
        if within == 0 or not batches:
            batches = epoch_batches(lengths, recipe.batch_size, shop.streams, epoch=epoch)
            variants = source.of(epoch, starts=within == 0)
            rows, progress = Rows(shop.encoder, parts.train, ids, variants, weights=weights), _with(progress, variants)
        mine = batches[within * recipe.accumulation : (within + 1) * recipe.accumulation]
        rate = rate_at(step, total, recipe)
        set_rate(optimiser, rate)
        loss = optimise(shop, optimiser, [rows.batch(batch) for batch in mine], step=step)
        seconds = time.monotonic() - since
        done = step + 1
        progress = progress.model_copy(
            update={
                "step": done,
                "loss_sum": progress.loss_sum + loss,
                "loss_steps": progress.loss_steps + 1,
                "seconds": seconds,
            }
        )
        accelerator.log({"train/loss": loss, "train/learning_rate": rate}, step=done)
        tell(TrainingEvent("train", done, total, epoch=done / per_epoch, loss=loss, learning_rate=rate))
        if done % (recipe.evaluate_every or per_epoch) == 0 or done == total:
            evaluated = _evaluate(shop, parts, progress, epoch=done / per_epoch, tell=tell)
            if evaluated.best_step == done:
                best = snapshot(network)
            progress = evaluated.model_copy(update={"seconds": time.monotonic() - since})
            point = progress.curve[-1]
            accelerator.log({f"validation/{k}": v for k, v in _numbers(point).items()}, step=done)
        elif done % recipe.checkpoint_every and not (recipe.augmentation and done % per_epoch == 0):
            continue  # attacks are on the weights that an epoch starts with: they are kept
        if accelerator.is_main_process:
            save_state(state_folder(out), progress, network.state_dict(), optimiser_moments(optimiser, network), best)
        accelerator.wait_for_everyone()
    stopped = "epochs completed" if progress.step == total else _stopped(progress, recipe)
    return Fitted(progress.model_copy(update={"stopped": stopped}), best)


def _with(progress: Progress, variants: Variants) -> Progress:
    """Return `progress` with what the epoch that begins, or goes on, learns from."""
    counts = variants.counts
    known = counts is None or any(one.epoch == counts.epoch for one in progress.rounds)
    return progress.model_copy(
        update={
            "rewritings": sum(map(len, variants.texts.values())),
            "rounds": progress.rounds if known else (*progress.rounds, counts),
        }
    )


def _workshop(recipe: Recipe, parts: Parts, trainee: Trainee, accelerator: Any) -> Workshop:
    weights = torch.ones(len(parts.train.labels))
    if recipe.class_weights == "balanced":
        weights = torch.tensor(balanced_weights(parts.train), dtype=torch.float32)
    elif recipe.class_weights != "none":
        weights = torch.tensor(given_weights(recipe.class_weights, parts.train.labels), dtype=torch.float32)
    return Workshop(
        recipe=recipe,
        accelerator=accelerator,
        network=accelerator.prepare(trainee.network),
        encoder=trainee.encoder,
        class_weights=weights.to(accelerator.device),
        precision=resolve_precision(_precision(recipe), accelerator.device),
        streams=Streams(recipe.seed),
        mean_weight=_mean_weight(recipe, parts.train, weights),
    )


def _mean_weight(recipe: Recipe, train: Corpus, class_weights: torch.Tensor) -> float:
    """Return what an example of `train` weighs on average; 1 in a private run, whose examples are not counted."""
    if recipe.privacy is not None:
        return 1.0
    groups = torch.tensor(example_weights(recipe.reweighting, train), dtype=torch.float64)
    return float((class_weights.double()[train.label_ids] * groups).mean())


def _precision(recipe: Recipe) -> str:
    """Return the precision asked for; a private run that asks for none computes in float32.

    In bfloat16 what a network makes of one text depends in the second digit on the texts beside it, so a unit that
    leaves would change the clipped gradients of those that stay.
    """
    return "float32" if recipe.privacy is not None and recipe.precision == "auto" else recipe.precision


def _run(shop: Workshop, trainee: Trainee, corpus: Corpus, plan: Plan | None, canaries: TextCanaries | None) -> str:
    """Return the digest of all that must be the same for a run to be resumed."""
    where = (str(shop.accelerator.num_processes), shop.device.type, shop.precision)
    noise = () if plan is None else (repr(plan.noise_multiplier),)  # another accountant might solve for another one
    made_up = () if canaries is None else (canaries.model_dump_json(),)  # other versions made up others
    return run_digest(shop.recipe.model_dump_json(), trainee.digest, corpus.digest, *where, *noise, *made_up)


def _evaluate(shop: Workshop, parts: Parts, progress: Progress, *, epoch: float, tell: OnEvent) -> Progress:
    """Return `progress` with one more point of the curve."""
    probabilities = _judge(shop, parts.validation, shop.precision, "validate", tell)
    found = score(probabilities, parts.validation.label_ids)
    watch = progress.watch.after(found.loss, step=progress.step, min_delta=shop.recipe.early_stopping_min_delta)
    point = EpochPoint(
        epoch=epoch,
        step=progress.step,
        train_loss=progress.loss_sum / progress.loss_steps,
        validation_loss=found.loss,
        validation_accuracy=found.accuracy,
        validation_roc_auc=found.roc_auc,
    )
    return progress.model_copy(
        update={
            "best_loss": watch.best_loss,
            "best_step": watch.best_step,
            "without_improvement": watch.without_improvement,
            "loss_sum": 0.0,
            "loss_steps": 0,
            "curve": (*progress.curve, point),
        }
    )


def _judge(shop: Workshop, part: Corpus, precision: str, phase: Phase, tell: OnEvent) -> FloatArray:
    """Return the network's probabilities on `part`, telling how far it is, and at the end the loss."""

    def on_the_way(done: int) -> None:
        if done < len(part):
            tell(TrainingEvent(phase, done, len(part)))

    probabilities = predict(shop, shop.encoder.ids(part.inputs), precision=precision, tell=on_the_way)
    tell(TrainingEvent(phase, len(part), len(part), loss=score(probabilities, part.label_ids).loss))
    return probabilities


def _closing(parts: Parts) -> tuple[tuple[Phase, Corpus], tuple[Phase, Corpus]]:
    return ("validate", parts.validation), ("test", parts.test)


def _numbers(point: EpochPoint) -> dict[str, float]:
    return {key: value for key, value in point.model_dump(exclude={"epoch", "step"}).items() if value is not None}


def _stopped(progress: Progress, recipe: Recipe) -> str:
    return (
        f"early stopping after step {progress.step}: in {recipe.early_stopping_patience} evaluations the validation "
        f"loss did not fall by more than {recipe.early_stopping_min_delta:g}"
    )
