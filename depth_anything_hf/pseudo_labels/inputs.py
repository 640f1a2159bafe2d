# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Images to label, divided into shards that can be computed independently; pictures keep their encoded bytes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import cv2
import numpy as np

from ..data.decoding.disparity_codec import encode_disparity
from ..data.decoding.errors import BrokenSampleError, UnreadableImageError
from ..data.decoding.files import read_bytes
from ..data.decoding.images import read_image
from ..data.depth_stream import DepthStream, fetch_cell
from ..data.further_frames import has_further_frames
from ..data.left_out import is_map
from ..data.mixture import check_aspect
from ..data.samples import SampleDataset
from ..utils.image_names import Naming
from ..utils.printable_names import printable_name
from .order import ImageOrder
from .shards import ShardSummary, shard_name


ROWS_READ_AHEAD = 16

Completed: TypeAlias = "Callable[[str], ShardSummary | None]"


@dataclass(frozen=True)
class Picture:
    """An image as it is stored in a shard.

    Attributes:
        content: encoded bytes.
        file_name: without folders, printable; its suffix is that of the encoding.
        reference: path relative to the folder of the labels, or URL; None if the image has none of its own.
    """

    content: bytes
    file_name: str
    reference: str | None


@dataclass
class LabelItem:
    """One image that is being labelled.

    Attributes:
        name: set by `image` if it is not known before.
        row: position in the dataset, or in the input shard of a stream.
        read: returns the image and sets `name` and `picture`.
        picture: set by `image`.
        fault: set by `image`: why the image gets no label although it can be read; "" if it does.
        has_further_frames: set by `image`: whether it is the first of several frames or pages.
        is_map: set by `image`: whether it has one channel of more than 8 bits, as depth maps do.
    """

    name: str
    row: int
    read: Callable[[LabelItem], np.ndarray]
    picture: Picture | None = None
    fault: str = ""
    has_further_frames: bool = False
    is_map: bool = False

    def image(self) -> np.ndarray:
        """Read and decode the image, once and in any thread: uint8 (H, W, 3).

        Of an image that is too long and thin to be resized for training this is a square part, as the teacher's pass
        would take gigabytes for the whole; `fault` is then set.
        """
        image = self.read(self)
        try:
            check_aspect({"name": self.name, "image": image})
        except BrokenSampleError as error:
            self.fault = str(error)
            side = min(image.shape[:2])
            return image[:side, :side]
        return image


@dataclass
class ShardWork:
    """An output shard to be made; `is_last` (of its input shard) is known when all items were taken."""

    file: str
    items: Iterator[LabelItem]
    is_last: bool = True


class TableInputs:
    """A map-style dataset: shard k holds items k * shard_size to (k + 1) * shard_size of its permutation."""

    def __init__(self, dataset: SampleDataset, shard_size: int, naming: Naming, order: ImageOrder) -> None:
        self._dataset = dataset
        self._order = order
        self._rows = order.rows(len(dataset))
        self._shard_size = shard_size
        self._naming = naming
        self.shard_count = count_shards(dataset, shard_size)

    def description(self) -> dict[str, Any]:
        """Return what decides which image is in which shard, as JSON values."""
        description = {"images": len(self._dataset), "input_shards": None, "shard_size": self._shard_size}
        description |= self._order.description()
        names = getattr(self._dataset, "names", None)
        # In tables, names would have to be read together with the pictures.
        return description if names is None else {**description, "names_sha256": self._digest(names)}

    def _digest(self, names: list[str]) -> str:
        digest = hashlib.sha256()
        for name in names:
            digest.update(f"{self._naming.name(name)}\n".encode())
        return digest.hexdigest()

    def item_count(self, shard: int) -> int | None:
        """Return the number of images in an input shard."""
        return len(self._rows_of(shard))

    def files(self, shard: int, completed: Completed) -> list[str]:
        """Return the output shards of an input shard."""
        return [shard_name(shard, self.shard_count)]

    def prepare(self, shard: int, completed: Completed) -> None:
        """Do nothing: the images are read one by one."""

    def work(self, shard: int, completed: Completed) -> Iterator[ShardWork]:
        """Yield the output shards of an input shard that are still to be made."""
        file = shard_name(shard, self.shard_count)
        if completed(file) is None:
            yield ShardWork(file, map(self._item, self._rows_of(shard)))

    def _rows_of(self, shard: int) -> list[int]:
        return [int(row) for row in self._rows[shard * self._shard_size : (shard + 1) * self._shard_size]]

    def _item(self, row: int) -> LabelItem:
        encoded = getattr(self._dataset, "read_encoded", None)
        if encoded is None:
            return LabelItem(f"item {row}", row, partial(_read_sample, self._dataset, self._naming))
        read = partial(_read_encoded, partial(encoded, row), f"row {row}", self._naming)
        return LabelItem(f"item {row}", row, read)


class StreamInputs:
    """A stream: input shard j gives the output shards j, of at most `shard_size` images each.

    Their number is known only at the end of the input shard; the footer of the last one says that it is the last.
    Nothing of another input shard is read, and the rows keep their order, whatever order is asked for.
    """

    def __init__(self, stream: DepthStream, shard_size: int, naming: Naming, order: ImageOrder) -> None:
        self._stream = stream
        self._order = replace(order, seed=None)
        self._shard_size = shard_size
        self._naming = naming
        self.shard_count = stream.shard_count

    def description(self) -> dict[str, Any]:
        """Return what decides which image is in which shard, as JSON values."""
        description = {"images": None, "input_shards": self.shard_count, "shard_size": self._shard_size}
        return description | self._order.description()

    def item_count(self, shard: int) -> int | None:
        """Return None: the number of images in an input shard is not known before it is read."""
        return None

    def files(self, shard: int, completed: Completed) -> list[str]:
        """Return the complete output shards of an input shard, in order."""
        found: list[str] = []
        while True:
            file = shard_name(shard, self.shard_count, part=len(found))
            summary = completed(file)
            if summary is None:
                return found
            found.append(file)
            if summary.is_last:
                return found

    def prepare(self, shard: int, completed: Completed) -> None:
        """Begin to download an input shard that is elsewhere, and whose output shards are not complete."""
        if not self._stream.is_local:
            summaries = [completed(file) for file in self.files(shard, completed)]
            if not summaries or summaries[-1] is None or not summaries[-1].is_last:
                self._stream.prepare([shard])

    def work(self, shard: int, completed: Completed) -> Iterator[ShardWork]:
        """Yield the output shards of an input shard that are still to be made."""
        rows: _Rows | None = None
        part, done_before = 0, 0
        while True:
            file = shard_name(shard, self.shard_count, part)
            summary = completed(file)
            if summary is not None:
                if summary.is_last:
                    return
                done_before += summary.items
            else:
                rows = _Rows(self._items(shard)) if rows is None else rows
                rows.skip(done_before)
                done_before = 0
                work = ShardWork(file, iter(()))
                work.items = self._items_of_part(rows, work)
                yield work
                if work.is_last:
                    return
            part += 1

    def _items_of_part(self, rows: _Rows, work: ShardWork) -> Iterator[LabelItem]:
        for _ in range(self._shard_size):
            if rows.is_at_end():
                break
            yield rows.take()
        work.is_last = rows.is_at_end()

    def _items(self, shard: int) -> Iterator[LabelItem]:
        for index, row in enumerate(_read_ahead(iter(self._stream.shard(shard)))):
            place = f"shard {shard} row {index}"
            encoded = partial(self._stream.read_encoded, row, shard, index)
            yield LabelItem(place, index, partial(_read_encoded, encoded, place, self._naming))


def open_inputs(
    dataset: SampleDataset | DepthStream, shard_size: int, naming: Naming, order: ImageOrder
) -> TableInputs | StreamInputs:
    """Divide a dataset into shards.

    Raises:
        ValueError: the dataset is empty.
    """
    if isinstance(dataset, DepthStream):
        return StreamInputs(dataset, shard_size, naming, order)
    return TableInputs(dataset, shard_size, naming, order)


def count_shards(dataset: SampleDataset | DepthStream, shard_size: int) -> int:
    """Return into how many shards `open_inputs` divides a dataset; of a stream, the number of its own.

    Raises:
        ValueError: the dataset is empty.
    """
    if isinstance(dataset, DepthStream):
        return dataset.shard_count
    if len(dataset) == 0:
        raise ValueError("the dataset is empty: there is no image to label")
    return -(-len(dataset) // shard_size)


class _Rows:
    """Items of an input shard, with a look ahead at whether there is one more."""

    def __init__(self, items: Iterator[LabelItem]) -> None:
        self._items = items
        self._next: LabelItem | None = None

    def is_at_end(self) -> bool:
        if self._next is None:
            self._next = next(self._items, None)
        return self._next is None

    def take(self) -> LabelItem:
        """Return the next item; there must be one."""
        item = self._next if self._next is not None else next(self._items)
        self._next = None
        return item

    def skip(self, count: int) -> None:
        for _ in range(count):
            if self.is_at_end():
                return
            self.take()


def _read_ahead(rows: Iterator[Any]) -> Iterator[Any]:
    """Yield the same rows, read in a thread while those before are used."""
    with ThreadPoolExecutor(1, thread_name_prefix="read") as pool:
        following = pool.submit(lambda: list(islice(rows, ROWS_READ_AHEAD)))
        while block := following.result():
            following = pool.submit(lambda: list(islice(rows, ROWS_READ_AHEAD)))
            yield from block


def label_row(
    item: LabelItem,
    disparity: np.ndarray,
    encoding: str,
    store_images: str,
    further: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the row of an image that was read, with its label float32 (H, W); columns as in `shards.features_of`.

    Args:
        item: the image.
        disparity: its label.
        encoding: "linear" or "log".
        store_images: "bytes" or "reference".
        further: columns beside those of the image and the label.

    Raises:
        ValueError: the image was not read, or its label cannot be encoded.
    """
    picture = item.picture
    if picture is None:
        raise ValueError(f"{item.name}: the image was not read; call `item.image()` before its label is stored")
    png, minimum, maximum = encode_disparity(disparity, encoding)
    height, width = disparity.shape
    by_reference = store_images == "reference"
    return {
        "image": picture.reference if by_reference else {"bytes": picture.content, "path": picture.file_name},
        "disparity": {"bytes": png, "path": f"{Path(picture.file_name).stem}_disparity.png"},
        "disparity_minimum": minimum,
        "disparity_maximum": maximum,
        "disparity_encoding": encoding,
        "name": item.name,
        "source_row": item.row,
        "width": width,
        "height": height,
        **further,
    }


def _read_encoded(encoded: Callable[[], tuple[str, Any]], place: str, naming: Naming, item: LabelItem) -> np.ndarray:
    name, cell = encoded()
    hint = cell.get("path") if isinstance(cell, Mapping) else None
    archive = cell.get("archive") if isinstance(cell, Mapping) else None
    is_embedded = not isinstance(cell, str) and (hint is None or cell.get("bytes") is not None)
    if archive is not None:
        # A name is unique in its archive only.
        name = naming.archived(archive, str(hint))
    elif is_embedded and name == hint:
        # The path of an embedded picture is only a hint; many tables repeat one path in all rows.
        name = f"{place} ({hint})"
    item.name = name if archive is not None else naming.name(name)
    content, path = read_bytes(fetch_cell(cell))
    reference = None if is_embedded else naming.reference(path)
    if archive is not None:
        reference = f"tar://{printable_name(str(hint))}::{naming.reference(archive)}"
    try:
        image = read_image({"bytes": content, "path": path})
    except UnreadableImageError as error:
        raise UnreadableImageError(str(error) if path == name else f"{name}: {error}") from error
    item.picture = Picture(content, printable_name(Path(path).name), reference)
    item.has_further_frames = has_further_frames(content)
    item.is_map = is_map(io.BytesIO(content))
    return image


def _read_sample(dataset: SampleDataset, naming: Naming, item: LabelItem) -> np.ndarray:
    sample = dataset[item.row]
    name = str(sample["name"])
    image: np.ndarray = sample["image"]
    item.name = naming.name(name)
    path = Path(name)
    # Names are free: many are no files, or not this image's file.
    with suppress(OSError, UnreadableImageError, ValueError):
        content = path.read_bytes()
        if np.array_equal(read_image(content), image):
            item.picture = Picture(content, printable_name(path.name), naming.reference(name))
            return image
    _, png = cv2.imencode(".png", image[..., ::-1])
    item.picture = Picture(png.tobytes(), printable_name(f"{path.stem}.png"), None)
    return image
