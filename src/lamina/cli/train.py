"""``lamina train RECIPE``: from a recipe to a judged, kept model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamina.cli.check import AsJson, Recipe, Sets
from lamina.cli.output import print_json
from lamina.cli.startup import without_collection
from lamina.distribute.launcher import Launched
from lamina.errors import StartError

if TYPE_CHECKING:
    from lamina.train.recipe import Recipe as RecipeDescription

NAME = "train"


def run(
    recipe: Recipe,
    run_dir: Annotated[Path | None, typer.Option(help="Where everything is kept; runs/NAME by default.", show_default=False)] = None,
    sets: Sets = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last good checkpoint of the run directory.")] = False,  # noqa: FBT002
    workers: Annotated[int | None, typer.Option(min=1, help="Train on so many processes of this machine.", show_default=False)] = None,
    as_json: AsJson = False,  # noqa: FBT002 (typer makes the option)
) -> None:
    """Train a network by a recipe, show progress, judge it on the test part, keep the model."""
    with without_collection():
        from lamina.train.recipe import load_recipe

    loaded, document = load_recipe(recipe, sets or ())
    launched = Launched.read()
    if workers is not None:
        loaded = on_workers(loaded, workers, launched)
    checked = loaded.check(document)
    for problem in checked.warnings:
        typer.echo(f"Warning: {problem}", err=True)

    # Only now, with a recipe that is right, is torch worth its second.
    from lamina.launch import train_launched, train_recipe

    if launched is None:
        outcome = train_recipe(loaded, run_dir=run_dir, name=recipe.stem, resume=resume, document=document)
    else:
        outcome = train_launched(loaded, launched, run_dir=run_dir, name=recipe.stem, resume=resume, document=document)
    if launched is not None and launched.rank > 0:
        pass  # The first process says it.
    elif as_json:
        print_json(outcome.to_dict())
    else:
        # A log wants the figures; the tables stand in evaluation.html.
        print(outcome if sys.stdout.isatty() else outcome.brief())
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


def on_workers(recipe: RecipeDescription, workers: int, launched: Launched | None) -> RecipeDescription:
    """A recipe that is trained on so many processes of this machine; what else it says of its cluster stays.

    Raises:
        StartError: DI011, if a launcher has started this process already.
    """
    if launched is not None:
        raise StartError(
            "DI011",
            where=f"--workers {workers}",
            expected="processes that are started once",
            got=f"a launcher that has started {launched.count}",
            cause="torchrun and --workers both start processes",
            fix="leave --workers out, or start lamina train without torchrun",
        )
    from lamina.distribute.cluster import Local

    before = recipe.train.cluster
    cluster = before.replace(workers=workers) if isinstance(before, Local) else Local(workers)
    return recipe.replace(train=recipe.train.replace(cluster=cluster))
