"""Callbacks: what watches and steers training, each a description that a recipe can hold."""

from __future__ import annotations

from lamina.train.callbacks.callback import EDITOR, KEEPER, READER, WRITER, Callback, CallbackRun
from lamina.train.callbacks.checkpoint import Checkpoint
from lamina.train.callbacks.chosen import callbacks_for
from lamina.train.callbacks.data_wait import DataWait
from lamina.train.callbacks.early_stopping import EarlyStopping
from lamina.train.callbacks.logs import CsvLog, JsonlLog, TimingLog
from lamina.train.callbacks.monitors import GradientWatch, LearningRateMonitor
from lamina.train.callbacks.nan_watch import NanWatch
from lamina.train.callbacks.noise_schedule import NoiseSchedule
from lamina.train.callbacks.progress import Progress
from lamina.train.callbacks.signals import Signals
from lamina.train.callbacks.tensorboard import TensorBoard

__all__ = [
    "EDITOR",
    "KEEPER",
    "READER",
    "WRITER",
    "Callback",
    "CallbackRun",
    "Checkpoint",
    "CsvLog",
    "DataWait",
    "EarlyStopping",
    "GradientWatch",
    "JsonlLog",
    "LearningRateMonitor",
    "NanWatch",
    "NoiseSchedule",
    "Progress",
    "Signals",
    "TensorBoard",
    "TimingLog",
    "callbacks_for",
]
