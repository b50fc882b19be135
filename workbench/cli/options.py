"""Options and arguments that commands share, and what follows from some of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer


def option(flag: str, text: str) -> Any:
    """Return an option whose help does not show its default."""
    return typer.Option(flag, help=text, show_default=False)


Out = Annotated[Path, typer.Option("--out", help="Folder to write to.", show_default=False)]
Online = Annotated[bool, typer.Option("--online", help="Allow downloads from the Hugging Face hub.")]
TextColumn = Annotated[list[str] | None, option("--text-column", "Column of the text; several are joined.")]
LabelColumn = Annotated[str | None, option("--label-column", "Column of the label.")]
GroupColumn = Annotated[list[str] | None, option("--group-column", "Column of a sensitive attribute; repeatable.")]
Cross = Annotated[
    list[str] | None,
    option("--cross", "Attributes to look at in combination, too: sex,region; repeatable."),
]
IdColumn = Annotated[str | None, option("--id-column", "Column of a unique id (default: a hash of the content).")]
PersonColumn = Annotated[str | None, option("--person-column", "Whose record it is (default: each its own person).")]
TrainData = Annotated[str | None, option("--data", "Named corpus, file or hub data set (default: the recipe's).")]
AuditData = Annotated[str, option("--data", "Named corpus, .csv .tsv .jsonl .parquet file, or hub data set.")]
RecipeFile = Annotated[Path | None, option("--recipe", "TOML recipe (default: the built-in one).")]
Backbone = Annotated[str | None, option("--backbone", "Model to fine-tune.")]
Epochs = Annotated[int | None, option("--epochs", "Passes over the training data.")]
BatchSize = Annotated[int | None, option("--batch-size", "Examples per batch.")]
LearningRate = Annotated[float | None, option("--learning-rate", "Peak learning rate.")]
MaxLength = Annotated[int | None, option("--max-length", "Tokens read of one text.")]
TrainLimit = Annotated[int | None, option("--limit", "Train on at most so many examples.")]
Fraction = Annotated[float | None, option("--fraction", "Train on this share, chosen by a hash of each id.")]
AuditLimit = Annotated[int | None, option("--limit", "Audit at most so many examples.")]
TrainSeed = Annotated[int | None, option("--seed", "Root of all random streams.")]
TrainPrecision = Annotated[str | None, option("--precision", "auto, float32 or bfloat16.")]
Track = Annotated[str | None, option("--track", "tensorboard, mlflow or wandb.")]
RandomLabels = Annotated[
    bool,
    typer.Option(
        "--random-labels",
        help="Deal the labels out at random: only for the audit's --label-randomised.",
        show_default=False,
    ),
]
BehaviourFiles = Annotated[
    list[str] | None,
    typer.Option("--behaviours", help="TOML file with behavioural tests of your own; repeatable.", show_default=False),
]
LexiconFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--lexicon",
        help="TOML file with identity terms of your own, in place of the shipped 'english'; repeatable.",
        show_default=False,
    ),
]
MembersFile = Annotated[
    Path | None,
    typer.Option(
        "--members",
        help="CSV file (id, member): who could have been trained on and who was, for attacks on privacy.",
        show_default=False,
    ),
]
TwinFolder = Annotated[
    Path | None,
    typer.Option(
        "--twin",
        help="Folder of a model trained without privacy on the same data: what privacy costs.",
        show_default=False,
    ),
]
Experiment = Annotated[
    bool,
    typer.Option(
        "--experiment",
        help="Learn from a random half by coins that are kept: an audit then measures who can be told to have been in.",
        show_default=False,
    ),
]
Canaries = Annotated[
    int | None,
    typer.Option(
        "--canaries",
        help="Plant half of so many made-up texts, by coins that are kept: an audit then measures what became of them.",
        min=0,
        show_default=False,
    ),
]
LabelRandomised = Annotated[
    str | None,
    typer.Option(
        "--label-randomised",
        help="Folder of a model trained with --random-labels: explanations must not be like its.",
        show_default=False,
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an interrupted training.")]
LabelMap = Annotated[
    list[str] | None, option("--label-map", "DATA=MODEL label names; repeatable; write \\= for a = in DATA.")
]
PositiveLabel = Annotated[str | None, option("--positive-label", "The label that rates are about (default: last).")]
Threshold = Annotated[float | None, option("--threshold", "Decide positive from this probability on (two labels).")]
Split = Annotated[str | None, option("--split", "train, validation, test or all (named corpus: test, else all).")]
Target = Annotated[str | None, option("--target", "Label to explain (default: the one decided).")]
Versus = Annotated[str | None, option("--versus", "Explain why the target rather than this label.")]
ModelArgument = Annotated[str, typer.Argument(help="Folder of a checkpoint, or a hub id (with --online).")]
RecordArgument = Annotated[Path, typer.Argument(help="audit.json, or the folder that holds it.")]
PolicyName = Annotated[str, typer.Option("--policy", help="Shipped policy or TOML file.")]
Precision = Annotated[
    str,
    typer.Option(
        "--precision",
        help="What to search in: auto, float32 or bfloat16. What is found is confirmed in float32.",
    ),
]
HtmlFile = Annotated[Path | None, option("--html", "Also write a page to this file.")]
FailOn = Annotated[
    str, typer.Option("--fail-on", help="fail, or warn: exit with 1 for a warning, too.", show_choices=True)
]
ReportFile = Annotated[Path | None, option("--out", "HTML file (default: index.html beside the record).")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]


def network(online: bool) -> None:
    """Keep the hub libraries of this process offline unless asked. Before they are imported."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    if not online:
        os.environ["HF_HUB_OFFLINE"] = "1"


def columns_of(
    text: list[str] | None, label: str | None, groups: list[str] | None, id_: str | None, person: str | None
) -> Any:
    """Return the `Columns` that the flags name; None where none was given."""
    if not (text or label or groups or id_ or person):
        return None
    from workbench.data.sources import Columns

    return Columns(text=tuple(text or ()), label=label, groups=tuple(groups or ()), id=id_, person=person)


def crossed(given: list[str] | None) -> list[tuple[str, ...]]:
    """Return the attributes of each `--cross`."""
    return [tuple(part.strip() for part in one.split(",")) for one in given or ()]
