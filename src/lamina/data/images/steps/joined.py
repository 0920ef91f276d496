"""Steps that look for something in the picture, or join it with others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from lamina.data.images.step import Extent, ImageStep, Share, misfit
from lamina.spec import register

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.images.draws import Draws
    from lamina.data.images.picture import Picture


@register("largest_blob_crop")
class LargestBlob(ImageStep):
    """All cut away but the largest connected thing that stands out (DataVec's LargestBlobCropTransform).

    Light and dark are told apart by Otsu's threshold (1979); what touches the edges of the picture less is taken for the thing, the rest
    for what lies behind. DataVec finds contours with OpenCV instead; on pictures of one thing on plain ground both cut alike.

    Attributes:
        margin: Pixels that are kept around it.
        invert: The thing is what touches the edges more.
    """

    positional: ClassVar[tuple[str, ...]] = ("margin",)
    margin: Annotated[int, Field(ge=0)] = 0
    invert: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(3, invert=True)]

    def size_after(self, size: Extent) -> Extent:
        return None, None

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        import numpy as np
        from scipy import ndimage

        from lamina.data.images.tones import grey

        light = np.rint(grey(picture.pixels))
        high = light > otsu(light)
        edges = np.concatenate([high[0], high[-1], high[1:-1, 0], high[1:-1, -1]])
        thing = high ^ bool((edges.mean() > 0.5) ^ self.invert)
        labels, count = ndimage.label(thing, structure=np.ones((3, 3), dtype=int))
        if not count:
            return picture
        rows, columns = ndimage.find_objects(labels)[int(np.bincount(labels.ravel())[1:].argmax())]
        height, width = picture.size
        top, left = max(0, rows.start - self.margin), max(0, columns.start - self.margin)
        return picture.cropped(top, left, min(height, rows.stop + self.margin) - top, min(width, columns.stop + self.margin) - left)


def otsu(values: np.ndarray) -> float:
    """The threshold that parts values into two groups of least variance (Otsu 1979).

    Example:
        >>> import numpy as np
        >>> otsu(np.array([1.0, 2.0, 9.0, 10.0])) in (2.0, 3.0, 8.0)
        True
    """
    import numpy as np

    levels, counts = np.unique(np.rint(values), return_counts=True)
    if len(levels) < 2:
        return float(levels[0])
    below = np.cumsum(counts)[:-1]
    above = below[-1] + counts[-1] - below
    sums = np.cumsum(levels * counts)
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
    return float(levels[int((below * above * apart**2).argmax())])


@register("mosaic")
class Mosaic(ImageStep):
    """The picture and three others of the data as four parts of one, in training (Bochkovskiy et al. 2020).

    The corner where they meet lies anywhere in the middle half; each is made smaller by any amount that still fills its part. For
    detection and segmentation: boxes and masks come along. All pictures must have one size when they reach it.

    Attributes:
        probability: Of being joined with others.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("probability",)
    probability: Share = 0.5

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(1.0), cls()]

    @property
    def joins(self) -> bool:
        return True

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None or draws.others is None or not draws.chance(self.probability):
            return picture
        import numpy as np

        height, width = picture.size
        row, column = round(height * draws.between(0.25, 0.75)), round(width * draws.between(0.25, 0.75))
        parts = [picture, *(draws.others(draws.below(draws.count), draws.child(place)) for place in range(3))]
        order = draws.order(4)
        canvas = np.empty_like(picture.pixels)
        mask = None if picture.mask is None else np.empty_like(picture.mask)
        found = []
        for place, (down, across) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            rows = slice(row, height) if down else slice(0, row)
            columns = slice(column, width) if across else slice(0, column)
            piece = self._piece(parts[order[place]], picture, (rows.stop - rows.start, columns.stop - columns.start), (down, across), draws)
            canvas[rows, columns] = piece.pixels
            if mask is not None and piece.mask is not None:
                mask[rows, columns] = piece.mask
            if piece.things is not None:
                offset = np.array([columns.start, rows.start, columns.start, rows.start])
                found.append(replace(piece.things, boxes=piece.things.boxes + offset))
        things = None
        if found:
            things = type(found[0])(
                *(np.concatenate([getattr(part, name) for part in found]) for name in ("boxes", "kinds", "difficult", "full"))
            )
        return type(picture)(canvas, mask, things)

    def _piece(self, part: Picture, like: Picture, size: tuple[int, int], side: tuple[int, int], draws: Draws) -> Picture:
        if part.pixels.shape != like.pixels.shape or part.points is not None:
            raise misfit(
                self,
                expected=f"pictures of {like.size[0]} by {like.size[1]} and {like.channels} channels, without points",
                got=f"one of {part.size[0]} by {part.size[1]} and {part.channels}" + (", with points" if part.points is not None else ""),
                cause="four pictures make one only if they have one size",
                fix="put mosaic in augment, behind what brings pictures to one size in prepare",
            )
        height, width = like.size
        least = max(size[0] / height, size[1] / width)
        scale = draws.between(least, 1.0)
        smaller = part.resized((max(size[0], round(height * scale)), max(size[1], round(width * scale))))
        # The corner towards the middle is the one that is kept.
        top, left = (0 if side[0] else smaller.size[0] - size[0]), (0 if side[1] else smaller.size[1] - size[1])
        return smaller.cropped(top, left, *size)
