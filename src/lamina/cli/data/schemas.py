"""Schemas as users keep them: Lamina's own, or DataVec's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamina.data.table.schema import Schema


def load_schema(path: Path) -> Schema:
    """A schema from a file of YAML or JSON; one that DataVec wrote, alone or in a process, is taken for what it is.

    Raises:
        LaminaError: With the place in the file, for what is no schema.
    """
    from lamina.data.table.schema import Schema
    from lamina.spec import load_document

    document = load_document(path)
    data = document.data
    parts = [data, *data.values()] if isinstance(data, dict) and len(data) == 1 else [data]
    if any(isinstance(part, dict) and ("initialSchema" in part or isinstance(part.get("columns"), list)) for part in parts):
        from lamina.data.pipeline.datavec import schema_from_datavec

        return schema_from_datavec(path.read_text("utf-8-sig"), str(path))
    return Schema.from_document(document)
