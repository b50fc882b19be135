"""The hub is never reached here: the library's own objects stand in for what it would download."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from workbench.data.sources import Columns, load_corpus
from workbench.errors import BadInput, EmptyData, MissingResource, NotFound

pytestmark = pytest.mark.slow  # the datasets library takes seconds to import
Hub = Callable[..., list[Any]]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Let the hub hold one data set with the given splits; returns the calls that were made."""
    import datasets
    from huggingface_hub import HfApi

    def holds(splits: dict[str, Any], *, error: Exception | None = None) -> list[Any]:
        calls: list[Any] = []

        def load_dataset(*names: str, **options: str) -> Any:
            calls.append((names, options))
            if error is not None:
                raise error
            return datasets.DatasetDict(splits)

        monkeypatch.setattr(datasets, "load_dataset", load_dataset)
        info = SimpleNamespace(sha="abc123", card_data=SimpleNamespace(license=["cc0-1.0"]))
        monkeypatch.setattr(HfApi, "dataset_info", lambda self, name: info)
        return calls

    return holds


def part(labels: list[int], names: list[str] | None = None) -> Any:
    import datasets

    label = datasets.ClassLabel(names=names) if names else datasets.Value("int64")
    features = datasets.Features({"text": datasets.Value("string"), "label": label, "region": datasets.Value("string")})
    rows = {
        "text": [f"text {i}" for i in range(len(labels))],
        "label": labels,
        "region": ["n", "s"] * (len(labels) // 2),
    }
    return datasets.Dataset.from_dict(rows, features=features)


def test_class_names_revision_and_licence(hub: Hub) -> None:
    calls = hub({"train": part([0, 1]), "test": part([1, 0, -1, 1], ["neg", "pos"])})
    corpus = load_corpus("owner/name/de", columns=Columns(groups=("region",)), online=True)
    assert calls == [(("owner/name", "de"), {"revision": "abc123"})]
    assert corpus.labels == ("neg", "pos")
    assert [e.label for e in corpus] == ["pos", "neg", "pos"]
    assert [(d.reason, d.n) for d in corpus.dropped] == [("no label", 1)]
    assert corpus.group_of("region") == ("n", "s", "s")
    assert corpus.source == "hub data set owner/name/de, split test, revision abc123"
    assert (corpus.name, corpus.licence, corpus.split) == ("owner/name/de", "cc0-1.0", "all")


def test_class_names_of_a_label_column_in_capitals(hub: Hub) -> None:
    hub({"test": part([1, 0, 2, 1], ["up", "down", "even"]).rename_column("label", "Label")})
    corpus = load_corpus("owner/name", online=True)
    assert corpus.labels == ("up", "down", "even"), "the data set's order"
    assert [example.label for example in corpus] == ["down", "up", "even", "down"]


def test_splits(hub: Hub) -> None:
    hub({"train": part([0, 1]), "dev": part([1, 1, 0, 0])})
    assert len(load_corpus("owner/name@dev", online=True)) == 4
    with pytest.raises(BadInput, match="has the splits train, dev; name one: owner/name@train"):
        load_corpus("owner/name", online=True)
    with pytest.raises(NotFound, match="did you mean 'train'"):
        load_corpus("owner/name@trian", online=True)
    hub({"train": part([0, 1])})
    assert load_corpus("owner/name", online=True).labels == ("0", "1")


def test_wrong_column_and_no_rows(hub: Hub) -> None:
    hub({"test": part([0, 1])})
    with pytest.raises(NotFound, match=r"did you mean 'text'.*label, region, text"):
        load_corpus("owner/name", columns=Columns(("txt",)), online=True)
    hub({"test": part([])})
    with pytest.raises(EmptyData):
        load_corpus("owner/name", online=True)


def test_no_connection(hub: Hub) -> None:
    hub({}, error=ConnectionError("offline"))
    with pytest.raises(MissingResource, match="cannot download 'owner/name'"):
        load_corpus("owner/name", online=True)
    hub({}, error=ValueError("unknown configuration\nand more"))
    with pytest.raises(BadInput, match="unknown configuration"):
        load_corpus("owner/name/xx", online=True)


def test_the_offline_mode_is_an_error_with_a_remedy() -> None:
    with pytest.raises(MissingResource, match="cannot download 'owner/name'"):
        load_corpus("owner/name", online=True)  # HF_HUB_OFFLINE is set for all tests
