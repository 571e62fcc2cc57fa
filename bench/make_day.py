"""A synthetic day of trade as one Parquet file: seeded, skewed like real trade, made in constant memory.

`python -m bench.make_day FILE --lines N [--seed S]`. The same seed and size give the same bytes (with the same
versions of the libraries). A line depends on the seed, the size of the day and its own number alone.
"""

import argparse
import json
import random
from datetime import date, datetime
from functools import cache
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from bench.articles import SELLERS, articles, identity_number, people, popularity, sellers, weighted
from bench.draw import Draws, scrambled, shares

__all__ = ["DAY", "distinct", "lines", "make_day", "parcels"]

DAY = date(2026, 3, 10)
ROW_GROUP = 250_000
BLOCK_SIZES = [1] * 84 + [2] * 11 + [3] * 3 + [5] * 2
"""Lines of the 100 orders in a block: 125, so 1.25 lines an order."""
BLOCK_ORDERS, BLOCK_LINES, PATTERNS = len(BLOCK_SIZES), sum(BLOCK_SIZES), 16
KINDS = {"retail-export": 850, "bonded-import": 80, "direct-import": 40,
         "to-business": 12, "to-warehouse": 8, "market": 6, "ordinary": 4}  # fmt: skip
"""Kinds of trade among a thousand orders."""
MODES = {"retail-export": "9610", "bonded-import": "1210", "direct-import": "9610",
         "to-business": "9710", "to-warehouse": "9810", "market": "1039", "ordinary": "0110"}  # fmt: skip
IMPORTS, TO_BUSINESS = ("bonded-import", "direct-import"), ("to-business", "to-warehouse", "market", "ordinary")
ABROAD = {
    "US": 240, "GB": 75, "DE": 72, "FR": 58, "JP": 45, "CA": 42, "AU": 38, "ES": 36, "IT": 36, "BR": 34, "MX": 32,
    "RU": 30, "NL": 26, "PL": 24, "KR": 22, "SA": 18, "AE": 17, "MY": 15, "TH": 15, "PH": 14, "VN": 13, "SG": 12,
    "CL": 12, "IL": 11, "SE": 10, "BE": 10, "CH": 9, "AT": 8, "PT": 8, "CZ": 7, "DK": 6, "IE": 6, "NO": 6, "FI": 5,
    "GR": 5, "HU": 5, "RO": 5, "TR": 5, "ZA": 5, "ID": 5, "IN": 4, "NZ": 4, "CO": 4, "PE": 4, "AR": 3, "KZ": 3,
    "UA": 3, "BY": 2, "KW": 2, "QA": 2, "OM": 2, "SK": 2, "BH": 1, "EG": 1, "MA": 1, "NG": 1, "KE": 1, "PK": 1,
    "BD": 1, "LK": 1, "SI": 1, "HR": 1, "BG": 1,
}  # fmt: skip
SOURCES = {"JP": 24, "KR": 14, "US": 14, "AU": 11, "DE": 9, "FR": 9, "NZ": 6, "GB": 5, "NL": 4, "IT": 3, "ES": 1}
DISTRICTS = {"5300": 26, "5200": 17, "2900": 16, "2200": 12, "4600": 9, "3100": 7, "3700": 4, "5100": 4, "0200": 2,
             "4200": 2, "8000": 1}  # fmt: skip
PAID_BY_ABROAD = {"USD": 60, "EUR": 22, "GBP": 9, "JPY": 6, "CNY": 3}
PAID_BY_HOME = {"CNY": 72, "JPY": 12, "USD": 10, "EUR": 4, "GBP": 2}
FEN_OF_ONE = {"USD": 700, "EUR": 810, "GBP": 930, "JPY": 5, "CNY": 100}
CARRIERS = {"YunExpress": 30, "4PX": 22, "China Post": 20, "Yanwen": 14, "SF International": 9, "Cainiao": 5}
TERMS = {"FOB": 90, "CIF": 6, "DDP": 4}
BAD_PPM = 2_000
FAULTS = {
    "quantity": 0, "unit_price": -1, "currency": "XBT", "buyer_country": "ZZ", "hs_code": "4202920",
    "declared_on": date(1900, 1, 1), "order_id": None, "description": "lost \x07 letters", "customs_district": "9",
    "net_mass": 999_999, "placed_at": datetime(2126, 3, 10),
}  # fmt: skip
"""What a bad row has in one of its fields."""
AS_MADE = (
    "order_id", "line_no", "direction", "placed_at", "seller_id", "seller_name", "buyer_id", "buyer_name",
    "buyer_telephone", "consignee_address", "buyer_kind", "platform_sale", "stocked_abroad", "in_market_cluster",
    "has_input_invoice", "pilot_zone", "bonded", "rebate_claimed", "needs_licence", "on_positive_list",
    "buyer_verified", "customs_district", "mode_wanted", "sku", "description", "hs_code", "origin_country", "unit",
    "currency", "incoterm", "carrier", "waybill_no", "content_quantity", "content_unit",
)  # fmt: skip
COUNTED = ("order_id", "sku", "hs_code", "description", "seller_id", "buyer_id", "buyer_country", "seller_country",
           "currency", "customs_district", "carrier", "unit_price")  # fmt: skip


def parcels(line_count: int) -> int:
    """How many orders, each one parcel, a day of so many lines has."""
    blocks, rest = divmod(line_count, BLOCK_LINES)
    return blocks * BLOCK_ORDERS + _block(blocks % PATTERNS)["order"].head(rest).n_unique()


def _block(pattern: int) -> pl.DataFrame:
    """The orders of one block in a random sequence: for each line its order and its number within it."""
    sizes = BLOCK_SIZES.copy()
    random.Random(pattern).shuffle(sizes)
    pairs = [(order, number + 1) for order, size in enumerate(sizes) for number in range(size)]
    return pl.DataFrame(pairs, schema={"order": pl.Int64, "number": pl.Int32}, orient="row")


def _numbered(first: int, count: int) -> pl.DataFrame:
    """Line, order and line-in-order numbers of a chunk."""
    patterns = pl.concat(_block(pattern) for pattern in range(PATTERNS))
    counter = pl.int_range(first, first + count, dtype=pl.Int64)
    block, place = counter // BLOCK_LINES, counter % BLOCK_LINES
    at = block % PATTERNS * BLOCK_LINES + place
    return pl.select(
        line=counter.cast(pl.UInt64), line_no=pl.lit(patterns["number"]).gather(at),
        order=(block * BLOCK_ORDERS + pl.lit(patterns["order"]).gather(at)).cast(pl.UInt64))


def _with_trade(frame: pl.DataFrame, of: Draws) -> pl.DataFrame:
    """Add the kind of trade of each order and the flags that follow from it."""
    kinds = pl.Series(list(KINDS)).gather(shares(list(KINDS.values()), bits=16))
    drawn = frame.with_columns(kind=of.pick("kind", kinds))
    kind = pl.col("kind")
    named = drawn.with_columns(inward=kind.is_in(IMPORTS), trade=kind.is_in(TO_BUSINESS))
    return named.with_columns(
        direction=pl.when("inward").then(pl.lit("import")).otherwise(pl.lit("export")),
        buyer_kind=pl.when("trade").then(pl.lit("business")).otherwise(pl.lit("person")),
        platform_sale=~kind.is_in(["market", "ordinary"]), stocked_abroad=kind == "to-warehouse",
        in_market_cluster=kind == "market", has_input_invoice=kind == "ordinary", rebate_claimed=kind == "ordinary",
        pilot_zone=~kind.is_in(["market", "ordinary"]), bonded=kind == "bonded-import",
        buyer_verified=pl.when("inward").then(~of.chance("not-verified", 40_000)),
        mode_wanted=pl.when(of.chance("asks", 500_000)).then(kind.replace_strict(MODES, return_dtype=pl.String)))


def _with_terms(frame: pl.DataFrame, of: Draws, seed: int) -> pl.DataFrame:
    """Add order number, waybill, moment, seller, places, currency and carrier of each order."""
    seller = of.pick("seller", _popular_sellers())
    midnight = (DAY - date(1970, 1, 1)).days * 86_400
    number, waybill = _digits(pl.col("order"), 212_345_678_901, 12), _digits(pl.col("order"), 98_765_432_109, 12)

    def either(name: str, homeward: dict[str, int], outward: dict[str, int]) -> pl.Expr:
        return pl.when("inward").then(of.pick(name, weighted(homeward))).otherwise(of.pick(name, weighted(outward)))

    return frame.with_columns(
        order_id=pl.concat_str(pl.lit("26"), number),
        waybill_no=pl.when(~of.chance("no-waybill", 5_000)).then(pl.concat_str(pl.lit("YT"), waybill)),
        placed_at=((midnight - of.below("placed", 4 * 86_400)) * 1_000_000).cast(pl.Datetime("us", "UTC")),
        seller_id=pl.lit(sellers(seed)["seller_id"]).gather(seller),
        seller_name=pl.lit(sellers(seed)["seller_name"]).gather(seller),
        abroad=either("abroad", SOURCES, ABROAD), currency=either("currency", PAID_BY_HOME, PAID_BY_ABROAD),
        customs_district=of.pick("district", weighted(DISTRICTS)), carrier=of.pick("carrier", weighted(CARRIERS)))


def _digits(number: pl.Expr, factor: int, digits: int) -> pl.Expr:
    """A number that differs for each number, of so many digits."""
    return scrambled(number, factor, 10**digits).cast(pl.String).str.zfill(digits)


@cache
def _popular_sellers() -> pl.Series:
    return shares([10**12 // (place + 20) for place in range(SELLERS)])


def _with_buyers(frame: pl.DataFrame, of: Draws, seed: int, size: int) -> pl.DataFrame:
    """Add buyers: accounts abroad for exports; residents with name, telephone and address for imports.

    One import order in fifty is by a buyer out of a small group who order again and again, up to their yearly limit.
    """
    orders = parcels(size)
    imports = orders * 12 // 100
    residents, often = max(1, imports * 6 // 10), max(1, imports // 50 // 90)
    resident = pl.when(of.chance("often", 20_000)).then(of.below("frequent", often)).otherwise(
        of.below("resident", residents) + often)
    named = frame.with_columns(buyer=pl.when("inward").then(resident).otherwise(of.skewed("account", orders)))
    buyer = pl.col("buyer")
    number = identity_number(scrambled(buyer, 7_777_777_777, 20_000_000).cast(pl.Int64))
    account = pl.concat_str(pl.lit("acct-"), _digits(buyer, 618_033_987, 10))
    known = {name: pl.when("inward").then(value) for name, value in people(buyer, seed).items()}
    return named.with_columns(buyer_id=pl.when("inward").then(number).otherwise(account), **known)


def _with_goods(frame: pl.DataFrame, of: Draws, seed: int) -> pl.DataFrame:
    """Add article, quantity and what holds of an article, its list and licence marks and the delivery term."""
    table, (outward, homeward) = articles(seed), popularity()
    article = pl.when("inward").then(of.pick("import-article", homeward)).otherwise(of.pick("export-article", outward))
    few = of.pick("few", shares([80, 14, 4, 2], bits=10)) + 1
    found = frame.with_columns(
        article=article, quantity=pl.when("trade").then(of.below("many", 60) + 20).otherwise(few),
        on_positive_list=pl.when(pl.col("inward") & ~of.chance("list-unknown", 50_000)).then(pl.lit(value=True)),
        needs_licence=of.chance("licence", 12_000),
        incoterm=pl.when(~pl.col("inward")).then(of.pick("incoterm", weighted(TERMS))))
    return found.with_columns(pl.lit(table[name]).gather(pl.col("article")).alias(name) for name in table.columns)


def _with_amounts(frame: pl.DataFrame, of: Draws) -> pl.DataFrame:
    """Add price and freight in hundredths of the currency (yen are whole) and masses in grams.

    In one order of four only the first line carries the freight of all.
    """
    whole, grams = pl.col("currency") == "JPY", pl.col("unit_mass_g") * pl.col("quantity")
    fen = pl.col("price_fen") * (of.below("discount", 31) + 85)
    cents = (fen // pl.col("currency").replace_strict(FEN_OF_ONE, return_dtype=pl.Int64)).clip(lower_bound=10)
    freight = of.below("freight", 4_000)
    charged = pl.col("inward") & ((pl.col("line_no") == 1) | (pl.col("order") % 4 > 0))
    weighed = ~of.chance("not-weighed", 15_000)
    return frame.with_columns(
        cents=pl.when(whole).then(cents // 100 * 100 + 100).otherwise(cents),
        freight_cents=pl.when(charged).then(pl.when(whole).then(freight * 100).otherwise(freight // 10)),
        net_grams=pl.when(weighed).then(grams), gross_grams=pl.when(weighed).then(grams * 108 // 100 + 20))


def _written(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of the file: input fields with the types a careful partner sends."""
    abroad, home = pl.col("abroad"), pl.lit("CN")
    return frame.select(
        *AS_MADE, declared_on=pl.lit(DAY), seller_kind=pl.lit("business"), packages=pl.lit(1, pl.Int32),
        seller_country=pl.when("inward").then(abroad).otherwise(home),
        buyer_country=pl.when("inward").then(home).otherwise(abroad),
        quantity=pl.col("quantity").cast(pl.Int32), unit_price=_decimal("cents", 2),
        freight=_decimal("freight_cents", 2), net_mass=_decimal("net_grams", 3), gross_mass=_decimal("gross_grams", 3))


def _decimal(name: str, places: int) -> pl.Expr:
    """Whole numbers of the last decimal place as decimals, exactly."""
    exact: pl.Expr = pl.col(name).cast(pl.Decimal(18, places)) / 10**places
    return exact.cast(pl.Decimal(12, places))


def _with_faults(frame: pl.DataFrame, of: Draws) -> pl.DataFrame:
    """Spoil `BAD_PPM` of a million rows, one field each."""
    fault = pl.when(of.chance("bad", BAD_PPM)).then(of.below("fault", len(FAULTS))).otherwise(-1)
    spoiled = [
        pl.when(fault == place).then(pl.lit(value).cast(frame.schema[name])).otherwise(name).alias(name)
        for place, (name, value) in enumerate(FAULTS.items())]
    return frame.with_columns(spoiled)


def lines(seed: int, size: int, first: int, count: int) -> pl.DataFrame:
    """Lines `first` to `first + count - 1` of a day of `size` lines."""
    numbered = _numbered(first, count)
    of_order, of_line = Draws(seed, pl.col("order")), Draws(seed, pl.col("line"))
    orders = _with_terms(_with_trade(numbered, of_order), of_order, seed)
    goods = _with_goods(_with_buyers(orders, of_order, seed, size), of_line, seed)
    return _with_faults(_written(_with_amounts(goods, of_line)), Draws(seed, pl.lit(numbered["line"])))


def make_day(path: Path, size: int, seed: int = 1) -> None:
    """Write a day of `size` lines, a row group at a time."""
    schema = _arrow(lines(seed, size, 0, 1)).schema
    with pq.ParquetWriter(path, schema, compression="zstd", store_decimal_as_integer=True) as writer:
        for first in range(0, size, ROW_GROUP):
            writer.write_table(_arrow(lines(seed, size, first, min(ROW_GROUP, size - first))))


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def distinct(path: Path) -> dict[str, int]:
    """Distinct values of the columns whose skew matters, counted in the file."""
    file = pl.scan_parquet(path)
    counts = (file.select(pl.col(name).drop_nulls().n_unique()).collect(engine="streaming").item() for name in COUNTED)
    return {name: int(count) for name, count in zip(COUNTED, counts, strict=True)}


def main() -> None:
    """Write a day and print what it holds as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    make_day(given.path, given.lines, given.seed)
    print(json.dumps({"lines": given.lines, "parcels": parcels(given.lines), "bytes": given.path.stat().st_size,
                      "distinct": distinct(given.path)}))


if __name__ == "__main__":
    main()
