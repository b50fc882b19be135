"""Every profile can be made, and what the user adds reaches the probes that it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.audit.probe import called
from workbench.audit.profiles import PROFILES, profile
from workbench.errors import BadInput, Misconfigured, NotFound
from workbench.evidence.bootstrap import FEWEST_PEOPLE

SUITE = "[[tests]]\nid = 'x'\nkind = 'invariance'\nchange = 'typo'\n"


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_can_be_made_and_no_step_has_the_name_of_another(name: str) -> None:
    made = profile(name)
    assert len(made) == len(PROFILES[name])
    names = [called(probe) for probe in made]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", PROFILES)
def test_explanations_are_judged_on_as_many_texts_as_can_be_resampled(name: str) -> None:
    sizes = {one.name: one.examples for one in profile(name) if one.name.startswith("explanations.")}
    del sizes["explanations.cost@1"]  # order statistics: six will do
    assert min(sizes.values()) >= FEWEST_PEOPLE


def test_what_the_user_adds_reaches_its_probe(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SUITE)
    made = profile("quick", label_randomised="runs/noise", behaviours=[str(file)])
    assert [probe.label_randomised for probe in made if probe.name == "explanations.sanity@1"] == ["runs/noise"]
    suites = [probe for probe in made if probe.name == "robustness.behaviours@1"]
    assert [probe.suite for probe in suites] == ["english", "mine"]
    assert suites[0].examples == suites[1].examples, "as many texts as the profile says"


@pytest.mark.parametrize("again", ["english", "mine.toml", "other/mine.toml", "named.toml"])
def test_suites_that_nothing_would_tell_apart_are_refused_before_the_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    for place in ("mine.toml", "other/mine.toml"):
        (tmp_path / place).write_text(SUITE)
    (tmp_path / "named.toml").write_text(f'name = "mine"\n{SUITE}')
    with pytest.raises(Misconfigured, match=r"two suites are called '(english|mine)'.*give it another name"):
        profile("quick", behaviours=["mine.toml", again])
    (tmp_path / "named.toml").write_text(f'name = "hers"\n{SUITE}')
    assert profile("quick", behaviours=["mine.toml", "named.toml"])


LEXICON = """
[[axes]]
id = "kin"
groups = ["aunt", "uncle"]
source = "made in the test"
rows = [["aunt", "uncle"]]
sentences = ["My aunt says hello."]
"""


def test_lexicons_of_ones_own_stand_in_place_of_the_shipped_one(tmp_path: Path) -> None:
    file = tmp_path / "kin.toml"
    file.write_text(LEXICON)

    def lexicons(*given: str) -> list[tuple[str, int]]:
        made = profile("quick", lexicons=given)
        return [(probe.lexicon, probe.examples) for probe in made if probe.name == "fairness.counterfactual@1"]

    assert lexicons() == [("english", 30)]
    assert lexicons(str(file)) == [("kin", 30)], "as many texts as the profile says"
    assert lexicons("english", str(file)) == [("english", 30), ("kin", 30)]
    with pytest.raises(Misconfigured, match=r"two lexicons are called 'kin'.*give it another name"):
        lexicons(str(file), str(file))


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (None, NotFound, "unknown lexicon .*kin.toml.*english.*no file of that name"),
        ("axes = 1", Misconfigured, r"kin\.toml: axes: Input should be a valid tuple"),
        ("[[axes", Misconfigured, r"kin\.toml: not TOML"),
        (
            LEXICON.replace('source = "made in the test"\n', ""),
            Misconfigured,
            r"kin\.toml: axes\.0\.source: Field required",
        ),
        (LEXICON.replace('[["aunt", "uncle"]]', '[["aunt"]]'), Misconfigured, r"kin\.toml: axes\.0: "),
        (b"\xff\xfe", BadInput, r"cannot read the lexicon .*kin\.toml"),
    ],
)
def test_a_bad_lexicon_is_refused_before_the_audit_and_named(
    tmp_path: Path, text: str | bytes | None, error: type[Exception], said: str
) -> None:
    file = tmp_path / "kin.toml"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(error, match=said):
        profile("quick", lexicons=[str(file)])


def test_an_unknown_profile_names_the_others() -> None:
    with pytest.raises(NotFound, match="quick"):
        profile("quik")
