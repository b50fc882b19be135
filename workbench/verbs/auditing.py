"""Auditing: the choices that every number of an audit assumes are made here, once, before it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import BadInput, Misconfigured, NotFound
from workbench.evidence.cards import TrainingCard
from workbench.evidence.decision import Decision
from workbench.evidence.record import AuditRecord, AuditSettings, NotApplicable
from workbench.notebook import stepping
from workbench.results import Audited, put_card_aside, set_aside, write_card
from workbench.verbs.corpora import audited_part, corpus_of
from workbench.verbs.judging import judge
from workbench.verbs.loading import either, load
from workbench.verbs.measuring import measure
from workbench.verbs.membership import members_in, membership_list
from workbench.verdict.policy import Policy, load_policy

if TYPE_CHECKING:
    from workbench.audit.probe import ItemProbe, WholeProbe
    from workbench.audit.runner import Progress
    from workbench.data.corpus import Corpus
    from workbench.data.sources import Columns
    from workbench.evidence.cards import MembershipList
    from workbench.evidence.group_rule import GroupRule
    from workbench.models.group_aware import GroupAwareClassifier
    from workbench.models.membership import Members
    from workbench.models.protocols import Classifier


def audit(
    model: str | Path | Classifier | GroupAwareClassifier,
    data: str | Path | Corpus,
    *,
    out: str | Path | None = None,
    profile: str = "quick",
    policy: str | Path | Policy = "default",
    columns: Columns | None = None,
    cross: Sequence[Sequence[str]] = (),
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
    lexicons: Sequence[str | Path] = (),
    members: str | Path | None = None,
    twin: str | Path | None = None,
    online: bool = False,
    command: str | None = None,
    redact: bool = False,
    progress: Progress | None = None,
) -> Audited:
    """Audit `model` on `data`; return the record, the findings and the verdict, and write the report to `out`.

    Named corpora are audited on their test split, everything else on all its rows, unless `split` says otherwise.
    With `out`, an interrupted audit continues where it stopped when it is run again with the same arguments.

    Args:
        model: a checkpoint folder, a hub id (with `online`), any `Classifier`, or a model that decides by group: then
            the corpus must say the groups, and what asks about texts alone is not applicable.
        data: a named corpus, a file, a hub data set (with `online`), or a `Corpus`.
        out: folder for `index.html`, `audit.json`, `junit.xml`, `model_card.md` and `predictions.parquet`.
        profile: 'quick', 'standard' or 'full'.
        policy: a shipped policy's name, a TOML file, or a `Policy`. Fixed before the audit runs.
        columns: which columns of a file or hub data set hold text, label, groups, id, person.
        cross: attributes whose groups are also looked at in combination: `[("sex", "region")]`.
        label_map: data label -> model label, where they differ.
        positive_label: the label that rates are about (default: the corpus's own, else the last).
        threshold: decide 'positive' from this probability on (two labels only); default: the most probable label.
        split: 'train', 'validation', 'test' or 'all'.
        limit: at most so many examples, sampled by hash of their id.
        seed: root of all random streams.
        precision: what attacks and explainers search in: 'float32', 'bfloat16', or 'auto' (bfloat16 where it was once
            timed to be so much faster on this machine that it pays). Predictions, scores and successes are float32 in
            any case.
        device: 'auto', 'cpu', 'cuda', …
        label_randomised: folder of a model trained on random labels (`random_labels` in the recipe); the sanity check
            of the explanations compares with it.
        behaviours: TOML files with behavioural tests of your own, run after the shipped ones.
        lexicons: TOML files with identity terms of your own, in place of the shipped English ones; name `english`, too,
            to keep those.
        members: CSV file with the columns `id` and `member` (true or false): who could have been trained on, and who
            was; instead of the list beside the weights.
        twin: folder of a model trained without privacy on the same data, for what privacy costs a private one.
        online: allow downloads.
        command: the command line, for the report's last section.
        redact: write to `out` what may leave the house: no texts, words, ids, small groups or predictions. What is
            returned is whole.
        progress: called with every step.

    Raises:
        BadInput: the model, data or arguments cannot be used; the message says what to do.
    """
    from workbench import home
    from workbench.audit.ledger import count_audit
    from workbench.audit.probe import Setting
    from workbench.audit.profiles import gains_from_twin
    from workbench.audit.profiles import profile as probes_of
    from workbench.audit.store import Store, key_of
    from workbench.environment import environment
    from workbench.files import require_writable
    from workbench.models.engine.choice import search_precision
    from workbench.models.group_aware import GroupAwareClassifier
    from workbench.models.training_card import read_canaries, read_text_canaries, read_training_card
    from workbench.seeds import Streams
    from workbench.verbs.publishing import require_nothing_whole, save_redacted

    chosen_policy = policy if isinstance(policy, Policy) else load_policy(policy)
    probes = probes_of(
        profile,
        label_randomised=None if label_randomised is None else str(label_randomised),
        behaviours=[str(one) for one in behaviours],
        lexicons=[str(one) for one in lexicons],
        twin=None if twin is None else str(twin),
    )
    folder = None if out is None else Path(out)
    if folder is not None:
        require_writable(folder)
        if redact:
            require_nothing_whole(folder)
    if limit is not None and limit < 1:
        raise Misconfigured(f"--limit must be at least 1; got {limit}")
    whole = corpus_of(data, columns=columns, online=online)  # before the model: quick to read, often the culprit
    for attributes in cross:
        whole = whole.crossed(attributes)
    asked_model = either(model, online=online, device=device) if isinstance(model, str | Path) else model
    by_group = asked_model if isinstance(asked_model, GroupAwareClassifier) else None
    classifier: Classifier = asked_model if by_group is None else by_group.scores  # type: ignore[assignment]
    model_card = asked_model.card
    if label_randomised is not None:
        _require_labels(load(label_randomised, online=online, device="cpu"), classifier)
    searching = search_precision(classifier, precision, worthwhile=gains_from_twin(probes))
    mapping = dict(label_map or {})
    corpus = audited_part(whole, classifier.labels, label_map=mapping, split=split, limit=limit)
    settings = AuditSettings(
        seed=seed,
        profile=profile,
        split=corpus.split,
        limit=limit,
        decision=decision_of(threshold, classifier.labels, None if by_group is None else by_group.rule),
        positive_label=positive_of(positive_label, corpus, classifier.labels),
        label_map=mapping,
        crossed=whole.crossings,
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
    listed = membership_list(model_folder, members)
    setting = Setting(
        Streams(seed),
        settings.decision,
        settings.positive_label,
        seen=None if hardened is None else hardened.families,
        training=training,
        mitigation=None if by_group is None else by_group.mitigation,
        canaries=None if model_folder is None else read_canaries(model_folder),
        text_canaries=None if model_folder is None else read_text_canaries(model_folder),
        members=members_in(whole, listed, model_folder, classifier.labels, mapping),
    )
    probes = judged_by(probes, training)
    settings = settings.model_copy(update={"rests_on": rests_on(listed, setting.members, probes)})
    card = corpus.card.model_copy(update=_reading(classifier, corpus, model_folder))
    store = None if folder is None else Store(folder)
    try:
        if folder is not None:
            set_aside(folder)
            put_card_aside(folder)
        # An audit that continues after an interruption is one audit.
        asked = key_of(
            model=model_card.model_dump(mode="json"),
            corpus=corpus.digest,
            settings=settings.model_dump(
                mode="json",
                exclude={"date", "ledger_count", "command", "profile", "policy", "policy_digest", "rests_on"},
            ),
            environment=place.model_dump(mode="json"),
            seen=setting.seen,
            mitigation=None if setting.mitigation is None else setting.mitigation.model_dump(mode="json"),
            privacy=None if training is None or training.privacy is None else training.privacy.model_dump(mode="json"),
            members=None if listed is None else listed.digest,
            references=references_in(setting.members),
        )
        counted = None if store is None else store.get(key_of(ledger=asked))
        count = int(counted or count_audit(home.ledger(), corpus=corpus.digest, model=model_card.digest, date=now))
        if store is not None:
            store.put(key_of(ledger=asked), str(count))
        settings = settings.model_copy(update={"ledger_count": count})
        with stepping(progress, lambda step: (step.name, step.done, step.total)) as told:
            measured = measure(
                classifier, corpus, probes, settings, setting, key=asked, store=store, progress=told or _silent
            )
        record = AuditRecord(
            model=model_card,
            training=training,
            mitigation=setting.mitigation,
            corpus=card,
            environment=place,
            audit=settings.model_copy(update={"shapes": measured.shapes}),
            evidence=measured.evidence,
            effort=measured.effort,
        )
        record = record.model_copy(update={"findings": judge(record, chosen_policy)})
        audited = Audited(record, corpus, measured.probabilities)
        if folder is not None and redact:
            save_redacted(record, folder)
        elif folder is not None:
            write_card(record, folder)
            audited.save(folder)
        if store is not None:
            store.discard()  # complete: the next run with these arguments measures anew
            store = None
    finally:
        if store is not None:
            store.close()
    return audited


def judged_by(
    probes: Sequence[WholeProbe | ItemProbe], training: TrainingCard | None
) -> tuple[WholeProbe | ItemProbe, ...]:
    """Return `probes` with the attack that a hardened model's recipe named before training, to be judged by."""
    from workbench.audit.profiles import with_attack

    hardened = None if training is None else training.augmentation
    if hardened is None or hardened.primary_attack is None:
        return tuple(probes)
    return with_attack(probes, f"{hardened.primary_attack.removesuffix('@1')}@1")


def rests_on(
    listed: MembershipList | None, members: Members | NotApplicable, probes: Sequence[WholeProbe | ItemProbe]
) -> str:
    """Return a digest of what `probes` look into beside model and data: where it is another, so may be the figures."""
    from workbench.audit.probe import called, uses_of
    from workbench.audit.store import key_of

    return key_of(
        members=None if listed is None else listed.digest,
        references=references_in(members),
        uses={called(probe): dict(uses) for probe in probes if (uses := uses_of(probe))},
    )


def references_in(members: Members | NotApplicable) -> str | None:
    """Return the digest of what reference models say of `members`; None without any."""
    return None if isinstance(members, NotApplicable) or members.references is None else members.references.digest


def decision_of(threshold: float | None, labels: tuple[str, ...], by_group: GroupRule | None) -> Decision:
    """Return how probabilities become decisions. Raises `Misconfigured` for a threshold that the model cannot have."""
    if by_group is not None:
        if threshold is not None:
            raise Misconfigured(f"--threshold: this model has thresholds of its own, by {by_group.attribute}")
        return Decision(rule="by_group", by_group=by_group)
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


def positive_of(asked: str | None, corpus: Corpus, labels: tuple[str, ...]) -> str:
    """Return the label that rates are about. Raises `NotFound` for one that the model does not know."""
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
