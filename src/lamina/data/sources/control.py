"""Synthetic control charts: 600 series of 60 values in six shapes."""

from __future__ import annotations

from typing import Any, ClassVar

from lamina.data.schema import DataSchema, Target
from lamina.data.sources.files import RemoteFile, find_file
from lamina.data.sources.source import Partitions, Source
from lamina.errors import DataError
from lamina.shapes import Shape, sequence
from lamina.spec import register

PER_CLASS = 100


@register("synthetic_control")
class SyntheticControl(Source):
    """600 control charts of 60 values, 100 of each of six shapes (UCI, Alcock and Manolopoulos 1999).

    The file ``synthetic-control/synthetic_control.data`` is looked for in `LAMINA_DATA`, then in the cache, then downloaded from
    `LAMINA_MIRROR`, if that is set; the original host packs it in other ways, so there is no address by default.

    Attributes:
        download: Whether it may be downloaded.
    """

    file: ClassVar[RemoteFile] = RemoteFile(
        "synthetic-control",
        "synthetic_control.data",
        "d5fbabf133cca254174b316a9d428103705edd7d5389bf818869a60cdf42ac92",
        289574,
    )
    sample: ClassVar[Shape] = sequence(60, 1)
    target: ClassVar[Target] = Target(
        "classes", labels=("normal", "cyclic", "increasing trend", "decreasing trend", "upward shift", "downward shift")
    )
    download: bool = True

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]

    def schema(self) -> DataSchema:
        return DataSchema.single(self.sample, self.target)

    def read(self) -> Partitions:
        import numpy as np

        from lamina.data.dataset import Dataset

        path = find_file(self.file, download=self.download)
        try:
            rows = np.array([line.split() for line in path.read_text().splitlines() if line.strip()], dtype=np.float64)
        except (ValueError, OSError) as error:
            rows, problem = np.zeros((0, 0)), str(error)
        else:
            problem = f"{rows.shape[0]} rows of {rows.shape[1]}"
        if rows.shape != (6 * PER_CLASS, 60):
            fix = "delete it, so that it is fetched anew"
            raise DataError("DA034", where=str(path), expected="600 rows of 60 numbers", got=problem, cause="the file is damaged", fix=fix)
        labels = np.repeat(np.arange(6, dtype=np.int64), PER_CLASS)
        return Partitions(Dataset({"input": rows[:, :, None]}, {"output": labels}, self.schema()))
