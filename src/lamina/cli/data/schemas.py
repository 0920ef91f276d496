"""Schemas as users keep them: Lamina's own, or DataVec's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamina.data.table.schema import Schema

_TEXTS = (".json", ".yaml", ".yml")
_SIGNS = (b"initialSchema", b"org.datavec.api.transform.schema", b'"SequenceSchema"', b'"Schema"', b"!<Schema>", b"!<SequenceSchema>")
_HEAD = 4096


def load_schema(path: Path) -> Schema:
    """A schema from a file of YAML or JSON; one that DataVec wrote, alone or in a process, is taken for what it is.

    Raises:
        LaminaError: With the place in the file, for what is no schema.
    """
    from lamina.data.table.schema import Schema
    from lamina.spec import load_document

    document = load_document(path)
    return _theirs(path, document.data) or Schema.from_document(document)


def datavec_schema(file: str) -> Schema | None:
    """The schema in a file that begins as those of DataVec do; None for any other file.

    Raises:
        DataError: For one that can't be read.
    """
    path = Path(file)
    if path.suffix.lower() not in _TEXTS or not path.is_file():
        return None
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not any(sign in head for sign in _SIGNS):
        return None
    from lamina.errors import DescriptionError
    from lamina.spec import load_document

    try:
        data = load_document(path).data
    except DescriptionError:
        return None  # Something larger than any schema, or another kind of text.
    return _theirs(path, data)


def _theirs(path: Path, data: Any) -> Schema | None:
    """DataVec's schema, where a file holds one: alone, under its class, or in a process."""
    parts = [data, *data.values()] if isinstance(data, dict) and len(data) == 1 else [data]
    if not any(isinstance(part, dict) and ("initialSchema" in part or isinstance(part.get("columns"), list)) for part in parts):
        return None
    from lamina.data.pipeline.datavec import schema_from_datavec

    return schema_from_datavec(path.read_text("utf-8-sig"), str(path))
