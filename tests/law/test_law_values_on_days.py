"""The value on a day: edges of intervals, unconfirmed, suspended, announced; expressions agree with `value`."""

import datetime as dt
import pickle
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.law import Law, LawError, ScalarLeaf
from tests.law.law_files import SCALAR, TABLE, folder

DAY = dt.date
SHIPPED = Law.load()
SCALARS = [path for path in SHIPPED.paths() if isinstance(SHIPPED.leaf(path), ScalarLeaf)]


@pytest.mark.parametrize(
    ("day", "value"),
    [
        (DAY(2016, 4, 7), None),
        (DAY(2016, 4, 8), 2_000_000),
        (DAY(2018, 12, 31), 2_000_000),
        (DAY(2019, 1, 1), 2_600_000),
        (DAY(2049, 12, 31), 2_600_000),
    ],
)
def test_the_yearly_limit_on_the_edges_of_its_intervals(law: Law, day: dt.date, value: int | None) -> None:
    held = law.value("cn/cbec/yearly_limit", day)
    assert (held.value if held else None) == value
    frame = pl.LazyFrame({"d": [day]}, schema={"d": pl.Date}).select(law.on("cn/cbec/yearly_limit", "d"))
    assert frame.collect().item() == value


def test_values_carry_unit_source_and_text(law: Law) -> None:
    held = law.value("cn/cbec/tax_share", DAY(2026, 1, 1))
    assert held is not None
    assert (held.value, held.unit, held.text, str(held.source)) == (700_000, "rate", "0.7", "财关税〔2018〕49号")
    assert held.checked_on == DAY(2026, 11, 23)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.dates(DAY(1990, 1, 1), DAY(2049, 12, 31))), min_size=1, max_size=30))
def test_columns_agree_with_single_values_on_any_days(days: list[dt.date | None]) -> None:
    law = SHIPPED
    frame = pl.DataFrame({"d": days}, schema={"d": pl.Date})
    for path in SCALARS:
        held = [law.value(path, day) if day else None for day in days]
        assert frame.select(law.on(path, "d")).to_series().to_list() == [one.value if one else None for one in held]
        unconfirmed = [bool(one and one.unconfirmed) for one in held]
        assert frame.select(law.unconfirmed(path, pl.col("d"))).to_series().to_list() == unconfirmed


@pytest.mark.parametrize("status", ["suspended", "announced"])
def test_suspended_and_announced_are_shown_and_never_computed_with(status: str, tmp_path: Path) -> None:
    text = SCALAR.replace("in_force, mark: S", f"{status}, mark: S")
    table = TABLE.replace('status: unconfirmed\n    mark: "?"', f"status: {status}\n    mark: K")
    law = Law.read(folder(tmp_path, cn__limit=text, cn__rates=table))
    after = DAY(2023, 1, 1)
    assert law.value("cn/limit", after) is None
    frame = pl.DataFrame({"declared_on": [after], "code": ["610910"]})
    assert frame.select(law.on("cn/limit", "declared_on")).item() is None
    assert frame.select(law.unconfirmed("cn/limit", "declared_on")).item() is False
    assert [one.status for one in law.history("cn/limit")] == ["in_force", status]
    found = law.lookup(frame, "cn/rates", {"hs_prefix": "code"}, take={"rate": "rate"}, prefix="hs_prefix")
    assert found.get_column("rate").to_list() == [None]
    assert law.table("cn/rates").row(after, hs_prefix="6109") is None
    assert status in law.table("cn/rates").frame.get_column("status")


def test_a_gap_between_values_has_no_value(tmp_path: Path) -> None:
    law = Law.read(folder(tmp_path, cn__limit=SCALAR.replace("until: 2019-01-01", "until: 2018-01-01")))
    days = [DAY(2017, 12, 31), DAY(2018, 1, 1), DAY(2018, 12, 31), DAY(2019, 1, 1)]
    frame = pl.DataFrame({"d": days})
    assert frame.select(law.on("cn/limit", "d")).to_series().to_list() == [2_000_000, None, None, 2_600_000]


@pytest.mark.parametrize(
    ("unit", "value", "kept"),
    [
        ("CNY", "1.5", 150),
        ("JPY", "3", 3),
        ("CNY/ml", "10", 1_000_000),
        ("USD/t", "370.00001", 37_000_001),
        ("rate", "0.13", 130_000),
        ("decimal", "8.2359", 8_235_900),
        ("count", "5", 5),
        ("day", "45", 45),
        ("month", "6", 6),
        ("bool", "true", True),
        ("code", "half_up", "half_up"),
        ("date", "2020-02-29", DAY(2020, 2, 29)),
        ("text", "any words", "any words"),
    ],
)
def test_units_keep_exact_values(unit: str, value: str, kept: object, tmp_path: Path) -> None:
    text = (
        SCALAR.replace("unit: CNY", f"unit: {unit}").replace('"20000"', f'"{value}"').replace('"26000"', f'"{value}"')
    )
    law = Law.read(folder(tmp_path, cn__leaf=text))
    held = law.value("cn/leaf", DAY(2020, 1, 1))
    assert held is not None
    assert held.value == kept
    assert type(held.value) is type(kept)
    assert pl.DataFrame({"d": [DAY(2020, 1, 1)]}).select(law.on("cn/leaf", "d")).item() == kept
    assert Law.from_snapshot(law.snapshot()).value("cn/leaf", DAY(2020, 1, 1)) == held


def test_wrong_questions_are_answered_with_what_is_allowed(law: Law) -> None:
    with pytest.raises(LawError, match="no law at 'cn/cbec/yearly_limits'; nearest: cn/cbec/yearly_limit"):
        law.value("cn/cbec/yearly_limits", DAY(2020, 1, 1))
    with pytest.raises(LawError, match="nearest: cn/cbec/order_limit"):
        law.on("order_limit", "d")
    with pytest.raises(LawError, match="shows every path"):
        law.table("zzzzzzzz")
    with pytest.raises(LawError, match="is a table"):
        law.on("cn/mode/codes", "d")
    with pytest.raises(LawError, match="is a single value"):
        law.table("cn/cbec/yearly_limit")
    for bad in (None, "2020-01-01", dt.datetime(2020, 1, 1)):
        with pytest.raises(LawError, match="is not a day"):
            law.value("cn/cbec/yearly_limit", bad)  # type: ignore[arg-type]
    with pytest.raises(LawError, match="is no column of days"):
        law.on("cn/cbec/yearly_limit", None)  # type: ignore[arg-type]
    with pytest.raises(pl.exceptions.PolarsError):
        pl.DataFrame({"d": ["2020-01-01"]}).select(law.on("cn/cbec/yearly_limit", "d"))


def test_the_legal_day_is_that_of_the_jurisdiction(law: Law) -> None:
    moments = [dt.datetime(2019, 3, 31, 15, 59, tzinfo=dt.UTC), dt.datetime(2019, 3, 31, 16, 0, tzinfo=dt.UTC)]
    days = pl.DataFrame({"at": moments}).select(law.legal_day("cn", pl.col("at"))).to_series().to_list()
    assert days == [DAY(2019, 3, 31), DAY(2019, 4, 1)]
    with pytest.raises(LawError, match="no jurisdiction 'xx'; loaded are cn"):
        law.legal_day("xx", pl.col("at"))


def test_the_law_cannot_be_changed(law: Law) -> None:
    with pytest.raises(AttributeError):
        law.leaves = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        law.leaves["cn/x"] = None  # type: ignore[index]
    assert pickle.loads(pickle.dumps(law)) == law
    assert len({law, Law.from_snapshot(law.snapshot())}) == 1


def test_changes_between_two_days(law: Law) -> None:
    found = {(one.path, one.key): one for one in law.changes(DAY(2018, 12, 31), DAY(2019, 1, 1))}
    limit = found["cn/cbec/order_limit", ""]
    assert limit.before is not None
    assert limit.after is not None
    assert (limit.before.until, limit.after.from_) == (DAY(2019, 1, 1), DAY(2019, 1, 1))
    assert ("cn/cbec/tax_share", "") not in found
    assert law.changes(DAY(2018, 1, 1), DAY(2018, 1, 1)) == []
    assert ("cn/mode/codes", "9810") in {(one.path, one.key) for one in law.changes(DAY(2020, 6, 30), DAY(2020, 7, 1))}
