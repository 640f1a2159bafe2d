# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Topics and messages of a bag of ROS, read where they lie: by the package rosbags, without ROS."""

from __future__ import annotations

import os
import struct
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..decoding.errors import UnreadableImageError
from ..decoding.optional import import_optional


# Every message that is read here begins with a header: seconds and nanoseconds after a number of ROS 1, or after the
# four bytes of CDR, of which the second says the order of bytes.
_ROS1_STAMP, _CDR_START = struct.Struct("<4xII"), 4
_CDR_STAMPS = {0: struct.Struct(">iI"), 1: struct.Struct("<iI")}
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class Topic:
    """A topic of a bag: the type of its messages, and their number."""

    name: str
    kind: str
    count: int


@dataclass(frozen=True)
class TopicIndex:
    """When the messages of a topic are from, and where they are found.

    Attributes:
        stamps: of their headers, nanoseconds, int64 (N,); 0 where nobody set it.
        times: of the recording, nanoseconds, int64 (N,).
        ranks: which of several messages of one time of recording it is, int64 (N,).
    """

    stamps: np.ndarray
    times: np.ndarray
    ranks: np.ndarray

    def __len__(self) -> int:
        return len(self.times)


class BagFile:
    """A bag: a file of ROS 1 (.bag), a file of ROS 2 (.db3, .mcap), or a folder of ROS 2 with metadata.yaml.

    It can be handed to other processes, each of which opens the file for itself.

    Raises:
        FileNotFoundError: no such file.
        ImportError: rosbags is not installed.
        UnreadableImageError: damaged, not closed, or of a kind that rosbags does not read; the message says why.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: tuple[int, Any, threading.Lock] | None = None
        connections = self._reader()[0].connections
        kinds = {each.topic: each.msgtype for each in connections}
        counts = dict.fromkeys(kinds, 0)
        for each in connections:
            counts[each.topic] += each.msgcount
        self.topics = [Topic(name, kinds[name], counts[name]) for name in sorted(kinds)]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    @property
    def is_ros1(self) -> bool:
        """Whether it is of ROS 1."""
        return self.path.suffix.lower() == ".bag"

    def index(self, topic: str) -> TopicIndex:
        """Read the times of all messages of a topic, one message after another."""
        stamps: list[int] = []
        times: list[int] = []
        for time, raw in self._messages(topic):
            stamps.append(self._stamp(raw))
            times.append(time)
        recorded = np.array(times, np.int64)
        is_first = np.ones(recorded.size, dtype=bool)
        is_first[1:] = recorded[1:] != recorded[:-1]
        firsts = np.flatnonzero(is_first)
        ranks = np.arange(recorded.size) - np.repeat(firsts, np.diff(np.append(firsts, recorded.size)))
        return TopicIndex(np.array(stamps, np.int64), recorded, ranks)

    def message(self, topic: str, time: int, rank: int, name: str) -> Any:
        """Return a message by its time of recording, and by its rank among those of that time.

        Raises:
            UnreadableImageError: it cannot be read; the message starts with `name`.
        """
        for place, (_, raw) in enumerate(self._messages(topic, time, time + 1, name)):
            if place == rank:
                return self._decode(topic, raw, name)
        raise UnreadableImageError(f"{name}: the message is gone; was the bag written anew since it was opened?")

    def first_message(self, topic: str) -> Any:
        """Return the first message of a topic; None where there is none."""
        return next((self._decode(topic, raw, str(self.path)) for _, raw in self._messages(topic)), None)

    def _messages(
        self, topic: str, start: int | None = None, stop: int | None = None, name: str | None = None
    ) -> Iterator[tuple[int, bytes]]:
        reader, lock = self._reader()
        with lock:
            try:
                wanted = [each for each in reader.connections if each.topic == topic]
                for _, time, raw in reader.messages(wanted, start=start, stop=stop):
                    yield time, raw
            except Exception as error:
                # A damaged bag shows as one of many exceptions of rosbags, SQLite and decompressors.
                raise UnreadableImageError(
                    f"{name or self.path}: {topic} cannot be read, the bag is damaged: {_describe(error)}"
                ) from error

    def _stamp(self, raw: bytes) -> int:
        try:
            if self.is_ros1:
                seconds, nanoseconds = _ROS1_STAMP.unpack_from(raw)
            else:
                seconds, nanoseconds = _CDR_STAMPS[raw[1] & 1].unpack_from(raw, _CDR_START)
        except (struct.error, IndexError) as error:
            raise UnreadableImageError(f"{self.path}: a message without a header: {error}") from error
        return int(seconds) * NANOSECONDS + int(nanoseconds)

    def _decode(self, topic: str, raw: bytes, name: str) -> Any:
        kind = next(each.kind for each in self.topics if each.name == topic)
        try:
            # These types are the same in all versions of ROS, and older bags do not define them.
            store = _typestore(self.is_ros1)
            return store.deserialize_ros1(raw, kind) if self.is_ros1 else store.deserialize_cdr(raw, kind)
        except Exception as error:
            raise UnreadableImageError(f"{name}: no {kind}: {_describe(error)}") from error

    def _reader(self) -> tuple[Any, threading.Lock]:
        """Return the reader of this process, whose place in the file is its own."""
        if self._opened is None or self._opened[0] != os.getpid():
            reader = _open(self.path)
            weakref.finalize(self, reader.close)
            self._opened = (os.getpid(), reader, threading.Lock())
        return self._opened[1:]


def _open(path: Path) -> Any:
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such bag")
    package = "rosbags.rosbag1" if path.suffix.lower() == ".bag" else "rosbags.rosbag2"
    library = import_optional(package, "ros")
    try:
        reader = library.Reader(path)
        reader.open()
        return reader
    except Exception as error:
        raise UnreadableImageError(
            f"{path}: not a bag that can be read: {_describe(error)}{_advise(str(error))}"
        ) from error


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _advise(reason: str) -> str:
    if "not indexed" in reason:
        return "; it was not closed: rosbag reindex BAG"
    if "end magic" in reason:
        return "; it was not closed: mcap recover BAG"
    if "Profile is not ros2" in reason:
        return "; of mcap those of ROS 2 are read: convert it with rosbags-convert, or take the .bag"
    return ""


@lru_cache(maxsize=2)
def _typestore(is_ros1: bool) -> Any:
    typesys = import_optional("rosbags.typesys", "ros")
    return typesys.get_typestore(typesys.Stores.ROS1_NOETIC if is_ros1 else typesys.Stores.ROS2_HUMBLE)
