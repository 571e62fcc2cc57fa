"""The last stage of a day: chunks become the files of a result, then the batch is done."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from entrepot import __version__
from entrepot.goods.mapping import Mapping as ColumnMapping
from entrepot.goods.nomenclature import chapter_names
from entrepot.goods.problems import escape_formulas, refused_frames, write_problems_csv, write_refused_csv
from entrepot.goods.schema import PERSONS
from entrepot.messages import ceb
from entrepot.run.batch import Batch, file_hash
from entrepot.run.cancellations import matched_cancellations
from entrepot.run.counts import sum_counts
from entrepot.run.day import Day
from entrepot.run.intake import raw_batches
from entrepot.run.refused import SEALED_ROWS, RefusedSeal
from entrepot.run.report import write_report
from entrepot.run.result import RESULT
from entrepot.run.sealing import KEYS, SEALED_PERSONS
from entrepot.run.summary import build_summary, summary_bytes

if TYPE_CHECKING:
    from entrepot.run.clear import Progress, Request

__all__ = ["finish"]


def finish(
    batch: Batch, request: "Request", day: Day, mapping: ColumnMapping, rows: int, progress: "Progress"
) -> dict[str, Any]:
    """Write `lines.parquet`, `problems.csv`, `refused.csv`, `persons.parquet`, the message index, the summary and
    the report; then mark the batch done and drop the intermediate files. Returns the summary."""
    progress("finish", 0, 1)
    lines = batch.write(batch.folder / "lines.parquet", lambda path: _merge_lines(batch, path))
    _merge_index(batch)
    _merge_persons(batch, day)
    _write_problems(batch)
    _write_message_problems(batch)
    _write_simplified(batch)
    verdicts = dict(pl.scan_parquet(lines).group_by("verdict").len().collect().rows())
    if sum(verdicts.values()) != rows:
        raise RuntimeError(f"{rows} rows came in and {sum(verdicts.values())} went out")
    _write_refused(batch, request, day, mapping, _to_mend(lines))
    about = _about(batch, request, day, mapping, lines)
    summary = build_summary(rows, verdicts.get("invalid", 0), _counts(batch), about)
    batch.write(batch.folder / "report.html", lambda path: write_report(summary, path, chapter_names()))
    batch.write(batch.folder / "summary.json", lambda path: path.write_bytes(summary_bytes(summary)))
    _close(batch)
    progress("finish", 1, 1)
    return summary


def _parts(batch: Batch, pattern: str) -> list[Path]:
    return batch.files(pattern)


def _merge_lines(batch: Batch, path: Path) -> None:
    parts = _parts(batch, "chunk-*.arrow")
    pl.scan_ipc(parts).select(RESULT.names()).sink_parquet(
        path, compression="zstd", compression_level=1, row_group_size=250_000
    )


def _merge_index(batch: Batch) -> None:
    parts = _parts(batch, "chunk-*-index.parquet")
    if parts:
        batch.write(
            batch.folder / "messages" / "index.parquet",
            lambda path: pl.scan_parquet(parts).sink_parquet(path, compression="zstd", compression_level=1),
        )


def _merge_persons(batch: Batch, day: Day) -> None:
    """Personal data in files of their own that only the owner may read; sealed where they are to be."""
    pattern, schema = ("chunk-*-persons.parquet", SEALED_PERSONS) if day.keys else ("intake-*-persons.parquet", PERSONS)
    _merge_private(batch, pattern, schema, batch.folder / "persons.parquet")
    if day.keys:
        _merge_private(batch, "chunk-*-sealed.parquet", ceb.SEALED, batch.folder / "messages" / "sealed.parquet")


def _merge_private(batch: Batch, pattern: str, schema: pl.Schema, path: Path) -> None:
    parts = _parts(batch, pattern)
    merged = pl.scan_parquet(parts).select(schema.names()) if parts else pl.LazyFrame(schema=schema)
    batch.write(path, lambda beside: merged.sink_parquet(beside), private=True)


def _problem_parts(batch: Batch) -> list[Path]:
    return [*batch.files("intake-*-problems.parquet"), *batch.files("chunk-*-problems.parquet")]


def _write_problems(batch: Batch) -> None:
    """All problems, part by part: those found on reading in the order of rows, then those found later."""
    frames = (pl.read_parquet(part).sort("row_id", "field", "code", maintain_order=True) for part in _problem_parts(batch))
    batch.write(batch.folder / "problems.csv", lambda path: write_problems_csv(frames, path))


def _write_message_problems(batch: Batch) -> None:
    """Why documents were not written, one row per broken pre-send rule; no file when all were."""
    parts = [part for part in batch.files("chunk-*-messages.parquet") if pl.scan_parquet(part).select(pl.len()).collect().item()]
    frames = (pl.read_parquet(part).sort("order_id", "kind", "item", "rule", "element", maintain_order=True) for part in parts)
    if parts:
        batch.write(batch.folder / "message_problems.csv", lambda path: write_problems_csv(frames, path))


def _write_simplified(batch: Batch) -> None:
    """The simplified declarations of market-procurement orders; no file when there are none."""
    parts = _parts(batch, "chunk-*-simplified.parquet")
    declared = pl.scan_parquet(parts).collect() if parts else pl.DataFrame()
    if declared.height:
        in_cny = (pl.col("value_fen").cast(pl.Decimal(38, 2)) / 100).cast(pl.Decimal(38, 2)).alias("value_cny")
        shown = escape_formulas(declared.sort("order_id", "declared_line").with_columns(in_cny).drop("value_fen"))
        batch.write(batch.folder / "declarations_1039.csv", shown.write_csv)


def _to_mend(lines: Path) -> pl.DataFrame:
    """Rows that were refused, and the good rows of their orders: an order is mended and fed back whole."""
    waits = pl.col("reasons").list.contains("release.order-incomplete")
    wanted = pl.scan_parquet(lines).filter((pl.col("verdict") == "invalid") | waits)
    return wanted.select("row_id", "order_id", "buyer_key").collect()


def _write_refused(
    batch: Batch, request: "Request", day: Day, mapping: ColumnMapping, rows: pl.DataFrame
) -> None:
    """Refused orders as they came, to be mended and fed back; read once more from the inputs.

    They hold personal data when the inputs do, so they are sealed row by row, or only the owner may read them.
    """
    if rows.is_empty():
        return
    problems = pl.scan_parquet(_problem_parts(batch)).select("row_id", "message_en", "message_zh").collect()
    found = _refused(batch, request, mapping, rows.get_column("row_id"))
    if day.keys:
        seal = RefusedSeal(rows, batch.files("chunk-*-persons.parquet"), day.keys)
        frames = refused_frames(found, problems)
        batch.write(batch.folder / SEALED_ROWS, lambda beside: seal.write(frames, beside), private=True)
    else:
        path = batch.folder / "refused.csv"
        batch.write(path, lambda beside: write_refused_csv(found, problems, beside), private=True)


def _refused(batch: Batch, request: "Request", mapping: ColumnMapping, row_ids: pl.Series) -> Iterator[pl.DataFrame]:
    for first, raw in raw_batches(request.inputs, mapping):
        numbered = raw.frame.with_columns(
            row_id=pl.int_range(first, first + raw.frame.height, dtype=pl.Int64, eager=True)
        )
        found = numbered.filter(pl.col("row_id").is_in(row_ids.implode()))
        if found.height:
            yield found


def _counts(batch: Batch) -> dict[str, Any]:
    return sum_counts(json.loads(part.read_text(encoding="utf-8")) for part in _parts(batch, "chunk-*-counts.json"))


def _about(batch: Batch, request: "Request", day: Day, mapping: ColumnMapping, lines: Path) -> dict[str, Any]:
    """What the summary says of how it came about."""
    steps: Mapping[str, Any] = batch.manifest["steps"]
    intake = [note for name, note in steps.items() if name.startswith("intake-")]
    codes = pl.scan_parquet(_problem_parts(batch)).group_by("code").len() if _problem_parts(batch) else None
    by_code = codes.collect().rows() if codes is not None else []
    counts = _counts(batch)
    return {
        "by_problem": dict(sorted(by_code, key=lambda pair: (-pair[1], pair[0]))),
        "defaults_used": sum_counts(note["defaults"] for note in intake),
        "cancellations": matched_cancellations(batch, lines),
        "messages": _messages(counts.get("messages", {}), request.kinds),
        "messages_sendable": day.sender.sendable,
        "messages_not_signed": [
            kind for kind in request.kinds if ceb.message_kind(kind).signed and not day.signer.signs
        ],
        "sender_note": day.sender.note,
        "mapping": mapping.name,
        "notes": [dict(note) for note in mapping.notes],
        "inputs": [
            {**entry, "rows": sum(note["rows"] for note in intake if note["source"] == entry["name"])}
            for entry in batch.manifest["identity"]["inputs"]
        ],
        "law_hash": day.law.hash,
        "law_checked_until": str(day.law.checked_until),
        "code_version": __version__,
    }


def _messages(written: Mapping[str, int], kinds: tuple[str, ...]) -> dict[str, dict[str, int]]:
    return {
        kind: {"documents": written[f"documents-{kind}"], "messages": written[f"messages-{kind}"]}
        for kind in kinds
        if f"documents-{kind}" in written
    }


def _close(batch: Batch) -> None:
    """Enter the hashes of the result files, mark the batch done, drop the work folder."""
    files = sorted(
        path
        for path in batch.folder.rglob("*")
        if path.is_file() and batch.work not in path.parents and path.name not in ("manifest.json", KEYS)
    )
    if "keys" in batch.manifest["steps"]:  # from now on keys may be destroyed, which changes no result
        del batch.manifest["steps"]["keys"]["files"]
    batch.manifest["files"] = {str(path.relative_to(batch.folder)): file_hash(path) for path in files}
    batch.manifest["state"] = "done"
    batch.save()
    batch.drop_work()
