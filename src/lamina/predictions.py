"""Predictions as files: new data in, outputs and labels by name out."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.preparation import Preparation
from lamina.errors import DataError
from lamina.evaluate.result import plain_number
from lamina.files import atomic_write
from lamina.labels import choose_labels
from lamina.model import Model

INPUTS = (".csv", ".npy", ".npz")
OUTPUTS = (".csv", ".json", ".npz")


def read_inputs(path: Path | str, model: Model | None = None) -> Any:
    """New data from a file: CSV as a table, ``.npy`` as an array, ``.npz`` as arrays by input name.

    Args:
        path: The file; for a model that keeps how its raw things were prepared, such as photos, whatever they are found by: a file, a
            folder, a pattern, an archive, a URL.
        model: Whom they are for; if it was trained on a table, a CSV file is read as the csv source read that one: the same marks
            stand for missing values, and categories that look like numbers stay text.

    Raises:
        DataError: DA090 for another kind of file, DA091 if it can't be read.
    """
    given = str(path)
    path = Path(path)
    arrays = path.suffix in (".npy", ".npz")
    if model is not None and model.preprocessing is not None and model.preprocessing.serving is not None and not arrays:
        # The model knows how its raw rows are read, and reads them when it predicts.
        return given
    if model is not None and model.preprocessing is not None and model.preprocessing.preparations and not arrays:
        # Photos, sounds, sequences: a file, a folder of them, a pattern, an archive, an address.
        return given
    check_suffix(path, INPUTS, "INPUT")
    try:
        if path.suffix == ".csv":
            if model is not None and model.preprocessing is not None and model.preprocessing.columns is not None:
                return model.preprocessing.read_table(path)
            import polars

            return polars.read_csv(path, infer_schema_length=None)
        # Never pickles: an object array in the file is refused.
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        with np.load(path, allow_pickle=False) as loaded:
            return {name: loaded[name] for name in loaded.files}
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            "DA091",
            where=str(path),
            expected=f"a readable {path.suffix} file",
            got=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            cause="the path is mistyped, or the file is damaged or of another kind than its ending says",
            fix="check the path and the content of the file",
        ) from error


def write_predictions(model: Model, data: Any, path: Path) -> int:
    """Write outputs for new data, and for classes the label with its probability.

    CSV and JSON name each value: ``label``, ``probability`` and one column per class or unit; with several outputs the names
    begin with that of the output. Where samples are files, ``file`` names them. ``.npz`` holds the arrays as they are, labels as text.

    Returns:
        How many samples there were.

    Raises:
        DataError: DA090 for an unknown ending of ``path``, or what `Model.predict` raises; nothing is written then.
    """
    check_suffix(path, OUTPUTS, "-o")
    outputs = model.outputs(data)
    keeper = _keeper(model)
    files = keeper.names(data) if keeper is not None and isinstance(data, str) else None
    columns: dict[str, np.ndarray] = {} if files is None else {"file": np.asarray(files, dtype=object)}
    for name, array in outputs.items():
        prefix = "" if len(outputs) == 1 else f"{name}."
        columns |= {prefix + key: value for key, value in _columns(model, name, array, flat=path.suffix != ".npz").items()}
    atomic_write(path, lambda file: file.write(_encoded(columns, path.suffix)))
    return len(next(iter(outputs.values())))


def _keeper(model: Model | None) -> Preparation | None:
    """How the only input of a model was made of raw things, if it was."""
    found = {} if model is None or model.preprocessing is None else model.preprocessing.preparations
    return next(iter(found.values())) if len(found) == 1 else None


def _columns(model: Model, output: str, array: np.ndarray, *, flat: bool) -> dict[str, np.ndarray]:
    target = model.targets[output]
    columns: dict[str, np.ndarray] = {}
    if target is not None and target.kind == "classes":
        chosen = choose_labels(array, target.labels)
        columns = {"label": chosen.labels, "probability": chosen.probabilities}
    if not flat:
        return {**columns, "output": array}
    units = array.reshape(len(array), -1)
    names = target.labels if target is not None and target.labels is not None and len(target.labels) == units.shape[1] else None
    return {**columns, **{str(names[i] if names else f"output_{i}"): units[:, i] for i in range(units.shape[1])}}


def _encoded(columns: dict[str, np.ndarray], suffix: str) -> bytes:
    if suffix == ".npz":
        buffer = io.BytesIO()
        np.savez(buffer, **{name: array.astype(str) if array.dtype == object else array for name, array in columns.items()})  # type: ignore[arg-type]
        return buffer.getvalue()
    lists = {name: array.tolist() for name, array in columns.items()}
    if suffix == ".json":
        rows = [{name: plain_number(value) for name, value in zip(lists, row, strict=True)} for row in zip(*lists.values(), strict=True)]
        return (json.dumps(rows, ensure_ascii=False, allow_nan=False) + "\n").encode()
    import csv

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(lists)
    writer.writerows(zip(*lists.values(), strict=True))
    return text.getvalue().encode()


def check_suffix(path: Path, known: tuple[str, ...], where: str) -> None:
    """See that a file's ending is a known one.

    Raises:
        DataError: DA090.
    """
    if path.suffix not in known:
        raise DataError(
            "DA090",
            where=f"{where} {path}",
            expected=f"a file that ends in {', '.join(known)}",
            got=repr(path.suffix) if path.suffix else "no ending",
            cause="the ending says how the file is read and written",
            fix=f"use one of {', '.join(known)}",
        )
