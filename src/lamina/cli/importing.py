"""``lamina import PATH... -o model.lamina``: a model of another system, reported, proven and kept as one of Lamina's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamina.cli.check import AsJson
from lamina.cli.output import print_json
from lamina.cli.startup import without_collection

if TYPE_CHECKING:
    from lamina.interop.imported import Imported
    from lamina.shapes import Shape

NAME = "import"


def run(
    paths: Annotated[list[Path], typer.Argument(help="The file, or files, of the model.", show_default=False)],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the model to this .lamina file.", show_default=False)] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="FORMAT", help="The format; recognised by content unless given.", show_default=False)
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="[NAME:]SHAPE",
            help="Shape of an input that the file doesn't say, such as image=1,28,28 or words:tokens=?,5000; repeatable.",
        ),
    ] = None,
    layout: Annotated[str, typer.Option(help="Axes of arrays: as the source has them, or as lamina does.")] = "source",
    onto: Annotated[
        Path | None,
        typer.Option(help="A recipe, a network (.yaml) or a model, onto which a file of weights alone is put.", show_default=False),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", help="Where a tensor, or all whose names begin so, belongs in it; OLD= leaves them out."),
    ] = None,
    verify: Annotated[
        Path | None, typer.Option(help="An .npz file with inputs x and the source's outputs y, which are compared.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report only; write nothing.")] = False,  # noqa: FBT002 (typer makes the option)
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Report what a foreign model becomes, layer by layer, prove its outputs, and write it. Nothing in the files is executed.

    Exit codes: 2 if something has no counterpart or a file is damaged, 3 if outputs differ by more than 1e-4 relative.
    """
    with without_collection():
        from lamina.interop.loading import read

    if layout not in ("source", "lamina"):
        raise typer.BadParameter(_LAYOUT, param_hint="--layout")
    if output is None and not dry_run and verify is None:
        raise typer.BadParameter(_WHERE, param_hint="--output")
    imported = read(
        paths,
        format=source,
        inputs=_shapes(inputs or []),
        layout="source" if layout == "source" else "lamina",
        onto=onto,
        mapping=_pairs(mapping or []),
    )
    found: dict[str, Any] = {"report": imported.report.to_dict()}
    if not as_json:
        print(imported.report)
    if not dry_run:
        imported.described()
        imported, proof = _proven(imported, verify, as_json=as_json)
        found |= proof
        if output is not None:
            imported.save(output)
            found["written"] = str(output)
            if not as_json:
                print(f"\nWritten: {output}")
    if as_json:
        print_json(found)
    if dry_run and not imported.report.complete:
        raise typer.Exit(2)


_LAYOUT = "write source or lamina"
_WHERE = "say where to write the model, or --dry-run to see the report only"


def _proven(imported: Imported, verify: Path | None, *, as_json: bool) -> tuple[Imported, dict[str, Any]]:
    """The proof; sizes of images that the file leaves open are those of the inputs that were compared."""
    if verify is None:
        return imported, {}
    from lamina.interop.proof import verify as compare

    model = imported.model()
    proof = compare(model, verify)
    if not as_json:
        print(f"\n{proof}")
    elif not proof.holds:
        print_json({"report": imported.report.to_dict(), "proof": proof.to_dict()})
        raise typer.Exit(3)
    proof.check(", ".join(imported.report.files))
    if imported.open_inputs and model.plan is not None:
        imported = replace(imported, shapes=dict(model.plan.inputs))
    return imported, {"proof": proof.to_dict()}


def _pairs(given: list[str]) -> dict[str, str]:
    """Old and new names as they are written on the command line."""
    found = {}
    for text in given:
        old, mark, new = text.partition("=")
        if not mark or not old:
            message = f"{text!r} is no pair; write OLD=NEW"
            raise typer.BadParameter(message, param_hint="--map")
        found[old] = new
    return found


def _shapes(given: list[str]) -> dict[str, Shape]:
    """Shapes as they are written on the command line."""
    from lamina.shapes import Features, Image, Sequence, Tokens, Volume

    kinds: dict[str, type[Shape]] = {"features": Features, "image": Image, "sequence": Sequence, "tokens": Tokens, "volume": Volume}
    found: dict[str, Shape] = {}
    for text in given:
        name, _, shape = text.rpartition(":")
        kind, _, sizes = shape.partition("=")
        items = [None if item in ("?", "") else int(item) if item.isdecimal() else -1 for item in sizes.split(",")]
        if kind not in kinds or len(items) != len(kinds[kind].positional) or -1 in items:
            ways = ", ".join(f"{word}={','.join(made.positional)}" for word, made in kinds.items())
            message = (
                f"{text!r} is no shape; write {ways}, with ? for a length that the data say, and NAME: before it where there are several"
            )
            raise typer.BadParameter(message, param_hint="--input")
        found[name] = kinds[kind](*items)
    return found
