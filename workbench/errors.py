"""The exception family. Classes are by remedy: what the reader of the message can do.

::

    WorkbenchError                 everything that we raise on purpose; the command line prints it in one line
    ├── BadInput                   the user's argument, file or data: exit code 2
    │   ├── NotFound               a file, column, corpus, probe or measurement that does not exist
    │   ├── LabelMismatch          the data's labels are not the model's labels
    │   ├── EmptyData              nothing is left to work on
    │   ├── Misconfigured          a recipe, policy or manifest that says something impossible
    │   └── Unwritable             the output cannot be written
    ├── Untrusted                  a file that is not what it claims: wrong sha256, pickled weights, remote code
    ├── GuaranteeBroken            private training would not give what it states: a check of its own mechanism failed
    ├── Unsupported                will never work here; the message says what to use instead
    └── MissingResource            needs an optional package or resource; the message says how to get it

A message is a small letter: what, where, what was found, what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WorkbenchError(Exception):
    """Base of every error that the workbench raises on purpose."""


class BadInput(WorkbenchError, ValueError):
    """The user's argument, file or data cannot be used as it is."""


class NotFound(BadInput):
    """A named thing does not exist; the message lists the nearest names."""

    @classmethod
    def among(cls, kind: str, name: str, choices: Iterable[str], *, where: str = "") -> NotFound:
        """Return the error for `name` not being one of `choices`, suggesting the nearest."""
        known = sorted(choices)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        lowered = {choice.lower(): choice for choice in known}
        if not near and (match := difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)):
            near = [lowered[match[0]]]
        hint = f"; did you mean {near[0]!r}?" if near else ""
        place = f" in {where}" if where else ""
        listed = ", ".join(known) if known else "none"
        return cls(f"unknown {kind} {name!r}{place}{hint} (available: {listed})")


class LabelMismatch(BadInput):
    """The data's labels and the model's labels cannot be matched."""


class EmptyData(BadInput):
    """Nothing is left to train or audit on."""


class Misconfigured(BadInput):
    """A recipe, policy, manifest or flag asks for something impossible."""


class Unwritable(BadInput):
    """The output cannot be written."""


class Untrusted(WorkbenchError):
    """A file is not what it claims to be, or could run code when loaded."""


class GuaranteeBroken(WorkbenchError):
    """A check of the private mechanism failed: what it would state does not hold. Nothing may be released."""


class Unsupported(WorkbenchError):
    """This combination will never work; the message names an alternative."""


class MissingResource(WorkbenchError):
    """An optional package or prepared resource is absent; the message says how to get it."""
