"""Takes the pictures of the documentation, from a finished batch and from a desk that `entrepot demo` made and serves.

`python -m docs.screenshots report out/sample-day`, or `python -m docs.screenshots desk http://127.0.0.1:8000 PASSWORD`.
"""

import re
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

__all__ = ["desk", "main", "report"]

IMAGES = Path(__file__).parent / "images"
BROWSER = "/usr/bin/chromium"
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
WIDE, PHONE = (1440, 900), (390, 844)
QUOTE = (
    "/quote/?product=6912001000&value=25.00&currency=USD&seller_country=CN&buyer_country=US&buyer_kind=person&on=2026-03-10"
    "&platform_sale=true&pilot_zone=true&has_input_invoice=true"
)


def report(browser: Browser, batch: str) -> None:
    """`report.png` from a wide window, cut to 1200 × 800; `phone.png` as a phone shows it."""
    address = (Path(batch) / "report.html").resolve().as_uri()
    for name, size, clip in (("report.png", WIDE, (120, 0, 1200, 800)), ("phone.png", PHONE, (0, 0, *PHONE))):
        page = _page(browser, size)
        page.goto(address)
        _take(page, name, clip)


def desk(browser: Browser, address: str, password: str) -> None:
    """`desk.png`, `line.png`, `inspection.png`, `quote.png` from a wide window; `desk-phone.png` from a Chinese phone."""
    wide = _page(browser, WIDE)
    _enter(wide, address, "administrator", password)
    for name, path in (("desk.png", "/"), ("inspection.png", "/inspection/"), ("quote.png", QUOTE)):
        wide.goto(address + path, wait_until="networkidle")
        wide.evaluate("document.querySelector('#answer')?.scrollIntoView()")
        _take(wide, name, (0, 0, *WIDE))
    wide.goto(f"{address}/consignments/?verdict=hold")
    hrefs = wide.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
    wide.goto(address + next(href for href in hrefs if re.fullmatch(r"/consignments/[0-9a-f-]{36}/\d+/", href)), wait_until="networkidle")
    _take(wide, "line.png", (0, 0, *WIDE))
    phone = _page(browser, PHONE, "zh-CN")
    _enter(phone, address, "trader", password)
    _take(phone, "desk-phone.png", (0, 0, *PHONE))


def _page(browser: Browser, size: tuple[int, int], locale: str = "en") -> Page:
    return browser.new_page(viewport={"width": size[0], "height": size[1]}, locale=locale, reduced_motion="reduce")


def _enter(page: Page, address: str, role: str, password: str) -> None:
    page.goto(f"{address}/accounts/login/")
    page.fill("input[name=login]", f"{role}@demo.example")
    page.fill("input[name=password]", password)
    page.click("main form button[type=submit]")
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/", wait_until="networkidle")  # once more, without the greeting


def _take(page: Page, name: str, clip: tuple[int, int, int, int]) -> None:
    x, y, width, height = clip
    page.screenshot(path=IMAGES / name, clip={"x": x, "y": y, "width": width, "height": height})


def main(kind: str, *given: str) -> None:
    """Take the pictures of one kind."""
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=BROWSER, args=list(QUIET))
        {"report": report, "desk": desk}[kind](browser, *given)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
