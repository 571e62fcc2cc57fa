"""Results never change: a done batch answers the same call and refuses every other."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrepot.goods.errors import CallError, InputError
from entrepot.run.clear import Request, clear
from tests.run.days import ORDERS, cleared, hashes, manifest_of, rows_of, sample_rows, stamps, summary_of, write_day

LIMIT = """\
title: {en: yearly limit per person, zh: 个人年度交易限值}
unit: CNY
selected_by: import
values:
  - {from: 2016-04-08, value: "27000", status: in_force, mark: S, source: {doc: test}, checked_on: 2026-11-23}
"""


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    return write_day(tmp_path / "orders.csv", sample_rows("LIM-0", "REX-00", "BAD-1"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """A small batch that is done, kept as it is."""
    place = tmp_path_factory.mktemp("kept")
    cleared(place / "day", home, write_day(place / "orders.csv", sample_rows("LIM-0", "REX-00", "BAD-1")))
    return place / "day"


@pytest.fixture
def done(kept: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(kept, tmp_path / "day"))


def test_the_same_call_again_answers_the_same_and_touches_nothing(done: Path, home: Path, orders: Path) -> None:
    before, bytes_before = stamps(done), hashes(done)
    again = cleared(done, home, orders)
    assert again["tax_total_cny"] == f"{summary_of(done)['tax_total_cny']:.2f}"
    assert again == summary_of(done) | {"tax_total_cny": again["tax_total_cny"]}
    assert (stamps(done), hashes(done)) == (before, bytes_before)


def test_answer_of_a_done_batch_is_the_answer_of_the_run(tmp_path: Path, home: Path, orders: Path) -> None:
    """To the type of every figure."""
    answers = [cleared(tmp_path / "again", home, orders) for _ in range(2)]
    assert repr(answers[0]) == repr(answers[1])


def test_input_is_known_by_its_content_not_by_its_place(done: Path, home: Path, orders: Path, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    assert cleared(done, home, orders.rename(tmp_path / "moved" / "orders.csv"))["rows_in"] > 0


@pytest.mark.parametrize(
    ("differs", "change"),
    [
        ("inputs", lambda place: {"inputs": (ORDERS,)}),
        ("law", lambda place: {"law_folders": (_law(place),)}),
        ("catalogue", lambda place: {"catalogues": ()}),
        ("mapping", lambda place: {"mapping": str(_file(place, "mapping.yaml", "constants: {carrier: ACME}\n"))}),
        ("files", lambda place: {"balances": _file(place, "balances.csv", "buyer_id,year,spent\nx,2026,1\n")}),
        ("options", lambda place: {"sample_ppm": 1}),
        ("options", lambda place: {"message_time": "20260311000000"}),
        ("options", lambda place: {"signer": "none"}),
        ("installation", lambda place: {"home": place / "other-home"}),
    ],
)
def test_anything_else_into_it_is_refused_naming_what_differs(
    differs: str, change: Callable[[Path], dict[str, Any]], done: Path, home: Path, orders: Path, tmp_path: Path
) -> None:
    before = stamps(done)
    more = {"inputs": (orders,), "home": home, **change(tmp_path)}
    with pytest.raises(CallError, match=rf"another batch \(different .*{differs}.*\): results never change"):
        cleared(done, more.pop("home"), *more.pop("inputs"), **more)
    assert stamps(done) == before


def _file(place: Path, name: str, content: str) -> Path:
    (place / name).write_text(content, encoding="utf-8")
    return place / name


def _law(place: Path) -> Path:
    leaf = place / "law" / "cn" / "cbec" / "yearly_limit.yaml"
    leaf.parent.mkdir(parents=True)
    leaf.write_text(LIMIT, encoding="utf-8")
    return place / "law"


@pytest.mark.parametrize("content", ["", "[]", '{"name": "a web app"}', "{"])
def test_a_folder_that_is_no_batch_is_left_alone(content: str, tmp_path: Path, home: Path, orders: Path) -> None:
    (tmp_path / "mine").mkdir()
    _file(tmp_path / "mine", "manifest.json" if content else "thesis.txt", content)
    before = hashes(tmp_path / "mine")
    with pytest.raises(CallError, match="not empty and not a batch"):
        cleared(tmp_path / "mine", home, orders)
    assert hashes(tmp_path / "mine") == before


def test_a_file_is_no_folder(tmp_path: Path, home: Path, orders: Path) -> None:
    with pytest.raises(CallError, match="is a file"):
        cleared(_file(tmp_path, "out", "mine"), home, orders)
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


def test_after_an_input_that_could_not_be_read_the_mended_one_goes_into_the_same_folder(
    tmp_path: Path, home: Path
) -> None:
    """Nothing was decided, so nothing is kept: not even the opening balances of the first call."""
    orders, balances = tmp_path / "orders.csv", _file(tmp_path, "balances.csv", "buyer_id,year,spent\nx,2026,1\n")
    orders.write_text("order_id,line_no\n1,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="missing columns"):
        cleared(tmp_path / "day", home, orders, balances=balances)
    assert manifest_of(tmp_path / "day")["state"] == "running"
    write_day(orders, sample_rows("REX-00"))
    assert cleared(tmp_path / "day", home, orders)["rows_in"] == 9
    assert not (tmp_path / "day" / "balances.parquet").exists()


def test_a_file_that_still_grows_is_not_cleared_in_part(tmp_path: Path, home: Path, orders: Path) -> None:
    def grow(stage: str, done: int, total: int | None) -> None:
        with orders.open("a", encoding="utf-8") as target:
            target.write(",".join(sample_rows("REX-100")[0].values()) + "\n")

    with pytest.raises(InputError, match="changed while it was read"):
        clear(Request((orders,), tmp_path / "day", home=home), grow)
    assert not (tmp_path / "day" / "summary.json").exists()
    assert cleared(tmp_path / "day", home, orders)["rows_in"] == len(rows_of(orders))


def test_an_unfinished_batch_that_has_read_its_input_is_not_given_up(tmp_path: Path, done: Path, home: Path) -> None:
    manifest = done / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"done"', '"running"'), encoding="utf-8")
    with pytest.raises(CallError, match="different inputs"):
        cleared(done, home)


@pytest.mark.parametrize("content", [None, "", "{}", "changed"])
def test_a_done_batch_whose_summary_was_changed_says_so(
    content: str | None, done: Path, home: Path, orders: Path
) -> None:
    summary = done / "summary.json"
    told = summary.read_text(encoding="utf-8")
    summary.unlink()
    if content is not None:
        summary.write_text(content.replace("changed", told.replace('"rows_in": ', '"rows_in": 1')), encoding="utf-8")
    with pytest.raises(InputError, match=r"summary\.json"):
        cleared(done, home, orders)


@pytest.mark.parametrize("name", ["lines.parquet", "messages/603-00000.xml.zst", "problems.csv", "law.json"])
def test_a_done_batch_with_another_result_does_not_answer(name: str, done: Path, home: Path, orders: Path) -> None:
    with (done / name).open("ab") as target:
        target.write(b"more")
    with pytest.raises(InputError, match=rf"{name} is not as this batch wrote it"):
        cleared(done, home, orders)


def test_a_manifest_names_every_file_and_its_hash(done: Path) -> None:
    files = {name: digest for name, digest in hashes(done).items() if name != "manifest.json"}
    assert manifest_of(done)["files"] == files
    assert not (done / ".work").exists()


def test_a_batch_moved_elsewhere_answers_as_before(done: Path, home: Path, orders: Path, tmp_path: Path) -> None:
    moved = Path(shutil.move(done, tmp_path / "archive"))
    assert cleared(moved, home, orders)["rows_in"] == summary_of(moved)["rows_in"]
