"""Which addresses a webhook may have: public ones over https, so that nobody uses the desk to reach into its network.

The name is resolved once for each call and the address found is the one called: a name that changes between the check
and the call (DNS rebinding) gains nothing.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from entrepot.desk.told import Told

__all__ = ["Target", "check_url", "resolve"]

Address = IPv4Address | IPv6Address
TRANSLATED = [ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]
"""IPv6 networks whose addresses stand for IPv4 ones."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to call: the address that was found, and what the caller says it wants there."""

    address: str
    port: int
    scheme: str
    host: str
    path: str

    @property
    def url(self) -> str:
        """The URL with the address in place of the name."""
        place = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{place}:{self.port}{self.path}"

    @property
    def host_header(self) -> str:
        """What the receiver knows itself by."""
        usual = self.port == (443 if self.scheme == "https" else 80)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if usual else f"{host}:{self.port}"


def check_url(url: str) -> SplitResult:
    """A webhook's URL in its parts; Told when it has a form that is never called."""
    try:
        parts = urlsplit(url)
        port_is_good = parts.port is None or 0 < parts.port < 65536
        host = (parts.hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError):
        raise Told("webhooks.url-form") from None
    schemes = ("https", "http") if settings.WEBHOOK_PRIVATE else ("https",)
    if not host or not port_is_good or parts.username or parts.fragment or parts.scheme not in schemes or len(url) > 500:
        raise Told("webhooks.url-form")
    return parts


def resolve(url: str) -> Target:
    """Where a URL leads now; Told when the name is not found or leads where webhooks must not go."""
    parts = check_url(url)
    host = (parts.hostname or "").encode("idna").decode()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise Told("webhooks.url-unresolved", host=host) from None
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(_allowed(address, parts.scheme) for address in addresses):
        raise Told("webhooks.url-private", host=host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(str(addresses[0]), port, parts.scheme, host, path)


def _allowed(address: Address, scheme: str) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if scheme == "http":
        return bool(settings.WEBHOOK_PRIVATE and address.is_loopback)
    if settings.WEBHOOK_PRIVATE:
        return not address.is_multicast
    return address.is_global and not address.is_multicast and not any(address in net for net in TRANSLATED)
