"""Folders of films, with labels from folders, names or a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lamina.data.films.preparation import ENDINGS, FilmPreparation
from lamina.data.schema import INPUT, TARGET, DataSchema
from lamina.data.sources.labelled import LabelledFiles
from lamina.data.sources.source import Partitions
from lamina.spec import register
from lamina.spec.fields import Count, Size2, spread

if TYPE_CHECKING:
    from lamina.data.normalizers import Normalizer


@register("video_folder")
class VideoFolder(LabelledFiles):
    r"""Films as sequences of pictures: animated GIF, WebP and PNG, pages of TIFF; videos where PyAV or OpenCV is installed.

    A film with fewer frames than others comes with a mask. For how files get their labels, see
    `lamina.data.sources.labelled.LabelledFiles`.

    Attributes:
        size: Height and width to which frames are scaled; one number is both.
        channels: 1 (grey) or 3 (colours).
        every: Each so many-th frame is taken, from the first on.
        frames: Most pictures of a film: evenly spread over it; with ``every``, the first ones. Unless set: all.

    Example:
        >>> VideoFolder.from_yaml("{path: films, size: 64, frames: 16}").preparation().shape().dims
        (16, 3, 64, 64)
    """

    endings: ClassVar[tuple[str, ...]] = ENDINGS
    things: ClassVar[str] = "films"

    size: Size2
    channels: Literal[1, 3] = 3
    every: Count | None = None
    frames: Count | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls("films", label="none", size=(6, 8), frames=3),
            cls("films/**/*.gif", size=8, channels=1, every=2, pattern=r"(?P<label>[a-z]+)_\d", group=r"_(\d)"),
        ]

    def normalizer(self) -> Normalizer:
        from lamina.data.normalizers import Scale

        return Scale(factor=1 / 255)

    def preparation(self) -> FilmPreparation:
        """What a model keeps of it."""
        height, width = spread(self.size, 2)
        return FilmPreparation(height=height, width=width, channels=self.channels, every=self.every, frames=self.frames)

    def schema(self) -> DataSchema:
        found = self.labelled()
        return DataSchema({INPUT: self.preparation().shape()}, {} if found.target is None else {TARGET: found.target})

    def read(self) -> Partitions:
        from lamina.data.dataset import Dataset
        from lamina.data.films.films import films_of

        how = self.preparation()
        found = self.usable(self.labelled(), lambda file: how.seen(file.read(), file.name))
        values, mask = films_of(found.files, how)
        schema = DataSchema({INPUT: how.shape()}, {} if found.target is None else {TARGET: found.target})
        return Partitions(
            Dataset(
                {INPUT: values},
                found.targets(),
                schema,
                groups=found.groups,
                part=found.part,
                input_masks={INPUT: mask},
                preparations={INPUT: how},
            )
        )
