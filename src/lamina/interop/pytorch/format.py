"""PyTorch's files: ``.pt``, ``.pth``, ``.bin``, ``.ckpt`` and ``.safetensors``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lamina.errors import InteropError
from lamina.interop.format import Format

if TYPE_CHECKING:
    from lamina.interop.given import Given
    from lamina.interop.imported import Imported, Options


class PyTorch(Format):
    """What ``torch.save``, ``torch.jit.save`` and safetensors wrote; programs of ``torch.export`` are not read."""

    name: ClassVar[str] = "pytorch"
    title: ClassVar[str] = "PyTorch"

    def recognises(self, given: Given) -> bool:
        from lamina.interop.pytorch.archives import MAGIC, root
        from lamina.interop.pytorch.safe import is_index, is_safe

        head = given.head
        if head.startswith(MAGIC) or is_index(head):
            return True
        if given.is_zip:
            try:
                members = given.members
            except InteropError:
                return False
            folder = root(members)
            names = ("data.pkl", "constants.pkl")
            script = f"{folder}model.json" in members and any(name.startswith(f"{folder}tensors/") for name in members.sizes)
            return script or (bool(folder) and any(f"{folder}{name}" in members for name in names))
        return is_safe(head, given.path.stat().st_size) if given.path.is_file() else False

    def read(self, given: Given, options: Options) -> Imported:
        from lamina.interop.pytorch.importing import read

        return read(given, options)
