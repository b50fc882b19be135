"""A blind baseline: can membership be told without any model? Then no attack on one means anything.

Das, Zhang and Tramèr 2024, "Blind Baselines Beat Membership Inference Attacks for Foundation Models": where members and
non-members differ by date or source, a bag of words tells them apart, and an attack's AUC measures the split.

A logistic regression learns from the records and their labels whether each was a member, and is judged on people that
it did not see: five folds of people, scores made comparable by their rank within the fold. In a random split,
membership within a fold is exchangeable whatever was learnt outside it, so the expected AUC is 1/2. But folds that
learn from each other's membership err together. With c_f the direction in which members differ by chance in fold f,
the AUC adds up c_f . c_g over all ordered pairs of folds, each unordered pair twice, so its variance is twice what
resampling of scores shows. Intervals are widened by sqrt 2.

It sees what is linear in the features: an interval around 1/2 does not prove the split random.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from workbench.audit.performance.scores import Unknown
from workbench.audit.privacy.estimate import Estimate
from workbench.audit.privacy.membership import Scored, auc
from workbench.errors import BadInput
from workbench.evidence.bootstrap import FEWEST_PEOPLE, REPLICATES, People
from workbench.evidence.intervals import LEVEL
from workbench.evidence.measurement import Interval
from workbench.seeds import Streams

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FOLDS = 5
COUNTED = 2**20
"""Columns that hashed counts of words fall into, and of character groups; scikit-learn's own choice. Hashed, because
then nothing has to be fitted to the texts."""
WIDENED = sqrt(2)
"""By how much an interval of cross-fitted scores is widened; see the module."""


class Blind(NamedTuple):
    """How well membership is told without a model."""

    auc: Estimate
    leaks: bool
    """Whether the whole interval lies above 1/2: then the split itself tells who was a member."""


def from_texts(
    texts: Sequence[str],
    labels: ArrayLike,
    member: Bools,
    people: People,
    *,
    streams: Streams,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Blind | Unknown:
    """Return how well membership is told from words, groups of characters, lengths and labels; as `from_features`."""
    from scipy import sparse
    from sklearn.feature_extraction.text import HashingVectorizer

    words = HashingVectorizer(n_features=COUNTED, ngram_range=(1, 2), alternate_sign=False)
    characters = HashingVectorizer(n_features=COUNTED, analyzer="char_wb", ngram_range=(2, 4), alternate_sign=False)
    lengths = np.array([[np.log1p(len(text)), np.log1p(len(text.split()))] for text in texts]).reshape(-1, 2)
    counts = sparse.hstack([words.transform(texts), characters.transform(texts)]).tocsc() if len(texts) else None
    if counts is not None:
        counts = counts[:, counts.getnnz(axis=0) > 0]  # most columns are empty, and would cost time all the same
    return _cross_fitted(counts, lengths, labels, member, people, streams, replicates, level)


def from_features(
    features: ArrayLike,
    labels: ArrayLike,
    member: Bools,
    people: People,
    *,
    streams: Streams,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Blind | Unknown:
    """Return how well membership is told from `features` and labels. Unknown with fewer than ten people on a side.

    Args:
        features: (n, k), numbers; standardised here.
        labels: true label of each row, (n,).
        member: whether each row was trained on, (n,).
        people: whose each row is; all rows of a person share a fold.
        streams: seeds the folds and the bootstrap.
        replicates: of the bootstrap.
        level: of the interval.

    Raises `BadInput` for shapes that do not fit or features that are not finite.
    """
    numbers = np.asarray(features, dtype=np.float64)
    if numbers.ndim != 2 or not np.isfinite(numbers).all():
        raise BadInput(f"a blind baseline needs finite features (n, k); got shape {numbers.shape}")
    return _cross_fitted(None, numbers, labels, member, people, streams, replicates, level)


def _cross_fitted(
    counts: Any,
    numbers: Floats,
    labels: ArrayLike,
    member: Bools,
    people: People,
    streams: Streams,
    replicates: int,
    level: float,
) -> Blind | Unknown:
    own = np.asarray(labels)
    if own.shape != member.shape or len(numbers) != len(own):
        raise BadInput(f"got {len(numbers)} records, {own.shape} labels and {member.shape} memberships: not one each")
    seen = Scored(np.zeros(len(own)), member, people)
    if min(seen.members.size, seen.others.size) < FEWEST_PEOPLE:
        return Unknown(
            "blind baseline",
            f"it needs {FEWEST_PEOPLE} people on either side; {seen.members.size} are members, {seen.others.size} not",
        )
    folds = _folds(seen, streams.stream("privacy", "blind", "folds"))
    ranks = _ranks(_features(counts, numbers, own), seen, folds)
    found = auc(
        Scored(ranks, member, people),
        rng=streams.stream("privacy", "blind", "people"),
        replicates=replicates,
        level=level,
    )
    if isinstance(found, Unknown):
        return Unknown("blind baseline", found.why)
    interval = _widened(found)
    return Blind(found._replace(interval=interval), interval.low > 0.5)


def _features(counts: Any, numbers: Floats, labels: NDArray[Any]) -> Any:
    """Return one row of features per record: standardised numbers, one column per label, counts if any."""
    from scipy import sparse

    spread = numbers.std(axis=0)
    standard = (numbers - numbers.mean(axis=0)) / np.where(spread > 0, spread, 1)
    each = (labels[:, None] == np.unique(labels)).astype(np.float64)
    dense = np.concatenate([standard, each], axis=1)
    return dense if counts is None else sparse.hstack([counts, sparse.csr_array(dense)]).tocsr()


def _ranks(features: Any, seen: Scored, folds: NDArray[np.int64]) -> Floats:
    """Return each row's rank within its fold, in (0, 1), by a model that was fitted to the other folds' people."""
    from sklearn.linear_model import LogisticRegression

    ranks = np.empty(len(folds))
    for fold in range(FOLDS):
        fit, judge = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        # liblinear: as good as the default here, and without BLAS threads, which on small problems only wait.
        model = LogisticRegression(solver="liblinear").fit(features[fit], seen.member[fit])
        ranks[judge] = (stats.rankdata(model.decision_function(features[judge])) - 0.5) / len(judge)
    return ranks


def _folds(seen: Scored, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return each row's fold, (n,): people are shuffled and dealt out, members and non-members each in turn."""
    strata = seen.people.strata(seen.member.astype(np.int64))
    fold = np.empty(seen.people.size, dtype=np.int64)
    for stratum in np.unique(strata):
        fold[rng.permutation(np.flatnonzero(strata == stratum))] = np.arange((strata == stratum).sum()) % FOLDS
    return fold[seen.people.rows]


def _widened(found: Estimate) -> Interval:
    value, (low, high) = found.value, (found.interval.low, found.interval.high)
    return Interval(
        low=max(0.0, value - WIDENED * (value - low)),
        high=min(1.0, value + WIDENED * (high - value)),
        level=found.interval.level,
        method=f"{found.interval.method}, widened by sqrt 2 for {FOLDS} folds that learn from each other",
    )
