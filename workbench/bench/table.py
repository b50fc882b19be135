"""The results on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from workbench import terminal
from workbench.bench import wording
from workbench.bench.results import Bench, Gemm, Near

_COLORS = {True: "green", False: "red", None: ""}


def print_bench(bench: Bench) -> None:
    """Print what was measured, what was promised, and what both sides agree on."""
    rows = list(_rows(bench))
    widths = [max(len(row[i]) for row, _ in rows) for i in range(3)] if rows else []
    for row, style in rows:
        start = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        terminal.out.print(Text.assemble(f"{start}  ", (row[3], style)), soft_wrap=True)
    for one in bench.results:
        style = "green" if one.agreement.met else "bold red"
        _line(f"{one.title}, {one.precision}: {wording.agreed(one.agreement)}", style)
        for line in (*map(wording.check, one.agreement.checks), *one.agreement.notes):
            _line(f"  {line}")
    for gone in bench.absent:
        what = gone.outcome.replace("_", " ")
        line = f"{gone.title}, {gone.precision}: {what}: {gone.reason}"
        _line(line, "yellow" if gone.outcome == "not_applicable" else "bold red")
    for line in wording.limits(bench):
        _line(line)
    _print_roofline(bench)


def _rows(bench: Bench) -> Iterator[tuple[tuple[str, str, str, str], str]]:
    """Yield lines of four cells, and the style of the last one."""
    if bench.results:
        yield ("", "an example (range)", "times as fast (range)", "target"), ""
    for name in dict.fromkeys(one.name for one in bench.results):
        mine = [one for one in bench.results if one.name == name]
        first = mine[0]
        yield (first.title, f"{first.n:,} examples, {wording.repetitions(first.stock.repeats)}", "", ""), ""
        yield (f"  stock, {first.stock_threads} threads", wording.seconds(first.stock), "", ""), ""
        if first.second is not None:
            yield (f"  {first.second.name}", wording.seconds(first.second.seconds), "", ""), ""
        for one in mine:
            seconds, ratio = wording.seconds(one.workbench), wording.ratio(one.ratios)
            yield (f"  workbench, {one.precision}", seconds, ratio, wording.target(one)), _COLORS[one.met]
            if one.second is not None:
                yield (f"    over {one.second.name}", "", wording.ratio(one.second.ratio), ""), ""


def _print_roofline(bench: Bench) -> None:
    for one in bench.roofline:
        if isinstance(one, Gemm):
            line = (
                f"{one.of} product, {one.precision}, {one.rows} x {one.inner} x {one.columns}: "
                f"{wording.gflops(one.flops_per_second)} (slowest of {one.repeats}: {wording.gflops(one.low)}), "
                f"{one.arrangement}"
            )
        elif isinstance(one, Near):
            line = wording.near(one)
        else:
            continue
        _line(line, "dim")
    for found in wording.spending(bench):
        _line(
            f"{found.title}, {found.precision}: of the cores' time {found.products} in products with weights, "
            f"{found.attention} in attention, {found.rest} in the rest of the network, {found.tokenising} in "
            f"tokenising, {found.elsewhere} elsewhere; {found.shapes}",
            "dim",
        )
    if gain := wording.demo(bench):
        _line(gain)
    for growth in bench.growth:
        for size in growth.sizes:
            _line(
                f"{growth.precision}, {size.examples:,} examples: {wording.seconds(size.seconds)} an example, "
                f"peak memory {wording.megabytes(size.peak_bytes)}"
            )
        if growth.memory_growth is not None:
            met = "met" if growth.met else "not met"
            _line(
                f"{growth.precision}: peak memory grows by {growth.memory_growth:.1%} from 1,000 to 10,000 examples "
                f"(less than {growth.memory_growth_target:.0%}: {met})"
            )


def _line(text: str, style: str = "") -> None:
    """Print one line as it is; who reads it in a file wraps it as they like."""
    terminal.out.print(Text(terminal.clean(text), style=style), soft_wrap=True)
