"""Files within files, as compression and archives have them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import zstandard

PACKERS = (".gz", ".zst", ".bz2", ".xz", ".zip", ".tar", ".tar.gz")


def packed(kind: str, name: str, content: bytes) -> tuple[str, bytes]:
    """Name and bytes of the packed file."""
    simple = {".gz": gzip.compress, ".zst": zstandard.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    if kind in simple:
        return f"{name}{kind}", simple[kind](content)
    buffer = io.BytesIO()
    if kind == ".zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz" if kind == ".tar.gz" else "w") as tar:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return f"rows{kind}", buffer.getvalue()
