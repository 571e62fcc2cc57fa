"""A synthetic day of trade as one Parquet file: seeded, skewed like real trade, made in constant memory.

`python -m bench.make_day FILE --lines N [--seed S]`. The same seed and size give the same bytes (with the same
versions of the libraries). A line depends on the seed, the size of the day and its own number alone.
"""

import argparse
import json
import random
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from bench.articles import articles, identity_number, people, popularity, sellers, weighted
from bench.draw import Draws, scrambled, shares

__all__ = ["DAY", "distinct", "lines", "make_day", "parcels"]

DAY = date(2026, 3, 10)
ROW_GROUP = 250_000
BLOCK_SIZES = [1] * 84 + [2] * 11 + [3] * 3 + [5] * 2
"""Lines of the 100 orders in a block: 125, so 1.25 lines an order."""
BLOCK_ORDERS, BLOCK_LINES, PATTERNS = len(BLOCK_SIZES), sum(BLOCK_SIZES), 16
KINDS = {"retail-export": 850, "bonded-import": 80, "direct-import": 40, "to-business": 12, "to-warehouse": 8, "market": 6, "ordinary": 4}
IMPORTS, TO_BUSINESS = ["bonded-import", "direct-import"], ["to-business", "to-warehouse", "market", "ordinary"]
ABROAD = {
    "US": 240, "GB": 75, "DE": 72, "FR": 58, "JP": 45, "CA": 42, "AU": 38, "ES": 36, "IT": 36, "BR": 34, "MX": 32, "RU": 30,
    "NL": 26, "PL": 24, "KR": 22, "SA": 18, "AE": 17, "MY": 15, "TH": 15, "PH": 14, "VN": 13, "SG": 12, "CL": 12, "IL": 11,
    "SE": 10, "BE": 10, "CH": 9, "AT": 8, "PT": 8, "CZ": 7, "DK": 6, "IE": 6, "NO": 6, "FI": 5, "GR": 5, "HU": 5, "RO": 5,
    "TR": 5, "ZA": 5, "ID": 5, "IN": 4, "NZ": 4, "CO": 4, "PE": 4, "AR": 3, "KZ": 3, "UA": 3, "BY": 2, "KW": 2, "QA": 2, "OM": 2,
    "BH": 1, "EG": 1, "MA": 1, "NG": 1, "KE": 1, "PK": 1, "BD": 1, "LK": 1, "SK": 2, "SI": 1, "HR": 1, "BG": 1,
}  # fmt: skip
SOURCES = {"JP": 24, "KR": 14, "US": 14, "AU": 11, "DE": 9, "FR": 9, "NZ": 6, "GB": 5, "NL": 4, "IT": 3, "ES": 1}
DISTRICTS = {"5300": 26, "5200": 17, "2900": 16, "2200": 12, "4600": 9, "3100": 7, "3700": 4, "5100": 4, "0200": 2, "4200": 2, "8000": 1}
PAID_IN = {"export": {"USD": 60, "EUR": 22, "GBP": 9, "JPY": 6, "CNY": 3}, "import": {"CNY": 72, "JPY": 12, "USD": 10, "EUR": 4, "GBP": 2}}
FEN_OF_ONE = {"USD": 700, "EUR": 810, "GBP": 930, "JPY": 5, "CNY": 100}
CARRIERS = {"YunExpress": 30, "4PX": 22, "China Post": 20, "Yanwen": 14, "SF International": 9, "Cainiao": 5}
BAD_PPM = 2_000
"""Rows with a fault, of one of `_FAULTS`."""


def parcels(line_count: int) -> int:
    """How many orders, each one parcel, a day of so many lines has."""
    blocks, rest = divmod(line_count, BLOCK_LINES)
    return blocks * BLOCK_ORDERS + _positions(blocks % PATTERNS)["order"].head(rest).n_unique()


def _positions(pattern: int) -> pl.DataFrame:
    """The orders of one block in a random sequence: for each place of a line its order and its number within it."""
    sizes = BLOCK_SIZES.copy()
    random.Random(pattern).shuffle(sizes)
    pairs = [(order, number + 1) for order, size in enumerate(sizes) for number in range(size)]
    return pl.DataFrame(pairs, schema={"order": pl.Int64, "number": pl.Int64}, orient="row").with_row_index("place")


def _numbered(first: int, count: int) -> pl.DataFrame:
    """Line, order and line-in-order numbers of a chunk."""
    patterns = pl.concat(_positions(pattern) for pattern in range(PATTERNS))
    counter = pl.int_range(first, first + count, dtype=pl.Int64)
    block, place = counter // BLOCK_LINES, counter % BLOCK_LINES
    at = block % PATTERNS * BLOCK_LINES + place
    return pl.select(
        line=counter.cast(pl.UInt64), line_no=pl.lit(patterns["number"]).gather(at).cast(pl.Int32),
        order=(block * BLOCK_ORDERS + pl.lit(patterns["order"]).gather(at)).cast(pl.UInt64))


def _orders(frame: pl.DataFrame, seed: int, size: int) -> pl.DataFrame:
    """Add what all lines of an order share: kind of trade, parties, places, terms, flags."""
    of = Draws(seed, pl.col("order"))
    kind = pl.Series(list(KINDS)).gather(shares(list(KINDS.values()), bits=16))
    kinds = frame.with_columns(kind=of.pick("kind", kind), size=pl.lit(size))
    named = kinds.with_columns(inward=pl.col("kind").is_in(IMPORTS), trade=pl.col("kind").is_in(TO_BUSINESS))
    inward, trade, kind = pl.col("inward"), pl.col("trade"), pl.col("kind")
    seller = of.pick("seller", _popular_sellers())
    moment = (DAY - date(1970, 1, 1)).days * 86_400 - of.below("placed", 4 * 86_400)

    def either(name: str, of_import: dict[str, int], of_export: dict[str, int]) -> pl.Expr:
        return pl.when(inward).then(of.pick(name, weighted(of_import))).otherwise(of.pick(name, weighted(of_export)))

    return named.with_columns(
        direction=pl.when(inward).then(pl.lit("import")).otherwise(pl.lit("export")),
        order_id=pl.concat_str(pl.lit("26"), scrambled(pl.col("order"), 612_345_678_901, 10**12).cast(pl.String).str.zfill(12)),
        waybill_no=pl.when(~of.chance("no-waybill", 5_000)).then(
            pl.concat_str(pl.lit("YT"), scrambled(pl.col("order"), 98_765_432_109, 10**12).cast(pl.String).str.zfill(12))),
        placed_at=(moment * 1_000_000).cast(pl.Datetime("us", "UTC")),
        seller_id=pl.lit(sellers(seed)["seller_id"]).gather(seller),
        seller_name=pl.lit(sellers(seed)["seller_name"]).gather(seller),
        abroad=either("abroad", SOURCES, ABROAD), currency=either("currency", PAID_IN["import"], PAID_IN["export"]),
        customs_district=of.pick("district", weighted(DISTRICTS)), carrier=of.pick("carrier", weighted(CARRIERS)),
        buyer_kind=pl.when(trade).then(pl.lit("business")).otherwise(pl.lit("person")),
        platform_sale=~kind.is_in(["market", "ordinary"]), stocked_abroad=kind == "to-warehouse",
        in_market_cluster=kind == "market", has_input_invoice=kind == "ordinary", rebate_claimed=kind == "ordinary",
        pilot_zone=(kind != "ordinary") & (kind != "market"), bonded=kind == "bonded-import",
        buyer_verified=pl.when(inward).then(~of.chance("not-verified", 20_000)),
        mode_wanted=pl.when(of.chance("asks", 500_000)).then(kind.replace_strict(_MODES, return_dtype=pl.String)),
    )


_MODES = {"retail-export": "9610", "bonded-import": "1210", "direct-import": "9610", "to-business": "9710", "to-warehouse": "9810",
          "market": "1039", "ordinary": "0110"}


def _popular_sellers() -> pl.Series:
    return shares([10**12 // (place + 20) for place in range(8_000)])


def _buyers(frame: pl.DataFrame, seed: int, size: int) -> pl.DataFrame:
    """Add buyers: accounts abroad for exports; residents with name, telephone and address for imports.

    One import order in fifty is by a buyer out of a small group who order again and again, up to their yearly limit.
    """
    of = Draws(seed, pl.col("order"))
    orders = parcels(size)
    residents, often = max(1, orders * 12 // 200), max(1, orders * 12 // 100 // 50 // 60)
    resident = pl.when(of.chance("often", 20_000)).then(of.below("frequent", often)).otherwise(
        of.below("resident", residents) + often)
    named = frame.with_columns(buyer=pl.when("inward").then(resident).otherwise(of.skewed("account", max(1, orders))))
    inward, buyer = pl.col("inward"), pl.col("buyer")
    number = scrambled(buyer, 7_777_777_777, 20_000_000).cast(pl.Int64)
    account = pl.concat_str(pl.lit("acct-"), scrambled(buyer, 61_803_398_877, 10**10).cast(pl.String).str.zfill(10))
    return named.with_columns(
        buyer_id=pl.when(inward).then(identity_number(number)).otherwise(account),
        **{name: pl.when(inward).then(value) for name, value in people(buyer, seed).items()})


def _goods(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Add article, quantity, price, charges and mass of each line; amounts in the currency, masses in kg."""
    of = Draws(seed, pl.col("line"))
    table, (outward, homeward) = articles(seed), popularity()
    article = pl.when("inward").then(of.pick("import-article", homeward)).otherwise(of.pick("export-article", outward))
    few, many = shares([80, 14, 4, 2], bits=10) + 1, shares([1] * 60, bits=10) + 20
    quantity = pl.when("trade").then(of.pick("many", many)).otherwise(of.pick("few", few))
    found = frame.with_columns(article=article, quantity=quantity).with_columns(
        pl.lit(table[name]).gather(pl.col("article")).alias(name) for name in table.columns)
    grams = pl.col("unit_mass_g") * pl.col("quantity")
    whole = pl.col("currency") == "JPY"
    fen = pl.col("price_fen") * (85 + of.below("discount", 31))
    cents = (fen // pl.col("currency").replace_strict(FEN_OF_ONE, return_dtype=pl.Int64)).clip(lower_bound=10)
    freight = pl.when("inward").then(of.below("freight", 4_000) // pl.when(whole).then(1).otherwise(10))
    charged = freight.is_not_null() & ((pl.col("line_no") == 1) | (pl.col("order") % 4 > 0))
    weighed = ~of.chance("not-weighed", 8_000)
    return found.with_columns(
        cents=pl.when(whole).then(cents // 100 * 100 + 100).otherwise(cents),
        freight_cents=pl.when(charged).then(pl.when(whole).then(freight * 100).otherwise(freight)),
        net_grams=pl.when(weighed).then(grams), gross_grams=pl.when(weighed).then(grams * 108 // 100 + 20),
        on_positive_list=pl.when("inward").then(pl.when(~of.chance("list-unknown", 30_000)).then(True)),
        needs_licence=of.chance("licence", 4_000), incoterm=pl.when(~pl.col("inward")).then(of.pick("incoterm", weighted({"FOB": 90, "CIF": 6, "DDP": 4}))))


def _written(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of the file: input fields with the types a careful partner sends."""
    inward, home = pl.col("inward"), pl.lit("CN")

    def decimal(name: str, digits: int, places: int) -> pl.Expr:
        return (pl.col(name).cast(pl.Decimal(18, places)) / 10**places).cast(pl.Decimal(digits, places))

    same = ["order_id", "line_no", "direction", "placed_at", "seller_id", "seller_name", "buyer_id", "buyer_name", "buyer_telephone",
            "consignee_address", "buyer_kind", "platform_sale", "stocked_abroad", "in_market_cluster", "has_input_invoice",
            "pilot_zone", "bonded", "rebate_claimed", "needs_licence", "on_positive_list", "buyer_verified", "customs_district",
            "mode_wanted", "sku", "description", "hs_code", "origin_country", "unit", "currency", "incoterm", "carrier", "waybill_no",
            "content_quantity", "content_unit"]  # fmt: skip
    return frame.select(
        *same, declared_on=pl.lit(DAY), seller_kind=pl.lit("business"), packages=pl.lit(1, pl.Int32),
        seller_country=pl.when(inward).then("abroad").otherwise(home), buyer_country=pl.when(inward).then(home).otherwise("abroad"),
        quantity=pl.col("quantity").cast(pl.Int32), unit_price=decimal("cents", 12, 2), freight=decimal("freight_cents", 12, 2),
        net_mass=decimal("net_grams", 12, 3), gross_mass=decimal("gross_grams", 12, 3))


def _with_faults(frame: pl.DataFrame, counter: pl.Series, seed: int) -> pl.DataFrame:
    """Spoil some rows, one field each."""
    of = Draws(seed, pl.lit(counter))
    fault = pl.when(of.chance("bad", BAD_PPM)).then(of.below("fault", len(_FAULTS))).otherwise(-1)
    marked = frame.with_columns(_fault=fault)
    return marked.with_columns(
        pl.when(pl.col("_fault") == place).then(pl.lit(value).cast(frame.schema[name])).otherwise(name).alias(name)
        for place, (name, value) in enumerate(_FAULTS.items())).drop("_fault")


_FAULTS = {
    "quantity": 0, "unit_price": -1, "currency": "XBT", "buyer_country": "ZZ", "hs_code": "4202920", "declared_on": date(1900, 1, 1),
    "order_id": None, "description": "lost \x07 letters", "customs_district": "9", "net_mass": 999_999, "placed_at": datetime(2126, 3, 10),
}  # fmt: skip


def lines(seed: int, size: int, first: int, count: int) -> pl.DataFrame:
    """Lines `first` to `first + count - 1` of a day of `size` lines."""
    numbered = _numbered(first, count)
    made = _goods(_buyers(_orders(numbered, seed, size), seed, size), seed)
    return _with_faults(_written(made), numbered["line"], seed)


def make_day(path: Path, size: int, seed: int = 1) -> None:
    """Write a day of `size` lines, a row group at a time."""
    schema = lines(seed, size, 0, 1).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    with pq.ParquetWriter(path, schema, compression="zstd", store_decimal_as_integer=True) as writer:
        for first in range(0, size, ROW_GROUP):
            chunk = lines(seed, size, first, min(ROW_GROUP, size - first))
            writer.write_table(pa.Table.from_batches(chunk.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches(), schema))


def distinct(path: Path) -> dict[str, int]:
    """Distinct values of the columns whose skew matters, counted in the file."""
    columns = ("order_id", "sku", "hs_code", "description", "seller_id", "buyer_id", "buyer_country", "seller_country", "currency",
               "customs_district", "carrier", "unit_price")  # fmt: skip
    file = pl.scan_parquet(path)
    return {name: int(file.select(pl.col(name).drop_nulls().n_unique()).collect(engine="streaming").item()) for name in columns}


def main() -> None:
    """Write a day and print its distinct counts as JSON."""
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
