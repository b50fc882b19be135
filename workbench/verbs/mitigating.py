"""Mitigation after training: a model's decisions, by group."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import Unsupported
from workbench.notebook import counting
from workbench.verbs.corpora import corpus_of
from workbench.verbs.loading import group_aware, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.data.corpus import Corpus
    from workbench.data.sources import Columns
    from workbench.evidence.mitigation import MitigationCard
    from workbench.models.group_aware import GroupAwareClassifier
    from workbench.models.protocols import Classifier
    from workbench.train.mitigation.expected import Part
    from workbench.train.mitigation.fitting import Made


class Mitigated(NamedTuple):
    """A model that decides by group, and what that cost and gained."""

    classifier: GroupAwareClassifier
    card: MitigationCard


def mitigate(
    model: str | Path | Classifier,
    data: str | Path | Corpus,
    *,
    attribute: str,
    constraint: str = "demographic_parity",
    objective: str = "accuracy_score",
    slack: float | None = None,
    mix: float = 1.0,
    unknown: str = "overall",
    public: str | None = None,
    positive_label: str | None = None,
    out: str | Path | None = None,
    columns: Columns | None = None,
    label_map: Mapping[str, str] | None = None,
    seed: int = 0,
    online: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Mitigated:
    """Find thresholds by group on the validation part of `data` with Fairlearn; write a model that decides by them.

    The model then needs everybody's `attribute` to decide, and some decisions may be drawn by lot. Its scores stay as
    they were. The card tells what the thresholds cost and gain on the test part, which they have not seen.

    Args:
        model: a checkpoint folder, a hub id (with `online`), or a classifier of two labels.
        data: a named corpus, a file, a hub data set (with `online`), or a `Corpus`; split here as in training.
        attribute: the sensitive attribute, one of the corpus's group columns.
        constraint: 'demographic_parity', 'true_positive_rate_parity', 'false_positive_rate_parity',
            'false_negative_rate_parity', 'true_negative_rate_parity' or 'equalized_odds'.
        objective: what the thresholds are to make as large as the constraint allows: 'accuracy_score' or
            'balanced_accuracy_score'.
        slack: how far apart the groups' rates may stay, in [0, 1]; not for equalized odds.
        mix: share of decisions that go by group, in (0, 1]; the others go by the one threshold for everybody.
        unknown: what becomes of groups without thresholds: 'overall' (the one threshold) or 'refuse'.
        public: why the validation examples need no protection. Without, a privately trained model's statement of
            privacy is not established any more.
        positive_label: what decisions are about (default: the corpus's own, else the last).
        out: a folder that does not exist yet, or is empty; None: write nothing.
        columns: which columns of a file or hub data set hold text, label, groups, id, person.
        label_map: data label -> model label, where they differ.
        seed: of the resampling behind the intervals.
        online: allow downloads.
        progress: told (texts scored, texts in all).

    Raises `Unsupported` for a model without two labels, `EmptyData` where fewer than two groups are large enough,
    `NotFound` for an unknown attribute, constraint or objective, `Misconfigured`, `Unwritable`.
    """
    from workbench.adapters.threshold_optimizer import Wanted
    from workbench.data.splits import split
    from workbench.models.engine import engine_for
    from workbench.models.group_aware import GroupAwareClassifier
    from workbench.models.training_card import read_fingerprints, read_training_card
    from workbench.train.folders import require_new
    from workbench.train.mitigation.fitting import Base, Mitigation
    from workbench.train.mitigation.fitting import mitigate as fitted

    how = Mitigation(attribute, Wanted(constraint, objective, slack), mix, unknown, public, seed)  # type: ignore[arg-type]
    target = None if out is None else Path(out)
    if target is not None:
        require_new(target)
    whole = corpus_of(data, columns=columns, online=online)
    whole.group_of(attribute)  # before the long work
    classifier: Classifier = load(model, online=online) if isinstance(model, str | Path) else model
    if len(classifier.labels) != 2:
        raise Unsupported(f"thresholds by group need two labels; the model has {len(classifier.labels)}")
    folder: Path | None = getattr(classifier, "folder", None)
    training = None if folder is None else read_training_card(folder)
    parts = [split(whole, name) for name in ("validation", "test")]
    with engine_for(classifier) as engine, counting(progress, "Scoring") as told:
        total = sum(map(len, parts))
        made: list[Part] = []
        for part in parts:
            done = sum(len(one.corpus) for one in made)
            engine.on_progress = None if told is None else lambda n, _, done=done: told(done + n, total)
            made.append(_scored(engine, part, attribute, positive_label, dict(label_map or {})))
            if told is not None:
                told(done + len(part), total)  # the engine asks about a text once, however often it stands there
    private = training is not None and training.privacy is not None
    learned_from = None if folder is None else read_fingerprints(folder)
    base = Base(classifier.card.name, classifier.card.digest, private, learned_from)
    found = fitted(how, made[0], made[1], base)
    if target is not None:
        _write(target, folder, classifier, found, base.learned_from, made[0].corpus)
        return Mitigated(group_aware(target), found.card)
    return Mitigated(GroupAwareClassifier(classifier, found.rule, found.card), found.card)


def _scored(
    classifier: Classifier, part: Corpus, attribute: str, positive_label: str | None, label_map: dict[str, str]
) -> Part:
    """Ask the model about every example of `part`."""
    from workbench.data.labels import align
    from workbench.errors import NotFound
    from workbench.train.mitigation.expected import Part

    corpus = align(part, classifier.labels, label_map).canonical()
    own = corpus.positive_label if corpus.positive_label in classifier.labels else classifier.labels[-1]
    positive = positive_label or own
    assert positive is not None
    if positive not in classifier.labels:
        raise NotFound.among("positive label", positive, classifier.labels)
    scores = classifier.predict_proba(corpus.inputs)[:, classifier.labels.index(positive)]
    return Part(corpus, scores, positive, attribute)


def _write(
    target: Path,
    folder: Path | None,
    classifier: Classifier,
    found: Made,
    learned_from: frozenset[str] | None,
    fitted_on: Corpus,
) -> None:
    """Write the base's files with the rule and its card beside them, all or nothing. Raises `Unwritable`.

    Where it is known what the base has `learned_from`, so is that the rule comes from the examples of `fitted_on`.
    """
    from workbench.data.overlap import fingerprints, write_fingerprints
    from workbench.models.group_aware import CARD, RULE
    from workbench.models.training_card import CANARIES, FINGERPRINTS
    from workbench.models.training_card import CARD as TRAINING
    from workbench.train.folders import writing_folder

    if folder is None:
        raise Unsupported(
            "only a model that lies in a folder can be written; leave out away, and keep what is returned"
        )
    with writing_folder(target) as place:
        for name in (*classifier.card.files, TRAINING, CANARIES):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, place / name)
        if learned_from is not None:
            write_fingerprints(place / FINGERPRINTS, learned_from.union(fingerprints(fitted_on)))
        (place / RULE).write_text(found.rule.model_dump_json(indent=1) + "\n", encoding="utf-8")
        (place / CARD).write_text(found.card.model_dump_json(indent=1) + "\n", encoding="utf-8")
