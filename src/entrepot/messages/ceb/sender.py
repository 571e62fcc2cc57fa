"""Who sends the messages: the parties, numbers and codes that no order line knows.

Loaded from a YAML file the company keeps; `Sender.placeholder()` stands in for it, valid but not sendable.
"""

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from entrepot.goods.errors import CallError
from entrepot.goods.identifiers import is_social_credit_code

__all__ = ["NO_PLATFORM_CODE", "Party", "Sender", "is_company_code"]

NO_PLATFORM_CODE = "无"
"""ebpCode of an overseas platform without a code; export only."""
ANY_CARRIER = "*"
PARTIES = ("cop", "export_platform", "import_platform", "company", "owner", "agent", "area")
LIMITS = {
    "dxp_id": 30, "customs_code": 4, "port_code": 4, "traf_mode": 1, "wrap_type": 1, "assure_code": 30, "ems_no": 30,
    "traf_no": 100, "voyage_no": 32, "bill_no": 37, "loct_no": 10, "note": 1000, "pod": 4,
}  # fmt: skip
FIXED = ("customs_code", "port_code", "traf_mode", "wrap_type")


@lru_cache(maxsize=100_000)
def is_company_code(code: str) -> bool:
    """Whether a code is a USCC with a right check character (GB 32100) or a 10-character customs registration number.

    The registration number starts with the four digits of its administrative place; a seller's own number
    (`SELLER0001`) does not, and must not become a company code.
    """
    return re.fullmatch(r"[0-9]{4}[0-9A-Z]{6}", code) is not None or is_social_credit_code(code)


@dataclass(frozen=True, slots=True)
class Party:
    """A company as customs knows it: code (10 characters or USCC) and name (at most 100 characters)."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Sender:
    """The constant part of every message. Codes are customs codes; `logistics` maps a line's carrier to its company.

    `company` is the e-commerce company unless the line's own seller has a valid code. `owner` None means the
    company is also the producer or seller. `pod` maps a country number to a port of destination; a country not
    named is its own. `waybill_from_order` lets the order number stand for a missing waybill number.
    """

    sendable: bool
    cop: Party
    dxp_id: str
    export_platform: Party
    import_platform: Party
    company: Party
    agent: Party
    logistics: Mapping[str, Party]
    customs_code: str
    port_code: str
    traf_mode: str
    wrap_type: str
    owner: Party | None = None
    area: Party | None = None
    assure_code: str | None = None
    ems_no: str | None = None
    traf_no: str | None = None
    voyage_no: str | None = None
    bill_no: str | None = None
    loct_no: str | None = None
    note: str | None = None
    pod: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    waybill_from_order: bool = False

    @classmethod
    def load(cls, path: Path | str) -> "Sender":
        """Read a sender file. Raises CallError naming every key that is missing, unknown or out of its limits."""
        try:
            content = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as reason:
            raise CallError(f"sender file {path} cannot be read: {reason}") from None
        return cls.parse(content, str(path))

    @classmethod
    def parse(cls, content: str, name: str = "sender") -> "Sender":
        """The sender written in YAML text; see `load`."""
        try:
            given = YAML(typ="safe").load(content)
        except YAMLError as reason:
            raise CallError(f"{name} is not YAML: {reason}") from None
        if not isinstance(given, dict):
            raise CallError(f"{name} must be a mapping of keys (cop, dxp_id, company, …): see the placeholder sender")
        problems = _problems(given)
        if problems:
            raise CallError(f"{name}: " + "; ".join(problems))
        parts: dict[str, Any] = {key: _value(key, value) for key, value in given.items()}
        return cls(**parts)

    @classmethod
    def placeholder(cls) -> "Sender":
        """A schema-valid stand-in, marked in every name and note; `sendable` is False."""
        return cls.parse(files(__package__).joinpath("placeholder.yaml").read_text(encoding="utf-8"), "placeholder")


def _value(key: str, value: object) -> object:
    if key in PARTIES and isinstance(value, dict):
        return Party(**value)
    if key == "logistics" and isinstance(value, dict):
        return MappingProxyType({carrier: Party(**party) for carrier, party in value.items()})
    return MappingProxyType(value) if isinstance(value, dict) else value


def _problems(given: dict[str, object]) -> list[str]:
    known = {entry.name for entry in fields(Sender)}
    needed = {entry.name for entry in fields(Sender) if entry.default is MISSING and entry.default_factory is MISSING}
    found = [f"{key} is missing" for key in sorted(needed - set(given))]
    found += [f"{key!r} is not a key of a sender" for key in given if key not in known]
    for key, value in given.items():
        found += _key_problems(str(key), value)
    return found


def _key_problems(key: str, value: object) -> list[str]:
    if key in PARTIES:
        return _party_problems(key, value)
    if key == "logistics":
        if not isinstance(value, dict) or not value:
            return ["logistics must map carriers (or '*') to {code, name}"]
        named = ((f"logistics {carrier}", party) for carrier, party in value.items())
        return [problem for name, party in named for problem in _party_problems(name, party)]
    if key in ("sendable", "waybill_from_order"):
        return [] if isinstance(value, bool) else [f"{key} must be true or false, not {value!r}"]
    if key == "pod":
        return _pod_problems(value)
    return _text_problems(key, value)


def _text_problems(key: str, value: object) -> list[str]:
    most = LIMITS.get(key)
    if most is None:
        return []
    if not isinstance(value, str) or not value:
        return [f"{key} must be quoted text, not {value!r}"]
    if len(value) > most or (key in FIXED and len(value) != most):
        return [f"{key} {value!r} must have {'exactly' if key in FIXED else 'at most'} {most} characters"]
    return []


def _pod_problems(value: object) -> list[str]:
    if not isinstance(value, dict):
        return ["pod must map a 3-digit country number to a port of 3 or 4 characters"]
    return [f"pod {country}: {port!r} must have 3 or 4 characters" for country, port in value.items()
            if not isinstance(port, str) or len(port) not in (3, 4)]


def _party_problems(key: str, value: object) -> list[str]:
    if not isinstance(value, dict) or set(value) != {"code", "name"}:
        return [f"{key} must be {{code: ..., name: ...}}"]
    code, name = value["code"], value["name"]
    if not isinstance(code, str) or not isinstance(name, str) or not 0 < len(name) <= 100:
        return [f"{key}: code and name must be quoted text, the name at most 100 characters"]
    special = {"export_platform": NO_PLATFORM_CODE, "owner": "NO"}.get(key)
    if code != special and not is_company_code(code):
        return [f"{key}: code {code!r} must be 10 characters (4 digits, then 0-9, A-Z) or a USCC with a right check character"]
    return []
