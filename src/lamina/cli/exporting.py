"""``lamina export MODEL --to onnx -o PATH``: a model as a file of another system, proven before it is put in place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.check import AsJson
from lamina.cli.output import print_json

NAME = "export"


def run(
    model: Annotated[Path, typer.Argument(help="A model (.lamina).", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to.", show_default=False)],
    to: Annotated[
        str | None, typer.Option("--to", metavar="FORMAT", help="The format; by default what the path's ending says.", show_default=False)
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SETTING=VALUE", help="A setting of the format, such as opset=18; repeatable."),
    ] = None,
    verify: Annotated[  # noqa: FBT002 (typer makes the option)
        bool, typer.Option("--verify/--no-verify", help="Run what was written and compare its outputs before it is put in place.")
    ] = True,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Write a model as ONNX, PyTorch source, a program of torch.export, Keras or safetensors.

    Exit codes: 2 if something has no counterpart there, 3 if its outputs differ by more than 1e-4 relative, 4 if a package is missing.
    """
    from lamina.interop.exporting import export
    from lamina.model import load
    from lamina.spec import Document

    settings = Document({}, "--set")
    for assignment in sets or ():
        settings.set(assignment)
    exported = export(load(model), output, to, verify=verify, **settings.data)
    if as_json:
        print_json(exported.to_dict())
    else:
        print(exported)
