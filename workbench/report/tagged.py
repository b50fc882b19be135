"""By what a reader may narrow down a list of cases: names and values, as the page's script reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from workbench.report.text import short, visible

TRUE, DECIDED = "True label", "Decided"


def tagged(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the pairs as JSON; names and values as the page shows them."""
    return json.dumps([[visible(short(name)), visible(short(value))] for name, value in pairs])


def outcome(label: str | None, decided: str | None) -> tuple[tuple[str, str], ...]:
    """Return the pairs of one case's outcome; what is not known is left out."""
    return tuple((name, value) for name, value in ((TRUE, label), (DECIDED, decided)) if value is not None)
