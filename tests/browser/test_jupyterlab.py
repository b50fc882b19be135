"""The notebook in JupyterLab in a real browser: it runs to its end, the widget answers an edit, nothing is fetched."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.demo]

NOTEBOOK = "01_explain_a_prediction.ipynb"


@pytest.fixture(scope="module")
def lab(checkout, tmp_path_factory):
    """A JupyterLab over a copy of the notebook, beside the demo's model and report; its address."""
    place = tmp_path_factory.mktemp("lab")
    (place / "notebooks").mkdir()
    shutil.copy(checkout / "notebooks" / NOTEBOOK, place / "notebooks")
    for name in ("runs", "reports"):
        (place / name).symlink_to(checkout / name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    homes = {
        name: str(place / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    environment = {
        **os.environ, **homes, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "WORKBENCH_HOME": os.environ.get("WORKBENCH_HOME", str(checkout / ".workbench")),
    }  # fmt: skip
    log = (place / "lab.log").open("w")
    server = subprocess.Popen(
        [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
            f"--ServerApp.root_dir={place}", "--IdentityProvider.token=token", "--LabApp.news_url=",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ],
        cwd=place, env=environment, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/api/status?token=token", timeout=1)
                break
            except OSError:
                assert server.poll() is None, (place / "lab.log").read_text()
                time.sleep(0.5)
        yield f"{address}/lab/tree/notebooks/{NOTEBOOK}?token=token&reset"
    finally:
        server.terminate()
        server.wait(timeout=30)
        log.close()


WIDER = """
() => {
    const area = document.querySelector('.jupyter-widgets textarea').closest('.jp-OutputArea');
    return [area, ...area.querySelectorAll('.jp-OutputArea-child, .jp-OutputArea-output, .widget-box')]
        .filter(one => one.scrollWidth > one.clientWidth + 1)
        .map(one => `${one.className}: ${one.scrollWidth} > ${one.clientWidth}`);
}
"""
"""The widget's output area, and parts of it, that are wider than their place: one would have to scroll sideways."""


def probability(page):
    shown = page.locator(".jupyter-widgets ul li").first.inner_text()
    return float(re.search(r": ([0-9.]+)", shown)[1])


def test_the_notebook_runs_and_the_widget_reacts(lab, browser, tmp_path):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    away = []

    def route(request):
        address = request.request.url
        if address.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")):
            request.continue_()
        else:
            away.append(address)
            request.abort()

    context.route("**/*", route)
    page = context.new_page()
    try:
        page.goto(lab, wait_until="load", timeout=120_000)
        page.wait_for_selector(".jp-Notebook", timeout=60_000)
        dialog = page.locator(".jp-Dialog .jp-mod-accept")
        page.wait_for_timeout(3000)
        if dialog.count():
            dialog.first.click()
        page.wait_for_timeout(2000)
        page.keyboard.press("Escape")
        page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
        page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
        text = page.locator(".jupyter-widgets textarea")
        text.wait_for(timeout=240_000)
        page.wait_for_selector(".jupyter-widgets ul li", timeout=60_000)
        assert not page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count()
        before = probability(page)
        text.fill("I love it, the fabric is soft and it fits perfectly.")
        text.press("Tab")
        page.wait_for_function(
            "old => { const shown = document.querySelector('.jupyter-widgets ul li');"
            " return shown && !shown.innerText.includes(old) }",
            arg=f"{before:.3f}",
            timeout=60_000,
        )
        edited = probability(page)
        word = page.locator(".jupyter-widgets button", has_text="love").first
        word.focus()
        page.keyboard.press("Space")
        page.wait_for_function(
            "() => [...document.querySelectorAll('.jupyter-widgets ul li')].some(x => x.innerText.includes('change'))",
            timeout=60_000,
        )
        assert probability(page) != edited
        asked = page.locator("button", has_text=re.compile("^No$"))
        if asked.count():  # JupyterLab would like to send news, and covers what is looked at
            asked.first.click()
        for width in (1280, 800):
            page.set_viewport_size({"width": width, "height": 1000})
            text.scroll_into_view_if_needed()
            page.wait_for_timeout(800)
            page.screenshot(path=str(tmp_path / f"lab-{width}.png"))
            box = text.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            # The whole of what the widget's cell shows, not the text's field alone.
            wide = page.evaluate(WIDER)
            assert not wide, (width, wide)
    finally:
        context.close()
    assert not away, away
