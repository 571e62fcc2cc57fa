"""The report page and the printed summary: exact figures, both languages, safe, readable in a real browser."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from playwright.sync_api import Browser, Page, sync_playwright
from rich.cells import cell_len

from entrepot.cli.summary_text import summary_text
from entrepot.goods.errors import CallError, WorldError
from entrepot.goods.texts import texts
from entrepot.run.report import render_report, write_report
from entrepot.run.wording import money, named, ratio, share

CHROMIUM = Path("/usr/bin/chromium")
HOSTILE = "<script>alert('x')</script>\"&\u202e\x1b[2J\x00\ud800"


def days(count: int) -> list[dict[str, Any]]:
    first = date(2026, 3, 1)
    return [{"day": str(first + timedelta(place)), "parcels": 4000 + 37 * place, "released": 3700 + 29 * place}
            for place in range(count)]


def day_summary() -> dict[str, Any]:
    """A day of orders as an operator would see it; figures add up as those of a real batch do."""
    return {
        "rows_in": 1_234_567, "rows_decided": 1_233_333, "rows_refused": 1_234, "orders": 612_345, "parcels": 650_001,
        "parcels_released": 578_321, "paperless_ratio": 0.889723, "paperless_target": 0.9,
        "by_mode": {"9610": 701_222, "1210": 301_877, "9710": 101_440, "0110": 70_301, "9810": 40_012, "1039": 12_345,
                    "1239": 2_136},
        "by_verdict": {"release": 1_101_233, "hold": 130_899, "refuse": 1_201, "invalid": 1_234},
        "by_lane": {"green": 1_101_233, "yellow": 128_010, "red": 2_889},
        "by_direction": {"export": 925_320, "import": 308_013},
        "by_country": {"US": 300_000, "GB": 151_020, "DE": 120_000, "JP": 110_200, "KR": 99_000, "FR": 88_123,
                       "AU": 77_001, "RU": 66_000, "NL": 55_000, "ES": 44_000, "IT": 33_000, "BR": 22_000, "CA": 11_000,
                       "MX": 9_000, "TH": 8_000, "VN": 7_000, "SG": 6_000, "PL": 5_000, "AE": 4_000, "TW": 3_000,
                       "IE": 989},
        "by_chapter": {"61": 250_000, "62": 200_000, "85": 150_000, "95": 120_000, "39": 100_000, "42": 80_000,
                       "64": 60_000, "33": 50_000, "94": 40_000, "71": 30_000, "90": 20_000, "48": 10_000, "69": 9_000,
                       "73": 8_000, "83": 7_000, "21": 333},
        "by_reason": {"release.no-code": 70_000, "release.random-sample": 12_333, "release.tax-unknown": 22_045,
                      "release.order-incomplete": 3_210, "release.invalid": 1_234, "release.no-lawful-mode": 1_201},
        "by_warning": {"law.unconfirmed:cn/cbec/yearly_limit": 308_013, "value.not-customs-rate": 2_020,
                       "goods.code-unconfirmed": 900_001, "cn.cbec.yearly-limit-estimate": 3},
        "by_problem": {"goods.not-positive": 410, "goods.missing": 390, "goods.not-a-number": 222,
                       "goods.bad-date": 101, "goods.code-unknown": 77, "goods.unknown-currency": 12},
        "by_port": [{"port": "5349", "parcels": 400_000, "released": 371_000},
                    {"port": "2244", "parcels": 200_000, "released": 172_321},
                    {"port": "4604", "parcels": 50_001, "released": 35_000}],
        "by_day": [{"day": "2026-03-01", "parcels": 650_001, "released": 578_321}],
        "paperless": [{"port": "5349", "mode": "9610", "day": "2026-03-01", "parcels": 400_000, "released": 371_000},
                      {"port": "2244", "mode": "1210", "day": "2026-03-01", "parcels": 200_000, "released": 172_321},
                      {"port": "unknown", "mode": "none", "day": "2026-03-01", "parcels": 50_001, "released": 35_000}],
        "tax": {"duty": "12034.10", "consumption_tax": "2340011.07", "vat": "10987654.30"},
        "tax_total_cny": "13339699.47",
        "tax_unknown_lines": 22_045,
        "tax_by_mode": {"1210": "12987654.30", "1239": "11.07", "0110": "352034.10"},
        "law_hash": "9f2c4c1d5b7e0a3f6d8c9b1a2e4f60718293a4b5c6d7e8f90a1b2c3d4e5f6071",
        "law_checked_until": "2026-11-23",
        "code_version": "0.1.0",
        "inputs": [{"name": "orders-2026-03-01-华南.csv.gz", "rows": 1_234_567, "bytes": 345_678_901,
                    "sha256": "0b5f3a0f8c7d9e1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192"}],
        "mapping": "online-retail",
        "notes": [{"en": "Dates were moved by exactly 15 years; C-invoices are cancellations.",
                   "zh": "日期整体后移 15 年;C 开头的发票按撤销处理。"}],
        "defaults_used": {"incoterm": 801_222, "origin_country": 12_001, "freight": 990_001},
        "cancellations": {"rows": 9_288, "matched": 6_301},
        "messages": {"303": {"documents": 520_000, "messages": 5_200}, "603": {"documents": 520_000, "messages": 5_200},
                     "621": {"documents": 110_012, "messages": 1_101}},
        "messages_sendable": False,
        "sender_note": {"en": "Sender data are placeholders: give --sender with your registration.",
                        "zh": "发送方资料为占位内容:请用 --sender 提供登记信息。"},
    }


def empty_summary() -> dict[str, Any]:
    """What a batch without a line would say."""
    nothing: dict[str, Any] = {key: {} for key, value in day_summary().items() if isinstance(value, dict)}
    nothing |= {key: [] for key, value in day_summary().items() if isinstance(value, list)}
    nothing |= {key: 0 for key, value in day_summary().items() if type(value) is int}
    return {**day_summary(), **nothing, "paperless_ratio": None, "tax_total_cny": "0.00", "mapping": None,
            "law_checked_until": None, "sender_note": None}


def parsed(page: str) -> Any:
    """The page as a tree."""
    return html.fromstring(page)


def words(page: str, language: str) -> str:
    """Everything a reader of one language sees, in one line."""
    tree = parsed(page)
    other = {"en": "zh", "zh": "en"}[language]
    for hidden in tree.xpath(f"//*[@class='{other}'] | //style | //script"):
        hidden.drop_tree()
    return re.sub(r"\s+", " ", " ".join(tree.xpath("//body//text()")))


def rows_of(page: str, heading: str) -> list[list[str]]:
    """The cells of the tables under one English heading."""
    tree = parsed(page)
    for hidden in tree.xpath("//*[@class='zh']"):
        hidden.drop_tree()
    found = tree.xpath(f"//figure[figcaption/h3[normalize-space()='{heading}']]//tbody/tr")
    return [[re.sub(r"\s+", " ", cell.text_content()).strip() for cell in row] for row in found]


# Content


def test_key_figures_are_exact() -> None:
    seen = words(render_report(day_summary()), "en")
    for figure in ("1,234,567", "1,233,333", "1,234", "612,345", "578,321 of 650,001 parcels", "88.97%",
                   "6,680 more needed for the target of 90%", "130,899", "13,339,699.47", "2,340,011.07", "22,045"):
        assert figure in seen


@pytest.mark.parametrize(("heading", "first", "total"), [
    ("Verdicts", ["Released release", "1,101,233", "89.2%"], 1_234_567),
    ("Lanes", ["Green: released green", "1,101,233", "89.4%"], 1_232_132),
    ("Direction", ["Export export", "925,320", "75.0%"], 1_233_333),
    ("Customs mode", ["Cross-border e-commerce, retail 9610", "701,222", "56.9%"], 1_233_333),
    ("Other country", ["United States US", "300,000", "24.3%"], 1_233_333),
    ("Tariff chapter", ["Chapter 61", "250,000", "20.3%"], 1_233_333),
    ("Reasons", ["Held: no commodity code release.no-code", "70,000", "5.7%"], None),
    ("Bad data", ["A field must be more than zero, but is … goods.not-positive", "410"], None),
])
def test_plots_have_their_numbers_and_add_up(heading: str, first: list[str], total: int | None) -> None:
    rows = rows_of(render_report(day_summary()), heading)
    assert rows[0] == first
    if total is not None:
        assert sum(int(row[1].replace(",", "")) for row in rows) == total


def test_lines_without_a_value_are_a_row_of_their_own() -> None:
    page = render_report(day_summary())
    assert ["No mode chosen", "4,000", "0.3%"] in rows_of(page, "Customs mode")
    assert ["No code", "99,000", "8.0%"] in rows_of(page, "Tariff chapter")


def test_chapters_take_their_given_names() -> None:
    page = render_report(day_summary(), {"61": {"en": "Knitted clothing", "zh": "针织服装"}})
    assert rows_of(page, "Tariff chapter")[0][0] == "Knitted clothing 61"
    assert "针织服装" in words(page, "zh")


def test_paperless_by_port_against_the_target() -> None:
    page = render_report(day_summary())
    assert rows_of(page, "By customs district") == [["Shenzhen Customs 5349", "400,000", "371,000", "92.75%"],
                                        ["Shanghai Customs 2244", "200,000", "172,321", "86.16%"],
                                        ["Zhengzhou Customs 4604", "50,001", "35,000", "69.99%"]]
    tree = parsed(page)
    assert {mark.get("style") for mark in tree.xpath("//*[@class='mark']")} == {"left:90.000%"}


def test_many_days_become_a_chart_with_a_table_beside_it() -> None:
    summary = day_summary() | {"by_day": days(120)}
    tree = parsed(render_report(summary))
    bars = tree.xpath("//svg/rect")
    assert len(bars) == 120
    assert float(bars[0].get("height")) == pytest.approx(92.5)
    assert len(rows_of(render_report(summary), "By day")) == 120
    below = sum(day["released"] * 10 < day["parcels"] * 9 for day in summary["by_day"])
    assert f"Days below it: {below} of 120." in words(render_report(summary), "en")


def test_tax_messages_and_sources() -> None:
    page = render_report(day_summary())
    assert rows_of(page, "By customs mode")[0] == ["Bonded cross-border e-commerce 1210", "12,987,654.30"]
    seen = words(page, "en")
    for shown in ("Export list 603 520,000 5,200", "Not ready to send", "Sender data are placeholders",
                  day_summary()["law_hash"], day_summary()["inputs"][0]["sha256"], "345,678,901", "online-retail",
                  "Rows that cancel an earlier line: 9,288; matched to that line: 6,301."):
        assert shown in seen


def test_long_lists_are_folded_not_cut() -> None:
    rows = rows_of(render_report(day_summary()), "Other country")
    assert len(rows) == 22
    assert parsed(render_report(day_summary())).xpath("count(//details)") >= 3


def test_long_detail_says_what_it_leaves_out() -> None:
    many = [{"port": "5349", "mode": "9610", "day": day["day"], "parcels": 1, "released": 1} for day in days(250)]
    assert "The first 200 of 250 rows; all of them are in summary.json" in words(
        render_report(day_summary() | {"paperless": many}), "en")


# Languages


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("summary", [day_summary(), empty_summary()], ids=["day", "empty"])
def test_no_text_is_missing(summary: Mapping[str, Any], language: str) -> None:
    for shown in (words(render_report(summary), language), summary_text(summary, language)):
        assert not re.findall(r"report\.(?!html)[a-z_.-]+|\{[a-z_]+\}", shown)


def test_every_text_has_both_languages_with_the_same_figures() -> None:
    for text_id, entry in texts("run").items():
        if text_id.startswith("report."):
            assert set(entry) == {"en", "zh"}, text_id
            figures = [sorted(re.findall(r"\{(\w+)\}", entry[language])) for language in ("en", "zh")]
            assert figures[0] == figures[1], text_id


def test_chinese_page_shows_no_english_sentence() -> None:
    summary = empty_summary() | {key: day_summary()[key] for key in ("by_mode", "by_country", "rows_decided")}
    shown = words(render_report(summary), "zh").replace("English", "")
    assert not re.findall(r"[A-Za-z]{3,} [a-z]{2,} [a-z]{2,}", shown)


# Safety


def test_hostile_words_stay_words() -> None:
    summary = day_summary() | {
        "notes": [{"en": HOSTILE, "zh": HOSTILE}], "by_reason": {HOSTILE: 1}, "by_problem": {HOSTILE: 1},
        "by_mode": {HOSTILE: 1}, "by_country": {HOSTILE: 1},
        "by_port": [{"port": HOSTILE, "parcels": 1, "released": 1}],
        "by_day": [{"day": HOSTILE, "parcels": 1, "released": 1}], "mapping": HOSTILE, "sender_note": HOSTILE,
        "inputs": [{"name": HOSTILE, "rows": 1, "bytes": 1, "sha256": HOSTILE}], "defaults_used": {HOSTILE: 1},
        "law_hash": HOSTILE, "messages": {HOSTILE: {"documents": 1, "messages": 1}},
    }
    page = render_report(summary, {HOSTILE: {"en": HOSTILE, "zh": HOSTILE}})
    assert page.count("<script") == 1
    assert len(parsed(page).xpath("//script")) == 1
    assert "&lt;script&gt;alert(&#39;x&#39;)" in page
    page.encode("utf-8")
    for shown in (page, summary_text(summary), summary_text(summary, "zh")):
        assert not set("\u202e\x1b\x00\ud800") & set(shown)


def test_the_page_fetches_nothing() -> None:
    page = render_report(day_summary() | {"by_day": days(120)})
    assert set(re.findall(r"https?://[^\s\"'<]*", page)) == {"http://www.w3.org/2000/svg"}
    tree = parsed(page)
    assert tree.xpath("//@src | //link/@href") == ["data:,"]
    assert all(link.startswith("#") for link in tree.xpath("//a/@href"))
    assert not re.search(r"@import|url\(", page)


def test_same_summary_same_bytes_and_well_formed_ids() -> None:
    page = render_report(day_summary())
    assert page == render_report(json.loads(json.dumps(day_summary())))
    tree = parsed(page)
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert set(tree.xpath("//@aria-labelledby | //label/@for")) <= set(ids)
    assert {link[1:] for link in tree.xpath("//a/@href")} <= set(ids)
    assert page.startswith("<!doctype html>")


# Edges


def test_empty_summary_renders() -> None:
    seen = words(render_report(empty_summary()), "en")
    assert "No lines came in" in seen
    assert "No parcels, so no ratio; the target is 90%" in seen
    assert "Nothing to show" in seen
    assert "No parcels, so no ratio" in summary_text(empty_summary())


def test_total_read_back_from_json_as_a_number() -> None:
    assert "13,339,699.47" in words(render_report(day_summary() | {"tax_total_cny": 13339699.47}), "en")


def test_missing_figures_are_named() -> None:
    summary = {key: value for key, value in day_summary().items() if key not in ("by_lane", "tax")}
    with pytest.raises(CallError, match="lacks by_lane, tax;"):
        render_report(summary)


def test_unwritable_place_is_a_world_error(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="cannot be written"):
        write_report(day_summary(), tmp_path / "absent" / "report.html")


def test_written_whole_as_utf8(tmp_path: Path) -> None:
    write_report(day_summary(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render_report(day_summary())
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(("released", "parcels", "shown"), [
    (899_999, 1_000_000, "89.99%"), (9, 10, "90.00%"), (0, 3, "0.00%"), (3, 3, "100.00%"), (0, 0, "–")])
def test_ratio_is_rounded_down(released: int, parcels: int, shown: str) -> None:
    assert ratio(released, parcels) == shown


@pytest.mark.parametrize(("part", "whole", "shown"), [
    (1, 3, "33.3%"), (1, 9_000_000, "<0.1%"), (8_999_999, 9_000_000, ">99.9%"), (0, 5, "0.0%"), (5, 5, "100.0%"),
    (0, 0, "–"), (1, 2000, "0.1%")])
def test_share_never_hides_the_few(part: int, whole: int, shown: str) -> None:
    assert share(part, whole) == shown


@pytest.mark.parametrize(("amount", "shown"), [
    ("0", "0.00"), ("1234567.8", "1,234,567.80"), ("90071992547409931234.05", "90,071,992,547,409,931,234.05"),
    ("0.125", "0.125"), ("-3.10", "-3.10")])
def test_money_is_never_rounded(amount: str, shown: str) -> None:
    assert money(amount) == shown


def test_a_rule_text_is_found_for_an_id_with_a_subject() -> None:
    assert named("nobody.knows-this") is None
    said = named("law.unconfirmed:cn/cbec/yearly_limit")
    assert said is not None
    assert "cn/cbec/yearly_limit" in said["zh"]


# The printed summary


@pytest.mark.parametrize("language", ["en", "zh"])
def test_printed_summary_fits_eighty_columns(language: str) -> None:
    printed = summary_text(day_summary(), language)
    assert max(map(cell_len, printed.splitlines())) <= 80
    for figure in ("1,234,567", "1,233,333", "88.97%", "13,339,699.47", "release.no-code", "9610", "lines.parquet"):
        assert figure in printed


def test_printed_summary_in_english_is_ascii_but_for_open_figures() -> None:
    assert set(summary_text(day_summary())) - set(map(chr, range(128))) <= {"…", "–"}


def test_printed_summary_names_the_folder_and_refuses_other_languages() -> None:
    assert "In out/today:" in summary_text(day_summary(), folder=Path("out/today"))
    with pytest.raises(CallError, match="use one of en, zh"):
        summary_text(day_summary(), "fr")


# A real browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def opened(browser: Browser, folder: Path, summary: Mapping[str, Any], **context: Any) -> tuple[Page, list[str]]:
    """The page of a summary in a fresh browser window, and what its console and network complain of."""
    write_report(summary, folder / "report.html")
    page = browser.new_context(**context).new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("requestfailed", lambda request: heard.append(request.url))
    page.goto((folder / "report.html").as_uri())
    return page, heard


@pytest.mark.parametrize("width", [360, 390, 768, 1440])
@pytest.mark.parametrize("summary", [day_summary() | {"by_day": days(120)}, empty_summary()], ids=["days", "empty"])
def test_no_sideways_scroll(browser: Browser, tmp_path: Path, summary: Mapping[str, Any], width: int) -> None:
    page, heard = opened(browser, tmp_path, summary, viewport={"width": width, "height": 844})
    for choice in ("English", "中文"):
        page.get_by_text(choice, exact=True).click()
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") == width
    assert not heard
    page.context.close()


def test_language_switch_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    page, heard = opened(browser, tmp_path, day_summary())
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("h1").inner_text() == "Clearance report"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator("h1").inner_text() == "通关报告"
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    page.keyboard.press("ArrowLeft")
    assert page.locator("h1").inner_text() == "Clearance report"
    assert not heard
    page.context.close()


def test_language_switch_without_script(browser: Browser, tmp_path: Path) -> None:
    page, _ = opened(browser, tmp_path, day_summary(), java_script_enabled=False)
    assert page.locator("h1").inner_text() == "Clearance report"
    page.get_by_text("中文", exact=True).click()
    assert page.locator("h1").inner_text() == "通关报告"
    page.context.close()


CONTRASTS = """() => {
  const channel = c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
  const light = c => {
    const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
    return .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  };
  const ground = e => {
    const colour = getComputedStyle(e).backgroundColor;
    return /, 0\\)$/.test(colour) ? ground(e.parentElement) : colour;
  };
  const low = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.getClientRects().length) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) low.push([e.textContent.trim().slice(0, 40), (a + .05) / (b + .05)]);
  }
  return low;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_contrast_reaches_aa(browser: Browser, tmp_path: Path, scheme: str) -> None:
    page, _ = opened(browser, tmp_path, day_summary() | {"by_day": days(120)}, color_scheme=scheme)
    assert page.evaluate(CONTRASTS) == []
    page.context.close()
