"""What README and docs point at exists: links, commands, options, pictures; nothing comes from another host."""

import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import click
import pytest

from entrepot.cli import cli
from tests.docs.pages import DOCS, PAGES, README, ROOT, Step, commands

ALL = [README, ROOT / "CONTRIBUTING.md", *PAGES]
LINK = re.compile(r'\]\(([^)\s]+)\)|<img src="([^"]+)"')
WORDS = re.compile(r"`{3}.*?`{3}|`[^`]*`", re.DOTALL)
MOST_BYTES = 300_000


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def slug(heading: str) -> str:
    """The anchor MkDocs gives a heading."""
    plain = re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower()
    return re.sub(r"[-\s]+", "-", plain)


@pytest.mark.parametrize("page", ALL, ids=shown)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for found in LINK.finditer(WORDS.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = (found[1] or found[2]).partition("#")
        if target.startswith("https://"):
            continue
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{shown(page)} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), f"{shown(page)} links to {target}#{anchor}"


@pytest.mark.parametrize("page", ALL, ids=shown)
def test_no_page_takes_anything_from_another_host_or_names_this_machine(page: Path) -> None:
    content = page.read_text(encoding="utf-8")
    assert not re.search(r"!\[[^\]]*\]\(https?:|<(?:img|script|link|iframe)[^>]+(?:https?:)?//", content)
    assert not re.search(r"(?<![\w.])/(?:work|root|tmp|home/\w+|Users)/", content)


def entrepot_calls() -> list[tuple[Path, str]]:
    """Every call of `entrepot` in README and docs, and in the help that the pages show."""
    calls = []
    for page in ALL:
        steps = list(commands(page))
        examples = re.findall(r"^ *Example: (entrepot .+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        for step in [*steps, *(Step(example, "", 0) for example in examples)]:
            for part in re.split(r"[;|]|&&", step.command):
                words = part.split()
                if words and words[0].rsplit("/", 1)[-1] == "entrepot":
                    calls.append((page, part.split(">")[0].strip()))
    return calls


CALLS = entrepot_calls()


def parse(words: list[str]) -> None:
    """Follow the words through groups to a command and parse its options and arguments; UsageError if they do not fit."""
    command: click.Command = cli
    context = click.Context(cli, info_name="entrepot")
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        context, command = click.Context(found, info_name=name, parent=context), found
    command.make_parser(context).parse_args(words)


@pytest.mark.parametrize(("page", "call"), CALLS, ids=[f"{shown(page)}: {call}" for page, call in CALLS])
def test_command_parses(page: Path, call: str) -> None:
    parse(shlex.split(call)[1:])


def test_commands_are_found_and_wrong_ones_do_not_parse() -> None:
    assert len(CALLS) > 20
    for wrong in (["clear", "a.csv", "--nothing"], ["nothing"], ["law", "nothing"]):
        with pytest.raises(click.UsageError):
            parse(wrong)


@pytest.mark.parametrize("page", ALL, ids=shown)
def test_options_named_in_words_exist(page: Path) -> None:
    options = {name for command in every_command(cli) for parameter in command.params for name in parameter.opts}
    options |= {"--once", "--port", "--full", "--seed", "--keep", "--lines", "--check", "--help", "--strict"}
    named = set(re.findall(r"`(--[a-z][a-z-]*)", page.read_text(encoding="utf-8")))
    assert named <= options


def every_command(command: click.Command) -> list[click.Command]:
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return [command, *(deeper for one in below for deeper in every_command(one))]


def test_scripts_named_exist() -> None:
    for page in ALL:
        for name in re.findall(r"(?<![\w/])((?:script|bench)/[\w]+(?:\.py)?)", page.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{shown(page)} names {name}"


def test_readme_runs_what_up_runs() -> None:
    called = [step.command for step in commands(README)]
    assert called == ["script/up --once", ".venv/bin/entrepot explain out/sample-day TAX-04"]
    script = (ROOT / "script" / "up").read_text(encoding="utf-8")
    assert "out/sample-day" in script
    assert "--once" in script


def test_pictures_are_small_and_used() -> None:
    used = {Path(found).name for page in ALL for found in re.findall(r"images/([\w.-]+)", page.read_text(encoding="utf-8"))}
    pictures = sorted((DOCS / "images").glob("*.png"))
    assert {picture.name for picture in pictures} == used
    assert all(picture.stat().st_size < MOST_BYTES for picture in pictures)


class _Assets(HTMLParser):
    """Collects what a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source"):
            self.loaded.append(given.get("src") or "")
        elif tag == "link" and given.get("rel") != "canonical":
            self.loaded.append(given.get("href") or "")


def test_the_built_site_loads_nothing_from_another_host(tmp_path: Path) -> None:
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    build(load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(tmp_path)))
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(PAGES)
    for page in pages:
        assets = _Assets()
        assets.feed(page.read_text(encoding="utf-8"))
        assert not [one for one in assets.loaded if "//" in one], page
    for style in tmp_path.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", style.read_text(encoding="utf-8")), style
    assert not [script for script in tmp_path.rglob("*.js*") if "unpkg.com" in script.read_text(encoding="utf-8")]
    assert not list(tmp_path.rglob("*.py"))
