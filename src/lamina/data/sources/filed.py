"""Tables in files: where they lie is said the same way for every kind of file."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lamina.data.sources.table import TableSource
from lamina.data.storage.options import Storage
from lamina.errors import LaminaError
from lamina.spec.fields import SomeNames

if TYPE_CHECKING:
    from lamina.data.storage import DataFile


class FileTable(TableSource):
    """Base of sources that read a table from files.

    Attributes:
        path: The file; a folder, a pattern with ``*``, ``ARCHIVE!MEMBER``, a URL, or a list of these mean all files in it, whose rows
            follow each other. Relative to the recipe. See `lamina.data.storage.open_files`.
        storage: How remote files are reached, and how much of files is believed.
    """

    positional: ClassVar[tuple[str, ...]] = ("path",)
    path: SomeNames
    storage: Storage | None = None

    def files(self) -> list[DataFile]:
        """The files, none of them read yet.

        Raises:
            DataError: DA031 or DA041, if there are none; others as `lamina.data.storage.open_files`.
        """
        from lamina.data.storage import open_files

        return open_files(self.path, storage=self.storage)

    def place(self) -> str:
        return self.path[0] if len(self.path) == 1 else f"{self.path[0]} and {len(self.path) - 1} more"

    def row_place(self, row: int) -> str:
        """The file of several that a row is from, and its number in it."""
        import polars as pl

        files, left = self.files(), row
        with suppress(LaminaError):
            for file in files if len(files) > 1 else ():
                count = int(self.replace(path=(file.name,)).frame().select(pl.len()).collect().item())
                if left <= count:
                    return f"{file.name}, row {left}"
                left -= count
        return super().row_place(row)

    def like(self, path: str, columns: Collection[str] = ()) -> Self:
        return self.replace(path=(str(path),), storage=None)

    def kept(self) -> dict[str, Any]:
        # No folder of this machine, and nothing that is secret.
        data = {name: value for name, value in self.to_dict().items() if name not in ("quarantine", "storage")}
        if self.invalid == "quarantine":
            data["invalid"] = "drop"
        return {**data, "path": [Path(path).name for path in self.path]}

    def resolve_paths(self, base: Path) -> Self:
        from lamina.data.storage import absolutes

        return super().resolve_paths(base).replace(path=absolutes(self.path, base))
