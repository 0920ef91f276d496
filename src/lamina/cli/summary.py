"""``lamina summary``: the table of layers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.check import AsJson, Sets
from lamina.cli.output import print_json
from lamina.cli.startup import without_collection

NAME = "summary"
RECIPES = (".yaml", ".yml", ".json", "")
"""Endings of recipes; what has another is a model."""


def run(
    source: Annotated[Path, typer.Argument(help="A recipe (YAML, JSON), or a model (.lamina, or of another system).", show_default=False)],
    sets: Sets = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Samples at once that memory is counted for; the recipe's by default.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 (typer makes the option)
) -> None:
    """Show every layer with its output shape, parameters, FLOPs and memory. Loads no torch."""
    with without_collection():
        from lamina.network.summary import summarize
        from lamina.train.recipe import load_recipe

    if source.suffix not in RECIPES:
        from lamina.trained import trained

        plan, size = trained(source).kept.plan, batch or 32
    else:
        recipe, document = load_recipe(source, sets or ())
        plan, size = recipe.check(document).plan, batch or recipe.data.batch_size
    table = summarize(plan, batch=size)
    if as_json:
        print_json(table.to_dict())
    else:
        print(table)
