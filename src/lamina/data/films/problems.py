"""What is said of films that can't be used."""

from __future__ import annotations

from lamina.errors import DataError, DependencyError


def undecodable(where: str, *, expected: str, got: str, cause: str = "", fix: str = "make or copy it anew, or leave it out") -> DataError:
    """DA156: a file that is no film, or a damaged one."""
    cause = cause or "the file is damaged, cut off, or of another kind"
    return DataError("DA156", where=where, expected=expected, got=got, cause=cause, fix=fix)


def no_decoder(where: str) -> DependencyError:
    """DA157: a video, and nothing that decodes it."""
    return DependencyError(
        "DA157",
        where=where,
        expected="PyAV (av) or OpenCV (cv2), which decode videos",
        got="neither",
        cause="Lamina needs neither of them; animated GIF, WebP and PNG, and TIFF are read without",
        fix="pip install opencv-python-headless, or pip install av (its wheels contain GPL encoders)",
    )
