"""Steps from words to numbers: vocabularies, places in them, a column for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.data.pipeline.frames.frame import OddRowError
from lamina.data.pipeline.step import Step, check_kind
from lamina.data.table.schema import column_of
from lamina.errors import DataError, nearest
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Names, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema

WORDS = ("string", "categorical", "text", "integer", "boolean")
Unknown = Literal["error", "other", "missing"]
WORD, COUNT = "__lamina_word", "__lamina_count"


class Vocabulary(Step):
    """Base of steps that know the words of columns, said or learned from the training part.

    Attributes:
        columns: Which.
        values: The words of each column, in order; columns that aren't in it are learned: the words of the training part, sorted.
        minimum: A word is learned only if so many rows of the training part have it.
        most: At most so many words are learned, the most frequent ones.
        unknown: What a word becomes that isn't among them: an ``error``; the word ``other``, which is then one of them; or a value that is
            ``missing``.
        other: That word.
    """

    positional: ClassVar[tuple[str, ...]] = ("columns", "values")
    columns: Names
    values: dict[str, listed(str)] | None = None  # type: ignore[valid-type]
    minimum: Count = 1
    most: Count | None = None
    unknown: Unknown = "error"
    other: str = "other"

    @classmethod
    def examples(cls) -> list[Any]:
        learned = cls(columns=["s"], minimum=2, most=10, unknown="other")
        return [cls(columns="s"), cls(columns=["s"], values={"s": ["x", "y"]}), learned]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.columns:
            raise wrong_value(expected="at least one column", cause="the step would do nothing", fix="list the columns by name")
        for name, words in (self.values or {}).items():
            if name not in self.columns:
                raise wrong_value(
                    expected=f"values of {', '.join(self.columns)}",
                    cause=f"{name!r} is none of the columns of the step",
                    fix="list it under columns too, or leave its values out",
                )
            if not words or len({*words}) < len(words):
                raise wrong_value(
                    expected=f"at least one word for {name}, each once",
                    cause="a word can have one place only",
                    fix="remove what is there twice",
                )
        return self

    @property
    def learns(self) -> bool:
        return any(name not in (self.values or {}) for name in self.columns)

    def reads(self, schema: Schema) -> frozenset[str]:
        return frozenset(self.columns)

    def check(self, schema: Schema) -> None:
        """See that the columns hold words, or what is as good.

        Raises:
            DataError: DA100 or DA102.
        """
        check_kind(schema, self.columns, WORDS, "cut numbers into ranges before: {type: bucketize, columns: [COLUMN]}")

    def only(self, columns: list[str]) -> Self:
        """The same for some of its columns."""
        values = {name: words for name, words in (self.values or {}).items() if name in columns}
        return self.replace(columns=columns, values=values or None)

    def words(self, name: str) -> tuple[str, ...]:
        """The words of a column, once they are known."""
        words = tuple((self.values or {}).get(name, ()))
        return (*words, self.other) if self.unknown == "other" and self.other not in words else words

    def fit(self, frame: Frame, schema: Schema) -> Self:
        known = dict(self.values or {})
        for name in self.columns:
            if name not in known:
                known[name] = self._learned(frame, name)
        return self.replace(values=known)

    def _learned(self, frame: Frame, name: str) -> tuple[str, ...]:
        from lamina.data.expressions.nodes import Column
        from lamina.data.expressions.parse import parse

        counted = frame.with_columns({WORD: parse(f"string({Column(name).text})")}).group([WORD], {COUNT: parse("count()")}).collect()
        counts = {word: count for word, count in counted.select(WORD, COUNT).iter_rows() if word is not None and count >= self.minimum}
        chosen = sorted(sorted(counts, key=lambda word: (-counts[word], word))[: self.most])
        if not chosen:
            raise DataError(
                "DA012",
                where=f"column {name!r}",
                expected=f"at least one word that {self.minimum} rows have",
                got=f"{len(counted)} different ones, none as frequent",
                cause="the column is empty, or minimum is too large",
                fix="lower minimum, or give the words: values: {COLUMN: [...]}",
            )
        return tuple(chosen)

    def encoded(self, frame: Frame, made: Mapping[str, str], encode: Callable[[str, pl.Series], dict[str, pl.Series]]) -> Frame:
        """Columns made of the places of words.

        Args:
            frame: The rows.
            made: Kind of each new column.
            encode: For a column's name and a series with the place of each row's word (null for a missing one), the new columns.
        """

        def run(rows: pl.DataFrame) -> pl.DataFrame:
            import polars as pl

            new = {}
            for name in self.columns:
                new.update(encode(name, self._places(name, rows[name].alias("value"))))
            return pl.DataFrame(new)

        return frame.apply(run, made)

    def _places(self, name: str, column: pl.Series) -> pl.Series:
        import polars as pl

        words = self.words(name)
        texts = (
            column.cast(pl.String)
            if column.dtype != pl.Boolean
            else column.replace_strict({True: "true", False: "false"}, return_dtype=pl.String)
        )
        fallback = words.index(self.other) if self.unknown == "other" else None
        places = texts.replace_strict(list(words), list(range(len(words))), default=-1, return_dtype=pl.Int64)
        places = pl.select(pl.when(texts.is_null()).then(None).otherwise(places)).to_series()
        if self.unknown == "error":
            strange = (places == -1).arg_true()
            if len(strange):
                row = int(strange[0])
                raise OddRowError(row, self._strange(name, str(texts[row]), len(strange)))
        return places.replace_strict([-1], [fallback], default=places, return_dtype=pl.Int64)

    def _strange(self, name: str, word: str, count: int) -> DataError:
        near = nearest(word, self.words(name))
        return DataError(
            "DA015",
            where=f"column {name!r}",
            expected=f"one of {', '.join(map(repr, self.words(name)[:12]))}",
            got=f"{word!r} ({count} rows hold such a word)",
            cause="a word that was not there in training",
            fix=f"did you mean {near!r}?"
            if near
            else "write unknown: other or unknown: missing in the step, or train on data that have it",
        )


@register("categorical")
class Categorical(Vocabulary):
    """Make columns categorical: from now on their words are known.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"city": "string"}}, [Categorical("city", minimum=2, unknown="other")])
        >>> pipeline.fit({"city": ["Bern", "Bern", "Ulm"]}).run({"city": ["Ulm", "Bern"]})["city"].to_list()
        ['other', 'Bern']
    """

    def output(self, schema: Schema) -> Schema:
        self.check(schema)
        return schema.with_columns({name: column_of("categorical", values=self.words(name) or None) for name in self.columns})

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = [name for name in self.columns if name in needed]
        return self.only(kept) if kept else None

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        import polars as pl

        def encode(name: str, places: pl.Series) -> dict[str, pl.Series]:
            words = pl.Series(self.words(name), dtype=pl.String)
            return {name: words.gather(places).alias(name)}

        return self.encoded(frame, dict.fromkeys(self.columns, "categorical"), encode)


@register("integer_encode")
class IntegerEncode(Vocabulary):
    """The place of each word among the words of its column, counted from 0; a missing word stays missing.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"size": "string"}}, [IntegerEncode("size", {"size": ["small", "large"]})])
        >>> pipeline.run({"size": ["large", "small", None]})["size"].to_list()
        [1, 0, None]
    """

    def output(self, schema: Schema) -> Schema:
        self.check(schema)
        return schema.with_columns(dict.fromkeys(self.columns, "integer"))

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = [name for name in self.columns if name in needed]
        return self.only(kept) if kept else None

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return self.encoded(frame, dict.fromkeys(self.columns, "integer"), lambda name, places: {name: places.alias(name)})


@register("one_hot")
class OneHot(Vocabulary):
    """A column ``NAME[WORD]`` with 1 and 0 for each word, in the place of the column; a missing word is 0 in all of them.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"city": "string"}}, [OneHot("city", {"city": ["Bern", "Ulm"]})])
        >>> pipeline.run({"city": ["Ulm", None]}).to_dicts()
        [{'city[Bern]': 0, 'city[Ulm]': 1}, {'city[Bern]': 0, 'city[Ulm]': 0}]
    """

    def output(self, schema: Schema) -> Schema:
        self.check(schema)
        if self.learns:
            # Which columns there will be is known when the training part has been seen; until then the column stands for them.
            return schema.with_columns(dict.fromkeys(self.columns, "integer"))
        made: dict[str, Any] = {}
        for name, column in schema.columns.items():
            made |= dict.fromkeys(self._names(name), "integer") if name in self.columns else {name: column}
        self.check_new(
            schema.without(self.columns) if len(self.columns) < len(schema.names) else schema,
            [n for c in self.columns for n in self._names(c)],
        )
        return schema.only(()) if not made else schema.replace(columns=made)

    def _names(self, name: str) -> list[str]:
        return [f"{name}[{word}]" for word in self.words(name)]

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = [name for name in self.columns if needed & {*self._names(name)}]
        return self.only(kept) if kept else None

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        made = {made for name in self.columns for made in self._names(name)}
        return frozenset(self.columns) | (needed - made)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        import polars as pl

        def encode(name: str, places: pl.Series) -> dict[str, pl.Series]:
            return {
                made: (places == place).fill_null(value=False).cast(pl.Int64).alias(made) for place, made in enumerate(self._names(name))
            }

        made = {new: "integer" for name in self.columns for new in self._names(name)}
        return self.encoded(frame, made, encode).select(self.output(schema).names)
