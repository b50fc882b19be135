import importlib.util
from pathlib import Path

import pytest

from workbench.report.render import render
from workbench.verdict.judge import judge

GOLDEN = Path(__file__).parent.parent / "golden"
pytestmark = pytest.mark.browser

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'
UNFOLD = "document.querySelectorAll('details').forEach(fold => fold.open = true)"


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        (v["id"], v["impact"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in {"serious", "critical"}
    ]


def test_nothing_leaves_and_nothing_complains(visit, report_file):
    page, trouble = visit(report_file)
    page.evaluate(UNFOLD)
    page.wait_for_timeout(300)
    assert trouble == []


def test_the_recorder_would_have_noticed(visit, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text("<img src='https://example.org/x.png'><script>alert(1); console.error('x'); nothing()</script>")
    _, trouble = visit(bad)
    assert {entry.split(":")[0] for entry in trouble} >= {"request", "dialog", "error", "page error"}


def test_hostile_texts_show_as_texts(visit, report_file):
    page, trouble = visit(report_file)
    page.evaluate(UNFOLD)
    quotes = page.locator("#cases blockquote").all_inner_texts()
    assert quotes[0] == SCRIPT
    assert quotes[1] == IMAGE
    assert page.locator("img, iframe").count() == 0
    assert page.locator("script").count() == 1
    assert page.locator("#fairness h3").all_inner_texts() == ["age_band", IMAGE]
    assert trouble == []


def test_everything_is_there_without_script(visit, report_file):
    page, trouble = visit(report_file, java_script_enabled=False)
    assert page.locator("#verdict-title").inner_text().endswith("Fail")
    for section in ("Requirements", "Performance", "Robustness", "Fairness", "Privacy", "How to reproduce"):
        assert page.get_by_role("heading", name=section, exact=True).first.is_visible()
    assert page.locator("svg.chart").first.is_visible()
    fold = page.locator("details", has=page.locator("summary", has_text="Software versions"))
    fold.locator("summary").click()
    assert fold.locator("table").is_visible()
    assert trouble == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, report_file, explanation_file, scheme):
    for path in (report_file, explanation_file):
        page, _ = visit(path, color_scheme=scheme)
        page.evaluate(UNFOLD)
        assert violations(page) == []


def test_axe_would_have_noticed(visit, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text("<html><body style='background:#fff'><p style='color:#ccc'>pale</p><button></button></body></html>")
    page, _ = visit(bad)
    assert {name for name, _, _ in violations(page)} >= {"button-name", "color-contrast"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_legible_in_both_schemes(visit, report_file, scheme):
    """Charts are exempt from axe's contrast check (they are one image), so measure text and lines against the paper."""
    page, _ = visit(report_file, color_scheme=scheme)
    ratios = page.evaluate(
        """() => {
            const rgb = text => text.match(/[0-9.]+/g).slice(0, 3).map(Number);
            const light = colour => {
                const [r, g, b] = colour.map(v => v / 255)
                    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const paper = light(rgb(getComputedStyle(document.body).backgroundColor));
            const ratio = colour => {
                const other = light(rgb(colour));
                return (Math.max(paper, other) + 0.05) / (Math.min(paper, other) + 0.05);
            };
            const texts = [...document.querySelectorAll('.chart text')].map(e => ratio(getComputedStyle(e).fill));
            const marks = [...document.querySelectorAll('.chart .role-mark [stroke], .chart .mark-line path')]
                .map(e => getComputedStyle(e).stroke).filter(c => c.startsWith('rgb')).map(ratio);
            return [Math.min(...texts), Math.min(...marks), texts.length, marks.length];
        }"""
    )
    assert ratios[0] >= 4.5
    assert ratios[1] >= 3
    assert ratios[2] > 50
    assert ratios[3] > 10


@pytest.mark.parametrize("width", [390, 800, 1440])
def test_the_page_never_scrolls_sideways(visit, report_file, explanation_file, width):
    for path in (report_file, explanation_file):
        page, _ = visit(path, viewport={"width": width, "height": 900})
        page.evaluate(UNFOLD)
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_an_explained_text_takes_the_width_that_there_is(visit, explanation_file):
    page, _ = visit(explanation_file, viewport={"width": 1280, "height": 900})
    assert page.locator("blockquote").first.bounding_box()["width"] > 700


def test_the_verdict_is_on_the_first_screen_of_a_phone(visit, report_file):
    page, _ = visit(report_file, viewport={"width": 390, "height": 844})
    box = page.locator("#verdict .band").bounding_box()
    assert box["y"] + box["height"] < 844


def test_wide_tables_are_reached_by_keyboard(visit, report_file):
    page, _ = visit(report_file, viewport={"width": 390, "height": 844})
    table = page.locator("#requirements .scroll").first
    table.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert table.evaluate("element => element.scrollLeft") > 0


def test_the_skip_link_leads_to_the_verdict(visit, report_file):
    page, _ = visit(report_file)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the verdict"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def shown(page):
    return page.locator("#cases article:visible").count()


def test_cases_can_be_narrowed_down_by_group_and_outcome(visit, report_file):
    page, trouble = visit(report_file)
    page.evaluate(UNFOLD)
    assert shown(page) == 20
    page.locator("#cases label", has_text="age_band").locator("select").select_option(label="60+")
    groups = page.locator("#cases article:visible").evaluate_all(
        "all => all.map(one => new Map(JSON.parse(one.dataset.tags)).get('age_band'))"
    )
    assert 0 < len(groups) <= 20
    assert set(groups) == {"60+"}
    assert page.locator("#cases [role=status]").inner_text() == f"{len(groups)} of the 20 texts on this page fit."
    page.locator("#cases label", has_text="Decided").locator("select").select_option(index=1)
    assert shown(page) <= len(groups)
    for select in page.locator("#cases select").all():
        select.select_option(value="")
    assert shown(page) == 20
    assert trouble == []


def test_a_missed_requirement_leads_to_its_cases_narrowed_down(visit, report_file):
    page, trouble = visit(report_file)
    page.locator("#requirements a[data-choice]").first.click()
    assert page.url.endswith("#cases")
    page.wait_for_function("() => Math.abs(document.querySelector('#cases .filter').getBoundingClientRect().top) < 60")
    labels = page.locator("#cases article").evaluate_all(
        "all => all.filter(one => !one.hidden).map(one => new Map(JSON.parse(one.dataset.tags)).get('True label'))"
    )
    assert labels
    assert set(labels) == {"not recommended"}
    assert (
        page.locator("#cases label", has_text="True label")
        .locator("select")
        .evaluate("one => one.selectedOptions[0].text")
        == "not recommended"
    )
    assert trouble == []


def test_a_choice_that_no_case_on_the_page_fits_hides_none_and_says_so(visit, report_file, tmp_path):
    other = tmp_path / "index.html"
    text = report_file.read_text(encoding="utf-8")
    chosen = "[[&#34;True label&#34;, &#34;not recommended&#34;]]"
    assert chosen in text
    other.write_text(text.replace(chosen, "[[&#34;True label&#34;, &#34;never seen&#34;]]"), encoding="utf-8")
    page, _ = visit(other)
    page.evaluate(UNFOLD)
    page.locator("#requirements a[data-choice]").first.click()
    assert page.locator("#cases [role=status]").inner_text() == (
        "None of the texts on this page has True label: never seen. All are shown."
    )
    assert shown(page) == 20


def test_without_script_no_control_is_dead_and_every_case_is_there(visit, report_file):
    page, _ = visit(report_file, java_script_enabled=False)
    assert page.locator("select, button, input").count() == 0
    assert page.locator("#cases article").count() == 20


def test_the_policy_of_the_page_lets_no_other_script_run(visit, report_file, tmp_path):
    other = tmp_path / "index.html"
    text = report_file.read_text(encoding="utf-8").replace("</main>", "<script>alert(1)</script></main>")
    other.write_text(text.replace("<h1 ", "<h1 onmouseover='alert(2)' "), encoding="utf-8")
    page, trouble = visit(other)
    page.locator("h1").hover()
    page.wait_for_timeout(200)
    assert not [one for one in trouble if one.startswith("dialog")]
    assert any("Content Security Policy" in one for one in trouble)
    assert page.locator("#cases select").count() > 0  # ours still runs


def test_hostile_texts_labels_groups_and_names_run_nothing(visit, tmp_path):
    spec = importlib.util.spec_from_file_location("cases", Path(__file__).parent.parent / "report" / "test_hostile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    golden = importlib.util.spec_from_file_location("golden_record", GOLDEN / "record.py")
    record = importlib.util.module_from_spec(golden)
    golden.loader.exec_module(record)
    for at in range(0, len(module.HOSTILE), 19):
        held = module.cases(record.rich(), at)
        path = tmp_path / f"{at}.html"
        path.write_text(render(held, judge(held, record.POLICY)), encoding="utf-8")
        page, trouble = visit(path)
        page.evaluate(UNFOLD)
        for select in page.locator("#cases select").all():
            select.select_option(index=1)
        assert trouble == []
        ragged = page.evaluate(
            """() => [...document.querySelectorAll('table')].filter(table =>
                new Set([...table.rows].map(row => row.cells.length)).size > 1).length"""
        )
        assert ragged == 0
        assert page.locator("main > section").count() == 15
        page.context.close()


HIDDEN = """() => [...document.querySelectorAll('details > :not(summary)')]
    .filter(e => !e.checkVisibility({contentVisibilityAuto: true}) || e.getBoundingClientRect().height === 0)
    .length"""
"""How many elements inside folds are not shown."""


def test_paper_shows_the_sign_off_and_cases_that_a_filter_hid(visit, report_file):
    page, _ = visit(report_file, viewport={"width": 720, "height": 1000})
    page.evaluate(UNFOLD)
    page.locator("#cases label", has_text="age_band").locator("select").select_option(index=1)
    page.evaluate("document.querySelectorAll('#cases article')[0].hidden = true")
    page.emulate_media(media="print")
    assert shown(page) == 20
    assert page.locator(".filter:visible").count() == 0
    cells = page.locator("#sign-off tbody td")
    assert cells.count() == 16
    boxes = [cell.bounding_box() for cell in cells.all()]
    assert all(box["height"] > 50 and box["width"] > 100 for box in boxes)


def test_paper_shows_what_folds_hide(visit, report_file):
    page, _ = visit(report_file, viewport={"width": 720, "height": 1000}, color_scheme="dark")
    assert page.evaluate(HIDDEN) > 0
    page.emulate_media(media="print")
    # Chromium lays out what was folded a frame or two after the medium changes: at once, all of it may still be hidden.
    page.wait_for_function(f"({HIDDEN})() === 0", timeout=10_000)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 720


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_comparison_and_index_are_as_clean_as_the_report(visit, beside_files, scheme):
    for path in beside_files[1:]:
        page, _ = visit(path, color_scheme=scheme)
        assert violations(page) == []


def test_comparison_and_index_never_scroll_sideways_and_fit_on_paper(visit, beside_files):
    for path in beside_files[1:]:
        page, trouble = visit(path)
        for width in (390, 800, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(UNFOLD)
            assert page.evaluate("document.documentElement.scrollWidth") == width
        page.set_viewport_size({"width": 720, "height": 1000})
        page.emulate_media(media="print")
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 720
        assert trouble == []


def test_the_report_leads_to_the_comparison_and_the_index_to_both(browser, beside_files):
    report, comparison, index = beside_files
    page = browser.new_page()
    page.goto(index.as_uri())
    page.get_by_role("link", name="compared with an earlier audit").click()
    assert page.url == comparison.as_uri()
    page.goto(report.as_uri())
    page.locator("#comparison a").first.click()
    assert page.url == comparison.as_uri()
    page.goto(index.as_uri())
    page.get_by_role("button", name="Verdict").click()
    assert page.locator("th[aria-sort=ascending]").inner_text() == "Verdict"
    page.close()
