"""`entrepot audit`: verify the audit chains of the desk, take one away as a file."""

import json
from pathlib import Path

import click

from entrepot.cli.desk import LANG, open_desk
from entrepot.goods.errors import CallError, WorldError
from entrepot.goods.texts import text

__all__ = ["audit"]

CHAIN = "Id of the organisation whose chain is meant, or `installation`."


@click.group("audit")
def audit() -> None:
    """Verify and export the audit log of the desk.

    Example: entrepot audit verify
    """


@audit.command("verify")
@click.option("--chain", help=f"{CHAIN} Without it: every chain.")
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
@LANG
def verify_command(chain: str | None, as_json: bool, lang: str) -> int:
    """Read every entry and find what was altered, dropped, reordered or cut. Exit code 1 when there is a fault.

    Example: entrepot audit verify --json
    """
    open_desk()
    from entrepot.desk.audit.chain import verify

    read, faults = verify(chain)
    if as_json:
        told = [{"chain": one.chain, "number": one.number, "what": one.what} for one in faults]
        click.echo(json.dumps({"entries": read, "faults": told}, indent=2))
        return 1 if faults else 0
    if not faults:
        click.echo(text("audit.whole", lang, n=f"{read:,}"))
        return 0
    click.echo(text("audit.faults", lang, n=len(faults)))
    for one in faults:
        click.echo(f"  {one.chain}  {text(f'audit.fault-{one.what}', lang, n=one.number)}")
    return 1


@audit.command("export")
@click.option("--chain", required=True, help=CHAIN)
@click.option("--format", "file_format", type=click.Choice(("csv", "jsonl")), default="jsonl", show_default=True, help="Kind of file.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write; it must not exist yet.")
def export_command(chain: str, file_format: str, out: Path) -> int:
    """Write a chain to a file: CSV for people, JSON Lines with digests for whoever verifies it elsewhere.

    Example: entrepot audit export --chain installation --out audit.jsonl
    """
    open_desk()
    from entrepot.desk.audit.export import FORMATS
    from entrepot.desk.audit.models import AuditEntry

    entries = AuditEntry.objects.filter(chain=chain).order_by("number")
    if not entries.exists():
        raise CallError(f"there is no chain {chain!r}: give an organisation's id, or 'installation'")
    try:
        with out.open("xb") as target:
            target.writelines(FORMATS[file_format][0](entries.iterator(chunk_size=2000)))
    except FileExistsError:
        raise CallError(f"{out} exists: name a new file") from None
    except OSError as error:
        raise WorldError(f"{out}: {error.strerror}", retryable=True) from None
    click.echo(f"{entries.count():,} -> {out}")
    return 0
