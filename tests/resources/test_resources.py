from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from workbench import home
from workbench.errors import MissingResource, Untrusted, Unwritable
from workbench.resources import prepare_nltk_root, status, using_nltk_root, wordnet
from workbench.resources.__main__ import main
from workbench.resources.nltk_root import fault, pieces
from workbench.resources.tagger import plain_unpickle


@pytest.fixture(autouse=True)
def no_wordnet_installed(monkeypatch):
    """Tests that need an installed WordNet bring a small one of their own."""
    monkeypatch.delenv("WNSEARCHDIR", raising=False)
    monkeypatch.setattr(wordnet, "PLACES", ())


@pytest.fixture
def small_wordnet(tmp_path) -> Path:
    """A folder with the names of WordNet's files and made-up content."""
    folder = tmp_path / "dict"
    folder.mkdir()
    for name in (*wordnet.FILES, *wordnet.SENSES):
        (folder / name).write_text(f"{name}\n")
    return folder


@pytest.fixture
def small_carriers(tmp_path) -> Path:
    """Only the carriers' files that the NLTK root is made of."""
    wanted = tmp_path / "carriers"
    for part in ("textblob_aptagger/trontagger-0.1.0.pickle", "llama_index/core/_static/nltk_cache/corpora/stopwords",
                 "llama_index/core/_static/nltk_cache/tokenizers/punkt_tab/english"):  # fmt: skip
        source = home.carriers() / part
        (wanted / part).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, wanted / part)
    return wanted


def contents(root: Path) -> dict[str, str]:
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def test_everything_but_wordnet_is_built_without_network_and_wordnet_says_how_to_get_it(tmp_path):
    missing = prepare_nltk_root(tmp_path / "root")
    assert set(missing) == {"WordNet"}
    assert "apt-get install wordnet-base wordnet-sense-index" in missing["WordNet"]
    assert [piece.name for piece in pieces() if fault(piece, tmp_path / "root")] == ["WordNet"]


def test_the_prepared_root_serves_nltk(tmp_path):
    import nltk

    prepare_nltk_root(tmp_path / "root")
    before = list(nltk.data.path)
    with using_nltk_root(tmp_path / "root") as root:
        assert nltk.data.path[0] == str(root)
        english = nltk.data.find("corpora/stopwords/english")
        assert Path(str(english)).is_relative_to(root)
        assert len(Path(str(english)).read_text().split()) == 198
        tagged = nltk.tag.PerceptronTagger().tag(["The", "dress", "runs", "small"])
        coarse = nltk.tag.mapping.tagset_mapping("en-ptb", "universal")
        assert [coarse[tag] for _, tag in tagged] == ["DET", "NOUN", "VERB", "ADJ"]
        assert nltk.sent_tokenize("It fits Dr. Smith. I kept it.") == ["It fits Dr. Smith.", "I kept it."]
    assert nltk.data.path == before


def test_the_universal_tags_map_every_tag_that_the_tagger_can_give():
    import nltk

    with using_nltk_root():
        classes = nltk.tag.PerceptronTagger().classes
        coarse = nltk.tag.mapping.tagset_mapping("en-ptb", "universal")
    unknown = {tag for tag in classes if tag not in coarse}
    assert len(classes) > 40
    assert not unknown, unknown


@pytest.mark.slow
@pytest.mark.wordnet
def test_wordnet_holds_what_wordnet_3_0_holds():
    import nltk

    with using_nltk_root() as root:
        folder = root / "corpora" / "wordnet"
        synsets = {
            part: sum(not line.startswith("  ") for line in (folder / f"data.{part}").read_text().splitlines())
            for part in wordnet.PARTS
        }
        assert synsets == {"noun": 82115, "verb": 13767, "adj": 18156, "adv": 3621}  # its own manual page wnstats(7WN)
        with pytest.warns(UserWarning, match="multilingual"):  # English only: that is all we have
            reader = nltk.corpus.reader.WordNetCorpusReader(str(folder), None)
        # Totals as printed in WordNet 3.0's own wnstats(7WN).
        assert {part: sum(1 for _ in reader.all_synsets(part)) for part in "nvar"} == {
            "n": 82115, "v": 13767, "a": 18156, "r": 3621,
        }  # fmt: skip
        assert reader.morphy("dresses") == "dress"
        assert reader.synset("dress.n.01").lexname() == "noun.artifact"
        assert "bad" in {a.name() for lemma in reader.synset("good.a.01").lemmas() for a in lemma.antonyms()}


def test_a_second_run_changes_nothing(tmp_path, small_wordnet, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", str(small_wordnet))
    root = tmp_path / "root"
    assert prepare_nltk_root(root) == {}
    before = {file: file.stat().st_mtime_ns for file in root.rglob("*")}
    assert prepare_nltk_root(root) == {}
    assert {file: file.stat().st_mtime_ns for file in root.rglob("*")} == before


def test_what_was_changed_or_deleted_is_built_again_and_the_rest_left(tmp_path, small_wordnet, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", str(small_wordnet))
    root = tmp_path / "root"
    prepare_nltk_root(root)
    whole = contents(root)
    untouched = (root / "corpora/stopwords/english").stat().st_mtime_ns
    (root / "corpora/wordnet/data.noun").write_text("edited")
    (root / "taggers/universal_tagset/en-ptb.map").unlink()
    assert prepare_nltk_root(root) == {}
    assert contents(root) == whole
    assert (root / "corpora/stopwords/english").stat().st_mtime_ns == untouched


def test_an_interrupted_build_leaves_no_half_folder_and_the_next_run_completes_it(tmp_path, small_wordnet, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", str(small_wordnet))
    root = tmp_path / "root"

    def killed(source: Path, target: Path) -> None:
        Path(target).write_bytes(Path(source).read_bytes())
        if Path(source).name == "data.verb":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(wordnet.shutil, "copyfile", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare_nltk_root(root)
    assert not (root / "corpora/wordnet").exists()
    assert not list(root.glob(".building-*"))
    assert prepare_nltk_root(root) == {}
    assert (root / "corpora/wordnet/lexnames").is_file()


def test_the_root_is_private_enough_for_nltk(tmp_path, small_wordnet, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", str(small_wordnet))
    root = tmp_path / "root"
    root.mkdir()
    root.chmod(0o777)
    prepare_nltk_root(root)
    for entry in (root, *root.rglob("*")):
        assert not entry.is_symlink()
        assert not stat.S_IMODE(entry.stat().st_mode) & 0o022, entry


def test_a_changed_pickle_is_refused_before_it_is_read(tmp_path, small_carriers):
    file = small_carriers / "textblob_aptagger/trontagger-0.1.0.pickle"
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(Untrusted, match="sha256"):
        prepare_nltk_root(tmp_path / "root", carriers=small_carriers)


def test_changed_stopwords_are_refused(tmp_path, small_carriers):
    file = small_carriers / "llama_index/core/_static/nltk_cache/corpora/stopwords/english"
    file.write_text(file.read_text() + "dress\n")
    with pytest.raises(Untrusted, match="stopwords"):
        prepare_nltk_root(tmp_path / "root", carriers=small_carriers)


class Exploit:
    def __reduce__(self):
        return (print, ("code ran",))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_anything_is_refused(protocol, capsys):
    with pytest.raises(Untrusted, match="print"):
        plain_unpickle(pickle.dumps(({}, {}, Exploit()), protocol=protocol))
    assert capsys.readouterr().out == ""


def test_a_plain_pickle_is_read():
    value = ({"bias": {"NN": 1.5}}, {"the": "DT"}, {"DT", "NN"})
    assert plain_unpickle(pickle.dumps(value, protocol=2)) == value


def test_a_truncated_pickle_is_refused():
    with pytest.raises(Untrusted, match="plain data"):
        plain_unpickle(pickle.dumps([1, 2, 3])[:-4])


def test_without_carriers_their_pieces_are_missing_with_the_remedy(tmp_path):
    missing = prepare_nltk_root(tmp_path / "root", carriers=tmp_path / "none")
    assert set(missing) == {"NLTK stopwords", "NLTK sentence tokenizer", "NLTK part-of-speech tagger", "WordNet"}
    assert "make setup" in missing["NLTK stopwords"]


def test_a_root_that_cannot_be_made_is_one_error_with_the_remedy(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unwritable, match="WORKBENCH_HOME"):
        prepare_nltk_root(tmp_path / "file" / "root")


def test_lexnames_are_those_of_the_manual_page():
    rows = wordnet.lexnames().splitlines()
    assert len(rows) == 45
    # Rows of lexnames(5WN), written down independently.
    assert rows[0] == "00\tadj.all\t3"
    assert rows[6] == "06\tnoun.artifact\t1"
    assert rows[28] == "28\tnoun.time\t1"
    assert rows[29] == "29\tverb.body\t2"
    assert rows[44] == "44\tadj.ppl\t3"


def test_wordnet_is_fetched_only_when_asked_and_the_first_source_that_has_it_is_taken(tmp_path, small_wordnet):
    asked = []

    def broken_source(scratch: Path) -> Path:
        asked.append("broken")
        raise MissingResource("the server is on holiday")

    def whole_source(scratch: Path) -> Path:
        asked.append("whole")
        return small_wordnet

    root = tmp_path / "root"
    assert "holiday" in prepare_nltk_root(root, fetches=(broken_source,))["WordNet"]
    assert prepare_nltk_root(root, fetches=(broken_source, whole_source)) == {}
    assert asked == ["broken", "broken", "whole"]
    assert json.loads((root / "prepared.json").read_text())["corpora/wordnet"]["source"] == "whole source"
    assert prepare_nltk_root(root, fetches=(broken_source,)) == {}
    assert asked == ["broken", "broken", "whole"]


def test_nltks_zip_is_unpacked(tmp_path, small_wordnet, monkeypatch):
    import nltk

    def download(name: str, *, download_dir: str, quiet: bool) -> bool:
        corpora = Path(download_dir) / "corpora"
        corpora.mkdir(parents=True)
        with zipfile.ZipFile(corpora / f"{name}.zip", "w") as archive:
            for file in sorted(small_wordnet.iterdir()):
                archive.write(file, f"wordnet/{file.name}")
            archive.writestr("wordnet/../../escape", "no")
        return True

    monkeypatch.setattr(nltk, "download", download)
    assert prepare_nltk_root(tmp_path / "root", fetches=(wordnet.nltk_download,)) == {}
    assert (tmp_path / "root/corpora/wordnet/index.sense").read_text() == "index.sense\n"
    assert not list(tmp_path.rglob("escape"))


def test_an_unreachable_server_is_a_reason_not_a_crash(tmp_path, monkeypatch):
    import nltk

    monkeypatch.setattr(nltk, "download", lambda *args, **kwargs: False)
    missing = prepare_nltk_root(tmp_path / "root", fetches=(wordnet.nltk_download,))
    assert "cannot be reached" in missing["WordNet"]


def test_debian_without_package_lists_is_a_reason_not_a_crash(tmp_path, monkeypatch):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("apt-get", "dpkg-deb"):
        (tools / name).write_text("#!/bin/sh\necho 'E: Unable to locate package wordnet-base' >&2\nexit 100\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    missing = prepare_nltk_root(tmp_path / "root", fetches=(wordnet.debian_packages,))
    assert "Unable to locate package" in missing["WordNet"]


def test_a_sense_index_that_is_missing_counts_as_no_wordnet(small_wordnet, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", str(small_wordnet))
    assert wordnet.installed() == small_wordnet
    (small_wordnet / "index.sense").unlink()
    assert wordnet.installed() is None


def test_the_command_succeeds_without_wordnet_and_says_what_that_switches_off(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    (tmp_path / "carriers").symlink_to(Path(__file__).resolve().parents[2] / ".workbench" / "carriers")
    assert main([]) == 0
    told = capsys.readouterr().out
    assert "10 of 11 ready" in told
    assert "missing: WordNet" in told
    assert "synonyms" in told


def test_status_is_about_every_resource_and_names_its_source():
    found = status()
    assert len({resource.name for resource in found}) == len(found) == 11
    assert all(resource.how_to_get and resource.switches_off for resource in found)
    assert all(resource.present == resource.path.exists() for resource in found)
