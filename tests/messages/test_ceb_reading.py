"""Reading: official samples round-trip without loss, broken and hostile messages are refused with a reason."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from entrepot.goods.errors import CallError, InputError
from entrepot.messages.ceb import (
    NoSigner,
    Sender,
    build,
    check,
    compose,
    messages,
    read,
    read_message,
    with_guids,
    with_numbers,
    write_lists,
)
from tests.messages.orders import APP_TIME, lines, orders

KINDS = ("303", "603", "621")
XML_CHARACTER = st.characters(exclude_categories=["Cs"], exclude_characters="\uffff\ufffe", min_codepoint=32)
XML_TEXT = st.text(XML_CHARACTER, min_size=1, max_size=40)


def sample(folder: Path, kind: str) -> bytes:
    return (folder / "samples" / ("import" if kind == "621" else "export") / f"CEB{kind}Message.xml").read_bytes()


def without_repeat(content: bytes) -> bytes:
    """The sample with its second BaseTransfer taken out."""
    start, end = b"<ceb:BaseTransfer>", b"</ceb:BaseTransfer>"
    last = content.rindex(start)
    return content[:last] + content[content.index(end, last) + len(end) :] if content.count(start) > 1 else content


def elements_of(content: bytes) -> list[tuple[str, str]]:
    root = etree.fromstring(content.removeprefix(b"\xef\xbb\xbf"), etree.XMLParser(remove_comments=True))
    return [(str(node.tag), (node.text or "") if not len(node) else "") for node in root.iter()]


@pytest.mark.parametrize("kind", KINDS)
def test_samples_round_trip_without_loss(kind: str, ceb_folder: Path, valid: Callable[[str, bytes], None]) -> None:
    content = without_repeat(sample(ceb_folder, kind))
    valid(kind, content.removeprefix(b"\xef\xbb\xbf"))
    message = read(content)
    assert message.problems == ()
    again = compose(message)
    valid(kind, again)
    assert elements_of(again) == elements_of(content)
    root = etree.fromstring(again)
    assert (root.get("guid"), root.get("version")) == (message.guid, message.version)


@pytest.mark.parametrize("kind", ["303", "603"])
def test_samples_that_repeat_an_element_are_reported(kind: str, ceb_folder: Path) -> None:
    message = read(sample(ceb_folder, kind))
    assert len(message.problems) == 1
    assert "BaseTransfer is repeated" in message.problems[0]
    with pytest.raises(CallError, match="repeated"):
        compose(message)


def test_rules_apply_to_read_messages(ceb_folder: Path, sender: Sender) -> None:
    message = read(sample(ceb_folder, "621"))
    rules = set(check(with_numbers(message.documents), sender)["rule"])
    assert {"ceb.R4-total", "ceb.R7-one-package", "ceb.R15-identity"} <= rules


def message_of(frame: pl.DataFrame, sender: Sender) -> bytes:
    return next(messages(with_guids(build("603", frame, None, sender, APP_TIME)), sender, NoSigner())).content


def test_prefix_does_not_matter(sender: Sender) -> None:
    content = message_of(orders(2), sender)
    bare = content.replace(b"ceb:", b"").replace(b"xmlns:ceb=", b"xmlns=").replace(b"<xmlns", b"<")
    bare = bare.replace(b"xmlns:", b"xmlns=") if b'xmlns="' not in bare else bare
    assert read(bare).documents.heads.equals(read(content).documents.heads)


def test_envelope_parts_survive(sender: Sender) -> None:
    extra = (
        b"<ceb:BaseSubscribe><ceb:status>ALL</ceb:status><ceb:dxpMode>DXP</ceb:dxpMode>"
        b"<ceb:dxpAddress>X</ceb:dxpAddress></ceb:BaseSubscribe>"
        b"<ceb:ExtendMessage><ceb:name>n</ceb:name><ceb:version>1</ceb:version><ceb:Message><a b='1'>&amp;</a>"
        b"</ceb:Message></ceb:ExtendMessage>"
    )
    content = message_of(orders(1), sender).replace(b"</ceb:BaseTransfer>", b"</ceb:BaseTransfer>" + extra)
    message = read(content)
    assert message.problems == ()
    assert message.subscribes == ({"status": "ALL", "dxpMode": "DXP", "dxpAddress": "X"},)
    assert elements_of(compose(message)) == elements_of(content)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"<ceb:ieFlag>E</ceb:ieFlag>", b"", "lacks ieFlag"),
        (b"<ceb:ieFlag>E</ceb:ieFlag>", b"<ceb:ieFlag>E</ceb:ieFlag>" * 2, "ieFlag is repeated"),
        (b"<ceb:ieFlag>E</ceb:ieFlag>", b"<ceb:ieFlag>E</ceb:ieFlag><ceb:x/>", "x does not belong"),
        (b"<ceb:gnum>1</ceb:gnum>", b"<ceb:unit2/><ceb:gnum>1</ceb:gnum>", "out of order"),
        (b"<ceb:gnum>1</ceb:gnum>", b"<ceb:gnum><b/>1</ceb:gnum>", "text only"),
        (b"</ceb:BaseTransfer>", b"</ceb:BaseTransfer><ceb:Inventory/>", "comes too late"),
        (b"<ceb:BaseTransfer>", b"<ceb:Other/><ceb:BaseTransfer>", "Other does not belong"),
        (b'version="1.0">', b'version="1.0" more="1">', "exactly the attributes"),
        (b"ceb:BaseTransfer>", b"ceb:BaseSubscribe>", "lacks BaseTransfer"),
    ],
)
def test_broken_structure_is_named(old: bytes, new: bytes, said: str, sender: Sender) -> None:
    content = message_of(orders(1), sender)
    assert old in content
    problems = read(content.replace(old, new)).problems
    assert any(said in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not well-formed"),
        (b"<a/>", "no message of the kinds"),
        (b'<CEB603Message xmlns="http://www.chinaport.gov.cn/ceb"><a', "not well-formed"),
        (b'<!DOCTYPE a><CEB603Message xmlns="http://www.chinaport.gov.cn/ceb"/>', "DOCTYPE"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', "DOCTYPE"),
        (b"\x00\xff\xfe", "not well-formed"),
        (b"x" * 2_000, "larger than"),
    ],
)
def test_hostile_bytes_are_refused(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(content, largest=1_000)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_text_and_number_come_back(data: st.DataObject) -> None:
    """What is written is what is read: any text XML can carry, any number that fits."""
    sender = Sender.placeholder()
    price = st.integers(0, 10**14 - 1)
    names = data.draw(st.lists(XML_TEXT, min_size=1, max_size=4))
    prices = [data.draw(price) for _ in names]
    frame = lines(*({"order_id": f"A-{place}", "description": name, "unit_price_e5": number, "quantity_e5": number}
                    for place, (name, number) in enumerate(zip(names, prices, strict=True))))  # fmt: skip
    documents = read(message_of(frame, sender)).documents
    assert documents.items["gname"].to_list() == names
    back = with_numbers(documents).items
    assert back["price"].to_list() == prices
    assert back["qty"].to_list() == prices


def test_damaged_archive_is_refused(tmp_path: Path, sender: Sender) -> None:
    index = write_lists(orders(5), None, sender, ["603"], None, tmp_path, "1", APP_TIME).index
    path, length = tmp_path / index["file"][0], index["length"][0]
    for offset, size in ((0, length + 1), (3, length - 3)):
        with pytest.raises(InputError):
            read_message(path, offset, size)
    with pytest.raises(CallError):
        read_message(path, -1, length)
    with pytest.raises(CallError):
        read_message(tmp_path / "absent", 0, length)
    changed = bytearray(path.read_bytes())
    changed[length // 2] ^= 1
    path.write_bytes(bytes(changed))
    with pytest.raises(InputError, match="damaged"):
        read_message(path, 0, length)
