"""``lamina evaluate MODEL --data SPEC``: judge a kept model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.check import AsJson
from lamina.cli.output import print_json, writing

NAME = "evaluate"


def run(
    model: Annotated[Path, typer.Argument(help="A model (.lamina).", show_default=False)],
    data: Annotated[
        str,
        typer.Option(help="A recipe or data file (YAML, JSON), a table, or a data section such as '{source: {type: digits}}'."),
    ],
    part: Annotated[
        str | None,
        typer.Option(help="Which part of the data: test, validation, train or all. By default test, where there is one, else all."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the split; by default the recipe's, else the model's.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a report with plots to this file.", show_default=False)] = None,
    as_json: AsJson = False,  # noqa: FBT002 (typer makes the option)
) -> None:
    """Judge a model on labelled data and print the tables."""
    from lamina.cli.labelled import labelled_data
    from lamina.model import load

    loaded = load(model)
    labelled = labelled_data(data, loaded, part=part, seed=seed)
    typer.echo(f"{len(labelled.dataset)} samples, part: {labelled.part}", err=True)
    report = loaded.evaluate(labelled.dataset, evaluation=labelled.evaluations, full=True)
    if html is not None:
        with writing(html):
            report.to_html(html, title=f"{model.name} on {data}")
    if as_json:
        print_json(report.to_dict())
    else:
        print(report)
