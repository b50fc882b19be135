"""The walls of the house: who may import whom, what stays light, what must not be in the repository."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ENGINES = {"captum", "dp_accounting", "fairlearn", "flair", "lime", "opacus", "peft", "shap", "textattack"}
HEAVY = {"accelerate", "altair", "datasets", "nltk", "pandas", "scipy", "sklearn", "torch", "transformers", *ENGINES}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / "lint-imports"
    return subprocess.run([tool, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def modules(checkout: Path) -> list[Path]:
    return sorted((checkout / "workbench").rglob("*.py"))


def tracked(checkout: Path) -> list[Path]:
    """The files of the repository: those in git, and new ones that no rule ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [file for name in sorted(set(listed.stdout.split("\0")) - {""}) if (file := checkout / name).is_file()]


def text_of(file: Path) -> str | None:
    """The text of `file`, or None if it is binary."""
    data = file.read_bytes()
    return None if b"\0" in data[:8000] else data.decode("utf-8", "replace")


@pytest.fixture(scope="session")
def repository(checkout: Path) -> list[Path]:
    if not (checkout / ".git").exists():
        pytest.skip("not a git checkout: what is tracked cannot be told")
    return tracked(checkout)


# --- The import law ------------------------------------------------------------------------------------------------


def test_the_import_law_holds(checkout):
    done = lint_imports(checkout)
    assert done.returncode == 0, done.stdout


PLANTED = {
    "evidence imports a room above it": ("evidence/planted.py", "from workbench.data import corpus"),
    "audit imports train": ("audit/planted.py", "import workbench.train"),
    "train imports audit": ("train/planted.py", "from workbench.audit import probe"),
    "data imports models": ("data/planted.py", "from workbench.models import protocols"),
    "verdict imports report": ("verdict/planted.py", "import workbench.report"),
    "verdict imports text": ("verdict/planted.py", "import workbench.text"),
    "report imports audit": ("report/planted.py", "from workbench.audit.probe import probes"),
    "report imports models": ("report/planted.py", "from workbench.models import protocols"),
    "audit judges": ("audit/planted.py", "import workbench.verdict"),
    "a room imports the command line": ("models/planted.py", "from workbench import cli"),
    "a lazy import": ("text/planted.py", "def later():\n    from workbench.evidence import record\n    return record"),
    "a third-party engine outside adapters": ("audit/planted.py", "def later():\n    import shap\n    return shap"),
    "torch in a report": ("report/planted.py", "def later():\n    import torch\n    return torch"),
    "a module that no layer knows": ("planted.py", "import json"),
}


@pytest.mark.parametrize(("place", "source"), PLANTED.values(), ids=PLANTED)
def test_a_planted_violation_is_caught(place, source, checkout, tmp_path):
    shutil.copytree(checkout / "workbench", tmp_path / "workbench", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(checkout / "pyproject.toml", tmp_path / "pyproject.toml")
    (tmp_path / "workbench" / place).write_text(source + "\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "planted" in done.stdout


def named_engines(source: str) -> set[str]:
    """Engines that `source` imports by name at run time: `import_module("shap")`, `__import__("shap.plots")`."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in {"import_module", "__import__", "import_optional"}:
                found.add(str(node.args[0].value).partition(".")[0])
    return found & ENGINES


def test_no_engine_is_imported_by_name_outside_adapters(checkout):
    assert named_engines("import importlib\ndef f():\n    return importlib.import_module('shap.plots')") == {"shap"}
    for module in modules(checkout):
        if "adapters" not in module.parts:
            assert not named_engines(module.read_text(encoding="utf-8")), module


def top_level_imports(source: str) -> set[str]:
    """Packages that importing `source` imports: not those inside functions or under TYPE_CHECKING."""
    found: set[str] = set()
    waiting = list(ast.parse(source).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return found


def test_adapters_import_their_engines_lazily(checkout):
    assert top_level_imports("try:\n    import shap\nexcept ImportError:\n    shap = None") == {"shap"}
    assert top_level_imports("def f():\n    import shap\nif TYPE_CHECKING:\n    import lime") == set()
    for module in modules(checkout):
        assert not top_level_imports(module.read_text(encoding="utf-8")) & ENGINES, module


# --- Light where it must be light ------------------------------------------------------------------------------------


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a fresh Python has loaded after `code`."""
    script = (
        f"import sys\n{code}\n"
        "import json\nsys.stderr.write('LOADED' + json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    return set(json.loads(done.stderr.rpartition("LOADED")[2])) & HEAVY


def test_importing_the_workbench_loads_nothing_heavy():
    assert "nltk" in loaded_by("import nltk")
    assert loaded_by("import workbench; dir(workbench)") == set()


@pytest.mark.parametrize("arguments", [["--help"], ["audit", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments):
    code = (
        f"sys.argv = ['workbench', *{arguments!r}]\nfrom workbench.cli import main\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code, done.code"
    )
    assert loaded_by(code) == set()


# --- The repository --------------------------------------------------------------------------------------------------


def test_datasets_is_no_package(checkout):
    """An `__init__.py` there would shadow the Hugging Face library `datasets`."""
    assert not list((checkout / "datasets").rglob("__init__.py"))


def test_no_ignore_rule_swallows_source(checkout, repository):
    for place in ("workbench/data/planted.py", "workbench/runs/planted.py", "workbench/build/planted.toml",
                  "datasets/planted.toml", "tests/data/planted.py", "notebooks/planted.ipynb"):  # fmt: skip
        done = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", place], cwd=checkout, check=False)
        assert done.returncode == 1, place
    ignored = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", ".venv/x"], cwd=checkout, check=False)
    assert ignored.returncode == 0


def test_no_file_is_over_a_megabyte(repository):
    assert [(file.name, size) for file in repository if (size := file.stat().st_size) > 1_000_000] == []


# Built from parts, so that this file does not hold what it looks for.
REGISTRIES = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.com", "npm" + "js.org", "conda." + "anaconda.org")
FORBIDDEN = {
    "a package registry": re.compile("|".join(map(re.escape, REGISTRIES)) + r"|https?://[^\s)\"']+/" + r"simple\b"),
    "an index setting": re.compile(r"--?(?:extra-)?index" + r"-url\b"),
    "a path of one machine": re.compile(r"(?<![\w.:/-])/(?:" + "|".join(["work", "root", "opt", "farm"]) + r")/[\w.]"),
}
CAUGHT = {
    "a package registry": ["https://" + REGISTRIES[0] + "/project", "http://10.0.0.1:3141/" + "simple"],
    "an index setting": ["pip install --extra-index" + "-url x"],
    "a path of one machine": ["see /" + "work/main", '"/' + 'opt/wheels"', "/" + "root/.cache/x"],
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_repository_names_no_machine_and_no_registry(what, repository, checkout):
    pattern = FORBIDDEN[what]
    assert all(pattern.search(example) for example in CAUGHT[what])
    assert not pattern.search("a/work/b ./root/x https://example.org/home/page reports/demo")
    found = [
        f"{file.relative_to(checkout)}: {match.group()}"
        for file in repository
        if (text := text_of(file)) is not None
        for match in pattern.finditer(text)
    ]
    assert not found


BANNED = re.compile(
    r"\b(?:" + "|".join(["de-?bias" + r"\w*", "un" + "biased", "fair" + " model", "safe" + r"\b(?! mode)"]) + r")",
    re.IGNORECASE,
)
FAIR = re.compile(r"\b(?:un)?fair(?:er|ly)?\b(?! coin)", re.IGNORECASE)
"""Neither a model nor a mitigation is called so, nor the opposite; coins may be."""
SHOWN = {".toml", ".md", ".html", ".j2", ".jinja", ".css"}
ALLOWED = re.compile(r"L2-de" + r"biased|de" + r"biased (?:ECE|estimator|L2)|-safe\b", re.IGNORECASE)
"""Terms of statistics: a bias-corrected estimator is called so in its paper."""


def shown_strings(source: str) -> list[str]:
    """The string literals of `source` that are not docstrings."""
    tree = ast.parse(source)
    told = {
        id(node.value)
        for parent in ast.walk(tree)
        if hasattr(parent, "body") and isinstance(parent.body, list)
        for node in parent.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]


def test_what_users_read_promises_nothing(checkout):
    assert BANNED.search("this model was de" + "biased")
    assert BANNED.search("a safe" + " release")
    assert not BANNED.search("safetensors")
    assert FAIR.search("the model is " + "fair" + ".")
    assert not FAIR.search("fairness.groups@1 of Fairlearn, by a fair coin")
    shown: list[tuple[Path, str]] = [
        (module, text) for module in modules(checkout) for text in shown_strings(module.read_text(encoding="utf-8"))
    ]
    for place in ("workbench", "datasets"):
        files = [file for file in sorted((checkout / place).rglob("*")) if file.suffix in SHOWN]
        shown += [(file, file.read_text(encoding="utf-8")) for file in files]
    shown.append((checkout / "README.md", (checkout / "README.md").read_text(encoding="utf-8")))
    found = [
        f"{file.relative_to(checkout)}: {match.group()!r} in {text[max(0, match.start() - 30) : match.end() + 30]!r}"
        for file, text in shown
        for pattern in (BANNED, FAIR)
        for match in pattern.finditer(ALLOWED.sub("", text))
    ]
    assert not found
