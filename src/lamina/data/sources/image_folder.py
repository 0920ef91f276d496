"""Folders of images, with labels from folders, names or a list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.data.schema import INPUT, TARGET, DataSchema, TargetKind
from lamina.data.sources.photos import PhotoSource
from lamina.data.sources.source import Partitions
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.data.storage import DataFile


@register("image_folder")
class ImageFolder(PhotoSource):
    r"""Image files with a label each, or several, or numbers to predict.

    For the settings that all sources of images share, see `lamina.data.sources.photos.PhotoSource`.

    Attributes:
        path: A folder (everything below counts), a pattern such as ``photos/*/*.jpg``, or, beside a manifest, the folder that its names
            are relative to; relative to the recipe.
        label: ``folder``: the folder an image lies in is its class; ``first_folder``: the first folder below ``path``; ``none``: images
            without labels.
        pattern: A regular expression that finds the label in the path of a file: the group ``label``, else the first group, else all of
            it; in place of ``label``.
        manifest: A list of images, csv with a header, tsv or JSON lines; in place of ``label``.
        image: The manifest's column of paths.
        target: The manifest's column of the label, or several columns.
        separator: What stands between several labels of an image; then each label is a yes or no of its own (multilabel).
        kind: What the target is, where that can't be seen: ``classes``, ``numbers`` or ``multilabel``.
        classes: Names of the classes in their order; by default all there are, sorted.
        group: What must stay together in a grouped split: a column of the manifest, or a regular expression for paths.
        part: The manifest's column that says train, validation or test, for a ``predefined`` split.
        channels: See `PhotoSource`.
        size: See `PhotoSource`.
        prepare: See `PhotoSource`.
        augment: See `PhotoSource`.
        decode: See `PhotoSource`.
        unreadable: See `PhotoSource`.
        quarantine: See `PhotoSource`.
        storage: See `PhotoSource`.

    Example:
        >>> ImageFolder.from_yaml("{path: photos, size: 224, augment: [random_flip]}").label
        'folder'
    """

    positional: ClassVar[tuple[str, ...]] = ("path",)
    path: str
    label: Literal["folder", "first_folder", "none"] = "folder"
    pattern: str | None = None
    manifest: str | None = None
    image: str = "path"
    target: Names = ("label",)
    separator: str | None = None
    kind: TargetKind | None = None
    classes: listed(str) | None = None  # type: ignore[valid-type]
    group: str | None = None
    part: str | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        from lamina.data.images.steps.size import AnyCrop, Resize

        return [
            cls("photos", size=(8, 10)),
            cls("photos/**/*.png", pattern=r"([a-z]+)_\d", channels=1, prepare=[Resize(12, "short_side"), AnyCrop(8)]),
            cls("photos", manifest="photos/labels.csv", target=["kinds"], separator="|", size=(8, 8)),
        ]

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("label", "pattern", "manifest") if name in self.model_fields_set and getattr(self, name) is not None]
        if len(given) > 1:
            raise wrong_value(
                expected="labels from one place", cause=f"{' and '.join(given)} both say what an image shows", fix=f"remove {given[0]}"
            )
        for name in ("pattern", "group"):
            value = getattr(self, name)
            if value is not None and not (name == "group" and self.manifest is not None):
                try:
                    re.compile(value)
                except re.error as error:
                    raise wrong_value(
                        expected=f"{name}: a regular expression", cause=f"{value!r} is none: {error}", fix=r"such as '([a-z]+)_\d+'"
                    ) from error
        if self.part is not None and self.manifest is None:
            raise wrong_value(
                expected="part beside a manifest", cause="it names a column of the list", fix="remove part, or give parts as test_source"
            )
        if self.separator is not None and len(self.target) != 1:
            raise wrong_value(
                expected="one target column beside separator", cause="several columns are several labels already", fix="remove separator"
            )
        return self

    def resolve_paths(self, base: Path) -> Self:
        from lamina.data.storage import absolute

        changes = {"path": absolute(self.path, base)}
        if self.manifest is not None:
            changes["manifest"] = absolute(self.manifest, base)
        found: Self = super().resolve_paths(base).replace(**changes)
        return found

    # -- what is there ------------------------------------------------------------------------------------------------

    def _found(self) -> tuple[list[DataFile], list[dict[str, Any]] | None]:
        """The files in their order, and the rows of the manifest."""
        from lamina.data.file_labels import find_named, read_manifest
        from lamina.data.images.files import find_images
        from lamina.data.storage import open_file

        if self.manifest is None:
            return find_images(self.path, self.storage), None
        listed = open_file(self.manifest, storage=self.storage)
        names, lines, rows = read_manifest(listed, listed.text(), self.image)
        return find_named(self.path, names, lines, self.storage, code="DA140"), rows

    def schema(self) -> DataSchema:
        """Shape and classes; the files are listed, and their heads read only if nothing says their size."""
        from lamina.data import file_labels as labels

        files, rows = self._found()
        _, target = labels.target_of(self, files, rows, "image")
        return DataSchema({INPUT: self.final_shape(files)}, {} if target is None else {TARGET: target})

    def read(self) -> Partitions:
        import numpy as np

        from lamina.data import file_labels as labels
        from lamina.data.dataset import Dataset
        from lamina.data.images.halfway import PIXELS
        from lamina.data.images.photos import Photo
        from lamina.data.targets import encode_target

        files, rows = self._found()
        values, target = labels.target_of(self, files, rows, "image")
        kept = np.asarray(self.readable(files), dtype=np.int64)
        shape = self.final_shape([files[place] for place in kept])
        schema = DataSchema({INPUT: shape}, {} if target is None else {TARGET: target})
        targets = {} if values is None or target is None else {TARGET: encode_target(values[kept], target, "the labels", "float64")}
        group, path = None, str(self.manifest)
        if self.group is not None:
            pattern = re.compile(self.group) if rows is None else None
            group = np.asarray(
                labels.column(path, rows or [], self.group)
                if pattern is None
                else [labels.of_name(file.relative.as_posix(), file.name, pattern) for file in files],
                dtype=str,
            )[kept]
        part = None if self.part is None else np.asarray(labels.column(path, rows or [], self.part), dtype=str)[kept]
        return Partitions(
            Dataset(
                {INPUT: self.photos([Photo(files[place]) for place in kept], shape)[PIXELS]},
                targets,
                schema,
                groups=group,
                part=part,
                preparations={INPUT: self.preparation()},
            )
        )

    def read_like(self, training: Dataset) -> Dataset:
        """All images, their classes numbered as in training."""
        own = training.schema.targets.get(TARGET)
        if own is None or own.kind == "numbers" or own.labels is None or self.classes is not None:
            return self.read().train
        return self.replace(classes=own.labels, kind=own.kind).read().train
