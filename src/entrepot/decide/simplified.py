"""Simplified declaration of market procurement, mode 1039 (trade-modes.md 1.3 rule 6).

With more than five kinds of goods the five of highest value are declared one by one, the rest are merged by
HS chapter under the code of the highest-value kind of the chapter. Goods that bear export duty or need
inspection or a licence are taken out first and declared each on its own line.
"""

import polars as pl

from entrepot.decide.dates import in_force, unconfirmed
from entrepot.law import Law

__all__ = ["DECLARED", "simplified_declaration"]

ON = "declared_on"
EXCLUDED_FIRST = "cn/mode/1039/simplified_excluded_first"
DECLARED = pl.Schema({
    "order_id": pl.String(), "declared_line": pl.Int64(), "hs_code": pl.String(), "value_fen": pl.Int64(),
    "quantity_e5": pl.Int64(), "unit": pl.String(), "kinds": pl.Int64(), "warning": pl.String(),
})  # fmt: skip
"""Columns of a simplified declaration; `kinds` is how many kinds of goods a line stands for. The quantity is summed
within one unit and null where the kinds of a line are counted in several."""


def simplified_declaration(lines: pl.DataFrame, law: Law) -> pl.DataFrame:
    """One row per declared line of each 1039 order (`DECLARED`).

    Needs lines with `order_id`, `declared_on`, `hs_code`, `goods_fen`, `quantity_e5`, `unit`, `needs_licence`. A kind is
    one code. Whether licence, inspection or export duty is involved counts as yes when it is not stated.
    """
    numbered = _placed(_kinds(lines), law)
    merged = ~pl.col("_alone") & (pl.col("_kinds") >= pl.col("_min")) & (pl.col("_place") >= pl.col("_top"))
    single = pl.concat_str(pl.lit("kind "), pl.col("hs_code"), pl.lit(" "), pl.col("_alone").cast(pl.String))
    chapter = pl.concat_str(pl.lit("chapter "), pl.col("hs_code").str.slice(0, 2))
    keyed = numbered.with_columns(_line=pl.when(merged).then(chapter).otherwise(single))
    one_unit = (pl.col("unit").n_unique() == 1) & pl.col("unit").is_not_null().all()
    declared = keyed.group_by("order_id", "_line", maintain_order=True).agg(
        pl.col("hs_code").first(),
        pl.col("value_fen").sum(),
        quantity_e5=pl.when(one_unit).then(pl.col("quantity_e5").sum()),
        unit=pl.when(one_unit).then(pl.col("unit").first()),
        kinds=pl.len().cast(pl.Int64),
        warning=pl.when(pl.col("_unconfirmed").any()).then(pl.lit(f"law.unconfirmed:{EXCLUDED_FIRST}")),
    )
    return declared.with_columns(declared_line=pl.int_range(1, pl.len() + 1).over("order_id")).select(DECLARED.names())


def _kinds(lines: pl.DataFrame) -> pl.DataFrame:
    """The kinds of goods of each order with value and quantity."""
    one_unit = pl.col("unit").n_unique() == 1
    return (
        lines.with_columns(_alone=pl.col("needs_licence").fill_null(value=True))
        .group_by("order_id", "hs_code", "_alone")
        .agg(
            pl.col("goods_fen").sum().alias("value_fen"),
            pl.col(ON).first(),
            quantity_e5=pl.when(one_unit).then(pl.col("quantity_e5").sum()),
            unit=pl.when(one_unit).then(pl.col("unit").first()),
        )
    )


def _placed(kinds: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Kinds in the order they are declared, with their place and how many there are; excluded ones stand apart."""
    excluded_first = in_force(law, EXCLUDED_FIRST).fill_null(value=True)
    ranked = kinds.with_columns(
        _alone=pl.col("_alone") & excluded_first,
        _min=in_force(law, "cn/mode/1039/simplified_min_kinds"),
        _top=in_force(law, "cn/mode/1039/simplified_top_n"),
        _unconfirmed=unconfirmed(law, EXCLUDED_FIRST),
    ).sort(["order_id", "_alone", "value_fen", "hs_code"], descending=[False, False, True, False])
    return ranked.with_columns(
        _kinds=(~pl.col("_alone")).sum().over("order_id"), _place=pl.int_range(pl.len()).over("order_id", "_alone")
    )
