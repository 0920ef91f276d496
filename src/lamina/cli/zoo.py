"""``lamina zoo``: networks that people know, as YAML."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from lamina.cli.check import AsJson
from lamina.cli.output import print_json, writing
from lamina.cli.startup import without_collection

NAME = "zoo"


def run(
    name: Annotated[str | None, typer.Argument(help="A network; without one, all are listed.", show_default=False)] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SETTING=VALUE", help="A setting of the network, such as classes=10 or input.height=64; repeatable."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.", show_default=False)] = None,
    as_json: AsJson = False,  # noqa: FBT002 (typer makes the option)
) -> None:
    """List the networks of the zoo, or write one as YAML, to stand below ``network:`` in a recipe. Loads no torch."""
    if name is None:
        _list(as_json=as_json)
        return
    with without_collection():
        from lamina.files import atomic_write_text
        from lamina.spec import Document
        from lamina.zoo.catalog import function, make, settings_of

    document = Document(settings_of(function(name)), f"zoo {name}")
    for assignment in sets or ():
        document.set(assignment)
    network = make(name, document.data)
    network.resolve()  # what does not fit is said here, not when the file is used
    text = network.to_json() + "\n" if as_json else _compact(network.to_dict())
    if output is None:
        print(text, end="")
    else:
        with writing(output):
            atomic_write_text(output, text)


def _compact(data: dict[str, Any]) -> str:
    """YAML with a line for each layer: a network of hundreds of layers stays readable."""
    import yaml

    def flow(value: Any) -> str:
        text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf)
        return text.removesuffix("\n").removesuffix("\n...")

    lines = []
    for key, value in data.items():
        if key == "nodes":
            lines += [f"{key}:", *(f"  {name}: {flow(node)}" for name, node in value.items())]
        elif key == "layers":
            lines += [f"{key}:", *(f"  - {flow(layer)}" for layer in value)]
        else:
            lines.append(f"{key}: {flow(value)}")
    return "\n".join(lines) + "\n"


def _list(*, as_json: bool) -> None:
    from lamina.zoo.catalog import CATALOG, summary_of

    rows: list[dict[str, Any]] = [
        {"name": name, "parameters": entry.figures[0].count, "summary": summary_of(name)} for name, entry in CATALOG.items()
    ]
    if as_json:
        print_json(rows)
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print(f"{row['name']:{width}}  {row['parameters']:>11,}  {row['summary']}")
