"""The page on coverage: every cell and test is there, narrow intervals are seen, base rates alone are no finding."""

import json

import numpy as np

from workbench.bench import coverage


def test_the_page_holds_every_cell_and_every_test(tmp_path):
    coverage.main(tmp_path, runs=4, test_runs=4)
    held = json.loads((tmp_path / "fairness_coverage.json").read_text())
    cells = {(one["n"], one["groups"], one["gap"]) for one in held["coverage"]}
    assert cells == {(n, k, gap) for n in (500, 2000) for k in (2, 4, 6) for gap in (0.0, 0.05, 0.2)}
    assert len(held["levels"]) == 5
    text = (tmp_path / "fairness_coverage.md").read_text()
    assert text.count("\n| ") == 18 + 5 + 2


def test_intervals_that_are_too_narrow_are_seen(monkeypatch):
    rng = np.random.default_rng(0)
    honest = coverage.covered(500, 4, 0.05, runs=150, replicates=300, rng=rng)
    assert honest.signed > 0.88
    assert honest.largest > 0.9
    real = coverage.differences
    monkeypatch.setattr(coverage, "differences", lambda families: real(families, level=0.6))
    narrow = coverage.covered(500, 4, 0.05, runs=150, replicates=300, rng=rng)
    assert narrow.signed < 0.8
    assert narrow.signed_width < honest.signed_width


def test_unequal_base_rates_alone_are_found_by_no_test():
    rng = np.random.default_rng(1)
    tests, falsely = coverage.levels(runs=60, rng=rng)
    null = {one.criterion: one.found_under_null for one in tests}
    assert max(null.values()) <= 0.17, "of 60 runs at 0.05, ten or fewer, but for one time in ten thousand"
    assert falsely <= 0.1
