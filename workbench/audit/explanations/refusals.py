"""Which of several texts cannot be explained, said before any work: nobody waits for hours to lose what is finished."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.explain import readable_part, require_labelled, require_other
from workbench.errors import EmptyData, Misconfigured, Unsupported, WorkbenchError
from workbench.evidence.decision import Decision
from workbench.models.protocols import Classifier

QUOTED, LISTED = 40, 10
"""Characters of a text, and numbers of further texts, that a message gives."""


class Refused(NamedTuple):
    """One text that cannot be explained, by one method or, where that is None, by any."""

    text: int
    method: str | None
    error: WorkbenchError

    def named(self, texts: Sequence[str], methods: Sequence[str], others: Sequence[int] = ()) -> WorkbenchError:
        """Return the error with text and method, where there are several, what to do, and `others` refused, too."""
        place = []
        if len(texts) > 1:
            place.append(f"text {self.text + 1} of {len(texts)} ({texts[self.text][:QUOTED]!r})")
        if self.method is not None and len(texts) * len(methods) > 1:
            place.append(self.method)
        said = ": ".join([", ".join(place), str(self.error)] if place else [str(self.error)])
        if len(texts) > 1 and isinstance(self.error, EmptyData):
            said += "; leave this text out" + ("" if self.method is None else ", or explain it by another method")
        if others:
            numbers = ", ".join(str(i + 1) for i in others[:LISTED]) + (", …" if len(others) > LISTED else "")
            said += f" (refused, too: text {numbers})"
        return type(self.error)(said)


def require_explicable(
    model: Classifier, texts: Sequence[str], methods: Sequence[str], *, target: str | None, versus: str | None
) -> None:
    """Raise of the first text what can be known at the cost of at most one question about each.

    Raises:
        EmptyData: nothing of it is read, or a method finds no word.
        Unsupported: a method does not take it, or knows no labels to set against each other.
        Misconfigured: it is decided `versus`, and no `target` says what to explain instead; or `target` is `versus`.
    """
    if target is not None and target == versus and target in model.labels:
        require_other(model.labels, model.labels.index(target), versus, decided=False)
    for method in methods:
        require_labelled(method, versus)
    refused = list(_unfit(model, texts, methods))
    if not refused and versus is not None and target is None:
        refused = list(_decided(model, texts, versus))
    if refused:
        first, *rest = refused
        raise first.named(texts, methods, sorted({one.text for one in rest} - {first.text}))


def _unfit(model: Classifier, texts: Sequence[str], methods: Sequence[str]) -> Iterator[Refused]:
    """Yield the texts of which nothing is read, and those that a method does not take."""
    checks = {method: getattr(attributors[method](), "check", None) for method in methods}
    for i, text in enumerate(texts):
        try:
            part = readable_part(model, text)
        except EmptyData as error:
            yield Refused(i, None, error)
            continue
        for method, check in checks.items():
            try:
                if check is not None:
                    check(part.text)
            except (EmptyData, Unsupported) as error:
                yield Refused(i, method, error)


def _decided(model: Classifier, texts: Sequence[str], versus: str) -> Iterator[Refused]:
    """Yield the texts that are decided `versus` itself."""
    for i, column in enumerate(Decision().decide(model.predict_proba(texts), 1)):
        try:
            require_other(model.labels, int(column), versus, decided=True)
        except Misconfigured as error:
            yield Refused(i, None, error)
