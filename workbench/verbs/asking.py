"""Questions to a model outside an audit: attacks, explanations, and cases that were kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import BadInput
from workbench.notebook import counting
from workbench.results import Explanation
from workbench.verbs.corpora import audited_part, corpus_of
from workbench.verbs.loading import load

if TYPE_CHECKING:
    from workbench.attacking import Attacked
    from workbench.audit.robustness.regress import Asked, Regressions
    from workbench.data.corpus import Corpus
    from workbench.explorer import Explorer
    from workbench.models.protocols import Classifier


def attack(
    model: str | Path | Classifier,
    data: str | Path | Corpus,
    *,
    recipe: str = "deepwordbug",
    examples: int = 100,
    query_budget: int = 500,
    seconds: float | None = None,
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
        seconds: longest that a search on one text may take; what it ends cannot be repeated exactly.
        split: 'train', 'validation', 'test' or 'all'.
        seed: of the attack's own randomness.
        online: allow downloads.
        progress: told (texts done, texts in all); in a notebook a bar shows them where this is None.

    Raises `NotFound` for an unknown recipe, `MissingResource` where it cannot run here, with the remedy.
    """
    from workbench.attacking import attack as attacked

    classifier = load(model, online=online) if isinstance(model, str | Path) else model
    whole = corpus_of(data, columns=None, online=online)
    part = audited_part(whole, classifier.labels, label_map={}, split=split, limit=None)
    with counting(progress, "Attacking") as told:
        return attacked(
            classifier,
            part,
            recipe=recipe,
            examples=examples,
            query_budget=query_budget,
            seconds=seconds,
            seed=seed,
            progress=told,
        )


def explain(
    model: str | Path | Classifier,
    text: str | Iterable[str],
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
        text: one text or several: a list, a column of a table, anything that gives strings.
        methods: one or several of those that `workbench explain --help` names.
        target: the label to explain; default: the one decided.
        versus: explain why `target` rather than this label.
        quality: measure what each explanation is worth on its text, beside random words; default: where there are
            several methods to choose from. It asks the model some four hundred questions about each text.
        seed: of methods that sample.
        online: allow downloads.
        progress: told (steps done, steps in all): each explanation is one, and so is measuring a text's. In a notebook
            a bar shows them where this is None.

    The result shows itself in a notebook. A method that cannot explain this model, or a text, raises `Unsupported` or
    `EmptyData`, with text and method: none is left out silently. What can be told of the texts is, before any work. An
    unknown name raises `NotFound`.
    """
    from workbench.audit.explanations.explain import full_names
    from workbench.audit.explanations.many import explain_many, worth_of
    from workbench.engines.local import Threads
    from workbench.models.engine import engine_for

    names = full_names([methods] if isinstance(methods, str) else methods)
    texts = _texts(text)
    classifier = load(model, online=online) if isinstance(model, str | Path) else model
    measured = quality if quality is not None else len(names) > 1
    steps = len(texts) * len(names)
    total = steps + (len(texts) if measured else 0)
    with engine_for(classifier) as engine, counting(progress, "Explaining") as told:
        tell = told or (lambda done, of: None)
        explained = explain_many(
            engine, texts, names, Threads(), target=target, versus=versus, seed=seed,
            progress=lambda done, _: tell(done, total),
        )  # fmt: skip
        worth = []
        if measured:
            worth = worth_of(
                engine, explained, Threads(), seed=seed, progress=lambda done, _: tell(steps + done, total)
            )
    return Explanation(tuple(scores for each in explained for scores in each), tuple(worth))


def explore(
    model: str | Path | Classifier,
    text: str,
    *,
    methods: str | Sequence[str] | None = None,
    target: str | None = None,
    online: bool = False,
) -> Explorer | Explanation:
    """Show an explanation that answers back, in a notebook: edit the text, take words away, choose label and method.

    Without ipywidgets (the extra `notebooks`) it is the static explanation of `text` by these methods.

    Raises `BadInput` for several texts, `Misconfigured` for no method or one named twice, `NotFound` for an unknown
    method or label.
    """
    from workbench.explorer import METHODS, Explorer, has_widgets

    if not isinstance(text, str):
        raise BadInput(f"explore shows one text, given as a string; got {_told(text)}. `explain` takes several")
    names = METHODS if methods is None else (methods,) if isinstance(methods, str) else tuple(methods)
    classifier = load(model, online=online) if isinstance(model, str | Path) else model
    if has_widgets():
        return Explorer(classifier, text, methods=names, target=target)
    return explain(classifier, text, methods=names if methods is not None else names[:1], target=target)


def _texts(given: object) -> list[str]:
    """Return one text or several. Raises `BadInput` for none, and for what holds other things than texts."""
    wanted = "give at least one text, as a string"
    if isinstance(given, str):
        return [given]
    # A table would give the names of its columns, a mapping its keys: strings, but not the texts that were meant.
    dimensions = getattr(given, "ndim", 1)
    if dimensions != 1 or isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
        raise BadInput(f"{wanted}; got {_told(given)}{': name one of its columns' if dimensions > 1 else ''}")
    found = list(given)
    for i, one in enumerate(found):
        if not isinstance(one, str):
            raise BadInput(f"{wanted}; text {i + 1} of {len(found)} is {_told(one)}")
    if not found:
        raise BadInput(f"nothing to explain: {wanted}; got {_told(given)}")
    return [one[:] for one in found]  # of NumPy's strings: Python's


def _told(given: object) -> str:
    """Return the type and the beginning of what was given, in one line."""
    return f"{type(given).__name__}: {' '.join(repr(given).split()):.80}"


def regress(
    model: str | Path | Classifier, cases: str | Path | Regressions, *, online: bool = False
) -> tuple[Asked, ...]:
    """Ask `model` about the failing cases that `workbench regress save` wrote; say of each whether it still fails.

    Raises `NotFound` and `BadInput` for a file that is none, `Misconfigured` for a model with other labels.
    """
    from workbench.audit.robustness.regress import Regressions, ask_again, read_regressions

    held = cases if isinstance(cases, Regressions) else read_regressions(cases)
    return ask_again(load(model, online=online) if isinstance(model, str | Path) else model, held)
