"""The report in a real browser. Every request and complaint is recorded; nothing may reach the network."""

import importlib.util
from pathlib import Path

import pytest

from workbench.report.fragments import render_explanation
from workbench.report.render import render
from workbench.results import record_json
from workbench.verbs.comparing import index, write_comparison
from workbench.verdict.judge import judge

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(scope="session")
def report_file(tmp_path_factory):
    """The golden record's report as a file. Its texts try to break the page."""
    spec = importlib.util.spec_from_file_location("golden_record", GOLDEN / "record.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    record = module.rich()
    path = tmp_path_factory.mktemp("browser") / "index.html"
    path.write_text(render(record, judge(record, module.POLICY)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def explanation_file(report_file):
    spec = importlib.util.spec_from_file_location("golden_record", GOLDEN / "record.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = report_file.with_name("explanation.html")
    scores = [exhibit for _, exhibit in module.rich().exhibits("token_scores")]
    path.write_text(render_explanation(scores), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def beside_files(report_file):
    """The report again with a comparison beside it, the comparison, and the index of both audits."""
    spec = importlib.util.spec_from_file_location("golden_record", GOLDEN / "record.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    record = module.rich()
    record = record.model_copy(update={"findings": judge(record, module.POLICY)})
    earlier = record.audit.model_copy(update={"date": "2025-01-01T00:00:00+00:00"})
    root = report_file.parent / "audits"
    for name, held in (("old", record.model_copy(update={"audit": earlier})), ("new", record)):
        (root / name).mkdir(parents=True)
        (root / name / "audit.json").write_text(record_json(held), encoding="utf-8")
    write_comparison(root / "new", root / "old")
    (root / "index.html").write_text(index(root), encoding="utf-8")
    return [root / "new" / "index.html", root / "new" / "comparison.html", root / "index.html"]


@pytest.fixture(scope="session")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser):
    """Open a file in a fresh context; return the page with `page.trouble`, a list of all that went wrong."""
    contexts = []

    def go(path, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        trouble = []

        def route(request):
            if request.request.url == path.as_uri() or request.request.url.startswith("data:"):
                request.continue_()
            else:
                trouble.append(f"request: {request.request.url}")
                request.abort()

        context.route("**/*", route)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"page error: {error}"))
        page.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                None if request.url == path.as_uri() or request.url.startswith("data:") else trouble.append(request.url)
            ),
        )
        page.goto(path.as_uri(), wait_until="load")
        return page, trouble

    yield go
    for context in contexts:
        context.close()
