"""What `import workbench` offers."""

from __future__ import annotations

import subprocess
import sys

import pytest

import workbench


def in_a_fresh_process(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_verb_is_there_and_sorted() -> None:
    assert workbench.__all__ == sorted(workbench.__all__, key=str.lower)
    for verb in workbench.__all__:
        assert verb in dir(workbench)
        assert verb.startswith("__") or callable(getattr(workbench, verb))


def test_a_room_stays_callable_whoever_imported_it_first() -> None:
    script = "import workbench.audit.store, workbench; print(callable(workbench.audit), workbench.audit.store.__name__)"
    assert in_a_fresh_process(script) == "True workbench.audit.store"


def test_unknown_names_raise() -> None:
    with pytest.raises(AttributeError, match="no attribute 'adit'"):
        workbench.adit  # noqa: B018


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'numpy', 'pandas', 'transformers', 'pydantic'}"
    script = f"import sys, workbench.cli; print(sorted({{m.split('.')[0] for m in sys.modules}} & {heavy}))"
    assert in_a_fresh_process(script) == "[]"


def test_the_environment_is_set_before_torch_loads() -> None:
    names = ("OMP_WAIT_POLICY", "TOKENIZERS_PARALLELISM")
    unset = f"import os; [os.environ.pop(k, None) for k in {names}]"
    script = f"{unset}; import workbench; print(*(os.environ[k] for k in {names}))"
    assert in_a_fresh_process(script) == "PASSIVE false"
