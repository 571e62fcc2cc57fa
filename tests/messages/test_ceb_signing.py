"""Signatures: verified here with lxml's canonical form, independently of how they are made."""

from pathlib import Path

import pytest
from lxml import etree

from entrepot.goods.errors import CallError
from entrepot.messages.ceb import (
    NoSigner,
    RsaSigner,
    Sender,
    build,
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
