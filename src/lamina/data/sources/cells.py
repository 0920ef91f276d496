"""Blood under the microscope, with what kind of cell each pixel belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.data.schema import DataSchema, Target
from lamina.data.sources.files import RemoteFile, find_file
from lamina.data.sources.source import Partitions, Source
from lamina.errors import DataError
from lamina.shapes import image
from lamina.spec import register
from lamina.spec.fields import Count

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.normalizers import Normalizer

KINDS = ("background", "red cell", "white cell", "platelet")
_NAMES = {"RBC": 1, "WBC": 2, "Platelets": 3}
_ORDER = (1, 3, 2)
"""Red cells lie lowest, white cells on top."""


@dataclass(frozen=True)
class _Cell:
    """A box around a cell, in shares of the image: left, top, right, bottom; and the cell's kind."""

    kind: int
    box: tuple[float, float, float, float]


@register("blood_cells")
class BloodCells(Source):
    """Photos of blood with the kind of cell at each pixel: background, red cell, white cell, platelet.

    The photos and boxes are those of BCCD (Shenggan, MIT licence), in the layout of Pascal VOC: ``bccd/BCCD/JPEGImages``,
    ``Annotations`` and ``ImageSets/Main`` with ``train.txt`` and ``test.txt``, below `LAMINA_DATA` or the cache. The ellipse in a box
    is taken for the cell.

    Attributes:
        height: Of the images, to which the photos are scaled.
        width: Of the images.
    """

    folder: ClassVar[str] = "bccd"
    height: Count = 96
    width: Count = 128

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(height=24, width=32)]

    def schema(self) -> DataSchema:
        return DataSchema.single(image(3, self.height, self.width), Target("classes", labels=KINDS))

    @property
    def has_test(self) -> bool:
        return True

    def normalizer(self) -> Normalizer:
        from lamina.data.normalizers import Scale

        return Scale(factor=1 / 255)

    def read(self) -> Partitions:
        return Partitions(self._part("train"), self._part("test"))

    def _part(self, part: str) -> Dataset:
        import numpy as np

        from lamina.data.dataset import Dataset

        listed = self._file(f"BCCD/ImageSets/Main/{part}.txt").read_text().split()
        if not listed:
            raise _damaged(Path(f"{part}.txt"), "a list without names of photos", "")
        photos = np.stack([self._photo(self._file(f"BCCD/JPEGImages/{name}.jpg")) for name in listed])
        masks = np.stack([self._mask(self._file(f"BCCD/Annotations/{name}.xml")) for name in listed])
        return Dataset({"input": photos}, {"output": masks}, self.schema())

    def _file(self, name: str) -> Path:
        return find_file(RemoteFile(self.folder, name), download=False)

    def _photo(self, path: Path) -> np.ndarray:
        """Bytes ``[3, height, width]``."""
        import numpy as np

        from lamina.data.images.decode import decode
        from lamina.data.images.decoding import Decoding
        from lamina.data.images.resampling import resized

        try:
            pixels = decode(path.read_bytes(), str(path), 3, Decoding()).pixels
        except (OSError, DataError) as error:
            raise _damaged(path, "a photo that can't be read", str(error).splitlines()[0]) from error
        return np.ascontiguousarray(resized(pixels, (self.height, self.width)).transpose(2, 0, 1))

    def _mask(self, path: Path) -> np.ndarray:
        """The number of a kind at each pixel, ``[height, width]``."""
        import numpy as np

        rows, columns = (np.arange(self.height) + 0.5) / self.height, (np.arange(self.width) + 0.5) / self.width
        mask = np.zeros((self.height, self.width), dtype=np.int64)
        for cell in sorted(_cells(path), key=lambda cell: _ORDER.index(cell.kind)):
            left, top, right, bottom = cell.box
            across = (2 * columns - left - right) / (right - left)
            down = (2 * rows - top - bottom) / (bottom - top)
            mask[down[:, None] ** 2 + across[None, :] ** 2 <= 1] = cell.kind
        return mask


def _cells(path: Path) -> list[_Cell]:
    """The cells of a photo; boxes without an extent, of which BCCD has some, are left out."""
    from lamina.data.images.annotations import read_voc

    try:
        found = read_voc(path.read_bytes(), str(path))
        height, width = found.size or (0, 0)
        cells = []
        for thing in found.things:
            left, top, right, bottom = thing.box
            if left < right and top < bottom:
                cells.append(_Cell(_NAMES[thing.kind], (left / width, top / height, right / width, bottom / height)))
    except (OSError, KeyError, ZeroDivisionError, DataError) as error:
        raise _damaged(path, "boxes that can't be read", f"{type(error).__name__}: {error}".splitlines()[0]) from error
    return cells


def _damaged(path: Path, got: str, why: str) -> DataError:
    return DataError(
        "DA034",
        where=str(path),
        expected="a file of the data set BCCD in the layout of Pascal VOC",
        got=f"{got} ({why})" if why else got,
        cause="the file was cut off while it was copied, or is another one",
        fix=f"copy it anew from BCCD into the folder {BloodCells.folder}",
    )
