"""What is installed is what was resolved: the locks, the metadata, the wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([A-Za-z0-9._+!-]+)$")


@pytest.fixture(scope="module")
def project(checkout: Path) -> dict[str, Any]:
    return tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lock(checkout: Path) -> dict[str, str]:
    """Package -> version; every line must be a plain pin."""
    pins = {}
    for line in (checkout / "requirements.lock").read_text(encoding="utf-8").splitlines():
        match = PIN.match(line)
        assert match, f"not a plain pin: {line!r}"
        pins[canonicalize_name(match.group(1))] = match.group(2)
    return pins


def requirements(project: dict[str, Any]) -> list[Requirement]:
    extras = project["project"]["optional-dependencies"].values()
    lines = [*project["project"]["dependencies"], *(line for extra in extras for line in extra)]
    return [Requirement(line) for line in (*lines, *project["build-system"]["requires"])]


def test_the_lock_holds_textattack_and_langdetect_and_neither_flair_nor_torch(lock):
    assert {"textattack", "langdetect"} <= set(lock)
    unwanted = [name for name in lock if name in {"flair", "torch", "torchvision", "triton", "sentencepiece"}]
    assert unwanted + [name for name in lock if name.startswith(("nvidia", "cuda"))] == []


def test_the_lock_holds_no_local_versions_and_no_pre_releases(lock):
    assert [f"{name}=={pin}" for name, pin in lock.items() if Version(pin).local or Version(pin).is_prerelease] == []


def test_the_lock_satisfies_every_requirement_of_the_project(project, lock):
    wanted = [needed for needed in requirements(project) if needed.name != "torch"]
    assert len(wanted) > 50
    faults = [
        f"{needed} (locked: {lock.get(canonicalize_name(needed.name))})"
        for needed in wanted
        if not needed.specifier.contains(lock.get(canonicalize_name(needed.name), "0"))
    ]
    assert not faults, f"{faults}: run make lock"


def test_the_lock_is_complete(lock):
    """Installed with --no-deps, it must hold what each package of it needs (checked on what is installed here)."""
    from importlib import metadata

    left_out = {"torch", "flair"}  # installed before it; not needed (see pyproject.toml, tool.uv)
    absent = []
    for name in lock:
        for line in metadata.requires(name) or ():
            needed = Requirement(line)
            if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                continue
            wanted = canonicalize_name(needed.name)
            if wanted not in left_out and wanted not in lock:
                absent.append(f"{name} needs {needed}")
    assert not absent


def test_the_environment_is_the_lock(lock):
    from importlib import metadata

    different = {name: (metadata.version(name), pin) for name, pin in lock.items() if metadata.version(name) != pin}
    assert not different, f"installed and locked versions differ: {different}; run make setup"


def test_no_extra_asks_for_textattack_because_pip_cannot_resolve_it(project):
    """Its metadata wants flair, which wants transformers below 5: pip searches for many minutes, and fails."""
    assert not {"textattack", "flair"} & {canonicalize_name(needed.name) for needed in requirements(project)}
    assert project["tool"]["uv"]["exclude-dependencies"] == ["flair"]


def test_the_carriers_lock_pins_every_carrier_with_hashes(checkout):
    wanted = {
        line
        for line in (checkout / "carriers.in").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }
    locked = (checkout / "carriers.lock").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    assert {line.split()[0] for line in locked} == wanted
    for line in locked:
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})(?:\s|$)", line)
        assert hashes, line
        assert re.sub(r"--hash=sha256:[0-9a-f]{64}", "", line).split() == [line.split()[0]]


def test_every_manifest_names_a_locked_carrier(checkout):
    locked = (checkout / "carriers.lock").read_text(encoding="utf-8")
    manifests = sorted((checkout / "datasets").glob("*.toml"))
    assert manifests
    for file in manifests:
        manifest = tomllib.loads(file.read_text(encoding="utf-8"))
        assert re.search(rf"^{re.escape(manifest['package'])}=={re.escape(manifest['version'])} ", locked, re.MULTILINE)


def test_set_up_installs_the_torch_that_was_resolved_with(checkout):
    pinned = [
        line for line in (checkout / "lock.in").read_text(encoding="utf-8").splitlines() if line.startswith("torch==")
    ]
    assert f"TORCH    := {pinned[0]}\n" in (checkout / "Makefile").read_text(encoding="utf-8")


def test_make_lists_every_target(checkout):
    listed = subprocess.run(["make", "help"], cwd=checkout, capture_output=True, text=True, check=True).stdout
    targets = {"setup", "demo", "test", "fast", "lint", "types", "bench", "reports", "notebooks", "wordnet", "lock"}
    for target in targets | {"clean", "help"}:
        assert re.search(rf"^  make {target} +\S", listed, re.MULTILINE), target


@pytest.mark.parametrize(
    ("python", "told"),
    [("no-such-python", "not on the PATH"), ("old", "Python 3.11 or newer is needed")],
)
def test_set_up_without_a_usable_python_is_one_clear_line(python, told, checkout, tmp_path):
    for name in ("Makefile", "requirements.lock", "carriers.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((checkout / name).read_bytes())
    old = tmp_path / "old"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2 && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "setup", f"PYTHON={old if python == 'old' else python}"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert told in done.stderr
    assert "PYTHON=" in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
               "--disable-pip-version-check", "--wheel-dir", str(folder), str(checkout)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_manifests_cards_policies_templates_and_the_licence(wheel, checkout):
    with zipfile.ZipFile(wheel) as opened:
        held = set(opened.namelist())
    for file in (checkout / "datasets").iterdir():
        if file.suffix in {".toml", ".md"}:
            assert f"workbench/_datasets/{file.name}" in held
    for folder, suffixes in (
        ("verdict/policies", {".toml"}),
        ("audit/robustness/suites", {".toml"}),
        ("report/templates", {".j2", ".css"}),
        ("data", {".py"}),
    ):
        files = [file for file in (checkout / "workbench" / folder).rglob("*") if file.suffix in suffixes]
        assert files
        assert {f"workbench/{folder}/{file.relative_to(checkout / 'workbench' / folder)}" for file in files} <= held
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert not [name for name in held if name.startswith(("tests/", "datasets/", ".")) or "__pycache__" in name]


@pytest.mark.slow
def test_the_installed_wheel_finds_its_data_and_starts_away_from_the_checkout(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "site")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WORKBENCH_")}
    environment |= {"PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)}

    def python(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=120
        ).stdout

    found = python("-c", "import workbench; from workbench.data.manifest import manifests; "
                         "print(workbench.__file__); print(*manifests())")  # fmt: skip
    assert found.splitlines()[0].startswith(str(tmp_path / "site"))
    assert "reviews" in found.splitlines()[1].split()
    assert "audit" in python("-m", "workbench.cli", "--help")
    listed = python("-m", "workbench.cli", "datasets")
    assert "reviews" in listed
    assert "missing" in listed  # there is no .workbench here
