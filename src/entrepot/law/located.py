"""YAML with the line of every value, so that a fault in a law file can be named to the line.

Nothing is guessed: a scalar stays the text that was written, with a flag for quotes. Duplicate keys are faults.
"""

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

__all__ = ["Located", "Report", "read_yaml"]

NOTHING = ("", "~", "null")


@dataclass(slots=True)
class Report:
    """The faults of one file, each with its line."""

    file: str
    problems: list[str] = field(default_factory=list)

    def add(self, line: int, message: str) -> None:
        """Note a fault at a line (1-based)."""
        self.problems.append(f"{self.file}:{line}: {message}")


@dataclass(frozen=True, slots=True)
class Located:
    """One YAML value and the line it begins on: text, list, mapping or nothing."""

    value: "str | list[Located] | dict[str, Located] | None"
    line: int
    quoted: bool = False

    @property
    def text(self) -> str | None:
        """The text of a scalar; None for anything else."""
        return self.value if isinstance(self.value, str) else None

    @property
    def mapping(self) -> "dict[str, Located] | None":
        """The mapping; None for anything else."""
        return self.value if isinstance(self.value, dict) else None

    @property
    def items(self) -> "list[Located] | None":
        """The list; None for anything else."""
        return self.value if isinstance(self.value, list) else None


def read_yaml(text: str, report: Report) -> Located | None:
    """The one document of a YAML text, or None with the fault noted in the report."""
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        if node is not None:
            return _located(node, report)
        report.add(1, "the file is empty")
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        report.add(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}")
    except (YAMLError, ValueError, RecursionError) as error:
        report.add(1, f"not YAML: {str(error).splitlines()[0]}")
    return None


def _located(node: Any, report: Report) -> Located:
    line = node.start_mark.line + 1
    if isinstance(node, ScalarNode):
        quoted = node.style is not None
        return Located(None if not quoted and node.value in NOTHING else node.value, line, quoted)
    if isinstance(node, MappingNode):
        return Located(_mapping(node, report), line)
    return Located([_located(item, report) for item in node.value], line)


def _mapping(node: Any, report: Report) -> dict[str, Located]:
    found: dict[str, Located] = {}
    for key_node, value_node in node.value:
        key, line = key_node.value, key_node.start_mark.line + 1
        if not isinstance(key, str):
            report.add(line, "a field name must be a word")
        elif key in found:
            report.add(line, f"field {key!r} stands twice")
        else:
            found[key] = _located(value_node, report)
    return found
