"""A few lines are decided without the engine, and exactly as with it."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import entrepot
from entrepot.decide.chain import decide, without_rate
from entrepot.decide.exact import divide, money_fen, wide
from entrepot.decide.few import FEW, OFTEN, Columns
from entrepot.decide.mode import RANKED
from entrepot.decide.one import decide_one
from entrepot.goods.catalogue import Catalogue
from entrepot.goods.mapping import PLAIN
from entrepot.goods.parse import parse
from entrepot.goods.read import read_batches
from entrepot.law import Law
from entrepot.law.loading import VALUES
from entrepot.run.result import as_result

SAMPLES = Path(entrepot.__path__[0]) / "samples"
LAW = Law.load()
FLAG, WHOLE, TEXT, ON = pl.col("flag"), pl.col("whole"), pl.col("text"), pl.col("day")
WORDS = pl.Enum(["one", "two"])
SPAN = pl.when(dt.date(2020, 1, 1) <= ON).then(pl.lit(5, pl.Int64)).otherwise(pl.lit(None, pl.Int64))
EVERY = {
    "and": FLAG & (WHOLE > 3),
    "or": FLAG | (WHOLE <= 3),
    "not": ~FLAG,
    "any": pl.any_horizontal([FLAG, TEXT == "a", WHOLE < 0]),
    "none": TEXT.is_null() | ON.is_not_null(),
    "in": TEXT.is_in(["a", "b"]),
    "replaced": TEXT.replace_strict({"a": "A"}, default=None, return_dtype=pl.String),
    "rule": pl.when(FLAG).then(pl.lit("one", WORDS)).otherwise(pl.when(WHOLE == 0).then(pl.lit("two", WORDS)).otherwise(None)),
    "sum": WHOLE + SPAN - 7,
    "product": wide(WHOLE) * wide(WHOLE) * 1000,
    "quotient": money_fen(divide(wide(WHOLE), wide(SPAN))),
    "by nothing": wide(WHOLE) // wide(pl.col("other")),
    "filled": pl.coalesce(WHOLE, SPAN).fill_null(0),
    "narrowed": money_fen(wide(WHOLE) * wide(WHOLE)),
}


def rows() -> st.SearchStrategy[dict[str, Any]]:
    whole = st.none() | st.integers(-10, 10) | st.sampled_from([2**62, -(2**62), 2**63 - 1, 10**12])
    return st.fixed_dictionaries({
        "flag": st.none() | st.booleans(),
        "whole": whole,
        "other": whole,
        "text": st.none() | st.sampled_from(["a", "b", "", "中"]),
        "day": st.none() | st.sampled_from([dt.date(2019, 12, 31), dt.date(2020, 1, 1), dt.date(2026, 3, 1)]),
    })  # fmt: skip


SCHEMA = {"flag": pl.Boolean, "whole": pl.Int64, "other": pl.Int64, "text": pl.String, "day": pl.Date}
COLUMNS = {name: Columns([made.alias(f"made {name}")]) for name, made in EVERY.items()}


@pytest.mark.parametrize("name", EVERY)
def test_every_operation_is_read_from_this_version_of_the_engine(name: str) -> None:
    assert COLUMNS[name].is_plain_for(pl.DataFrame(schema=SCHEMA))


@settings(max_examples=150, deadline=None)
@given(st.lists(rows(), min_size=1, max_size=8))
def test_every_operation_means_the_same(given: list[dict[str, Any]]) -> None:
    """Unknown values, empty divisors and amounts past 64 bits too."""
    frame = pl.DataFrame(given, schema=SCHEMA)
    for name, columns in COLUMNS.items():
        for _ in range(OFTEN + 1):
            few = columns.added(frame)
        assert_frame_equal(few, frame.with_columns(EVERY[name].alias(f"made {name}")))


def test_what_is_not_read_is_left_to_the_engine() -> None:
    frame = pl.DataFrame({"text": ["a", None]})
    columns = Columns([TEXT.str.to_uppercase().alias("upper")])
    assert not columns.is_plain_for(frame)
    assert all(columns.added(frame)["upper"].to_list() == ["A", None] for _ in range(OFTEN + 2))


@pytest.fixture(scope="module")
def day() -> pl.DataFrame:
    """The good sale lines of the sample day, as the chain takes them."""
    (raw,) = read_batches(SAMPLES / "orders.csv")
    read = Catalogue.load([SAMPLES / "catalogue.csv"]).fill(parse(raw, PLAIN, key=b"k" * 32, first_row_id=0))
    good = read.lines.filter(pl.col("valid") & (pl.col("line_kind") == "sale"))
    return without_rate(good.with_columns(order_incomplete=pl.lit(value=False)), LAW)[0]


def test_a_day_in_small_pieces_is_decided_as_the_day_at_once(day: pl.DataFrame) -> None:
    """Buyers stay whole; the pieces are small enough to be answered without the engine, the day is not."""
    whole = as_result(decide(day, LAW))
    groups = day.with_columns(group=pl.coalesce("buyer_key", "order_id")).partition_by("group", maintain_order=True)
    joined = pl.concat([as_result(decide(group.drop("group"), LAW)) for group in groups])
    assert day.height > FEW > max(group.height for group in groups)
    assert_frame_equal(joined.sort("row_id"), whole.sort("row_id"))


def test_the_whole_law_is_read(day: pl.DataFrame) -> None:
    """No step of the chain falls back to the engine, or a quote would take as long as a thousand lines."""
    law = Law.read(VALUES)  # of its own: what is kept with the shipped one was asked in other ways too
    for _ in range(OFTEN + 1):
        decide(day.filter(direction="import").head(1), law)
    kept = [made for made in law._kept.values() if isinstance(made, Columns | list)]
    steps = [one for made in kept for one in (made if isinstance(made, list) else [made]) if isinstance(one, Columns)]
    assert len(steps) >= 6
    assert [one.names for one in steps if not one.all_plain] == []


TOLD = ("mode", "mode_rule", "form_rule", "code_digits", "price_fen")
TAXED = ("tax_rule", "duty_fen", "consumption_tax_fen", "vat_fen", "tax_total_fen")


def test_a_line_by_itself_is_decided_without_a_frame(day: pl.DataFrame) -> None:
    """Under every mode as the chain decides it, and never by falling back to the engine."""
    law = Law.load()
    bare = day.drop("rate_cny_e6", "rate_units_e6", "rate_kind")
    imports, exports = (bare.filter(direction=direction).head(30) for direction in ("import", "export"))
    for _ in range(OFTEN + 1):
        two = pl.concat([imports.head(1), exports.head(1)]).with_columns(order_id=pl.Series(["a", "b"]))
        decide(without_rate(two, law)[0], law)
    names = pl.Series("order_id", [f"{place:03d}" for place in range(60)])
    lines = pl.concat([imports, exports]).with_columns(names, names.alias("buyer_key"))
    for mode in RANKED:
        chain = decide(without_rate(lines.with_columns(mode_wanted=pl.lit(mode)), law)[0], law).rows(named=True)
        for line, expected in zip(lines.rows(named=True), chain, strict=True):
            (alone,) = decide_one(line, [mode], law)
            assert {name: alone[name] for name in TOLD} == {name: expected[name] for name in TOLD}
            if not alone["mode_refused"]:
                assert {name: alone[name] for name in TAXED} == {name: expected[name] for name in TAXED}
