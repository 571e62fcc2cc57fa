"""Finds and reads the law files of folders; all faults of all files come back in one LawError."""

from collections.abc import Sequence
from pathlib import Path

from entrepot.law.errors import LawError
from entrepot.law.leaves import Jurisdiction, Leaf
from entrepot.law.located import Report
from entrepot.law.reading import JURISDICTION_FILE, read_jurisdiction, read_leaf

__all__ = ["VALUES", "marks_of", "read_folders"]

VALUES = Path(__file__).parent / "values"
"""The law shipped with Entrepot."""


def marks_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, time of change and size of every law file of a folder: other marks, other law."""
    stats = ((str(file), file.stat()) for file in sorted(folder.rglob("*.yaml")))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def read_folders(folders: Sequence[Path]) -> tuple[dict[str, Leaf], dict[str, Jurisdiction]]:
    """The leaves and jurisdictions of folders; a later folder's leaf replaces the earlier one of its path."""
    leaves: dict[str, Leaf] = {}
    jurisdictions: dict[str, Jurisdiction] = {}
    problems: list[str] = []
    for folder in folders:
        if not folder.is_dir():
            raise LawError(f"{folder} is not a folder of law values")
        for file in sorted(folder.rglob("*.yaml")):
            problems += _read(folder, file, leaves, jurisdictions)
    problems += [f"{path}.yaml:1: {path.split('/')[0]}/{JURISDICTION_FILE} is missing: whose law, which time zone?"
                 for path in leaves if path.split("/")[0] not in jurisdictions]
    if problems:
        many = f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in the law files"
        raise LawError("\n".join([f"{many}:", *problems]), problems)
    return leaves, jurisdictions


def _read(folder: Path, file: Path, leaves: dict[str, Leaf], jurisdictions: dict[str, Jurisdiction]) -> list[str]:
    name = file.relative_to(folder).as_posix()
    report, path = Report(name), name.removesuffix(".yaml")
    if file.name == JURISDICTION_FILE:
        code = path.split("/")[0]
        found = read_jurisdiction(file, code, report)
        if found:
            jurisdictions[code] = found
    elif "/" not in path:
        report.add(1, "a leaf stands in the folder of its jurisdiction, as cn/...")
    else:
        leaf = read_leaf(file, path, report)
        if leaf:
            leaves[path] = leaf
    return report.problems
