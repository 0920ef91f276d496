"""SVMLight and LibSVM: a sample a line, ``LABEL qid:3 INDEX:VALUE ... # comment``, values that are not named are 0."""

from lamina.data.formats.svmlight.reader import SvmLight, read_svmlight
from lamina.data.formats.svmlight.writer import write_svmlight

__all__ = ["SvmLight", "read_svmlight", "write_svmlight"]
