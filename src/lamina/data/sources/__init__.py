"""Sources of data; importing this registers all of them."""

from lamina.data.sources.arrays import Arrays
from lamina.data.sources.arrow import Arrow
from lamina.data.sources.audio_folder import AudioFolder
from lamina.data.sources.bundled import BreastCancer, Diabetes, Digits, Iris, Wine
from lamina.data.sources.cells import BloodCells
from lamina.data.sources.control import SyntheticControl
from lamina.data.sources.csv import Csv, Tsv
from lamina.data.sources.detection import Detection
from lamina.data.sources.excel import Excel
from lamina.data.sources.hdf5 import Hdf5
from lamina.data.sources.image_folder import ImageFolder
from lamina.data.sources.images import Cifar10, FashionMnist, Mnist
from lamina.data.sources.joint import Joint
from lamina.data.sources.lines import FixedWidth, Lines, RegexLines
from lamina.data.sources.masked_text import MaskedText
from lamina.data.sources.matlab import Matlab
from lamina.data.sources.numpy import Numpy
from lamina.data.sources.parquet import Parquet
from lamina.data.sources.records import Json, JsonLines, Xml, Yaml
from lamina.data.sources.running_text import RunningTokens
from lamina.data.sources.segmentation import Segmentation
from lamina.data.sources.sequence_files import SequenceFiles
from lamina.data.sources.source import Partitions, Source
from lamina.data.sources.svmlight import SvmLight
from lamina.data.sources.text import Characters, RunningText, TinyShakespeare
from lamina.data.sources.text_folder import TextFolder
from lamina.data.sources.video_folder import VideoFolder

__all__ = [
    "Arrays",
    "Arrow",
    "AudioFolder",
    "BloodCells",
    "BreastCancer",
    "Characters",
    "Cifar10",
    "Csv",
    "Detection",
    "Diabetes",
    "Digits",
    "Excel",
    "FashionMnist",
    "FixedWidth",
    "Hdf5",
    "ImageFolder",
    "Iris",
    "Joint",
    "Json",
    "JsonLines",
    "Lines",
    "MaskedText",
    "Matlab",
    "Mnist",
    "Numpy",
    "Parquet",
    "Partitions",
    "RegexLines",
    "RunningText",
    "RunningTokens",
    "Segmentation",
    "SequenceFiles",
    "Source",
    "SvmLight",
    "SyntheticControl",
    "TextFolder",
    "TinyShakespeare",
    "Tsv",
    "VideoFolder",
    "Wine",
    "Xml",
    "Yaml",
]
