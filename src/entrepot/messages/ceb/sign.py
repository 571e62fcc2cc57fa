"""Signatures over CEB messages: enveloped XML-DSig (interface sheet section 5, GACC specification 202205 section 6).

A signer is a plug-in: none, an RSA key in software for tests, or any device that signs bytes. Messages are
written in canonical form, so what is digested is the message itself without its XML declaration.
"""

import base64
import datetime
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any, Protocol, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from entrepot.goods.errors import CallError
from entrepot.messages.ceb.elements import NAMESPACE

__all__ = ["DSIG", "NoSigner", "RsaSigner", "Signer", "Verification", "load_signer", "make_test_key", "verify"]

DSIG = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
RSA_SHA1 = f"{DSIG}rsa-sha1"
SHA1 = f"{DSIG}sha1"
TEST_KEY, TEST_CERTIFICATE = "test-key.pem", "test-certificate.pem"

_SIGNED_INFO = (
    "<ds:SignedInfo{namespaces}>"
    f'<ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
    f'<ds:SignatureMethod Algorithm="{RSA_SHA1}"></ds:SignatureMethod>'
    '<ds:Reference URI=""><ds:Transforms>'
    f'<ds:Transform Algorithm="{DSIG}enveloped-signature"></ds:Transform>'
    f'</ds:Transforms><ds:DigestMethod Algorithm="{SHA1}"></ds:DigestMethod>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)
_IN_SCOPE = f' xmlns:ceb="{NAMESPACE}" xmlns:ds="{DSIG}"'


class Signer(Protocol):
    """Makes the ds:Signature element of a message."""

    @property
    def signs(self) -> bool:
        """Whether `signature` returns anything; a 621 needs a signer that does."""

    def signature(self, canonical: bytes) -> bytes:
        """The ds:Signature element for a message given in canonical form without a signature; b'' for none."""


class NoSigner:
    """Leaves messages unsigned."""

    signs = False

    def signature(self, canonical: bytes) -> bytes:
        """Nothing."""
        return b""


class RsaSigner:
    """Signs with an RSA key held in software (rsa-sha1), for tests and trials: production keys live in a device."""

    signs = True

    def __init__(self, key_pem: bytes, certificate_pem: bytes) -> None:
        key = serialization.load_pem_private_key(key_pem, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise CallError("the signing key is not an RSA key: give an RSA private key in PEM")
        self._key = key
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
        self._key_info = (
            f"<ds:KeyInfo><ds:KeyName>{certificate.serial_number:x}</ds:KeyName><ds:X509Data>"
            f"<ds:X509Certificate>{der}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        )

    @classmethod
    def load(cls, folder: Path) -> "RsaSigner":
        """The signer of a folder made by `make_test_key`."""
        return cls((folder / TEST_KEY).read_bytes(), (folder / TEST_CERTIFICATE).read_bytes())

    def signature(self, canonical: bytes) -> bytes:
        """Digest, SignedInfo, RSA signature and certificate as one element."""
        digest = base64.b64encode(sha1(canonical, usedforsecurity=True).digest()).decode()
        signed_info = _SIGNED_INFO.format(namespaces=_IN_SCOPE, digest=digest)
        value = self._key.sign(signed_info.encode(), padding.PKCS1v15(), hashes.SHA1())
        shown = _SIGNED_INFO.format(namespaces="", digest=digest)
        return (
            f'<ds:Signature xmlns:ds="{DSIG}">{shown}'
            f"<ds:SignatureValue>{base64.b64encode(value).decode()}</ds:SignatureValue>{self._key_info}</ds:Signature>"
        ).encode()


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found: `ok`, and in `reason` what failed."""

    ok: bool
    reason: str = ""


def verify(message: bytes) -> Verification:
    """Check digest and RSA signature of a message against the certificate inside it.

    Proves that nothing was changed after signing; it does not say whether the certificate can be trusted.
    """
    root = etree.fromstring(message, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    signature = root.find(f"{{{DSIG}}}Signature")
    if signature is None:
        return Verification(ok=False, reason="the message is not signed")
    signed_info = signature.find(f"{{{DSIG}}}SignedInfo")
    digest, value, certificate = (signature.findtext(f".//{{{DSIG}}}{name}") for name in
                                  ("DigestValue", "SignatureValue", "X509Certificate"))
    if signed_info is None or not digest or not value or not certificate:
        return Verification(ok=False, reason="the signature is incomplete")
    signed = etree.tostring(signed_info, method="c14n")
    root.remove(signature)
    found = base64.b64encode(sha1(etree.tostring(root, method="c14n"), usedforsecurity=True).digest()).decode()
    if found != digest.strip():
        return Verification(ok=False, reason="the digest does not match: the message was changed")
    return _verify_value(signed, base64.b64decode(value), base64.b64decode(certificate))


def _verify_value(signed: bytes, value: bytes, certificate: bytes) -> Verification:
    key = x509.load_der_x509_certificate(certificate).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return Verification(ok=False, reason="the certificate does not hold an RSA key")
    try:
        key.verify(value, signed, padding.PKCS1v15(), hashes.SHA1())
    except InvalidSignature:
        return Verification(ok=False, reason="the signature value does not match the signed information")
    return Verification(ok=True)


def load_signer(name: str) -> Signer:
    """The signer of a plug-in named `package.module:factory`; the factory is called without arguments.

    Runs the code it names. Raises CallError when there is no such factory or what it makes is not a `Signer`.
    """
    module, colon, factory = name.partition(":")
    if not (module and colon and factory.isidentifier()):
        raise CallError(f"signer {name!r} is not of the form package.module:factory")
    try:
        make = getattr(importlib.import_module(module), factory)
    except ImportError as reason:
        raise CallError(f"signer {name!r}: {reason}; install the package that holds it, or mend the name") from reason
    except AttributeError:
        raise CallError(f"signer {name!r}: module {module} has no {factory}; name a factory it has") from None
    if not callable(make):
        raise CallError(f"signer {name!r}: {factory} is a {type(make).__name__}; name a factory without arguments")
    return _checked_signer(name, _made(name, make))


def _made(name: str, make: Callable[[], object]) -> object:
    try:
        return make()
    except Exception as reason:  # a plug-in may raise anything; the caller needs one line
        raise CallError(f"signer {name!r} cannot be made: {type(reason).__name__}: {reason}") from reason


def _checked_signer(name: str, made: Any) -> Signer:
    if isinstance(getattr(made, "signs", None), bool) and callable(getattr(made, "signature", None)):
        return cast("Signer", made)
    raise CallError(
        f"signer {name!r} made a {type(made).__name__}; a signer needs `signs` (true or false) and "
        "`signature(canonical: bytes) -> bytes`"
    )


def make_test_key(folder: Path) -> RsaSigner:
    """The signer of a key and self-signed certificate kept in `folder`, made there once (key readable by owner only).

    For tests and trials; customs accept only keys issued by the E-port data centre.
    """
    key_file, certificate_file = folder / TEST_KEY, folder / TEST_CERTIFICATE
    if not (key_file.exists() and certificate_file.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        certificate_file.write_bytes(_self_signed(key).public_bytes(serialization.Encoding.PEM))
        _write_private(key_file, key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return RsaSigner.load(folder)


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Entrepot test key, not for sending")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start)
    return builder.not_valid_after(start.replace(year=2050)).sign(key, hashes.SHA256())


def _write_private(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as target:
        target.write(content)
