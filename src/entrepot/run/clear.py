"""The main job: a day of orders in, every line decided, lists, reasons and a report out.

Stages: take in (files to typed lines), check orders, decide chunk by chunk, finish. Each stage leaves files
that are put in place whole and entered in the manifest, so a killed run goes on where it stopped.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from entrepot import __version__
from entrepot.goods.catalogue import Catalogue
from entrepot.goods.errors import CallError, InputError
from entrepot.goods.mapping import Mapping as ColumnMapping
from entrepot.goods.mapping import load_mapping
from entrepot.goods.nomenclature import Nomenclature
from entrepot.law import Law
from entrepot.law.customs_rate import read_rates
from entrepot.messages import ceb
from entrepot.run.balances import read_balances
from entrepot.run.batch import SEALED, Batch, file_hash, open_batch
from entrepot.run.day import Day, decide_chunk
from entrepot.run.finish import finish
from entrepot.run.home import Home, open_home
from entrepot.run.intake import Intake, shown_names, take_in
from entrepot.run.orders_check import Checked, check_orders
from entrepot.run.sealing import KEYS, PURPOSE, Keys, make_keys
from entrepot.run.summary import read_summary
from entrepot.run.workers import in_order

__all__ = ["KINDS", "Progress", "Request", "clear"]

Progress = Callable[[str, int, int | None], None]
"""Called with the stage, how many more rows are done, and how many there are (when known)."""

KINDS = ("303", "603", "621")
ROWS_PER_CHUNK = 200_000


def silent(stage: str, done: int, total: int | None) -> None:
    """Progress nobody looks at."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks of `entrepot clear`; paths as given, nothing read yet."""

    inputs: tuple[Path, ...]
    out: Path
    mapping: str | None = None
    catalogues: tuple[Path, ...] = ()
    nomenclatures: tuple[Path, ...] = ()
    law_folders: tuple[Path, ...] = ()
    rates: Path | None = None
    balances: Path | None = None
    sender: Path | None = None
    signer: str = "auto"
    kinds: tuple[str, ...] = KINDS
    sample_ppm: int = 10_000
    message_time: str | None = None
    home: Path | None = None
    seal: bool = False


@dataclass(frozen=True, slots=True)
class _Opened:
    """Everything a request names, read and checked before the first row."""

    home: Home
    mapping: ColumnMapping
    catalogue: Catalogue
    nomenclature: Nomenclature
    law: Law
    balances: pl.DataFrame | None
    sender: ceb.Sender
    signer: ceb.Signer


def clear(request: Request, progress: Progress = silent) -> dict[str, Any]:
    """Clear the orders of a request into its batch folder and return the summary.

    Raises CallError (wrong call), InputError (input unusable) or WorldError; never for a bad row.
    A folder whose batch is done is answered from what it holds.
    """
    _check_inputs(request)
    opened = _open(request)
    with open_batch(request.out, _identity(request, opened)) as batch:
        if batch.done:
            batch.verify()
            return read_summary(batch.folder / "summary.json")
        return _cleared(batch, request, opened, progress)


def _cleared(batch: Batch, request: Request, opened: _Opened, progress: Progress) -> dict[str, Any]:
    (batch.folder / "messages").mkdir(mode=0o700, exist_ok=True)  # import lists name their buyers
    _store_inputs(batch, opened)
    rows = _take_in(batch, request, opened, progress)
    day = _day(batch, request, opened, check_orders(batch, rows))
    if request.seal:
        day = replace(day, keys=_keys(batch, opened.home))
    _decide(batch, day, rows, progress)
    return finish(batch, request, day, opened.mapping, rows, progress)


def _check_inputs(request: Request) -> None:
    if not request.inputs:
        raise CallError("no orders given: name at least one CSV, XLSX, JSON Lines or Parquet file")
    unknown = [kind for kind in request.kinds if kind not in KINDS]
    if unknown:
        raise CallError(f"message kind {unknown[0]!r} is not written: use one or more of {', '.join(KINDS)}")
    if request.message_time is not None and not _is_moment(request.message_time):
        raise CallError(
            f"message time {request.message_time!r}: give YYYYMMDDhhmmss in China time, such as 20260310120000"
        )
    for path in (*request.inputs, request.out):
        if str(path) != str(path).encode(errors="ignore").decode():
            raise CallError(f"{str(path)!r}: the name is not UTF-8; rename it first")


def _is_moment(given: str) -> bool:
    try:
        return f"{datetime.strptime(given, '%Y%m%d%H%M%S'):%Y%m%d%H%M%S}" == given
    except ValueError:
        return False


def _open(request: Request) -> _Opened:
    home = open_home(request.home)
    mapping = load_mapping(request.mapping)
    law = Law.load(*request.law_folders)
    if request.rates:
        law = read_rates(request.rates, law)
    return _Opened(
        home,
        mapping,
        Catalogue.load(request.catalogues, mapping),
        Nomenclature.load(request.nomenclatures),
        law,
        read_balances(request.balances, home.key("buyer")) if request.balances else None,
        ceb.Sender.load(request.sender) if request.sender else ceb.Sender.placeholder(),
        _signer(request.signer, home),
    )


def _signer(name: str, home: Home) -> ceb.Signer:
    if ":" in name:
        return ceb.load_signer(name)
    if name not in ("auto", "none", "rsa"):
        raise CallError(f"signer {name!r} is not known: use auto (what must be signed), none, rsa, or package.module:factory")
    return ceb.NoSigner() if name == "none" else ceb.make_test_key(home.folder)


def _identity(request: Request, opened: _Opened) -> dict[str, Any]:
    """Hashes of everything the results depend on."""

    def small(value: object) -> str:
        return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()

    files = {
        name: file_hash(path) if path else None
        for name, path in (("rates", request.rates), ("balances", request.balances), ("sender", request.sender))
    }
    return {
        "code_version": __version__,
        "inputs": [_input(*named) for named in zip(request.inputs, shown_names(request.inputs), strict=True)],
        "law": opened.law.hash,
        "mapping": small(repr(opened.mapping)),
        "catalogue": _frame_hash(opened.catalogue.frame),
        "nomenclature": _frame_hash(opened.nomenclature.frame),
        "installation": opened.home.fingerprint,
        "files": files,
        "options": small([request.kinds, request.signer, request.sample_ppm, request.message_time]),
        **({SEALED: True} if request.seal else {}),
    }


def _frame_hash(frame: pl.DataFrame) -> str:
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()


def _input(path: Path, name: str) -> dict[str, Any]:
    if path.is_dir():
        raise InputError(f"{path} is a folder: name the files in it")
    if not path.exists():
        raise InputError(f"{path} does not exist")
    if not path.is_file():
        raise InputError(f"{path} is a pipe or a device: save what it gives as a file first")
    return {"name": name, "bytes": path.stat().st_size, "sha256": file_hash(path)}


def _store_inputs(batch: Batch, opened: _Opened) -> None:
    """Keep the law and the opening balances with the batch: an explanation needs nothing else."""
    batch.write(batch.folder / "law.json", lambda path: path.write_bytes(opened.law.snapshot()))
    balances, frame = batch.folder / "balances.parquet", opened.balances
    if frame is None:
        balances.unlink(missing_ok=True)
    else:
        batch.write(balances, lambda path: frame.write_parquet(path))


def _take_in(batch: Batch, request: Request, opened: _Opened, progress: Progress) -> int:
    intake = Intake(
        opened.mapping, opened.catalogue, opened.nomenclature, opened.home.key("buyer"), inputs=request.inputs
    )
    if "intake" in batch.manifest["steps"]:
        return int(batch.manifest["steps"]["intake"]["rows"])
    rows = take_in(batch, intake, lambda done: progress("read", done, None))
    if not rows:
        raise InputError(f"{request.inputs[0]}: no rows; nothing to clear")
    for path, known in zip(request.inputs, batch.manifest["identity"]["inputs"], strict=True):
        if not path.is_file() or path.stat().st_size != known["bytes"]:
            raise InputError(f"{path} changed while it was read: let its writer end, then run the same command again")
    return int(batch.step("intake", lambda: {"rows": rows})["rows"])


def _keys(batch: Batch, home: Home) -> Keys:
    """The keys of the batch's persons, made once: what was sealed under others is made anew."""
    path = batch.folder / KEYS

    def make() -> dict[str, Any]:
        batch.forget("chunk-")
        parts = batch.files("intake-*-persons.parquet")
        persons = int(pl.scan_parquet(parts).select(pl.len()).collect().item()) if parts else 0
        batch.write(path, lambda beside: make_keys(beside, persons), private=True)
        return {"persons": persons, "files": dict([batch.noted(path)])}

    batch.step("keys", make)
    return Keys(path, home.key(PURPOSE))


def _day(batch: Batch, request: Request, opened: _Opened, checked: Checked) -> Day:
    last = (
        pl.scan_parquet(batch.files("intake-*-lines.parquet"))
        .filter("valid")
        .select(pl.col("declared_on").max())
    )
    day = last.collect().item()
    return Day(
        opened.law,
        checked,
        opened.balances,
        opened.home.key("sample"),
        request.sample_ppm,
        request.kinds,
        opened.sender,
        opened.signer,
        request.signer == "rsa",
        request.message_time or (f"{day:%Y%m%d}000000" if day else "20000101000000"),
    )


def _decide(batch: Batch, day: Day, rows: int, progress: Progress) -> None:
    """Decide every chunk that is not yet noted; two at a time, so that formatting and deciding overlap."""
    count = max(1, -(-rows // ROWS_PER_CHUNK))
    names = [f"chunk-{number:05d}" for number in range(count)]
    missing = [number for number in range(count) if names[number] not in batch.manifest["steps"]]
    progress(
        "decide", sum(batch.manifest["steps"][name]["rows"] for name in names if name in batch.manifest["steps"]), rows
    )
    for number, note in in_order(missing, lambda number: decide_chunk(batch, day, number, count)):
        batch.note(names[number], note)
        progress("decide", note["rows"], rows)
