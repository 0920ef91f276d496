"""``lamina predict MODEL INPUT -o OUT``: outputs and labels for new data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.output import writing

NAME = "predict"


def run(
    model: Annotated[Path, typer.Argument(help="A model (.lamina).", show_default=False)],
    input: Annotated[  # noqa: A002 (the word of the help)
        str,
        typer.Argument(
            help="New data: a file like that of training, .npy, .npz with an array per input; for photos a file, folder or pattern.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where predictions go: .csv, .json or .npz.", show_default=False)],
) -> None:
    """Write the model's outputs, and for classes the label with its probability, for each row of new data."""
    from lamina.model import load
    from lamina.predictions import read_inputs, write_predictions

    loaded = load(model)
    new = read_inputs(input, loaded)
    with writing(output):
        count = write_predictions(loaded, new, output)
    typer.echo(f"{count} predictions in {output}", err=True)
