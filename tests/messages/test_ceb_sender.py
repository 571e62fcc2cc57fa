"""The sender file: every mistake is named at once."""

from pathlib import Path

import pytest

from entrepot.goods.errors import CallError
from entrepot.messages.ceb import Sender
from entrepot.messages.ceb.sender import is_company_code

GOOD = """
sendable: true
cop: {code: 91110000600037341L, name: 某公司}
dxp_id: DXPENT0000000001
export_platform: {code: 无, name: Example}
import_platform: {code: "1105910159", name: 平台}
company: {code: 91110000600037341L, name: 某公司}
agent: {code: "1105910159", name: 代理}
logistics: {YTO: {code: "1105910159", name: 圆通}}
customs_code: "2900"
port_code: "2900"
traf_mode: "5"
wrap_type: "2"
pod: {"502": "5021"}
"""


def test_sender_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "sender.yaml").write_text(GOOD, encoding="utf-8")
    sender = Sender.load(tmp_path / "sender.yaml")
    assert sender.sendable
    assert sender.company.name == "某公司"
    assert sender.pod["502"] == "5021"
    assert sender.owner is None


def test_placeholder_is_marked() -> None:
    sender = Sender.placeholder()
    assert not sender.sendable
    assert sender.export_platform.code == "无"
    assert "PLACEHOLDER" in sender.cop.name
    assert "PLACEHOLDER" in (sender.note or "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sendable: true", "", "sendable is missing"), ("sendable: true", "sendable: 1", "true or false"),
        ("dxp_id:", "dxp:", "'dxp' is not a key"), ("91110000600037341L", "91110000600037341X", "right check"),
        ('traf_mode: "5"', "traf_mode: 5", "quoted text"), ('"2900"', '"29000"', "exactly 4"),
        ("code: 无", 'code: "12"', "10 characters"), ("{YTO:", "{", "logistics"), ('"5021"', '"50210"', "3 or 4"),
        ("sendable: true", "- 1", "not YAML"), (GOOD, "[]", "must be a mapping"),
        ("name: 某公司", f"name: {'长' * 101}", "at most 100"),
    ],
)  # fmt: skip
def test_mistakes_are_named(old: str, new: str, said: str) -> None:
    with pytest.raises(CallError, match=said):
        Sender.parse(GOOD.replace(old, new))


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="cannot be read"):
        Sender.load(tmp_path / "none.yaml")


@pytest.mark.parametrize(("code", "valid"), [
    ("91110000600037341L", True), ("91110000600037341M", False), ("1105910159", True), ("110591015", False),
    ("", False), ("SELLER0001", False), ("DE99000006", False), ("1105ABCDEF", True), ("１１０５910159", False),
    ("91110000600037341l", False), ("９1110000600037341L", False), ("1105910159\n", False),
])  # fmt: skip
def test_company_codes(code: str, valid: bool) -> None:
    assert is_company_code(code) is valid
