"""Sequences in text files: one file a sequence, or several in one; labels beside the steps, in files of their own, or of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.data.schema import INPUT, TARGET, DataSchema
from lamina.data.sequences.columns import Missing, StepColumns
from lamina.data.sequences.preparation import Align, SequencePreparation
from lamina.data.sequences.rows import RowFormat
from lamina.data.sources.labelled import LabelledFiles
from lamina.data.sources.source import Partitions
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Names

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.sequences.labels import Labels
    from lamina.data.sequences.rows import Rows
    from lamina.data.sources.labelled import Labelled
    from lamina.data.storage import DataFile


@register("sequence_files")
class SequenceFiles(LabelledFiles):
    r"""Rows of text files as steps of sequences; see `lamina.data.sequences.rows.RowFormat` for how they are cut.

    The label of a file's sequences may come from its folder, its name or a list, as for all files
    (`lamina.data.sources.labelled.LabelledFiles`; ``label: folder``, ``pattern`` or ``manifest``). Otherwise the target is columns.

    Attributes:
        label: As for `LabelledFiles`; ``none`` unless set.
        rows: How lines are cut into values, and rows into sequences.
        features: Columns to learn from; by default all that have no other role.
        ignore: Columns to leave out.
        target: Column or columns to learn, of the rows or of the files of ``labels``, of which all are taken unless it is set. Beside a
            ``manifest``, its columns.
        labels: Files with the labels, cut as those of ``path``; each belongs to one of them.
        label_rows: How the files of ``labels`` are cut, where that is another way.
        pair: Whether files belong together that have the same ``name`` (without folder and ending), or by their ``order``.
        target_of: Whether each ``step`` has a target, the whole ``sequence`` has one (the same in all its rows), or that of the ``last``
            row is the one of the whole. Unless set: of the sequence, if all files of labels have one row; otherwise of the step.
        align: Where steps and labels stand that are fewer than others: at the ``start`` or at the ``end``. ``equal``: each sequence has
            as many labels as steps, and all begin together.
        categorical: Columns that hold words though they look like numbers. Words become as many columns of 0 and 1.
        tokens: The only feature holds words that become tokens: 0 fills up, 1 is a rare or unknown word.
        lower: Whether words are turned to small letters.
        least: Words that are there less often are unknown ones.
        most: Words that are known at most, the most frequent ones.
        missing: What stands for a missing number: ``error`` refuses it; ``zero``; or the ``previous`` one.
        group: A column with the same value in all rows of a sequence, or as for `LabelledFiles`.
        part: A column with the same value in all rows of a sequence, or as for `LabelledFiles`.

    Example:
        >>> SequenceFiles.from_yaml("{path: runs/*.csv, target: [alarm], rows: {delimiter: ';'}}").target_of is None
        True
    """

    endings: ClassVar[tuple[str, ...]] = ()
    things: ClassVar[str] = "sequences"
    has_columns: ClassVar[bool] = True

    label: Literal["folder", "first_folder", "none"] = "none"
    rows: RowFormat = RowFormat()
    features: Names | None = None
    ignore: Names = ()
    target: Names = ()
    labels: str | None = None
    label_rows: RowFormat | None = None
    pair: Literal["name", "order"] = "name"
    target_of: Literal["step", "sequence", "last"] | None = None
    align: Align = "equal"
    categorical: Names = ()
    tokens: bool = False
    lower: bool = False
    least: Count = 1
    most: Count | None = Field(default=None)
    missing: Missing = "error"

    @classmethod
    def examples(cls) -> list[Any]:
        keyed = RowFormat(each="key", key="engine", delimiter="whitespace", header=False, names=("engine", "cycle", "heat", "wear"))
        words = RowFormat(each="blank", delimiter="\t", quote=None, header=False, names=("word", "tag"), comment="#")
        return [
            cls("runs/*.csv", target="alarm", group=r"(\d+)\.csv"),
            cls("runs/*.csv", features=("x", "y"), labels="answers/*.csv", align="end"),
            cls("engines.txt", rows=keyed, target="wear", target_of="last", ignore="cycle", group="engine", kind="numbers"),
            cls("tagged.txt", rows=words, target="tag", tokens=True, least=2),
            cls("runs/*.csv", pattern=r"(?P<label>[a-z]+)_\d+", features=("x",)),
        ]

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        of_file = self.label != "none" or self.pattern is not None
        if of_file and (self.target or self.labels is not None):
            raise wrong_value(
                expected="labels from one place",
                cause="the label of a file, and columns of its rows, are both said to be the target",
                fix="remove target and labels, or label and pattern",
            )
        if self.label_rows is not None and self.labels is None:
            raise wrong_value(expected="label_rows beside labels", cause="it says how those files are cut", fix="remove label_rows")
        if self.tokens and (self.features is not None and len(self.features) != 1):
            raise wrong_value(expected="one feature beside tokens", cause="a step is one token", fix="write features: COLUMN of the words")
        if not self.tokens and (self.lower or self.least > 1 or self.most is not None):
            raise wrong_value(
                expected="tokens: true beside lower, least and most",
                cause="they are about the vocabulary of tokens",
                fix="write tokens: true",
            )
        return self

    def resolve_paths(self, base: Path) -> Self:
        from lamina.data.storage import absolute

        found: Self = super().resolve_paths(base)
        return found if self.labels is None else found.replace(labels=absolute(self.labels, base))

    def schema(self) -> DataSchema:
        return self.read().train.schema

    def read(self) -> Partitions:
        return Partitions(self._dataset(None))

    def read_like(self, training: Dataset) -> Dataset:
        """All sequences, with the words, classes and columns of training."""
        return self._dataset(training)

    # -- reading ------------------------------------------------------------------------------------------------------

    def _dataset(self, training: Dataset | None) -> Dataset:
        import numpy as np

        from lamina.data.dataset import Dataset
        from lamina.data.sequences.aligned import aligned
        from lamina.data.sequences.labels import constant
        from lamina.data.sequences.rows import read_sequences

        found = self.labelled()
        found = self.usable(found, lambda file: read_sequences([file], self.rows))
        names, sequences = read_sequences(found.files, self.rows)
        how = self._how(sequences, names, training)
        arrays = [how.columns.encode(rows, names) for rows in sequences]
        lengths = [len(array) for array in arrays]
        values, mask = aligned(arrays, max(lengths), self.align)
        open_end = training is not None and training.schema.inputs[INPUT].dims[0] is None
        whole = bool(mask.all()) and not open_end
        own = self._targets(found, sequences, names, lengths, training)
        schema = DataSchema({INPUT: how.columns.step_shape(max(lengths) if whole else None)}, {} if own is None else {TARGET: own.target})
        roles = {"group": found.groups, "part": found.part}
        for role in roles:
            column, of_files = getattr(self, role), roles[role]
            if of_files is not None:
                roles[role] = self._each(of_files, found, sequences)
            elif column is not None and column in names:
                roles[role] = np.asarray([constant(rows, names, column, role) for rows in sequences], dtype=str)
            elif column is not None:
                roles[role] = self._each(np.asarray(self.named(column, found.files), dtype=str), found, sequences)
        return Dataset(
            {INPUT: values},
            {} if own is None else {TARGET: own.values},
            schema,
            groups=roles["group"],
            part=roles["part"],
            input_masks={} if whole else {INPUT: mask},
            target_masks={} if own is None or own.mask is None else {TARGET: own.mask},
            preparations={INPUT: how},
        )

    def _how(self, sequences: list[Rows], names: tuple[str, ...], training: Dataset | None) -> SequencePreparation:
        """How steps become numbers: as in training, or learned."""
        from lamina.data.sequences.columns import learn

        kept: Any = None if training is None else training.preparations.get(INPUT)
        columns: StepColumns | None = getattr(kept, "columns", None)
        if columns is None:
            taken = {*self.ignore, *self.rows.key} | (set() if self.labels is not None or self.manifest is not None else {*self.target})
            taken |= {role for role in (self.group, self.part) if role is not None}
            chosen = self.features or tuple(name for name in names if name not in taken)
            columns = learn(
                sequences,
                names,
                chosen,
                categorical=self.categorical,
                tokens=self.tokens,
                lower=self.lower,
                least=self.least,
                most=self.most,
                missing=self.missing,
            )
        return SequencePreparation(rows=self.rows, columns=columns, align=self.align)

    def _targets(
        self, found: Labelled, sequences: list[Rows], names: tuple[str, ...], lengths: list[int], training: Dataset | None
    ) -> Labels | None:
        from lamina.data.sequences.labels import Labels, labels_of, paired
        from lamina.data.sequences.rows import read_sequences

        if found.target is not None:
            values = found.targets()[TARGET]
            return Labels(found.target, self._each(values, found, sequences))
        known = None if training is None else training.schema.targets.get(TARGET)
        kind = self.kind if known is None else known.kind
        classes = self.classes if known is None or known.kind != "classes" else known.labels
        own, columns, wanted = sequences, names, self.target
        if self.labels is not None:
            files = self._paired(found.files)
            columns, own = read_sequences(files, self.label_rows or self.rows)
            paired(sequences, own)
            wanted = self.target or columns
        if not wanted:
            return None
        single = self.labels is not None and all(len(rows) == 1 for rows in own) and max(lengths) > 1
        of = self.target_of or ("sequence" if single else "step")
        names_of = [rows.name for rows in sequences]
        return labels_of(own, columns, wanted, lengths, of=of, align=self.align, kind=kind, classes=classes, owners=names_of)

    def _paired(self, files: list[DataFile]) -> list[DataFile]:
        """The files of labels, in the order of those that they belong to."""
        from lamina.data.sequences.problems import unpaired
        from lamina.data.storage import open_files
        from lamina.errors import nearest

        others = open_files(str(self.labels), storage=self.storage)
        if self.pair == "order":
            if len(others) != len(files):
                raise unpaired(
                    where=str(self.labels),
                    expected=f"{len(files)} files, as {self.path} has",
                    got=f"{len(others)}",
                    cause="a file is missing in one of the folders",
                    fix="give each file its partner, or write pair: name to hear which one is missing",
                )
            return others
        by_name = {file.relative.name.partition(".")[0]: file for file in others}
        stems = [file.relative.name.partition(".")[0] for file in files]
        alone = next((stem for stem in stems if stem not in by_name), None)
        over = next((stem for stem in by_name if stem not in {*stems}), None)
        if alone is not None or over is not None or len(by_name) < len(others) or len({*stems}) < len(stems):
            near = nearest(alone or "", by_name)
            missing, place = (alone, self.labels) if alone is not None else (over, self.path)
            raise unpaired(
                where=f"{self.path} and {self.labels}",
                expected="for each file of one just one of the same name in the other",
                got=f"none called {missing!r} in {place}" if missing is not None else "a name that is there twice",
                cause="a file is missing, or called otherwise",
                fix=f"did you mean {near!r}?" if near else "add or remove the file; to pair them by their order, write pair: order",
            )
        return [by_name[stem] for stem in stems]

    def _each(self, values: np.ndarray, found: Labelled, sequences: list[Rows]) -> np.ndarray:
        """A value of each file for each of its sequences."""
        import numpy as np

        owners = {file.name: place for place, file in enumerate(found.files)}
        taken: np.ndarray = values[np.array([owners[rows.file] for rows in sequences])]
        return taken
