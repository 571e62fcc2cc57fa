"""Export lists (603) written and compressed per second on one core, beside a plain string-template loop.

Both start from the same lines in memory, give every document its guid, and leave compressed files; the loop does
not check the pre-send rules. The first message of both must be the same bytes.
Run: .venv/bin/python bench/ceb_lists.py [--lists 200000] [--json]
"""

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

os.environ["POLARS_MAX_THREADS"] = "1"

import polars as pl
import zstandard

from entrepot.goods.reference import country_number, currency_number
from entrepot.messages.ceb import KINDS, NoSigner, Sender, message_problems, read_message, write_lists
from entrepot.messages.ceb.documents import message_guid
from entrepot.messages.ceb.write import envelope, sender_transfer

APP_TIME = "20260301093000"
ROUNDS = 3

HEAD = (
    "<ceb:Inventory><ceb:InventoryHead><ceb:guid>{guid}</ceb:guid><ceb:appType>1</ceb:appType>"
    "<ceb:appTime>{app_time}</ceb:appTime><ceb:appStatus>2</ceb:appStatus><ceb:customsCode>{district}</ceb:customsCode>"
    "<ceb:ebpCode>{ebp}</ceb:ebpCode><ceb:ebpName>{ebp_name}</ceb:ebpName><ceb:orderNo>{order}</ceb:orderNo>"
    "<ceb:logisticsCode>{carrier}</ceb:logisticsCode><ceb:logisticsName>{carrier_name}</ceb:logisticsName>"
    "<ceb:logisticsNo>{waybill}</ceb:logisticsNo><ceb:copNo>{order}</ceb:copNo><ceb:ieFlag>E</ceb:ieFlag>"
    "<ceb:portCode>{port}</ceb:portCode><ceb:ieDate>{day}</ceb:ieDate><ceb:statisticsFlag>{form}</ceb:statisticsFlag>"
    "<ceb:agentCode>{agent}</ceb:agentCode><ceb:agentName>{agent_name}</ceb:agentName><ceb:ebcCode>{ebc}</ceb:ebcCode>"
    "<ceb:ebcName>{ebc_name}</ceb:ebcName><ceb:ownerCode>{owner}</ceb:ownerCode><ceb:ownerName>{owner_name}"
    "</ceb:ownerName><ceb:tradeMode>{mode}</ceb:tradeMode><ceb:trafMode>5</ceb:trafMode><ceb:country>{country}"
    "</ceb:country><ceb:POD>{country}</ceb:POD><ceb:freight>{freight}</ceb:freight><ceb:fCurrency>{currency}"
    "</ceb:fCurrency><ceb:fFlag>3</ceb:fFlag><ceb:insuredFee>{insurance}</ceb:insuredFee><ceb:iCurrency>{currency}"
    "</ceb:iCurrency><ceb:iFlag>3</ceb:iFlag><ceb:wrapType>2</ceb:wrapType><ceb:packNo>{packages}</ceb:packNo>"
    "<ceb:grossWeight>{gross}</ceb:grossWeight><ceb:netWeight>{net}</ceb:netWeight><ceb:note>{note}</ceb:note>"
    "</ceb:InventoryHead>"
)
ITEM = (
    "<ceb:InventoryList><ceb:gnum>{gnum}</ceb:gnum><ceb:itemNo>{sku}</ceb:itemNo><ceb:gcode>{code}</ceb:gcode>"
    "<ceb:gname>{name}</ceb:gname><ceb:gmodel>{name}</ceb:gmodel><ceb:barCode>无</ceb:barCode><ceb:country>{country}"
    "</ceb:country><ceb:currency>{currency}</ceb:currency><ceb:qty>{quantity}</ceb:qty><ceb:qty1>{quantity}</ceb:qty1>"
    "<ceb:unit>{unit}</ceb:unit><ceb:unit1>{unit}</ceb:unit1><ceb:price>{price}</ceb:price><ceb:totalPrice>{total}"
    "</ceb:totalPrice></ceb:InventoryList>"
)


def make_lines(lists: int, seed: int = 1) -> pl.DataFrame:
    """A seeded day of export lines: 1.2 per order, 20,000 articles, five destinations, three modes."""
    draw = random.Random(seed)
    goods = [(f"SKU-{number:06d}", f"女式棉制针织T恤衫 {number}{' & 帽' if number % 50 == 0 else ''}",
              f"{draw.randrange(10**9, 10**10)}") for number in range(20_000)]  # fmt: skip
    rows = []
    for order in range(lists):
        mode = draw.choice(["9610", "9610", "9610", "9710", "9810"])
        form, place = draw.choice("AAAB"), draw.choice([("US", "USD"), ("GB", "GBP"), ("DE", "EUR"), ("JP", "USD")])
        waybill = f"YT{draw.randrange(10**13):013d}"
        freight, insurance = draw.randrange(0, 3_000) * 1_000, draw.randrange(0, 50) * 1_000
        for line in range(1 + (draw.random() < 0.15) + (draw.random() < 0.05)):
            sku, name, code = draw.choice(goods)
            quantity, price, mass = draw.choice([1, 1, 1, 2, 3]), draw.randrange(100, 20_000), draw.randrange(20, 3_000)
            rows.append((
                f"SO-20260301-{order:09d}", line + 1, mode, form, *place, waybill, freight if line == 0 else 0,
                insurance if line == 0 else 0, sku, name, code, quantity * 100_000, price * 1_000,
                quantity * price * 1_000, mass, mass + 40,
            ))  # fmt: skip
    names = ["order_id", "line_no", "mode", "list_form", "buyer_country", "currency", "waybill_no", "freight_e5",
             "insurance_e5", "sku", "description", "hs_code", "quantity_e5", "unit_price_e5", "goods_value_e5",
             "net_mass_g", "gross_mass_g"]  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        direction=pl.lit("export"), seller_country=pl.lit("CN"), customs_district=pl.lit("2900"), unit=pl.lit("011"),
        packages=pl.lit(1, pl.Int64), carrier=pl.lit("YTO"), declared_on=pl.lit(date(2026, 3, 1)),
    )  # fmt: skip


def _plain(number_e5: int) -> str:
    whole, rest = divmod(number_e5, 100_000)
    return f"{whole}.{rest:05d}".rstrip("0") if rest else str(whole)


def _code(code: str, form: str, mode: str) -> str:
    if form == "B":
        return code
    return code[:4] + "000000" if mode == "9610" else code[:6] + "0000"


def template_documents(lines: pl.DataFrame, sender: Sender) -> Iterator[tuple[str, str]]:
    """The plain prototype: one guid and text per order, from dictionaries and format strings."""
    codes = {code: country_number(code) or "" for code in ("US", "GB", "DE", "JP")}
    money = {code: currency_number(code) or "" for code in ("USD", "GBP", "EUR")}
    carrier, owner = sender.logistics["*"], sender.owner or sender.company
    fixed = {
        "app_time": APP_TIME, "port": sender.port_code, "ebp": sender.export_platform.code, "ebc": sender.company.code,
        "ebp_name": sender.export_platform.name, "ebc_name": sender.company.name, "agent": sender.agent.code,
        "agent_name": sender.agent.name, "owner": owner.code, "owner_name": owner.name, "note": sender.note,
        "carrier": carrier.code, "carrier_name": carrier.name,
    }  # fmt: skip
    for order, group in groupby(lines.iter_rows(named=True), key=lambda row: row["order_id"]):
        yield _one(order, list(group), fixed, codes, money)


def _one(
    order: str, rows: list[dict[str, Any]], fixed: dict[str, Any], codes: dict[str, str], money: dict[str, str]
) -> tuple[str, str]:
    first = rows[0]
    text = blake2b(f"603|{fixed['ebc']}|{order}|1".encode(), digest_size=16).hexdigest().upper()
    guid = f"{text[:8]}-{text[8:12]}-8{text[13:16]}-A{text[17:20]}-{text[20:]}"
    country, currency = codes[first["buyer_country"]], money[first["currency"]]
    head = HEAD.format(
        **fixed, guid=guid, order=escape(order), waybill=escape(first["waybill_no"]), form=first["list_form"],
        mode=first["mode"], district=first["customs_district"], day=f"{first['declared_on']:%Y%m%d}", country=country,
        currency=currency, freight=_plain(sum(row["freight_e5"] for row in rows)),
        insurance=_plain(sum(row["insurance_e5"] for row in rows)), packages=max(row["packages"] for row in rows),
        gross=_plain(sum(row["gross_mass_g"] for row in rows) * 100),
        net=_plain(sum(row["net_mass_g"] for row in rows) * 100),
    )  # fmt: skip
    items = [ITEM.format(
        gnum=place, sku=escape(row["sku"]), code=_code(row["hs_code"], row["list_form"], row["mode"]),
        name=escape(row["description"]), country=country, currency=currency, quantity=_plain(row["quantity_e5"]),
        unit=row["unit"], price=_plain(row["unit_price_e5"]), total=_plain(row["goods_value_e5"]),
    ) for place, row in enumerate(rows, 1)]  # fmt: skip
    return guid, head + "".join(items) + "</ceb:Inventory>"


def write_by_template(lines: pl.DataFrame, sender: Sender, path: Path) -> None:
    """The prototype's whole work: documents, messages of 100, compressed one by one."""
    compressor = zstandard.ZstdCompressor(level=1, write_checksum=True)
    after = sender_transfer(sender).encode()
    waiting: list[tuple[str, str]] = []
    with path.open("wb") as target:
        for document in template_documents(lines, sender):
            waiting.append(document)
            if len(waiting) == 100:
                target.write(compressor.compress(_message(waiting, after)))
                waiting = []
        if waiting:
            target.write(compressor.compress(_message(waiting, after)))


def _message(documents: list[tuple[str, str]], after: bytes) -> bytes:
    inside = "".join(text for _, text in documents).encode()
    return envelope(KINDS["603"], message_guid([guid for guid, _ in documents]), inside, after, NoSigner())


def best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Processor seconds of the fastest round, all threads together; other work on the machine counts little."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def measure(lists: int, folder: Path) -> dict[str, Any]:
    """Lists a second of ours (with and without checking), of the loop, and of checking alone."""
    sender, lines = Sender.placeholder(), make_lines(lists)
    seconds = {
        "written": best(lambda: write_lists(lines, None, sender, ["603"], None, folder, "1", APP_TIME)),
        "written_checked_before": best(
            lambda: write_lists(lines, None, sender, ["603"], None, folder, "1", APP_TIME, checked=True)),
        "checked": best(lambda: message_problems(lines, None, sender, ["603"])),
        "template_loop": best(lambda: write_by_template(lines, sender, folder / "template.zst"), 1),
    }  # fmt: skip
    return {"lists": lists, "lines": lines.height, "same_bytes": same_first_message(lines, sender, folder),
            "lists_per_s": {name: round(lists / taken) for name, taken in seconds.items()}}  # fmt: skip


def same_first_message(lines: pl.DataFrame, sender: Sender, folder: Path) -> bool:
    """Whether both ways wrote the same first message."""
    head = lines.head(2_000)
    index = write_lists(head, None, sender, ["603"], None, folder, "same", APP_TIME).index
    write_by_template(head, sender, folder / "same.zst")
    ours = read_message(folder / index["file"][0], index["offset"][0], index["length"][0])
    return ours == read_message(folder / "same.zst", 0, index["length"][0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        result = measure(given.lists, Path(folder))
    if given.json:
        print(json.dumps(result))
        return
    print(f"{result['lists']:,} lists, {result['lines']:,} items, one core, same bytes: {result['same_bytes']}")
    for name, speed in result["lists_per_s"].items():
        print(f"{name:24} {speed:>10,} lists/s")


if __name__ == "__main__":
    main()
