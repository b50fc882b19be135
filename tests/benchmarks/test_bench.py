"""The whole benchmark on a tiny model: agreement and the shape of what it leaves, never times."""

import json
import os
import subprocess
import sys

import pytest

from workbench.bench import gemm
from workbench.bench.__main__ import WHOLE, _save
from workbench.bench.run import run
from workbench.bench.settings import PARTS, Settings
from workbench.bench.targets import TITLES
from workbench.errors import Misconfigured, NotFound

REQUIRED = {"name", "stock_seconds_per_example", "workbench_seconds_per_example", "ratio", "agreement"}


@pytest.fixture(scope="module")
def measured(tiny_checkpoint, tiny_corpus, textattack, tmp_path_factory):
    out = tmp_path_factory.mktemp("bench")
    settings = Settings(
        model=str(tiny_checkpoint), examples=2, attacks=4, predictions=24, repeats=2, sizes=(8, 16), command="here"
    )
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gemm, "_SECONDS", 0.01)
        patch.setattr(gemm, "_SQUARES", {"cpu": (256,)})
        bench = run(settings, lines.append, save=lambda state: _save(state, out, WHOLE), corpus=tiny_corpus)
    return bench, json.loads((out / "benchmarks.json").read_text()), (out / "benchmarks.html").read_text(), lines


@pytest.mark.slow
def test_every_work_is_measured_and_both_sides_agree(measured):
    bench, _, _, _ = measured
    assert not [one for one in bench.absent if one.outcome == "failed"]
    assert {one.name for one in bench.results if one.precision == "float32"} == set(TITLES)
    for one in bench.results:
        assert one.agreement.met, (one.title, one.precision, one.agreement)
        assert one.agreement.checks
        assert one.stock.repeats == one.workbench.repeats == one.ratios.repeats == 2
        assert one.met is None  # too few examples to judge a target
        assert one.ratio == pytest.approx(one.stock_seconds_per_example / one.workbench_seconds_per_example)


@pytest.mark.slow
def test_bfloat16_is_measured_or_its_absence_has_a_reason(measured):
    bench, _, _, _ = measured
    told = {one.name for one in (*bench.results, *bench.absent) if one.precision == "bfloat16"}
    assert told == set(TITLES) - {"captum_integrated_gradients"}


@pytest.mark.slow
def test_the_file_holds_what_others_rely_on(measured):
    bench, stored, page, lines = measured
    assert set(stored) >= {"machine", "results", "roofline"}
    assert all(set(one) >= REQUIRED for one in stored["results"])
    assert {one["kind"] for one in stored["roofline"]} == {"gemm", "profile", "work"}
    assert stored["complete"] is True
    assert [size["examples"] for size in stored["growth"][0]["sizes"]] == [8, 16]
    assert bench.model in page
    assert any("stock is fastest with" in line for line in lines)


@pytest.mark.slow
def test_what_was_computed_is_counted(measured):
    bench, _, _, _ = measured
    for one in bench.results:
        if one.use is not None:
            assert 0 < one.use.tokens <= one.use.tokens_computed
            assert 0 < one.use.share_inside <= 1
            assert one.use.flops_per_second <= one.use.whole_flops_per_second
    predicted = next(one for one in bench.results if one.name == "predict_proba" and one.precision == "float32")
    assert predicted.use.forwards == predicted.n == 24


def test_impossible_settings_are_refused():
    with pytest.raises(Misconfigured, match="--repeats"):
        Settings(repeats=0)
    with pytest.raises(NotFound, match="did you mean 'lime'"):
        Settings(only=("limes",))
    assert Settings(only=("lime",)).wants("lime")
    assert not Settings(only=("lime",)).wants("growth")
    assert all(Settings().wants(part) for part in PARTS)


def test_a_trial_or_a_part_is_not_the_whole():
    assert Settings().is_whole
    assert not Settings().quick().is_whole
    assert not Settings(only=("lime",)).is_whole
    assert not Settings(precisions=("float32",)).is_whole


def bench(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "workbench.bench", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


def test_help_has_examples_and_loads_quickly(tmp_path):
    done = bench("--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "python -m workbench.bench --quick" in done.stdout


@pytest.mark.slow
def test_a_missing_model_is_one_line_with_a_remedy(tmp_path):
    done = bench("--out", str(tmp_path / "out"), cwd=tmp_path)
    assert done.returncode == 2
    assert "make demo" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "benchmarks.json").exists()
