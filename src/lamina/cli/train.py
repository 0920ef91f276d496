"""``lamina train RECIPE``: from a recipe to a judged, kept model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.check import AsJson, Recipe, Sets
from lamina.cli.output import print_json
from lamina.cli.startup import without_collection

NAME = "train"


def run(
    recipe: Recipe,
    run_dir: Annotated[Path | None, typer.Option(help="Where everything is kept; runs/NAME by default.", show_default=False)] = None,
    sets: Sets = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last good checkpoint of the run directory.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002 (typer makes the option)
) -> None:
    """Train a network by a recipe, show progress, judge it on the test part, keep the model."""
    with without_collection():
        from lamina.train.recipe import load_recipe

    loaded, document = load_recipe(recipe, sets or ())
    checked = loaded.check(document)
    for problem in checked.warnings:
        typer.echo(f"Warning: {problem}", err=True)

    # Only now, with a recipe that is right, is torch worth its second.
    from lamina.launch import train_recipe

    outcome = train_recipe(loaded, run_dir=run_dir, name=recipe.stem, resume=resume, document=document)
    if as_json:
        print_json(outcome.to_dict())
    else:
        # A log wants the figures; the tables stand in evaluation.html.
        print(outcome if sys.stdout.isatty() else outcome.brief())
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)
