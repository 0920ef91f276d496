"""Pictures for tests."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def photo(shared_data) -> Image.Image:
    """A photo of 768 by 576."""
    return Image.open(shared_data / "test-images" / "darknet_dog.jpg").convert("RGB")


@pytest.fixture
def encode():
    """A picture of Pillow's, or an array, as the bytes of a file."""

    def encoded(image, kind: str = "PNG", **settings) -> bytes:
        file = io.BytesIO()
        (image if isinstance(image, Image.Image) else Image.fromarray(np.asarray(image))).save(file, kind, **settings)
        return file.getvalue()

    return encoded
