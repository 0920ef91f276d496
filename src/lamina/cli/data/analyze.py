"""``lamina data analyze FILE``: what a table holds, what is wrong with it, and what leaks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamina.cli.check import AsJson
from lamina.cli.data.tables import HELP, table_of
from lamina.cli.output import print_json, writing

if TYPE_CHECKING:
    from lamina.data.analysis import Analysis
    from lamina.data.analysis.findings import Finding
    from lamina.page.parts import Table

NAME = "analyze"
_COLOURS = {"error": "bold red", "warning": "yellow", "note": "blue"}


def run(
    file: Annotated[
        str,
        typer.Argument(help=HELP, show_default=False),
    ],
    target: Annotated[str | None, typer.Option(help="Column that shall be learned; by default the recipe's.", show_default=False)] = None,
    compare: Annotated[str | None, typer.Option(help="Another table: what it has differently.", show_default=False)] = None,
    schema: Annotated[
        Path | None, typer.Option(help="What values should be (see `lamina data schema`): counts those that are not.", show_default=False)
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also write an HTML page with charts to this file.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 (typer makes the option)
) -> None:
    """Look at a table: kinds, missing and frequent values, quantiles, relations, what says too much of the target, what changed."""
    from lamina.cli.data.schemas import load_schema
    from lamina.data.analysis import analyze

    table, own = table_of(file)
    other = None if compare is None else table_of(compare, like=table)[0]
    found = analyze(table, target or own, compare_with=other, schema=None if schema is None else load_schema(schema))
    if output is not None:
        with writing(output):
            found.to_html(output)
    if as_json:
        print_json(found.to_dict())
    elif sys.stdout.isatty():
        _show(found)
    else:
        print(found)
    if output is not None:
        typer.echo(f"the page: {output}", err=True)


def _show(found: Analysis) -> None:
    """Tables and findings in the colours of the terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    for table in found.tables():
        console.print(_rich(table))
    for finding in found.findings:
        console.print(_line(finding))


def _rich(table: Table) -> object:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid
    from rich.text import Text

    from lamina.page.parts import show

    grid = Grid(
        title=Text(table.title),
        caption=Text(table.note) if table.note else None,
        title_justify="left",
        caption_justify="left",
        box=SIMPLE_HEAD,
    )
    for place, name in enumerate(table.columns):
        words = all(isinstance(row[place], str) for row in table.rows)
        grid.add_column(Text(name), justify="left" if words else "right", overflow="fold")
    for row in table.rows:
        # As text: a name may look like the markup of colours.
        grid.add_row(*(Text(show(cell)) for cell in row))
    return grid


def _line(finding: Finding) -> object:
    from rich.text import Text

    where = ", ".join(map(repr, finding.columns))
    head = (f"{finding.severity:8}", _COLOURS[finding.severity])
    return Text.assemble(head, f"{finding.code}  {where + ': ' if where else ''}", (finding.entry.title, "bold"), f". {finding.found}")
