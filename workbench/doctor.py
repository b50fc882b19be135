"""What this installation has, what it lacks, what that switches off, how to get it. Values only; nothing is printed."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from workbench import __version__, home, resources

DISTRIBUTION = "trust-workbench"
OLDEST_PYTHON = (3, 11)
ROOMY = 3_000_000_000
"""Bytes that a training run, its checkpoints and its report use at most with the default backbone."""
EXTRAS = {
    "attacks": "TextAttack's attacks",
    "notebooks": "the guided tours in JupyterLab",
    "ray": "audits on a Ray cluster",
    "track": "workbench train --track tensorboard",
    "dev": "the workbench's own tests and checks",
}
"""Extra of the distribution -> what goes without it."""
TEXTATTACK = "pip install 'trust-workbench[attacks]', then pip install --no-deps textattack==0.3.11"

Status = Literal["ok", "missing", "warning"]


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    status: Status
    found: str
    """What is there, in words."""
    effect: str = ""
    """What its absence switches off or changes; empty where all is well."""
    remedy: str = ""
    """What to do about it; empty where there is nothing to do."""


def examine() -> tuple[Check, ...]:
    """Return every check. Never raises: a check that crashes becomes a warning that holds the error."""
    found: list[Check] = []
    for look in _LOOKS:
        try:
            found.extend(look())
        except Exception as error:  # noqa: BLE001 - a doctor must not fall ill with the patient
            name = look.__name__.strip("_").replace("_", " ")
            found.append(
                Check(name, "warning", f"could not be examined: {type(error).__name__}: {error}", "unknown", "")
            )
    return tuple(found)


def _workbench() -> Iterator[Check]:
    from workbench.environment import code_revision

    yield Check("workbench", "ok", f"{code_revision() or __version__}, in {Path(__file__).parent}")


def _python() -> Iterator[Check]:
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info >= OLDEST_PYTHON:
        yield Check("python", "ok", found)
    else:
        yield Check("python", "warning", found, "the workbench may not run", "use Python 3.11 or newer")


def _packages() -> Iterator[Check]:
    wanted = _wanted()
    faults = [fault for name, range_ in wanted.get("", {}).items() if (fault := _package_fault(name, range_))]
    key = ("torch", "transformers", "accelerate", "captum", "fairlearn", "scikit-learn", "numpy", "pandas")
    versions = ", ".join(f"{name} {_version(name) or 'missing'}" for name in key)
    if faults:
        remedy = f"pip install --upgrade {DISTRIBUTION} (from a checkout: make setup)"
        yield Check("packages", "warning", "; ".join(faults), "what needs them fails or differs", remedy)
    else:
        yield Check("packages", "ok", f"{versions}; all {len(wanted.get('', {}))} as required")


def _extras() -> Iterator[Check]:
    wanted = _wanted()
    for extra, effect in EXTRAS.items():
        faults = [fault for name, range_ in wanted.get(extra, {}).items() if (fault := _package_fault(name, range_))]
        name = f"extra {extra}"
        if faults:
            remedy = TEXTATTACK if extra == "attacks" else f"pip install '{DISTRIBUTION}[{extra}]'"
            yield Check(name, "missing", "; ".join(faults), f"no {effect}", remedy)
        else:
            yield Check(name, "ok", f"{', '.join(wanted.get(extra, {}))}: installed, for {effect}")


def _attacks() -> Iterator[Check]:
    absent = [name for name in ("textattack", "langdetect") if _version(name) is None]
    if absent:
        effect = "attack probes answer 'not applicable', so their criteria are not established"
        yield Check("textattack", "missing", f"{' and '.join(absent)} not installed", effect, TEXTATTACK)
    else:
        yield Check("textattack", "ok", f"{_version('textattack')}, langdetect {_version('langdetect')}")
    flair = _version("flair")
    if flair:
        yield Check("flair", "ok", f"{flair} is installed; TextAttack uses it where it imports")
    else:
        yield Check("flair", "ok", "not installed, nor needed: TextAttack gets stand-ins; its flair taggers are off")


def _torch() -> Iterator[Check]:
    if _version("torch") is None:
        yield Check("torch", "missing", "not installed", "no train, audit or explain", "pip install torch==2.13.0")
        return
    import torch

    threads = f"{torch.get_num_threads()} threads on {os.cpu_count()} cores"
    if torch.cuda.is_available():
        device = f"cuda: {', '.join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))}"
    elif torch.backends.mps.is_available():
        device = "mps"
    else:
        device = "cpu; no GPU is visible"
    yield Check("device", "ok", f"{device}; {threads}")


def _threads() -> Iterator[Check]:
    policy = os.environ.get("OMP_WAIT_POLICY", "unset")
    tokenizers = os.environ.get("TOKENIZERS_PARALLELISM", "unset")
    found = f"OMP_WAIT_POLICY={policy}, TOKENIZERS_PARALLELISM={tokenizers}"
    order = list(sys.modules)  # in order of first import
    if "torch" in order and order.index("torch") < order.index("workbench"):
        yield Check(
            "threads",
            "warning",
            f"torch was imported before workbench; {found}",
            "waiting threads may spin: single texts run up to 20 times slower beside another busy process",
            "import workbench first, or set OMP_WAIT_POLICY=PASSIVE before Python starts",
        )
    elif policy.upper() != "PASSIVE":
        effect = "waiting threads spin: slow beside another busy process"
        yield Check("threads", "warning", found, effect, "unset OMP_WAIT_POLICY, or set it to PASSIVE")
    else:
        yield Check("threads", "ok", found)


def _resources() -> Iterator[Check]:
    for resource in resources.status():
        if resource.present:
            yield Check(resource.name, "ok", resource.detail)
        else:
            status: Status = "warning" if resource.path.exists() else "missing"
            effect = f"no {resource.switches_off}"
            yield Check(resource.name, status, resource.detail, effect, resource.how_to_get)


def _chromium() -> Iterator[Check]:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            yield Check("chromium", "ok", found)
            return
    effect = "the tests that open reports in a browser are left out; nothing else"
    yield Check("chromium", "missing", "not on the PATH", effect, "apt-get install chromium, or your system's package")


def _home() -> Iterator[Check]:
    folder = home.home()
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        effect = "no audits (their ledger is there), no preparing of resources"
        remedy = "set WORKBENCH_HOME to a folder that you can write to"
        yield Check("home", "warning", f"{folder}: not writable ({error.strerror})", effect, remedy)
    else:
        yield Check("home", "ok", f"{folder}: {'writable' if folder.exists() else 'not there yet, can be made'}")


def _disk() -> Iterator[Check]:
    free = shutil.disk_usage(Path.cwd()).free
    found = f"{free / 1e9:.1f} GB free in {Path.cwd()}"
    if free < ROOMY:
        yield Check("disk", "warning", found, "training may not be able to keep its checkpoints", "free some space")
    else:
        yield Check("disk", "ok", found)


def _hub() -> Iterator[Check]:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        state = "offline, by HF_HUB_OFFLINE; --online cannot download while it is set in the shell"
    else:
        state = "nothing is downloaded without --online"
    yield Check("hugging face hub", "ok", state)


_LOOKS: tuple[Callable[[], Iterator[Check]], ...] = (
    _workbench,
    _python,
    _packages,
    _torch,
    _threads,
    _extras,
    _attacks,
    _resources,
    _chromium,
    _home,
    _disk,
    _hub,
)


def _wanted() -> dict[str, dict[str, str]]:
    """Return extra ('' for the core) -> package -> version range, from this distribution's own metadata."""
    from packaging.requirements import Requirement

    wanted: dict[str, dict[str, str]] = {}
    for line in metadata.requires(DISTRIBUTION) or ():
        needed = Requirement(line)
        marker = needed.marker
        if marker is None or marker.evaluate({"extra": ""}):
            extras = [""]
        else:
            extras = [extra for extra in EXTRAS if marker.evaluate({"extra": extra})]
        for extra in extras:
            wanted.setdefault(extra, {})[needed.name] = str(needed.specifier)
    return wanted


def _package_fault(name: str, range_: str) -> str | None:
    from packaging.specifiers import SpecifierSet

    found = _version(name)
    if found is None:
        return f"{name} is not installed"
    if not SpecifierSet(range_).contains(found, prereleases=True):
        return f"{name} is {found}, not {range_}"
    return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
