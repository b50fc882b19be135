"""The verbs: what people call. Each composes the rooms below; none has an algorithm of its own.

Heavy modules are imported inside the verbs, so that `render` and `judge` work on a machine without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import BadInput, Misconfigured, MissingResource, NotFound
from workbench.evidence.decision import Decision
from workbench.evidence.record import AuditRecord, AuditSettings, Finding
from workbench.results import Audited, Explanation, read_record, set_aside
from workbench.verdict.judge import judge as _judge
from workbench.verdict.policy import Policy, load_policy

if TYPE_CHECKING:
    from workbench.attacking import Attacked
    from workbench.audit.probe import ItemProbe, WholeProbe
    from workbench.audit.robustness.regress import Asked, Regressions
    from workbench.audit.runner import Progress
    from workbench.audit.store import Store
    from workbench.data.corpus import Corpus
    from workbench.data.sources import Columns
    from workbench.evidence.effort import Effort
    from workbench.evidence.record import Evidence
    from workbench.explorer import Explorer
    from workbench.models.hugging_face import HuggingFaceTextClassifier
    from workbench.models.protocols import Classifier, FloatArray
    from workbench.models.smoothed import Smoothed
    from workbench.train.events import OnEvent
    from workbench.train.loop import Trained
    from workbench.train.recipe import Recipe


def load(
    model: str | Path,
    *,
    online: bool = False,
    device: str = "auto",
    precision: str = "auto",
    max_length: int | None = None,
) -> HuggingFaceTextClassifier:
    """Load a text classifier: a folder written by `train`, any Hugging Face checkpoint folder, or a hub id.

    Only safetensors weights are read, no remote code is run, and nothing is downloaded unless `online`.
    `precision` is 'auto' (float32), 'float32', or 'bfloat16' (all of it: fast, and never evidence).

    Raises:
        NotFound: no such folder, and not a hub id that is at hand.
        Untrusted: pickled weights or remote code.
        BadInput: not a text-classification checkpoint.
    """
    from workbench.models.hugging_face import load_checkpoint

    resolved = {"auto": "float32"}.get(precision, precision)
    return load_checkpoint(model, online=online, device=device, precision=resolved, max_length=max_length)


def smoothed(
    model: str | Path | Classifier,
    *,
    keep: float = 0.2,
    samples: int = 200,
    seed: int = 0,
    online: bool = False,
    device: str = "auto",
) -> Smoothed:
    """Return a classifier that decides by vote: what `model` decides on copies of a text with most words masked.

    Its decisions can be certified against replaced words (the probe `robustness.certified@1`), and it can be audited
    like any other. It asks `model` up to `samples` times about each text. Levine and Feizi 2020.

    Args:
        model: a folder, a hub id (with `online`) or a classifier; one that was trained on masked texts serves best.
        keep: share of a text's words that stay, drawn at random for each copy.
        samples: copies of each text.
        seed: of the draws, which otherwise depend on the text only.
        online: allow downloads.
        device: 'auto', 'cpu', 'cuda', …

    Raises `Misconfigured`, and whatever `load` does.
    """
    from workbench.models.smoothed import Smoothed

    base: Classifier = load(model, online=online, device=device) if isinstance(model, str | Path) else model
    return Smoothed(base, keep=keep, samples=samples, seed=seed)


def train(
    recipe: Recipe | str | Path | None = None,
    data: str | Path | Corpus | None = None,
    *,
    out: str | Path,
    columns: Columns | None = None,
    resume: bool = False,
    track: str | None = None,
    online: bool = False,
    progress: OnEvent | None = None,
) -> Trained:
    """Fine-tune as `recipe` says and write a plain Hugging Face checkpoint with a training card to `out`.

    Args:
        recipe: a `Recipe`, a TOML file, or None for the shipped one.
        data: a named corpus, a file, a hub data set (with `online`) or a `Corpus`; overrides the recipe's.
        out: a folder that does not exist yet, or is empty.
        columns: which columns of a file or hub data set hold text, label, groups, id, person.
        resume: continue an interrupted run; return at once if this very run is finished in `out`.
        track: 'tensorboard', 'mlflow' or 'wandb'.
        online: allow downloads.
        progress: called with every `TrainingEvent`.

    Raises:
        BadInput: the recipe, the data or `out` cannot be used; the message says what to do.
    """
    from workbench.engines.local import Threads
    from workbench.train.loop import train as fine_tune
    from workbench.train.recipe import Recipe

    chosen = recipe if isinstance(recipe, Recipe) else Recipe.read(recipe or "default")
    corpus = _corpus(chosen.data if data is None else data, columns=columns, online=online)
    chosen = chosen.but(data=corpus.name)
    return fine_tune(
        chosen, corpus, Path(out), resume=resume, track=track, online=online, progress=progress, workers=Threads()
    )


def audit(
    model: str | Path | Classifier,
    data: str | Path | Corpus,
    *,
    out: str | Path | None = None,
    profile: str = "quick",
    policy: str | Path | Policy = "default",
    columns: Columns | None = None,
    label_map: Mapping[str, str] | None = None,
    positive_label: str | None = None,
    threshold: float | None = None,
    split: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    precision: str = "auto",
    device: str = "auto",
    label_randomised: str | Path | None = None,
    behaviours: Sequence[str | Path] = (),
    online: bool = False,
    command: str | None = None,
    progress: Progress | None = None,
) -> Audited:
    """Audit `model` on `data`; return the record, the findings and the verdict, and write the report to `out`.

    Named corpora are audited on their test split, everything else on all its rows, unless `split` says otherwise.
    With `out`, an interrupted audit continues where it stopped when it is run again with the same arguments.

    Args:
        model: a checkpoint folder, a hub id (with `online`), or any `Classifier`.
        data: a named corpus, a file, a hub data set (with `online`), or a `Corpus`.
        out: folder for `index.html`, `audit.json` and `predictions.parquet`.
        profile: 'quick', 'standard' or 'full'.
        policy: a shipped policy's name, a TOML file, or a `Policy`. Fixed before the audit runs.
        columns: which columns of a file or hub data set hold text, label, groups, id, person.
        label_map: data label -> model label, where they differ.
        positive_label: the label that rates are about (default: the corpus's own, else the last).
        threshold: decide 'positive' from this probability on (two labels only); default: the most probable label.
        split: 'train', 'validation', 'test' or 'all'.
        limit: at most so many examples, sampled by hash of their id.
        seed: root of all random streams.
        precision: what attacks and explainers search in: 'float32', 'bfloat16', or 'auto' (bfloat16 where it was once
            timed to be faster on this machine). Predictions, scores and successes are float32 in any case.
        device: 'auto', 'cpu', 'cuda', …
        label_randomised: folder of a model trained on random labels (`random_labels` in the recipe); the sanity check
            of the explanations compares with it.
        behaviours: TOML files with behavioural tests of your own, run after the shipped ones.
        online: allow downloads.
        command: the command line, for the report's last section.
        progress: called with every step.

    Raises:
        BadInput: the model, data or arguments cannot be used; the message says what to do.
    """
    from workbench import home
    from workbench.audit.ledger import count_audit
    from workbench.audit.profiles import gains_from_twin, with_attack
    from workbench.audit.profiles import profile as probes_of
    from workbench.audit.store import Store, key_of
    from workbench.environment import environment
    from workbench.files import require_writable
    from workbench.models.engine.choice import search_precision
    from workbench.models.training_card import read_training_card

    chosen_policy = policy if isinstance(policy, Policy) else load_policy(policy)
    probes = probes_of(
        profile,
        label_randomised=None if label_randomised is None else str(label_randomised),
        behaviours=[str(one) for one in behaviours],
    )
    folder = None if out is None else Path(out)
    if folder is not None:
        require_writable(folder)
    if limit is not None and limit < 1:
        raise Misconfigured(f"--limit must be at least 1; got {limit}")
    whole = _corpus(data, columns=columns, online=online)  # before the model: quick to read, often the culprit
    classifier: Classifier = load(model, online=online, device=device) if isinstance(model, str | Path) else model
    if label_randomised is not None:
        _require_labels(load(label_randomised, online=online, device="cpu"), classifier)
    searching = search_precision(classifier, precision, worthwhile=gains_from_twin(probes))
    mapping = dict(label_map or {})
    corpus = _audited_part(whole, classifier.labels, label_map=mapping, split=split, limit=limit)
    settings = AuditSettings(
        seed=seed,
        profile=profile,
        split=corpus.split,
        limit=limit,
        decision=_decision(threshold, classifier.labels),
        positive_label=_positive(positive_label, corpus, classifier.labels),
        label_map=mapping,
        precision=str(getattr(classifier, "precision", "float64")),
        search_precision=searching.precision,
        search_reason=searching.because,
        policy=chosen_policy.name,
        policy_digest=chosen_policy.digest,
        date=(now := datetime.now(UTC).isoformat(timespec="seconds")),
        ledger_count=1,  # counted below
        command=command,
    )
    place = environment(str(getattr(classifier, "device", "cpu")))
    # Whatever could be unreadable is read before the long work, not after it.
    model_folder = getattr(classifier, "folder", None)
    training = None if model_folder is None else read_training_card(model_folder)
    hardened = None if training is None else training.augmentation
    seen = None if hardened is None else hardened.families
    if hardened is not None and hardened.primary_attack is not None:
        # Named before training, to be judged by.
        probes = with_attack(probes, f"{hardened.primary_attack.removesuffix('@1')}@1")
    card = corpus.card.model_copy(update=_reading(classifier, corpus, model_folder))
    store = None if folder is None else Store(folder)
    try:
        if folder is not None:
            set_aside(folder)
        # An audit that continues after an interruption is one audit.
        asked = key_of(
            model=classifier.card.model_dump(mode="json"),
            corpus=corpus.digest,
            settings=settings.model_dump(
                mode="json", exclude={"date", "ledger_count", "command", "profile", "policy", "policy_digest"}
            ),
            environment=place.model_dump(mode="json"),
            seen=seen,
        )
        counted = None if store is None else store.get(key_of(ledger=asked))
        count = int(counted or count_audit(home.ledger(), corpus=corpus.digest, model=classifier.card.digest, date=now))
        if store is not None:
            store.put(key_of(ledger=asked), str(count))
        settings = settings.model_copy(update={"ledger_count": count})
        measured = _measure(
            classifier, corpus, probes, settings, seen=seen, key=asked, store=store, progress=progress or _silent
        )
        record = AuditRecord(
            model=classifier.card,
            training=training,
            corpus=card,
            environment=place,
            audit=settings.model_copy(update={"shapes": measured.shapes}),
            evidence=measured.evidence,
            effort=measured.effort,
        )
        record = record.model_copy(update={"findings": judge(record, chosen_policy)})
        audited = Audited(record, corpus, measured.probabilities)
        if folder is not None:
            audited.save(folder)
        if store is not None:
            store.discard()  # complete: the next run with these arguments measures anew
            store = None
    finally:
        if store is not None:
            store.close()
    return audited


def judge(record: AuditRecord | str | Path, policy: str | Path | Policy = "default") -> tuple[Finding, ...]:
    """Judge `record` (or the `audit.json` at that path) by `policy`. Pure: same input, same findings."""
    held = record if isinstance(record, AuditRecord) else read_record(record)
    return _judge(held, policy if isinstance(policy, Policy) else load_policy(policy))


def regress(
    model: str | Path | Classifier, cases: str | Path | Regressions, *, online: bool = False
) -> tuple[Asked, ...]:
    """Ask `model` about the failing cases that `workbench regress save` wrote; say of each whether it still fails.

    Raises `NotFound` and `BadInput` for a file that is none, `Misconfigured` for a model with other labels.
    """
    from workbench.audit.robustness.regress import Regressions, ask_again, read_regressions

    held = cases if isinstance(cases, Regressions) else read_regressions(cases)
    return ask_again(load(model, online=online) if isinstance(model, str | Path) else model, held)


def render(record: AuditRecord | str | Path, findings: Sequence[Finding] | None = None) -> str:
    """Return the report of `record` as one self-contained HTML page; `findings` default to the record's own."""
    from workbench.report.render import render as page

    held = record if isinstance(record, AuditRecord) else read_record(record)
    return page(held, held.findings if findings is None else tuple(findings))


def attack(
    model: str | Path | Classifier,
    data: str | Path | Corpus,
    *,
    recipe: str = "deepwordbug",
    examples: int = 100,
    query_budget: int = 500,
    split: str | None = None,
    seed: int = 0,
    online: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Attacked:
    """Attack `model` on a sample of `data`, drawn by hash of id: another model gets the same texts.

    For looking at rewrites, and for comparing models pair by pair (`after.since(before)`); an audit says more.

    Args:
        model: a folder, a hub id (with `online`) or a classifier.
        data: a named corpus (its test split), a file, a hub data set (with `online`) or a `Corpus`.
        recipe: one of those that `workbench attacks` lists.
        examples: texts to draw.
        query_budget: texts scored for each at most.
        split: 'train', 'validation', 'test' or 'all'.
        seed: of the attack's own randomness.
        online: allow downloads.
        progress: told (texts done, texts in all).

    Raises `NotFound` for an unknown recipe, `MissingResource` where it cannot run here, with the remedy.
    """
    from workbench.attacking import attack as attacked

    classifier = load(model, online=online) if isinstance(model, str | Path) else model
    whole = _corpus(data, columns=None, online=online)
    part = _audited_part(whole, classifier.labels, label_map={}, split=split, limit=None)
    return attacked(
        classifier, part, recipe=recipe, examples=examples, query_budget=query_budget, seed=seed, progress=progress
    )


def explain(
    model: str | Path | Classifier,
    text: str | Sequence[str],
    *,
    methods: str | Sequence[str] = "integrated_gradients",
    target: str | None = None,
    versus: str | None = None,
    quality: bool | None = None,
    seed: int = 0,
    online: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Explanation:
    """Explain why `model` decides so about `text`: a score for every token and word, by one method or several.

    Args:
        model: a folder, a hub id (with `online`) or a classifier.
        text: one text or several.
        methods: one or several of those that `workbench explain --help` names.
        target: the label to explain; default: the one decided.
        versus: explain why `target` rather than this label.
        quality: measure what each explanation is worth on its text, beside random words; default: where there are
            several methods to choose from. It asks the model some four hundred questions about each text.
        seed: of methods that sample.
        online: allow downloads.
        progress: told (explanations done, explanations in all).

    The result shows itself in a notebook. A method that cannot explain this model, or this text, raises what it raises
    alone: `Unsupported`, `EmptyData`; an unknown name `NotFound`.
    """
    from workbench.audit.explanations.explain import full_names
    from workbench.audit.explanations.many import explain_many, worth_of
    from workbench.engines.local import Threads
    from workbench.models.engine import engine_for

    names = full_names([methods] if isinstance(methods, str) else methods)
    texts = [text] if isinstance(text, str) else list(text) if isinstance(text, Sequence) else []
    if not texts or not all(isinstance(one, str) for one in texts):
        raise BadInput(f"nothing to explain: give at least one text, as a string; got {text!r:.80}")
    classifier = load(model, online=online) if isinstance(model, str | Path) else model
    with engine_for(classifier) as engine:
        explained = explain_many(
            engine, texts, names, Threads(), target=target, versus=versus, seed=seed, progress=progress
        )
        measured = quality if quality is not None else len(names) > 1
        worth = worth_of(engine, explained, Threads(), seed=seed) if measured else []
    return Explanation(tuple(scores for each in explained for scores in each), tuple(worth))


def explore(
    model: str | Path | Classifier,
    text: str,
    *,
    methods: Sequence[str] | None = None,
    target: str | None = None,
    online: bool = False,
) -> Explorer | Explanation:
    """Show an explanation that answers back, in a notebook: edit the text, take words away, choose label and method.

    Without ipywidgets (the extra `notebooks`) it is the static explanation of `text` by these methods.
    """
    from workbench.explorer import METHODS, Explorer, has_widgets

    classifier = load(model, online=online) if isinstance(model, str | Path) else model
    names = tuple(METHODS if methods is None else methods)
    if has_widgets():
        return Explorer(classifier, text, methods=names, target=target)
    return explain(classifier, text, methods=names if methods is not None else names[:1], target=target)


class _Measured(NamedTuple):
    """What the probes left."""

    probabilities: FloatArray
    evidence: tuple[Evidence, ...]
    effort: tuple[Effort, ...]
    shapes: str | None


def _measure(
    classifier: Classifier,
    corpus: Corpus,
    probes: Sequence[WholeProbe | ItemProbe],
    settings: AuditSettings,
    *,
    seen: tuple[str, ...] | None,
    key: str,
    store: Store | None,
    progress: Progress,
) -> _Measured:
    """Predict, run the probes, and start again in smaller batches as often as memory runs out.

    Raises `MissingResource` if one text alone does not fit.
    """
    from workbench.audit.probe import Setting
    from workbench.audit.profiles import search_probe
    from workbench.audit.runner import Run, run_probes
    from workbench.audit.store import key_of
    from workbench.engines.local import Threads
    from workbench.models.engine import OutOfRoom, engine_for
    from workbench.models.engine.room import rooms
    from workbench.seeds import Streams

    setting = Setting(Streams(settings.seed), settings.decision, settings.positive_label, seen=seen)
    precision = "bfloat16" if settings.search_precision == "bfloat16" and settings.precision == "float32" else "float32"
    chosen = tuple(probes) if precision == "float32" else (*probes, search_probe())
    for shapes in rooms(classifier):
        # The corpus itself is never forgotten.
        with engine_for(classifier, precision=precision, cache_entries=100_000 + len(corpus)) as engine:
            run = Run(engine, corpus, setting, store, key_of(run=key, shapes=shapes), progress, Threads())
            try:
                probabilities, evidence = run_probes(run, chosen)
            except OutOfRoom as error:
                reason = str(error)
                continue
            return _Measured(probabilities, evidence, tuple(run.meter.efforts), shapes)
    raise MissingResource(
        f"the model cannot read a single one of these texts in the memory that there is ({reason}); "
        "use a machine or device with more, or a model with a smaller max_length"
    )


def _corpus(data: str | Path | Corpus, *, columns: Columns | None, online: bool) -> Corpus:
    from workbench.data.corpus import Corpus
    from workbench.data.sources import load_corpus

    return data if isinstance(data, Corpus) else load_corpus(str(data), columns=columns, online=online)


def _audited_part(
    whole: Corpus, labels: tuple[str, ...], *, label_map: Mapping[str, str], split: str | None, limit: int | None
) -> Corpus:
    """Return the part of `whole` to audit, with the model's labels, in canonical order."""
    from workbench.data.labels import align
    from workbench.data.manifest import manifests
    from workbench.data.sources import require_labels
    from workbench.data.splits import split as part_of

    # Split first: a label map that merges labels must not move anybody between the parts.
    wanted = split or ("test" if whole.name in manifests() and whole.split == "all" else whole.split)
    part = whole if wanted == whole.split else part_of(whole, wanted)
    corpus = align(part, labels, label_map)
    if limit is not None:
        corpus = corpus.sample(limit)
    require_labels(corpus, at_least=2)
    return corpus.canonical()


def _decision(threshold: float | None, labels: tuple[str, ...]) -> Decision:
    if threshold is None:
        return Decision()
    if len(labels) != 2:
        raise Misconfigured(
            f"--threshold needs a model with two labels; this one has {len(labels)}: {', '.join(labels)}"
        )
    if not 0 < threshold < 1:
        raise Misconfigured(f"--threshold must lie between 0 and 1; got {threshold}")
    return Decision(rule="threshold", threshold=threshold)


def _require_labels(unlearned: Classifier, classifier: Classifier) -> None:
    if unlearned.labels != classifier.labels:
        raise BadInput(
            f"--label-randomised: that model has the labels {list(unlearned.labels)}, the model under audit has "
            f"{list(classifier.labels)}; train it on the same data"
        )


def _positive(asked: str | None, corpus: Corpus, labels: tuple[str, ...]) -> str:
    if asked is not None:
        if asked not in labels:
            raise NotFound.among("positive label", asked, labels)
        return asked
    return corpus.positive_label if corpus.positive_label in labels else labels[-1]


def _reading(classifier: Classifier, corpus: Corpus, model_folder: Path | None) -> dict[str, int | None]:
    """Return what only model and corpus together know: texts cut off, examples seen in training."""
    from workbench.data.overlap import overlap
    from workbench.models.protocols import Truncating
    from workbench.models.training_card import read_fingerprints

    seen = None if model_folder is None else read_fingerprints(model_folder)
    return {
        "truncated": classifier.truncated(corpus.inputs) if isinstance(classifier, Truncating) else None,
        "in_training": None if seen is None else overlap(corpus, seen),
    }


def _silent(step: object) -> None:
    """Report progress to nobody."""
