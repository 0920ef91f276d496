"""Other normalizers for other inputs, or for other columns of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.data.normalizers.normalizer import Need, Normalizer
from lamina.errors import DataError, nearest
from lamina.spec import register

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.lazy import Samples
    from lamina.data.normalizers.accumulator import Accumulator
    from lamina.data.normalizers.fitted import Fitted


@register("by_name")
class ByName(Normalizer):
    """A normalizer for each name: of an input, or of a column of a table. In a recipe, names alone are enough.

    ``normalize: {income: log, age: standardize}``. What isn't named stays as it is, unless ``rest`` says otherwise.

    Attributes:
        of: Normalizers by name; null leaves as it is what ``rest`` would scale.
        rest: For all that isn't named.
    """

    positional: ClassVar[tuple[str, ...]] = ("of", "rest")
    of: dict[str, Normalizer | None]
    rest: Normalizer | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls({"age": {"type": "standardize"}, "income": {"type": "log"}}), cls({"sex": None}, rest={"type": "min_max"})]

    def wants(self) -> tuple[Need, ...]:
        return () if self.rest is None else self.rest.wants()

    def fitted(self, seen: Accumulator) -> Fitted:
        """Data without a name are the rest."""
        import numpy as np

        from lamina.data.normalizers.fitted import Linear

        return Linear(np.asarray(0.0), np.asarray(1.0)) if self.rest is None else self.rest.fitted(seen)

    def named(self, name: str) -> Normalizer | None:
        """The normalizer of one input."""
        return self.of.get(name, self.rest)

    def fit_columns(self, rows: Samples, columns: Sequence[str]) -> Fitted:
        """Numbers of each column by its own normalizer.

        Args:
            rows: ``[rows, columns]``, or anything whose last axis are the columns.
            columns: Their names.

        Example:
            >>> import numpy as np
            >>> both = ByName({"age": Normalizer.from_dict({"type": "min_max"})})
            >>> both.fit_columns(np.array([[20.0, 7.0], [60.0, 9.0]]), ["age", "rooms"]).apply(np.array([[40.0, 8.0]])).tolist()
            [[0.5, 8.0]]
        """
        import numpy as np

        from lamina.data.normalizers.fitted import Parts, iterate_blocks

        chosen: list[tuple[Normalizer, list[int]]] = []
        for place, name in enumerate(columns):
            normalizer = self.of.get(name, self.rest)
            if normalizer is None:
                continue
            known = next((places for other, places in chosen if other == normalizer), None)
            if known is None or getattr(normalizer, "per", "feature") == "all":
                chosen.append((normalizer, [place]))
            else:
                known.append(place)
        places = tuple(np.array(found) for _, found in chosen)
        seen = [normalizer.start(rows.ndim - 1) for normalizer, _ in chosen]
        rows, looked = _only(rows, places)
        for _, block in iterate_blocks(rows):
            for own, found in zip(seen, looked, strict=True):
                own.add(block[..., found])
        return Parts(places, tuple(own.finish() for own in seen), len(columns))

    def check_names(self, known: Iterable[str]) -> None:
        """See that every name is one of an input or a column.

        Raises:
            DataError: DA174.
        """
        names = list(known)
        for name in self.of:
            if name not in names:
                near = nearest(name, names)
                raise DataError(
                    "DA174",
                    where=f"normalize, {name!r}",
                    expected=f"an input or a column of numbers: {', '.join(map(repr, names[:12]))}" + (" ..." if len(names) > 12 else ""),
                    got=repr(name),
                    cause="a typo, or a column that isn't among the features",
                    fix=f"did you mean {near!r}?" if near else "use one of these names",
                )


def _only(rows: Samples, places: tuple[np.ndarray, ...]) -> tuple[Samples, tuple[np.ndarray, ...]]:
    """What must be looked at of the rows, and where in it the places are."""
    import numpy as np

    from lamina.data.encoded import EncodedRows

    if not isinstance(rows, EncodedRows) or rows.ndim != 2:
        return rows, places
    wanted = np.unique(np.concatenate(places)) if places else np.zeros(0, np.int64)
    if not np.isin(wanted, rows.apart()[0]).all():
        return rows, places
    return rows.numbers(wanted), tuple(np.searchsorted(wanted, own) for own in places)
