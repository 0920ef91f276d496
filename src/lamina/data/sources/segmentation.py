"""Images with a mask each: the class of every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from lamina.data.schema import INPUT, TARGET, DataSchema, Target
from lamina.data.sources.photos import PhotoSource
from lamina.data.sources.source import Partitions
from lamina.errors import DataError, nearest
from lamina.spec import register, wrong_value

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.images.decoding import Decoding
    from lamina.data.images.picture import Picture
    from lamina.data.storage import DataFile


def _codes(value: Any) -> Any:
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return {name: place for place, name in enumerate(value)}
    if isinstance(value, dict):
        return {name: tuple(code) if isinstance(code, list) else code for name, code in value.items()}
    return value


_LEVEL = {"type": "integer", "minimum": 0, "maximum": 255}
_CODE = {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 65535}, {"type": "array", "items": _LEVEL, "minItems": 3, "maxItems": 3}]}
Level = Annotated[int, Field(ge=0, le=255)]
Classes = Annotated[
    dict[str, Annotated[int, Field(ge=0, le=65535)] | tuple[Level, Level, Level]],
    BeforeValidator(_codes),
    Field(min_length=1),
    WithJsonSchema(
        {"anyOf": [{"type": "array", "items": {"type": "string"}, "minItems": 1}, {"type": "object", "additionalProperties": _CODE}]}
    ),
]


@register("segmentation")
class Segmentation(PhotoSource):
    """Images and, for each, a mask file that gives the class of every pixel.

    For the settings that all sources of images share, see `lamina.data.sources.photos.PhotoSource`; steps move masks along, and where
    sizes change a pixel of the mask takes the nearest one's class.

    Attributes:
        path: The images: a folder, a pattern, an archive or a store; relative to the recipe.
        masks: The masks, as ``path``: each called like its image, whatever their endings.
        mask_name: How a mask is called where it is not like its image: ``{name}`` stands for the image's path without its ending, such as
            ``"{name}_mask"``.
        classes: Names of the classes, whose values in a mask are 0, 1, 2 ...; or what stands for each: a grey value or number of a
            palette (``{background: 0, cell: 255}``), or a colour (``{road: [128, 64, 128]}``).
        other: Name of the class of all other values; without it they are an error.
        channels: See `PhotoSource`.
        size: See `PhotoSource`.
        prepare: See `PhotoSource`.
        augment: See `PhotoSource`.
        decode: See `PhotoSource`.
        unreadable: See `PhotoSource`.
        quarantine: See `PhotoSource`.
        storage: See `PhotoSource`.

    Example:
        >>> Segmentation.from_yaml("{path: photos, masks: masks, classes: [background, cell], size: 64}").classes
        {'background': 0, 'cell': 1}
    """

    positional: ClassVar[tuple[str, ...]] = ("path", "masks", "classes")
    path: str
    masks: str
    mask_name: str = "{name}"
    classes: Classes
    other: str | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls("photos", "masks", ["background", "thing"], size=(8, 10)),
            cls("photos", "masks", {"thing": 1}, other="background", size=8),
        ]

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if "{name}" not in self.mask_name:
            raise wrong_value(expected="mask_name with {name}", cause="all masks would have one name", fix='write mask_name: "{name}_mask"')
        if len({*self.classes.values()}) < len(self.classes) or len({type(code) for code in self.classes.values()}) > 1:
            raise wrong_value(
                expected="a value of its own for each class, all numbers or all colours",
                cause="two classes can't stand for the same pixels, and a mask holds one kind of values",
                fix="write classes: {background: 0, cell: 255}",
            )
        return self

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of all classes, that of all other values last, unless it is one of them."""
        extra = (self.other,) if self.other is not None and self.other not in self.classes else ()
        return (*self.classes, *extra)

    @property
    def one_label(self) -> bool:
        return False

    def resolve_paths(self, base: Path) -> Self:
        from lamina.data.storage import absolute

        found: Self = super().resolve_paths(base).replace(path=absolute(self.path, base), masks=absolute(self.masks, base))
        return found

    def _pairs(self) -> list[tuple[DataFile, DataFile]]:
        """Images with their masks."""
        from lamina.data.images.files import find_images

        images, masks = find_images(self.path, self.storage), find_images(self.masks, self.storage)
        by_name = {file.relative.with_suffix("").as_posix(): file for file in masks}
        pairs = []
        for file in images:
            wanted = self.mask_name.replace("{name}", file.relative.with_suffix("").as_posix())
            mask = by_name.get(PurePosixPath(wanted).as_posix())
            if mask is None and self.path != self.masks:
                near = nearest(wanted, by_name)
                raise DataError(
                    "DA140",
                    where=file.name,
                    expected=f"a mask {wanted} below {self.masks}",
                    got=f"none among {len(masks)}",
                    cause="masks are called otherwise, or one is missing",
                    fix=f'write mask_name, such as "{{name}}_mask"; the nearest one is {near!r}' if near else "write mask_name",
                )
            # In one folder with their images, masks are what no mask is called for.
            if mask is not None and mask.name != file.name:
                pairs.append((file, mask))
        if not pairs:
            raise DataError(
                "DA140",
                where=self.path,
                expected=f"images with masks called {self.mask_name}",
                got=f"none among {len(images)}",
                cause="masks are called otherwise",
                fix="write mask_name",
            )
        return pairs

    def schema(self) -> DataSchema:
        """Shape and classes; files are listed, and their heads read only if nothing says their size."""
        return self._schema([image for image, _ in self._pairs()])

    def _schema(self, files: list[DataFile]) -> DataSchema:
        return DataSchema({INPUT: self.final_shape(files)}, {TARGET: Target("classes", labels=self.labels)})

    def read(self) -> Partitions:
        import numpy as np

        from lamina.data.dataset import Dataset
        from lamina.data.images.halfway import PIXELS
        from lamina.data.images.photos import Photo
        from lamina.data.images.photos import Target as Made

        pairs = self._pairs()
        both = [*self.readable([image for image, _ in pairs])]
        if self.unreadable == "drop":
            right = {*self.readable([mask for _, mask in pairs])}
            both = [place for place in both if place in right]
        pairs = [pairs[place] for place in both]
        schema = self._schema([image for image, _ in pairs])
        values = [code if isinstance(code, int) else (code[0] << 16) + (code[1] << 8) + code[2] for code in self.classes.values()]
        order = np.argsort(values)
        codes = np.asarray(values, dtype=np.int64)[order]
        other = None if self.other is None else self.labels.index(self.other)
        coloured = not isinstance(next(iter(self.classes.values())), int)
        shape = schema.inputs[INPUT]

        def target(picture: Picture) -> np.ndarray:
            return np.asarray(picture.mask)

        group = self.photos(
            [Photo(image, mask=_Mask(mask, self.decode, codes, order, other, coloured)) for image, mask in pairs],
            shape,
            {TARGET: Made((shape.dims[1] or 0, shape.dims[2] or 0), np.int64, target)},
        )
        return Partitions(Dataset({INPUT: group[PIXELS]}, {TARGET: group[TARGET]}, schema, preparations={INPUT: self.preparation()}))

    def read_like(self, training: Dataset) -> Dataset:
        return self.read().train


@dataclass(frozen=True, eq=False)
class _Mask:
    """The class of each pixel that a file gives."""

    file: DataFile
    decode: Decoding
    codes: np.ndarray
    numbers: np.ndarray
    other: int | None
    coloured: bool

    @property
    def fingerprint(self) -> str:
        """Of the file, and of what its values mean."""
        return repr((self.file.fingerprint, self.codes.tolist(), self.numbers.tolist(), self.other, self.coloured))

    def __call__(self) -> np.ndarray:
        from lamina.data.images.decode import decode_mask
        from lamina.data.images.targets import classes_of

        values = decode_mask(self.file.read(), self.file.name, self.decode, coloured=self.coloured)
        return classes_of(values, self.codes, self.numbers, self.file.name, self.other)
