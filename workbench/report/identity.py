"""Identity: which model, which data, how it was made, where it was audited, what was skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator

from workbench.evidence.cards import AugmentationCard, TrainingCard
from workbench.evidence.record import AuditRecord
from workbench.report.blocks import Block, Bullets, Cell, Definitions, Fold, Heading, Item, Paragraph, Section, Table
from workbench.report.summary import failed, skipped
from workbench.report.text import plural, short
from workbench.verdict import wording

FIXED, AFTERWARDS = "fixed before the audit ran", "not the policy fixed before the audit ran"


def identity(record: AuditRecord, *, afterwards: bool = False) -> Section:
    """Return the section that says what this report is about, byte for byte; `afterwards` as in `render`."""
    facts = tuple(_facts(record, AFTERWARDS if afterwards else FIXED))
    blocks: list[Block] = [Definitions(facts), *_missing(record), *_training(record.training)]
    card, environment = record.model, record.environment
    files = tuple((Cell(name), Cell(digest)) for name, digest in card.files.items())
    versions = tuple((Cell(name), Cell(version)) for name, version in environment.versions.items())
    if files:
        blocks.append(
            Fold(
                "Files of the model",
                (Table("Files of the model and their sha256", (Cell("File"), Cell("sha256")), files),),
            )
        )
    if versions:
        table = Table("Software versions", (Cell("Package"), Cell("Version")), versions)
        blocks.append(Fold("Software versions", (table,)))
    return Section("identity", "Identity", tuple(blocks), "What was audited, how and with what.")


def _facts(record: AuditRecord, chosen: str) -> Iterator[tuple[str, str]]:
    model, card, settings, place = record.model, record.corpus, record.audit, record.environment
    yield (
        "Model",
        f"{model.name}, {model.architecture}, {model.parameters:,} parameters, {wording.number(model.bytes, 'bytes')}",
    )
    yield "Model digest", f"sha256 {model.digest}"
    yield "Base model", model.base or "not stated"
    yield "Labels", ", ".join(short(label) for label in model.labels)
    yield "Data", f"{card.name}, split “{card.split}”, {plural(card.n, 'example')}, licence: {card.licence}"
    yield "Data digest", f"sha256 {card.digest}"
    yield "Data source", card.source
    yield "Decision rule", _decision(record)
    yield "Profile and seed", f"{settings.profile}, seed {settings.seed}"
    searched = settings.search_precision
    reason = f" ({settings.search_reason})" if settings.search_reason else ""
    yield (
        "Precision",
        settings.precision + (f"; searches in {searched}{reason}" if searched != settings.precision else ""),
    )
    if settings.shapes is not None:
        yield "Batches", settings.shapes
    yield "Policy", f"{settings.policy}, sha256 {settings.policy_digest}, {chosen}"
    yield "Date", settings.date
    yield "Code", place.code
    yield (
        "Hardware",
        f"{place.device}; {place.processor}; {plural(place.threads, 'thread')}; {place.platform}; Python "
        f"{place.python}",
    )


def _decision(record: AuditRecord) -> str:
    rule, positive = record.audit.decision, short(record.audit.positive_label)
    renamed = ", ".join(f"{short(data)} → {short(model)}" for data, model in record.audit.label_map.items())
    words = (
        f"“{short(rule.by_group.positive_label)}” from thresholds by {short(rule.by_group.attribute)}, which every "
        "decision needs (see Fairness)"
        if rule.by_group is not None
        else f"“{positive}” from a probability of {rule.threshold:g}"
        if rule.threshold is not None
        else f"the most probable label; rates are about “{positive}”"
    )
    return f"{words}; labels of the data renamed: {renamed}" if renamed else words


def _missing(record: AuditRecord) -> Iterator[Block]:
    yield Heading("Skipped and failed")
    crashed, absent = failed(record), skipped(record)
    if not crashed and not absent:
        yield Paragraph(f"Every probe of the profile “{record.audit.profile}” ran.", "quiet")
        return
    if crashed:
        yield Bullets(tuple(Item(result.error, "fail", f"{evidence.probe} crashed: ") for evidence, result in crashed))
    if absent:
        yield Bullets(
            tuple(
                Item(result.reason, "not_established", f"{evidence.probe} did not run: ") for evidence, result in absent
            )
        )


def _training(card: TrainingCard | None) -> Iterator[Block]:
    yield Heading("How the model was made")
    if card is None:
        yield Paragraph("The workbench did not train this model; nothing is known of its training.", "note")
        return
    run = (card.date, card.device, card.precision, wording.number(card.seconds, "seconds"))
    rows = (
        ("Training data", f"{card.corpus.name}, split “{card.corpus.split}”, {plural(card.corpus.n, 'example')}"),
        ("Training data digest", f"sha256 {card.corpus.digest}"),
        ("Steps", f"{card.steps:,}, best {card.best_step:,}; ended: {card.stopped}"),
        ("Run", f"{'; '.join(run)}; {plural(card.processes, 'process', 'processes')}"),
        ("Resumed", plural(card.resumed, "time")),
        ("Code", card.code),
        *_reweighting(card),
        *_augmentation(card.augmentation),
    )
    yield Definitions(rows)
    recipe = tuple((Cell(key), Cell(_plain(value))) for key, value in card.recipe.items())
    yield Fold("Recipe", (Table("Training recipe", (Cell("Setting"), Cell("Value")), recipe),))
    columns = ("Epoch", "Step", "Training loss", "Validation loss", "Validation accuracy", "Validation ROC-AUC")
    curve = tuple(
        (
            Cell(f"{point.epoch:g}"),
            Cell(f"{point.step:,}", numeric=True),
            *(
                Cell("–" if value is None else wording.number(value, "score"), numeric=True)
                for value in (
                    point.train_loss,
                    point.validation_loss,
                    point.validation_accuracy,
                    point.validation_roc_auc,
                )
            ),
        )
        for point in card.curve
    )
    if curve:
        heads = tuple(Cell(name, numeric=index > 0) for index, name in enumerate(columns))
        yield Fold("Training curve", (Table("Training curve", heads, curve),))


def _reweighting(card: TrainingCard) -> Iterator[tuple[str, str]]:
    if card.group_weights is None:
        return
    rows = (
        f"{short(group)}: {', '.join(f'{short(label)} {weight:.3g}' for label, weight in by_label.items())}"
        for group, by_label in card.group_weights.items()
    )
    yield "Weights of groups in the loss", "; ".join(rows) or "withheld"


def _augmentation(card: AugmentationCard | None) -> Iterator[tuple[str, str]]:
    if card is None:
        return
    yield "Edits seen in training", ", ".join(card.families) or "none (perturbed embeddings)"
    yield "Attack named before training", card.primary_attack or "none"
    if card.rewritings:
        yield "Rewritten texts", f"{card.rewritings:,}, in the last epoch"
    for one in card.rounds:
        crashed = f", {one.failed:,} crashed" if one.failed else ""
        yield (
            f"Attacks before epoch {one.epoch + 1}",
            f"{one.drawn:,} texts drawn, {one.attacked:,} decided rightly and attacked, {one.succeeded:,} fell{crashed}"
            f"; {wording.number(one.seconds, 'seconds')}",
        )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
