"""Privacy units and their sampling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.data.corpus import Corpus, Example
from workbench.train.private.units import Shape, groups_of, units_of


def corpus(people):
    examples = tuple(Example(f"e{i}", person, f"text {i}", "ab"[i % 2]) for i, person in enumerate(people))
    return Corpus(examples, ("a", "b"), "made", "made")


def test_examples_are_units_of_their_own():
    units = units_of(corpus("xxy"), "example", most=1)
    assert units.members == ((0,), (1,), (2,))
    assert units.left_out == 0


def test_a_person_is_one_unit_with_at_most_so_many_records():
    units = units_of(corpus("xyxxyz"), "person", most=2)
    assert len(units) == 3
    assert sorted(map(len, units.members)) == [1, 2, 2]
    assert units.left_out == 1
    own = {"x": {0, 2, 3}, "y": {1, 4}, "z": {5}}
    for mine, person in zip(units.members, "xyz", strict=True):
        assert set(mine) <= own[person]


def test_which_records_are_kept_does_not_depend_on_other_people():
    alone = units_of(corpus("xxxx"), "person", most=2)
    examples = (*corpus("xxxx").examples, Example("other", "a", "text", "a"))
    together = units_of(Corpus(examples, ("a", "b"), "made", "made"), "person", most=2)
    assert alone.members[0] == together.members[1]


def test_every_unit_takes_part_by_a_coin_of_its_own():
    units = units_of(corpus([f"p{i}" for i in range(40)]), "person", most=1)
    draws = np.zeros((3_000, 40), dtype=bool)
    for row in draws:
        row[units.sample(0.05)] = True
    # Poisson sampling: sizes are binomial, and no two units' coins hang together.
    sizes = draws.sum(axis=1)
    expected = stats.binom.pmf(np.arange(6), 40, 0.05) * 3_000
    counts = np.array([(sizes == k).sum() for k in range(6)])
    rest = 3_000 - counts.sum(), 3_000 - expected.sum()
    chi2 = ((counts - expected) ** 2 / expected).sum() + (rest[0] - rest[1]) ** 2 / rest[1]
    assert stats.chi2.sf(chi2, 6) > 1e-6
    assert (sizes == 0).any(), "an empty step is a step, too"
    pairs = np.corrcoef(draws.T.astype(float))[np.triu_indices(40, 1)]
    assert np.abs(pairs).max() < 6 / np.sqrt(3_000)


def test_shuffled_batches_would_be_noticed_by_the_test_above():
    rng = np.random.default_rng(0)
    draws = np.zeros((3_000, 40), dtype=bool)
    for epoch in range(150):
        for step, part in enumerate(np.split(rng.permutation(40), 20)):
            draws[epoch * 20 + step, part] = True
    assert set(draws.sum(axis=1)) == {2}, "batches of one size are no Poisson sample"


@given(
    shapes=st.dictionaries(st.integers(0, 50), st.builds(Shape, st.integers(1, 4), st.integers(1, 60)), max_size=30),
    tokens=st.integers(1, 200),
)
def test_groups_hold_every_unit_once_and_fit(shapes, tokens):
    groups = groups_of(shapes, tokens=tokens)
    assert sorted(unit for group in groups for unit in group) == sorted(shapes)
    for group in groups:
        rows = {shapes[unit].rows for unit in group}
        assert len(rows) == 1
        longest = max(shapes[unit].tokens for unit in group)
        assert len(group) == 1 or len(group) * rows.pop() * longest <= tokens


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_none_or_all(rate):
    units = units_of(corpus("xyz"), "person", most=1)
    assert units.sample(rate) == ([0, 1, 2] if rate else [])
