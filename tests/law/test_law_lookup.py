"""Rows by key and day: longest prefix, dates, order of lines, rows a user gives."""

import datetime as dt
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.law import Law, LawError
from tests.law.law_files import TABLE, folder

DAY = dt.date
BEFORE, LATER = DAY(2021, 12, 31), DAY(2022, 1, 1)


@pytest.fixture
def rates(tmp_path: Path) -> Law:
    return Law.read(folder(tmp_path, cn__rates=TABLE))


def lines(*rows: tuple[str | None, dt.date | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"code": pl.String, "declared_on": pl.Date}, orient="row")


Lines = TypeVar("Lines", pl.DataFrame, pl.LazyFrame)


def asked(law: Law, frame: Lines) -> Lines:
    return law.lookup(
        frame, "cn/rates", {"hs_prefix": "code"}, take={"rate": "ppm", "source": "doc"}, prefix="hs_prefix"
    )


def test_the_longest_prefix_of_the_lines_own_day_wins(rates: Law) -> None:
    frame = lines(
        ("6109100010", BEFORE),
        ("61061000", BEFORE),
        ("6109100010", LATER),
        ("61061000", LATER),
        ("42021200", LATER),
        ("9", LATER),
        ("6", LATER),
        (None, LATER),
        ("6109", None),
        ("6109", DAY(2019, 1, 1)),
    )
    found = asked(rates, frame)
    assert found.get_column("ppm").to_list() == [120_000, 100_000, 140_000, *[None] * 7]
    assert found.get_column("ppm_unconfirmed").to_list() == [False, False, True, False, True, *[False] * 5]
    assert found.get_column("doc").to_list() == ["A", "A", "B", None, "B", *[None] * 5]
    assert found.select(frame.columns).equals(frame)
    assert asked(rates, frame.lazy()).collect().equals(found)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["6109", "61", "610", "6109100010", "42", "4", "", None]),
            st.one_of(st.none(), st.dates(DAY(2019, 12, 1), DAY(2022, 2, 1))),
        ),
        max_size=40,
    )
)
def test_lookup_equals_a_search_line_by_line(rows: list[tuple[str | None, dt.date | None]]) -> None:
    law = small()
    expected = [by_hand(law, code, day) for code, day in rows]
    assert asked(law, lines(*rows)).get_column("ppm").to_list() == expected


def by_hand(law: Law, code: str | None, day: dt.date | None) -> int | None:
    for length in range(len(code or ""), 0, -1):
        row = law.table("cn/rates").row(day, hs_prefix=(code or "")[:length]) if day else None
        if row:
            return int(row["rate"]) if row["rate"] is not None else None
    return None


def small() -> Law:
    blocks = {"61": "0.10", "6109": "0.12"}
    law = Law.from_snapshot(EMPTY)
    rows = [
        {"hs_prefix": code, "rate": rate, "from": DAY(2020, 1, 1), "until": LATER, "source": "A"}
        for code, rate in blocks.items()
    ]
    return law.with_table_rows(
        "cn/rates",
        [
            *rows,
            {"hs_prefix": "6109", "rate": "0.14", "from": LATER, "source": "B"},
            {"hs_prefix": "42", "from": LATER, "source": "B"},
        ],
    )


EMPTY = (
    b'{"format":1,"jurisdictions":{},"leaves":{"cn/rates":{"blocks":[],"columns":[["hs_prefix","code"],["rate","rate"]],'
    b'"complete":false,"key":["hs_prefix"],"note":null,"selected_by":"import","title":{"en":"a","zh":"b"},"why_empty":"x"}}}'
)


def test_an_exact_key_needs_the_whole_code(rates: Law) -> None:
    found = rates.lookup(
        lines(("61", BEFORE), ("6109", BEFORE), ("610910", BEFORE)),
        "cn/rates",
        {"hs_prefix": "code"},
        take={"rate": "ppm"},
    )
    assert found.get_column("ppm").to_list() == [100_000, 120_000, None]


def test_an_empty_table_answers_unknown(law: Law) -> None:
    table = law.table("cn/duty/mfn_by_code")
    assert (table.frame.height, table.complete, bool(table.why_empty)) == (0, False, True)
    found = law.lookup(
        lines(("6109", BEFORE)),
        "cn/duty/mfn_by_code",
        {"hs_prefix": "code"},
        take={"rate": "duty_ppm"},
        prefix="hs_prefix",
    )
    assert found.schema["duty_ppm"] == pl.Int64
    assert found.select("duty_ppm", "duty_ppm_unconfirmed").row(0) == (None, False)


def test_questions_that_do_not_fit_the_table_are_named(rates: Law) -> None:
    frame, keys = lines(("61", BEFORE)), {"hs_prefix": "code"}
    cases: list[tuple[str, dict[str, object]]] = [
        ("is keyed by hs_prefix; keys were given for hs", {"keys": {"hs": "code"}}),
        ("has no column duty", {"take": {"duty": "d"}}),
        ("none was asked for", {"take": {}}),
        ("is no key of cn/rates", {"prefix": "rate"}),
        ("the lines have no column sku", {"keys": {"hs_prefix": "sku"}}),
        ("the lines have no column on", {"date": "on"}),
        ("is String, not Date", {"date": "code"}),
        ("have a column code already", {"take": {"rate": "code"}}),
    ]
    for message, changed in cases:
        with pytest.raises(LawError, match=message):
            rates.lookup(frame, "cn/rates", **({"keys": keys, "take": {"rate": "ppm"}} | changed))  # type: ignore[arg-type]
    with pytest.raises(LawError, match="keyed by hs_prefix, not by code"):
        rates.table("cn/rates").row(BEFORE, code="61")


def test_given_rows_make_a_new_law_and_win_on_their_days(rates: Law) -> None:
    own = rates.with_table_rows(
        "cn/rates",
        [
            {
                "hs_prefix": "6109",
                "rate": "0.2",
                "from": "2021-06-01",
                "until": DAY(2021, 7, 1),
                "source": {"doc": "mine"},
                "status": "unconfirmed",
                "mark": "?",
                "checked_on": None,
                "note": "a case",
            }
        ],
    )
    assert own.hash != rates.hash
    days = [DAY(2021, 5, 31), DAY(2021, 6, 1), DAY(2021, 6, 30), DAY(2021, 7, 1), LATER]
    found = asked(own, lines(*(("6109", day) for day in days)))
    assert found.get_column("ppm").to_list() == [120_000, 200_000, 200_000, 120_000, 140_000]
    assert found.get_column("doc").to_list() == ["A", "mine", "mine", "A", "B"]
    assert Law.from_snapshot(own.snapshot()).hash == own.hash
    assert rates.table("cn/rates").frame.height == 4


def test_a_filled_table_no_longer_says_why_it_is_empty(law: Law) -> None:
    own = law.with_table_rows(
        "cn/duty/mfn_by_code", [{"hs_prefix": "4202", "rate": 100_000, "from": DAY(2019, 1, 1), "source": "T5"}]
    )
    table = own.table("cn/duty/mfn_by_code")
    assert table.why_empty is None
    assert table.row(DAY(2020, 1, 1), hs_prefix="4202") == {
        "hs_prefix": "4202",
        "rate": 100_000,
        "from": DAY(2019, 1, 1),
        "until": None,
        "status": "in_force",
        "mark": "K",
        "unconfirmed": False,
        "source": "T5",
        "checked_on": None,
        "note": None,
    }
    assert own.checked_until == law.checked_until


def test_bad_given_rows_are_all_named(rates: Law) -> None:
    good: dict[str, Any] = {"hs_prefix": "42", "rate": "0.1", "from": "2020-01-01", "source": "x"}
    bad: list[dict[str, Any]] = [
        {**good, "rate": "10%"},
        {**good, "rate": 0.1},
        {**good, "source": None},
        {**good, "from": "soon"},
        {**good, "status": "valid"},
        {**good, "until": "2019-01-01"},
        {**good, "colour": "red"},
        {**good, "rate": True},
        good,
        {**good, "from": "2021-01-01"},
    ]
    with pytest.raises(LawError) as caught:
        rates.with_table_rows("cn/rates", bad)
    assert [one.split(": ", 1)[0] for one in caught.value.problems] == [
        *(f"cn/rates row {n}" for n in range(1, 9)),
        "cn/rates",
    ]
    assert "two rows for 42 hold on 2021-01-01" in caught.value.problems[-1]
