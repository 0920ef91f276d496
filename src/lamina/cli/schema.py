"""``lamina schema``: JSON Schema of recipes, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.output import print_json, writing

NAME = "schema"


def run(output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.", show_default=False)] = None) -> None:
    """Print the JSON Schema of recipes; editors complete and check YAML with it."""
    import json

    from lamina.files import atomic_write_text
    from lamina.spec.schema import json_schema
    from lamina.train.recipe import Recipe

    schema = json_schema(Recipe)
    if output is None:
        print_json(schema)
    else:
        with writing(output):
            atomic_write_text(output, json.dumps(schema, indent=2) + "\n")
