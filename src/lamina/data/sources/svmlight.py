"""Tables in SVMLight and LibSVM files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from lamina.data.sources.filed import FileTable
from lamina.spec import register
from lamina.spec.fields import Count

if TYPE_CHECKING:
    import polars as pl


@register("svmlight")
class SvmLight(FileTable):
    """Samples of SVMLight or LibSVM files: ``LABEL qid:3 INDEX:VALUE ... # comment``.

    The columns are ``label`` (or, where samples have several labels, ``label_1``, ``label_2`` ... of 0 and 1), ``qid`` if there is one,
    and ``feature_1``, ``feature_2`` ..., called by their index. What isn't written is 0. For many thousands of features the source
    ``arrays`` is the better one: it makes samples dense batch by batch.

    Attributes:
        zero_based: Whether the first feature is 0 or 1; by default 0 if that index stands anywhere, else 1.
        width: Features there are; by default as many as the largest index says. Test data need that of the training data.
        layout: ``columns``, one for each feature; or ``array``, one column ``features`` with all of them.
        most: Features there may be at most.

    Example:
        >>> SvmLight.from_yaml("{path: train.svm, width: 123, target: label}").width
        123
    """

    zero_based: bool | None = None
    width: Count | None = None
    layout: Literal["columns", "array"] = "columns"
    most: Count = 10_000

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(path="words.svm", target="label", ignore="qid"),
            cls(path="words.svm", zero_based=True, width=6, layout="array", features="features", target="label"),
        ]

    def frame(self) -> pl.LazyFrame:
        from lamina.data.formats.svmlight import read_svmlight

        return read_svmlight(self.files(), zero_based=self.zero_based, width=self.width, layout=self.layout, most=self.most)
