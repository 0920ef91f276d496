"""Small data sets that come with scikit-learn, read from its files without importing it."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.data.schema import DataSchema, Target
from lamina.data.sources.source import Partitions, Source
from lamina.errors import DataError, DependencyError
from lamina.shapes import Shape, features, image
from lamina.spec import register

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.normalizers import Normalizer


class Bundled(Source):
    """Base of the data sets that scikit-learn brings along.

    Class attributes:
        file: Name of the file in ``sklearn/datasets/data``.
        skip: Lines before the first sample.
        sample: Shape of one sample.
        target: What is to be learned.
        columns: Names of the features.
    """

    file: ClassVar[str]
    skip: ClassVar[int] = 1
    sample: ClassVar[Shape]
    target: ClassVar[Target]
    columns: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]

    def schema(self) -> DataSchema:
        return DataSchema.single(self.sample, self.target)

    def read(self) -> Partitions:
        from lamina.data.columns import Columns
        from lamina.data.dataset import Dataset

        x, y = self._arrays()
        labels = self.target.labels
        shaped = x.reshape(-1, *[d for d in self.sample.dims if d is not None])
        dataset = Dataset.from_arrays(shaped, y, labels, shape=self.sample, kind=self.target.kind, dtype="float64")
        columns = Columns(features=self.columns) if self.columns else None
        return Partitions(dataset.replace(schema=self.schema(), columns=columns))

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        table = _read(self.file, skip=self.skip, delimiter=",")
        return table[:, :-1], table[:, -1].astype("int64")


@register("digits")
class Digits(Bundled):
    """1,797 handwritten digits of 8 by 8 pixels from 0 to 16 (UCI, Alpaydin and Kaynak 1998)."""

    file: ClassVar[str] = "digits.csv.gz"
    skip: ClassVar[int] = 0
    sample: ClassVar[Shape] = image(1, 8, 8)
    target: ClassVar[Target] = Target("classes", labels=tuple("0123456789"))

    def normalizer(self) -> Normalizer:
        from lamina.data.normalizers import Scale

        return Scale(factor=1 / 16)

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]


@register("iris")
class Iris(Bundled):
    """150 irises of three species by the sizes of their leaves, in cm (Fisher 1936)."""

    file: ClassVar[str] = "iris.csv"
    sample: ClassVar[Shape] = features(4)
    target: ClassVar[Target] = Target("classes", labels=("setosa", "versicolor", "virginica"))
    columns: ClassVar[tuple[str, ...]] = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]


@register("wine")
class Wine(Bundled):
    """178 wines of three growers by 13 chemical measurements (UCI, Forina et al. 1991)."""

    file: ClassVar[str] = "wine_data.csv"
    sample: ClassVar[Shape] = features(13)
    target: ClassVar[Target] = Target("classes", labels=("class_0", "class_1", "class_2"))
    columns: ClassVar[tuple[str, ...]] = (
        "alcohol",
        "malic_acid",
        "ash",
        "alcalinity_of_ash",
        "magnesium",
        "total_phenols",
        "flavanoids",
        "nonflavanoid_phenols",
        "proanthocyanins",
        "color_intensity",
        "hue",
        "od280/od315_of_diluted_wines",
        "proline",
    )

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]


_CELL = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)


@register("breast_cancer")
class BreastCancer(Bundled):
    """569 tumours, malignant or benign, by 30 measurements of cell nuclei (Wisconsin, Street et al. 1993)."""

    file: ClassVar[str] = "breast_cancer.csv"
    sample: ClassVar[Shape] = features(30)
    target: ClassVar[Target] = Target("classes", labels=("malignant", "benign"))
    columns: ClassVar[tuple[str, ...]] = (
        *(f"mean {name}" for name in _CELL),
        *(f"{name} error" for name in _CELL),
        *(f"worst {name}" for name in _CELL),
    )

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]


@register("diabetes")
class Diabetes(Bundled):
    """442 patients by ten measurements, and how far their diabetes went within a year (Efron et al. 2004); raw, not scaled."""

    file: ClassVar[str] = "diabetes_data_raw.csv.gz"
    sample: ClassVar[Shape] = features(10)
    target: ClassVar[Target] = Target("numbers", shape=features(1), labels=("progression",))
    columns: ClassVar[tuple[str, ...]] = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return _read(self.file, skip=0, delimiter=None), _read("diabetes_target.csv.gz", skip=0, delimiter=None)[:, 0]


def _read(name: str, *, skip: int, delimiter: str | None) -> np.ndarray:
    import numpy as np

    found = importlib.util.find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise DependencyError(
            "DA030",
            where=f"the data set file {name}",
            expected="scikit-learn, which brings it along",
            got="no package sklearn",
            cause="scikit-learn is not installed in this Python",
            fix="pip install scikit-learn",
        )
    path = Path(found.submodule_search_locations[0]) / "datasets" / "data" / name
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
    except OSError as error:
        raise DataError(
            "DA030",
            where=str(path),
            expected="a file that scikit-learn brings along",
            got=str(error),
            cause="this version of scikit-learn keeps its data elsewhere, or its installation is damaged",
            fix="pip install --force-reinstall scikit-learn",
        ) from error
    return np.loadtxt(text.splitlines()[skip:], delimiter=delimiter, dtype=np.float64, ndmin=2)
