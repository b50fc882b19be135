"""What the audit ran on: versions, device, processor, the code's own revision."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

from workbench import __version__
from workbench.evidence.record import Environment

PACKAGES = (
    "captum", "fairlearn", "nltk", "numpy", "pandas", "scikit-learn", "scipy", "shap", "lime", "opacus", "peft",
    "textattack", "tokenizers", "torch", "transformers",
)  # fmt: skip
"""Whatever can change a number."""


def environment(device: str) -> Environment:
    """Return where this process runs; `device` is the model's."""
    import torch

    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        device=name,
        processor=_processor(),
        threads=torch.get_num_threads(),
        versions={package: found for package in PACKAGES if (found := installed(package))} | _plugins(),
        code=code_revision(),
    )


def code_revision() -> str:
    """Return the version, with the git revision of a checkout, and a hash of its content where that was edited."""
    checkout = Path(__file__).resolve().parents[1]
    if not (checkout / ".git").exists():
        return __version__
    try:
        revision = _git(checkout, "rev-parse", "--short=12", "HEAD")
        edited = _git(checkout, "status", "--porcelain", "--", "workbench", "datasets")
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{__version__} ({revision}{f'+changes {_content(checkout)}' if edited else ''})"


def _content(checkout: Path) -> str:
    """Return a short hash of all files of the code: two different edits of one revision are two different codes."""
    sha = hashlib.sha256()
    for file in sorted((*(checkout / "workbench").rglob("*"), *(checkout / "datasets").rglob("*"))):
        if file.is_file() and "__pycache__" not in file.parts:
            sha.update(f"{file.relative_to(checkout)}\0".encode())
            sha.update(file.read_bytes())
    return sha.hexdigest()[:8]


def _git(folder: Path, *command: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *command], capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def _plugins() -> dict[str, str]:
    """Return the packages that bring probes of their own, with their versions."""
    return {
        point.dist.name: point.dist.version
        for point in entry_points(group="workbench.probes")
        if point.dist is not None
    }


def installed(package: str) -> str | None:
    """Return the version of the installed distribution `package`, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux: platform knows less, but something
    return platform.processor() or platform.machine()
