"""Numbers as people read them, the same in the terminal and on the page."""

from __future__ import annotations

from typing import NamedTuple

from workbench.bench.results import Agreement, Bench, Check, Near, Profile, Ratio, Result, Seconds, Use
from workbench.bench.targets import ATTACK, DEMO, GRADIENTS, PREDICTIONS, TITLES

_SECOND = 0.1
"""Shorter times are in milliseconds."""


def seconds(value: Seconds) -> str:
    """Return '12.3 s (11.9 to 13)'."""
    return f"{duration(value.median)} ({span(value)})"


def span(value: Seconds) -> str:
    """Return the range, '11.9 to 13', in the unit of the median."""
    scale = 1 if value.median >= _SECOND else 1e3
    return f"{_short(value.low * scale)} to {_short(value.high * scale)}"


def repetitions(n: int) -> str:
    """Return '3 repetitions'."""
    return "1 repetition" if n == 1 else f"{n} repetitions"


def duration(value: float) -> str:
    """Return '12.3 s' or '8.21 ms'."""
    return f"{_short(value)} s" if value >= _SECOND else f"{_short(value * 1e3)} ms"


def ratio(value: Ratio) -> str:
    """Return '5.2x (5.0 to 5.4)'."""
    return f"{times(value.value)} ({between(value)})"


def between(value: Ratio) -> str:
    """Return the range, '5 to 5.4'."""
    return f"{value.low:.3g} to {value.high:.3g}"


def times(value: float) -> str:
    """Return '5.2x'."""
    return f"{value:.3g}x"


def target(result: Result) -> str:
    """Return '5x: met', '12x (aim 15x): not met', or why nothing is said."""
    if result.target is None:
        return "none"
    promised = times(result.target) + ("" if result.aim is None else f" (aim {times(result.aim)})")
    if result.met is None:
        return f"{promised}: not judged on {result.n}"
    return f"{promised}: {'met' if result.met else 'not met'}"


def limit(result: Result, profile: Profile | None) -> str | None:
    """Return what keeps a work below its target, as a sentence; None where the target is met or nothing is known.

    `profile`: of the network at the work's own shapes; None: not taken.
    """
    if result.met is not False or result.at_peak is None or result.needed is None or result.use is None:
        return None
    wanted = times(result.target or 0)
    start = f"{result.title}, {result.precision}: {times(result.ratio)} of {wanted}. At the peak of this machine's "
    start += f"products ours would be {times(result.at_peak)} as fast as stock; it runs at "
    start += f"{result.use.share_of_peak:.0%} of that"
    end = (
        f". {wanted} is beyond this machine: ours would have to compute less."
        if result.needed > 1
        else f", and {wanted} needs {result.needed:.0%}."
    )
    if profile is not None and (reach := result.attainable(profile)):
        end += (
            f" {profile.rest:.0%} of the network's time goes into what is no product (activations, normalisation); "
            f"with that as it is, products and attention at peak would make ours {times(reach)} as fast."
        )
    else:
        end += " Where the network's time goes was not looked at in that run."
    return start + end


def not_counted(bench: Bench) -> list[str]:
    """Return a sentence on every work that misses its target and whose operations were not counted."""
    return [
        f"{one.title}, {one.precision}: {times(one.ratio)} of {times(one.target)}. Its operations were not counted "
        "in that run, so no limit is known."
        for one in bench.results
        if one.met is False and one.use is None and one.target is not None
    ]


def limits(bench: Bench) -> list[str]:
    """Return `limit` of every work that misses its target, or that none is known."""
    profiles = {(one.name, one.precision): one for one in bench.roofline if isinstance(one, Profile)}
    known = [line for one in bench.results if (line := limit(one, profiles.get((one.name, one.precision))))]
    return known + not_counted(bench)


class Spending(NamedTuple):
    """Where one work's time goes: shares of the cores' time, as people read them; '?' where not measured."""

    title: str
    precision: str
    products: str
    attention: str
    rest: str
    tokenising: str
    elsewhere: str
    """The library's own code, the engine, waiting."""
    shapes: str


def spending(bench: Bench) -> list[Spending]:
    """Return where the time of every work goes that was profiled."""
    uses = {(one.name, one.precision): one.use for one in bench.results}
    return [
        _spending(one, use)
        for one in bench.roofline
        if isinstance(one, Profile) and (use := uses.get((one.name, one.precision))) is not None
    ]


def _spending(one: Profile, use: Use) -> Spending:
    inside = use.share_inside if use.occupied is None else use.occupied
    tokenising = use.tokenising or 0.0
    (rows, length), (last_rows, last_length) = one.shortest, one.longest
    return Spending(
        title=TITLES.get(one.name, one.name),
        precision=one.precision,
        products=f"{one.products * inside:.0%}",
        attention=f"{one.attention * inside:.0%}",
        rest=f"{one.rest * inside:.0%}",
        tokenising=f"{tokenising:.1%}",
        elsewhere=f"{max(0.0, 1 - inside - tokenising):.0%}",
        shapes=(
            f"{one.batches:,} batches in {one.shapes} shapes, from {rows} texts of {length} tokens to "
            f"{last_rows} of {last_length}"
        ),
    )


def demo(bench: Bench) -> str | None:
    """Return what the demo gains, as a sentence; None where one of its works was not measured in float32."""
    found = {one.name: one for one in bench.results if one.precision == "float32"}
    if not found.keys() >= DEMO.keys():
        return None
    before = sum(n * found[name].stock_seconds_per_example for name, n in DEMO.items())
    after = sum(n * found[name].workbench_seconds_per_example for name, n in DEMO.items())
    return (
        f"The demo's audit predicts {DEMO[PREDICTIONS]:,} reviews, attacks {DEMO[ATTACK]} with DeepWordBug and "
        f"explains {DEMO[GRADIENTS]} by integrated gradients. By the seconds an example measured above these take "
        f"{before:.0f} s with the libraries alone and {after:.0f} s with the workbench in float32: "
        f"{times(before / after)}. Computed from those figures, not timed as a whole; its other probes have no "
        "counterpart in the libraries to be timed against."
    )


def agreed(agreement: Agreement) -> str:
    """Return 'agrees' or 'differs'."""
    return "agrees" if agreement.met else "differs"


def check(one: Check) -> str:
    """Return a check as a sentence with its number, bound, n and interval."""
    line = f"{one.name}: {one.value:.3g}"
    if one.interval is not None:
        low, high = f"{one.interval.low:.1%}", f"{one.interval.high:.1%}"
        line = f"{one.name}: {one.value:.1%} ({one.interval.level:.0%} interval {low} to {high}, {one.interval.method})"
    line += f", n = {one.n:,}"
    if one.bound is not None:
        line += (
            f"; {'at least' if one.better == 'higher' else 'at most'} {one.bound:g}: {'met' if one.met else 'not met'}"
        )
    return line


def gflops(value: float) -> str:
    """Return '155 GFLOP/s'."""
    return f"{value / 1e9:,.0f} GFLOP/s"


def near(one: Near) -> str:
    """Return how near a work comes to the peak, as a sentence."""
    line = (
        f"{TITLES.get(one.name, one.name)}, {one.precision}: {gflops(one.flops_per_second)} useful, "
        f"{one.share_of_peak:.0%} of peak"
    )
    if one.share_of_peak_target is not None:
        line += f" (at least {one.share_of_peak_target:.0%})"
    line += f", {one.share_of_peak_nearby:.0%} of the same product's speed right afterwards"
    line += f"; {one.share_inside:.1%} of the time inside the model"
    if one.share_inside_target is not None:
        line += f" (at least {one.share_inside_target:.0%})"
    return line + {True: ": met", False: ": not met", None: ""}[one.met]


def megabytes(value: int | None) -> str:
    """Return '812 MB', or that it is not known."""
    return "not known" if value is None else f"{value / 1e6:,.0f} MB"


def _short(value: float) -> str:
    return f"{value:.3g}"
