"""Takes the pictures of the report that the README shows: `python -m docs.screenshots BATCH`."""

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

__all__ = ["main"]

IMAGES = Path(__file__).parent / "images"
BROWSER = "/usr/bin/chromium"
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip


def main(report: Path) -> None:
    """`report.png` from a window 1440 wide, cut to 1200 × 800; `phone.png` as a phone of 390 shows it."""
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=BROWSER, args=list(QUIET))
        _take(browser, report, "report.png", (1440, 900), clip=(120, 0, 1200, 800))
        _take(browser, report, "phone.png", (390, 844), clip=(0, 0, 390, 844))
        browser.close()


def _take(browser: Browser, report: Path, name: str, size: tuple[int, int], clip: tuple[int, int, int, int]) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(report.resolve().as_uri())
    x, y, width, height = clip
    page.screenshot(path=IMAGES / name, clip={"x": x, "y": y, "width": width, "height": height})


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "report.html")
