# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag are pictures and depth: those that are named, or the only ones."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .bag_file import BagFile
from .ros_images import COLOURS, COMPRESSED_DEPTH, COMPRESSED_IMAGE, FLOAT_DEPTH, GREYS, IMAGE, WHOLE_DEPTHS


TopicKind = Literal["picture", "grey", "depth", "other"]
# What is added to a topic's name by how it is compressed.
TRANSPORTS = ("/compressed", f"/{COMPRESSED_DEPTH}")
# Of whole numbers of 16 bits that are brightness, confidence or disparity.
NO_DEPTH = frozenset(
    {"ir", "infra", "infra1", "infra2", "infrared", "confidence", "amplitude", "disparity", "intensity"}
)


@dataclass(frozen=True)
class ImageTopic:
    """A topic of images: its name, the number of its messages, how they are encoded, and what they are."""

    name: str
    count: int
    encoding: str
    kind: TopicKind

    @property
    def base(self) -> str:
        """Its name without how it is compressed."""
        return base_of(self.name)

    def __str__(self) -> str:
        return f"{self.name} ({self.encoding}, {self.count})"


def base_of(name: str) -> str:
    """Return the name of a topic without how it is compressed."""
    return next((name.removesuffix(each) for each in TRANSPORTS if name.endswith(each)), name)


def image_topics(bag: BagFile) -> list[ImageTopic]:
    """List the topics of images that have messages, by the first message of each."""
    found = []
    for topic in bag.topics:
        if topic.kind in (IMAGE, COMPRESSED_IMAGE) and topic.count:
            message = bag.first_message(topic.name)
            encoding = str(message.encoding if topic.kind == IMAGE else message.format).strip()
            found.append(ImageTopic(topic.name, topic.count, encoding, _kind_of(topic.name, topic.kind, message)))
    return found


def _kind_of(name: str, message_kind: str, message: Any) -> TopicKind:
    is_brightness = bool(NO_DEPTH & set(re.split(r"[/_]", name.lower())))
    if message_kind == COMPRESSED_IMAGE:
        encoding = str(message.format).split(";")[0].strip()
        if COMPRESSED_DEPTH in message.format:
            return "depth"
        if encoding in WHOLE_DEPTHS and "png" in message.format:
            return "other" if is_brightness else "depth"
        if encoding in (*WHOLE_DEPTHS, FLOAT_DEPTH):
            # What a lossy picture has left of depth.
            return "other"
        return "grey" if encoding in GREYS else "picture"
    encoding = str(message.encoding)
    if encoding in (*WHOLE_DEPTHS, FLOAT_DEPTH):
        return "other" if is_brightness or (encoding == "mono16" and "depth" not in name.lower()) else "depth"
    return "grey" if encoding in GREYS else "picture" if encoding in COLOURS else "other"


def choose_topics(topics: Sequence[ImageTopic], image: str | None, depth: str | None, place: str) -> tuple[str, str]:
    """Return the names of the topics of pictures and of depth.

    Args:
        topics: of `image_topics`.
        image: the topic of pictures, as it is asked for; None: the only one.
        depth: the topic of depth; None: the only one.
        place: starts the messages.

    Raises:
        ValueError: no such topic, none, or several; the message lists them.
    """
    pictures = [each for each in topics if each.kind == "picture"] or [each for each in topics if each.kind == "grey"]
    depths = [each for each in topics if each.kind == "depth"]
    return (
        _choose(pictures, topics, image, place, "pictures", "image_column"),
        _choose(depths, topics, depth, place, "depth", "label_column"),
    )


def _choose(
    candidates: Sequence[ImageTopic],
    topics: Sequence[ImageTopic],
    asked: str | None,
    place: str,
    what: str,
    option: str,
) -> str:
    listed = ", ".join(map(str, topics)) or "none"
    if asked is not None:
        named = [each for each in topics if each.name.strip("/") == asked.strip("/")]
        named = named or [each for each in topics if each.base.strip("/") == asked.strip("/")]
        if not named:
            nearest = difflib.get_close_matches(asked, [each.name for each in topics], n=1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
            raise ValueError(
                f"{place}: there is no topic of images {asked!r}, its topics of images are {listed}{hint}"
            )
        return _best(named).name
    bases = {each.base for each in candidates}
    if len(bases) == 1:
        return _best(candidates).name
    if not bases:
        raise ValueError(
            f"{place}: no topic is known as one of {what}; name it with {option}; its topics of images are {listed}"
        )
    raise ValueError(
        f"{place}: {len(bases)} topics may be the {what}: {', '.join(map(str, candidates))}; name one with {option}"
    )


def _best(topics: Sequence[ImageTopic]) -> ImageTopic:
    """Return the topic that is not compressed, where there is one: compression may have lost something."""
    return min(topics, key=lambda each: each.name != each.base)
