"""Commands of the desk: serve it, work for it, check it, keep its database."""

import os

import click

__all__ = ["manage_command", "open_desk"]


def open_desk() -> None:
    """Make Django ready; only the desk's commands pay for it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.desk.settings")
    import django

    django.setup()


@click.command("manage", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def manage_command(arguments: tuple[str, ...]) -> int:
    """Run one of Django's own commands on the desk's database (for those who maintain it).

    Example: entrepot manage migrate
    """
    open_desk()
    from django.core.management import execute_from_command_line

    execute_from_command_line(["entrepot manage", *arguments])
    return 0
