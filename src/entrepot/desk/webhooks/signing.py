"""The signature of a delivery: `Entrepot-Signature: t=<seconds since 1970>,v1=<hex>`.

`v1` is HMAC-SHA256 over `<t>.<body>` under the webhook's secret. A receiver checks it and that `t` is not long ago, so that
nobody can make up or replay an event; `verify` is all it takes.
"""

import hmac
import re

__all__ = ["HEADER", "signature", "verify"]

HEADER = "Entrepot-Signature"
FORM = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def signature(secret: str, at_s: int, body: bytes) -> str:
    """The header's value for a body sent at a moment."""
    return f"t={at_s},v1={hmac.new(secret.encode(), f'{at_s}.'.encode() + body, 'sha256').hexdigest()}"


def verify(secret: str, header: str, body: bytes, now_s: float, tolerance_s: float = 300) -> bool:
    """Whether a body was signed with the secret, at most `tolerance_s` seconds from now."""
    found = FORM.fullmatch(header)
    if found is None or abs(now_s - int(found[1])) > tolerance_s:
        return False
    return hmac.compare_digest(signature(secret, int(found[1]), body), header)
