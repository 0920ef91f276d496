"""The way in: `load`, `inspect` and what both share."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from lamina.errors import DescriptionError, InteropError, LaminaWarning
from lamina.interop.format import formats
from lamina.interop.given import Given
from lamina.interop.imported import Imported, Options
from lamina.interop.problems import unreadable
from lamina.interop.report import Report
from lamina.keep import Extras, Kept
from lamina.shapes import Shape
from lamina.trained import Trained

if TYPE_CHECKING:
    from lamina.model import Model
    from lamina.network import Network

Paths: TypeAlias = "str | os.PathLike[str] | Sequence[str | os.PathLike[str]]"
Inputs: TypeAlias = "Shape | Mapping[str, Shape] | None"
Onto: TypeAlias = "Network | Model | str | os.PathLike[str] | None"


def read(
    paths: Paths,
    *,
    format: str | None = None,
    inputs: Inputs = None,
    layout: Literal["source", "lamina"] = "source",  # noqa: A002
    onto: Onto = None,
    mapping: Mapping[str, str] | None = None,
) -> Imported:
    """Read a foreign model as a description and arrays; see `load`. Loads no torch.

    Raises:
        InteropError: For files of no known format, and damaged ones.
    """
    given = Given(paths)
    found = formats.recognise(given) if format is None else formats.get(format)
    if format is not None and given.path.is_dir():
        raise InteropError(
            "IO001",
            where=str(given),
            expected=f"a file of {found.title}",
            got="a folder",
            cause="the folder was given in place of what is in it",
            fix="give the file, or the files, of the model",
        )
    shapes = {"": inputs} if isinstance(inputs, Shape) else dict(inputs or {})
    try:
        return found.read(given, Options(shapes, layout, onto, mapping or {}))
    except DescriptionError as error:
        problem = error.problems[0]
        got = f"{problem.where}: {problem.got}"
        raise unreadable(where=str(given), expected=problem.expected, got=got, cause="the file sets what no layer can have") from error


def trained(paths: Paths) -> Trained:
    """A foreign model as the rooms below know trained models; see `lamina.trained.trained`."""
    imported = read(paths)
    kept = Kept(imported.described(), imported.plan(), imported.seed, imported.dtype)
    return Trained(kept, lambda: imported.arrays, lambda: Extras(imported.schema, imported.preprocessing))


def inspect(
    paths: Paths,
    *,
    format: str | None = None,  # noqa: A002 (as on the command line)
    inputs: Inputs = None,
    onto: Onto = None,
    mapping: Mapping[str, str] | None = None,
) -> Report:
    """What importing a foreign model would give, layer by layer; nothing is made or written. Print it.

    Args:
        paths: The file, or files, of the model.
        format: Name of the format; recognised by content unless given.
        inputs: Shapes of inputs, where the file doesn't say them.
        onto: The network that weights without one are put onto.
        mapping: Which tensor belongs where in it.

    Raises:
        InteropError: For files of no known format, and damaged ones.
    """
    return read(paths, format=format, inputs=inputs, onto=onto, mapping=mapping).report


def load(
    paths: Paths,
    *,
    format: str | None = None,
    inputs: Inputs = None,
    layout: Literal["source", "lamina"] = "source",  # noqa: A002
    onto: Onto = None,
    mapping: Mapping[str, str] | None = None,
) -> Model:
    """A foreign model as a model of Lamina's: ordinary layers, to be summarised, trained, changed and kept like any other.

    Nothing in the files is executed. Arrays go in and out with their axes as the source has them, outputs by the source's names, until
    ``model.origin`` is set to None.

    Args:
        paths: The file, or files, of the model.
        format: Name of the format; recognised by content unless given.
        inputs: Shapes of inputs, where the file doesn't say them.
        layout: ``lamina``: axes as Lamina has them (sequences ``[batch, steps, features]``) from the beginning.
        onto: Of files that hold weights and no network, such as state dicts of PyTorch: the network they are put onto.
        mapping: Which tensor, or all whose names begin so, belongs where in it; to an empty word: left out.

    Raises:
        InteropError: IO004, with every layer and setting that has no counterpart; for files of no known format, and damaged ones.

    Warns:
        LaminaWarning: IO012, for what is left out and would matter in training.
    """
    imported = read(paths, format=format, inputs=inputs, layout=layout, onto=onto, mapping=mapping)
    model = imported.model()
    if imported.report.lost:
        warnings.warn(
            f"[IO012] left out of {', '.join(imported.report.files)}, without any effect on outputs: "
            + "; ".join(map(str, imported.report.lost)),
            LaminaWarning,
            stacklevel=2,
        )
    return model
