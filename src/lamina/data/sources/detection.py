"""Images with boxes around things: targets for YOLO's grid, lists of boxes, or each box as an image of its own."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.data.images.step import Share, misfit
from lamina.data.schema import INPUT, TARGET, DataSchema, Target
from lamina.data.sources.photos import PhotoSource
from lamina.data.sources.source import Partitions
from lamina.errors import DataError, LaminaWarning, nearest
from lamina.shapes import Image, Sequence, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names, NonNegative, Size2, listed, spread

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.data.images.annotations import Annotation
    from lamina.data.images.photos import Photo
    from lamina.data.images.photos import Target as Made
    from lamina.data.images.picture import Picture
    from lamina.data.images.things import Things
    from lamina.data.storage import DataFile

MOST_THINGS = 100_000
"""Rows that a list of things can have."""
EDGES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class _Found:
    """An image and what is in it, checked, in pixels; in shares of the image where its size is not known yet."""

    file: DataFile
    annotation: Annotation
    things: Things


@register("detection")
class Detection(PhotoSource):
    """Images and the boxes around the things in them, as annotated by the usual tools.

    For the settings that all sources of images share, see `lamina.data.sources.photos.PhotoSource`.

    Attributes:
        path: The images: a folder, archive or store; relative to the recipe.
        annotations: A folder (or archive) with a file for each image, Pascal VOC's ``.xml`` or YOLO's ``.txt``, called like it; or one
            ``.json`` file in the layout of COCO for all.
        form: ``grid``: the target of the loss `yolo`, ``[4 + classes, rows, columns]``; of things whose middles share a cell the later one
            stays. ``list``: ``[most, 5]`` with left, top, right, bottom in shares of the image and the class, rows without a thing
            all -1, and a mask of the real ones. ``crops``: every box is an image of its own, and its class the target.
        grid: Rows and columns of the grid (``grid``).
        most: Rows of the list (``list``); by default as many as the fullest image needs. Of more things the largest stay.
        margin: What is kept around a box, as a share of its width and height (``crops``).
        classes: Names of the classes in their order; by default all there are, sorted. Needed for YOLO's files, which hold numbers.
        only: Leave out things of other classes than ``classes``; otherwise such a thing is an error.
        subset: A text file with the names of the images that count, one a line, with or without ending (VOC's ImageSets).
        difficult: Whether things count that are marked as difficult.
        crowd: Whether groups count that nobody has taken apart (COCO's ``iscrowd``).
        invalid: What is done about boxes without extent or outside of their image: ``error``, or ``drop`` and say how many. What stands
            out of an image in part is cut off at its edge.
        least_visible: Share of a thing that must be left after crops and moves; of less, nothing is to be found.
        channels: See `PhotoSource`.
        size: See `PhotoSource`.
        prepare: See `PhotoSource`.
        augment: See `PhotoSource`.
        decode: See `PhotoSource`.
        unreadable: See `PhotoSource`.
        quarantine: See `PhotoSource`.
        storage: See `PhotoSource`.

    Example:
        >>> Detection.from_yaml("{path: photos, annotations: boxes.json, form: grid, grid: 13, size: 416}").grid
        13
    """

    positional: ClassVar[tuple[str, ...]] = ("path", "annotations")
    path: str
    annotations: str
    form: Literal["grid", "list", "crops"] = "list"
    grid: Size2 | None = None
    most: Annotated[int, Field(ge=1, le=MOST_THINGS)] | None = None
    margin: NonNegative = 0.0
    classes: listed(str) | None = None  # type: ignore[valid-type]
    only: bool = False
    subset: Names = ()
    difficult: bool = True
    crowd: bool = False
    invalid: Literal["error", "drop"] = "error"
    least_visible: Share = 0.25

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls("photos", "boxes", form="grid", grid=4, size=16),
            cls("photos", "coco/things.json", size=(8, 10), most=5),
            cls("photos", "boxes", form="crops", size=8, margin=0.1),
        ]

    @model_validator(mode="after")
    def _form(self) -> Self:
        for name, form in (("grid", "grid"), ("most", "list"), ("margin", "crops")):
            if name in self.model_fields_set and getattr(self, name) and self.form != form:
                raise wrong_value(expected=f"{name} with form: {form}", cause="other forms don't use it", fix=f"remove {name}")
        if self.form == "grid" and self.grid is None:
            raise wrong_value(
                expected="grid beside form: grid", cause="the target has a place for each cell", fix="write grid: 13, as the network gives"
            )
        if self.only and self.classes is None:
            raise wrong_value(expected="classes beside only", cause="nothing says which classes count", fix="write classes: [...]")
        return self

    def resolve_paths(self, base: Path) -> Self:
        from lamina.data.storage import absolute, absolutes

        changes: dict[str, Any] = {"path": absolute(self.path, base), "annotations": absolute(self.annotations, base)}
        if self.subset:
            changes["subset"] = absolutes(self.subset, base)
        found: Self = super().resolve_paths(base).replace(**changes)
        return found

    @property
    def one_label(self) -> bool:
        return self.form == "crops"

    # -- what is there ------------------------------------------------------------------------------------------------

    def _annotations(self) -> tuple[list[Annotation], tuple[str, ...]]:
        """All annotations, and the classes that a file lists."""
        from lamina.data.images import annotations as formats
        from lamina.data.storage import open_files

        files = open_files(self.annotations, storage=self.storage)
        kinds = {file.suffix for file in files} & {".json", ".xml", ".txt"}
        if len(kinds) != 1 or (kinds == {".json"} and len(files) > 1):
            raise formats.damaged(
                self.annotations, f"{len(files)} files: {', '.join(sorted({file.suffix or file.name for file in files}))}"
            )
        if kinds == {".json"}:
            return formats.read_coco(files[0].read(), files[0].name)
        files = [file for file in files if file.suffix in kinds and file.relative.name != "classes.txt"]
        if kinds == {".txt"} and self.classes is None:
            raise formats.damaged(self.annotations, "class numbers without names", fix="list the classes in the source, in their order")
        found = []
        for file in files:
            own = (
                formats.read_voc(file.read(), file.name)
                if kinds == {".xml"}
                else formats.read_yolo(file.read(), file.name, self.classes or ())
            )
            # The file's own name counts, not what was written into it on another machine.
            found.append(formats.Annotation(file.relative.with_suffix("").as_posix(), own.where, own.things, own.size, own.shares))
        return found, ()

    def _found(self) -> tuple[list[_Found], tuple[str, ...]]:
        """Images with their things, and the names of the classes."""
        from lamina.data.images.files import find_images

        annotations, named = self._annotations()
        images = find_images(self.path, self.storage)
        by_name = {key: file for file in images for key in (file.relative.with_suffix("").as_posix(), file.relative.as_posix())}
        by_stem = {key: file for file in images for key in (file.relative.stem, file.relative.name)}
        wanted = self._subset()
        chosen = [one for one in annotations if wanted is None or _stem(one.image) in wanted]
        if wanted is not None:
            self._check_subset(wanted, annotations)
        # Classes are those of all images, so that parts of one data set agree.
        there = named or tuple(sorted({thing.kind for one in annotations for thing in one.things}))
        classes = self.classes or there
        if not classes:
            raise DataError(
                "DA006",
                where=self.annotations,
                expected="at least one thing",
                got=f"none in {len(annotations)} annotations",
                cause="the annotations are of other images, or empty",
                fix="look at the path of the annotations",
            )
        found, dropped = [], 0
        for one in chosen:
            file = by_name.get(one.image) or by_stem.get(PurePosixPath(one.image).name)
            if file is None:
                raise self._no_image(one, by_stem)
            things, odd = self._things(one, classes)
            dropped += odd
            found.append(_Found(file, one, things))
        if dropped:
            warnings.warn(f"[DA137] {dropped} boxes without extent or outside of their image are left out", LaminaWarning, stacklevel=4)
        return found, classes

    def _subset(self) -> set[str] | None:
        from lamina.data.storage import open_files

        if not self.subset:
            return None
        files = open_files(self.subset, storage=self.storage)
        names = [line.split()[0] for file in files for line in file.read().decode("utf-8", "replace").splitlines() if line.split()]
        return {_stem(name) for name in names}

    def _check_subset(self, wanted: set[str], annotations: list[Annotation]) -> None:
        there = {_stem(one.image) for one in annotations}
        missing = sorted(wanted - there)
        if missing or not wanted:
            raise DataError(
                "DA140",
                where=", ".join(self.subset),
                expected="names of images with annotations" if wanted else "at least one name",
                got=f"{missing[0]!r}, which has none ({len(missing)} such names)" if missing else "an empty list",
                cause="the list is of another data set, or files were not copied",
                fix=f"did you mean {near!r}?" if missing and (near := nearest(missing[0], there)) else "look at path and annotations",
            )

    def _no_image(self, one: Annotation, there: Any) -> DataError:
        near = nearest(PurePosixPath(one.image).name, there)
        return DataError(
            "DA140",
            where=one.where,
            expected=f"an image {one.image!r} below {self.path}",
            got="none",
            cause="the image was not copied, or is called otherwise",
            fix=f"did you mean {near!r}?"
            if near
            else "look at the path of the images; images without annotations are allowed, not the reverse",
        )

    def _things(self, one: Annotation, classes: tuple[str, ...]) -> tuple[Things, int]:
        """The things that count, in pixels or shares, and how many boxes were dropped."""
        from lamina.data.images.things import Things

        places = {name: place for place, name in enumerate(classes)}
        height, width = (1, 1) if one.shares else one.size or (None, None)
        boxes, kinds, marks, dropped = [], [], [], 0
        for number, thing in enumerate(one.things):
            if (thing.difficult and not self.difficult) or (thing.crowd and not self.crowd):
                continue
            if thing.kind not in places:
                if self.only:
                    continue
                near = nearest(thing.kind, classes)
                raise DataError(
                    "DA007",
                    where=f"{one.where}, thing {number + 1}",
                    expected=f"one of {', '.join(classes[:10])}",
                    got=repr(thing.kind),
                    cause="classes does not list it",
                    fix=f"did you mean {near!r}?" if near else "add it to classes, or write only: true to leave such things out",
                )
            left, top, right, bottom = thing.box
            inside = (width is None or (left < width and right > 0)) and (height is None or (top < height and bottom > 0))
            if not (left < right and top < bottom and inside):
                if self.invalid == "error":
                    raise _invalid(one, number, thing.box, (height, width))
                dropped += 1
                continue
            boxes.append(thing.box)
            kinds.append(places[thing.kind])
            marks.append(thing.difficult)
        return Things.of(boxes, kinds, marks), dropped

    # -- as a data set ------------------------------------------------------------------------------------------------

    def schema(self) -> DataSchema:
        """Shape, classes and form of the target; annotations are read, of images no more than their heads."""
        found, classes = self._found()
        return self._schema(found, classes)

    def _schema(self, found: list[_Found], classes: tuple[str, ...]) -> DataSchema:
        shape = self.final_shape([one.file for one in found]) if self.form != "crops" else self._crop_shape()
        target: Target
        if self.form == "crops":
            target = Target("classes", labels=classes)
        elif self.form == "grid":
            rows, columns = spread(self.grid or 1, 2)
            target = Target("numbers", shape=Image(4 + len(classes), rows, columns), labels=(*EDGES, *classes))
        else:
            target = Target("numbers", shape=Sequence(self._rows(found), 5), labels=(*EDGES, "class"))
        return DataSchema({INPUT: shape}, {TARGET: target})

    def _crop_shape(self) -> Shape:
        from lamina.data.images.step import outline

        size, _ = outline(self.steps(), (None, None), self.channels)
        if None in size:
            raise misfit(
                self.steps()[-1] if self.steps() else _resize(),
                expected="steps that give all images one size",
                got="boxes of many sizes",
                cause="every box is an image",
                fix="write size: [HEIGHT, WIDTH] in the source",
            )
        return self.final_shape([])

    def _rows(self, found: list[_Found]) -> int:
        joined = 4 if any(step.joins for step in self.augment) else 1
        return self.most or max(1, joined * max((len(one.things) for one in found), default=1))

    def read(self) -> Partitions:
        import numpy as np

        from lamina.data.dataset import Dataset
        from lamina.data.images.halfway import PIXELS

        found, classes = self._found()
        kept = self.readable([one.file for one in found])
        found = [found[place] for place in kept]
        schema = self._schema(found, classes)
        shape = schema.inputs[INPUT]
        preparations = {INPUT: self.preparation()}
        if self.form == "crops":
            crops = [(one, place) for one in found for place in range(len(one.things))]
            photos = self.photos([self._crop(one, place) for one, place in crops], shape)
            numbers = np.asarray([one.things.kinds[place] for one, place in crops], dtype=np.int64)
            groups = np.asarray([one.file.name for one, _ in crops], dtype=str)
            return Partitions(Dataset({INPUT: photos[PIXELS]}, {TARGET: numbers}, schema, groups=groups, preparations=preparations))
        group = self.photos([self._photo(one) for one in found], shape, self._made(schema, classes))
        masks: Any = {TARGET: group["real"]} if self.form == "list" else None
        return Partitions(Dataset({INPUT: group[PIXELS]}, {TARGET: group[TARGET]}, schema, target_masks=masks, preparations=preparations))

    def _photo(self, one: _Found) -> Photo:
        from lamina.data.images.photos import Photo

        return Photo(one.file, one.things, size=one.annotation.size, shares=one.annotation.shares, where=one.annotation.where)

    def _crop(self, one: _Found, place: int) -> Photo:
        from lamina.data.images.photos import Photo

        left, top, right, bottom = one.things.boxes[place].tolist()
        across, down = self.margin * (right - left), self.margin * (bottom - top)
        region = (left - across, top - down, right + across, bottom + down)
        return Photo(one.file, region=region, size=one.annotation.size, shares=one.annotation.shares, where=one.annotation.where)

    def _made(self, schema: DataSchema, classes: tuple[str, ...]) -> dict[str, Made]:
        import numpy as np

        from lamina.data.images import targets
        from lamina.data.images.photos import Target as Made

        least = self.least_visible
        dims = schema.targets[TARGET].shape
        sizes = tuple(size or 0 for size in dims.dims) if dims is not None else ()
        if self.form == "grid":
            rows, columns = spread(self.grid or 1, 2)

            def grid(picture: Picture) -> np.ndarray:
                return targets.grid_target(targets.visible(picture, least), picture.size, (rows, columns), len(classes))

            return {TARGET: Made(sizes, np.float32, grid)}

        def rows_of(picture: Picture) -> np.ndarray:
            return targets.list_target(targets.visible(picture, least), picture.size, sizes[0])

        def real(picture: Picture) -> np.ndarray:
            return np.arange(sizes[0]) < len(targets.visible(picture, least))

        return {TARGET: Made(sizes, np.float32, rows_of), "real": Made(sizes[:1], np.bool_, real)}

    def read_like(self, training: Dataset) -> Dataset:
        """All images, their classes numbered as in training."""
        own = training.schema.targets[TARGET].labels
        if self.classes is not None or own is None:
            return self.read().train
        names = own if self.form == "crops" else own[4:] if self.form == "grid" else None
        return (self if names is None else self.replace(classes=names)).read().train


def _stem(name: str) -> str:
    """Name of an image without folders and ending."""
    from lamina.data.images.decode import ENDINGS

    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in ENDINGS else path.name


def _resize() -> Any:
    from lamina.data.images.steps.size import Resize

    return Resize(1)


def _invalid(one: Annotation, number: int, box: tuple[float, ...], size: tuple[int | None, int | None]) -> DataError:
    within = "" if size[0] is None or one.shares else f" within {size[1]} by {size[0]} pixels (width by height)"
    return DataError(
        "DA136",
        where=f"{one.where}, thing {number + 1}",
        expected=f"left < right and top < bottom{within}",
        got="({:g}, {:g}, {:g}, {:g})".format(*box),
        cause="a click without a drag, edges in another order, or of another image",
        fix="correct the annotation, or write invalid: drop in the source",
    )
