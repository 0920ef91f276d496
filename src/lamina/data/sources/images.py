"""MNIST, Fashion-MNIST and CIFAR-10 from their original files."""

from __future__ import annotations

import gzip
import lzma
import math
import tarfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.data.schema import DataSchema, Target
from lamina.data.sources.files import RemoteFile, find_file, first_local
from lamina.data.sources.source import Partitions, Source
from lamina.errors import DataError
from lamina.shapes import Shape, image
from lamina.spec import register

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.normalizers import Normalizer


class Images(Source):
    """Base of data sets of small images; pixels are bytes, scaled to 0 to 1 unless the recipe says otherwise.

    Files are looked for in the folder `LAMINA_DATA`, then in the cache, then downloaded.

    Attributes:
        download: Whether files may be downloaded.
    """

    sample: ClassVar[Shape]
    target: ClassVar[Target]
    download: bool = True

    def schema(self) -> DataSchema:
        return DataSchema.single(self.sample, self.target)

    @property
    def has_test(self) -> bool:
        return True

    def normalizer(self) -> Normalizer:
        from lamina.data.normalizers import Scale

        return Scale(factor=1 / 255)

    def _dataset(self, pixels: np.ndarray, labels: np.ndarray, where: str) -> Dataset:
        import numpy as np

        from lamina.data.dataset import Dataset
        from lamina.data.targets import encode_target

        shaped = pixels.reshape(-1, *[d for d in self.sample.dims if d is not None])
        numbers = encode_target(labels.astype(np.int64), self.target, where, "float64")
        return Dataset({"input": shaped}, {"output": numbers}, self.schema())


class Idx(Images):
    """Base of data sets in the four idx files of MNIST.

    Class attributes:
        folder: Below `LAMINA_DATA` and the cache.
        host: Where the originals are.
        sums: Name, size and SHA-256 of each file.
    """

    folder: ClassVar[str]
    host: ClassVar[str]
    sums: ClassVar[dict[str, tuple[int, str]]]
    sample: ClassVar[Shape] = image(1, 28, 28)

    def read(self) -> Partitions:
        return Partitions(self._part("train"), self._part("t10k"))

    @classmethod
    def file(cls, name: str) -> RemoteFile:
        """One of the four files."""
        size, digest = cls.sums[name]
        return RemoteFile(cls.folder, name, digest, size, f"{cls.host}/{name}")

    def _part(self, part: str) -> Dataset:
        paths = [find_file(self.file(f"{part}-{kind}-ubyte.gz"), download=self.download) for kind in ("images-idx3", "labels-idx1")]
        pixels, labels = (read_idx(path) for path in paths)
        return self._dataset(pixels, labels, str(paths[1]))


@register("mnist")
class Mnist(Idx):
    """70,000 handwritten digits of 28 by 28 pixels, 10,000 of them for the test (LeCun et al. 1998)."""

    folder: ClassVar[str] = "mnist"
    host: ClassVar[str] = "https://ossci-datasets.s3.amazonaws.com/mnist"
    target: ClassVar[Target] = Target("classes", labels=tuple("0123456789"))
    sums: ClassVar[dict[str, tuple[int, str]]] = {
        "train-images-idx3-ubyte.gz": (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        "train-labels-idx1-ubyte.gz": (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        "t10k-images-idx3-ubyte.gz": (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        "t10k-labels-idx1-ubyte.gz": (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    }

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]


@register("fashion_mnist")
class FashionMnist(Idx):
    """70,000 pictures of clothes of 28 by 28 pixels in ten classes, 10,000 of them for the test (Xiao et al. 2017)."""

    folder: ClassVar[str] = "fashion-mnist"
    host: ClassVar[str] = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
    target: ClassVar[Target] = Target(
        "classes",
        labels=("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    sums: ClassVar[dict[str, tuple[int, str]]] = {
        "train-images-idx3-ubyte.gz": (26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        "train-labels-idx1-ubyte.gz": (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        "t10k-images-idx3-ubyte.gz": (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        "t10k-labels-idx1-ubyte.gz": (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    }

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]


@register("cifar10")
class Cifar10(Images):
    """60,000 photos of 32 by 32 pixels in ten classes, 10,000 of them for the test (Krizhevsky 2009); the binary version.

    Taken from ``cifar-10-binary.tar.gz`` or its single files ``data_batch_1.bin`` to ``5`` and ``test_batch.bin``, each also
    with ``.xz``; downloaded if there are none.

    Attributes:
        subset: Take what single files there are, though they are not the whole data set.
    """

    folder: ClassVar[str] = "cifar10"
    archive: ClassVar[RemoteFile] = RemoteFile(
        "cifar10",
        "cifar-10-binary.tar.gz",
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        170052171,
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    )
    sample: ClassVar[Shape] = image(3, 32, 32)
    target: ClassVar[Target] = Target(
        "classes", labels=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    )
    subset: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(subset=True)]

    def read(self) -> Partitions:
        train = [self._single(f"data_batch_{i}") for i in range(1, 6)]
        test = self._single("test_batch") or (self._single("test_batch_first2000") if self.subset else None)
        if self.subset and any(train) and test:
            return Partitions(self._records([path.name for path in train if path], train), self._records([test.name], [test]))
        if all(train) and test:
            return Partitions(self._records(["data_batch"], train), self._records(["test_batch"], [test]))
        return self._from_archive(find_file(self.archive, download=self.download))

    def _single(self, name: str) -> Path | None:
        found = first_local(RemoteFile(self.folder, name + end) for end in (".bin", ".bin.xz"))
        return None if found is None else find_file(found, download=False)

    def _records(self, names: list[str], paths: list[Path | None]) -> Dataset:
        return self._decoded(b"".join(_unpacked(path) for path in paths if path is not None), ", ".join(names))

    def _from_archive(self, path: Path) -> Partitions:
        found: dict[str, bytes] = {}
        try:
            with tarfile.open(path, "r:gz") as archive:
                for member in archive:
                    name = member.name.rpartition("/")[2]
                    content = archive.extractfile(member) if name.endswith(".bin") else None
                    if content is not None:
                        found[name] = content.read()
            train = b"".join(found[f"data_batch_{i}.bin"] for i in range(1, 6))
            return Partitions(self._decoded(train, str(path)), self._decoded(found["test_batch.bin"], str(path)))
        except (tarfile.TarError, EOFError, zlib.error, KeyError, OSError) as error:
            raise _damaged(path, f"{type(error).__name__}: {error}") from error

    def _decoded(self, raw: bytes, where: str) -> Dataset:
        import numpy as np

        if not raw or len(raw) % 3073:
            raise _damaged(Path(where), f"{len(raw)} bytes, which are no records of 3073")
        rows = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 3073)
        return self._dataset(rows[:, 1:], rows[:, 0], where)


def read_idx(path: Path) -> np.ndarray:
    """The array of bytes in a gzipped idx file.

    Raises:
        DataError: DA034, if it is none, or cut off.
    """
    import numpy as np

    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    if len(raw) < 8 or raw[:3] != b"\x00\x00\x08":
        raise _damaged(path, f"a file that begins with {raw[:4].hex(' ')}")
    axes = raw[3]
    sizes = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    start = 4 + 4 * axes
    if math.prod(sizes) != len(raw) - start:
        raise _damaged(path, f"{len(raw) - start} bytes for {' x '.join(map(str, sizes))} values")
    return np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(sizes)


def _unpacked(path: Path) -> bytes:
    try:
        return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    except (OSError, lzma.LZMAError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _damaged(path: Path, got: str) -> DataError:
    return DataError(
        "DA034",
        where=str(path),
        expected="the original file of the data set",
        got=got,
        cause="the file was cut off while it was copied, or is another one",
        fix="delete it, so that it is fetched anew",
    )
