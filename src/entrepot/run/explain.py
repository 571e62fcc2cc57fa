"""Why a line was decided as it was: the same functions on the stored inputs with the stored law.

The rerun must give what was stored, or the explanation fails: an explanation of another answer explains nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from entrepot.decide.chain import ORDER_COLUMNS, decide_orders, valued, without_rate
from entrepot.decide.consequences import consequences
from entrepot.decide.limits import limit_rules
from entrepot.decide.mode import RANKED, choice_rules, form_rules, mode_rules, option_column
from entrepot.decide.orders import join_orders
from entrepot.decide.release import add_release, reason_rules
from entrepot.decide.rules import Check, Rule, trace
from entrepot.decide.tax import add_tax, add_tax_facts, tax_rules
from entrepot.goods.errors import CallError, EntrepotError, InputError
from entrepot.goods.texts import told
from entrepot.law import Law
from entrepot.run.batch import file_hash, read_manifest
from entrepot.run.cited import cited
from entrepot.run.result import AMOUNTS, DECIDED, as_result, as_working

__all__ = ["ExplanationDiffersError", "explain", "stored_law"]

UNDECIDED = ("release.invalid", "release.cancellation")


class ExplanationDiffersError(EntrepotError):
    """The rerun gave another answer than the one stored: the batch or the code was changed."""


def explain(
    folder: Path, order_id: str, line_no: int | None = None, *, row_ids: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """One explanation per line of an order (or of one line of it), as plain data.

    Who knows them gives `row_ids`, those of all lines of the order and of its buyer, which saves looking through the
    batch for them; were any missing, the rerun would differ. Raises CallError for an order or line that is not in the
    batch, InputError when the folder is no finished batch, ExplanationDiffersError when the rerun differs from what is
    stored.
    """
    law = stored_law(folder)
    known = pl.col("row_id").is_in(list(row_ids)) if row_ids is not None else pl.lit(value=True)
    stored = _stored_lines(folder, known & (pl.col("order_id") == order_id))
    if stored.is_empty():
        raise told(CallError, "batch.no-order", order=repr(order_id), folder=folder, files="lines.parquet, problems.csv")
    lines = stored if line_no is None else stored.filter(pl.col("line_no") == line_no)
    if lines.is_empty():
        have = ", ".join(str(number) for number in stored.get_column("line_no").sort().to_list())
        raise told(CallError, "batch.no-line", order=repr(order_id), line=line_no, have=have)
    settled = pl.col("release_rule").is_in(UNDECIDED)
    plain = [_undecided(folder, row) for row in lines.filter(settled).iter_rows(named=True)]
    decided = lines.filter(~settled)
    explained = plain + (_decided(folder, law, decided, known) if decided.height else [])
    _untouched(folder)
    return explained


def _untouched(folder: Path) -> None:
    """Fail when what was read is not what the batch wrote, even where the rerun agrees with it."""
    written = read_manifest(folder)["files"]
    for name in ("lines.parquet", "balances.parquet"):
        path = folder / name
        if name in written and (not path.is_file() or _hash_of(path, path.stat().st_size, path.stat().st_mtime_ns) != written[name]):
            raise told(ExplanationDiffersError, "explain.other-file", file=path)


@lru_cache(maxsize=8)
def _hash_of(path: Path, size: int, changed_ns: int) -> str:
    """The hash of a file, made once while its size and times stay the same."""
    return file_hash(path)


def stored_law(folder: Path) -> Law:
    """The law a finished batch was decided with.

    Raises InputError when the batch is not finished, ExplanationDiffersError when the stored law is another one.
    """
    manifest = read_manifest(folder)
    if manifest["state"] != "done":
        raise told(InputError, "batch.not-finished", folder=folder)
    snapshot = folder / "law.json"
    if not snapshot.is_file() or file_hash(snapshot) != manifest["identity"]["law"]:
        raise told(ExplanationDiffersError, "explain.other-law", file=snapshot)
    return _law_of(snapshot.read_bytes())


@lru_cache(maxsize=4)
def _law_of(snapshot: bytes) -> Law:
    """A law is the same wherever it is stored: explaining many lines reads it once."""
    return Law.from_snapshot(snapshot)


def _stored_lines(folder: Path, where: pl.Expr) -> pl.DataFrame:
    path = folder / "lines.parquet"
    try:
        return pl.scan_parquet(path).filter(where).collect().sort("line_no", "row_id")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise told(InputError, "batch.unreadable", file=path, reason=" ".join(str(error).split())[:200]) from None


def _undecided(folder: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row that was refused as bad data, or a cancellation: its problems instead of rules."""
    problems = pl.read_csv(folder / "problems.csv", infer_schema=False)
    mine = problems.filter(pl.col("row_id") == str(row["row_id"]))
    settled = {
        "release.invalid": ("invalid", mine.height > 0),
        "release.cancellation": ("hold", row["line_kind"] == "cancellation"),
    }
    if settled[row["release_rule"]] != (row["verdict"], True) or row["mode"] is not None:
        raise _differs("verdict")
    return {**_head(row), "steps": [], "problems": mine.to_dicts()}


def _head(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = (
        "order_id",
        "line_no",
        "direction",
        "declared_on",
        "description",
        "hs_code",
        "source_file",
        "row",
        "verdict",
        "lane",
        "release_rule",
        "mode",
        "mode_rule",
        "tax_rule",
        "reasons",
        "warnings",
        *AMOUNTS.values(),
    )
    return {name: row[name] for name in shown}


def _decided(folder: Path, law: Law, lines: pl.DataFrame, known: pl.Expr) -> list[dict[str, Any]]:
    group = _group(folder, lines, known)
    working = as_working(group).drop(DECIDED.keys(), strict=False)
    balances = folder / "balances.parquet"
    priced, _ = without_rate(working, law)
    values = valued(priced, law)
    orders = decide_orders(values, law, pl.read_parquet(balances) if balances.exists() else None)
    joined = join_orders(values, orders, ORDER_COLUMNS)
    facts = add_release(add_tax(add_tax_facts(joined, law), law), law)
    _same(as_result(facts), group)
    wanted = facts.filter(pl.col("row_id").is_in(lines.get_column("row_id").implode()))
    order = orders.filter(pl.col("order_id") == lines.item(0, "order_id"))
    broken = _message_problems(folder, lines.item(0, "order_id"))
    return [{**_explained(law, order, wanted[place]), "problems": broken} for place in range(wanted.height)]


def _message_problems(folder: Path, order_id: str) -> list[dict[str, Any]]:
    """The pre-send rules that kept this order's messages from being written, in the shape of problems."""
    path = folder / "message_problems.csv"
    if not path.is_file():
        return []
    broken = pl.scan_csv(path, infer_schema=False).filter(pl.col("order_id").is_in([order_id, f"'{order_id}"])).collect()
    return broken.select(pl.col("element").alias("field"), pl.col("rule").alias("code"), "message_en", "message_zh").to_dicts()


def _group(folder: Path, lines: pl.DataFrame, known: pl.Expr) -> pl.DataFrame:
    """All lines that were decided together with these: of the order, and of a buyer with a yearly limit."""
    first = lines.row(0, named=True)
    same = pl.col("order_id") == first["order_id"]
    if first["direction"] == "import" and first["buyer_key"]:
        same = (pl.col("direction") == "import") & (pl.col("buyer_key") == first["buyer_key"])
    return _stored_lines(folder, known & same & ~pl.col("release_rule").is_in(UNDECIDED))


def _same(again: pl.DataFrame, stored: pl.DataFrame) -> None:
    """Fail naming the first decision column that came out differently."""
    columns = [AMOUNTS.get(name, name) for name in DECIDED]
    left, right = again.sort("row_id").select(columns), stored.sort("row_id").select(columns)
    for column in columns:
        if not left.get_column(column).equals(right.get_column(column), null_equal=True):
            raise _differs(column)


def _differs(column: str) -> ExplanationDiffersError:
    return told(ExplanationDiffersError, "explain.differs", column=column)


def _explained(law: Law, order: pl.DataFrame, line: pl.DataFrame) -> dict[str, Any]:
    """The steps of one line: every rule tried, its figures, its law."""
    row = as_result(line).row(0, named=True)
    tables = mode_rules(law)
    seen = {**line.row(0, named=True), **order.row(0, named=True), "ct_class": line.row(0, named=True).get("ct_class")}
    reasons = [
        Check(rule.id, "no", rule.id in row["reasons"], rule.id == row["release_rule"], {}, rule.law)
        for rule in reason_rules()
    ]
    steps = [
        {"step": "value", "decides": row["rate_kind"], "checks": [], "figures": _figures(row)},
        _step("limits", law, seen, trace(order, limit_rules(law))),
        _step("mode", law, seen, trace(order, choice_rules(tables))),
        *(
            {
                **_step(f"option {mode}", law, {**seen, "mode": mode}, trace(order, tables[mode])),
                "taken": mode == row["mode"],
                "decides": row[option_column(mode)],
                "consequences": asdict(consequences(law, mode, row["direction"], row["declared_on"])),
            }
            for mode in RANKED
        ),
        _step("form", law, seen, trace(order, form_rules(law))),
        {**_step("tax", law, seen, trace(line, tax_rules(law))), "figures": _taxes(line.row(0, named=True))},
        {**_step("release", law, seen, reasons), "decides": row["release_rule"]},
    ]
    return {**_head(row), "steps": steps}


def _figures(row: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    fen = ("goods_fen", "freight_fen", "insurance_fen", "price_fen")
    rate = {"rate_cny": (row["rate_cny_e6"], "e6"), "rate_units": (row["rate_units_e6"], "e6")}
    return {name.removesuffix("_fen"): (row[name], "fen") for name in fen} | rate


def _taxes(row: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    return {shown: (row[name], "fen") for name, shown in AMOUNTS.items()}


def _step(name: str, law: Law, row: Mapping[str, Any], checks: Sequence[Check]) -> dict[str, Any]:
    decides = next((check.rule for check in checks if check.decides), None)
    return {"step": name, "decides": decides, "checks": [_check(law, row, check) for check in checks]}


def _check(law: Law, row: Mapping[str, Any], check: Check) -> dict[str, Any]:
    return {
        "rule": check.rule,
        "answer": check.answer,
        "held": check.held,
        "decides": check.decides,
        "numbers": dict(check.numbers),
        "law": [cited(law, path, row) for path in check.law],
    }


def rules_of(law: Law) -> list[Rule]:
    """Every rule of every table, for the test that each has its texts."""
    tables = mode_rules(law)
    modes = [rule for rules in tables.values() for rule in rules]
    return [*modes, *choice_rules(tables), *form_rules(law), *limit_rules(law), *tax_rules(law), *reason_rules()]
