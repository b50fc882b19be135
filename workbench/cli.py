"""The command line: one call each, no logic.

Exit codes: 0 pass or warn, 1 fail, 2 usage or bad input, 3 not established, 4 internal error, 130 interrupted.
"""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from workbench import __version__, terminal
from workbench.errors import WorkbenchError

INTERNAL, INTERRUPTED = 4, 130


class _Ordered(TyperGroup):
    """Lists the commands in the order of a first day: demo, train, audit, …"""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)


app = typer.Typer(
    name="workbench",
    cls=_Ordered,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train, attack, explain, disaggregate and audit a model before it is released.\n\n"
    "[bold]Start here:[/] workbench demo\n\n"
    "Nothing is downloaded without --online; nothing is sent anywhere.",
)


def _option(flag: str, text: str) -> Any:
    return typer.Option(flag, help=text, show_default=False)


Out = Annotated[Path, typer.Option("--out", help="Folder to write to.", show_default=False)]
Online = Annotated[bool, typer.Option("--online", help="Allow downloads from the Hugging Face hub.")]
TextColumn = Annotated[list[str] | None, _option("--text-column", "Column of the text; several are joined.")]
LabelColumn = Annotated[str | None, _option("--label-column", "Column of the label.")]
GroupColumn = Annotated[list[str] | None, _option("--group-column", "Column of a sensitive attribute; repeatable.")]
IdColumn = Annotated[str | None, _option("--id-column", "Column of a unique id (default: a hash of the content).")]
PersonColumn = Annotated[str | None, _option("--person-column", "Whose record it is (default: each its own person).")]
TrainData = Annotated[str | None, _option("--data", "Named corpus, file or hub data set (default: the recipe's).")]
AuditData = Annotated[str, _option("--data", "Named corpus, .csv .tsv .jsonl .parquet file, or hub data set.")]
RecipeFile = Annotated[Path | None, _option("--recipe", "TOML recipe (default: the built-in one).")]
Backbone = Annotated[str | None, _option("--backbone", "Model to fine-tune.")]
Epochs = Annotated[int | None, _option("--epochs", "Passes over the training data.")]
BatchSize = Annotated[int | None, _option("--batch-size", "Examples per batch.")]
LearningRate = Annotated[float | None, _option("--learning-rate", "Peak learning rate.")]
MaxLength = Annotated[int | None, _option("--max-length", "Tokens read of one text.")]
TrainLimit = Annotated[int | None, _option("--limit", "Train on at most so many examples.")]
AuditLimit = Annotated[int | None, _option("--limit", "Audit at most so many examples.")]
TrainSeed = Annotated[int | None, _option("--seed", "Root of all random streams.")]
TrainPrecision = Annotated[str | None, _option("--precision", "auto, float32 or bfloat16.")]
Track = Annotated[str | None, _option("--track", "tensorboard, mlflow or wandb.")]
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
    list[str] | None, _option("--label-map", "DATA=MODEL label names; repeatable; write \\= for a = in DATA.")
]
PositiveLabel = Annotated[str | None, _option("--positive-label", "The label that rates are about (default: last).")]
Threshold = Annotated[float | None, _option("--threshold", "Decide positive from this probability on (two labels).")]
Split = Annotated[str | None, _option("--split", "train, validation, test or all (named corpus: test, else all).")]
Target = Annotated[str | None, _option("--target", "Label to explain (default: the one decided).")]
Versus = Annotated[str | None, _option("--versus", "Explain why the target rather than this label.")]
METHODS = (
    "integrated_gradients (default), input_x_gradient, gradient_shap, saliency, shap_partition, shap_kernel, lime, "
    "lime_adaptive, occlusion, attention_rollout or random; repeatable."
)
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
HtmlFile = Annotated[Path | None, _option("--html", "Also write a page to this file.")]
ReportFile = Annotated[Path | None, _option("--out", "HTML file (default: index.html beside the record).")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]


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
    seed: TrainSeed = None,
    precision: TrainPrecision = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    id_column: IdColumn = None,
    person_column: PersonColumn = None,
    random_labels: RandomLabels = False,
    resume: Resume = False,
    track: Track = None,
    online: Online = False,
) -> None:
    """Fine-tune a text classifier and write a plain Hugging Face checkpoint with a training card."""
    _network(online)
    from workbench import verbs
    from workbench.train.recipe import Recipe

    flags = {
        "backbone": backbone, "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate,
        "max_length": max_length, "limit": limit, "seed": seed, "precision": precision,
        "random_labels": random_labels or None,
    }  # fmt: skip
    chosen = Recipe.read(recipe or "default").but(where="train", **flags)
    with terminal.training_progress() as progress:
        trained = verbs.train(
            chosen, data, out=out, columns=_columns(text_column, label_column, group_column, id_column, person_column),
            resume=resume, track=track, online=online, progress=progress,
        )  # fmt: skip
    terminal.print_training(trained.card, out)


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench audit runs/base --data reviews --out reports/base\n\n"
    "  workbench audit ./checkpoint --data mine.csv --text-column text --label-column label "
    "--group-column sex --group-column region --out reports/mine\n\n"
    "  workbench audit ./checkpoint --data mine.csv --label-map 1=good --label-map 0=bad --out reports/mine\n\n"
    "An interrupted audit continues when the same command is run again.\n\n"
    "Exit codes: 0 pass or warn, 1 fail, 3 not established, 2 bad input, 4 internal error.",
)
def audit(
    model: ModelArgument,
    data: AuditData,
    out: Out,
    profile: Annotated[str, typer.Option("--profile", help="quick, standard or full.")] = "quick",
    policy: PolicyName = "default",
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    id_column: IdColumn = None,
    person_column: PersonColumn = None,
    label_map: LabelMap = None,
    positive_label: PositiveLabel = None,
    threshold: Threshold = None,
    split: Split = None,
    limit: AuditLimit = None,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    precision: Precision = "auto",
    device: Device = "auto",
    label_randomised: LabelRandomised = None,
    behaviours: BehaviourFiles = None,
    online: Online = False,
) -> None:
    """Audit a model and write the report: index.html, audit.json and predictions.parquet."""
    _network(online)
    from workbench import verbs
    from workbench.data.labels import parse_label_map

    with terminal.audit_progress() as progress:
        audited = verbs.audit(
            model, data, out=out, profile=profile, policy=policy,
            columns=_columns(text_column, label_column, group_column, id_column, person_column),
            label_map=parse_label_map(label_map or []), positive_label=positive_label, threshold=threshold, split=split,
            limit=limit, seed=seed, precision=precision, device=device, online=online, command=_command(),
            label_randomised=label_randomised, behaviours=behaviours or (), progress=progress,
        )  # fmt: skip
    terminal.print_audited(audited, out)
    raise typer.Exit(_exit_code(audited.verdict))


@app.command(
    epilog="[bold]Examples[/]\n\n  workbench judge reports/base/audit.json\n\n"
    "  workbench judge reports/base/audit.json --policy release.toml --json",
)
def judge(
    record: RecordArgument,
    policy: PolicyName = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print findings and verdict as JSON.")] = False,
) -> None:
    """Judge a finished audit by a policy, without measuring again. Needs no torch."""
    from workbench import verbs
    from workbench.results import read_record
    from workbench.verdict.judge import overall
    from workbench.verdict.policy import load_policy

    held, chosen = read_record(record), load_policy(policy)
    findings = verbs.judge(held, chosen)
    verdict = overall(held, findings)
    if as_json:
        terminal.print_json(
            {
                "verdict": verdict,
                "policy": {"name": chosen.name, "digest": chosen.digest},
                "model": {"name": held.model.name, "digest": held.model.digest},
                "corpus": {"name": held.corpus.name, "digest": held.corpus.digest},
                "findings": [finding.model_dump(mode="json") for finding in findings],
            }
        )
    else:
        terminal.print_verdict(held, findings, verdict, policy=chosen.name)
    raise typer.Exit(_exit_code(verdict))


@app.command(epilog="[bold]Example[/]\n\n  workbench report reports/base/audit.json --out reports/base/index.html")
def report(
    record: RecordArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="HTML file (default: index.html beside the record).", show_default=False),
    ] = None,
) -> None:
    """Write the HTML report of a finished audit again. Needs no torch."""
    from workbench import verbs
    from workbench.files import write_text
    from workbench.results import REPORT

    target = out or (record if record.is_dir() else record.parent) / REPORT
    write_text(target, verbs.render(record))
    terminal.out.print(f"Report: {target}")


@app.command(
    epilog='[bold]Examples[/]\n\n  workbench explain runs/base "Lovely fabric, but it runs small"\n\n'
    '  workbench explain runs/base "Lovely fabric" --target "not recommended" --html why.html\n\n'
    '  workbench explain runs/base "Lovely fabric" --method lime --method occlusion',
)
def explain(
    model: ModelArgument,
    text: Annotated[str, typer.Argument(help="The text to explain.")],
    target: Target = None,
    versus: Versus = None,
    method: Annotated[list[str] | None, _option("--method", METHODS)] = None,
    html: HtmlFile = None,
    online: Online = False,
) -> None:
    """Show which words of a text moved the model's decision, by one method or several side by side."""
    _network(online)
    from workbench import verbs

    methods = method or ["integrated_gradients"]
    explanation = verbs.explain(model, text, methods=methods, target=target, versus=versus, online=online)
    for scores in explanation:
        terminal.print_explanation(scores)
    for quality in explanation.quality:
        terminal.print_quality(quality)
    if html is not None:
        explanation.save(html)
        terminal.out.print(f"Page: {html}")


@app.command(epilog="[bold]Examples[/]\n\n  workbench policy\n\n  workbench policy yours.toml")
def policy(
    name: Annotated[str, typer.Argument(help="Shipped policy or TOML file.")] = "default",
) -> None:
    """Check a policy and say how many examples each of its gates needs to be decidable."""
    from workbench.verdict.decidable import decidability
    from workbench.verdict.policy import load_policy

    for line in decidability(load_policy(name)):
        terminal.out.print(line, markup=False)


regressions = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Keep failing cases of an audit as a file, and ask the next model about them.",
)
app.add_typer(regressions, name="regress")


@regressions.command(epilog="[bold]Example[/]\n\n  workbench regress save reports/base --out cases.json")
def save(
    record: RecordArgument,
    out: Annotated[Path, typer.Option("--out", help="JSON file to write.")],
) -> None:
    """Write every failing behaviour and every successful attack of a finished audit to a file."""
    from workbench.audit.robustness.regress import collect
    from workbench.files import write_json
    from workbench.results import read_record

    held = collect(read_record(record))
    write_json(out, held.model_dump(mode="json"))
    terminal.out.print(f"{len(held.cases)} cases: {out}", markup=False)


@regressions.command(
    epilog="[bold]Example[/]\n\n  workbench regress run cases.json runs/better\n\n"
    "Exit codes: 0 none fails any more, 1 some fail, 2 bad input.",
)
def run(
    cases: Annotated[Path, typer.Argument(help="File from `workbench regress save`.")],
    model: ModelArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print every case as JSON.")] = False,
    online: Online = False,
) -> None:
    """Ask a model about saved cases: which still fail?"""
    _network(online)
    from workbench import verbs
    from workbench.audit.robustness.regress import summary

    asked = verbs.regress(model, cases, online=online)
    if as_json:
        terminal.print_json(
            [
                {**one.case.model_dump(), "fails": one.fails, "decided": one.decided, "probability": one.probability}
                for one in asked
            ]
        )
    else:
        terminal.print_regressions(summary(asked))
    raise typer.Exit(int(any(one.fails for one in asked)))


judged = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Let people say which rewrites keep their label, and put that into the report.",
)
app.add_typer(judged, name="judgements")


@judged.command(
    "save",
    epilog="[bold]Example[/]\n\n  workbench judgements save reports/base --out rewrites.csv",
)
def save_judgements(
    record: RecordArgument,
    out: Annotated[Path, typer.Option("--out", help="CSV file to write.", show_default=False)],
    examples: Annotated[int, typer.Option("--examples", help="Rewrites of each attack at most.")] = 50,
    seed: Annotated[int, typer.Option("--seed", help="Another seed draws others.")] = 0,
) -> None:
    """Write a random sample of each attack's successful rewrites to a file, for people to judge. Needs no torch."""
    from workbench import judgements

    terminal.print_saved(judgements.save(record, out, examples=examples, seed=seed), record)


@judged.command(
    "apply",
    epilog="[bold]Examples[/]\n\n  workbench judgements apply reports/base rewrites.csv\n\n"
    "  workbench judgements apply reports/base anna.csv ben.csv --policy release.toml\n\n"
    "Exits with 0 once record and report are written, whatever the verdict.",
)
def apply_judgements(
    record: RecordArgument,
    files: Annotated[list[Path], typer.Argument(help="Files from `workbench judgements save`, filled in.")],
    policy: Annotated[Path | None, _option("--policy", "File of the audit's own policy, if not a shipped one.")] = None,
) -> None:
    """Put people's judgements into a finished audit, judge it anew and write its report again. Needs no torch."""
    from workbench import judgements

    terminal.print_applied(judgements.apply(record, files, policy=policy))


@app.command(epilog="[bold]Example[/]\n\n  workbench attacks")
def attacks() -> None:
    """List the attack recipes: what each changes, whether it can run here, and what to do where it cannot."""
    from workbench.audit.robustness.recipes import listed

    terminal.print_attacks(listed())


@app.command()
def datasets() -> None:
    """List the named corpora and models: what is there, licence, size, digest."""
    from workbench.data.manifest import catalogue

    terminal.print_catalogue(catalogue())


@app.command()
def doctor() -> None:
    """Say what this installation has, what is missing, what that switches off and how to get it."""
    from workbench.doctor import examine

    terminal.print_checks(examine())


@app.command(epilog="[bold]Example[/]\n\n  workbench schema > audit.schema.json")
def schema() -> None:
    """Print the JSON schema of audit.json."""
    from workbench.evidence.record import AuditRecord

    terminal.print_json(AuditRecord.model_json_schema())


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


VersionFlag = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
]


@app.callback()
def common(
    version: VersionFlag = False,
) -> None:
    """Hold the options that belong to no command."""


def _network(online: bool) -> None:
    """Keep the hub libraries of this process offline unless asked. Before they are imported."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    if not online:
        os.environ["HF_HUB_OFFLINE"] = "1"


def _columns(
    text: list[str] | None, label: str | None, groups: list[str] | None, id_: str | None, person: str | None
) -> Any:
    if not (text or label or groups or id_ or person):
        return None
    from workbench.data.sources import Columns

    return Columns(text=tuple(text or ()), label=label, groups=tuple(groups or ()), id=id_, person=person)


def _exit_code(verdict: Any) -> int:
    from workbench.verdict.judge import exit_code

    return exit_code(verdict)


def _command() -> str:
    return shlex.join(["workbench", *sys.argv[1:]])


def main() -> None:
    """Run the command line; every expected error is one line with a remedy, every unexpected one exits with 4."""
    try:
        app()
    except WorkbenchError as error:
        terminal.print_error(str(error))
        sys.exit(2)
    except SystemExit as done:
        if done.code == INTERRUPTED:  # Typer turns Ctrl-C into this code, silently
            terminal.print_error("interrupted; finished work is kept: run the same command again to continue")
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence: say so, and exit with a code of its own
        if os.environ.get("WORKBENCH_DEBUG"):
            traceback.print_exc()
        terminal.print_error(
            f"internal error: {type(error).__name__}: {error}; this is a defect of the workbench. "
            "Set WORKBENCH_DEBUG=1 for the full trace and report it"
        )
        sys.exit(INTERNAL)


if __name__ == "__main__":
    main()
