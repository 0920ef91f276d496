"""Reads expressions. Python's own grammar is the tokeniser, and a short list of what may stand in it; nothing is ever executed."""

from __future__ import annotations

import ast
import functools
import threading
import warnings
from dataclasses import dataclass
from typing import Any

from lamina.data.expressions.functions import REQUIRED, find_function, nearest_function
from lamina.data.expressions.nodes import WORDS, Call, Column, Expression, Literal
from lamina.errors import DataError, nearest

MOST_CHARACTERS = 20_000
MOST_DEPTH = 200
MOST_WEIGHT = 100_000
_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "mod",
    ast.Pow: "pow",
}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}
_INSTEAD = {
    ast.BitAnd: "write `and`",
    ast.BitOr: "write `or`",
    ast.BitXor: "write exactly_one(a, b), or a ** b for a power",
    ast.Invert: "write `not`",
    ast.LShift: "write x * 2 ** n",
    ast.RShift: "write x // 2 ** n",
    ast.MatMult: "write dot(a, b)",
    ast.Attribute: "write f(x) for x.f(); a column with a point in its name is col('a.b')",
    ast.Subscript: "write element(x, 0) for an array, slice(x, 0, 3) for a text, and col('a[0]') for a column",
    ast.JoinedStr: "write concat(a, ' ', b)",
    ast.Lambda: "register a function with register_function, and call it by name",
    ast.Tuple: "write a list in square brackets after `in`; remove a comma",
    ast.NamedExpr: "write == to compare",
    ast.Dict: "write where(x == 'a', 1, 2)",
    ast.ListComp: "register a function with register_function, and call it by name",
    ast.GeneratorExp: "register a function with register_function, and call it by name",
}
_one_at_a_time = threading.Lock()


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """The expression that a text spells.

    Args:
        text: Python-like: names of columns (``col('any name')`` for those that are no plain word), constants, operators, comparisons,
            ``and or not in is None``, ``a if condition else b``, and calls of functions of the table.

    Raises:
        DataError: DA120, with the place in the text, if it can't be read; DA121 for a function that isn't there; DA126 if it is too long or
            nested too deeply.

    Example:
        >>> parse("age>=18 and city in ['Bern','Basel'] and not is_missing(income)").text
        "age >= 18 and city in ['Bern', 'Basel'] and not is_missing(income)"
    """
    if not isinstance(text, str):
        raise _unreadable(repr(text), "a text", f"a {type(text).__name__}", "the expression is no text", "put it in quotes")
    if len(text) > MOST_CHARACTERS:
        raise _too_large(text, f"at most {MOST_CHARACTERS} characters", f"{len(text)} characters", "compute parts of it as columns first")
    source = text.strip()
    tree, parsed = _tree(source)
    expression = _Reader(source, parsed).read(tree, 0)
    _weight(expression, text)
    return expression


def _tree(source: str) -> tuple[ast.expr, str]:
    """Python's tree of the text, and the text that it was made of; that of several lines is put in brackets."""
    if not source:
        raise _unreadable("", "an expression", "an empty text", "nothing was written", "write the name of a column, or a computation")
    bracketed = f"({source}\n)" if "\n" in source or "\r" in source else source
    try:
        # A backslash that means nothing in Python is an error here, not a warning; the filters are the whole process's.
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(bracketed, mode="eval").body
    except SyntaxError as error:
        raise _syntax(source, error, shift=len(bracketed) > len(source)) from None
    except (MemoryError, RecursionError):
        raise _too_large(source, f"at most {MOST_DEPTH} levels", "more", "compute parts of it as columns first") from None
    except (ValueError, UnicodeError, OverflowError, Warning) as error:
        fix = "remove characters that can't be seen; write r'...' around a pattern with backslashes"
        raise _unreadable(source, "an expression", str(error), "it holds what Python's grammar doesn't know", fix) from None
    if bracketed != source and tree.col_offset == 0 and not isinstance(tree, ast.Tuple):
        raise _unreadable(source, "one expression", "brackets that don't match", "a bracket closes before it opens", "count the brackets")
    return tree, bracketed


@dataclass(frozen=True)
class _Reader:
    """Turns Python's tree into ours.

    Attributes:
        source: The text.
        parsed: The text that Python's tree was made of, perhaps in brackets.
    """

    source: str
    parsed: str

    def read(self, node: ast.expr, depth: int) -> Expression:
        if depth > MOST_DEPTH:
            raise _too_large(self.source, f"at most {MOST_DEPTH} levels", "more", "compute parts of it as columns first")
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Constant():
                return self._constant(node, node.value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)) if isinstance(value, int | float) and not isinstance(
                value, bool
            ):
                return self._constant(node, -value)
            case ast.UnaryOp(op=ast.UAdd(), operand=ast.Constant(value=value)) if isinstance(value, int | float) and not isinstance(
                value, bool
            ):
                return self._constant(node, value)
            case ast.UnaryOp(op=ast.USub() | ast.Not()):
                function = "negative" if isinstance(node.op, ast.USub) else "negation"
                return Call(function, (self.read(node.operand, depth + 1),))
            case ast.BinOp() if type(node.op) in _BINARY:
                return Call(_BINARY[type(node.op)], (self.read(node.left, depth + 1), self.read(node.right, depth + 1)))
            case ast.BoolOp():
                function = "all_of" if isinstance(node.op, ast.And) else "any_of"
                return Call(function, tuple([self.read(value, depth + 1) for value in node.values]))
            case ast.IfExp():
                return Call("where", tuple([self.read(part, depth + 1) for part in (node.test, node.body, node.orelse)]))
            case ast.Compare():
                return self._comparison(node, depth)
            case ast.Call():
                return self._call(node, depth)
            case ast.List():
                return Literal(tuple([self._item(item) for item in node.elts]))
        operator = getattr(node, "op", node)
        fix = _INSTEAD.get(type(operator), "use columns, constants, + - * / // % **, comparisons, and, or, not, in, and functions")
        got = self._written(node)
        raise self._wrong(node, "what an expression may hold", got, "Python's grammar has it, but expressions don't", fix)

    def _name(self, node: ast.Name) -> Expression:
        if node.id in WORDS:
            return Literal(WORDS[node.id])
        # Python normalises names; columns are called what was written.
        return Column(node.id if self.parsed.isascii() else self._written(node))

    def _written(self, node: ast.expr) -> str:
        """What stands in the text for a part of the tree."""
        return ast.get_source_segment(self.parsed, node) or type(node).__name__

    def _constant(self, node: ast.expr, value: Any) -> Expression:
        if not isinstance(value, bool | int | float | str | None):
            got = self._written(node)
            raise self._wrong(
                node, "a number, a text, True, False or None", got, "expressions have no such constants", "write a number or text"
            )
        try:
            return Literal(value)
        except ValueError as error:
            raise self._wrong(
                node, "a constant that both engines can hold", str(error), "it is too large, or not whole", "write another"
            ) from None

    def _item(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant() | ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
                found = self.read(node, 0)
            case ast.Name(id=name) if name in WORDS:
                found = self.read(node, 0)
            case _:
                got = self._written(node)
                raise self._wrong(
                    node, "constants in a list", got, "a list holds constants only", "put texts in quotes; compare columns with =="
                )
        return found.value if isinstance(found, Literal) else None

    def _comparison(self, node: ast.Compare, depth: int) -> Expression:
        found: list[Expression] = []
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            a = self.read(left, depth + 1)
            if type(operator) in _COMPARE:
                if any(isinstance(side, ast.Constant) and side.value is None for side in (left, right)):
                    raise self._wrong(
                        right, "is_missing(x)", "a comparison with None", "nothing is equal to a missing value", "write x is None"
                    )
                made: Expression = Call(_COMPARE[type(operator)], (a, self.read(right, depth + 1)))
            elif isinstance(operator, ast.In | ast.NotIn):
                if not isinstance(right, ast.List | ast.Tuple):
                    got = self._written(right)
                    fix = "write x in ['a', 'b']; contains(x, 'a') looks into a text"
                    raise self._wrong(right, "a list after `in`", got, "`in` tells whether a value is in a list of constants", fix)
                made = Call("one_of", (a, Literal(tuple([self._item(item) for item in right.elts]))))
                made = made if isinstance(operator, ast.In) else Call("negation", (made,))
            elif isinstance(right, ast.Constant) and right.value is None:
                made = Call("is_missing", (a,))
                made = made if isinstance(operator, ast.Is) else Call("negation", (made,))
            else:
                raise self._wrong(right, "None after `is`", "something else", "`is` asks only whether a value is missing", "write ==")
            found.append(made)
        return found[0] if len(found) == 1 else Call("all_of", tuple(found))

    def _call(self, node: ast.Call, depth: int) -> Expression:
        if not isinstance(node.func, ast.Name):
            got = self._written(node.func)
            fix = _INSTEAD.get(type(node.func), "write name(x)")
            raise self._wrong(node.func, "the name of a function before the bracket", got, "functions are called by name", fix)
        name = node.func.id
        if name == "col":
            return self._quoted(node)
        try:
            function = find_function(name)
        except DataError:
            near = nearest_function(name)
            cause, fix = (
                ("a typo", f"did you mean {near!r}?") if near else ("there is no such function", "see docs/reference/expressions.md")
            )
            raise self._wrong(node.func, "a function that is there", f"{name}(...)", cause, fix, code="DA121") from None
        arguments: list[Expression] = [self.read(argument, depth + 1) for argument in node.args]
        named = {keyword.arg: keyword for keyword in node.keywords}
        names = [parameter.name for parameter in function.parameters]
        for key, keyword in named.items():
            if key not in names[len(arguments) :]:
                near = nearest(str(key), names)
                taken = key in names
                cause = "it was given by position already" if taken else "a typo" if near else "there is no such argument"
                fix = "give it once" if taken or near is None else f"did you mean {near!r}?"
                raise self._wrong(keyword.value, function.signature, f"{key}=", cause, fix)
        for parameter in function.parameters[len(arguments) :]:
            if not named:
                break
            given = named.pop(parameter.name, None)
            if given is None and parameter.default is REQUIRED:
                raise self._wrong(node, function.signature, "fewer", f"{parameter.name} is missing", f"write it like {function.example}")
            arguments.append(self.read(given.value, depth + 1) if given is not None else Literal(parameter.default))
        return Call(name, tuple(arguments))

    def _quoted(self, node: ast.Call) -> Expression:
        match node:
            case ast.Call(args=[ast.Constant(value=str(name))], keywords=[]):
                return Column(str(self._constant(node.args[0], name).value))  # type: ignore[attr-defined]
        raise self._wrong(node, "col('name of a column')", "something else", "col takes the name as a text", "write the name in quotes")

    def _wrong(self, node: ast.expr, expected: str, got: str, cause: str, fix: str, *, code: str = "DA120") -> DataError:
        at = node.col_offset - (self.parsed != self.source) if node.lineno == 1 else None
        return _unreadable(self.source, expected, got, cause, fix, at=at, code=code)


def _weight(expression: Expression, text: str) -> None:
    """Refuse what an engine would have to write out a million times: some functions use an argument several times over."""

    def weigh(node: Expression) -> int:
        own = find_function(node.function).weight if isinstance(node, Call) else 1
        return min(1 + own * sum([weigh(argument) for argument in node.arguments]), 10**9)

    if weigh(expression) > MOST_WEIGHT:
        raise _too_large(text, "less nesting", "more than an engine can plan", "compute the inner parts as columns first")


def _syntax(source: str, error: SyntaxError, *, shift: bool) -> DataError:
    message = (error.msg or "invalid syntax").partition(". Perhaps")[0].partition(". Maybe")[0]
    if "too many nested" in message:
        return _too_large(source, f"at most {MOST_DEPTH} levels", "more", "compute parts of it as columns first")
    at = (error.offset or 1) - 1 - shift if (error.lineno or 1) == 1 else None
    fix = "write r'...' around a text with backslashes" if "escape" in message else _hint(source)
    return _unreadable(source, "an expression", message, "the text is no complete expression", fix, at=at, characters=True)


def _hint(source: str) -> str:
    if "&&" in source or "||" in source:
        return "write `and`, `or`, `not`"
    if "=" in source.replace("==", "").replace("<=", "").replace(">=", "").replace("!=", ""):
        return "compare with =="
    return "check brackets, quotes and operators; a column whose name is no plain word is col('its name')"


def _unreadable(
    source: str,
    expected: str,
    got: str,
    cause: str,
    fix: str,
    *,
    at: int | None = None,
    characters: bool = False,
    code: str = "DA120",
) -> DataError:
    if at is not None and not characters:
        at = len(source.encode()[:at].decode(errors="replace"))
    place = f"the expression, column {at + 1}" if at is not None else f"the expression {_short(source)}"
    return DataError(code, where=place, expected=expected, got=_short(got) + _marked(source, at), cause=cause, fix=fix)


def _marked(source: str, at: int | None) -> str:
    """The text with a caret under the place, on lines of its own."""
    if at is None:
        return ""
    at = max(0, min(at, len(source)))
    start = max(0, at - 60)
    shown = source[start : at + 40].replace("\n", " ")
    return f"\n              {shown}\n              {' ' * (at - start)}^"


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."


def _too_large(source: str, expected: str, got: str, fix: str) -> DataError:
    return DataError(
        "DA126", where=f"the expression {_short(source)}", expected=expected, got=got, cause="the expression is too large", fix=fix
    )
