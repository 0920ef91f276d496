"""What all sources of image files share: how files are read, brought to one size and varied, and what is done about broken ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import model_validator

from lamina.data.images.decoding import Decoding
from lamina.data.images.step import Extent, ImageStep, misfit, outline
from lamina.data.sources.broken import report_broken
from lamina.data.sources.source import Source
from lamina.data.storage.options import Storage
from lamina.errors import DataError
from lamina.shapes import Shape, image
from lamina.spec import wrong_value
from lamina.spec.fields import Size2, several, spread

if TYPE_CHECKING:
    from lamina.data.images.photos import Photo, Photos
    from lamina.data.images.photos import Target as Made
    from lamina.data.images.preparation import Pictures
    from lamina.data.normalizers import Normalizer

CHECKERS = 8
"""Threads that look whether files can be decoded."""


class PhotoSource(Source):
    """Base of sources whose input is an image file for each sample.

    Images are decoded when a batch asks for them, in the threads of ``workers``; so nothing but names is in memory.

    Attributes:
        channels: 1 (grey), 3 (colours) or 4 (with opacity); files of the other kinds are brought to it.
        size: Height and width at the end; one number is both. What ``prepare`` leaves at another size is stretched to it. Not needed if a
            step of ``prepare`` gives all images one size, or all files have the same.
        prepare: Steps for every image, in training and whenever the model is asked, which keeps them; see `lamina.data.images.steps`.
        augment: Steps after these, in training only; they leave size and channels as they are.
        decode: How bytes become pixels.
        unreadable: What is done about files that can't be decoded: ``error`` names the first one when a batch needs it; ``drop`` looks
            through all files first, leaves such files out, and says how many.
        quarantine: A csv file into which the dropped ones are written, with the reason.
        storage: How remote files are reached; see `lamina.data.storage.Storage`.
    """

    channels: Literal[1, 3, 4] = 3
    size: Size2 | None = None
    prepare: several(ImageStep) = ()  # type: ignore[valid-type]
    augment: several(ImageStep) = ()  # type: ignore[valid-type]
    decode: Decoding = Decoding()
    unreadable: Literal["error", "drop"] = "error"
    quarantine: str | None = None
    storage: Storage | None = None

    @model_validator(mode="after")
    def _quarantine_of_dropped(self) -> Self:
        if self.quarantine is not None and self.unreadable != "drop":
            raise wrong_value(
                expected="quarantine together with unreadable: drop",
                cause="a file that stops everything is named in the error, and not kept aside",
                fix="write unreadable: drop, or remove quarantine",
            )
        return self

    def normalizer(self) -> Normalizer:
        from lamina.data.normalizers import Scale

        return Scale(factor=1 / (255 if self.decode.depth == 8 else 65535))

    def steps(self) -> tuple[ImageStep, ...]:
        """All steps of ``prepare``, with that to ``size``."""
        if self.size is None:
            return tuple(self.prepare)
        from lamina.data.images.steps.size import Resize

        wanted = spread(self.size, 2)
        size, _ = outline(self.prepare, (None, None), self.channels)
        return tuple(self.prepare) if size == wanted else (*self.prepare, Resize(wanted))

    def preparation(self) -> Pictures:
        """What a model keeps of it."""
        from lamina.data.images.preparation import Pictures

        return Pictures(channels=self.channels, decode=self.decode, steps=self.steps())

    def final_shape(self, files: Sequence[Any]) -> Shape:
        """Of one sample: from the steps, or from the heads of all files where these don't say.

        Raises:
            DataError: DA132, if the files differ in size; DA138, if a step doesn't fit.
        """
        from lamina.data.images.photos import other_size

        steps = self.steps()
        size, deep = outline(steps, (None, None), self.channels)
        if None in size:
            sizes = self._sizes(files)
            ends = [outline(steps, own, self.channels)[0] for own in sizes]
            size = ends[0]
            odd = next((number for number, end in enumerate(ends) if end != size), None)
            if odd is not None or None in size:
                got = ends[odd or 0]
                raise other_size(files[odd or 0].name, (deep, got[0] or 0, got[1] or 0), (deep, size[0] or 0, size[1] or 0))
        self._check_augment(size, deep)
        return image(deep, size[0] or 0, size[1] or 0)

    @property
    def one_label(self) -> bool:
        """Whether a label speaks of a picture as a whole, so that pictures can't be joined."""
        return True

    def _check_augment(self, size: Extent, deep: int) -> None:
        joining = next((step for step in (*self.prepare, *self.augment) if step.joins), None)
        if joining is not None and (self.one_label or joining in self.prepare):
            raise misfit(
                joining,
                expected="a step that leaves a picture to itself" if self.one_label else "it in augment, behind prepare",
                got="one that joins several",
                cause="an image has a label as a whole, and four have four"
                if self.one_label
                else "pictures that are joined must be prepared",
                fix="write train: {mix: cutmix}, which mixes labels too" if self.one_label else "move it to augment",
            )
        after = outline(self.augment, size, deep)
        if after != (size, deep):
            odd = next(
                (step for step in self.augment if (step.size_after(size), step.channels_after(deep)) != (size, deep)), self.augment[0]
            )
            raise misfit(
                odd,
                expected=f"a step that leaves images at {size[0]} by {size[1]} and {deep} channels, as it stands in augment",
                got=f"{after[0][0]} by {after[0][1]} and {after[1]} channels after augment",
                cause="augment is left out when the model is judged or asked, and the network wants one size",
                fix="move the step to prepare, where it takes the middle when nothing is drawn",
            )

    def _sizes(self, files: Sequence[Any]) -> list[tuple[int, int]]:
        from lamina.data.images.decode import read_size

        with ThreadPoolExecutor(CHECKERS) as pool:
            return list(pool.map(lambda file: read_size(file.read(), file.name, self.decode), files))

    def photos(self, photos: Sequence[Photo], shape: Shape, targets: Mapping[str, Made] | None = None) -> Photos:
        """The lazy group of all pictures.

        Args:
            photos: The pictures to be.
            shape: From `final_shape`.
            targets: Further arrays that each gives.
        """
        from lamina.data.images.photos import Photos

        return Photos(
            photos,
            (shape.dims[1] or 0, shape.dims[2] or 0),
            channels=self.channels,
            decode=self.decode,
            prepare=self.steps(),
            augment=self.augment,
            deep=shape.dims[0],
            targets=targets,
        )

    def readable(self, files: Sequence[Any]) -> list[int]:
        """Places of the files that can be decoded; all, unless broken ones are to be dropped.

        Raises:
            DataError: DA140, if none can.
        """
        if self.unreadable == "error":
            return list(range(len(files)))
        with ThreadPoolExecutor(CHECKERS) as pool:
            reasons = list(pool.map(self._reason, files))
        broken = [(file.name, reason) for file, reason in zip(files, reasons, strict=True) if reason is not None]
        if len(broken) == len(files):
            raise DataError(
                "DA140",
                where=broken[0][0] if broken else "the images",
                expected="at least one image that can be decoded",
                got=f"none of {len(files)}; this one: {broken[0][1] if broken else ''}",
                cause="the files are no images, or of a kind that is not read",
                fix="look at the files; write unreadable: error to see the whole message",
            )
        if broken:
            report_broken(broken, len(files), self.quarantine, "DA137", "images can't be decoded and are left out")
        return [place for place, reason in enumerate(reasons) if reason is None]

    def _reason(self, file: Any) -> str | None:
        from lamina.data.images.decode import decode

        try:
            # Small is enough: a decoder reads all bytes, however few pixels it makes of them.
            decode(file.read(), file.name, self.channels, self.decode, lambda _: (1.0, 1.0))
        except DataError as error:
            return error.problems[0].got
        return None

    def resolve_paths(self, base: Path) -> Self:
        changes = {} if self.quarantine is None else {"quarantine": str(base / self.quarantine)}
        return self.replace(**changes) if changes else self
