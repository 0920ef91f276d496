"""``lamina data transform PIPELINE IN OUT``: the steps of a pipeline for a whole file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamina.cli.data.tables import HELP, table_of, validated
from lamina.cli.output import writing

if TYPE_CHECKING:
    from lamina.data.pipeline import Pipeline
    from lamina.data.table.schema import Schema

NAME = "transform"


def run(
    pipeline: Annotated[
        Path,
        typer.Argument(help="Steps, in YAML or JSON: a pipeline, `steps:` alone, or a TransformProcess of DataVec.", show_default=False),
    ],
    source: Annotated[str, typer.Argument(metavar="IN", help=HELP, show_default=False)],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The new table, written by its ending.", show_default=False)],
    *,
    fit: Annotated[bool, typer.Option("--fit", help="Let steps that learn take their numbers from IN.")] = False,
    save: Annotated[Path | None, typer.Option(help="Keep the fitted pipeline in this file.", show_default=False)] = None,
) -> None:
    """Take the steps of a pipeline and write what comes of it; larger than memory, and nothing is half written."""
    from lamina.data.pipeline.frames.polars import PolarsFrame
    from lamina.data.table.inference import schema_of
    from lamina.data.tables.writing import write_table
    from lamina.files import atomic_write_text

    table = table_of(source)[0]
    rows, where = PolarsFrame.of(table.frame()), table.place()
    steps = read_pipeline(pipeline, schema_of(rows, table.columns, where))
    chosen = rows.select([name for name in rows.names if name in steps.input])
    checked = validated(chosen, steps.input, table).frame
    if fit:
        steps = steps.fit(checked)
    found = steps.apply(checked)
    # A frame of Polars stays one through all steps.
    write_table(found.lazy, target)  # type: ignore[attr-defined]
    if save is not None:
        with writing(save):
            atomic_write_text(save, steps.to_json() if save.suffix == ".json" else steps.to_yaml())
    typer.echo(f"{target}: {', '.join(steps.output.names)}")


def read_pipeline(path: Path, schema: Schema) -> Pipeline:
    """A pipeline from a file, ours or DataVec's; without an input of its own it takes rows of ``schema``.

    Raises:
        LaminaError: With the place in the file, for what is no pipeline.
    """
    from lamina.data.pipeline import Pipeline
    from lamina.spec import Document, load_document

    document = load_document(path)
    data = document.data
    if isinstance(data, dict) and "initialSchema" in data and "actionList" in data:
        from lamina.data.pipeline.datavec import load_datavec

        return load_datavec(path)
    if isinstance(data, list):
        data = {"steps": data}
    if isinstance(data, dict) and "input" not in data:
        data = {"input": schema.to_dict(), **data}
        document = Document(data, document.name)
    return Pipeline.from_document(document).resolve_paths(path.resolve().parent)
