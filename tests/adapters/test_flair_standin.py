import importlib
import importlib.util
import sys

import pytest

from workbench.adapters import flair_standin
from workbench.errors import Unsupported


@pytest.fixture
def without_flair(monkeypatch):
    """No trace of flair in this process for the time of a test."""
    for name in [name for name in sys.modules if name.split(".")[0] == "flair"]:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "flair"]:
        del sys.modules[name]


@pytest.mark.usefixtures("without_flair")
class TestStandIn:
    @pytest.fixture(autouse=True)
    def _not_installed(self, monkeypatch):
        real = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *rest: None if name == "flair" else real(name, *rest)
        )

    def test_names_that_textattack_imports_are_there(self):
        assert flair_standin.install()
        import flair
        from flair.data import Sentence, Tokenizer
        from flair.models import SequenceTagger

        assert flair.data.Sentence is Sentence
        assert flair.models.SequenceTagger is SequenceTagger
        assert issubclass(type("Words", (Tokenizer,), {}), Tokenizer)
        flair.device = "cpu"

    def test_is_idempotent(self):
        assert flair_standin.install()
        first = sys.modules["flair"]
        assert flair_standin.install()
        assert sys.modules["flair"] is first

    def test_refuses_with_a_remedy_when_really_used(self):
        flair_standin.install()
        from flair.data import Sentence
        from flair.models import SequenceTagger

        with pytest.raises(Unsupported, match=r"SequenceTagger\.load\('upos-fast'\).*transformers 5.*use an attack"):
            SequenceTagger.load("upos-fast")
        with pytest.raises(Unsupported):
            Sentence("a text")

    def test_other_modules_of_flair_are_simply_not_there(self):
        flair_standin.install()
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("flair.embeddings")


@pytest.mark.usefixtures("without_flair")
def test_a_working_flair_is_left_alone(tmp_path, monkeypatch):
    for name in ("__init__", "data", "models"):
        (tmp_path / "flair").mkdir(exist_ok=True)
        (tmp_path / "flair" / f"{name}.py").write_text("real = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert not flair_standin.install()
    assert sys.modules["flair.models"].real
    assert not flair_standin.install()


@pytest.mark.usefixtures("without_flair")
def test_a_broken_flair_is_replaced(tmp_path, monkeypatch):
    (tmp_path / "flair").mkdir()
    (tmp_path / "flair" / "__init__.py").write_text("from transformers import NoSuchThing\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert flair_standin.install()
    assert sys.modules["flair.models"].SequenceTagger is flair_standin.SequenceTagger
