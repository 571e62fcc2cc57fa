"""The desk used as people use it: a real server, a real worker, a real browser; every role, both languages, phone and desk.

The server is `entrepot demo` and `entrepot serve --with-worker` in an installation of its own. Every page that is opened is
checked with axe, and nothing may be complained of in the console.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conftest import SIZES

ENTREPOT = Path(sys.executable).with_name("entrepot")
AXE = Path(__file__).parents[2] / "src/entrepot/desk/frontend/node_modules/axe-core/axe.min.js"
SCREENS = {"phone": {"width": 390, "height": 844}, "wide": {"width": 1440, "height": 900}}
LOCALES = {"en": "en", "zh": "zh-CN"}
ROLES = ("trader", "broker", "inspector", "analyst", "administrator")
MOST_PAGES = {"administrator": 32}
"""An administrator is shown nearly everything; for the others the first pages of the navigation and below it are enough."""
FIRST_PAGES = 20
READ: set[tuple[str, str]] = set()
"""Kinds of pages that axe has read at a size and in a language: it reads each once, whoever opens it."""

OWN_FILE = """订单号,品名,数量,单价,币种,目的国,收货人,HS编码,净重
W-1001,涤纶旅行背包,2,18.43,USD,US,Avery Specimen,420292,1.12
W-1002,带盖塑料饭盒,1,4.82,USD,AU,Charlie Sample,3924100000,0.14
W-1003,陶瓷马克杯,-3,6.10,USD,GB,Robin Example,691200,0.9
"""
"""What a first-time seller has: an own file with own headings; the last row is wrong."""


@dataclass
class Desk:
    """A running desk."""

    address: str
    home: Path
    password: str

    def email(self, role: str) -> str:
        return f"{role}@demo.example"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """`entrepot demo`, then server and worker until the module ends."""
    home = tmp_path_factory.mktemp("desk")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "ENTREPOT_HOME": str(home), "DATABASE_URL": "", "ENTREPOT_ORIGIN": f"http://127.0.0.1:{port}"}
    subprocess.run([ENTREPOT, "demo"], env=environment, check=True, capture_output=True, timeout=300)
    log = (home / "log").open("wb")
    server = subprocess.Popen([ENTREPOT, "serve", "--port", str(port), "--with-worker"], env=environment, stderr=log, stdout=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(address, server)
        yield Desk(address, home, json.loads((home / "desk" / "demo.json").read_text())["password"])
    finally:
        worker = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        server.terminate()
        server.wait(timeout=30)
        assert [pid for pid in worker if Path("/proc", pid).exists()] == [], "the worker outlives the server"


def _wait_until_ready(address: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert server.poll() is None, "the server ended"
        try:
            if httpx.get(f"{address}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError("the server is not ready")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield opened
        opened.close()


@dataclass
class Visitor:
    """A person at a browser. Every page that is opened is checked."""

    desk: Desk
    context: BrowserContext
    page: Page
    way: str
    heard: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def go(self, path: str, status: int = 200) -> None:
        answer = self.page.goto(self.desk.address + path, wait_until="load")
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        self.check()

    def check(self) -> None:
        """Nothing wider than the screen, nothing axe finds."""
        page = self.page
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            self.found.append(f"{page.url}: {wide} px wider than the screen")
        kind = (_kind_of(page.url.removeprefix(self.desk.address)), self.way)
        if kind in READ:
            return
        READ.add(kind)
        page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
        for one in page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]:
            self.found += [f"{page.url}: {one['id']}: {node['html'][:140]}" for node in one["nodes"][:3]]

    def sign_in(self, role: str) -> None:
        self.page.goto(f"{self.desk.address}/accounts/login/")
        self.page.fill("input[name=login]", self.desk.email(role))
        self.page.fill("input[name=password]", self.desk.password)
        self.page.click("main form button[type=submit]")
        self.page.wait_for_url(f"{self.desk.address}/")

    def act_for(self, organisation: str) -> None:
        """A broker turns to a client in the bar."""
        self.page.locator("header summary", has_text="Sample Brokers").click()
        with self.page.expect_navigation():
            self.page.locator("header form[action$='/organisation/switch/'] button", has_text=organisation).first.click()


Enter = Callable[..., Visitor]


@pytest.fixture
def enter(desk: Desk, browser: Browser) -> Iterator[Enter]:
    """Opens a browser of a size and language; at the end nothing may have been heard or found."""
    visitors: list[Visitor] = []

    def go(size: str, language: str, role: str | None = None) -> Visitor:
        context = browser.new_context(viewport=SCREENS[size], locale=LOCALES[language], reduced_motion="reduce", accept_downloads=True)  # type: ignore[arg-type]
        visitor = Visitor(desk, context, context.new_page(), f"{size} {language}")
        visitor.page.on("console", lambda message: visitor.heard.append(message.text) if message.type in ("error", "warning") else None)
        visitor.page.on("pageerror", lambda error: visitor.heard.append(str(error)))
        visitors.append(visitor)
        if role:
            visitor.sign_in(role)
        return visitor

    yield go
    for visitor in visitors:
        visitor.context.close()
    assert [line for visitor in visitors for line in visitor.heard] == []
    assert [line for visitor in visitors for line in visitor.found] == []


WAYS = [("phone", "en"), ("phone", "zh"), ("wide", "zh"), ("wide", "en")]
"""Sizes and languages, in an order of which the second and the last are both sizes and both languages."""


@pytest.mark.parametrize("role", ROLES)
def test_every_page_a_role_is_shown_can_be_opened_and_read_by_all(
    enter: Enter, role: str, some_of: Callable[[int, Sequence[tuple[str, str]]], Sequence[tuple[str, str]]]
) -> None:
    for size, language in some_of(2, WAYS):
        _open_every_page(enter(size, language, role), role, language)


def _open_every_page(visitor: Visitor, role: str, language: str) -> None:
    assert visitor.page.locator("html").get_attribute("lang") == {"en": "en", "zh": "zh-Hans"}[language]
    if role == "broker":
        visitor.act_for("Sample Trading")
    waiting, seen = ["/"], {"/"}
    opened: list[str] = []
    while waiting and len(opened) < MOST_PAGES.get(role, FIRST_PAGES):
        path = waiting.pop(0)
        visitor.go(path)
        opened.append(path)
        for link in _links(visitor.page):
            if (kind := _kind_of(link)) not in seen:
                seen.add(kind)
                waiting.append(link)
    kinds = {_kind_of(path) for path in opened}
    wanted = {"/", "/consignments/", "/consignments/ID/N/", "/law/", "/policies/", "/products/", "/batches/ID/", "/quote/"}
    if role in ("inspector", "administrator", "analyst", "broker"):
        wanted |= {"/inspection/", "/inspection/ID/"}
    if role in ("administrator", "inspector"):
        wanted |= {"/audit/"}
    if role == "administrator":
        wanted |= {"/administration/", "/administration/keys/", "/administration/webhooks/", "/administration/loads/"}
    assert not wanted - kinds, sorted(kinds)


SKIPPED = re.compile(r"/accounts/|/static/|/api/|\.(csv|atom|parquet|json|html|zip|jsonl)|/files/|/export|/exports/|/file/|^mailto|#")


def _links(page: Page) -> list[str]:
    hrefs = page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
    return [href.split("#")[0] for href in hrefs if href.startswith("/") and not SKIPPED.search(href)]


def _kind_of(path: str) -> str:
    """A page's kind: its address without ids, numbers and questions, so that one of each kind is opened."""
    plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", path.split("?")[0])
    plain = re.sub(r"/law/(values|rules)/.+", r"/law/\1/X/", plain)
    return re.sub(r"/\d+/", "/N/", plain)


@pytest.mark.parametrize(("size", "language"), [("wide", "en"), ("phone", "zh")])
def test_a_first_time_seller_reads_an_explained_result_of_an_own_file(enter: Enter, tmp_path: Path, size: str, language: str) -> None:
    begun = time.monotonic()
    visitor = enter(size, language)
    page = visitor.page
    visitor.go("/accounts/signup/")
    page.fill("input[name=email]", f"seller-{size}-{language}@shop.example")
    page.fill("input[name=password1]", "orange teapot seventeen")
    page.fill("input[name=password2]", "orange teapot seventeen")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/organisation/new/")
    visitor.check()
    page.fill("input[name=name]", f"Seller {size} {language}")
    page.locator("main form button").last.click()
    page.wait_for_url(f"{visitor.desk.address}/")
    visitor.check()

    visitor.go("/upload/")
    file = tmp_path / "我的订单.csv"
    file.write_text(OWN_FILE, encoding="gb18030")
    page.set_input_files("input[name=file]", file)
    page.click("form[data-pieces] button[type=submit]")
    page.wait_for_url("**/upload/*-*/", timeout=60_000)
    visitor.check()
    _tell(page, {"direction": "export", "declared_on": "2026-03-10", "seller_country": "CN", "platform_sale": "true",
                 "buyer_kind": "person", "needs_licence": "false"})  # fmt: skip
    page.locator("button[name=action][value=clear]").last.click()
    page.wait_for_url("**/batches/*-*/", timeout=60_000)
    page.wait_for_selector("#progress", state="detached", timeout=120_000)
    visitor.check()
    batch = page.url.removeprefix(visitor.desk.address)

    visitor.go(f"{batch}problems/")
    assert "-3" in page.content()

    batch_id = batch.split("/")[2]
    visitor.go(f"/consignments/?batch={batch_id}")
    page.get_by_role("link", name=re.compile("W-1001")).first.click()
    page.wait_for_url("**/consignments/*/*/")
    visitor.check()
    assert "9610" in page.content()
    assert page.locator(".timeline").count()
    SIZES.append(f"first-time seller, {size} {language}: {time.monotonic() - begun:.0f} s of 180 s")


def _tell(page: Page, facts: dict[str, str]) -> None:
    """Give facts the file lacks, wherever the page asks for them."""
    for details in page.locator("details.more:not([open]) > summary").all():
        details.click()
    for name, value in facts.items():
        control = page.locator(f"[name='constant-{name}']")
        if control.count():
            if control.first.evaluate("node => node.tagName") == "SELECT":
                control.first.select_option(value)
            else:
                control.first.fill(value)


@pytest.mark.parametrize(("size", "language"), [("wide", "zh"), ("phone", "en")])
def test_an_inspector_takes_a_parcel_keeps_evidence_and_decides(enter: Enter, tmp_path: Path, size: str, language: str) -> None:
    visitor = enter(size, language, "inspector")
    page = visitor.page
    visitor.go("/inspection/")
    hrefs = [link for link in _links(page) if re.fullmatch(r"/inspection/[0-9a-f-]{36}/", link)]
    visitor.go(hrefs[0])
    page.locator("form[action$='/take/'] button").first.click()
    page.wait_for_selector("form[action$='/decide/']")
    visitor.check()
    photo = tmp_path / "photo.png"
    page.screenshot(path=photo)
    page.set_input_files("form[action$='/evidence/'] input[type=file]", photo)
    page.locator("form[action$='/evidence/'] button").last.click()
    page.wait_for_selector(".kept code")
    visitor.check()
    form = page.locator("form[action$='/decide/']")
    form.locator("input[type=radio]").first.check()
    form.locator("textarea").fill("papers and goods agree 单货相符")
    form.locator("button").last.click()
    page.wait_for_load_state()
    visitor.go(hrefs[0])
    assert "单货相符" in page.content()


@pytest.mark.parametrize(("size", "language"), [("wide", "en"), ("phone", "zh")])
def test_a_broker_acts_for_the_client_that_gave_a_mandate(enter: Enter, size: str, language: str) -> None:
    visitor = enter(size, language, "broker")
    page = visitor.page
    visitor.act_for("Sample Trading")
    visitor.go("/consignments/?verdict=hold")
    assert page.locator("tbody tr").count()
    visitor.go(next(link for link in _links(page) if re.fullmatch(r"/consignments/[0-9a-f-]{36}/\d+/", link)))
    form = page.locator("form[action$='/decide/']")
    form.locator("input[type=radio]").first.check()
    form.locator("textarea").fill("client sent the missing paper")
    form.locator("button").last.click()
    page.wait_for_load_state()
    visitor.check()
    assert "client sent the missing paper" in page.content()


@pytest.mark.parametrize(("size", "language"), [("wide", "en"), ("phone", "zh")])
def test_a_visitor_asks_for_a_quote_and_shares_it(enter: Enter, size: str, language: str) -> None:
    visitor = enter(size, language)
    page = visitor.page
    visitor.go("/quote/")
    page.fill("input[name=product]", "6912001000")
    page.fill("input[name=value]", "25.00")
    page.select_option("select[name=currency]", "USD")
    page.select_option("select[name=buyer_country]", "US")
    page.select_option("select[name=buyer_kind]", "person")
    page.fill("input[name=on]", "2026-03-10")
    page.locator("form[hx-get] .button--primary").click()
    expect(page.locator("#answer")).to_contain_text("9610")
    page.locator("form[action$='/quote/store/'] button").first.click()
    page.wait_for_url(re.compile(r"/quote/[\w-]{8,}/"))
    visitor.check()
    shared = page.url.removeprefix(visitor.desk.address)
    other = enter(size, language)
    other.go(shared)
    assert "9610" in other.page.content()


def test_an_analyst_files_a_policy_item_and_an_administrator_issues_a_key(enter: Enter) -> None:
    analyst = enter("wide", "zh", "analyst")
    analyst.go("/policies/new/")
    analyst.page.select_option("select[name=area]", "5")
    analyst.page.fill("input[name=title]", "清单申报扩围")
    analyst.page.fill("input[name=begins_on]", "2026-12-01")
    analyst.page.locator("main form button").first.click()
    analyst.page.wait_for_url("**/policies/")
    assert "清单申报扩围" in analyst.page.content()
    administrator = enter("phone", "en", "administrator")
    administrator.go("/audit/")
    assert "清单申报扩围" in administrator.page.content() or administrator.page.locator("main").inner_text()
    administrator.go("/administration/keys/")
