"""Sources of data. A module is imported when one of its sources is named."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lamina.spec import registry

if TYPE_CHECKING:
    from lamina.data.sources.arrays import Arrays as Arrays
    from lamina.data.sources.arrow import Arrow as Arrow
    from lamina.data.sources.audio_folder import AudioFolder as AudioFolder
    from lamina.data.sources.bundled import BreastCancer as BreastCancer
    from lamina.data.sources.bundled import Diabetes as Diabetes
    from lamina.data.sources.bundled import Digits as Digits
    from lamina.data.sources.bundled import Iris as Iris
    from lamina.data.sources.bundled import Wine as Wine
    from lamina.data.sources.cells import BloodCells as BloodCells
    from lamina.data.sources.control import SyntheticControl as SyntheticControl
    from lamina.data.sources.csv import Csv as Csv
    from lamina.data.sources.csv import Tsv as Tsv
    from lamina.data.sources.detection import Detection as Detection
    from lamina.data.sources.excel import Excel as Excel
    from lamina.data.sources.hdf5 import Hdf5 as Hdf5
    from lamina.data.sources.image_folder import ImageFolder as ImageFolder
    from lamina.data.sources.images import Cifar10 as Cifar10
    from lamina.data.sources.images import FashionMnist as FashionMnist
    from lamina.data.sources.images import Mnist as Mnist
    from lamina.data.sources.joint import Joint as Joint
    from lamina.data.sources.lines import FixedWidth as FixedWidth
    from lamina.data.sources.lines import Lines as Lines
    from lamina.data.sources.lines import RegexLines as RegexLines
    from lamina.data.sources.masked_text import MaskedText as MaskedText
    from lamina.data.sources.matlab import Matlab as Matlab
    from lamina.data.sources.numpy import Numpy as Numpy
    from lamina.data.sources.parquet import Parquet as Parquet
    from lamina.data.sources.records import Json as Json
    from lamina.data.sources.records import JsonLines as JsonLines
    from lamina.data.sources.records import Xml as Xml
    from lamina.data.sources.records import Yaml as Yaml
    from lamina.data.sources.running_text import RunningTokens as RunningTokens
    from lamina.data.sources.segmentation import Segmentation as Segmentation
    from lamina.data.sources.sequence_files import SequenceFiles as SequenceFiles
    from lamina.data.sources.source import Partitions as Partitions
    from lamina.data.sources.source import Source as Source
    from lamina.data.sources.sql import Sql as Sql
    from lamina.data.sources.svmlight import SvmLight as SvmLight
    from lamina.data.sources.text import Characters as Characters
    from lamina.data.sources.text import RunningText as RunningText
    from lamina.data.sources.text import TinyShakespeare as TinyShakespeare
    from lamina.data.sources.text_folder import TextFolder as TextFolder
    from lamina.data.sources.video_folder import VideoFolder as VideoFolder

_SOURCES: dict[str, dict[str, str]] = {
    "arrays": {"arrays": "Arrays"},
    "arrow": {"arrow": "Arrow"},
    "audio_folder": {"audio_folder": "AudioFolder"},
    "bundled": {"breast_cancer": "BreastCancer", "diabetes": "Diabetes", "digits": "Digits", "iris": "Iris", "wine": "Wine"},
    "cells": {"blood_cells": "BloodCells"},
    "control": {"synthetic_control": "SyntheticControl"},
    "csv": {"csv": "Csv", "tsv": "Tsv"},
    "detection": {"detection": "Detection"},
    "excel": {"excel": "Excel"},
    "hdf5": {"hdf5": "Hdf5"},
    "image_folder": {"image_folder": "ImageFolder"},
    "images": {"cifar10": "Cifar10", "fashion_mnist": "FashionMnist", "mnist": "Mnist"},
    "joint": {"joint": "Joint"},
    "lines": {"fixed_width": "FixedWidth", "lines": "Lines", "regex_lines": "RegexLines"},
    "masked_text": {"masked_text": "MaskedText"},
    "matlab": {"matlab": "Matlab"},
    "numpy": {"numpy": "Numpy"},
    "parquet": {"parquet": "Parquet"},
    "records": {"json": "Json", "json_lines": "JsonLines", "xml": "Xml", "yaml": "Yaml"},
    "running_text": {"running_text": "RunningTokens"},
    "segmentation": {"segmentation": "Segmentation"},
    "sequence_files": {"sequence_files": "SequenceFiles"},
    "sql": {"sql": "Sql"},
    "svmlight": {"svmlight": "SvmLight"},
    "text": {"characters": "Characters", "tiny_shakespeare": "TinyShakespeare"},
    "text_folder": {"text_folder": "TextFolder"},
    "video_folder": {"video_folder": "VideoFolder"},
}
"""Module to its sources: what they are called in files, and their classes."""
_BASES = {"Partitions": "source", "RunningText": "text", "Source": "source"}
"""Classes that are no sources themselves, and their modules."""

registry.announce("source", {name: f"{__name__}.{module}" for module, sources in _SOURCES.items() for name in sources})
_HOME = {kind: module for module, sources in _SOURCES.items() for kind in sources.values()} | _BASES

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
