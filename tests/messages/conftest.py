from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from entrepot.messages.ceb import RsaSigner, Sender, make_test_key

SIDES = {"303": "出口", "603": "出口", "621": "进口"}


@pytest.fixture(scope="session")
def sender() -> Sender:
    return Sender.placeholder()


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> RsaSigner:
    return make_test_key(tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="session")
def ceb_folder(data_folder: Callable[[str], Path]) -> Path:
    return data_folder("china-ceb-messages")


@pytest.fixture(scope="session")
def valid(ceb_folder: Path) -> Callable[[str, bytes], None]:
    """Asserts that a message of a kind is valid against the official XSD."""
    schemas = {
        side: etree.XMLSchema(etree.parse(ceb_folder / "xsd202205" / f"海关跨境{side}业务节点报文定义202205.xsd"))
        for side in set(SIDES.values())
    }

    def check(kind: str, content: bytes) -> None:
        schemas[SIDES[kind]].assertValid(etree.fromstring(content))

    return check
