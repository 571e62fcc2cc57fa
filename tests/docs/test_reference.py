"""Reference pages say what the code does: regenerated they are the same, and nothing they describe is missing."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from docs.columns import BATCH_FILES, ELEMENT_NOTES, FRAMES, RESULT_COLUMNS, SENDER_KEYS, SUMMARY_KEYS
from docs.generate import main, pages

from entrepot.goods.schema import FIELDS
from entrepot.law import Law
from entrepot.law.describe import describe_leaf
from entrepot.messages.ceb import KINDS, Sender
from entrepot.run.clear import Request, clear
from entrepot.run.result import RESULT
from tests.docs.pages import DOCS, ROOT

SAMPLES = ROOT / "src" / "entrepot" / "samples"
PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    written = DOCS / name
    assert written.is_file(), f"{name} is missing: run python -m docs.generate"
    assert written.read_text(encoding="utf-8") == PAGES[name], f"{name} differs: run python -m docs.generate"


def test_no_page_of_the_reference_is_left_over() -> None:
    found = {path.relative_to(DOCS).as_posix() for path in (DOCS / "reference").rglob("*.md")}
    assert found == set(PAGES)


def test_check_names_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_every_column_of_the_result_is_described_and_no_other() -> None:
    fields_of_file = {field.column for field in FIELDS.values()}
    assert set(RESULT.names()) - fields_of_file == set(RESULT_COLUMNS)


@pytest.mark.parametrize("name", FRAMES)
def test_every_column_of_a_file_is_described(name: str) -> None:
    schema, said = FRAMES[name]
    assert list(schema.names()) == list(said)


def test_every_key_of_a_sender_and_every_kind_is_described() -> None:
    assert {field.name for field in fields(Sender)} == set(SENDER_KEYS)
    assert set(KINDS) == set(ELEMENT_NOTES)


@pytest.fixture(scope="module")
def sample_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A batch that has every file a batch without sealed data can have."""
    folder = tmp_path_factory.mktemp("sample")
    balances = folder / "balances.csv"
    balances.write_text("buyer_id,year,spent\nnobody,2026,1.00\n", encoding="utf-8")
    clear(Request((SAMPLES / "orders.csv",), folder / "day", catalogues=(SAMPLES / "catalogue.csv",), balances=balances,
                  home=folder / "home"))  # fmt: skip
    return folder / "day"


def test_every_key_of_the_summary_is_described_and_no_other(sample_day: Path) -> None:
    assert list(json.loads((sample_day / "summary.json").read_text(encoding="utf-8"))) == list(SUMMARY_KEYS)


def test_every_file_of_a_batch_is_described_and_no_other(sample_day: Path, tmp_path: Path) -> None:
    orders = (SAMPLES / "orders.csv",)
    clear(Request(orders, tmp_path / "sealed", home=tmp_path / "home", seal=True))
    found = {path.name + "/" * path.is_dir() for folder in (sample_day, tmp_path / "sealed") for path in folder.iterdir()}
    assert found == set(BATCH_FILES)


CONVENTION = re.compile(r"without its first day|not in the sheet|loaded from|is ours|not given;|first day read|not loaded")


def test_every_convention_of_the_law_is_named_among_the_assumptions() -> None:
    law, said = Law.load(), (DOCS / "assumptions.md").read_text(encoding="utf-8")
    with_convention = [path for path in law.paths() if CONVENTION.search(json.dumps(describe_leaf(law.leaf(path))))]
    assert with_convention
    assert [path for path in with_convention if path not in said] == []


def test_places_named_among_the_assumptions_exist() -> None:
    said = (DOCS / "assumptions.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:goods|law|decide|messages|run)/[\w./-]+)`", said))
    assert paths
    assert [path for path in paths if not (ROOT / "src" / "entrepot" / path).is_file()] == []
    leaves = set(re.findall(r"\bcn/[a-z0-9_/]+[a-z0-9]", said)) - {"cn/_jurisdiction"}
    known = Law.load().paths()
    assert [leaf for leaf in leaves if leaf not in known] == []
