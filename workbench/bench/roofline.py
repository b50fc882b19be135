"""How near the works come to the fastest matrix product of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.bench.compare import Limits
from workbench.bench.flops import cost_of
from workbench.bench.gemm import Shape, measure, shapes_of, squares
from workbench.bench.inputs import Inputs
from workbench.bench.results import Gemm, Near, Result
from workbench.bench.stock import Stock
from workbench.bench.targets import BLACK_BOX, INSIDE, PEAK_SHARE, PRECISIONS
from workbench.bench.timing import Say


def measure_gemms(inputs: Inputs, library: Stock, say: Say) -> Iterator[Gemm]:
    """Yield the speed of large square products and of the model's own, in both precisions."""
    model = inputs.model
    for shape in (*squares(model.device), *shapes_of(library.network, model.table.tokens)):
        for precision in PRECISIONS:
            found = measure(shape, precision, model.device)
            say(
                f"roofline: {precision} {shape.rows} x {shape.inner} x {shape.columns}: "
                f"{found.flops_per_second / 1e9:,.0f} GFLOP/s, {found.arrangement}"
            )
            yield found


def limits_of(gemms: Sequence[Gemm], inputs: Inputs, library: Stock) -> Limits:
    """Return what operations cost and how fast the machine can be."""
    best = {name: max(_of(gemms, name), key=lambda one: one.flops_per_second) for name in PRECISIONS}
    return Limits(
        cost=cost_of(inputs.model.network),
        slope=cost_of(inputs.model.network, slope=True),
        whole=cost_of(library.network),
        whole_slope=cost_of(library.network, slope=True),
        peaks={name: one.flops_per_second for name, one in best.items()},
        fastest={name: Shape(one.rows, one.inner, one.columns, one.of) for name, one in best.items()},
    )


def near(result: Result, limits: Limits, device: str) -> Near:
    """Return how near one work came; the fastest product is measured once more, beside it."""
    use, peak = result.use, limits.peaks[result.precision]
    assert use is not None
    nearby = measure(limits.fastest[result.precision], result.precision, device).flops_per_second
    promised = result.name in BLACK_BOX
    return Near(
        name=result.name,
        precision=result.precision,
        flops_per_second=use.flops_per_second,
        peak_flops_per_second=peak,
        share_of_peak=use.share_of_peak,
        share_of_peak_nearby=use.share_of_peak * peak / nearby,
        share_of_peak_target=PEAK_SHARE if promised else None,
        share_inside=use.share_inside,
        share_inside_target=INSIDE if promised else None,
        met=(use.share_of_peak >= PEAK_SHARE and use.share_inside >= INSIDE) if promised else None,
    )


def _of(gemms: Sequence[Gemm], precision: str) -> list[Gemm]:
    return [one for one in gemms if one.precision == precision]
