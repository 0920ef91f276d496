"""``lamina data``: looking at tables."""

from __future__ import annotations

import typer

from lamina.cli.data import analyze, check, transform

NAME = "data"

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Look at data before anything learns from them.")
for module in (analyze, check, transform):
    app.command(module.NAME)(module.run)
app.command("schema")(check.print_schema)


@app.callback()
def _group() -> None:
    """Look at data before anything learns from them."""
