"""Every profile can be made, and what the user adds reaches the probes that it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.audit.probe import called
from workbench.audit.profiles import PROFILES, profile
from workbench.errors import Misconfigured, NotFound

SUITE = "[[tests]]\nid = 'x'\nkind = 'invariance'\nchange = 'typo'\n"


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_can_be_made_and_no_step_has_the_name_of_another(name: str) -> None:
    made = profile(name)
    assert len(made) == len(PROFILES[name])
    names = [called(probe) for probe in made]
    assert len(set(names)) == len(names)


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


def test_an_unknown_profile_names_the_others() -> None:
    with pytest.raises(NotFound, match="quick"):
        profile("quik")
