"""A tiny corpus that the tiny checkpoint reads whole, and a finished benchmark to show."""

import hashlib

import pytest

from workbench.bench.agreement import agreement, share
from workbench.bench.results import (
    Absent,
    Bench,
    Check,
    Gemm,
    Growth,
    Lengths,
    Machine,
    Near,
    Ratio,
    Result,
    Second,
    Seconds,
    Size,
    Use,
)
from workbench.data.corpus import Corpus, Example

WORDS = ("dress", "good", "bad", "lovely", "awful", "small", "large", "soft", "rough", "fits", "hated", "loved")


@pytest.fixture(scope="session")
def tiny_corpus():
    """48 different texts of 9 words, labelled by a coin that their content throws."""
    examples = []
    for i in range(48):
        chosen = [WORDS[(i * step + i // 12) % len(WORDS)] for step in (1, 5, 7, 11)]
        text = f"the {chosen[0]} {chosen[1]} is {chosen[2]} and very {chosen[3]} {WORDS[i % 12]}"
        label = ("negative", "positive")[hashlib.sha256(text.encode()).digest()[0] % 2]
        examples.append(Example(id=f"{i}", person=f"{i}", input=text, label=label))
    return Corpus(tuple(examples), ("negative", "positive"), name="tiny", source="here", split="test")


@pytest.fixture
def finished():
    """A benchmark with one work measured, one not applicable, one failed; texts in it try to break the page."""
    seconds = Seconds(median=2.0, low=1.5, high=2.5, repeats=3)
    hostile = "<script>alert(1)</script> \u202e & \x1b[31m"
    result = Result(
        name="lime",
        title="LIME, 1,000 samples",
        precision="float32",
        n=20,
        stock_seconds_per_example=8.0,
        workbench_seconds_per_example=2.0,
        ratio=4.0,
        agreement=agreement(
            [
                Check(name="Pearson, least", value=0.999, n=20, bound=0.99, better="higher"),
                share("labels that differ", 1, 20, higher=False),
            ],
            [hostile],
        ),
        stock=Seconds(median=8.0, low=7.5, high=8.5, repeats=3),
        stock_threads=2,
        stock_threads_tried={"1": 0.5, "2": 0.25},
        workbench=seconds,
        ratios=Ratio(value=4.0, low=3.5, high=4.5, repeats=3),
        second=Second(name="batches", seconds=seconds, ratio=Ratio(value=1.0, low=0.9, high=1.1, repeats=3)),
        target=3.0,
        aim=5.0,
        met=True,
        use=Use(
            seconds=40.0, share_inside=0.97, forwards=10, tokens=800, tokens_computed=1000, flops_per_second=1e11,
            whole_flops_per_second=1.2e11, share_of_peak=0.6,
        ),
    )  # fmt: skip
    return Bench(
        date="2026-11-01T00:00:00+00:00",
        command=f"python -m workbench.bench --model '{hostile}'",
        model=f"model {hostile}",
        model_digest="0" * 64,
        corpus=f"reviews {hostile} (test)",
        corpus_digest="1" * 64,
        lengths=Lengths(n=20, mean=81.5, low=20, high=140),
        machine=Machine(
            python="3.11", platform="Linux", device="cpu", processor=f"A {hostile}", threads=2, versions={"torch": "2"},
            code="0.1.0", cores=2, memory_bytes=8_000_000_000, load=None, bfloat16_speedup=2.5,
        ),
        results=(result,),
        absent=(
            Absent(outcome="not_applicable", name="lime", title="LIME", precision="bfloat16", reason=hostile),
            Absent(outcome="failed", name="shap_partition", title="SHAP", precision="float32", reason=hostile),
        ),
        roofline=(
            Gemm(
                precision="float32", rows=512, inner=384, columns=384, of="the model's", flops_per_second=1.5e11,
                low=1.4e11, repeats=5, arrangement="one product a core",
            ),
            Near(
                name="lime", precision="float32", flops_per_second=1e11, peak_flops_per_second=1.5e11,
                share_of_peak=0.6, share_of_peak_target=0.55, share_of_peak_nearby=0.7, share_inside=0.97,
                share_inside_target=0.95, met=True,
            ),
        ),
        growth=(
            Growth(
                precision="float32",
                sizes=(Size(examples=1_000, seconds=seconds, peak_bytes=9_000_000, device_bytes=None),),
                memory_growth=0.012,
                memory_growth_target=0.1,
                met=True,
            ),
        ),
        complete=False,
    )  # fmt: skip
