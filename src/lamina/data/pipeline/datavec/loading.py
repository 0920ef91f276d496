"""A TransformProcess of DataVec as a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.data.pipeline.datavec import reductions, sequences
from lamina.data.pipeline.datavec.columns import Column, read_schema
from lamina.data.pipeline.datavec.conditions import filtered
from lamina.data.pipeline.datavec.draft import Draft, outside
from lamina.data.pipeline.datavec.known import TRANSFORMS, check_known, slot_of
from lamina.data.pipeline.datavec.reading import CLASS, Node, no_process, read
from lamina.data.pipeline.pipeline import Pipeline
from lamina.data.pipeline.step import Step
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.table.schema import Schema

Replacing = Callable[[dict[str, Any], "Schema"], list[Step]]
MOST_ACTIONS, MOST_COLUMNS = 10_000, 100_000
_TYPES = {"string": "String", "text": "String", "integer": "Long", "float": "Double", "boolean": "Boolean", "bytes": "Bytes"}


def load_datavec(path: str | Path, *, replaced: Mapping[str, Replacing] | None = None) -> Pipeline:
    """The pipeline that a file with a ``TransformProcess`` of DataVec describes.

    Args:
        path: A file that ``toJson`` or ``toYaml`` wrote.
        replaced: See `pipeline_from_datavec`.

    Raises:
        DataError: See `pipeline_from_datavec`; DA240 for a file that can't be read.
    """
    from lamina.data.pipeline.datavec.reading import MOST_CHARACTERS

    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_CHARACTERS + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise no_process(str(path), error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise no_process(str(path), "bytes that are not UTF-8 text") from error
    return pipeline_from_datavec(text, str(path), replaced=replaced)


def pipeline_from_datavec(text: str, name: str = "the process", *, replaced: Mapping[str, Replacing] | None = None) -> Pipeline:
    """The pipeline that a ``TransformProcess`` of DataVec describes: the same columns, from the same values.

    Nothing in the file is executed. Columns that say which sequence a row belongs to, and in which order, are made beside DataVec's,
    whose sequences are lists. See the guide on DataVec for what is computed otherwise.

    Args:
        text: JSON or YAML, as ``toJson`` or ``toYaml`` wrote it, of any version.
        name: For messages.
        replaced: For classes of your own, by name: a function that is given the settings in the file and the schema at this point, and
            gives the steps that do the same.

    Raises:
        DataError: DA240 for a text that is no process; DA241 naming every action without counterpart; DA242 for a setting that can't be
            read; DA243 for an action that does not fit the columns; DA244 if the file says other columns than its actions give;
            DA245 for a zone or pattern of times without counterpart.

    Example:
        >>> text = '''{"initialSchema": {"Schema": {"columns": [{"Double": {"name": "x"}}]}},
        ...     "actionList": [{"transform": {"DoubleMathOpTransform": {"columnName": "x", "mathOp": "Add", "scalar": 1}}}]}'''
        >>> pipeline_from_datavec(text).run({"x": [1.0, 2.5]})["x"].to_list()
        [2.0, 3.5]
    """
    whole = read(text, name)
    return pipeline_of(whole, name, replaced or {})


def schema_from_datavec(text: str, name: str = "the schema") -> Schema:
    """A schema of DataVec with all limits that it sets; of a process, that of its raw rows.

    Args:
        text: JSON or YAML, as ``toJson`` or ``toYaml`` wrote it.
        name: For messages.

    Raises:
        DataError: DA240 for a text that is none; DA242 or DA245 for a setting that can't be read.

    Example:
        >>> print(schema_from_datavec('{"Schema": {"columns": [{"Integer": {"name": "age", "minAllowedValue": 0}}]}}'))
        age  integer  minimum 0
    """
    from lamina.data.table.schema import Schema

    whole = read(text, name)
    node = whole.at("initialSchema", name) if is_process(whole.data) else replace(whole, action=name)
    if node.kind not in ("Schema", "SequenceSchema") and not isinstance(node.at("columns").data, list):
        raise no_process(name, repr(whole.data)[:80])
    return Schema(columns={column.name: column.described(limits=True) for column in read_schema(node, strict=True)[0]})


def is_process(data: Any) -> bool:
    """Whether a document is a TransformProcess."""
    return isinstance(data, dict) and "initialSchema" in data and "actionList" in data


def pipeline_of(whole: Node, name: str, replaced: Mapping[str, Replacing]) -> Pipeline:
    """The pipeline of a process that was read.

    Raises:
        DataError: See `pipeline_from_datavec`.
    """
    if not is_process(whole.data):
        raise no_process(name, repr(whole.data)[:80])
    listed = whole.at("actionList").data
    if not isinstance(listed, list) or len(listed) > MOST_ACTIONS:
        raise no_process(name, "an actionList that is no list" if not isinstance(listed, list) else f"more than {MOST_ACTIONS} actions")
    actions = [_named(whole.at("actionList").at(place), place + 1) for place in range(len(listed))]
    check_known(actions, replaced)
    columns, as_sequences = read_schema(whole.at("initialSchema", "the initial schema"))
    draft = Draft(columns, _checked(actions), frozenset(_texts(whole.data)), sequences=as_sequences)
    for action in actions:
        _take(draft, action, replaced)
    draft.settle(order=True)
    return Pipeline(input=draft.input, steps=tuple(draft.steps))


def _named(action: Node, number: int) -> Node:
    slot = slot_of(Node(action.document, action.path, action.data, f"action {number}"))
    kind = action.at(slot).kind if slot in ("transform", "filter", "sequenceSplit") else slot
    return Node(action.document, action.path, action.data, f"action {number} ({kind})")


def _take(draft: Draft, action: Node, replaced: Mapping[str, Replacing]) -> None:
    slot = slot_of(action)
    one = action.at(slot)
    try:
        _compare(draft, one.settings)
        own = replaced.get(one.full_kind) or replaced.get(one.kind or "")
        if own is not None:
            _replace(draft, one, own)
        elif slot == "transform":
            TRANSFORMS[one.kind or ""](draft, one.settings)
        elif slot == "filter":
            filtered(draft, one)
        else:
            _OTHERS[slot](draft, one)
        if len(draft.columns) > MOST_COLUMNS:
            raise _too_many(one, len(draft.columns))
        draft.settle(order=False)
    except DataError as error:
        if error.problems[0].code in ("DA240", "DA241", "DA242", "DA243", "DA244", "DA245"):
            raise
        raise outside(one, error) from error


_OTHERS: dict[str, Callable[[Draft, Node], None]] = {
    "convertToSequence": sequences.to_sequence,
    "convertFromSequence": sequences.from_sequence,
    "sequenceSplit": sequences.split,
    "reducer": reductions.reduce,
    "calculateSortedRank": sequences.rank,
}


def _too_many(node: Node, count: int) -> DataError:
    return node.error(
        "DA243",
        where="the columns",
        expected=f"at most {MOST_COLUMNS} columns",
        got=f"{count} after this action",
        cause="a column is made for each of very many values",
        fix="make arrays of them, or leave columns out before",
    )


def _replace(draft: Draft, node: Node, function: Replacing) -> None:
    """Take the user's steps, and look at what they give."""
    draft.settle(order=True)
    settings = (
        {str(key): value for key, value in node.settings.data.items() if key != CLASS} if isinstance(node.settings.data, dict) else {}
    )
    for step in function(settings, draft.schema):
        draft.schema = step.output(draft.schema)
        draft.steps.append(step)
    known = {column.own: column for column in draft.columns}
    made = []
    for name, described in draft.schema.columns.items():
        if name in draft.hidden:
            continue
        before = known.get(name)
        states = tuple(getattr(described, "values", None) or ())
        kinds = {**_TYPES, "categorical": "Categorical" if states else "String", "time": "Time", "array": "NDArray", "image": "String"}
        if before is not None and before.kind == described.kind and (not states or before.states == states):
            made.append(before)
        else:
            made.append(Column(name, name, kinds[described.kind], states=states, zone=getattr(described, "zone", "UTC")))
    draft.columns = made


def _compare(draft: Draft, settings: Node) -> None:
    """See that columns are those that the file says are there, where it says it."""
    recorded = settings.at("inputSchema")
    if not isinstance(recorded.data, dict) or recorded.kind not in ("Schema", "SequenceSchema"):
        return
    draft.settle(order=True)
    columns, as_sequences = read_schema(recorded)
    forgotten = [column for column in draft.columns if column.name.startswith("sequenceOffset(")]
    theirs = [(column.name, column.type, column.states) for column in columns]
    ours = [(column.name, column.type, column.states) for column in draft.columns]
    remembered = [(column.name, column.type, column.states) for column in draft.columns if column not in forgotten]
    if theirs not in (ours, remembered) or as_sequences != draft.sequences:
        shown = next((f"{a[0]} ({a[1]})" for a, b in zip(theirs, ours, strict=False) if a != b), f"{len(theirs)} columns")
        other = next((f"{b[0]} ({b[1]})" for a, b in zip(theirs, ours, strict=False) if a != b), f"{len(ours)} columns")
        raise settings.error(
            "DA244",
            where="inputSchema",
            expected=f"{shown}, as the file says" + ("" if as_sequences == draft.sequences else "; and rows that are as it says"),
            got=other,
            cause="the file was changed after it was saved, or another version computes other columns",
            fix="save the process again; or remove inputSchema from the action",
            place=recorded.path,
        )


def _checked(actions: list[Node]) -> frozenset[str] | None:
    """Names of columns whose invalid values the process deals with; None is all."""
    found: set[str] = set()
    for action in actions:
        for part in _parts(action.data):
            kind = str(part.get(CLASS, "")).rpartition(".")[2]
            name, settings = (kind, part) if kind else next(iter(part.items()), ("", None))
            if not isinstance(settings, dict):
                continue
            if name == "FilterInvalidValues":
                if settings.get("filterAnyInvalid", "columnsToFilterIfInvalid" not in settings):
                    return None
                found |= _words(settings.get("columnsToFilterIfInvalid"))
            if name in ("InvalidValueColumnCondition", "ReplaceInvalidWithIntegerTransform", "ReplaceEmptyIntegerWithValueTransform"):
                found |= _words([settings.get("columnName")])
            if name == "Reducer":
                found |= _words(settings.get("ignoreInvalidInColumns"))
    return frozenset(found)


def _words(values: Any) -> set[str]:
    return {value for value in values if isinstance(value, str)} if isinstance(values, list) else set()


def _parts(data: Any) -> Iterator[dict[str, Any]]:
    waiting = [data]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _texts(data: Any) -> Iterator[str]:
    waiting = [data]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
