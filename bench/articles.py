"""The synthetic world of a day: articles, sellers, buyers and their places. All invented; only headings are real.

A commodity code is a real six-digit subheading with an invented four-digit ending, so that the tax tables the
product ships can be met; no code here says anything about a tariff.
"""

from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from stdnum.cn import uscc

from bench.draw import Draws, shares, zipf

__all__ = [
    "ARTICLES", "EXPORT_ARTICLES", "IMPORT_ARTICLES", "SELLERS", "articles", "identity_number", "people", "popularity",
    "sellers", "weighted",
]  # fmt: skip

EXPORT_ARTICLES, IMPORT_ARTICLES, SELLERS = 40_000, 10_000, 8_000
ARTICLES = EXPORT_ARTICLES + IMPORT_ARTICLES
ENDINGS = ("0000", "1000", "9000", "1090", "2000", "9010", "9090")
LOOKS = {
    "zh": ("加厚款", "轻便款", "家用", "便携式", "新款", "经典款", "迷你", "儿童", "户外", "礼盒装", "大号", "小号"),
    "en": ("thick", "light", "for home use", "portable", "new model", "classic", "mini", "for children", "outdoor",
           "gift box", "large", "small"),
}
MAKERS = ("CN", "CN", "CN", "VN", "CN")
ORIGINS = ("JP", "KR", "FR", "US", "DE", "AU", "IT", "GB", "NZ", "NL", "ES", "CH")
FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰文斌宇浩凯健俊帆雪慧巧美婷欣雨琳"
TOWNS = ("示例省样本市城东区", "示例省样本市城西区", "示例省范例市新城区", "样本省示范市高新区")
STREETS = ("人民路", "解放路", "和平街", "文化路", "光明巷", "建设大道", "新华街", "青年路", "友谊路", "学府街")


@cache
def _goods() -> list[dict[str, str]]:
    table = pl.read_csv(Path(__file__).with_name("goods.csv"), infer_schema=False)
    return table.rows(named=True)


def _drawn(seed: int, what: str, count: int) -> pl.DataFrame:
    """Three random columns a, b, c for `count` things, and d, the bits, to choose more from."""
    draws = Draws(seed, pl.col("n"))
    numbers = pl.select(n=pl.int_range(count, dtype=pl.UInt64))
    return numbers.select("n", *(draws.below(f"{what}-{name}", 1 << 30).alias(name) for name in "abcd"))


@cache
def articles(seed: int) -> pl.DataFrame:
    """All articles: those for export first. Columns are input fields and `price_fen`, `unit_mass_g`."""
    rows = []
    for direction, count in (("export", EXPORT_ARTICLES), ("import", IMPORT_ARTICLES)):
        kinds = [kind for kind in _goods() if kind["direction"] == direction]
        places = shares([int(kind["weight"]) for kind in kinds], bits=12)
        for n, *numbers in _drawn(seed, direction, count).rows():
            rows.append(_article(direction, n, kinds[places[numbers[0] % 4096]], numbers))
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col("content_quantity").cast(pl.Decimal(9, 2)))


def _article(direction: str, n: int, kind: dict[str, str], numbers: list[int]) -> dict[str, Any]:
    _, b, c, d = numbers
    language = "zh" if b % 10 < 6 else "en"
    look, made = LOOKS[language][c % 12], (MAKERS if direction == "export" else ORIGINS)
    model = f"{'KMTRSX'[d % 6]}{d % 89 + 10}-{n:05d}"
    name = f"{look}{kind['zh']} {model}" if language == "zh" else f"{kind['en']}, {look}, {model}"
    spread = 60 + b // 10 % 90  # per cent of the usual price and mass
    return {
        "sku": f"{'E' if direction == 'export' else 'I'}{model}", "description": name,
        "hs_code": None if c // 12 % 100 < 3 else kind["hs6"] + ENDINGS[d // 100 % 7],
        "origin_country": made[d // 1000 % len(made)], "unit": kind["unit"],
        "content_quantity": kind["content"], "content_unit": kind["content_unit"],
        "price_fen": int(kind["price_fen"]) * spread // 100,
        "unit_mass_g": max(5, int(kind["mass_g"]) * (80 + c // 1200 % 50) // 100),
    }


@cache
def sellers(seed: int) -> pl.DataFrame:
    """Sellers with unified social credit codes that check; region 990000 belongs to nobody."""
    rows = []
    for n, a, _, _, _ in _drawn(seed, "seller", SELLERS).rows():
        body = f"91990000MA{n:05d}{'ABCDEFGHJK'[a % 10]}K"[:17]
        town = ("义乌", "深圳", "杭州", "广州", "宁波", "东莞", "厦门", "郑州")[a // 10 % 8]
        rows.append((body + uscc.calc_check_digit(body), f"{town}样例{n:05d}跨境电子商务有限公司"))
    return pl.DataFrame(rows, schema={"seller_id": pl.String, "seller_name": pl.String}, orient="row")


def weighted(pairs: dict[str, int]) -> pl.Series:
    """A table of texts for `Draws.pick`, each as often as its weight says."""
    names = pl.Series(list(pairs), dtype=pl.String)
    return names.gather(shares(list(pairs.values()), bits=12))


def identity_number(buyer: pl.Expr) -> pl.Expr:
    """The resident identity number of buyer 0 to 19,999,999: region 990000, a birthday, and a right check character."""
    born = (pl.lit(-7305, pl.Int32) + (buyer // 1000 % 20_000).cast(pl.Int32)).cast(pl.Date)  # from 1950-01-01
    body = 990_000 * 10**11 + born.dt.strftime("%Y%m%d").cast(pl.Int64) * 1000 + buyer % 1000
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = pl.sum_horizontal(body // 10 ** (16 - place) % 10 * weight for place, weight in enumerate(weights))
    return pl.concat_str(body.cast(pl.String), pl.lit(pl.Series(list("10X98765432"))).gather(total % 11))


def people(buyer: pl.Expr, seed: int) -> dict[str, pl.Expr]:
    """Name, telephone and address of import buyers; the same buyer has the same."""
    of = Draws(seed, buyer.cast(pl.UInt64))
    family, given = pl.Series(list(FAMILY)), pl.Series(list(GIVEN))
    telephone = of.below("telephone", 4_000_000_000) + 3_000_000_000
    house, flat = (of.below("house", 800) + 1).cast(pl.String), (of.below("flat", 3000) + 101).cast(pl.String)
    return {
        "buyer_name": pl.concat_str(of.pick("family", family), of.pick("given", given), of.pick("second", given)),
        "buyer_telephone": pl.concat_str(pl.lit("1"), telephone.cast(pl.String)),
        "consignee_address": pl.concat_str(
            of.pick("town", pl.Series(TOWNS)), of.pick("street", pl.Series(STREETS)), house, pl.lit("号"), flat,
            pl.lit("室")),
    }


@cache
def popularity() -> tuple[pl.Series, pl.Series]:
    """How often each article for export, and each for import, is bought."""
    return zipf(EXPORT_ARTICLES), zipf(IMPORT_ARTICLES) + EXPORT_ARTICLES
