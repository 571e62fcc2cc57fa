"""Every fault of a law file is named with file and line, and all of them at once."""

from pathlib import Path

import pytest

from entrepot.goods.errors import CallError
from entrepot.law import Law, LawError
from tests.law.law_files import SCALAR, TABLE, folder

FAULTS = {
    "missing source": (SCALAR.replace(", source: {doc: B}", ""), "cn/leaf.yaml:6: source is missing"),
    "empty source": (SCALAR.replace("{doc: B}", "{url: x}"), "cn/leaf.yaml:6: doc is missing"),
    "source not a mapping": (SCALAR.replace("{doc: B}", "B"), "cn/leaf.yaml:6: source must be a mapping"),
    "missing unit": (SCALAR.replace("unit: CNY\n", ""), "cn/leaf.yaml:1: unit is missing"),
    "unknown unit": (
        SCALAR.replace("unit: CNY", "unit: CNYY"),
        "cn/leaf.yaml:2: unit: unit 'CNYY' is not known; allowed:",
    ),
    "missing field": (SCALAR.replace(", checked_on: 2026-11-23}\n", "}\n", 1), "cn/leaf.yaml:5: checked_on is missing"),
    "extra field": (SCALAR.replace("mark: S", "mark: S, colour: red"), "cn/leaf.yaml:6: field 'colour' is not known"),
    "extra leaf field": (SCALAR + "colour: red\n", "cn/leaf.yaml:7: field 'colour' is not known"),
    "overlap": (SCALAR.replace("until: 2019-01-01", "until: 2019-01-02"), "cn/leaf.yaml:6: overlapping dates"),
    "open then more": (SCALAR.replace(" until: 2019-01-01,", ""), "cn/leaf.yaml:6: overlapping dates"),
    "unordered": (SCALAR.replace("from: 2019-01-01", "from: 2015-01-01"), "cn/leaf.yaml:6: unordered dates"),
    "empty interval": (
        SCALAR.replace("until: 2019-01-01", "until: 2016-04-08"),
        "cn/leaf.yaml:5: until 2016-04-08 does not",
    ),
    "unknown status": (
        SCALAR.replace("in_force, mark: S", "valid, mark: S"),
        "cn/leaf.yaml:6: status 'valid' is not known",
    ),
    "unknown mark": (SCALAR.replace("mark: S", "mark: X"), "cn/leaf.yaml:6: mark 'X' is not known"),
    "mark ? in force": (SCALAR.replace("mark: S", 'mark: "?"'), "cn/leaf.yaml:6: a value with mark ? is not in force"),
    "too fine": (
        SCALAR.replace("26000", "26000.001"),
        "cn/leaf.yaml:6: value: 26000.001 is finer than unit 'CNY' keeps",
    ),
    "bare fraction": (
        SCALAR.replace('"26000"', "26000.5"),
        "cn/leaf.yaml:6: value: 26000.5 is a bare fraction: quote it",
    ),
    "not a number": (SCALAR.replace("26000", "1e3"), "cn/leaf.yaml:6: value: '1e3' is not a plain decimal number"),
    "negative": (SCALAR.replace("26000", "-1"), "cn/leaf.yaml:6: value: -1 is negative"),
    "too large": (SCALAR.replace("26000", "9" * 20), "is too large for unit 'CNY'"),
    "bad date": (
        SCALAR.replace("from: 2019-01-01", "from: 2019-02-30"),
        "cn/leaf.yaml:6: from: '2019-02-30' is not a day",
    ),
    "date with time": (SCALAR.replace("from: 2019-01-01", "from: 2019-01-01T00:00:00"), "cn/leaf.yaml:6: from:"),
    "duplicate key": (SCALAR + "unit: USD\n", "cn/leaf.yaml:7: field 'unit' stands twice"),
    "no chinese title": (SCALAR.replace(", zh: 年度限值", ""), "cn/leaf.yaml:1: title has no 'zh'"),
    "third language": (SCALAR.replace("zh:", "fr: x, zh:"), "cn/leaf.yaml:1: title in 'fr' is not kept"),
    "unknown selector": (SCALAR.replace("declaration", "birth"), "cn/leaf.yaml:3: selected_by 'birth' is not known"),
    "other unit in a value": (SCALAR.replace("mark: S", "mark: S, unit: USD"), "cn/leaf.yaml:6: unit 'USD' differs"),
    "values no list": (SCALAR.split("values:")[0] + "values: 3\n", "cn/leaf.yaml:4: values must be a list"),
    "value no mapping": (SCALAR + "  - 3\n", "cn/leaf.yaml:7: a dated value is a mapping"),
    "not yaml": ("title: {en: [\n", "not YAML"),
    "a cycle": ("title: &a [*a]\n", "not YAML"),
    "a control character": ("title: \x00\n", "not YAML"),
    "a key that is no word": ("? [a]\n: b\n", "cn/leaf.yaml:1: a field name must be a word"),
    "a list": ("- 1\n", "cn/leaf.yaml:1: a law file is a mapping"),
    "empty": ("", "cn/leaf.yaml:1: the file is empty"),
    "table overlap": (
        TABLE.replace("until: 2022-01-01", "until: 2022-01-02"),
        "cn/leaf.yaml:23: overlapping dates for 6109",
    ),
    "table unordered": (
        TABLE.replace("from: 2022-01-01", "from: 2019-01-01"),
        "cn/leaf.yaml:23: unordered dates for 6109",
    ),
    "twice in a block": (
        TABLE.replace('["6109", "0.12"]', '["61", "0.12"]'),
        "cn/leaf.yaml:16: overlapping dates for 61",
    ),
    "cells": (TABLE.replace('["61", "0.10"]', '["61"]'), "cn/leaf.yaml:15: a row has 2 cells: hs_prefix, rate"),
    "cell unit": (
        TABLE.replace('"0.10"', '"0.1000001"'),
        "cn/leaf.yaml:15: rate: 0.1000001 is finer than unit 'rate' keeps",
    ),
    "cell name": (TABLE.replace("rate: null", "tax: null"), "cn/leaf.yaml:24: field 'tax' is not known"),
    "no key cell": (
        TABLE.replace('["61", "0.10"]', '[null, "0.10"]'),
        "cn/leaf.yaml:15: hs_prefix must be a single value",
    ),
    "key not a column": (
        TABLE.replace("key: [hs_prefix]", "key: [code]"),
        "cn/leaf.yaml:4: key must be a list of columns",
    ),
    "reserved column": (
        TABLE.replace("rate: rate", "note: rate"),
        "cn/leaf.yaml:5: column 'note' is a name every table has",
    ),
    "column unit": (
        TABLE.replace("rate: rate", "rate: percent"),
        "cn/leaf.yaml:5: unit of column rate: unit 'percent'",
    ),
    "complete": (TABLE.replace("complete: false", "complete: maybe"), "cn/leaf.yaml:6: complete 'maybe' is not known"),
    "empty without why": (
        TABLE.split("blocks:")[0] + "blocks: []\n",
        "cn/leaf.yaml:7: an empty table, and only an empty one",
    ),
    "full with why": (TABLE + "why_empty: none\n", "cn/leaf.yaml:25: an empty table, and only an empty one"),
    "block without rows": (TABLE.split("    rows:")[0] + "    rows: []\n", "cn/leaf.yaml:14: rows must be a list"),
    "block no mapping": (TABLE + "  - 3\n", "cn/leaf.yaml:25: a block is a mapping"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_file_and_line(name: str, tmp_path: Path) -> None:
    text, expected = FAULTS[name]
    with pytest.raises(LawError) as caught:
        Law.read(folder(tmp_path, cn__leaf=text))
    assert expected in str(caught.value)
    assert all(one.startswith("cn/leaf.yaml:") for one in caught.value.problems)


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    bad = SCALAR.replace("in_force", "valid").replace("mark: S", "mark: X")
    with pytest.raises(LawError) as caught:
        Law.read(folder(tmp_path, cn__one=bad, cn__two=SCALAR.replace("CNY", "marks")))
    assert [one.split(": ")[0] for one in caught.value.problems] == [
        "cn/one.yaml:5",
        "cn/one.yaml:6",
        "cn/one.yaml:6",
        "cn/two.yaml:2",
    ]
    assert str(caught.value).startswith("4 problems in the law files:\n")
    assert isinstance(caught.value, CallError)


def test_a_jurisdiction_needs_a_known_time_zone(tmp_path: Path) -> None:
    base = folder(tmp_path, cn__leaf=SCALAR)
    (base / "cn" / "_jurisdiction.yaml").write_text(
        "title: {en: a, zh: b}\ntime_zone: Asia/Beijing\n", encoding="utf-8"
    )
    with pytest.raises(LawError, match=r"cn/_jurisdiction.yaml:2: time zone 'Asia/Beijing' is not known"):
        Law.read(base)
    (base / "cn" / "_jurisdiction.yaml").unlink()
    with pytest.raises(LawError, match=r"cn/_jurisdiction.yaml is missing"):
        Law.read(base)


def test_a_leaf_stands_in_a_jurisdiction_and_a_folder_exists(tmp_path: Path) -> None:
    with pytest.raises(LawError, match=r"leaf.yaml:1: a leaf stands in the folder of its jurisdiction"):
        Law.read(folder(tmp_path, leaf=SCALAR))
    with pytest.raises(LawError, match="is not a folder of law values"):
        Law.read(tmp_path / "nowhere")


def test_bytes_that_are_no_text_are_a_fault_of_the_file(tmp_path: Path) -> None:
    base = folder(tmp_path)
    (base / "cn" / "leaf.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LawError, match=r"cn/leaf.yaml:1: the file is not UTF-8"):
        Law.read(base)


def test_a_later_folder_replaces_a_leaf_as_a_whole(tmp_path: Path) -> None:
    own = folder(tmp_path, cn__cbec__yearly_limit=SCALAR.replace("26000", "99000"))
    assert [one.text for one in Law.load(own).history("cn/cbec/yearly_limit")] == ["20000.00", "99000.00"]
