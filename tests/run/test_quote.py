"""A quote says of one product what the day's run says of it, for every way to trade it, and says so for ever."""

import datetime as dt
import json
import random
import stat
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.decide.mode import RANKED
from entrepot.goods.catalogue import Catalogue
from entrepot.goods.errors import CallError, WorldError
from entrepot.goods.texts import LANGUAGES, all_texts
from entrepot.law import Law
from entrepot.run.explain import explain
from entrepot.run.quote import (
    ASKED,
    Option,
    Problem,
    Quote,
    QuoteRequest,
    describe,
    freeze,
    keep_law,
    law_of_hash,
    prepare,
    quote,
    quote_many,
    read_requests,
    thaw,
)
from tests.run.days import CATALOGUE, cleared, lines_of, rows_of, sample_rows, write_day

LAW = Law.load()
WAYS = ("direction", "mode", "mode_rule", "tax_rule", "form_rule", "rate_kind")
UNSETTLED = ("release.invalid", "release.cancellation")
OF_A_DAY = {
    "release.order-incomplete", "release.cancelled", "release.waybill-reused", "release.limit-uncertain", "release.random-sample",
    "release.buyer-identity-missing", "release.message-incomplete", "release.mode-unknown", "release.mode-not-lawful",
    "release.no-lawful-mode", "release.nothing-to-check", "release.order-held",
}  # fmt: skip
"""What only a day of orders can say, or the answer of an option says already."""
FACE_CREAM = {
    "hs_code": "3304990039", "seller_country": "JP", "buyer_country": "CN", "unit_price": "123.45", "quantity": "2",
    "currency": "CNY", "on": "2026-03-10", "spent": "100", "platform_sale": "true", "buyer_kind": "person", "bonded": "true",
    "pilot_zone": "true", "on_positive_list": "true", "content_quantity": "50", "content_unit": "ml",
}  # fmt: skip
BACKPACK = {
    "hs_code": "4202920000", "seller_country": "CN", "buyer_country": "US", "unit_price": "18.43", "quantity": "2",
    "currency": "USD", "on": "2026-03-10", "platform_sale": "true", "buyer_kind": "person", "needs_licence": "false",
    "pilot_zone": "true", "stocked_abroad": "false", "bonded": "false", "incoterm": "FOB", "in_market_cluster": "true",
}  # fmt: skip


def asked(fields: Mapping[str, object]) -> QuoteRequest:
    request = QuoteRequest.from_mapping(fields)
    assert isinstance(request, QuoteRequest), request
    return request


def told(fields: Mapping[str, object], law: Law = LAW) -> Quote:
    return quote(asked(fields), law)


def wrong(fields: Mapping[str, object]) -> list[tuple[str, str]]:
    problems = QuoteRequest.from_mapping(fields)
    assert not isinstance(problems, QuoteRequest), problems
    return sorted((one.field, one.code) for one in problems)


def every(one: Quote) -> dict[str, Option]:
    return {option.mode: option for option in (*one.options, *one.rejected)}


# The same as clear and explain --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, home: Path) -> tuple[Path, list[dict[str, str]]]:
    """The sample day with every line an order of its own, cleared; and its rows."""
    folder = tmp_path_factory.mktemp("alone")
    rows = [
        {**row, "order_id": row["order_id"] and f"{row['order_id']}.{row['line_no']}.{place}", "waybill_no": f"W{place}"}
        for place, row in enumerate(sample_rows())
    ]
    cleared(folder / "day", home, write_day(folder / "alone.csv", rows), sample_ppm=0)
    return folder / "day", rows


def request_of(row: Mapping[str, str], line: Mapping[str, Any]) -> dict[str, str]:
    """What a person would ask who has this row before them; what was spent before is known from the day."""
    fields = {name: row[name] for name in ASKED if row.get(name)} | {"on": row["declared_on"]}
    return fields | ({"spent": str(Decimal(line["spent_fen"]) / 100)} if line["spent_fen"] else {})


@pytest.fixture(scope="module")
def quoted(alone: tuple[Path, list[dict[str, str]]]) -> list[tuple[dict[str, Any], Quote]]:
    """Every decided line with its quote; those whose countries give no direction are held by clear."""
    folder, rows = alone
    lines = lines_of(folder).filter(~pl.col("release_rule").is_in(UNSETTLED)).rows(named=True)
    law = Law.from_snapshot((folder / "law.json").read_bytes())
    read = read_requests([request_of(rows[line["row"] - 1], line) for line in lines], catalogue=Catalogue.load([CATALOGUE]))
    good = [(line, one) for line, one in zip(lines, read, strict=True) if isinstance(one, QuoteRequest)]
    left = [line for line, one in zip(lines, read, strict=True) if not isinstance(one, QuoteRequest)]
    assert all("release.countries-disagree" in line["reasons"] for line in left)
    assert len(good) > 400
    return list(zip([line for line, _ in good], quote_many([one for _, one in good], law), strict=True))


def test_every_line_of_the_sample_day_is_quoted_as_it_is_cleared(quoted: list[tuple[dict[str, Any], Quote]]) -> None:
    """Mode, form, taxes, value, reasons and warnings of the way `clear` took, whether it was asked for or not."""
    for line, one in quoted:
        if line["mode"] is None or line["direction"] != one.direction:
            continue
        taken, name = every(one)[line["mode"]], line["order_id"]
        assert taken.rule == line["mode_rule"], name
        assert one.value["price"] == (None if line["price_fen"] is None else f"{Decimal(line['price_fen']) / 100:.2f}"), name
        if taken.answer == "no":
            assert (line["verdict"], taken.charges) == ("refuse", ()), name
            continue
        amounts = {charge.kind: charge.amount for charge in taken.charges}
        for tax in ("duty", "consumption_tax", "vat"):
            assert amounts[tax] == (None if line[tax] is None else str(line[tax])), (name, tax)
        assert (taken.tax_rule, taken.form_rule, taken.code_digits) == (line["tax_rule"], line["form_rule"], line["code_digits"])
        assert set(taken.warnings) - {"quote.spent-not-stated"} == set(line["warnings"]), name
        if line["reasons"] != ["release.order-held"]:
            assert set(taken.holds) - OF_A_DAY == set(line["reasons"]) - OF_A_DAY, name


def test_without_a_wish_the_first_option_is_the_mode_clear_takes(quoted: list[tuple[dict[str, Any], Quote]]) -> None:
    free = [(line, one) for line, one in quoted if line["mode_choice"].startswith("cn.mode.first") and line["direction"] == one.direction]
    assert len({line["mode"] for line, _ in free}) >= 5
    for line, one in free:
        assert one.options[0].mode == line["mode"], line["order_id"]
        assert {mode: option.rule for mode, option in every(one).items()} == {mode: line[f"option_{mode}"] for mode in RANKED}


def test_figures_and_law_are_those_of_the_explanation(
    alone: tuple[Path, list[dict[str, str]]], quoted: list[tuple[dict[str, Any], Quote]]
) -> None:
    """For every way a line was decided: numbers, cited law, documents and rebate of each option, law of the tax."""
    seen: set[tuple[Any, ...]] = set()
    for line, one in quoted:
        way = tuple(line[name] for name in WAYS)
        if way in seen or not line["mode_choice"].startswith("cn.mode.first") or line["direction"] != one.direction:
            continue
        seen.add(way)
        steps = {step["step"]: step for step in explain(alone[0], line["order_id"])[0]["steps"]}
        for mode, option in every(one).items():
            (check,) = (check for check in steps[f"option {mode}"]["checks"] if check["decides"])
            brings = steps[f"option {mode}"]["consequences"] if option.rank else {"documents": {}, "rebate": None, "import_tax": None}
            assert (option.answer, option.numbers, list(map(dict, option.law))) == (check["answer"], check["numbers"], check["law"])
            assert (dict(option.documents), option.rebate, option.import_tax) == (
                brings["documents"], brings["rebate"], brings["import_tax"])  # fmt: skip
        (check,) = (check for check in steps["tax"]["checks"] if check["decides"])
        taken = one.options[0]
        assert (taken.tax_rule, taken.tax_numbers) == (check["rule"], check["numbers"])
        assert [dict(leaf) for leaf in taken.charges[0].law] == check["law"]
    assert len(seen) > 15


def test_bad_rows_have_the_problems_they_have_in_a_file(alone: tuple[Path, list[dict[str, str]]]) -> None:
    folder, rows = alone
    own = {"declared_on": "on", "direction": None, "order_id": None, "line_no": None}
    expected: dict[int, set[tuple[str, str]]] = {}
    for problem in rows_of(folder / "problems.csv"):
        field = own.get(problem["field"], problem["field"])
        by_file = problem["code"] in ("goods.no-rate", "goods.duplicate-key") or (field, problem["code"]) == ("quantity", "goods.missing")
        if field in ASKED and not by_file:
            expected.setdefault(int(problem["row"]) - 1, set()).add((field, problem["code"]))
    assert len(expected) > 20
    for place, problems in expected.items():
        fields = {name: rows[place][name] for name in ASKED if rows[place].get(name)}
        found = QuoteRequest.from_mapping(fields | ({"on": rows[place]["declared_on"]} if rows[place]["declared_on"] else {}))
        assert not isinstance(found, QuoteRequest), rows[place]
        codes = {(one.field, one.code) for one in found}
        assert problems <= codes, rows[place]


# What is asked ------------------------------------------------------------------------------------------------------


def test_everything_wrong_is_said_at_once() -> None:
    assert wrong({}) == [
        ("buyer_country", "goods.missing"), ("currency", "goods.missing"), ("description", "goods.nothing-to-classify"),
        ("on", "goods.missing"), ("seller_country", "goods.missing"), ("unit_price", "goods.missing"),
    ]  # fmt: skip
    bad = {
        **FACE_CREAM, "hs_code": "33", "quantity": "-2", "currency": "BTC", "spent": "1.005", "platform_sale": "maybe",
        "on": "10/03/2026", "value": "24,6", "colour": "red", "net_mass": [1],
    }  # fmt: skip
    assert wrong(bad) == [
        ("colour", "quote.unknown-field"), ("currency", "goods.unknown-currency"), ("hs_code", "goods.code-length"),
        ("net_mass", "goods.nested-value"), ("on", "goods.ambiguous-date"), ("platform_sale", "goods.not-yes-no"),
        ("quantity", "goods.not-positive"), ("spent", "goods.too-many-decimals"), ("value", "goods.decimal-comma"),
        ("value", "quote.value-and-price"),
    ]  # fmt: skip


@pytest.mark.parametrize("countries", [("CN", "CN"), ("US", "JP")])
def test_one_end_of_the_trade_is_in_china(countries: tuple[str, str]) -> None:
    assert wrong({**FACE_CREAM, "seller_country": countries[0], "buyer_country": countries[1]}) == [("buyer_country", "quote.direction")]


def test_a_value_stands_for_its_price() -> None:
    """Exactly, or not at all."""
    by_value = {name: given for name, given in FACE_CREAM.items() if name != "unit_price"} | {"value": "246.90"}
    assert asked(by_value) == asked(FACE_CREAM)
    assert wrong({**by_value, "quantity": "7"}) == [("value", "quote.value-not-exact")]
    assert asked({**by_value, "value": "0.7", "quantity": "7"}).given["unit_price"] == "0.1"


@pytest.mark.parametrize("written", [{"quantity": 2}, {"quantity": Decimal("2.0")}, {"on": dt.date(2026, 3, 10)}, {"bonded": True},
                                     {"on": "2026/3/10"}, {"hs_code": "3304.99.00.39"}, {"seller_country": "jpn"}])  # fmt: skip
def test_one_request_however_it_is_written(written: dict[str, object]) -> None:
    request = asked({**FACE_CREAM, **written})
    assert request == asked(FACE_CREAM)
    assert asked(request.given) == request


def test_a_currency_without_a_rate_is_a_problem_of_the_quote() -> None:
    one = told({**BACKPACK, "on": "2011-03-10"})
    assert [(problem.field, problem.code) for problem in one.problems] == [("currency", "goods.no-rate")]
    assert (one.options, one.rejected, one.value["price"]) == ((), (), None)


# What is answered ---------------------------------------------------------------------------------------------------


def test_the_worked_example_of_a_face_cream() -> None:
    """财关税〔2016〕18号: within the limits duty is nil and VAT 70 % of 13 %."""
    one = told(FACE_CREAM)
    best = one.options[0]
    assert (best.mode, best.answer, best.rank, one.cheapest) == ("1210", "yes", 1, "1210")
    assert {charge.kind: charge.amount for charge in best.charges} == {"duty": "0.00", "consumption_tax": "0.00", "vat": "22.47"}
    assert best.total == "269.37"
    assert {option.mode: option.rule for option in one.rejected}["9610"] == "cn.9610.bonded-goods"


def test_what_is_prepared_changes_no_answer() -> None:
    law = Law.load()
    before = [told(fields, law) for fields in (FACE_CREAM, BACKPACK)]
    prepare(law)
    assert [told(fields, law) for fields in (FACE_CREAM, BACKPACK)] == before


def test_what_the_buyer_has_spent_decides() -> None:
    assert every(told({**FACE_CREAM, "spent": "25753.10"}))["1210"].answer == "yes"
    over = every(told({**FACE_CREAM, "spent": "25753.11"}))["1210"]
    assert (over.answer, over.rule) == ("no", "cn.1210.over-yearly-limit")
    assert over.numbers["spent"] == (2_575_311, "fen")
    unsaid = told({name: given for name, given in FACE_CREAM.items() if name != "spent"})
    assert "quote.spent-not-stated" in unsaid.options[0].warnings


def test_unknown_stays_unknown() -> None:
    """No tariff of the destination, no rate of general trade, no class, no freight: null, never zero."""
    export = told(BACKPACK)
    assert "quote.destination-unknown" in export.warnings
    for option in export.options:
        assert option.charges[-1].kind == "destination"
        assert (option.charges[-1].amount, option.total) == (None, None)
    assert export.cheapest is None
    general = every(told(FACE_CREAM))["0110"]
    assert ({charge.amount for charge in general.charges}, general.total) == ({None}, None)
    fob = every(told({**FACE_CREAM, "incoterm": "FOB"}))["1210"]
    assert (fob.tax_rule, fob.total) == ("cn.value.charges-unknown", None)
    unsure = told({name: given for name, given in BACKPACK.items() if name != "platform_sale"})
    assert {option.mode: option.answer for option in unsure.options}["9610"] == "unknown"
    assert [option.answer for option in unsure.options] == sorted((option.answer for option in unsure.options), reverse=True)


def test_an_input_invoice_puts_market_procurement_last_of_the_lawful() -> None:
    business = {**BACKPACK, "platform_sale": "false"}
    assert [option.mode for option in told(business).options if option.answer == "yes"] == ["1039", "0110"]
    assert [option.mode for option in told({**business, "has_input_invoice": "true"}).options if option.answer == "yes"] == ["0110", "1039"]


FIELDS = {
    "quantity": st.sampled_from(["1", "2", "0.5", "30000"]),
    "unit_price": st.sampled_from(["0.01", "18.43", "4999.99", "5000", "26000", "999999999"]),
    "on": st.sampled_from(["2016-05-01", "2018-12-31", "2021-07-01", "2026-03-10"]),
    "spent": st.sampled_from(["", "0", "23000", "26000"]),
    "hs_code": st.sampled_from(["", "3304990039", "22042100", "850940", "1234567890"]),
    "incoterm": st.sampled_from(["", "FOB", "CIF"]),
    "freight": st.sampled_from(["", "0", "12.345"]),
    "customs_district": st.sampled_from(["", "5300", "3100"]),
    "buyer_kind": st.sampled_from(["", "person", "business"]),
    **{flag: st.sampled_from(["", "true", "false"]) for flag in (
        "platform_sale", "bonded", "pilot_zone", "on_positive_list", "stocked_abroad", "in_market_cluster", "needs_licence")},
}  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.fixed_dictionaries(FIELDS)), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_many_at_once_are_each_by_itself_in_any_order(drawn: list[tuple[bool, dict[str, str]]], order: random.Random) -> None:
    """More lines than are answered one by one, fewer, and one."""
    given = [{"description": "article", **(BACKPACK if out else FACE_CREAM), **fields} for out, fields in drawn]
    requests = [one for one in read_requests(given) if isinstance(one, QuoteRequest)]
    single = [quote(request, LAW) for request in requests]
    places = list(range(len(requests)))
    order.shuffle(places)
    many = quote_many([requests[place] for place in places], LAW)
    assert many == [single[place] for place in places]
    for one in single:
        assert sorted(every(one)) == sorted(RANKED) or one.problems


# As data ------------------------------------------------------------------------------------------------------------


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside plain data."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(part)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fields", [FACE_CREAM, BACKPACK, {**BACKPACK, "on": "2011-03-10"}], ids=["import", "export", "no rate"])
def test_a_quote_is_json_with_every_text(fields: dict[str, str], language: str) -> None:
    data = json.loads(json.dumps(describe(told(fields), language)))
    for part in parts(data):
        said = [part[name] for name in ("text", "title", "answer_text", "need_text", "message") if name in part]
        assert all(said), part
        assert not set(said) & all_texts().keys(), part
    assert set(data) == {
        "law_hash", "on", "direction", "language", "input", "value", "options", "rejected", "cheapest", "warnings", "problems",
    }  # fmt: skip
    assert data["law_hash"] == LAW.hash
    assert bool(data["problems"]) != bool(data["options"])


def test_another_language_is_refused() -> None:
    with pytest.raises(CallError, match="en, zh"):
        describe(told(FACE_CREAM), "fr")


# Pinned -------------------------------------------------------------------------------------------------------------


def other_law() -> Law:
    """A later day's law: another customs rate of the dollar."""
    row = {"currency": "USD", "cny": "9.9", "units": "1", "kind": "customs", "from": "2026-03-01", "source": "another day"}
    return LAW.with_table_rows("cn/customs_rate/monthly", [row])


def test_a_pinned_quote_is_the_same_under_another_days_law(tmp_path: Path) -> None:
    request, later = asked(BACKPACK), other_law()
    keep_law(LAW, tmp_path / "laws")
    frozen = json.loads(json.dumps(freeze(request, LAW)))
    again, law = thaw(frozen, tmp_path / "laws")
    assert quote(again, law) == quote(request, LAW)
    assert quote(again, later) != quote(request, LAW)
    assert law == LAW


def test_laws_are_kept_once_and_privately(tmp_path: Path) -> None:
    folder = tmp_path / "laws"
    name = keep_law(LAW, folder)
    file = folder / f"{name}.json"
    written = file.stat()
    assert (keep_law(LAW, folder), [path.name for path in folder.iterdir()]) == (name, [file.name])
    assert file.stat().st_mtime_ns == written.st_mtime_ns
    assert stat.S_IMODE(written.st_mode) == 0o600
    assert law_of_hash(name, folder) is law_of_hash(name, folder)


@pytest.mark.parametrize("asked_for", ["", "../../etc/passwd", "0" * 63, "G" * 64, "0" * 64, "A" * 64])
def test_no_other_file_is_read_for_a_law(asked_for: str, tmp_path: Path) -> None:
    with pytest.raises(CallError, match=r"no hash of a law|no law is kept"):
        law_of_hash(asked_for, tmp_path)


def test_a_changed_law_is_not_used(tmp_path: Path) -> None:
    name = keep_law(LAW, tmp_path)
    (tmp_path / f"{name}.json").write_bytes(other_law().snapshot())
    with pytest.raises(WorldError, match="damaged or changed"):
        law_of_hash(name, tmp_path)
    for frozen in ({}, {"law": name}, {"law": name, "request": {"colour": "red"}}, {"law": "no", "request": FACE_CREAM}):
        with pytest.raises(CallError):
            thaw(frozen, tmp_path)


def test_problems_say_what_to_do_in_both_languages() -> None:
    problems = QuoteRequest.from_mapping({"value": "1", "unit_price": "1", "colour": "red"})
    assert not isinstance(problems, QuoteRequest)
    assert all(isinstance(one, Problem) and one.message["en"] and one.message["zh"] != one.message["en"] for one in problems)
