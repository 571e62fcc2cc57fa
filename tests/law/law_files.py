"""Small law folders for tests: one good leaf, changed as a test needs."""

from pathlib import Path

CHECKED = "2026-11-23"
JURISDICTION = "title: {en: China, zh: 中国}\ntime_zone: Asia/Shanghai\n"
SCALAR = """\
title: {en: yearly limit, zh: 年度限值}
unit: CNY
selected_by: declaration
values:
  - {from: 2016-04-08, until: 2019-01-01, value: "20000", status: in_force, mark: K, source: {doc: A}, checked_on: @}
  - {from: 2019-01-01, value: "26000", status: in_force, mark: S, source: {doc: B}, checked_on: @}
""".replace("@", CHECKED)
TABLE = """\
title: {en: rates by code, zh: 按税号税率}
selected_by: declaration
table: true
key: [hs_prefix]
columns: {hs_prefix: code, rate: rate}
complete: false
blocks:
  - from: 2020-01-01
    until: 2022-01-01
    status: in_force
    mark: K
    source: {doc: A}
    checked_on: 2026-11-23
    rows:
      - ["61", "0.10"]
      - ["6109", "0.12"]
  - from: 2022-01-01
    status: unconfirmed
    mark: "?"
    source: {doc: B}
    checked_on: 2026-11-23
    rows:
      - ["6109", "0.14"]
      - {hs_prefix: "42", rate: null}
"""


def folder(base: Path, **leaves: str) -> Path:
    """A values folder; names use `__` for `/`: cn__limit is cn/limit.yaml."""
    (base / "cn").mkdir(parents=True, exist_ok=True)
    (base / "cn" / "_jurisdiction.yaml").write_text(JURISDICTION, encoding="utf-8")
    for name, text in leaves.items():
        file = base / (name.replace("__", "/") + ".yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return base
