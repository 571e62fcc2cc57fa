"""The columns of a result, `lines.parquet`: what was given, what was decided, and why.

Amounts are `decimal(18,2)` CNY at this edge; inside they are integers of fen. Null is unknown.
"""

import polars as pl

from entrepot.decide.mode import MODES, option_column
from entrepot.decide.tax import TAXES
from entrepot.goods.schema import LINE

__all__ = ["AMOUNTS", "DECIDED", "FACTS", "RESULT", "as_result", "as_working"]

MONEY = pl.Decimal(18, 2)
AMOUNTS = {"duty_fen": "duty", "consumption_tax_fen": "consumption_tax", "vat_fen": "vat", "tax_total_fen": "tax_total"}
"""Working column of each tax to its column in the result."""

FACTS: dict[str, pl.DataType] = {
    "code_status": pl.String(),
    "order_incomplete": pl.Boolean(),
    "waybill_reused": pl.Boolean(),
    "cancelled": pl.Boolean(),
    "message_rule": pl.String(),
    "sampled": pl.Boolean(),
}
"""Facts a decision reads that are not in the file: settled once, stored with the line."""

DECIDED: dict[str, pl.DataType] = {
    "goods_value_e5": pl.Int64(),
    "goods_fen": pl.Int64(),
    "freight_fen": pl.Int64(),
    "insurance_fen": pl.Int64(),
    "price_fen": pl.Int64(),
    "rate_kind": pl.String(),
    "rate_cny_e6": pl.Int64(),
    "rate_units_e6": pl.Int64(),
    "listed": pl.Boolean(),
    "spent_fen": pl.Int64(),
    "order_price_fen": pl.Int64(),
    "limit_rule": pl.String(),
    "mode": pl.String(),
    "mode_rule": pl.String(),
    "mode_choice": pl.String(),
    "form_rule": pl.String(),
    "list_form": pl.String(),
    "code_digits": pl.Int64(),
    **{option_column(mode): pl.String() for mode in MODES},
    "tax_rule": pl.String(),
    **dict.fromkeys(TAXES, pl.Int64()),
    "verdict": pl.String(),
    "lane": pl.String(),
    "release_rule": pl.String(),
    "reasons": pl.List(pl.String()),
    "warnings": pl.List(pl.String()),
}
"""Decision columns while working; a rerun must give the same."""

RESULT = pl.Schema(
    {
        **{name: dtype for name, dtype in LINE.items() if name != "valid"},
        **FACTS,
        **{AMOUNTS.get(name, name): MONEY if name in AMOUNTS else dtype for name, dtype in DECIDED.items()},
    }
)


def as_result(lines: pl.DataFrame) -> pl.DataFrame:
    """Working columns to result columns; a column that was never decided is null."""
    have = set(lines.columns)
    columns = []
    for name, dtype in {**LINE, **FACTS, **DECIDED}.items():
        if name == "valid":
            continue
        value = pl.col(name) if name in have else pl.lit(None, dtype)
        money = (value.cast(MONEY) / 100).cast(MONEY) if name in AMOUNTS else value.cast(dtype)
        columns.append(money.alias(AMOUNTS.get(name, name)))
    return lines.select(columns)


def as_working(result: pl.DataFrame) -> pl.DataFrame:
    """Result columns back to working columns, amounts in fen again."""
    fen = [(pl.col(shown) * 100).cast(pl.Int64).alias(name) for name, shown in AMOUNTS.items()]
    return result.with_columns(fen).drop(AMOUNTS.values())
