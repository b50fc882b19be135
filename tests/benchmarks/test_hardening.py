"""The page on hardened models says of each what its intervals allow, and no more."""

from __future__ import annotations

import pytest

from workbench.bench.hardening_page import page


def stated(low: float, high: float) -> dict[str, object]:
    return {"value": (low + high) / 2, "n": 600, "interval": {"low": low, "high": high, "level": 0.95, "method": "x"}}


def row(model: str, **changes: object) -> dict[str, object]:
    plain = {"clean": stated(0.8, 0.9), "under": stated(0.1, 0.2), "under_tempered": stated(0.1, 0.2)}
    return {"model": model, "seen": [], "temperature": 1.0, "cost": "nothing more", **plain, **changes}


@pytest.mark.parametrize(
    ("clean", "under", "tempered", "said"),
    [
        ((-0.01, 0.01), (0.02, 0.08), (0.01, 0.07), "helps: accuracy under attack rises"),
        ((-0.03, 0.01), (0.02, 0.08), (0.01, 0.07), "a fall of clean accuracy by 2 points cannot be excluded"),
        ((-0.01, 0.01), (0.02, 0.08), (-0.01, 0.07), "is not shown to help"),
        ((-0.01, 0.01), (-0.01, 0.03), (0.01, 0.07), "is not shown to help"),
        ((-0.01, 0.01), (-0.08, -0.02), (-0.08, -0.02), "makes it worse"),
        ((-0.40, -0.30), (0.2, 0.4), (0.2, 0.4), "is no gain"),
    ],
)
def test_a_verdict_rests_on_intervals(clean, under, tempered, said):
    changes = {
        "clean_change": stated(*clean),
        "under_change": stated(*under),
        "under_tempered_change": stated(*tempered),
    }
    found = {
        "data": "d", "primary_attack": "a@1", "models": [row("plain"), row("(x)", **changes)],
        "published": [{"recipe": "r", "clean": stated(0, 1), "under": stated(0, 1), "queries": 1.0, "published": "p"}],
        "stock": [{"recipe": "r", "n": 3, "identical": 2, "same_outcome": 3, "explained": 0}],
    }  # fmt: skip
    lines = [line for line in page(found).splitlines() if line.startswith("- (x)")]
    assert len(lines) == 1
    assert said in lines[0]
    assert ("helps:" in lines[0]) == ("is no gain" not in said and under[0] > 0 and tempered[0] > 0)
