"""Finding out how a table becomes arrays, and making a data set of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.data.columns import Columns, InputColumns, Table, require
from lamina.data.roles import InputRoles, Roles
from lamina.data.schema import INPUT, TARGET, DataSchema, Target, TargetKind
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError
from lamina.shapes import Features, Sequence

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from lamina.data.sequencing import Places
    from lamina.data.table.schema import Steps
    from lamina.data.words import Column


def describe_table(
    table: Table, roles: Roles, where: str, *, texts: Table | None = None, steps: Steps | None = None
) -> tuple[Columns, dict[str, Target]]:
    """How a table becomes arrays, and what its targets are.

    Args:
        table: Whose categories and labels are known from now on.
        roles: What its columns are for.
        where: For messages.
        texts: The part whose words are; by default the same.
        steps: Of which sequences the rows are steps, if they are.

    Raises:
        DataError: DA014 for roles of columns that aren't there; DA016 for features that can't be.
    """
    require(table, roles.used(), where, named=True)
    singles = {name for name in (roles.group, roles.time, roles.part, roles.weight) if name is not None}
    targets = roles.named_targets(TARGET)
    # What lies ahead of a window is no answer to what is in it.
    learned = set() if roles.window is not None else {name for names in targets.values() for name in names}
    if roles.inputs is not None:
        given = dict(roles.inputs)
    else:
        others = {*learned, *roles.ignore, *singles, *(() if steps is None else (*steps.keys, *steps.order))}
        features: tuple[str, ...] = () if roles.text is None else (roles.text,)
        features = features or tuple(roles.features or ()) or tuple(name for name in table if name not in others)
        given = {INPUT: _only(roles, features)} if features else {}
    read = {name for own in given.values() for name in own.columns}
    if not given or read & learned:
        raise DataError(
            "DA016",
            where=where,
            expected="columns to learn from, and the target not among them",
            got=f"features {', '.join(sorted(read)) or '(none)'}; target {', '.join(sorted(learned))}",
            cause="every column has another role, or the answer would stand in the question",
            fix="list other columns under features",
        )
    if not len(next(iter(table.values()))):
        raise no_rows(where)
    inputs = {name: _described(table, own, roles, where, texts or table) for name, own in given.items()}
    columns = Columns(inputs=inputs, targets=targets, weight=roles.weight)
    if steps is not None or roles.window is not None:
        columns = columns.replace(sequence=None if steps is None else steps.keys, window=roles.window)
        _check_steps(columns, where)
        columns = columns.replace(per_step=_per_step(table, columns, where))
    return columns, {name: _target(table, names, roles.kind, where, columns) for name, names in targets.items()}


def no_rows(where: str) -> DataError:
    """The error for a table of which nothing is left."""
    return DataError(
        "DA006",
        where=where,
        expected="at least one row",
        got="none",
        cause="the table is empty, or the steps before kept nothing of it",
        fix="look at the steps that choose or join rows; take them one by one to see where all rows are lost",
    )


def _check_steps(columns: Columns, where: str) -> None:
    odd = next((name for name, own in columns.inputs.items() if own.text is not None or own.shape is not None), None)
    if odd is not None:
        raise DataError(
            "DA016",
            where=f"{where}, input {odd!r}",
            expected="numbers and categories of each step",
            got="a text" if columns.inputs[odd].text is not None else "a shape of its own",
            cause="rows are steps of sequences, which have one vector for each step",
            fix="leave out vectorize and shape",
        )


def _per_step(table: Table, columns: Columns, where: str) -> tuple[str, ...]:
    """Targets that change within a sequence, which then have a value for each step; in windows the target lies ahead."""
    import numpy as np

    from lamina.data.sequencing import places_of
    from lamina.data.words import Words

    places = places_of(table, columns, where, labelled=False) if columns.window is None else None
    if places is None:
        return ()
    found = []
    for name, names in columns.targets.items():
        for column in (table[own] for own in names):
            values = column.codes if isinstance(column, Words) else np.asarray(column)
            steps = values[np.maximum(places.steps, 0)]
            changed = (steps != steps[:, :1]).reshape(*places.steps.shape, -1).any(-1)
            if (changed & (places.steps >= 0)).any():
                found.append(name)
                break
    return tuple(found)


def _only(roles: Roles, features: tuple[str, ...]) -> InputRoles:
    vectorize = None if roles.text is None else roles.vectorize or TextVectorization()
    settings: dict[str, Any] = {"missing": roles.missing, "unknown": roles.unknown, "shape": roles.shape}
    categorical = [name for name in roles.categorical if name in features]
    return InputRoles(columns=features, categorical=categorical, vectorize=vectorize, **settings)


def _described(table: Table, own: InputRoles, roles: Roles, where: str, texts: Table) -> InputColumns:
    from lamina.data.words import Words, as_words

    if own.vectorize is not None:
        return InputColumns(features=own.columns, text=own.vectorize.fit(as_words(texts[own.columns[0]]).tolist()))
    vocabularies, widths = {}, {}
    for name in own.columns:
        column = table[name]
        if column.ndim == 2 and (name in own.categorical or own.encode == "index"):
            raise DataError(
                "DA016",
                where=f"{where}, column {name!r}",
                expected="one category in each row",
                got=f"lists of {column.shape[1]} numbers",
                cause="a list is as many numbers, not a category",
                fix="leave it out of categorical; the step multi_hot makes ones of lists of categories",
            )
        if name in own.categorical or own.encode == "index" or (isinstance(column, Words) and name not in roles.numeric):
            vocabularies[name] = tuple(as_words(column).different())
        elif column.ndim == 2:
            widths[name] = column.shape[1]
    columns = InputColumns(
        features=own.columns,
        vocabularies=vocabularies,
        widths=widths,
        missing=own.missing,
        encode=own.encode,
        unknown=own.unknown,
        shape=own.shape,
    )
    size = columns.sample.size
    if own.encode == "one_hot" and size is not None and size != columns.width:
        raise DataError(
            "DA016",
            where=where,
            expected=f"{size} numbers in a row, as shape {columns.sample} says",
            got=f"{columns.width}",
            cause="the features are more or fewer than the shape has places",
            fix="correct shape, or list exactly its columns under features",
        )
    return columns


def _target(table: Table, names: tuple[str, ...], kind: TargetKind | None, where: str, columns: Columns) -> Target:
    import numpy as np

    from lamina.data.targets import describe_target

    values, labels = target_array(table, names, kind, where)
    if labels is not None:
        return Target(kind="classes", labels=labels)
    array = np.asarray(values)
    shown = names if array.shape[1:] == (len(names),) else tuple(f"{names[0]}[{place}]" for place in range(array.shape[1]))
    if columns.window is not None:
        ahead = range(columns.window.gap + 1, columns.window.gap + columns.window.horizon + 1)
        shown = tuple(f"{name}+{place}" for place in ahead for name in shown)
        return Target(kind="numbers", shape=Features(count=len(shown)), labels=shown)
    if any(tuple(own) == names and name in columns.per_step for name, own in columns.targets.items()):
        return Target(kind="numbers", shape=Sequence(steps=None, features=len(shown)), labels=shown)
    return describe_target(array, f"{where}, target", labels=shown, kind=kind or "numbers")


def target_array(table: Table, names: tuple[str, ...], kind: TargetKind | None, where: str) -> tuple[Column, tuple[str, ...] | None]:
    """The values of a target, and the sorted names of the classes if that is what it is.

    A single column is classes if it holds text, or whole numbers of which there are at most 20 different ones; a single column of
    lists is as many numbers.
    """
    import numpy as np

    from lamina.data.words import Words, as_numbers, as_words, class_names

    columns = [table[name] for name in names]
    for name, column in zip(names, columns, strict=True):
        _all_there(column, name, where)
    if len(columns) == 1:
        column = columns[0]
        text = isinstance(column, Words)
        if column.ndim == 2:
            return np.asarray(column), None
        if kind == "classes" or (kind is None and (text or _few_whole(np.asarray(column)))):
            return as_words(column), class_names(column)
        if not text:
            return np.asarray(column)[:, None], None
    numbers = [as_numbers(column) for column in columns]
    odd = next((name for name, values in zip(names, numbers, strict=True) if values is None), None)
    if odd is not None:
        raise DataError(
            "DA007",
            where=f"{where}, target",
            expected="numbers in each of several columns to learn",
            got=f"words in column {odd!r}",
            cause="several columns together are numbers, or 0 and 1 for labels",
            fix="learn one column of words, or give each its own target: targets: {one: COLUMN, other: COLUMN}",
        )
    return np.stack([np.asarray(values, dtype=np.float64) for values in numbers], axis=1), None


def _all_there(column: Column, name: str, where: str) -> None:
    import numpy as np

    from lamina.data.words import Words

    if isinstance(column, Words):
        gone = np.flatnonzero((column.values == "")[column.codes]) if len(column.values) else np.zeros(0, dtype=int)
    else:
        gone = np.flatnonzero(np.isnan(column).reshape(len(column), -1).any(axis=1))
    if len(gone):
        raise DataError(
            "DA001",
            where=f"{where}, row {int(gone[0]) + 1}, column {name!r}",
            expected="a value to learn",
            got=f"nothing ({len(gone)} such rows)",
            cause="the answer is missing",
            fix="drop the rows without an answer; there is nothing to learn from them",
        )


def _few_whole(column: np.ndarray) -> bool:
    import numpy as np

    from lamina.data.words import distinct

    return bool((column == np.floor(column)).all()) and len(distinct(column)[0]) <= 20


def dataset_from_table(kind: type[Any], table: Table, roles: Roles, *, where: str = "the frame") -> Any:
    """A data set of a table; ``kind`` is `Dataset`.

    Args:
        kind: The class to make.
        table: Columns by name.
        roles: What they are for.
        where: For messages.
    """
    from lamina.data.arrays import check_lengths

    check_lengths({f"{where}, column {name!r}": len(column) for name, column in table.items()} or {where: 0})
    columns, targets = describe_table(table, roles, where)
    return encode_table(kind, table, roles, columns, targets, where)


def encode_table(kind: type[Any], table: Table, roles: Roles, columns: Columns, targets: dict[str, Target], where: str) -> Any:
    """A data set of a table whose columns and targets are known."""
    from lamina.data.given import check_weight

    if not len(next(iter(table.values()))):
        raise no_rows(where)
    inputs, masks, places = columns.samples(table, where, labelled=bool(targets))
    arrays, target_masks = encode_targets(table, columns, targets, places, where)
    one = None if places is None else places.last if columns.window is not None else places.steps[:, 0]
    extras = {name: None if column is None else _of_samples(table[column], one) for name, column in extra_columns(roles).items()}
    return kind(
        inputs,
        arrays,
        DataSchema(inputs=columns.shapes, targets=targets),
        None if roles.weight is None else check_weight(_of_samples(table[roles.weight], one)),
        columns=columns,
        input_masks=masks,
        target_masks=target_masks,
        **extras,
    )


def encode_targets(
    table: Table, columns: Columns, targets: Mapping[str, Target], places: Places | None, where: str
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Array of each target, and masks of those that have a value for each step.

    Raises:
        DataError: DA001 for missing values, DA007 for labels that aren't known or classes that lie ahead in several steps.
    """
    from lamina.data.targets import encode_target

    arrays, masks = {}, {}
    for name, names in columns.targets.items():
        target = targets[name]
        values = _target_values(table, tuple(names), target, where)
        rowwise = target if places is None else _of_a_row(target, values)
        rows = encode_target(values, rowwise, f"{where}, target", "float64")
        if places is None:
            arrays[name] = rows
        elif places.ahead is not None:
            arrays[name] = _ahead(rows, places.ahead, where)
        elif name in columns.per_step:
            arrays[name] = places.gather(rows)
            if places.mask is not None:
                masks[name] = places.mask
        else:
            arrays[name] = rows[places.last]
    return arrays, masks


def _target_values(table: Table, names: tuple[str, ...], target: Target, where: str) -> Column:
    from lamina.data.words import words_of

    if target.kind != "classes":
        return target_array(table, names, target.kind, where)[0]
    _all_there(table[names[0]], names[0], where)
    return words_of(table, names[0], where, target.labels or ())


def _of_a_row(target: Target, values: Column) -> Target:
    """What a target is for each row, where samples are more than a row."""
    if target.kind != "numbers":
        return target
    return Target(kind="numbers", shape=Features(count=values.shape[1]))


def _ahead(rows: np.ndarray, ahead: np.ndarray, where: str) -> np.ndarray:
    found: np.ndarray = rows[ahead]
    if rows.ndim > 1:
        return found.reshape(len(found), -1)
    if ahead.shape[1] > 1:
        raise DataError(
            "DA007",
            where=f"{where}, target",
            expected="numbers, or a horizon of 1",
            got=f"classes, {ahead.shape[1]} steps ahead",
            cause="a window foretells the class of one step",
            fix="write horizon: 1, or kind: numbers",
        )
    return found[:, 0]


def _of_samples(column: Column, rows: np.ndarray | None) -> np.ndarray:
    """Values of whole samples."""
    import numpy as np

    values = np.asarray(column)
    return values if rows is None else values[rows]


def extra_columns(roles: Roles) -> dict[str, str | None]:
    """Columns that a data set keeps beside inputs and targets, by what it calls them."""
    return {"groups": roles.group, "times": roles.time, "part": roles.part}
