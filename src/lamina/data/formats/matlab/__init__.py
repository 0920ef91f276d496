"""MATLAB: files of versions 4 to 7.3, and text; see `read_matlab`."""

from lamina.data.formats.matlab.reader import Variable, read_matlab, table_of_matlab
from lamina.data.formats.matlab.writer import write_matlab

__all__ = ["Variable", "read_matlab", "table_of_matlab", "write_matlab"]
