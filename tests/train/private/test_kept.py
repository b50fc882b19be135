"""Features are computed once for the same network and texts, and never taken from another one's."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from workbench.home import home
from workbench.train.private.kept import kept
from workbench.train.state import load_weights


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("workbench.train.private.kept.WORTH", 2)


class Counted:
    def __init__(self, value):
        self.times, self._value = 0, value

    def __call__(self):
        self.times += 1
        return torch.full((2, 3), self._value)


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))


IDS = [(1, 2), (3,)]


def test_second_run_reads_what_the_first_computed_whatever_its_head():
    first, body = Counted(1.0), network()
    made = kept(body, body[1], IDS, "float32", first)
    nn.init.zeros_(body[1].weight)
    again = Counted(2.0)
    assert torch.equal(kept(body, body[1], IDS, "float32", again), made)
    assert (first.times, again.times) == (1, 0)


@pytest.mark.parametrize("what", ["weights", "texts", "order", "precision"])
def test_anything_else_is_computed_anew(what):
    body = network()
    kept(body, body[1], IDS, "float32", Counted(1.0))
    other = network(1) if what == "weights" else body
    ids = {"texts": [(1, 2), (4,)], "order": IDS[::-1]}.get(what, IDS)
    anew = Counted(2.0)
    found = kept(other, other[1], ids, "bfloat16" if what == "precision" else "float32", anew)
    assert anew.times == 1
    assert found[0, 0] == 2.0


def test_unreadable_file_is_computed_again():
    body = network()
    kept(body, body[1], IDS, "float32", Counted(1.0))
    (file,) = (home() / "features").iterdir()
    file.write_bytes(b"half a fi")
    assert kept(body, body[1], IDS, "float32", Counted(2.0))[0, 0] == 2.0
    assert kept(body, body[1], IDS, "float32", Counted(3.0))[0, 0] == 2.0


def test_few_texts_leave_no_file():
    body = network()
    kept(body, body[1], IDS[:1], "float32", Counted(1.0))
    assert not (home() / "features").exists()


def test_each_of_several_processes_on_a_cpu_reads_its_state(tmp_path):
    """accelerate calls their devices cpu:0, which safetensors does not know."""
    save_file({"one": torch.ones(2)}, tmp_path / "weights.safetensors")
    found = load_weights(tmp_path / "weights.safetensors", torch.device("cpu", 0))
    assert torch.equal(found["one"], torch.ones(2))
    body = network().to(torch.device("cpu", 0))
    kept(body, body[1], IDS, "float32", Counted(1.0))
    assert kept(body, body[1], IDS, "float32", Counted(2.0))[0, 0] == 1.0
