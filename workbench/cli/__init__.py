"""The command line: one call each, no logic.

Exit codes: 0 pass or warn, 1 fail, 2 usage or bad input, 3 not established, 4 internal error, 130 interrupted.
"""

from workbench.cli import (  # noqa: F401 - imported for what they register
    auditing,
    cases,
    comparing,
    explaining,
    listing,
    making,
)
from workbench.cli.root import app, main

__all__ = ["app", "main"]
