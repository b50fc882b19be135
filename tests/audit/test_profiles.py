"""Every profile can be made, and what the user adds reaches the probes that it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.audit.probe import called
from workbench.audit.profiles import PROFILES, profile
from workbench.errors import NotFound

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
    assert [probe.suite for probe in suites] == ["english", str(file)]
    assert suites[0].examples == suites[1].examples, "as many texts as the profile says"


def test_an_unknown_profile_names_the_others() -> None:
    with pytest.raises(NotFound, match="quick"):
        profile("quik")
