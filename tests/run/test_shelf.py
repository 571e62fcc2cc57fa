"""The list of results: every page is what a plain filter and sort of the lines gives, whatever is asked for."""

import base64
import json
import os
import shutil
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.goods.errors import CallError, InputError, WorldError
from entrepot.run.shelf import (
    EXPORTED,
    GROUPS,
    OVERLAY,
    PAGE_COLUMNS,
    SORTS,
    Entry,
    Filters,
    Shelf,
    is_stale,
    read_shelved,
    shelve,
    walk,
)
from tests.run.shelves import HOSTILE, ORDERS, made_lines, overlaid, plain, shelved_batches, with_names, write_batch

SIZES = (60, 0, 1, 240, 17)
SLOW = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
Place = tuple[str, int]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shelf, pl.DataFrame]:
    """A list over five batches, one of them empty, and all their lines."""
    entries, lines = shelved_batches(tmp_path_factory.mktemp("shelves"), SIZES)
    return Shelf(entries), lines


@pytest.fixture(params=["as shipped", "small"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sizes at which a walk changes its way: as shipped, and so small that these lines reach every way."""
    if request.param == "small":
        for name, size in {"FIRST_PIECE": 2, "LARGEST_PIECE": 16, "PATIENCE": 12, "FEW": 3, "RARE": 20}.items():
            monkeypatch.setattr(walk, name, size)
    return str(request.param)


def some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    """None, one or two of some values or the unknown one."""
    return st.lists(st.sampled_from((*values, "unknown")), max_size=2, unique=True).map(tuple)


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(values)


def text(*values: str) -> st.SearchStrategy[str]:
    return st.just("") | st.sampled_from(values)


CONDITIONS: dict[str, st.SearchStrategy[Any]] = {
    "verdict": some("release", "hold", "refuse", "invalid"),
    "lane": some("green", "yellow", "red"),
    "mode": some("9610", "1210", "0110"),
    "direction": some("import", "export"),
    "country": some("CN", "US", "JP", "ZZ"),
    "district": some("5300", "2900"),
    "reason": some("release.no-code", "release.random-sample", "release.none-such", "release.nothing-to-check"),
    "without": some("release.no-code", "release.none-such", "release.nothing-to-check"),
    "tax": some(),
    "tax_rule": some("cn.cbec.within-limits"),
    "batch": some("b0", "b3"),
    "day_from": maybe(date(2026, 3, 2), date(2026, 3, 9)),
    "day_until": maybe(date(2026, 3, 3), date(2020, 1, 1)),
    "min_value_fen": maybe(0, 1, 5_001),
    "max_value_fen": maybe(1, 5_000, 10**15),
    "order": text(*(order for order in ORDERS if order), "no such order"),
    "order_prefix": text("A", "A-1", "a", "100%", "订", "'", "\U0010ffff"),
    "waybill": text("W2", "A-1", "%"),
    "waybill_prefix": text("W2", "W", "_"),
    "text": text("cotton", "SHIRT cotton", "led", "ff", "衬衫", "6109", "61091000", "%", "_", *HOSTILE),
    "party": text("shirt", "杭州", "9133", "@"),
    "buyer_key": text("k1", "k"),
}
FILTERS = st.sampled_from(list(CONDITIONS)).flatmap(
    lambda first: st.sampled_from(list(CONDITIONS)).flatmap(
        lambda second: st.builds(Filters, **{name: CONDITIONS[name] for name in {first, second}})
    )
)
LISTS = st.tuples(st.sampled_from(list(SORTS)), st.booleans(), FILTERS)


def places(rows: list[dict[str, Any]]) -> list[Place]:
    return [(row["batch"], row["row_id"]) for row in rows]


def forwards(shelf: Shelf, order: str, descending: bool, filters: Filters, limit: int, **more: Any) -> Iterator[Any]:
    """Every page from the first on."""
    page = shelf.page(order, filters, descending=descending, limit=limit, **more)
    yield page
    while page.next:
        page = shelf.page(order, filters, descending=descending, limit=limit, after=page.next, **more)
        yield page


@SLOW
@given(LISTS, st.sampled_from([1, 7, 50, 200]))
def test_pages_forwards_give_each_line_once_in_the_plain_order(
    made: tuple[Shelf, pl.DataFrame], pieces: str, asked: tuple[str, bool, Filters], limit: int
) -> None:
    shelf, lines = made
    order, descending, filters = asked
    pages = list(forwards(shelf, order, descending, filters, limit))
    assert [place for page in pages for place in places(page.rows)] == plain(lines, order, descending, filters)
    assert all(len(page.rows) == limit for page in pages[:-1])
    assert (pages[0].previous is None, all(page.previous for page in pages[1:])) == (True, True)


@SLOW
@given(LISTS, st.sampled_from([3, 20]))
def test_pages_backwards_are_the_same_turned_round(
    made: tuple[Shelf, pl.DataFrame], pieces: str, asked: tuple[str, bool, Filters], limit: int
) -> None:
    shelf, _ = made
    order, descending, filters = asked
    pages = [page.rows for page in forwards(shelf, order, descending, filters, limit)]
    last = list(forwards(shelf, order, descending, filters, limit))[-1]
    found, before = [last.rows], last.previous
    while before:
        page = shelf.page(order, filters, descending=descending, limit=limit, before=before)
        found.insert(0, page.rows)
        before = page.previous
    assert found == pages


@SLOW
@given(LISTS, st.sets(st.tuples(st.sampled_from(["b0", "b3", "b9"]), st.integers(0, 300)), max_size=40), st.randoms())
def test_what_happened_after_the_batch_is_in_the_list(
    made: tuple[Shelf, pl.DataFrame], pieces: str, asked: tuple[str, bool, Filters], changed: set[Place], draw: Any
) -> None:
    shelf, lines = made
    order, descending, filters = asked
    verdicts, lanes, states = ("release", "refuse", "recalled", None), ("green", "blue", None), ("overridden", None)
    rows = [(*place, draw.choice(verdicts), draw.choice(lanes), draw.choice(states)) for place in sorted(changed)]
    overlay = pl.DataFrame(rows, schema=OVERLAY, orient="row")
    now = overlaid(lines, overlay)
    for wanted in (filters, Filters(state=("overridden",), verdict=("refuse", "release")), Filters(lane=("unknown",))):
        pages = list(forwards(shelf, order, descending, wanted, 200, overlay=overlay))
        found = [row for page in pages for row in page.rows]
        assert places(found) == plain(now, order, descending, wanted)
        assert shelf.count(wanted, overlay) == (len(found), True)
    shown = {(row["batch"], row["row_id"]): (row["verdict"], row["lane"], row["state"]) for row in found}
    assert shown.items() <= {(*row[:2],): row[2:] for row in now.select(OVERLAY.names()).rows()}.items()


@SLOW
@given(FILTERS, st.sampled_from(list(GROUPS)))
def test_counts_choices_and_figures_are_those_of_the_plain_answer(
    made: tuple[Shelf, pl.DataFrame], pieces: str, filters: Filters, group: str
) -> None:
    shelf, lines = made
    wanted = plain(lines, "default", False, filters)
    assert shelf.count(filters) == (len(wanted), True)
    assert shelf.chosen(filters) == wanted
    chapter = pl.col("hs_code").str.slice(0, 2)
    of = pl.DataFrame(wanted, schema={"batch": pl.String, "row_id": pl.Int64}, orient="row").join(lines, on=["batch", "row_id"])
    expected: dict[Any, list[int]] = {}
    for name, price, tax in of.select(
        chapter if group == "chapter" else GROUPS[group], "price_fen", "tax_total_fen").rows():  # fmt: skip
        figures = (1, price or 0, price is None, tax or 0, tax is None)
        expected[name] = [a + b for a, b in zip(expected.get(name, [0] * 5), figures, strict=True)]
    totals = shelf.totals(group, filters)
    told = {one.group: [one.lines, one.price_fen, one.price_unknown, one.tax_total_fen, one.tax_unknown] for one in totals}
    assert told == expected
    known = [one.group for one in totals if one.group is not None]
    assert [one.group for one in totals] == sorted(known) + [None] * (None in told)


def test_a_row_shows_what_the_line_says(made: tuple[Shelf, pl.DataFrame]) -> None:
    shelf, lines = made
    columns = [name for name in PAGE_COLUMNS if name != "list_form"]
    for row in shelf.page(limit=200).rows:
        (line,) = lines.filter((pl.col("batch") == row["batch"]) & (pl.col("row_id") == row["row_id"])).to_dicts()
        assert {name: row[name] for name in columns} == {name: line[name] for name in columns}
        assert tuple(row) == PAGE_COLUMNS


def test_a_count_stops_where_it_may(made: tuple[Shelf, pl.DataFrame]) -> None:
    shelf, lines = made
    assert shelf.count(at_most=5) == (lines.height, True)
    assert shelf.count(Filters(verdict=("release",)), at_most=5) == (5, False)
    with pytest.raises(CallError, match="more than 5 lines"):
        shelf.chosen(at_most=5)


@pytest.mark.parametrize(
    ("search", "guess", "filters"),
    [
        ("A-11", "number", Filters(order="A-11")),
        ("W1", "number", Filters(waybill="W1")),
        (" A-11 ".strip(), "number", Filters(order="A-11")),
        ("订单", "start", Filters(order_prefix="订单")),
        ("cotton", "words", Filters(text="cotton")),
        ("610910", "words", Filters(text="610910")),
        ("杭州", "words", Filters(party="杭州")),
        ("100%", "number", Filters(order="100%")),
        ("100_", "words", Filters(text="100_")),
    ],
)
def test_a_search_is_a_number_then_its_start_then_words(
    made: tuple[Shelf, pl.DataFrame], search: str, guess: str, filters: Filters
) -> None:
    shelf, _ = made
    page = shelf.page(filters=Filters(search=search), limit=200)
    assert page.guess == guess
    assert page.rows == shelf.page(filters=filters, limit=200).rows
    assert shelf.count(Filters(search=search)) == shelf.count(filters)


def test_a_search_for_a_number_finds_it_as_order_and_as_waybill(made: tuple[Shelf, pl.DataFrame]) -> None:
    shelf, lines = made
    either = lines.filter((pl.col("order_id") == "A-1") | (pl.col("waybill_no") == "A-1"))
    assert shelf.count(Filters(search="A-1")) == (either.height, True)
    assert shelf.count(Filters(search="A-1"))[0] > shelf.count(Filters(order="A-1"))[0]


@pytest.mark.parametrize("hostile", [*HOSTILE, "\x00", "a" * 10_000, "%" * 200, "' or 1=1 --", ".*", "[", "\U0010ffff"])
def test_hostile_texts_are_only_texts(made: tuple[Shelf, pl.DataFrame], hostile: str) -> None:
    shelf, lines = made
    for field in ("order", "order_prefix", "waybill", "waybill_prefix", "text", "party", "buyer_key", "search"):
        named: dict[str, Any] = {field: hostile}
        asked = Filters(**named)  # past the reader, which would refuse some
        page = shelf.page("value", asked, limit=200)
        if field != "search":
            assert places(page.rows) == plain(lines, "value", False, asked)[:200]


GOOD = {
    "verdict": "hold,release", "lane": ["green", "unknown"], "mode": "9610", "country": "US", "district": "5300",
    "reason": "release.no-code", "tax_rule": "cn.cbec.within-limits", "state": "taken", "batch": "b0", "direction": "export",
    "day_from": "2026-03-01", "day_until": "2026-03-02", "min_value": "0.01", "max_value": "50.5", "text": "  cotton ",
    "order": "", "search": "   ",
}  # fmt: skip


def test_filters_are_read_from_the_texts_of_an_address() -> None:
    assert Filters.from_mapping(GOOD) == Filters(
        verdict=("hold", "release"), lane=("green", "unknown"), mode=("9610",), country=("US",), district=("5300",),
        reason=("release.no-code",), tax_rule=("cn.cbec.within-limits",), state=("taken",), batch=("b0",),
        direction=("export",), day_from=date(2026, 3, 1), day_until=date(2026, 3, 2), min_value_fen=1, max_value_fen=5050,
        text="cotton")  # fmt: skip
    assert Filters.from_mapping({}) == Filters()


@pytest.mark.parametrize(
    ("given_filters", "said"),
    [
        ({"colour": "red"}, "no filter 'colour': use verdict, lane"),
        ({"verdict": "maybe"}, "verdict 'maybe' is not allowed: use release, hold, refuse, invalid, unknown"),
        ({"mode": "9999"}, "mode '9999'"),
        ({"country": "us"}, "two capital letters"),
        ({"district": "５３００"}, "four digits"),
        ({"day_from": "10.3.2026"}, "day_from '10.3.2026'"),
        ({"day_from": "20260310"}, "a day like"),
        ({"day_until": "1700-01-01"}, "from 1990-01-01"),
        ({"day_from": "2026-03-02", "day_until": "2026-03-01"}, "is after day_until"),
        ({"min_value": "1e5"}, "an amount in CNY like 12.50"),
        ({"min_value": "-1"}, "an amount in CNY"),
        ({"min_value": "1.234"}, "an amount in CNY"),
        ({"min_value": "2", "max_value": "1"}, "turn them round"),
        ({"text": "x" * 201}, "text has 201 characters: give at most 200"),
        ({"search": "a b c d e f g h i"}, "search has 9 words: give at most 8"),
        ({"order": ["a", "b"]}, "order came 2 times"),
        ({"text": "\udc80"}, "not valid Unicode"),
        ({"reason": "a' or 1"}, "a rule id"),
        ({"without": "a' or 1"}, "a rule id"),
        ({"tax": "12"}, "tax '12' is not allowed: use unknown"),
        ({"batch": [f"b{number}" for number in range(201)]}, "batch has 201 values"),
    ],
)
def test_a_wrong_filter_is_named_with_what_is_allowed(given_filters: dict[str, Any], said: str) -> None:
    with pytest.raises(CallError, match="^" + ".*" + said.replace("(", "\\(")):
        Filters.from_mapping(given_filters)


def forged(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "place",
    [
        "", "x", "€", "%%%", "A" * 70_000, forged(), forged("order", False, ["A-1", 1], "b0"),
        forged("order", False, ["A-1"], "b0", 1), forged("order", False, [1, 1], "b0", 1),
        forged("order", False, ["A-1", True], "b0", 1), forged("order", False, ["A-1", 1.5], "b0", 1),
        forged("order", False, ["A-1", 1], "b0", -1), forged("order", False, ["A-1", 1], "b0", 2**32),
        forged("order", False, ["A-1", 1], "b0", True), forged("order", False, [["A-1"], 1], "b0", 1),
        forged("order", True, ["A-1", 1], "b0", 1), forged("waybill", False, ["W1"], "b0", 1),
        forged("order", False, ["A-1", 1], "another organisation's", 1), forged("nothing", False, [], "b0", 1),
        base64.urlsafe_b64encode(b"[" * 20_000).decode(), base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)  # fmt: skip
def test_a_place_nobody_gave_out_is_refused(made: tuple[Shelf, pl.DataFrame], place: str) -> None:
    shelf, _ = made
    with pytest.raises(CallError, match="place"):
        shelf.page("order", after=place)
    with pytest.raises(CallError, match="place"):
        shelf.page("order", before=place)


@SLOW
@given(st.text(max_size=60), st.sampled_from(list(SORTS)))
def test_any_text_as_a_place_is_refused_or_a_page(made: tuple[Shelf, pl.DataFrame], place: str, order: str) -> None:
    shelf, _ = made
    with pytest.raises(CallError):
        shelf.page(order, after=place)


def test_a_day_that_is_none_is_no_place(made: tuple[Shelf, pl.DataFrame]) -> None:
    values: tuple[Any, ...] = ("2026-13-01", 5, [], True)
    for value in values:
        with pytest.raises(CallError, match="place"):
            made[0].page("day", after=forged("day", False, [value], "b0", 1))


@SLOW
@given(st.sampled_from(list(SORTS)), st.booleans(), st.data())
def test_a_place_between_lines_is_a_place(
    made: tuple[Shelf, pl.DataFrame], pieces: str, order: str, descending: bool, data: st.DataObject
) -> None:
    """The line a place was made of may no longer match or be another: what follows it is still right."""
    shelf, lines = made
    values = {"order_id": "A-3x", "line_no": 2, "waybill_no": "W10", "price_fen": 77, "tax_total_fen": None,
              "declared_on": "2026-03-02", "description": "m", "seller_name": None}  # fmt: skip
    batch, row = data.draw(st.sampled_from(["b0", "b1", "b3"])), data.draw(st.integers(0, 300))
    place = forged(order, descending, [values[name] for name in SORTS[order]], batch, row)
    after = places(shelf.page(order, descending=descending, after=place, limit=200).rows)
    before = places(shelf.page(order, descending=descending, before=place, limit=200).rows)
    whole = plain(lines, order, descending, Filters())
    here = [*before, *after]
    start = whole.index(here[0])
    rest = whole[start : start + len(here) + 1]
    assert here in (rest[: len(here)], [one for one in rest if one != (batch, row)])


def test_orders_limits_and_groups_that_are_not_there_are_refused(made: tuple[Shelf, pl.DataFrame]) -> None:
    shelf, _ = made
    for asked in ({"order": "price"}, {"limit": 0}, {"limit": 201}, {"after": "a", "before": "b"}):
        with pytest.raises(CallError):
            shelf.page(**asked)
    with pytest.raises(CallError, match="use day, mode"):
        shelf.totals("buyer_key")
    with pytest.raises(CallError, match="no batch"):
        shelf.rows_at("of another", [0])
    with pytest.raises(CallError, match="has no row 60: it has 0 to 59"):
        shelf.rows_at("b0", [3, 60])
    with pytest.raises(CallError, match="no column state"):
        shelf.page(overlay=pl.DataFrame({"batch": ["b0"], "row_id": [1], "verdict": [""], "lane": [""]}))
    assert [row["row_id"] for row in shelf.rows_at("b0", [59, 3])] == [59, 3]


def test_a_list_without_batches_or_lines_is_empty(tmp_path: Path) -> None:
    entries, _ = shelved_batches(tmp_path, (0,))
    for shelf in (Shelf([]), Shelf(entries)):
        for order in SORTS:
            page = shelf.page(order, Filters(text="a", verdict=("hold",)), descending=True)
            assert (page.rows, page.next, page.previous) == ([], None, None)
        assert (shelf.count(), shelf.totals("day"), shelf.export(tmp_path / "out.csv")) == ((0, True), [], 0)
    assert pl.read_csv(tmp_path / "out.csv").columns == list(EXPORTED)


def test_a_batch_added_later_moves_no_place(tmp_path: Path) -> None:
    entries, lines = shelved_batches(tmp_path, (30, 30, 30))
    older, all_of_them = Shelf(entries[1:]), Shelf(entries)
    for order in SORTS:
        first = older.page(order, limit=10)
        after = places(all_of_them.page(order, after=first.next, limit=200).rows)
        whole = plain(lines, order, False, Filters())
        assert after == whole[whole.index(places(first.rows)[-1]) + 1 :]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_holds_the_matching_lines_and_opens_safely(
    made: tuple[Shelf, pl.DataFrame], tmp_path: Path, kind: str
) -> None:
    shelf, lines = made
    path, asked = tmp_path / f"lines.{kind}", Filters(verdict=("release", "hold"))
    written = shelf.export(path, asked)
    read = pl.read_csv(path, infer_schema=False) if kind == "csv" else pl.read_parquet(path)
    wanted = plain(lines, "default", False, asked)
    assert [(batch, int(row)) for batch, row in read.select("batch", "row_id").rows()] == wanted
    assert (written, read.columns) == (len(wanted), list(EXPORTED))
    assert "buyer_key" not in read.columns
    if kind == "csv":
        cells = [cell for row in read.rows() for cell in row if cell]
        assert {"'=1+1", "'=cmd", "'@risky"} <= set(cells)
        assert not [cell for cell in cells if cell[0] in "=+-@\t\r"]
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_no_file_holds_keys_of_buyers_or_has_another_kind(made: tuple[Shelf, pl.DataFrame], tmp_path: Path) -> None:
    shelf, _ = made
    for path, columns in (("a.csv", ["buyer_key"]), ("a.csv", []), ("a.csv", ["x; --"]), ("a.xlsx", ["order_id"])):
        with pytest.raises(CallError):
            shelf.export(tmp_path / path, columns=columns)
    with pytest.raises(WorldError):
        shelf.export(tmp_path / "not there" / "a.csv")
    assert not list(tmp_path.iterdir())


def test_a_stale_shelf_is_noticed_and_made_again(tmp_path: Path) -> None:
    batch, folder = tmp_path / "batch", tmp_path / "shelf"
    write_batch(batch, made_lines(20, seed=1))
    assert is_stale(batch, folder)
    made = shelve(batch, folder)
    assert (made.rows, is_stale(batch, folder), read_shelved(folder)) == (20, False, made)
    assert Shelf([Entry("b", folder, 0)]).count() == (20, True)
    moment = (folder / "shelf.json").stat().st_mtime_ns
    assert shelve(batch, folder) == made
    assert (folder / "shelf.json").stat().st_mtime_ns == moment
    write_batch(batch, made_lines(21, seed=2))
    assert is_stale(batch, folder)
    assert shelve(batch, folder).rows == 21
    assert Shelf([Entry("b", folder, 0)]).count() == (21, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["batch", "shelf"]


def test_what_a_killed_process_left_is_swept_away(tmp_path: Path) -> None:
    batch = write_batch(tmp_path / "batch", made_lines(5, seed=1))
    old, young = tmp_path / ".shelf.old.part", tmp_path / ".shelf.young.part"
    for left in (old, young):
        (left / "new").mkdir(parents=True)
    os.utime(old, (0, 0))
    shelve(batch, tmp_path / "shelf")
    assert (old.exists(), young.exists()) == (False, True)
    assert (tmp_path / "shelf").stat().st_mode & 0o077 == 0


def test_a_damaged_shelf_is_noticed(tmp_path: Path) -> None:
    batch, folder = write_batch(tmp_path / "batch", made_lines(20, seed=1)), tmp_path / "shelf"
    shelve(batch, folder)
    for name, damage in (("values.arrow", b""), ("rows.arrow", b"short"), ("shelf.json", b"{"), ("shelf.json", b"[]")):
        (folder / name).write_bytes(damage)
        assert is_stale(batch, folder)
        with pytest.raises(InputError, match="shelf"):
            read_shelved(folder)
        assert shelve(batch, folder).rows == 20
    shutil.rmtree(folder)
    with pytest.raises(InputError, match="is no shelf"):
        Shelf([Entry("b", folder, 0)]).page()


def test_only_a_finished_batch_as_it_was_written_is_shelved(tmp_path: Path) -> None:
    batch, folder = write_batch(tmp_path / "batch", made_lines(20, seed=1)), tmp_path / "shelf"
    made_lines(20, seed=2).write_parquet(batch / "lines.parquet")
    with pytest.raises(InputError, match="not as this batch wrote it"):
        shelve(batch, folder)
    manifest = json.loads((batch / "manifest.json").read_text(encoding="utf-8"))
    (batch / "manifest.json").write_text(json.dumps(manifest | {"state": "running"}), encoding="utf-8")
    with pytest.raises(InputError, match="is not finished"):
        shelve(batch, folder)
    gaps = write_batch(tmp_path / "gaps", made_lines(20, seed=1).with_columns(pl.col("row_id") * 2))
    with pytest.raises(InputError, match="row_id does not count"):
        shelve(gaps, folder)
    with pytest.raises(InputError, match="not a batch folder"):
        shelve(tmp_path / "nothing", folder)
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    with pytest.raises(WorldError):
        shelve(write_batch(tmp_path / "good", made_lines(5, seed=1)), blocked / "shelf")
    assert not folder.exists()


def test_the_sample_day_is_listed_as_it_was_cleared(sample_day: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in sample_day.rglob("*")}
    shelve(sample_day, tmp_path / "shelf")
    shelf = Shelf([Entry("day", tmp_path / "shelf", 0)])
    lines = with_names(pl.read_parquet(sample_day / "lines.parquet")).with_columns(batch=pl.lit("day"), place=pl.lit(0))
    for order in SORTS:
        found = [place for page in forwards(shelf, order, False, Filters(), 200) for place in places(page.rows)]
        assert found == plain(lines, order, False, Filters())
    assert {path: path.stat().st_mtime_ns for path in sample_day.rglob("*")} == before


def test_many_threads_read_at_once(made: tuple[Shelf, pl.DataFrame], tmp_path: Path) -> None:
    entries, lines = shelved_batches(tmp_path, (200, 100))
    wrong: list[Any] = []

    def read(order: str) -> None:
        for descending in (False, True):
            found = [place for page in forwards(Shelf(entries), order, descending, Filters(), 50) for place in places(page.rows)]
            if found != plain(lines, order, descending, Filters()):
                wrong.append((order, descending))

    threads = [threading.Thread(target=read, args=(order,)) for order in (*SORTS, *SORTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_batch_given_twice_is_refused(made: tuple[Shelf, pl.DataFrame]) -> None:
    with pytest.raises(CallError, match="twice"):
        Shelf([Entry("b", Path("one"), 1), Entry("b", Path("two"), 2)])
