"""Data without an end: records that come, each with an offset to go on from."""

from lamina.data.streams.feed import StreamFeed
from lamina.data.streams.stream import Record, Stream
from lamina.data.streams.tail import Tail
from lamina.data.streams.topic import Topic

__all__ = ["Record", "Stream", "StreamFeed", "Tail", "Topic"]
