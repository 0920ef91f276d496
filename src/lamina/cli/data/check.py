"""``lamina data check FILE`` and ``lamina data schema FILE``: is a table what it should be; what does it seem to be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamina.cli.check import AsJson
from lamina.cli.data.tables import HELP, table_of, validated
from lamina.cli.output import print_json, writing

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.polars import PolarsFrame
    from lamina.data.sources.table import TableSource
    from lamina.data.table.schema import Schema

NAME = "check"
File = Annotated[str, typer.Argument(help=HELP, show_default=False)]


def run(
    file: File,
    schema: Annotated[Path | None, typer.Option(help="What the table must be; see `lamina data schema`.", show_default=False)] = None,
    as_json: AsJson = False,  # noqa: FBT002 (typer makes the option)
) -> None:
    """Read all rows and see that each value is what the schema says; without a schema, that the file can be read at all."""
    from lamina.cli.data.schemas import load_schema
    from lamina.data.expressions import parse

    rows, found, table = _read(file)
    wanted = found if schema is None else load_schema(schema)
    _require(rows, wanted, table.place())
    checked = validated(rows.select(wanted.names), wanted, table)
    count = int(checked.frame.values({"rows": parse("count()")})["rows"])
    if as_json:
        print_json({"file": table.place(), "rows": count, "wrong": checked.wrong, "schema": wanted.to_dict()})
        return
    typer.echo(str(wanted))
    typer.echo(f"{count} rows as the schema says, {checked.wrong} not" if checked.wrong else f"{count} rows, all as the schema says")


def print_schema(
    file: Annotated[str, typer.Argument(help="A table, read by its ending; or a schema or process of DataVec.", show_default=False)],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.", show_default=False)] = None,
) -> None:
    """Print the schema that a table seems to have, or that of DataVec; to be read, corrected and kept by who knows the data."""
    from lamina.cli.data.schemas import datavec_schema
    from lamina.files import atomic_write_text

    text = (datavec_schema(file) or _read(file)[1]).to_yaml()
    if output is None:
        typer.echo(text, nl=False)
    else:
        with writing(output):
            atomic_write_text(output, text)


def _read(file: str) -> tuple[PolarsFrame, Schema, TableSource]:
    from lamina.data.pipeline.frames.polars import PolarsFrame
    from lamina.data.table.inference import schema_of

    table = table_of(file)[0]
    rows = PolarsFrame.of(table.frame())
    return rows, schema_of(rows, table.columns, table.place()), table


def _require(rows: PolarsFrame, schema: Schema, where: str) -> None:
    from lamina.data.columns import require

    require(dict.fromkeys(rows.names), schema.names, where)
