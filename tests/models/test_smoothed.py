"""Randomised ablation: the certificate against every text that it speaks of, and the classifier that it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from inspect import signature
from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from scipy import stats

import workbench
from workbench.audit.profiles import PROFILES
from workbench.data.corpus import Corpus, Example, Task
from workbench.errors import Misconfigured, Unsupported
from workbench.evidence.cards import ModelCard
from workbench.models import ablation
from workbench.models.ablation import ablate, delta, kept, lower_bound, mask_of, radius
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier
from workbench.models.protocols import Classifier, FloatArray
from workbench.models.smoothed import Smoothed
from workbench.seeds import Streams


@dataclass(frozen=True)
class Hashed:
    """Decides each text by its hash, whatever it says: the first label in a share `sure` of all texts."""

    sure: float
    salt: int = 0
    labels: tuple[str, ...] = ("a", "b", "c")
    task: Task = Task.TEXT_CLASSIFICATION

    @property
    def card(self) -> ModelCard:
        return ModelCard(
            name="hashed", digest=f"{self.salt:064d}", files={}, architecture="hash", base=None, task=self.task,
            labels=self.labels, max_length=None, parameters=0, bytes=0,
        )  # fmt: skip

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        return np.eye(len(self.labels))[[self._decide(text) for text in inputs]]

    def _decide(self, text: str) -> int:
        drawn = int.from_bytes(hashlib.sha256(f"{self.salt} {text}".encode()).digest()[:8], "big") / 2**64
        if drawn < self.sure:
            return 0
        others = len(self.labels) - 1
        return 1 + min(others - 1, int((drawn - self.sure) / (1 - self.sure) * others))


class Remembering:
    """Asks `base` once about each text."""

    def __init__(self, base: Classifier) -> None:
        self.base, self.task, self.labels, self.card = base, base.task, base.labels, base.card
        self.known: dict[str, FloatArray] = {}

    def predict_proba(self, inputs: Sequence[str]) -> FloatArray:
        new = [text for text in dict.fromkeys(inputs) if text not in self.known]
        self.known.update(zip(new, self.base.predict_proba(new), strict=True))
        return np.array([self.known[text] for text in inputs]).reshape(-1, len(self.labels))


def linear(seed: int) -> LinearTextClassifier:
    """The words 'w0' to 'w2' with random weights, and a bias; sure of neither label."""
    rng = np.random.default_rng(seed)
    return LinearTextClassifier.binary(dict(zip(VOCABULARY, rng.normal(size=3).tolist(), strict=True)), bias=0.3)


VOCABULARY = ("w0", "w1", "w2")
BASES: dict[str, Classifier] = {
    **{f"hash, sure {sure}, {salt}": Hashed(sure, salt) for sure in (0.7, 0.85, 0.95) for salt in (0, 1)},
    **{f"linear {seed}": linear(seed) for seed in range(3)},
}
SHAPES = [(5, 0.1), (6, 0.1), (6, 0.3), (5, 0.6)]
"""Words, share kept: k is 1, 1, 2 and 3."""


class Votes:
    """The exact vote on each text of d words of the vocabulary."""

    def __init__(self, base: Classifier, d: int, keep: float) -> None:
        self.k = kept(d, keep)
        self.texts = [" ".join(words) for words in product(VOCABULARY, repeat=d)]
        model = Smoothed(Remembering(base), keep=keep, samples=comb(d, self.k))
        self.shares = model.predict_proba(self.texts)
        self.decided = self.shares.argmax(axis=1)
        codes = np.array(list(product(range(len(VOCABULARY)), repeat=d)))
        self.distance = sum((column[:, None] != column[None, :]).astype(np.int8) for column in codes.T)

    def flipped(self, radii: Iterable[int | None]) -> int:
        """Return how many of these texts are decided otherwise after so many of its words were replaced, or fewer."""
        return sum(
            r is not None and bool((self.decided[self.distance[i] <= r] != self.decided[i]).any())
            for i, r in enumerate(radii)
        )

    def exact(self, i: int) -> Fraction:
        """Return the largest share of the votes on text i, as the fraction that it is."""
        draws = comb(len(self.texts[i].split()), self.k)
        return Fraction(round(float(self.shares[i].max()) * draws), draws)


@cache
def voted(name: str, d: int, keep: float) -> Votes:
    return Votes(BASES[name], d, keep)


CELLS = [(name, d, keep) for name in BASES for d, keep in SHAPES]


def test_no_text_within_a_certified_radius_is_decided_otherwise() -> None:
    certified = 0
    for name, d, keep in CELLS:
        all_votes = voted(name, d, keep)
        radii = [radius(all_votes.exact(i), d, all_votes.k) for i in range(len(all_votes.texts))]
        assert all_votes.flipped(radii) == 0, (name, d, keep)
        certified += sum(r is not None and r >= 1 for r in radii)
    assert certified > 5000, "the texts above are certified beyond radius 0, so there was something to refute"


@pytest.mark.parametrize(
    "generous",
    [
        lambda p, d, k: _by(p, d, k, lambda r: delta(d, k, r - 1) if r else Fraction(0)),
        lambda p, d, k: _by(p, d, k, lambda r: delta(d, max(1, k - 1), r)),
        lambda p, d, k: _by(p, d, k, lambda r: delta(d, k, r) / 2),
        lambda p, d, k: _by(p, d, k, lambda r: delta(d, k, r), at_least=True),
    ],
    ids=["one word too many", "k too small", "half of Delta", "half of the votes is enough"],
)
def test_a_bound_that_is_too_generous_is_refuted(generous: Callable[[Fraction, int, int], int | None]) -> None:
    flipped = {}
    for name, d, keep in CELLS:
        all_votes = voted(name, d, keep)
        radii = [generous(all_votes.exact(i), d, all_votes.k) for i in range(len(all_votes.texts))]
        flipped[name, d, keep] = all_votes.flipped(radii)
    assert any(flipped.values())


def _by(p: Fraction, d: int, k: int, bound: Callable[[int], Fraction], *, at_least: bool = False) -> int | None:
    """Return the radius that another `bound` than Delta would certify."""
    half = Fraction(1, 2)
    holds = [p - bound(r) > half or (at_least and p - bound(r) == half) for r in range(d + 1)]
    return holds.index(False) - 1 if holds[0] else None


def test_delta_is_the_share_of_draws_that_keep_a_changed_word() -> None:
    for d in range(8):
        for k in range(d + 1):
            for r in range(d + 1):
                draws = list(combinations(range(d), k))
                hit = sum(bool(set(chosen) & set(range(r))) for chosen in draws)
                assert delta(d, k, r) == Fraction(hit, len(draws))
    assert delta(2000, 400, 3) == 1 - Fraction(1600 * 1599 * 1598, 2000 * 1999 * 1998)
    with pytest.raises(ValueError, match="cannot change 4"):
        delta(3, 1, 4)


def test_a_radius_is_the_largest_one_that_the_inequality_allows() -> None:
    for d, k in ((10, 1), (10, 3), (60, 6), (60, 12), (300, 30)):
        for lower in (0.5, 0.500001, 0.6, 0.8, 0.95, 0.994, 1.0):
            # As in the code of the paper: 1.5 - p < C(d - r, k) / C(d, k).
            inside = [r for r in range(d + 1) if (Fraction(3, 2) - Fraction(lower)) * comb(d, k) < comb(d - r, k)]
            assert radius(lower, d, k) == (max(inside) if inside else None)
    # Ten words, one kept: nine votes of ten less four would leave just half.
    assert radius(Fraction(9, 10), 10, 1) == 3
    assert radius(Fraction(9, 10) + Fraction(1, 10**30), 10, 1) == 4


def test_a_text_with_hardly_a_word_promises_nothing() -> None:
    assert radius(1.0, 0, 0) == 0, "no word of it can be replaced"
    assert radius(1.0, 1, 1) == 0, "its only word may become any other"
    for text in ("", "?!", "one", " one! "):
        found = ablate(text, keep=0.1, samples=5, mask="#", rng=np.random.default_rng(0))
        assert (found.texts, found.exact) == ([text], True)


def test_how_many_words_are_kept() -> None:
    assert [kept(d, 0.2) for d in (0, 1, 2, 5, 6, 10, 11, 100)] == [0, 1, 1, 1, 2, 2, 3, 20]
    assert kept(100, 0.07) == 7, "0.07 x 100 is a hair above 7"
    assert all(kept(d, 1.0) == d for d in range(5))


def test_few_ablations_are_all_asked_about_and_many_are_drawn_evenly() -> None:
    text = "one two, three-fold four!"
    found = ablate(text, keep=0.5, samples=6, mask="#", rng=np.random.default_rng(0))
    assert (found.words, found.kept, found.exact) == (4, 2, True)
    assert sorted(found.texts) == sorted(
        ["one two, # #!", "one #, three-fold #!", "one #, # four!", "# two, three-fold #!", "# two, # four!",
         "# #, three-fold four!"]
    )  # fmt: skip
    long = " ".join(f"w{i}" for i in range(12))
    drawn = ablate(long, keep=0.25, samples=200, mask="#", rng=np.random.default_rng(1))
    assert (len(drawn.texts), drawn.kept, drawn.exact) == (200, 3, False), "C(12, 3) is 220"
    assert {sum(word != "#" for word in one.split()) for one in drawn.texts} == {3}
    many = [
        tuple(i for i, word in enumerate(one.split()) if word != "#")
        for seed in range(100)
        for one in ablate(long, keep=0.25, samples=200, mask="#", rng=np.random.default_rng(seed)).texts
    ]
    counts = np.array([many.count(chosen) for chosen in combinations(range(12), 3)])
    assert stats.chisquare(counts).pvalue > 1e-4, "each of the 220 subsets has the same chance"


# --- The bound that rests on draws ---------------------------------------------------------------------------------

TEN = " ".join(f"w{i}" for i in range(10))
DRAWS, SEEDS = 100, 400


def most(alpha: float) -> int:
    """Failures in SEEDS trials that a chance of `alpha` exceeds once in a thousand runs of this test."""
    return int(stats.binom.ppf(0.999, SEEDS, alpha))


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("sure", [0.6, 0.9])
def test_the_bound_lies_below_the_exact_share_as_often_as_it_claims(sure: float, alpha: float) -> None:
    model = Remembering(Hashed(sure))
    exact = Smoothed(model, keep=0.4, samples=210).predict_proba([TEN])[0]
    top = int(exact.argmax())
    too_high = naive = 0
    for seed in range(SEEDS):
        rng = Streams(seed).stream("bound")
        drawn = ablate(TEN, keep=0.4, samples=DRAWS, mask="...", rng=rng)
        assert not drawn.exact
        count = int((model.predict_proba(drawn.texts).argmax(axis=1) == top).sum())
        too_high += lower_bound(count, DRAWS, alpha) > exact[top]
        naive += count / DRAWS > exact[top]
    assert too_high <= most(alpha)
    assert naive > most(alpha), "the share itself lies above the exact one far more often"


def test_the_bound_is_the_limit_of_clopper_and_pearson() -> None:
    for count, n, alpha in ((0, 10, 0.05), (7, 10, 0.05), (480, 500, 0.01), (500, 500, 0.05)):
        theirs = stats.binomtest(count, n, alternative="greater").proportion_ci(1 - alpha, method="exact").low
        assert lower_bound(count, n, alpha) == pytest.approx(theirs, abs=1e-12)
    assert lower_bound(500, 500, 0.05) == pytest.approx(0.05 ** (1 / 500))


# --- The classifier ------------------------------------------------------------------------------------------------

MODEL = LinearTextClassifier.binary({"good": 4.0, "bad": -4.0}, bias=0.1, labels=("no", "yes"))


def test_it_is_a_classifier_and_a_function_of_the_text() -> None:
    model = Smoothed(MODEL, keep=0.3, samples=50)
    assert isinstance(model, Classifier)
    assert model.predict_proba([]).shape == (0, 2)
    texts = ["a good dress that I wear on all days but one", "", "bad", "bad and good " * 10]
    rows = model.predict_proba(texts)
    assert rows.sum(axis=1) == pytest.approx(np.ones(4))
    assert (model.predict_proba(texts[::-1])[::-1] == rows).all()
    assert (np.concatenate([model.predict_proba([text]) for text in texts]) == rows).all()
    assert (Smoothed(MODEL, keep=0.3, samples=50).predict_proba(texts) == rows).all()
    assert (Smoothed(MODEL, keep=0.3, samples=50, seed=1).predict_proba(texts) != rows).any()


def test_every_text_has_draws_of_its_own() -> None:
    model = Remembering(MODEL)
    twins = [" ".join(f"{letter}{i}" for i in range(20)) for letter in "ab"]
    Smoothed(model, samples=30).predict_proba(twins)
    kept_places = [{text.replace("b", "a") for text in model.known if letter in text} for letter in "ab"]
    assert all(len(places) > 20 for places in kept_places)
    assert kept_places[0] != kept_places[1]


def test_shares_are_exact_where_all_ablations_are_asked_about() -> None:
    # Two of five words kept: 'bad' is among them in 4 of 10 draws; where it is not, the bias says yes.
    assert Smoothed(MODEL, keep=0.4).predict_proba(["a bad old blue dress"]).tolist() == [[0.4, 0.6]]
    assert Smoothed(MODEL).predict_proba(["", "!", "bad", "good"]).tolist() == [[0, 1], [0, 1], [1, 0], [0, 1]]
    assert Smoothed(MODEL, keep=1).predict_proba(["good good bad"]).tolist() == [[0, 1]]


def test_under_a_threshold_the_base_votes_by_it() -> None:
    text = "a plain old blue dress"  # the bias says yes, by 0.52
    assert Smoothed(MODEL).predict_proba([text]).tolist() == [[0, 1]]
    assert Smoothed(MODEL, threshold=0.6).predict_proba([text]).tolist() == [[1, 0]]
    assert Smoothed(MODEL, threshold=0.6, positive_label="no").predict_proba([text]).tolist() == [[0, 1]]
    assert Smoothed(MODEL, threshold=0.4, positive_label="no").predict_proba([text]).tolist() == [[1, 0]]


def test_its_card_tells_it_from_its_base_and_from_others() -> None:
    card = Smoothed(MODEL).card
    assert card.architecture == "randomised ablation of LinearTextClassifier"
    assert card.name == "linear, smoothed (keep 0.2, 200 samples)"
    others = [Smoothed(MODEL, keep=0.3), Smoothed(MODEL, samples=100), Smoothed(MODEL, seed=1), Smoothed(linear(0))]
    others += [Smoothed(MODEL, threshold=0.5), Smoothed(MODEL, threshold=0.5, positive_label="no")]
    digests = {MODEL.card.digest, card.digest, *(other.card.digest for other in others)}
    assert len(digests) == 8
    assert Smoothed(MODEL).card == card


def test_a_tokenizers_mask_is_used_where_there_is_one(tiny_checkpoint, monkeypatch) -> None:
    base = load_checkpoint(tiny_checkpoint, device="cpu")
    assert mask_of(base) == "[MASK]"
    assert mask_of(MODEL) == ablation.STAND_IN
    model = workbench.smoothed(str(tiny_checkpoint), keep=0.5, samples=20, device="cpu")
    assert (model.labels, model.folder, model.precision) == (base.labels, base.folder, "float32")
    asked: list[str] = []
    answer = type(base).predict_proba
    monkeypatch.setattr(type(base), "predict_proba", lambda self, texts: asked.extend(texts) or answer(self, texts))
    (share,) = model.predict_proba(["the dress is good"])
    assert sorted(asked)[:2] == ["[MASK] [MASK] is good", "[MASK] dress [MASK] good"]
    assert share[1] == (answer(base, asked)[:, 1] > 0.5).mean()


def test_it_can_be_audited(monkeypatch) -> None:
    monkeypatch.setitem(PROFILES, "quick", (("performance.classification@1", {"replicates": 100}),))
    words = ("bad", "good")
    examples = [
        Example(f"e{i:02}", f"p{i}", f"a {words[i % 2]} dress number{i}", ("no", "yes")[i % 2]) for i in range(40)
    ]
    corpus = Corpus(tuple(examples), ("no", "yes"), "toy", "made in the test")
    found = workbench.audit(workbench.smoothed(MODEL, keep=0.7, samples=50), corpus)
    # Three of four words kept: 'bad' is there in 3 of 4 draws.
    assert found.record.find("performance.accuracy").value == 1
    assert found.record.model.architecture.startswith("randomised ablation of")
    assert "randomised ablation of LinearTextClassifier" in found.html
    assert set(map(tuple, found.probabilities.tolist())) == {(0.75, 0.25), (0.0, 1.0)}


def test_what_cannot_be_smoothed() -> None:
    for keep in (0.0, -0.1, 1.1, float("nan")):
        with pytest.raises(Misconfigured, match="keep must lie above 0 and up to 1"):
            Smoothed(MODEL, keep=keep)
    with pytest.raises(Misconfigured, match="samples must be at least 1"):
        Smoothed(MODEL, samples=0)
    for threshold in (0.0, 1.0):
        with pytest.raises(Misconfigured, match="threshold must lie between 0 and 1"):
            Smoothed(MODEL, threshold=threshold)
    with pytest.raises(Misconfigured, match="no label 'maybe'"):
        Smoothed(MODEL, threshold=0.5, positive_label="maybe")
    with pytest.raises(Misconfigured, match="needs a model of two labels"):
        Smoothed(LinearTextClassifier({}, ("a", "b", "c")), threshold=0.5)
    with pytest.raises(Unsupported, match="only text classifiers"):
        Smoothed(Hashed(0.5, task=Task.IMAGE_CLASSIFICATION))


def test_the_verb_and_the_classifier_have_the_same_defaults() -> None:
    shared = ("keep", "samples", "seed", "threshold", "positive_label")
    one, other = (
        {name: signature(made).parameters[name].default for name in shared} for made in (workbench.smoothed, Smoothed)
    )
    assert one == other
