"""The product catalogue: what is known of an article beyond what the order line says.

A CSV with the column `sku` and any of `catalogue_file.COLUMNS`. It fills only what a line lacks, and says so: a
code taken from a row that is not confirmed marks the line `code_unconfirmed`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from entrepot.goods.catalogue_file import ARTICLES, read_articles
from entrepot.goods.mapping import Mapping
from entrepot.goods.parse import Parsed
from entrepot.goods.schema import FIELDS

__all__ = ["Catalogue"]

E5 = 100_000


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Articles by sku; immutable. `frame` has the columns of `catalogue_file.ARTICLES`, one row per sku."""

    frame: pl.DataFrame

    @classmethod
    def load(cls, paths: Iterable[Path | str] = (), mapping: Mapping | None = None) -> "Catalogue":
        """Read catalogue files (or bundled ones by name), then the one the mapping names; the first row of a sku wins.

        A row without `status` is confirmed in a file of the user and unconfirmed in a bundled catalogue.
        Raises CallError naming file, sku and column of a value that is not allowed, and a sku with two differing
        rows in one file.
        """
        names = [*paths, *([mapping.catalogue] if mapping and mapping.catalogue else [])]
        frames = [read_articles(name) for name in names]
        merged = pl.concat([pl.DataFrame(schema=ARTICLES), *frames])
        return cls(merged.unique("sku", keep="first", maintain_order=True))

    def fill(self, parsed: Parsed) -> Parsed:
        """Fill what valid lines lack: code, origin, unit, mass, names, list and licence marks, content.

        A default taken by `parse` gives way to the catalogue. Net mass is unit mass times quantity, rounded half up
        to the gram and at least 1 g; it is filled only when the line counts in the catalogue's unit and its gross
        mass allows it.
        """
        if self.frame.is_empty():
            return parsed
        known = self.frame.rename({name: f"c:{name}" for name in self.frame.columns if name != "sku"})
        assumed = parsed.assumed.rename({name: f"a:{name}" for name in parsed.assumed.columns})
        joined = parsed.lines.hstack(assumed).join(known, on="sku", how="left", maintain_order="left")
        filled = joined.with_columns(_wanted())
        marks = filled.select(pl.col(f"f:{name}").alias(name) for name in FILLED)
        return replace(
            parsed,
            lines=filled.with_columns(_completed()).select(parsed.lines.columns),
            assumed=filled.select(_still_assumed(name) for name in parsed.assumed.columns),
            filled=marks,
        )


FILLED = (
    "hs_code", "origin_country", "unit", "net_mass", "description", "on_positive_list", "needs_licence",
    "content_quantity",
)  # fmt: skip


def _wanted() -> list[pl.Expr]:
    """`f:<field>`: where the catalogue fills a valid line."""

    def lacks(name: str) -> pl.Expr:
        """Where a line has no value of its own, or only a default."""
        empty = pl.col(FIELDS[name].column).is_null()
        return empty | pl.col(f"a:{name}") if name in ("origin_country", "unit") else empty

    conditions = {
        "hs_code": pl.col("c:hs_code").is_not_null(),
        "origin_country": pl.col("c:origin_country").is_not_null(),
        "unit": pl.col("c:unit").is_not_null(),
        "net_mass": _mass().is_not_null(),
        "description": pl.coalesce("c:name_en", "c:name_zh").is_not_null(),
        "on_positive_list": pl.col("c:on_positive_list").is_not_null(),
        "needs_licence": pl.col("c:needs_licence").is_not_null(),
        "content_quantity": pl.col("c:content_quantity_e5").is_not_null() & pl.col("content_unit").is_null(),
    }
    return [
        (pl.col("valid") & lacks(name) & known).fill_null(False).alias(f"f:{name}")
        for name, known in conditions.items()
    ]


def _mass() -> pl.Expr:
    """Grams of the line, null where the catalogue cannot tell."""
    product = pl.col("quantity_e5").cast(pl.Int128) * pl.col("c:unit_mass_g").cast(pl.Int128)
    grams = ((product + E5 // 2) // E5).cast(pl.Int64, strict=False).clip(lower_bound=1)
    same_unit = pl.col("a:unit") | pl.col("c:unit").is_null() | (pl.col("unit") == pl.col("c:unit"))
    fits = pl.col("a:gross_mass") | pl.col("gross_mass_g").is_null() | (pl.col("gross_mass_g") >= grams)
    return pl.when(same_unit & fits).then(grams)


def _completed() -> list[pl.Expr]:
    def take(name: str, value: pl.Expr | str, column: str | None = None) -> pl.Expr:
        """The catalogue value where it fills, else what the line has."""
        target = column or FIELDS[name].column
        return pl.when(f"f:{name}").then(value).otherwise(target).alias(target)

    return [
        take("hs_code", "c:hs_code"),
        take("hs_code", pl.lit("catalogue"), "hs_code_source"),
        take("hs_code", "c:unconfirmed", "code_unconfirmed"),
        take("origin_country", "c:origin_country"),
        take("unit", "c:unit"),
        take("net_mass", _mass()),
        pl.when(pl.col("f:net_mass") & pl.col("gross_mass_g").is_null())
        .then(_mass())
        .otherwise("gross_mass_g")
        .alias("gross_mass_g"),
        take("description", pl.coalesce("c:name_en", "c:name_zh")),
        take("on_positive_list", "c:on_positive_list"),
        take("needs_licence", "c:needs_licence"),
        take("content_quantity", "c:content_quantity_e5"),
        take("content_quantity", "c:content_unit", "content_unit"),
        pl.when("valid").then("c:name_zh").alias("name_zh"),
    ]


def _still_assumed(name: str) -> pl.Expr:
    mark = pl.col(f"a:{name}")
    if name == "gross_mass":
        return (mark | (pl.col("f:net_mass") & pl.col("gross_mass_g").is_null())).alias(name)
    return (mark & ~pl.col(f"f:{name}") if name in ("origin_country", "unit") else mark).alias(name)
