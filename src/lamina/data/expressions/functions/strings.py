"""Functions of texts; letters are counted as Unicode has them (code points)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lamina.data.expressions.functions.function import INTEGER, TEXT, At, Builder, Function, Parameter
from lamina.data.expressions.patterns import Pattern, PatternError, read_pattern, read_replacement

WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""White space as Unicode has it."""
X = Parameter("x", TEXT)
CHARACTERS = Parameter("characters", TEXT, constant=True, default=None)
PATTERN = Parameter("pattern", TEXT, constant=True)
OTHER = Parameter("text", TEXT)


def _stripped(polars: str, spark: str) -> tuple[Builder, Builder]:
    def on_polars(at: At, x: Any, characters: Any) -> Any:
        return getattr(x.str, polars)(at.values[1] or WHITE)

    def on_spark(at: At, x: Any, characters: Any) -> Any:
        return getattr(at.api, spark)(x, at.api.lit(at.values[1] or WHITE))

    return on_polars, on_spark


def _checked(values: Sequence[Any]) -> tuple[str, str] | None:
    """Whether the second argument is a pattern of the common subset."""
    try:
        read_pattern(values[1])
    except PatternError as error:
        return f"a regular expression that both engines understand; {error} at {error.at}", error.fix
    return None


def _checked_group(values: Sequence[Any]) -> tuple[str, str] | None:
    wrong = _checked(values)
    if wrong is not None:
        return wrong
    groups = read_pattern(values[1]).groups
    fits = 0 <= values[2] <= groups
    return None if fits else (f"a group from 0 (the whole match) to {groups}", "put ( ) around what you want")


def _checked_replacement(values: Sequence[Any]) -> tuple[str, str] | None:
    wrong = _checked(values)
    if wrong is not None:
        return wrong
    pattern = read_pattern(values[1])
    if pattern.empty:
        return "a pattern that can't match an empty text", "write + for *, since there is an empty text between any two letters"
    try:
        read_replacement(values[2], pattern.groups)
    except PatternError as error:
        return f"a replacement such as 'no $1'; {error}", error.fix
    return None


def _not_empty(values: Sequence[Any]) -> tuple[str, str] | None:
    return None if values[1] else ("a text of at least one letter", "write it in quotes")


def _by_pattern(native: Callable[[At, Any, Pattern], Any], name: str) -> Builder:
    """On Spark: natively where Java is safe, else as Polars does it."""

    def build(at: At, x: Any, *rest: Any) -> Any:
        pattern = read_pattern(at.values[1])
        if pattern.native:
            return native(at, x, pattern)
        from lamina.data.expressions.batches import on_batches
        from lamina.data.expressions.functions.table import find_function

        return on_batches(find_function(name), at, (x, *rest))

    return build


def _replaced_spark(at: At, x: Any, pattern: Pattern) -> Any:
    return at.api.regexp_replace(x, pattern.java, read_replacement(at.values[2], pattern.groups)[1])


def _replaced_polars(at: At, x: Any, pattern: Any, replacement: Any) -> Any:
    found = read_pattern(at.values[1])
    return x.str.replace_all(found.rust, read_replacement(at.values[2], found.groups)[0])


def _extracted_spark(at: At, x: Any, pattern: Pattern) -> Any:
    return at.api.when(x.rlike(pattern.java), at.api.regexp_extract(x, pattern.java, at.values[2]))


def _bounds(values: Sequence[Any], length: Any, at_least_zero: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Where a slice begins and ends, as Python counts; numbers, or expressions of the length."""
    start, stop = values[1], values[2]
    begin = start if start >= 0 else at_least_zero(length + start)
    end = length if stop is None else stop if stop >= 0 else at_least_zero(length + stop)
    return begin, end


def _slice_polars(at: At, x: Any, start: Any, stop: Any) -> Any:
    length = x.str.len_chars().cast(at.api.Int64)
    begin, end = _bounds(at.values, length, lambda column: column.clip(0))
    if isinstance(begin, int) and isinstance(end, int):
        return x.str.slice(begin, max(0, end - begin))
    count = end - begin
    return x.str.slice(begin, count.clip(0))


def _slice_spark(at: At, x: Any, start: Any, stop: Any) -> Any:
    lit = at.api.lit
    begin, end = _bounds(at.values, at.api.char_length(x), lambda column: at.api.greatest(column, lit(0)))
    begin, end = [lit(bound) if isinstance(bound, int) else bound for bound in (begin, end)]
    return at.api.substring(x, begin + 1, at.api.greatest(end - begin, lit(0)))


def _small(values: Sequence[Any]) -> tuple[str, str] | None:
    fine = all(value is None or abs(value) <= 1_000_000_000 for value in values[1:])
    return None if fine and values[1] is not None else ("places up to a milliard", "write slice(x, 0, 3)")


def _separator(separator: str) -> str:
    """A literal text as a pattern of Java."""
    return r"\Q" + separator.replace(r"\E", r"\E\\E\Q") + r"\E"


def _pieces_spark(at: At, x: Any) -> Any:
    return at.api.split(x, _separator(at.values[1]), -1)


def _piece_spark(at: At, x: Any, separator: Any, index: Any) -> Any:
    index = at.values[2]
    return at.api.try_element_at(_pieces_spark(at, x), at.api.lit(index + 1 if index >= 0 else index))


def _padded(*, left: bool) -> tuple[Builder, Builder]:
    def polars(at: At, x: Any, width: Any, fill: Any) -> Any:
        return (x.str.pad_start if left else x.str.pad_end)(at.values[1], at.values[2])

    def spark(at: At, x: Any, width: Any, fill: Any) -> Any:
        pad = at.api.lpad if left else at.api.rpad
        # Spark cuts what is longer.
        return at.api.when(at.api.char_length(x) >= at.values[1], x).otherwise(pad(x, at.values[1], at.values[2]))

    return polars, spark


def _width(values: Sequence[Any]) -> tuple[str, str] | None:
    fine = 0 <= values[1] <= 100_000 and len(values[2]) == 1
    return None if fine else ("a width up to 100,000, and one letter to fill with", "write pad_left(x, 5, '0')")


def _found(polars: str, spark: str) -> tuple[Builder, Builder]:
    def on_polars(at: At, x: Any, text: Any) -> Any:
        more = {"literal": True} if polars == "contains" else {}
        return getattr(x.str, polars)(text, **more)

    return on_polars, lambda at, x, text: getattr(x, spark)(text)


PAD = (X, Parameter("width", INTEGER, constant=True), Parameter("fill", TEXT, constant=True, default=" "))
SEPARATOR = Parameter("separator", TEXT, constant=True)

FUNCTIONS = [
    Function(
        "lower",
        (X,),
        "string",
        lambda at, x: x.str.to_lowercase(),
        lambda at, x: at.api.lower(x),
        "The text in small letters.",
        "lower(city)",
    ),
    Function(
        "upper", (X,), "string", lambda at, x: x.str.to_uppercase(), lambda at, x: at.api.upper(x), "The text in capitals.", "upper(city)"
    ),
    Function(
        "title",
        (X,),
        "string",
        lambda at, x: x.str.to_titlecase(),
        None,
        "Each word with a capital first and small letters after; a word is a run of letters and digits.",
        "title(name)",
    ),
    Function(
        "strip",
        (X, CHARACTERS),
        "string",
        *_stripped("strip_chars", "btrim"),
        "Without white space, or the characters given, at both ends.",
        "strip(city)",
    ),
    Function(
        "lstrip", (X, CHARACTERS), "string", *_stripped("strip_chars_start", "ltrim"), "Without those at the start.", "lstrip(x, '0')"
    ),
    Function("rstrip", (X, CHARACTERS), "string", *_stripped("strip_chars_end", "rtrim"), "Without those at the end.", "rstrip(x, '.')"),
    Function(
        "remove_whitespace",
        (X,),
        "string",
        lambda at, x: x.str.replace_all(f"[{WHITE}]", ""),
        lambda at, x: at.api.translate(x, WHITE, ""),
        "Without any white space.",
        "remove_whitespace(x)",
    ),
    Function(
        "length",
        (X,),
        "integer",
        lambda at, x: x.str.len_chars().cast(at.api.Int64),
        lambda at, x: at.api.char_length(x).cast("bigint"),
        "How many letters.",
        "length(name)",
    ),
    Function(
        "reverse",
        (X,),
        "string",
        lambda at, x: x.str.split("").list.reverse().list.join(""),
        lambda at, x: at.api.reverse(x),
        "The letters from last to first.",
        "reverse(x)",
    ),
    Function(
        "concat",
        (Parameter("x", TEXT, many=True),),
        "string",
        lambda at, *columns: at.api.concat_str(list(columns)),
        lambda at, *columns: at.api.concat(*columns),
        "The texts one after the other; missing if one is.",
        "concat(first, ' ', last)",
    ),
    Function(
        "contains", (X, OTHER), "boolean", *_found("contains", "contains"), "Whether a text stands somewhere in x.", "contains(x, 'rain')"
    ),
    Function("starts_with", (X, OTHER), "boolean", *_found("starts_with", "startswith"), "Whether x starts so.", "starts_with(x, 'A')"),
    Function("ends_with", (X, OTHER), "boolean", *_found("ends_with", "endswith"), "Whether x ends so.", "ends_with(x, '.csv')"),
    Function(
        "matches",
        (X, PATTERN),
        "boolean",
        lambda at, x, pattern: x.str.contains(read_pattern(at.values[1]).whole[0]),
        _by_pattern(lambda at, x, pattern: x.rlike(pattern.whole[1]), "matches"),
        "Whether a regular expression fits the whole text.",
        r"matches(code, r'[A-Z]{2}\d+')",
        check=_checked,
    ),
    Function(
        "contains_regex",
        (X, PATTERN),
        "boolean",
        lambda at, x, pattern: x.str.contains(read_pattern(at.values[1]).rust),
        _by_pattern(lambda at, x, pattern: x.rlike(pattern.java), "contains_regex"),
        "Whether a regular expression fits somewhere in the text.",
        r"contains_regex(text, r'\bfree\b')",
        check=_checked,
    ),
    Function(
        "extract_regex",
        (X, PATTERN, Parameter("group", INTEGER, constant=True, default=1)),
        "string",
        lambda at, x, pattern, group: x.str.extract(read_pattern(at.values[1]).rust, at.values[2]),
        _by_pattern(_extracted_spark, "extract_regex"),
        "What a group of a regular expression fits first; missing if there is nothing.",
        r"extract_regex(name, r'(\w+)\.')",
        check=_checked_group,
        weight=2,
    ),
    Function(
        "replace",
        (X, Parameter("old", TEXT, constant=True), Parameter("new", TEXT, constant=True)),
        "string",
        lambda at, x, old, new: x.str.replace_all(at.values[1], at.values[2], literal=True),
        lambda at, x, old, new: at.api.replace(x, at.api.lit(at.values[1]), at.api.lit(at.values[2])),
        "The text with each `old` in it replaced by `new`.",
        "replace(price, ',', '.')",
        check=_not_empty,
    ),
    Function(
        "replace_regex",
        (X, PATTERN, Parameter("new", TEXT, constant=True)),
        "string",
        _replaced_polars,
        _by_pattern(_replaced_spark, "replace_regex"),
        "The text with all that a regular expression fits replaced; `$1` is what its first group fits.",
        r"replace_regex(text, r'(\d+) km', '$1 kilometres')",
        check=_checked_replacement,
    ),
    Function(
        "slice",
        (X, Parameter("start", INTEGER, constant=True), Parameter("stop", INTEGER, constant=True, default=None)),
        "string",
        _slice_polars,
        _slice_spark,
        "The letters from start (counted from 0) up to but without stop; negative ones count from the end, as in Python.",
        "slice(code, 0, 2)",
        check=_small,
        weight=5,
    ),
    Function(
        "split",
        (X, SEPARATOR, Parameter("index", INTEGER, constant=True)),
        "string",
        lambda at, x, separator, index: x.str.split(at.values[1]).list.get(at.values[2], null_on_oob=True),
        _piece_spark,
        "The piece of this index (from 0; negative from the end) between separators; missing if there are fewer.",
        "split(name, ', ', 0)",
        check=_not_empty,
    ),
    Function(
        "split_list",
        (X, SEPARATOR),
        "array[string]",
        lambda at, x, separator: x.str.split(at.values[1]),
        lambda at, x, separator: _pieces_spark(at, x),
        "All pieces between separators, as an array.",
        "split_list(tags, ';')",
        check=_not_empty,
    ),
    Function(
        "pad_left", PAD, "string", *_padded(left=True), "Filled at the left up to a width.", "pad_left(id, 5, '0')", check=_width, weight=3
    ),
    Function(
        "pad_right", PAD, "string", *_padded(left=False), "Filled at the right up to a width.", "pad_right(id, 5)", check=_width, weight=3
    ),
    Function(
        "first_digit",
        (Parameter("x", ("integer", "float")),),
        "integer",
        lambda at, x: x.cast(at.api.String).str.extract("([1-9])", 1).cast(at.api.Int64),
        None,
        "The first digit that isn't 0, as Benford's law counts; missing of 0.",
        "first_digit(amount)",
    ),
]
