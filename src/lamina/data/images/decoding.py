"""How image files are decoded, as data; `lamina.data.images.decode` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from lamina.data.images.step import Colour
from lamina.spec import Description
from lamina.spec.fields import Count

if TYPE_CHECKING:
    import numpy as np


class Decoding(Description):
    """How the bytes of image files become pixels.

    Attributes:
        depth: Bits of a value, 8 or 16; files of the other kind are brought to this range.
        background: What lies behind transparent pixels where opacity is not kept: red, green and blue from 0 to 255, or one number.
        orient: Turn photos as their EXIF says they were held.
        scaled: Let the JPEG decoder make photos smaller by 2, 4 or 8 where at least two pixels in each direction are left for every one
            that the first step wants: several times faster for photos of many megapixels. Pixels then differ a little from those of a
            whole photo, so that a model should be asked with files or their bytes, not with pictures that somebody else has decoded.
        most_pixels: Larger images are refused.
    """

    depth: Literal[8, 16] = 8
    background: Colour = 255.0
    orient: bool = True
    scaled: bool = False
    most_pixels: Count = 89_478_485

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of pixels."""
        import numpy as np

        return np.dtype(np.uint8 if self.depth == 8 else np.uint16)
