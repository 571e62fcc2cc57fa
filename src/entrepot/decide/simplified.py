"""Simplified declaration of market procurement, mode 1039 (trade-modes.md 1.3 rule 6).

With more than five kinds of goods the five of highest value are declared one by one, the rest are merged by
HS chapter under the code of the highest-value kind of the chapter. Goods that bear export duty or need
inspection or a licence are taken out first and declared each on its own line.
"""

import polars as pl

from entrepot.law import Law

__all__ = ["DECLARED", "simplified_declaration"]

ON = "declared_on"
DECLARED = pl.Schema({"order_id": pl.String(), "declared_line": pl.Int64(), "hs_code": pl.String(), "value_fen": pl.Int64(),
                      "kinds": pl.Int64()})
"""Columns of a simplified declaration; `kinds` is how many kinds of goods a line stands for."""


def simplified_declaration(lines: pl.DataFrame, law: Law) -> pl.DataFrame:
    """One row per declared line of each 1039 order: `order_id`, `declared_line`, `hs_code`, `value_fen`, `kinds`.

    Needs lines with `order_id`, `declared_on`, `hs_code`, `goods_fen`, `needs_licence`. A kind is one code.
    Quantities are not merged here: they add up only within one unit.
    """
    kinds = lines.group_by("order_id", "hs_code", "needs_licence").agg(
        pl.col("goods_fen").sum().alias("value_fen"), pl.col(ON).first())
    alone = pl.col("needs_licence").fill_null(value=False)
    limits = kinds.with_columns(
        _alone=alone, _min=law.on("cn/mode/1039/simplified_min_kinds", ON),
        _top=law.on("cn/mode/1039/simplified_top_n", ON)).sort(
        ["order_id", "_alone", "value_fen", "hs_code"], descending=[False, False, True, False])
    counted = limits.with_columns(
        _kinds=(~pl.col("_alone")).sum().over("order_id"),
        _place=pl.int_range(pl.len()).over("order_id", "_alone"))
    merged = ~pl.col("_alone") & (pl.col("_kinds") >= pl.col("_min")) & (pl.col("_place") >= pl.col("_top"))
    single = pl.concat_str(pl.lit("kind "), pl.col("hs_code"), pl.lit(" "), pl.col("_alone").cast(pl.String))
    keyed = counted.with_columns(_line=pl.when(merged).then(
        pl.concat_str(pl.lit("chapter "), pl.col("hs_code").str.slice(0, 2))).otherwise(single))
    declared = keyed.group_by("order_id", "_line", maintain_order=True).agg(
        pl.col("hs_code").first(), pl.col("value_fen").sum(), kinds=pl.len().cast(pl.Int64))
    numbered = declared.with_columns(declared_line=pl.int_range(1, pl.len() + 1).over("order_id"))
    return numbered.select("order_id", "declared_line", "hs_code", "value_fen", "kinds")
