"""Signatures: verified here with lxml's canonical form, independently of how they are made."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from entrepot.goods.errors import CallError
from entrepot.messages.ceb import (
    NoSigner,
    RsaSigner,
    Sender,
    build,
    load_signer,
    make_test_key,
    messages,
    verify,
    with_guids,
)
from tests.messages.orders import APP_TIME, IMPORT, orders, persons


@pytest.fixture(scope="module")
def message(sender: Sender, signer: RsaSigner) -> bytes:
    frame = orders(3, IMPORT, description="<茶> & 水")
    documents = with_guids(build("621", frame, persons(frame), sender, APP_TIME))
    return next(messages(documents, sender, signer)).content


def test_signature_verifies(message: bytes) -> None:
    assert verify(message).ok


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"<ceb:packNo>1", b"<ceb:packNo>2"), (b'version="1.0">', b'version="1.1">'), (b"DXPPLACE", b"DXPPLACF")],
)
def test_one_changed_byte_fails(message: bytes, old: bytes, new: bytes) -> None:
    changed = message.replace(old, new, 1)
    assert changed != message
    assert verify(changed).reason == "the digest does not match: the message was changed"


def test_changed_signature_value_fails(message: bytes) -> None:
    start = message.index(b"<ds:SignatureValue>") + len(b"<ds:SignatureValue>")
    other = b"B" if message[start : start + 1] == b"A" else b"A"
    assert not verify(message[:start] + other + message[start + 1 :]).ok


def test_forged_digest_fails(message: bytes, sender: Sender, signer: RsaSigner) -> None:
    """A digest recomputed for changed content does not match the signed information."""
    start = message.index(b"<ds:DigestValue>") + len(b"<ds:DigestValue>")
    changed = message.replace(b"<ceb:packNo>1", b"<ceb:packNo>2", 1)
    body = etree.fromstring(changed)
    body.remove(body[-1])
    resigned = signer.signature(etree.tostring(body, method="c14n"))
    digest = resigned.split(b"<ds:DigestValue>")[1].split(b"</ds:DigestValue>")[0]
    forged = changed[:start] + digest + changed[start + len(digest) :]
    assert verify(forged).reason == "the signature value does not match the signed information"


def test_algorithms_are_those_of_the_specification(message: bytes) -> None:
    algorithms = [node.get("Algorithm") for node in etree.fromstring(message).iter() if node.get("Algorithm")]
    assert algorithms == [
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2000/09/xmldsig#sha1",
    ]


def test_unsigned_message_is_said_to_be_unsigned(sender: Sender) -> None:
    documents = with_guids(build("603", orders(1), None, sender, APP_TIME))
    content = next(messages(documents, sender, NoSigner())).content
    assert verify(content).reason == "the message is not signed"


def test_test_key_is_made_once_and_private(tmp_path: Path) -> None:
    make_test_key(tmp_path / "key")
    path = tmp_path / "key" / "test-key.pem"
    before = path.read_bytes()
    make_test_key(tmp_path / "key")
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o600


def test_import_list_needs_a_signer(sender: Sender) -> None:
    frame = orders(1, IMPORT)
    documents = with_guids(build("621", frame, persons(frame), sender, APP_TIME))
    with pytest.raises(CallError, match="must be signed"):
        next(messages(documents, sender, NoSigner()))


PLUG_IN = """
class Device:
    signs = True
    def signature(self, canonical):
        return b"<ds:Signature/>" + canonical[:0]

class Half:
    signs = True

def broken():
    raise OSError("no card in the reader")

def half():
    return Half()

def needs(slot):
    return Device()

NUMBER = 1
"""


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module with signers of all kinds, importable during the test."""
    name = "entrepot_signer_under_test"
    (tmp_path / f"{name}.py").write_text(PLUG_IN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def test_a_signer_is_loaded_by_name(plug_in: str, sender: Sender) -> None:
    signer = load_signer(f"{plug_in}:Device")
    assert signer.signs
    frame = orders(1, IMPORT)
    documents = with_guids(build("621", frame, persons(frame), sender, APP_TIME))
    assert b"<ds:Signature/>" in next(messages(documents, sender, signer)).content


@pytest.mark.parametrize(("factory", "said"), [
    ("", "form package.module:factory"), (":", "form package.module:factory"), (":a b", "form package.module:factory"),
    (":nothing", "has no nothing"), (":NUMBER", "NUMBER is a int"), (":half", "made a Half; a signer needs"),
    (":broken", "OSError: no card in the reader"), (":needs", "missing 1 required"),
])  # fmt: skip
def test_what_is_no_signer_is_named(plug_in: str, factory: str, said: str) -> None:
    with pytest.raises(CallError, match=said):
        load_signer(plug_in + factory)


def test_a_signer_not_installed_is_named() -> None:
    with pytest.raises(CallError, match="No module named 'entrepot_no_such_module'"):
        load_signer("entrepot_no_such_module:Device")
