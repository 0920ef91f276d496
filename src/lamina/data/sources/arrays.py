"""Named arrays in files as inputs and targets: images, sequences, wide and sparse features; on disk as long as they are large."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from lamina.data.schema import INPUT, TARGET, DataSchema, TargetKind
from lamina.data.sources.source import Partitions, Source
from lamina.data.storage.options import Storage
from lamina.shapes import Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, listed

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.formats.array_files import ArrayFiles
    from lamina.data.lazy import Samples
    from lamina.data.normalizers import Normalizer


def _named(name: str) -> Any:
    one = {"type": "string"}
    return (
        BeforeValidator(lambda value: {name: value} if isinstance(value, str) else value),
        WithJsonSchema({"anyOf": [one, {"type": "object", "additionalProperties": one}]}),
    )


Inputs = Annotated[dict[str, str], *_named(INPUT)]
Targets = Annotated[dict[str, str], *_named(TARGET)]
"""References by name; one alone needs no name."""


@register("arrays")
class Arrays(Source):
    """Arrays of ``.npy``, ``.npz``, HDF5, MATLAB and SVMLight files, by ``FILE:NAME`` (``FILE`` alone, if it holds one).

    Large arrays stay in their files, and batches are read from there: ``.npy``, uncompressed ``.npz`` and HDF5 are mapped into memory,
    packed HDF5 is unpacked piece by piece, sparse rows become dense batch by batch. Nothing is unpickled or run.

    Attributes:
        inputs: The array of each input by its name; one alone needs no name.
        targets: The same for what is learned; whole numbers, text and true/false are classes.
        test_inputs: The inputs of a test part of its own.
        test_targets: Its targets.
        weight: How much each sample counts.
        test_weight: The same for the test part.
        masks: Which steps of an input or target are real, ``[samples, steps]``, by its name.
        test_masks: The same for the test part.
        shapes: Of one sample of an input, such as ``{image: {type: image, channels: 1, height: 28, width: 28}}``; by default vectors,
            sequences, images or volumes by the number of axes. A missing axis of one channel is added, and flat rows are folded.
        kind: What the targets are, where their values leave it open: ``classes``, ``numbers`` or ``multilabel``.
        labels: Names of the classes of the only target, in the order of their numbers.
        samples: Which axis counts the samples: ``first``, or ``last`` as often in MATLAB.
        channels: Which axis of images and volumes counts the channels: ``first`` (of a sample), or ``last``.
        width: Features there are in SVMLight files; by default as many as the largest index says.
        storage: How remote files are reached, and how much of files is believed.

    Example:
        >>> Arrays.from_yaml("{inputs: 'train.npz:x', targets: 'train.npz:y'}").inputs
        {'input': 'train.npz:x'}
    """

    positional: ClassVar[tuple[str, ...]] = ("inputs", "targets")
    inputs: Inputs
    targets: Targets = {}
    test_inputs: Inputs = {}
    test_targets: Targets = {}
    weight: str | None = None
    test_weight: str | None = None
    masks: dict[str, str] = {}
    test_masks: dict[str, str] = {}
    shapes: dict[str, Shape] = {}
    kind: TargetKind | None = None
    labels: listed(str) | None = None  # type: ignore[valid-type]
    samples: Literal["first", "last"] = "first"
    channels: Literal["first", "last"] = "first"
    width: Count | None = None
    storage: Storage | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        from lamina.shapes import image

        return [
            cls(inputs="digits.npz:x", targets="digits.npz:y", test_inputs="digits.npz:x_test", test_targets="digits.npz:y_test"),
            cls(inputs={"photo": "digits.npz:x"}, targets={"digit": "digits.npz:y"}, shapes={"photo": image(1, 4, 4)}),
            cls(inputs="words.svm", targets="words.svm:label", width=9),
        ]

    @model_validator(mode="after")
    def _matching(self) -> Self:
        if not self.inputs:
            raise wrong_value(expected="at least one input", cause="the mapping is empty", fix="write inputs: FILE:NAME")
        for name in ("inputs", "targets", "masks"):
            part, whole = getattr(self, f"test_{name}"), getattr(self, name)
            if (part or self.test_inputs) and part.keys() != whole.keys():
                raise wrong_value(
                    expected=f"test_{name} for exactly {', '.join(whole) or 'nothing'}",
                    cause="the test part has the same inputs, targets and masks as the training part",
                    fix=f"give test_{name} the names of {name}, or remove all that begins with test_",
                )
        for own, known, name in ((self.shapes, self.inputs, "shapes"), (self.masks, {**self.inputs, **self.targets}, "masks")):
            odd = next((key for key in own if key not in known), None)
            if odd is not None:
                raise wrong_value(
                    expected=f"{name} of {', '.join(known)}",
                    cause=f"there is nothing called {odd!r}",
                    fix=f"call it by one of these names, or remove it from {name}",
                )
        if self.width is not None and not self._sparse():
            raise wrong_value(
                expected="width beside files of SVMLight",
                cause="other arrays say themselves how wide they are",
                fix="remove width, or name a file that ends in .svm, .libsvm or .svmlight",
            )
        return self

    def _sparse(self) -> bool:
        """Whether an input is of an SVMLight file."""
        from lamina.data.formats.array_files import split_reference
        from lamina.data.sources.reading import ENDINGS, ending

        paths = [split_reference(reference)[0] for reference in (*self.inputs.values(), *self.test_inputs.values())]
        return any(ENDINGS.get(ending(path), ("",))[0] == "svmlight" for path in paths)

    @property
    def has_test(self) -> bool:
        return bool(self.test_inputs)

    def resolve_paths(self, base: Path) -> Self:
        from lamina.data.storage import absolute

        changes: dict[str, Any] = {}
        for name in ("inputs", "targets", "test_inputs", "test_targets", "masks", "test_masks"):
            changes[name] = {key: absolute(value, base) for key, value in getattr(self, name).items()}
        for name in ("weight", "test_weight"):
            reference = getattr(self, name)
            changes[name] = None if reference is None else absolute(reference, base)
        return self.replace(**{name: value for name, value in changes.items() if value})

    def schema(self) -> DataSchema:
        return self.read().train.schema

    def normalizer(self) -> Normalizer | None:
        """Bytes of images go to 0 to 1; other arrays stay as they are."""
        from lamina.data.normalizers import Scale

        files = self._files()
        arrays = [files.array(reference) for reference in self.inputs.values()]
        pixels = all(array.dtype == "uint8" and array.ndim >= 3 for array in arrays)
        return Scale(factor=1 / 255) if pixels else None

    def read(self) -> Partitions:
        files = self._files()
        train = self._dataset(files, self.inputs, self.targets, self.masks, self.weight)
        if not self.has_test:
            return Partitions(train)
        test = self._dataset(files, self.test_inputs, self.test_targets, self.test_masks, self.test_weight)
        return Partitions(train, test.like(train.schema))

    def read_like(self, training: Dataset) -> Dataset:
        return self.read().train.like(training.schema)

    def _files(self) -> ArrayFiles:
        from lamina.data.formats.array_files import ArrayFiles

        return ArrayFiles(self.storage, samples=self.samples, width=self.width)

    def _dataset(
        self, files: ArrayFiles, inputs: Mapping[str, str], targets: Mapping[str, str], masks: Mapping[str, str], weight: str | None
    ) -> Dataset:
        from lamina.data.dataset import Dataset
        from lamina.data.formats.array_shapes import shaped, target_like
        from lamina.data.given import shape_by_axes
        from lamina.data.schema import Target

        x = {name: shaped(files.array(reference), self.shapes.get(name), self.channels) for name, reference in inputs.items()}
        y = {name: files.array(reference, vector=True) for name, reference in targets.items()}
        found = {name: target_like(array, self.kind, named=self.labels is None) for name, array in y.items()}
        shapes = {name: self.shapes.get(name) or shape_by_axes(array, f"input {name!r}") for name, array in x.items()}
        made = Dataset.from_arrays(
            x,
            {name: array for name, (array, _) in found.items()} or None,
            self.labels,
            shape=shapes,
            kind=self.kind,
            weight=None if weight is None else files.array(weight, vector=True),
            masks={name: _truths(files.array(reference)) for name, reference in masks.items()} or None,
        )
        named = {name: Target(kind="classes", labels=labels) for name, (_, labels) in found.items() if labels is not None}
        return made.replace(schema=made.schema.replace(targets={**made.schema.targets, **named})) if named else made


def _truths(array: Samples) -> np.ndarray:
    import numpy as np

    return np.asarray(array).astype(bool)
