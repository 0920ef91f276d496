"""The ``data`` section of a recipe, and making it real."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, model_validator

import lamina.data.folds  # noqa: F401 (registers a split)
import lamina.data.pipeline.steps  # noqa: F401 (announces the steps)
import lamina.data.sources  # noqa: F401 (registers the sources)
from lamina.data.caching import Cache, Disk
from lamina.data.caching.cache import nothing_to_keep, unkeepable
from lamina.data.images.step import ImageStep
from lamina.data.normalizers import Normalizer
from lamina.data.pipeline.step import Step
from lamina.data.sampling import Sampling
from lamina.data.schema import DataSchema
from lamina.data.sources.source import Partitions, Source
from lamina.data.sources.table import TableSource
from lamina.data.splits import Split
from lamina.errors import DataError
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Count, listed, several

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset, FloatType
    from lamina.data.preprocessing import Preprocessing
    from lamina.data.serving import Serving


class DataConfig(Description):
    """Where samples come from, how they are split, scaled and batched.

    Attributes:
        source: Where they come from.
        test_source: Where the test part comes from, if not from the split or the source itself.
        transform: Steps that a table goes through before its columns are encoded, see `lamina.data.pipeline`. They are taken in
            training, in judging and, as far as an answer needs them, in every prediction. What steps learn, they learn from the
            training part.
        split: What is set aside for validation and test.
        batch_size: Samples in a step of training.
        evaluation_batch_size: Samples computed at once when judging; figures don't depend on it.
        shuffle: Whether each epoch has an order of its own.
        normalize: How inputs are scaled, fitted on the training part. Unless set, pixels of images go to 0 to 1 and other data
            stay as they are; null leaves everything as it is.
        normalize_targets: How numbers to predict are scaled for training; predictions are scaled back.
        augment: Steps that vary the pictures of the training part, anew in every epoch; see `lamina.data.images.steps`. They leave
            size and channels as they are. Sources of image files have an ``augment`` of their own, which moves boxes and masks along.
        cache: Keep samples once they have been made (images decoded, say): ``memory``, or ``disk`` for later runs too. What is drawn
            anew each time is never kept.
        sampling: Which samples an epoch feeds, and how often: ``balanced``, ``{type: weighted, classes: {spam: 3}}`` ...; each once,
            unless set. For training alone; neither what is fitted nor figures know of it, nor pretraining of layers.
        bucketing: Put sequences of like lengths into a batch, which is then filled up less: so many batches are sorted by length
            together.
        steps_per_epoch: Batches in an epoch, where it isn't to be a pass over the data; the next epoch goes on where it ended.
        workers: Threads that gather batches ahead; results don't depend on it.
        drop_last: Leave out the last batch of an epoch if it is smaller.
    """

    source: Source
    test_source: Source | None = None
    transform: listed(Step) = ()  # type: ignore[valid-type]
    split: Split | None = None
    batch_size: Count = 32
    evaluation_batch_size: Count = 1024
    shuffle: bool = True
    normalize: Normalizer | None = None
    normalize_targets: Normalizer | None = None
    augment: several(ImageStep) = ()  # type: ignore[valid-type]
    cache: Cache | None = None
    sampling: Sampling | None = None
    bucketing: Count | None = None
    steps_per_epoch: Count | None = None
    workers: Annotated[int, Field(ge=0)] = 0
    drop_last: bool = False

    @model_validator(mode="after")
    def _one_test_part(self) -> Self:
        if self.test_source is not None and self.split is not None and self.split.has_test:
            raise wrong_value(
                expected="the test part from one place",
                cause="both test_source and split.test give one",
                fix="remove test from split, or test_source",
            )
        if self.transform and not (isinstance(self.source, TableSource) and isinstance(self.test_source, TableSource | None)):
            raise wrong_value(
                expected="transform beside sources that are tables",
                cause="steps work on the named columns of a table",
                fix="remove transform, or give a table, such as source: {type: csv, path: FILE}",
            )
        return self

    def schema(self) -> DataSchema:
        """What the source holds, without reading more of it than that takes.

        Raises:
            DataError: If the data can't be found or described.
        """
        schema = split_raw(self, 0).parts["train"].schema if self.transform or self._spilled else self.source.schema()
        if self.augment:
            from lamina.data.images.varied import check_varied

            check_varied(schema, self.augment)
        return schema

    @property
    def _spilled(self) -> bool:
        """Whether rows of a table are kept in files, because they may be more than fit into memory."""
        return isinstance(self.source, TableSource) and isinstance(self.cache, Disk)

    @property
    def has_validation(self) -> bool:
        """Whether there will be a validation part."""
        return self.split is not None and self.split.has_validation

    @property
    def has_test(self) -> bool:
        """Whether there will be a test part."""
        return self.test_source is not None or self.source.has_test or (self.split is not None and self.split.has_test)

    @property
    def normalizer(self) -> Normalizer | None:
        """How inputs are scaled: as set, else as fits the source."""
        return self.normalize if "normalize" in self.model_fields_set else self.source.normalizer()

    def resolve_paths(self, base: Path) -> Self:
        """The same section with paths made absolute that are relative to the recipe's folder."""
        changes: dict[str, Any] = {"source": self.source.resolve_paths(base)}
        if self.test_source is not None:
            changes["test_source"] = self.test_source.resolve_paths(base)
        if self.transform:
            changes["transform"] = [step.resolve_paths(base) for step in self.transform]
        if self.cache is not None:
            changes["cache"] = self.cache.resolve_paths(base)
        return self.replace(**changes)


@dataclass(frozen=True)
class Prepared:
    """Data ready for a network.

    Attributes:
        train: The training part.
        validation: The validation part, if any.
        test: The test part, if any.
        schema: What they hold.
        preprocessing: How they were made, to be kept with the model.
    """

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    schema: DataSchema
    preprocessing: Preprocessing

    @property
    def parts(self) -> Mapping[str, Dataset]:
        """The parts there are, by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}


@dataclass(frozen=True)
class RawParts:
    """Parts as their source gave them, neither filled nor scaled.

    Attributes:
        parts: By name.
        serving: How raw rows became them; None for data that never were a table.
    """

    parts: dict[str, Dataset]
    serving: Serving | None = None


def split_raw(config: DataConfig, seed: int) -> RawParts:
    """The parts as their source gave them, neither filled nor scaled."""
    if isinstance(config.source, TableSource) and (config.transform or config.source.texts or config._spilled):
        from lamina.data.tabular import table_parts

        if config.cache is not None and not config._spilled:
            raise unkeepable(
                got="a table", cause="its rows are in memory already", fix="leave cache out; or write cache: disk to keep its rows in files"
            )
        found = table_parts(config, config.source, seed)
        return RawParts(found.parts, found.serving)
    from lamina.data.serving import Serving

    loaded, keeper = config.source.read(), None
    if config.cache is not None:
        keeper = config.cache.start()
        loaded = Partitions(loaded.train.kept(keeper), None if loaded.test is None else loaded.test.kept(keeper))
        if not keeper.kept:
            raise nothing_to_keep(loaded.train)
    whole = loaded.train
    parts: dict[str, Dataset] = {"train": whole}
    if config.split is not None:
        chosen = config.split.parts(whole, seed)
        named = {"train": chosen.train, "validation": chosen.validation, "test": chosen.test}
        parts = {name: whole.take(indices) for name, indices in named.items() if len(indices)}
    if config.test_source is not None:
        parts["test"] = config.test_source.read_like(whole)
        parts["test"] = parts["test"] if keeper is None else parts["test"].kept(keeper)
    elif loaded.test is not None and "test" not in parts:
        parts["test"] = loaded.test
    for name, part in parts.items():
        _check_same(part.schema, whole.schema, name)
    return RawParts(parts, Serving(reader=config.source) if isinstance(config.source, TableSource) else None)


def prepare(config: DataConfig, seed: int, *, dtype: FloatType = "float32") -> Prepared:
    """Read, split, fit on the training part, and prepare all parts the same way.

    Args:
        config: The section.
        seed: The split is a function of it.
        dtype: Of the floats, as the network's weights.

    Raises:
        DataError: If the data can't be read, are not what they should be, or a part would be empty.

    Example:
        >>> prepared = prepare(DataConfig.from_yaml("{source: iris, split: {test: 0.2}, normalize: standardize}"), seed=1)
        >>> {name: len(part) for name, part in prepared.parts.items()}
        {'train': 120, 'test': 30}
    """
    from lamina.data.preprocessing import Preprocessing

    raw = split_raw(config, seed)
    parts, scales = dict(raw.parts), {"normalize": config.normalizer, "normalize_targets": config.normalize_targets}
    preprocessing = Preprocessing.fit(parts["train"], serving=raw.serving, dtype=dtype, **scales)
    if config.augment:
        from lamina.data.images.varied import varied

        parts["train"] = varied(parts["train"], config.augment)
    ready = {name: preprocessing.prepare(part) for name, part in parts.items()}
    return Prepared(ready["train"], ready.get("validation"), ready.get("test"), preprocessing.schema, preprocessing)


def _check_same(own: DataSchema, wanted: DataSchema, part: str) -> None:
    if own != wanted:
        raise DataError(
            "DA022",
            where=f"the {part} part",
            expected=f"{_shown(wanted)}, as the training part",
            got=_shown(own),
            cause="test_source holds other data than source",
            fix="give both the same columns, shapes and labels",
        )


def _shown(schema: DataSchema) -> str:
    inputs = ", ".join(f"{name} {shape}" for name, shape in schema.inputs.items())
    targets = ", ".join(f"{name} of {target.width or '?'} {target.kind}" for name, target in schema.targets.items())
    return f"{inputs}; {targets}"
