"""Commands that make a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench import terminal
from workbench.cli.options import (
    AuditData,
    Backbone,
    BatchSize,
    Canaries,
    Epochs,
    Experiment,
    Fraction,
    GroupColumn,
    IdColumn,
    LabelColumn,
    LabelMap,
    LearningRate,
    MaxLength,
    ModelArgument,
    Online,
    Out,
    PersonColumn,
    PositiveLabel,
    RandomLabels,
    RecipeFile,
    Resume,
    TextColumn,
    Track,
    TrainData,
    TrainLimit,
    TrainPrecision,
    TrainSeed,
    columns_of,
    network,
    option,
)
from workbench.cli.root import app

if TYPE_CHECKING:
    from workbench.train.references import Kind

_KINDS: dict[str, Kind] = {"same": "same", "lora": "lora", "head": "head"}


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench demo\n\n  workbench demo --out reports/demo --fresh",
)
def demo(
    out: Out = Path("reports/demo"),
    runs: Annotated[Path, typer.Option("--runs", help="Folder for the trained model.")] = Path("runs/demo"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Train again even if the model is there.")] = False,
) -> None:
    """Train the embedded default model on the embedded default corpus, audit it, write the report."""
    from workbench.demo import run_demo

    run_demo(runs, out, fresh=fresh)


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench train --data reviews --out runs/base\n\n"
    "  workbench train --recipe my.toml --out runs/mine --track tensorboard\n\n"
    "  workbench train --data mails.csv --text-column body --label-column topic --out runs/mails --epochs 3\n\n"
    "  workbench train --data reviews --out runs/base --resume",
)
def train(
    out: Out,
    data: TrainData = None,
    recipe: RecipeFile = None,
    backbone: Backbone = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    max_length: MaxLength = None,
    limit: TrainLimit = None,
    fraction: Fraction = None,
    seed: TrainSeed = None,
    precision: TrainPrecision = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    id_column: IdColumn = None,
    person_column: PersonColumn = None,
    random_labels: RandomLabels = False,
    experiment: Experiment = False,
    canaries: Canaries = None,
    resume: Resume = False,
    track: Track = None,
    online: Online = False,
) -> None:
    """Fine-tune a text classifier and write a plain Hugging Face checkpoint with a training card."""
    network(online)
    from workbench import verbs
    from workbench.train.recipe import Recipe

    flags = {
        "backbone": backbone, "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate,
        "max_length": max_length, "limit": limit, "fraction": fraction, "seed": seed,
        "precision": precision,
        "random_labels": random_labels or None, "experiment": experiment or None,
        "canaries": canaries,
    }  # fmt: skip
    chosen = Recipe.read(recipe or "default").but(where="train", **flags)
    with terminal.training_progress() as progress:
        trained = verbs.train(
            chosen, data, out=out,
            columns=columns_of(text_column, label_column, group_column, id_column, person_column),
            resume=resume, track=track, online=online, progress=progress,
        )  # fmt: skip
    terminal.print_training(trained.card, out)


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench mitigate runs/base --data reviews --attribute age_band "
    "--out runs/base-by-age\n\n"
    "  workbench mitigate runs/mine --data mine.csv --group-column sex --attribute sex --constraint equalized_odds "
    "--mix 0.5 --out runs/mine-by-sex\n\n"
    "  workbench audit runs/base-by-age --data reviews --out reports/base-by-age\n\n"
    "  workbench compare reports/base reports/base-by-age",
)
def mitigate(
    model: ModelArgument,
    data: AuditData,
    out: Out,
    attribute: Annotated[str, option("--attribute", "Sensitive attribute that decisions will depend on.")],
    constraint: Annotated[
        str,
        typer.Option(
            "--constraint",
            help="What is to be alike: demographic_parity, true_positive_rate_parity, false_positive_rate_parity, "
            "false_negative_rate_parity, true_negative_rate_parity or equalized_odds.",
        ),
    ] = "demographic_parity",
    objective: Annotated[
        str, typer.Option("--objective", help="What to keep high: accuracy_score or balanced_accuracy_score.")
    ] = "accuracy_score",
    slack: Annotated[
        float | None, option("--slack", "How far apart rates may stay, 0 to 1; not for equalized_odds.")
    ] = None,
    mix: Annotated[float, typer.Option("--mix", help="Share of decisions that go by group.")] = 1.0,
    unknown: Annotated[
        str, typer.Option("--unknown", help="Groups without thresholds: overall (the one for everybody) or refuse.")
    ] = "overall",
    public: Annotated[
        str | None, option("--public", "Why the validation examples need no protection (private models).")
    ] = None,
    positive_label: PositiveLabel = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    id_column: IdColumn = None,
    person_column: PersonColumn = None,
    label_map: LabelMap = None,
    online: Online = False,
) -> None:
    """Bring groups closer by thresholds of their own (Fairlearn); write a model that needs the group to decide."""
    network(online)
    from workbench import verbs
    from workbench.data.labels import parse_label_map

    with terminal.counted("texts scored") as progress:
        made = verbs.mitigate(
            model, data, attribute=attribute, constraint=constraint, objective=objective, slack=slack, mix=mix,
            unknown=unknown, public=public, positive_label=positive_label, out=out,
            columns=columns_of(text_column, label_column, group_column, id_column, person_column),
            label_map=parse_label_map(label_map or []), online=online, progress=progress,
        )  # fmt: skip
    terminal.print_mitigation(made.card, out)


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench train --data reviews --out runs/half --experiment\n\n"
    "  workbench references runs/half --count 16\n\n  workbench audit runs/half --data reviews --out reports/half",
)
def references(
    run: Annotated[Path, typer.Argument(help="Folder of a model trained with --experiment.", show_default=False)],
    count: Annotated[int, typer.Option("--count", help="How many there are to be in all.", min=1)] = 16,
    data: TrainData = None,
    kind: Annotated[
        str, typer.Option("--kind", help="same, or lora or head: quicker, and a weaker attack on a fully tuned run.")
    ] = "same",
    backbone: Backbone = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    id_column: IdColumn = None,
    person_column: PersonColumn = None,
    online: Online = False,
) -> None:
    """Train reference models on other random halves of a run's records, for attacks on membership."""
    network(online)
    from workbench import verbs
    from workbench.errors import NotFound

    if kind not in _KINDS:
        raise NotFound.among("kind of references", kind, _KINDS)
    with terminal.training_progress() as progress:
        made = verbs.references(
            run, data, count=count, kind=_KINDS[kind],
            columns=columns_of(text_column, label_column, group_column, id_column, person_column),
            backbone=backbone, online=online, progress=progress,
        )  # fmt: skip
    terminal.print_references(made, run)
