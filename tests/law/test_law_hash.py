"""The hash follows what the law says, not how the files are written; a snapshot is the whole law."""

from pathlib import Path

import pytest

from entrepot.law import Law, LawError
from tests.law.law_files import SCALAR, TABLE, folder

BLOCK = """\
# a comment
values:
  - from: 2016-04-08
    until: '2019-01-01'
    value: 20000.00
    mark: "K"
    status: in_force   # another
    source:
      doc: "A"
    checked_on: 2026-11-23
  - {checked_on: 2026-11-23, from: 2019-01-01, until: , source: {doc: B}, status: in_force, mark: S, value: '26000.00'}
selected_by: declaration
unit: "CNY"
title:
  zh: 年度限值
  en: yearly limit
""".replace("20000.00", '"20000.0"')
REORDERED = TABLE.replace('      - ["61", "0.10"]\n', "").replace(
    '["6109", "0.12"]', '["6109", "0.120"]\n      - {rate: "0.1", hs_prefix: "61"}'
)


def test_layout_quotes_comments_and_order_leave_no_trace(tmp_path: Path) -> None:
    one = Law.read(folder(tmp_path / "a", cn__limit=SCALAR, cn__rates=TABLE))
    two = Law.read(folder(tmp_path / "b", cn__rates=REORDERED, cn__limit=BLOCK))
    assert one.hash == two.hash
    assert one.snapshot() == two.snapshot()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("26000", "26000.01"),
        ("2019-01-01, value", "2019-01-02, value"),
        ("doc: B", "doc: C"),
        ("mark: S", "mark: K"),
        ("yearly limit", "annual limit"),
        ("declaration", "import"),
        ("checked_on: 2026-11-23}", "checked_on: 2026-11-24}"),
    ],
)
def test_any_change_of_what_is_said_changes_the_hash(old: str, new: str, tmp_path: Path) -> None:
    assert old in SCALAR
    one = Law.read(folder(tmp_path / "a", cn__limit=SCALAR))
    assert one.hash != Law.read(folder(tmp_path / "b", cn__limit=SCALAR.replace(old, new))).hash


def test_the_path_and_a_cell_count_too(tmp_path: Path) -> None:
    laws = [
        folder(tmp_path / "a", cn__rates=TABLE),
        folder(tmp_path / "b", cn__rate=TABLE),
        folder(tmp_path / "c", cn__rates=TABLE.replace('"0.14"', '"0.15"')),
    ]
    assert len({Law.read(one).hash for one in laws}) == 3


def test_a_snapshot_is_the_whole_law(law: Law) -> None:
    again = Law.from_snapshot(law.snapshot())
    assert again.hash == law.hash
    assert again.paths() == law.paths()
    assert again.history("cn/vat/standard") == law.history("cn/vat/standard")
    assert again.table("cn/mode/9810_districts").frame.equals(law.table("cn/mode/9810_districts").frame)
    assert again.checked_until == law.checked_until


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"\xff", b'{"format": 9}', b'{"format": 1, "leaves": 3, "jurisdictions": {}}']
)
def test_bytes_that_are_no_snapshot_are_refused(data: bytes) -> None:
    with pytest.raises(LawError, match="law snapshot"):
        Law.from_snapshot(data)
