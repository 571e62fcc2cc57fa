"""Pages of the list over HTTP with many lines behind them, and the rate of an upload: part of `script/bench desk`."""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from bench.process import Facts, JobError
from bench.served import Served, client
from bench.shelf import DAY
from bench.shelf_lines import make_batch
from entrepot.run.shelf import SORTS, Entry, Shelf, shelve
from entrepot.run.shelf.cursor import Cursor, Order

__all__ = ["PAGES", "list_pages", "made_batch", "upload_rate"]

BAR_NUMBER_MS, BAR_OTHER_MS = 100, 1000
SEED = 3
WARM = 3
Row = Mapping[str, Any]


def _deep(order: str, **more: str) -> Callable[[Row], dict[str, str]]:
    def asked(row: Row) -> dict[str, str]:
        place = Cursor(Order(order, False), tuple(row[name] for name in SORTS[order]), row["batch"], row["row_id"]).text()
        return {"sort": order, "after": place, **more}

    return asked


PAGES: dict[str, tuple[int, Callable[[Row], dict[str, str]]]] = {
    "first page": (BAR_NUMBER_MS, lambda row: {}),
    "page after a line, default order": (BAR_NUMBER_MS, _deep("default")),
    "page after a line by order": (BAR_NUMBER_MS, _deep("order")),
    "page after a line by waybill": (BAR_NUMBER_MS, _deep("waybill")),
    "one order": (BAR_NUMBER_MS, lambda row: {"order": row["order_id"]}),
    "one waybill": (BAR_NUMBER_MS, lambda row: {"waybill": row["waybill_no"] or "none"}),
    "page after a line by value": (BAR_OTHER_MS, _deep("value")),
    "words of a product": (BAR_OTHER_MS, lambda row: {"text": row["description"]}),
    "a party's name by day": (BAR_OTHER_MS, lambda row: {"party": row["seller_name"], "sort": "day"}),
    "held, by tax": (BAR_OTHER_MS, lambda row: {"verdict": "hold", "sort": "-tax"}),
}
"""Kinds of pages: how long each may take, and the question for a line drawn by lot."""


def made_batch(home: Path, served: Served, lines: int, keep: Path | None) -> Shelf:
    """Lay so many made-up lines behind the desk's list; with `keep` the shelf is there for the next run too."""
    place = home / "desk" / "shelves" / served.batch
    source = (keep or home) / f"pages-{lines}"
    if not (source / "shelf").is_dir():
        make_batch(source / "batch", 0, lines, DAY)
        shelve(source / "batch", source / "shelf")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source / "shelf", place, copy_function=os.link if _same_disk(source, place.parent) else shutil.copy2)
    return Shelf([Entry(Path(served.batch).name, place, 1)])


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def list_pages(served: Served, shelf: Shelf, runs: int) -> Facts:
    """Milliseconds of each kind of page: of the API, and of the web page a signed-in person gets."""
    draw, total = Random(SEED), shelf.count()[0]
    places = [draw.randrange(total) for _ in range(runs + WARM)]
    batch = Path(served.batch).name
    rows = [shelf.rows_at(batch, [place])[0] for place in places]
    facts: Facts = {"lines": total}
    for name, (bar_ms, asked) in PAGES.items():
        facts[name] = {"bar_ms": bar_ms}
        for way, path, headers in (
            ("api", "/api/v1/consignments", {"Authorization": f"Bearer {served.key}"}),
            ("page", "/consignments/", {"Cookie": f"sessionid={served.session}"}),
        ):
            facts[name] |= {f"{way}_{part}": ms for part, ms in _timed(served, path, headers, [asked(row) for row in rows]).items()}
    return facts


def _timed(served: Served, path: str, headers: dict[str, str], asked: Sequence[dict[str, str]]) -> Facts:
    connection, taken = client(served.port), []
    for query in asked:
        start = perf_counter()
        _get(connection, f"{path}?{urlencode(query)}", headers)
        taken.append(1000 * (perf_counter() - start))
    taken = sorted(taken[WARM:])
    return {f"p{part}_ms": round(taken[min(len(taken) - 1, len(taken) * part // 100)], 1) for part in (50, 99)}


def _get(connection: HTTPConnection, path: str, headers: dict[str, str]) -> None:
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200 or (b"consign" not in answer and b"items" not in answer):
        raise JobError(f"{path[:80]} answered {response.status}: {answer[:300]!r}")


def upload_rate(served: Served, megabytes: int) -> Facts:
    """Megabytes a second of one file sent in pieces through the API until it is hashed and looked at; and of writing the
    same bytes to the same disk."""
    line = b"O-%09d,1,porcelain mug,2,6.50,USD,US,Avery Specimen,691110,0.76\n"
    head = b"order_id,line_no,description,quantity,unit_price,currency,buyer_country,buyer_name,hs_code,net_mass\n"
    wanted = megabytes * 1_000_000
    data = head + b"".join(line % number for number in range(wanted // len(line % 0)))
    connection, headers = client(served.port), {"Authorization": f"Bearer {served.key}"}
    start = perf_counter()
    upload = _sent(connection, "POST", "/api/v1/uploads", headers, {"name": "bench.csv", "bytes_total": len(data)})
    piece = upload["piece_bytes_most"]
    for offset in range(0, len(data), piece):
        _sent(connection, "PUT", f"/api/v1/uploads/{upload['id']}/pieces/{offset}", headers, data[offset : offset + piece])
    done = _sent(connection, "POST", f"/api/v1/uploads/{upload['id']}/finish", headers, {})
    seconds = perf_counter() - start
    if done["bytes_received"] != len(data) or done["kind"] != "text":
        raise JobError(f"the upload came out as {done}")
    return {"megabytes": round(len(data) / 1e6), "mb_per_second": round(len(data) / 1e6 / seconds),
            "disk_mb_per_second": round(len(data) / 1e6 / _written(data, served.home))}  # fmt: skip


def _written(data: bytes, folder: Path) -> float:
    """Seconds to write the same bytes as plainly as can be, to the disk."""
    path = folder / "plain"
    start = perf_counter()
    with path.open("wb") as target:
        target.write(data)
        os.fsync(target.fileno())
    seconds = perf_counter() - start
    path.unlink()
    return seconds


def _sent(connection: HTTPConnection, method: str, path: str, headers: dict[str, str], body: bytes | dict[str, Any]) -> Facts:
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    sent = {**headers, "Content-Type": kind} | ({} if method == "PUT" else {"Idempotency-Key": path[-60:]})
    connection.request(method, path, body if isinstance(body, bytes) else json.dumps(body), sent)
    response = connection.getresponse()
    answer = response.read()
    if response.status >= 300:
        raise JobError(f"{path} answered {response.status}: {answer[:300]!r}")
    found: Facts = json.loads(answer)
    return found
