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

from entrepot.goods.errors import CallError, WorldError
from entrepot.goods.texts import texts
from entrepot.run.report import render_report, write_report
from entrepot.run.summary_text import summary_text
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
                       "MX": 9_000, "TH": 8_000, "VN": 7_000, "SG": 6_000, "PL": 5_000, "AE": 4_000, "TW": 3_000, "IE": 989},
        "by_chapter": {"61": 250_000, "62": 200_000, "85": 150_000, "95": 120_000, "39": 100_000, "42": 80_000,
                       "64": 60_000, "33": 50_000, "94": 40_000, "71": 30_000, "90": 20_000, "48": 10_000, "69": 9_000,
                       "73": 8_000, "83": 7_000, "21": 333},
        "by_reason": {"release.no-code": 70_000, "release.random-sample": 12_333, "release.tax-unknown": 22_045,
                      "release.order-incomplete": 3_210, "release.invalid": 1_234, "release.no-lawful-mode": 1_201},
        "by_warning": {"law.unconfirmed:cn/cbec/yearly_limit": 308_013, "value.not-customs-rate": 2_020,
                       "goods.code-unconfirmed": 900_001, "cn.cbec.yearly-limit-estimate": 3},
        "by_problem": {"goods.not-positive": 410, "goods.missing": 390, "goods.not-a-number": 222, "goods.bad-date": 101,
                       "goods.code-unknown": 77, "goods.unknown-currency": 12},
        "by_port": [{"port": "5349", "parcels": 400_000, "released": 371_000},
                    {"port": "2244", "parcels": 200_000, "released": 172_321},
                    {"port": "4604", "parcels": 50_001, "released": 35_000}],
        "by_day": [{"day": "2026-03-01", "parcels": 650_001, "released": 578_321}],
        "paperless": [{"port": "5349", "mode": "9610", "day": "2026-03-01", "parcels": 400_000, "released": 371_000},
                      {"port": "2244", "mode": "1210", "day": "2026-03-01", "parcels": 200_000, "released": 172_321},
                      {"port": "unknown", "mode": "none", "day": "2026-03-01", "parcels": 50_001, "released": 35_000}],
        "tax": {"duty": "12034.10", "consumption_tax": "2340011.07", "vat": "10987654.30"}, "tax_total_cny": "13339699.47",
        "tax_unknown_lines": 22_045,
        "tax_by_mode": {"1210": "12987654.30", "1239": "11.07", "0110": "352034.10"},
        "law_hash": "9f2c4c1d5b7e0a3f6d8c9b1a2e4f60718293a4b5c6d7e8f90a1b2c3d4e5f6071", "law_checked_until": "2026-11-23",
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
