"""Every address and API operation as the router has them, and how to fill their parameters with one's own or another's objects.

A page or operation that is plugged in later is in the matrix by itself; where it has a parameter nobody here can fill, the
test says so and fails.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from entrepot.desk.api.api import api
from entrepot.desk.api.auth import Needs
from entrepot.desk.plug import PUBLIC, SIGNED_IN, plugged

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|{(?:\w+:)?(\w+)}")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Way:
    """One method of one address with the permission it needs."""

    method: str
    route: str
    permission: str
    area: str
    api: bool = False
    operation: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.route or '/'}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(a or b for a, b in PARAMETER.findall(self.route))

    @property
    def open(self) -> bool:
        """Whether no role is asked for."""
        return self.permission in (PUBLIC, SIGNED_IN)

    def filled(self, values: Mapping[str, str]) -> str:
        """The address with its parameters filled in."""
        path = PARAMETER.sub(lambda found: str(values[found[1] or found[2]]), self.route)
        return path if path.startswith("/") else f"/{path}"


def pages() -> Iterator[Way]:
    """Every page of every area, once to read and once to send to."""
    for area in plugged():
        for page in area.pages:
            for method in ("GET", "POST"):
                yield Way(method, page.route, page.permission, area.app.rpartition(".")[2])


def operations() -> Iterator[Way]:
    """Every operation of the API."""
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                guards = [guard for guard in operation.auth_callbacks if isinstance(guard, Needs)]
                permission = guards[0].permission if guards else "closed"
                for method in operation.methods:
                    route = "/api/v1/" + f"{prefix.strip('/')}/{path.strip('/')}".strip("/")
                    if path.endswith("/") and path != "/":
                        route += "/"
                    yield Way(method, route, permission, prefix.strip("/"), api=True, operation=operation)


Maker = Callable[[Any], Mapping[str, str]]
