"""``lamina check RECIPE``: is the recipe right?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.output import print_json
from lamina.cli.startup import without_collection

NAME = "check"

Recipe = Annotated[Path, typer.Argument(help="A recipe: YAML or JSON.", show_default=False)]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a setting, such as train.epochs=3 or network.layers[0].units=64; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def run(recipe: Recipe, sets: Sets = None, as_json: AsJson = False) -> None:  # noqa: FBT002 (typer makes the option)
    """Find every mistake in a recipe, with file, line and fix, before anything runs. Loads no torch."""
    with without_collection():
        from lamina.train.recipe import load_recipe

    loaded, document = load_recipe(recipe, sets or ())
    checked = loaded.check(document)
    if as_json:
        print_json({"ok": True, "problems": [], "warnings": [str(problem) for problem in checked.warnings]})
        return
    for problem in checked.warnings:
        print(f"Warning: {problem}")
    outputs = ", ".join(f"{name} {shape}" for name, shape in checked.plan.output_shapes.items())
    print(f"{recipe}: right. {len(checked.plan.nodes)} layers, output {outputs}.")
