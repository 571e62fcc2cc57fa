"""Personal data at rest: sealed wherever they lie, read back to the byte, and gone for good when a person is erased."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from entrepot.goods.errors import CallError, InputError
from entrepot.goods.parse import buyer_keys
from entrepot.messages import ceb
from entrepot.run.clear import Request, clear
from entrepot.run.explain import explain
from entrepot.run.home import Home, open_home
from entrepot.run.persons import erase, masked, message_of, messages_of, orders_of_person, refused_of, reveal
from entrepot.run.sealing import KEYS
from tests.run.days import (
    CATALOGUE,
    ORDERS,
    PERSONAL,
    REPOSITORY,
    cleared,
    decisions,
    hashes,
    make_home,
    manifest_of,
    messages_in,
    rows_of,
    sample_rows,
    stamps,
    write_day,
)

BUYER = "LIM-01"
"""An order of a buyer who has nine of them, some declared in one message together with others' orders."""
NAMED = ("buyer_id", "buyer_name", "buyer_telephone", "consignee_address")


@pytest.fixture(scope="module")
def installation(home: Path) -> Home:
    return open_home(home)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample day with rows that are no rows, of which a reader only has the text, and one whose name is no name."""
    place = tmp_path_factory.mktemp("orders") / "orders.csv"
    head, *rows = ORDERS.read_text(encoding="utf-8").splitlines()
    rows[3:3] = [rows[5].replace("person", 'per"son"'), rows[6] + ',"', rows[7].replace(",", "\0,", 3), rows[8][:150]]
    nobody = sample_rows(BUYER)[0] | {"order_id": "", "buyer_id": "", "line_no": "x", "buyer_name": "某某无名氏"}
    place.write_text("\n".join([head, *rows, ",".join(nobody.values())]), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def plain(home: Path, broken: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The day as it is without sealing; look, do not touch."""
    out = tmp_path_factory.mktemp("plain") / "day"
    cleared(out, home, broken)
    return out


@pytest.fixture(scope="module")
def kept(home: Path, broken: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same day sealed; look, do not touch."""
    out = tmp_path_factory.mktemp("sealed") / "day"
    cleared(out, home, broken, seal=True)
    return out


@pytest.fixture
def sealed(kept: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(kept, tmp_path / "sealed"))


def names(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{field: row[field] for field in ("order_id", "buyer_key", *NAMED)} for row in rows]


def texts(path: Path) -> Iterator[bytes]:
    """Everything a file says, unpacked."""
    if path.suffix == ".parquet":
        for row in pl.read_parquet(path).rows():
            yield b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    if path.suffix == ".zst":
        yield from messages_in(path)
    yield path.read_bytes()


def refused(folder: Path, installation: Home) -> bytes:
    return b"".join(refused_of(folder, installation))


def whole(folder: Path) -> None:
    """Every result file is as the manifest says."""
    told = manifest_of(folder)["files"]
    assert {name: digest for name, digest in hashes(folder).items() if name not in ("manifest.json", KEYS)} == told


def test_no_personal_value_is_anywhere_in_the_folder(kept: Path, broken: Path) -> None:
    rows = broken.read_text(encoding="utf-8", errors="replace")
    named = {row[field] for row in sample_rows() for field in PERSONAL if len(row[field]) > 2} | {"某某无名氏"}
    assert len(named) > 100
    assert all(name in rows for name in named)
    files = [path for path in kept.rglob("*") if path.is_file()]
    assert {"persons.parquet", "refused.sealed.parquet", "sealed.parquet", KEYS} <= {path.name for path in files}
    for path in files:
        said = b"\n".join(texts(path))
        assert not [name for name in named if name.encode() in said or json.dumps(name)[1:-1].encode() in said], path.name


def test_keys_are_for_their_owner_and_no_result(kept: Path) -> None:
    assert stat.S_IMODE((kept / KEYS).stat().st_mode) == 0o600
    manifest = manifest_of(kept)
    assert KEYS not in manifest["files"]
    assert KEYS not in json.dumps(manifest["steps"])
    assert not (kept / ".work").exists()
    assert not (kept / "refused.csv").exists()
    whole(kept)


def test_sealing_changes_no_decision_and_no_figure(kept: Path, plain: Path) -> None:
    assert decisions(kept).equals(decisions(plain))
    for name in ("summary.json", "report.html", "problems.csv", "messages/303-00000.xml.zst"):
        assert (kept / name).read_bytes() == (plain / name).read_bytes(), name
    explained = [explain(folder, BUYER) for folder in (kept, plain)]
    assert explained[0] == explained[1]


def test_persons_read_back_as_they_are_stored_without_sealing(kept: Path, plain: Path, installation: Home) -> None:
    orders = pl.read_parquet(plain / "persons.parquet").get_column("order_id").drop_nulls().unique().sort().to_list()
    for order in orders[::9]:
        assert names(reveal(kept, installation, order)) == names(reveal(plain, installation, order))
    given = sample_rows(BUYER)[0]
    assert [person[field] for person in reveal(kept, installation, BUYER) for field in NAMED] == [given[f] for f in NAMED]


@pytest.mark.parametrize("kind", ["303", "603", "621"])
def test_messages_read_back_to_the_byte_and_their_signatures_hold(
    kind: str, kept: Path, plain: Path, installation: Home
) -> None:
    stored = [message for path in sorted((plain / "messages").glob(f"{kind}-*")) for message in messages_in(path)]
    read = list(messages_of(kept, installation, kind))
    assert read == stored == list(messages_of(plain, installation, kind))
    assert read
    if kind == "621":
        assert all(ceb.verify(message).ok for message in read)
        assert message_of(kept, installation, BUYER, kind) in read


def test_unsigned_and_signed_messages_alike_and_values_that_look_like_a_hole(tmp_path: Path, home: Path) -> None:
    """Values that XML must escape, and one that says what stands in a hole, come back as they were."""
    rows = sample_rows("LIM", "REX-00")
    odd = {"buyer_name": "{sealed}", "consignee_address": 'A & B <ceb:buyerName>"x" ]]>', "buyer_telephone": "[erased]"}
    rows = [row | odd if row["order_id"] == BUYER else row for row in rows]
    orders = write_day(tmp_path / "orders.csv", rows)
    for signer in ("auto", "rsa"):
        cleared(tmp_path / f"plain-{signer}", home, orders, signer=signer)
        cleared(tmp_path / f"sealed-{signer}", home, orders, signer=signer, seal=True)
        for kind in ("303", "603", "621"):
            read = [list(messages_of(tmp_path / f"{name}-{signer}", open_home(home), kind)) for name in ("plain", "sealed")]
            assert read[0] == read[1]
            assert read[0]
    said = message_of(tmp_path / "sealed-rsa", open_home(home), BUYER, "621")
    assert b"<ceb:buyerName>{sealed}</ceb:buyerName>" in said
    assert b"A &amp; B &lt;ceb:buyerName&gt;" in said


def test_refused_rows_read_back_as_the_csv_they_would_be(kept: Path, plain: Path, installation: Home) -> None:
    assert refused(kept, installation) == (plain / "refused.csv").read_bytes() == refused(plain, installation)


def test_files_with_other_columns_make_one_csv_of_refused_rows(tmp_path: Path, home: Path) -> None:
    bad = [row | {"currency": "XBT"} for row in sample_rows("REX-00")]
    first = write_day(tmp_path / "1.csv", [{name: row[name] for name in row if name != "buyer_name"} for row in bad])
    second = write_day(tmp_path / "2.csv", [row | {"order_id": f"{row['order_id']}-2", "my note": ""} for row in bad])
    for name, seal in (("plain", False), ("sealed", True)):
        cleared(tmp_path / name, home, first, second, seal=seal)
    assert refused(tmp_path / "sealed", open_home(home)) == (tmp_path / "plain" / "refused.csv").read_bytes()


def test_the_erased_person_is_gone_and_everything_else_stays(sealed: Path, plain: Path, installation: Home) -> None:
    buyer = reveal(sealed, installation, BUYER)[0]
    before, mine = hashes(sealed), orders_of_person(sealed, buyer["buyer_key"])
    assert len(mine) == 9
    assert erase(sealed, buyer_key=buyer["buyer_key"]) == 1
    assert {name for name, digest in hashes(sealed).items() if before[name] != digest} == {KEYS}
    whole(sealed)
    for order in mine:
        gone = reveal(sealed, installation, order)
        assert [(person["erased"], *(person[field] for field in NAMED)) for person in gone] == [(True, *[None] * 4)]
    others = pl.read_parquet(plain / "persons.parquet").filter(pl.col("buyer_key") != buyer["buyer_key"])
    for order in others.get_column("order_id").drop_nulls().unique().sort().to_list()[::9]:
        assert names(reveal(sealed, installation, order)) == names(reveal(plain, installation, order))
    assert orders_of_person(sealed, buyer["buyer_key"]) == mine


def test_a_message_with_an_erased_person_says_so_and_keeps_the_others(
    sealed: Path, plain: Path, installation: Home
) -> None:
    erase(sealed, order_id=BUYER)
    was, now = (message_of(folder, installation, BUYER, "621") for folder in (plain, sealed))
    left = ceb.read(was).documents.heads, ceb.read(now).documents.heads
    mine = set(orders_of_person(sealed, reveal(sealed, installation, BUYER)[0]["buyer_key"]))
    for before, after in zip(*(frame.iter_rows(named=True) for frame in left), strict=True):
        erased = dict.fromkeys(("buyerIdNumber", "buyerName", "buyerTelephone", "consigneeAddress"), "[erased]")
        assert after == before | (erased if before["order_id"] in mine else {})
    assert [ceb.verify(was).ok, ceb.verify(now).ok] == [True, False]


def test_refused_rows_of_an_erased_person_go_with_rows_nobody_can_be_told_for(
    sealed: Path, plain: Path, installation: Home, tmp_path: Path
) -> None:
    lines = pl.read_parquet(plain / "lines.parquet").filter(verdict="invalid")
    theirs = lines.filter(pl.col("buyer_key").is_not_null() & pl.col("order_id").is_not_null()).row(0, named=True)
    (tmp_path / "before.csv").write_bytes(refused(sealed, installation))
    assert erase(sealed, buyer_key=theirs["buyer_key"]) == 1
    (tmp_path / "after.csv").write_bytes(refused(sealed, installation))
    before, after = rows_of(tmp_path / "before.csv"), rows_of(tmp_path / "after.csv")
    person = reveal(plain, installation, theirs["order_id"])[0]
    assert any(person["buyer_id"] == row["buyer_id"] for row in before)
    assert after
    assert all(row in before for row in after)
    said = (tmp_path / "after.csv").read_text(encoding="utf-8")
    assert person["buyer_id"] not in said
    assert "某某无名氏" not in said
    assert not [row for row in after if row["_raw"]]


def test_erasing_is_done_once_and_may_be_asked_again(sealed: Path, installation: Home) -> None:
    buyer = reveal(sealed, installation, BUYER)[0]["buyer_key"]
    assert [erase(sealed, order_id=BUYER), erase(sealed, buyer_key=buyer), erase(sealed, order_id=BUYER)] == [1, 0, 0]
    assert [erase(sealed, buyer_key="0" * 32), erase(sealed, order_id="no such order")] == [0, 0]
    for wrong in ({}, {"buyer_key": buyer, "order_id": BUYER}):
        with pytest.raises(CallError, match="either a buyer_key or an order_id"):
            erase(sealed, **wrong)


def test_a_row_without_a_buyer_in_an_order_goes_with_the_orders_buyer(tmp_path: Path, home: Path) -> None:
    """The second line of the order lacks the identity number and so was refused, but it has the name."""
    row = sample_rows("REX-001")[0] | {"order_id": "TWO", "buyer_id": "somebody", "buyer_name": "Some Body"}
    rows = [row | {"line_no": "1"}, row | {"line_no": "2", "buyer_id": ""}, *sample_rows("REX-002")]
    cleared(tmp_path / "day", home, write_day(tmp_path / "orders.csv", rows), seal=True)
    opened = open_home(home)
    assert refused(tmp_path / "day", opened).count(b"Some Body") == 2
    key = buyer_keys(pl.Series(["somebody"]), opened.key("buyer"))[0]
    assert erase(tmp_path / "day", buyer_key=key) == 1
    assert b"Some Body" not in refused(tmp_path / "day", opened)
    assert [person["erased"] for person in reveal(tmp_path / "day", opened, "TWO")] == [True, True]


def test_a_done_batch_answers_after_an_erasure_as_before(sealed: Path, home: Path, broken: Path) -> None:
    erase(sealed, order_id=BUYER)
    before, explained = stamps(sealed), explain(sealed, BUYER)
    assert cleared(sealed, home, broken, seal=True)["rows_in"] == manifest_of(sealed)["steps"]["intake"]["rows"]
    assert (stamps(sealed), explain(sealed, BUYER)) == (before, explained)


@pytest.mark.parametrize("first", [False, True])
def test_sealed_and_unsealed_are_two_batches(first: bool, tmp_path: Path, home: Path) -> None:
    orders = write_day(tmp_path / "orders.csv", sample_rows("REX-00"))
    cleared(tmp_path / "day", home, orders, seal=first)
    with pytest.raises(CallError, match=r"another batch \(different .*sealed"):
        cleared(tmp_path / "day", home, orders, seal=not first)


def test_an_unsealed_batch_is_read_but_not_erased_from(plain: Path, installation: Home) -> None:
    assert not reveal(plain, installation, BUYER)[0]["erased"]
    with pytest.raises(CallError, match="not sealed"):
        erase(plain, order_id=BUYER)


def test_another_installation_reads_nothing(sealed: Path, tmp_path: Path) -> None:
    other = open_home(make_home(tmp_path / "other", "77" * 32))
    asked: list[Callable[[], object]] = [
        lambda: reveal(sealed, other, BUYER), lambda: message_of(sealed, other, BUYER, "621"),
        lambda: list(messages_of(sealed, other, "621")), lambda: list(refused_of(sealed, other)),
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(CallError, match="another installation"):
            ask()
    manifest = sealed / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    told["identity"]["installation"] = other.fingerprint
    manifest.write_text(json.dumps(told), encoding="utf-8")
    for ask in asked:
        with pytest.raises(InputError, match="sealed personal data were changed"):
            ask()


def changed(path: Path, turn: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    turn(pl.read_parquet(path)).write_parquet(path)


def flipped(sealed: bytes) -> bytes:
    return sealed[:-20] + bytes([sealed[-20] ^ 1]) + sealed[-19:]


def test_changed_or_swapped_bytes_are_refused(sealed: Path, installation: Home) -> None:
    """One bit of a sealed text; the text of another person; a person's values in another's document."""
    texts = pl.col("sealed").map_elements(flipped, return_dtype=pl.Binary)
    changed(sealed / "persons.parquet", lambda persons: persons.with_columns(texts))
    with pytest.raises(InputError, match="were changed"):
        reveal(sealed, installation, BUYER)
    moved = pl.col("person_no", "sealed").reverse()
    changed(sealed / "messages" / "sealed.parquet", lambda values: values.with_columns(moved))
    with pytest.raises(InputError, match="were changed"):
        message_of(sealed, installation, BUYER, "621")
    path = sealed / "refused.sealed.parquet"
    rows, columns = pq.read_table(path), pq.read_metadata(path).metadata[b"columns"]
    swapped = rows.set_column(0, "row_id", rows.column("row_id").take(list(reversed(range(rows.num_rows)))))
    pq.write_table(swapped.replace_schema_metadata({b"columns": columns}), path)
    with pytest.raises(InputError, match="were changed"):
        refused(sealed, installation)


@pytest.mark.parametrize("name", ["persons.parquet", "messages/sealed.parquet", "messages/index.parquet", "refused.sealed.parquet"])
def test_a_damaged_file_is_one_line(name: str, sealed: Path, installation: Home) -> None:
    (sealed / name).write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError):
        reveal(sealed, installation, BUYER), message_of(sealed, installation, BUYER, "621"), refused(sealed, installation)


@pytest.mark.parametrize("damage", ["gone", "empty", "short", "other"])
def test_without_its_keys_a_batch_reads_no_person(damage: str, sealed: Path, installation: Home) -> None:
    keys = sealed / KEYS
    content = keys.read_bytes()
    keys.write_bytes({"empty": b"", "short": content[:96], "other": content[:16] + content[48:] + bytes(32)}.get(damage, b""))
    if damage == "gone":
        keys.unlink()
    with pytest.raises(InputError):
        reveal(sealed, installation, BUYER)
    assert explain(sealed, BUYER)


def test_errors_name_what_was_asked(kept: Path, installation: Home, tmp_path: Path) -> None:
    with pytest.raises(CallError, match="no order 'nobody'"):
        reveal(kept, installation, "nobody")
    with pytest.raises(CallError, match="no 621 message for order 'REX-001'"):
        message_of(kept, installation, "REX-001", "621")
    with pytest.raises(InputError, match="not a batch folder"):
        reveal(tmp_path, installation, BUYER)


def test_masks_show_little() -> None:
    person = {
        "order_id": "A", "erased": False, "buyer_id": "110101187001013007", "buyer_name": "样例洪",
        "buyer_telephone": "13800001234", "consignee_address": "广东省深圳市南山区虚构路300号",
    }  # fmt: skip
    assert masked(person) == {
        "order_id": "A", "erased": False, "buyer_id": "110***********3007", "buyer_name": "样**",
        "buyer_telephone": "138****1234", "consignee_address": "广东省**",
    }  # fmt: skip
    short = {"buyer_id": "ab", "buyer_name": "Al", "buyer_telephone": "12", "consignee_address": "Rd"}
    assert list(masked(short).values()) == ["**", "A**", "**", "**"]
    assert masked(dict.fromkeys(NAMED)) == dict.fromkeys(NAMED)
    for size in range(1, 60):
        shown = masked({"buyer_id": "x" * size})["buyer_id"]
        assert len(shown) == size
        assert shown.count("x") * 2 < size + 1


def test_killed_at_any_file_a_sealed_run_gives_the_bytes_its_keys_give(
    home: Path, tmp_path: Path, some_of: Callable[[int, Sequence[str]], Sequence[str]]
) -> None:
    """Two runs that share their keys: one goes to its end, the other is killed on its way, again and again."""
    orders = write_day(tmp_path / "orders.csv", sample_rows("LIM", "RIM-00", "REX-00", "BAD-1", "TAX"))

    def run(out: Path, kill: str) -> int:
        command = [sys.executable, "-m", "tests.run.small_pieces", "30", "40", kill, "clear", str(orders), "--seal",
                   "--catalogue", str(CATALOGUE), "--out", str(out), "--json"]  # fmt: skip
        return subprocess.run(
            command, cwd=REPOSITORY, env={**os.environ, "ENTREPOT_HOME": str(home)}, capture_output=True, check=False
        ).returncode

    assert run(tmp_path / "day", f"before:{KEYS}") == -signal.SIGKILL
    assert run(tmp_path / "day", "before:chunk-00000-persons.parquet") == -signal.SIGKILL
    shutil.copytree(tmp_path / "day", tmp_path / "other")
    assert run(tmp_path / "other", "never") == 0
    kills = ("after:621-00000.xml.zst", "before:chunk-00001-sealed.parquet", "after:persons.parquet",
             "before:sealed.parquet", "after:refused.sealed.parquet", "after:summary.json")  # fmt: skip
    for kill in some_of(2, kills):
        assert run(tmp_path / "day", kill) == -signal.SIGKILL, kill
    assert run(tmp_path / "day", "never") == 0
    assert hashes(tmp_path / "day") == hashes(tmp_path / "other")


def test_keys_lost_on_the_way_are_made_anew_with_all_that_was_sealed_under_them(home: Path, tmp_path: Path) -> None:
    orders = write_day(tmp_path / "orders.csv", sample_rows("LIM", "BAD-1"))
    out = tmp_path / "day"

    def stop(stage: str, done: int, total: int | None) -> None:
        if stage == "finish":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clear(Request((orders,), out, home=home, catalogues=(CATALOGUE,), seal=True), stop)
    (out / KEYS).unlink()
    cleared(out, home, orders, seal=True)
    assert reveal(out, open_home(home), BUYER)[0]["buyer_name"] == sample_rows(BUYER)[0]["buyer_name"]
    assert message_of(out, open_home(home), BUYER, "621")
