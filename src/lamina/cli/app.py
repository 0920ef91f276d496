"""The commands' common entry: one place where errors become messages and exit codes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, TextIO

import typer
from typer.core import TyperGroup

from lamina.cli import check, data, doctor, evaluate, exporting, importing, predict, schema, summary, train, zoo
from lamina.cli.output import say_error
from lamina.errors import LaminaError, LaminaWarning
from lamina.version import __version__

INTERRUPTED = 130

app = typer.Typer(
    name="lamina",
    help="Describe a network as data, train it, judge it, keep it in one file and use it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    cls=TyperGroup,
)
for module in (train, check, summary, evaluate, predict, importing, exporting, schema, zoo):
    app.command(module.NAME)(module.run)
app.add_typer(doctor.app, name=doctor.NAME)
app.add_typer(data.app, name=data.NAME)


def _version(*, value: bool) -> None:
    if value:
        typer.echo(f"lamina {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=lambda value: _version(value=value), is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and exit with its code.

    Args:
        arguments: Words of the command line; those of the process by default.
    """
    warnings.showwarning = _show_warning
    as_json = "--json" in (arguments if arguments is not None else sys.argv)
    try:
        app(args=None if arguments is None else list(arguments), standalone_mode=True)
    except LaminaError as error:
        say_error(error, as_json=as_json)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    return 0


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None
) -> None:
    """Warnings of ours as one line; those of libraries with their category."""
    label = "Warning" if issubclass(category, LaminaWarning) else category.__name__
    print(f"{label}: {message}", file=sys.stderr)
