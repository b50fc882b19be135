"""An explanation that answers back, in a notebook: edit the text, take words away, choose label and method, and see.

Built from ipywidgets, so every control is an ordinary one: reachable by Tab, operated by Space and the arrow keys. It
asks the model on this machine and nothing else. Where ipywidgets is missing, `explore` gives the static explanation.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.util import find_spec
from typing import Any

from workbench.audit.explanations.explain import explain, full_names
from workbench.errors import BadInput, NotFound, WorkbenchError
from workbench.evidence.exhibits import TokenScores
from workbench.models.engine import Engine, engine_for
from workbench.models.protocols import Classifier
from workbench.report.fragments import explanation_fragment
from workbench.text.words import replaced, words

METHODS = ("integrated_gradients", "occlusion", "input_x_gradient_l2", "saliency", "shap_partition", "lime")
DECIDED = "(the label decided)"
BUTTONS = 80
"""Words that can be taken away: a longer text is explained whole, and the first so many of its words have a button."""
_STILL = "<p>This is how it stood when the cell was run. Run it again to edit the text and to take words away.</p>"
"""Said where the explanation is shown without its controls."""


class Explorer:
    """The controls and what they show. `box` is the widget; displaying this object displays it."""

    def __init__(
        self, model: Classifier, text: str, *, methods: Sequence[str] = METHODS, target: str | None = None
    ) -> None:
        """Show `text`.

        Raises `Misconfigured` without methods or for one named twice, `NotFound` for an unknown method or label.
        """
        import ipywidgets as widgets

        if target is not None and target not in model.labels:
            raise NotFound.among("label", target, model.labels)
        full_names(methods)  # raises, naming what there is
        self._engine: Engine = engine_for(model)
        self._gone: set[int] = set()
        # Not 100%: with its margins that is wider than its place, which then scrolls sideways.
        wide, named = widgets.Layout(width="auto"), {"description_width": "4em"}
        self.text = widgets.Textarea(
            value=text,
            description="Text",
            continuous_update=False,
            rows=4,
            layout=wide,
            style=named,
        )
        self.target = widgets.Dropdown(
            options=[DECIDED, *model.labels],
            index=0 if target is None else 1 + model.labels.index(target), description="Label", style=named,
        )  # fmt: skip
        self.method = widgets.Dropdown(options=list(methods), description="Method", style=named)
        self.restore = widgets.Button(description="All words back", tooltip="Put all words back")
        self.words = widgets.Box(layout=widgets.Layout(display="flex", flex_flow="row wrap"))
        self.shown = widgets.HTML()
        self.box = widgets.VBox(
            [
                self.text,
                widgets.HBox([self.target, self.method, self.restore], layout=widgets.Layout(flex_flow="row wrap")),
                widgets.HTML("<p>Press a word to take it away, and again to put it back.</p>"),
                self.words,
                self.shown,
            ]
        )
        self.text.observe(self._edited, "value")
        self.target.observe(self._changed, "value")
        self.method.observe(self._changed, "value")
        self.restore.on_click(lambda _: self._edited())
        self._edited()

    @property
    def left(self) -> str:
        """The text without the words that were taken away."""
        found = enumerate(words(self.text.value))
        return replaced(self.text.value, ((word.start, word.stop) for i, word in found if i in self._gone))

    @property
    def _label(self) -> str | None:
        # By position, not by name: a model may have a label that is called as the first entry.
        return None if self.target.index == 0 else str(self.target.value)

    def _edited(self, *_: Any) -> None:
        """Make a button for each word of the new text; all of them are there."""
        import ipywidgets as widgets

        self._gone.clear()
        buttons = []
        for position, word in enumerate(words(self.text.value)[:BUTTONS]):
            button = widgets.ToggleButton(
                value=True, description=word.text, tooltip=f"Take {word.text!r} away",
                layout=widgets.Layout(width="auto", margin="2px"),
            )  # fmt: skip
            button.observe(lambda change, position=position: self._toggled(position, bool(change["new"])), "value")
            buttons.append(button)
        old, self.words.children = self.words.children, tuple(buttons)
        for button in old:
            button.close()
        self._changed()

    def _toggled(self, position: int, there: bool) -> None:
        (self._gone.discard if there else self._gone.add)(position)
        self._changed()

    def _changed(self, *_: Any) -> None:
        self.shown.value = "<p>Asking the model …</p>"
        try:
            self.shown.value = self._page()
        except Exception as error:  # noqa: BLE001 - a callback's traceback is nowhere to be seen; this is
            said = str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
            self.shown.value = f"<p><strong>No explanation.</strong> {escape(said)}</p>"

    def _page(self) -> str:
        whole, left = self.text.value, self.left
        if not words(left):
            raise BadInput("there is no word to explain; write some, or put words back")
        scores: TokenScores = explain(self._engine, left, target=self._label, method=self.method.value)
        lines = []
        before, after = self._engine.predict_proba([whole, left])
        for label, old, new in zip(self._engine.labels, before, after, strict=True):
            change = f" (with all words {old:.3f}, change {new - old:+.3f})" if left != whole else ""
            lines.append(f"<li>{escape(label)}: <strong>{new:.3f}</strong>{change}</li>")
        return f"<p>Probabilities:</p><ul>{''.join(lines)}</ul>{explanation_fragment((scores,))}"

    def close(self) -> None:
        """End the model's threads; the widget stays as it is."""
        self._engine.close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget, and for a place that shows none (a saved page, a repository's) what it shows by now."""
        return {**self.box._repr_mimebundle_(**options), "text/html": f"{_STILL}{self.shown.value}"}


def has_widgets() -> bool:
    """Return whether ipywidgets is installed."""
    return find_spec("ipywidgets") is not None
