"""Finding files and reading their bytes: folders, globs, archives, compressed files, remote stores; see `open_files`."""

from lamina.data.storage.file import DataFile
from lamina.data.storage.opening import absolute, absolutes, open_file, open_files
from lamina.data.storage.options import Storage

__all__ = ["DataFile", "Storage", "absolute", "absolutes", "open_file", "open_files"]
