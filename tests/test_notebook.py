"""Long calls show a bar in a notebook, and only there; whoever listens hears instead of it."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest
import tqdm.auto

import workbench
from workbench import notebook
from workbench.models.linear import LinearTextClassifier

MODEL = LinearTextClassifier.binary({"good": 1.0, "bad": -1.0})


@pytest.fixture
def bar(monkeypatch):
    """What is written to a bar, as if a notebook's kernel were running."""
    written = io.StringIO()

    class Text(tqdm.std.tqdm):
        def __init__(self, *args, **options):
            super().__init__(*args, **{**options, "file": written, "mininterval": 0, "miniters": 1})

    monkeypatch.setattr(notebook, "DELAY", 0.0)
    monkeypatch.setattr(tqdm.auto, "tqdm", Text)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object())))
    return written


@pytest.mark.parametrize("shell", [None, SimpleNamespace()], ids=["no shell", "a terminal's"])
def test_elsewhere_there_is_none(shell, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert not notebook.in_notebook()
    workbench.explain(MODEL, ["good dress", "bad dress"], methods="occlusion")
    assert capfd.readouterr() == ("", "")


def test_explanations_and_their_quality_are_counted(bar):
    workbench.explain(MODEL, ["good dress", "bad dress"], methods=["occlusion", "random"])
    assert "Explaining: 100%" in bar.getvalue()
    assert "6/6" in bar.getvalue(), "four explanations, two texts whose explanations are measured"


def test_whoever_listens_hears_each_step_once_and_sees_no_bar(bar):
    heard = []
    workbench.explain(
        MODEL, ["good dress", "bad dress"], methods=["occlusion", "random"], progress=lambda *step: heard.append(step)
    )
    assert heard == [(i, 6) for i in range(1, 7)]
    assert bar.getvalue() == ""


def test_without_quality_only_explanations_count():
    heard = []
    workbench.explain(
        MODEL, ["good"], methods=["occlusion", "random"], quality=False, progress=lambda *step: heard.append(step)
    )
    assert heard == [(1, 2), (2, 2)]


def test_a_bar_begins_again_with_each_step(bar):
    with notebook.stepping(None, lambda step: step) as show:
        for step in [("one", 0, 3), ("one", 3, 3), ("two", 1, None), ("three", 1, 2), ("three", 2, 2)]:
            show(step)
    text = bar.getvalue()
    assert text.index("one: 100%") < text.index("two: : 1it") < text.index("three:   0%") < text.index("three: 100%")


def test_a_quick_call_shows_none(bar, monkeypatch):
    monkeypatch.setattr(notebook, "DELAY", 3600.0)
    workbench.explain(MODEL, ["good dress", "bad dress"], methods=["occlusion", "random"])
    assert bar.getvalue() == ""


def test_a_call_that_grows_long_shows_where_it_is(bar, monkeypatch):
    times = iter([0.0, 1.0, 2.5, 3.0])
    monkeypatch.setattr(notebook, "DELAY", 2.0)
    monkeypatch.setattr(notebook.time, "monotonic", lambda: next(times))
    with notebook.counting(None, "Counting") as show:
        show(1, 4)
        assert bar.getvalue() == ""
        show(2, 4)
        assert "Counting:  50%" in bar.getvalue()
