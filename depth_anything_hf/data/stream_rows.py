# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The rows of one source for one part of a streaming mixture, in an order that a state continues exactly."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..utils.messages import counted
from .decoding.errors import BrokenSampleError
from .depth_stream import DepthStream
from .lost_shards import CHANGED_SINCE, LostShards
from .samples import Sample, SampleDataset
from .shard_readers import ShardReader


# Last numbers of the seeds; see `mixture`.
SHARD_ORDER, BLOCK_ORDER, ROW_ORDER = 5, 6, 7
# So many shards each part of a local source should have, so that its batches mix shards that are sorted by class.
SHARDS_PER_PART = 16
# Each of the parts that share shards reads them whole; so many at most share them only for better mixing.
MOST_SHARERS = 8
NO_ROW = "the stream is empty, or has fewer rows than processes times workers"


class Row(NamedTuple):
    """A row that is not decoded yet: where it stands, and what reads it."""

    epoch: int
    shard: int
    number: int
    place: str
    read: Callable[[], Sample]

    def address(self, source: int) -> tuple[int, int, int, int]:
        """Return what the randomness of its sample depends on, beside the seed."""
        return self.epoch, source, self.shard, self.number


class Rows(Protocol):
    """Endless rows of one source for one part."""

    def next_row(self) -> Row:
        """Return the next row."""

    def state_dict(self) -> dict[str, Any]:
        """Return the position behind the rows handed out."""


def open_rows(
    data: DepthStream | SampleDataset,
    name: str,
    seed: int,
    source: int,
    part: int,
    part_count: int,
    shuffle_rows: int,
    state: dict[str, Any] | None,
) -> Rows:
    """Return the rows of a source for one part, from the start or from a `state_dict`."""
    if isinstance(data, DepthStream):
        return StreamRows(data, seed, source, part, part_count, shuffle_rows, state)
    return MapRows(data, name, seed, source, part, part_count, state)


class MapRows:
    """Every n-th row of a map-style source, in an order that depends on (seed, epoch)."""

    def __init__(
        self,
        data: SampleDataset,
        name: str,
        seed: int,
        source: int,
        part: int,
        part_count: int,
        state: dict[str, Any] | None,
    ) -> None:
        if len(data) < part_count:
            raise ValueError(
                f"{name} has {counted(len(data), 'sample')} for {part_count} processes times workers; use fewer "
                f"workers"
            )
        self._data, self._name, self._seed, self._source = data, name, seed, source
        self._part, self._part_count = part, part_count
        self._epoch: int = state["epoch"] if state else 0
        self._position: int = state["position"] if state else 0
        self._order = self._order_of_epoch()

    def state_dict(self) -> dict[str, Any]:
        """Return the position behind the rows handed out."""
        return {"epoch": self._epoch, "position": self._position}

    def next_row(self) -> Row:
        """Return the next row."""
        if self._position == len(self._order):
            self._epoch, self._position = self._epoch + 1, 0
            self._order = self._order_of_epoch()
        index = int(self._order[self._position])
        self._position += 1
        return Row(self._epoch, 0, index, f"{self._name}, sample {index}", partial(self._data.__getitem__, index))

    def _order_of_epoch(self) -> np.ndarray:
        random = np.random.default_rng([self._seed, self._epoch, self._source, ROW_ORDER])
        return random.permutation(len(self._data))[self._part :: self._part_count]


class StreamRows:
    """The shards of one part, several open at once, block by block.

    Open shards are lanes: a lane whose shard ends opens the next shard of the part's list, until the list ends with
    the epoch. A block takes equally many rows of every lane. The state names where each lane stood before the block
    (place in the list, row, and the state of its reader), how many of the block's permuted rows have been handed
    out, and the numbers that the order depends on. With a single lane this is the order of the versions that read one
    shard at a time, whose states are continued so.

    Raises:
        ValueError: the stream has another number of shards than the state was saved with.
    """

    def __init__(
        self,
        stream: DepthStream,
        seed: int,
        source: int,
        part: int,
        part_count: int,
        shuffle_rows: int,
        state: dict[str, Any] | None,
    ) -> None:
        self._seed, self._source, self._part, self._part_count = seed, source, part, part_count
        if state is not None and "lanes" not in state:
            state = _with_one_lane(state, shuffle_rows)
        spread = min(SHARDS_PER_PART, stream.open_shards) if stream.is_local else 1
        self._layout: dict[str, Any] = (
            {
                "open_shards": stream.open_shards,
                "shuffle_rows": shuffle_rows,
                "shards_per_part": spread,
                "own_order": True,
            }
            if state is None
            else dict(state["layout"])
        )
        spread = self._layout["shards_per_part"]
        if self._layout.setdefault("files", stream.shard_count) != stream.shard_count:
            raise ValueError(
                f"{stream.name} has {counted(stream.shard_count, 'shard')}, and had {self._layout['files']} "
                f"when the run was "
                "saved, so that its order cannot be continued; resume with the same files, or start a new run from "
                "the weights of the checkpoint"
            )
        self._stream = stream.for_parts(part_count * spread, self._layout.get("row_groups"))
        self._layout["row_groups"] = self._stream.row_groups
        shards = self._stream.shard_count
        # Parts of a team read the same shards and take turns in their rows.
        self._teams = min(part_count, shards)
        if spread > 1:
            self._teams = min(self._teams, max(shards // spread, -(-part_count // MOST_SHARERS), 1))
        self._team, self._rank = part % self._teams, part // self._teams
        self._sharers = len(range(self._team, part_count, self._teams))
        if shards < part_count and part == 0:
            warnings.warn(
                f"{stream.name} has {counted(shards, 'shard')} for {part_count} processes times workers: "
                f"several read the same "
                "shard and take turns in its rows; use fewer workers, or write more and smaller shards",
                stacklevel=2,
            )
        self._epoch, self._used, self._row_in_epoch = 0, 0, False
        self._lost = LostShards()
        # Rows of the block that a state stands in, to be read once more.
        self._rows_before: int | None = None
        if state is not None:
            self._epoch, self._used, self._row_in_epoch = state["epoch"], state["used"], state["row_in_epoch"]
            self._lost, self._rows_before = LostShards(state.get("lost", ())), state.get("block_rows")
        self._shards = self._shards_of_epoch()
        # The first turn goes round, or shards of very few rows would leave nothing to the last parts of a team.
        self._first_turns = -(-self._sharers // len(self._shards)) if spread > 1 else 0
        lanes = self._lane_count()
        self._rows_at_once = max(1, self._layout["shuffle_rows"] // lanes) * self._sharers
        self._lanes = [_Lane(lane) for lane in range(lanes)]
        self._next_turn = lanes
        if state is not None:
            self._lanes = [_Lane(**lane) for lane in state["lanes"]]
            self._next_turn = state["next_turn"]
        self._block: list[tuple[int, int, dict[str, Any]]] | None = None
        self._failures: deque[str] = deque()
        # Where shards of one row or two are shared, an epoch may leave none to a part; the next one has other turns.
        self._epochs_without_row, self._most_epochs_without_row = 0, MOST_SHARERS if self._sharers > 1 else 0

    def state_dict(self) -> dict[str, Any]:
        """Return the position behind the rows handed out, as numbers, strings, lists and dicts."""
        return {
            "epoch": self._epoch,
            "layout": {**self._layout},
            "lanes": [lane.state_dict() for lane in self._lanes],
            "next_turn": self._next_turn,
            "used": self._used,
            "row_in_epoch": self._row_in_epoch,
            "block_rows": self._rows_before if self._block is None else len(self._block),
            "lost": self._lost.state(),
        }

    def next_row(self) -> Row:
        """Return the next row.

        Raises:
            BrokenSampleError: the rest of a shard cannot be read; the next call continues without it.
            ValueError: a whole epoch without a row for this part, or more shards lost than `max_lost_share`.
        """
        while self._block is None or self._used >= len(self._block):
            self._next_block()
        if self._failures:
            raise BrokenSampleError(self._failures.popleft())
        shard, index, row = self._block[self._used]
        self._used += 1
        self._row_in_epoch = True
        return Row(
            self._epoch, shard, index, self._stream.place(shard, index), partial(self._stream.read, row, shard, index)
        )

    def _shards_of_epoch(self) -> list[int]:
        random = np.random.default_rng([self._seed, self._epoch, self._source, SHARD_ORDER])
        order = [int(shard) for shard in random.permutation(self._stream.shard_count)]
        return order[self._team :: self._teams]

    def _lane_count(self) -> int:
        """Return how many shards are open at once: as many in the last round of an epoch as in the others."""
        most: int = min(self._layout["open_shards"], self._layout["shuffle_rows"])
        shards = len(self._shards)
        rounds = -(-shards // most)
        return -(-shards // rounds)

    def _next_block(self) -> None:
        if self._block is not None:
            # Freed before the next block is read.
            self._block, self._used, self._rows_before = None, 0, None
            for lane in self._lanes:
                lane.advance()
        self._prepare()
        block, places = [], []
        lost_before = len(self._lost)
        for lane in self._lanes:
            rows = self._read(lane)
            if rows:
                places.append((self._shards[lane.turn], lane.first_row))
                block += [(self._shards[lane.turn], index, row) for index, row in rows]
        if self._rows_before not in (None, len(block)) and self._failures and len(self._lost) > lost_before:
            self._failures[-1] += CHANGED_SINCE
        if not block:
            self._next_epoch()
            return
        # Parts that share shards begin a block at the same place, and would take the same shards at the same step.
        rank = [self._rank] if self._rank and self._layout.get("own_order") else []
        random = np.random.default_rng([self._seed, self._epoch, self._source, *places[0], *rank, BLOCK_ORDER])
        self._block = [block[place] for place in random.permutation(len(block))]

    def _read(self, lane: _Lane) -> list[tuple[int, dict[str, Any]]]:
        """Return this part's rows among the next ones of a lane, numbered; none at the end of the epoch.

        They are of one shard. The lane then stands before them, whatever was skipped on the way, so that a resume
        meets no damage again.
        """
        while lane.turn < len(self._shards):
            shard = self._shards[lane.turn]
            try:
                rows = lane.read(self._stream, shard, self._rows_at_once)
            except Exception as error:
                # A damaged or unreachable shard raises one of many exceptions of pyarrow, tarfile, zlib or the
                # network.
                self._pass_by(lane, shard, error)
                rows = []
            first = lane.turn * self._first_turns
            own = [
                (index, rows[index - lane.first_row])
                for index in range(lane.first_row, lane.first_row + len(rows))
                if (index + first) % self._sharers == self._rank
            ]
            own = [(index, row) for index, row in own if self._stream.keeps(row, shard, index)]
            if own:
                return own
            if rows:
                lane.advance()
            else:
                lane.open(self._next_turn)
                self._next_turn += 1
        return []

    def _prepare(self) -> None:
        """Begin to fetch the shards that are to be opened now, and the one behind them."""
        turns = [lane.turn for lane in self._lanes if not lane.is_open] + [self._next_turn]
        self._stream.prepare([self._shards[turn] for turn in turns if turn < len(self._shards)])

    def _pass_by(self, lane: _Lane, shard: int, error: Exception) -> None:
        rows = lane.row_count
        name = self._stream.describe_shard(shard)
        unseen = f"from row {lane.first_row} on"
        if rows is not None:
            unseen += f", {counted(max(0, rows - lane.first_row), 'row')}"
        place, reason = f"{self._stream.name}: the rest of {name}", f"{type(error).__name__}: {error}"
        self._failures.append(f"{place} cannot be read ({unseen}): {reason}")
        self._lost.add(self._epoch, self._stream.file_of(shard), f"{place} ({unseen})", reason)
        lost, largest_share = self._lost.files_of(self._epoch), self._stream.largest_lost_share
        files = len({self._stream.file_of(each) for each in self._shards})
        if lost > max(1, largest_share * files):
            raise ValueError(
                f"{self._stream.name}: {lost} of the {counted(files, 'file')} that part {self._part} of "
                f"{self._part_count} has in an epoch cannot be read, more than max_lost_share {largest_share:g}; the "
                f"last one: {self._failures[-1]}. Repair the files or the connection, or raise max_lost_share, and "
                "resume from the last checkpoint"
            )

    def _next_epoch(self) -> None:
        self._epochs_without_row = 0 if self._row_in_epoch else self._epochs_without_row + 1
        if self._epochs_without_row > self._most_epochs_without_row:
            reason = self._failures[-1] if self._failures else NO_ROW
            raise ValueError(
                f"{self._stream.name}: no row in a whole epoch for part {self._part} of {self._part_count}: {reason}"
            )
        self._epoch, self._used, self._row_in_epoch = self._epoch + 1, 0, False
        self._shards = self._shards_of_epoch()
        for turn, lane in enumerate(self._lanes):
            lane.open(turn)
        self._next_turn = len(self._lanes)


class _Lane:
    """One open shard, and how far it was read before the current block and behind it.

    Args:
        turn: place of the shard in the list of the epoch; behind its end, the lane is empty.
        first_row: number of the first row that is read next.
        shard: state of the shard's reader there.
    """

    def __init__(self, turn: int, first_row: int = 0, shard: dict[str, Any] | None = None) -> None:
        self.turn, self.first_row, self._state = turn, first_row, shard
        self._reader: ShardReader | None = None
        self._following = (first_row, shard)

    @property
    def is_open(self) -> bool:
        """Whether the shard was opened."""
        return self._reader is not None

    @property
    def row_count(self) -> int | None:
        """The number of rows of the shard, as far as its reader knows it."""
        return None if self._reader is None else self._reader.row_count

    def open(self, turn: int) -> None:
        """Go to the start of another shard; it is opened when rows are read."""
        self.turn, self.first_row, self._state = turn, 0, None
        self._reader, self._following = None, (0, None)

    def state_dict(self) -> dict[str, Any]:
        """Return where the lane stands, as the arguments of another one."""
        return {"turn": self.turn, "first_row": self.first_row, "shard": self._state}

    def read(self, stream: DepthStream, shard: int, count: int) -> Sequence[dict[str, Any]]:
        """Return up to `count` rows from `first_row` on; the lane stands before them until `advance`."""
        if self._reader is None:
            self._reader = stream.open_shard(shard, count, self.first_row, self._state)
        rows = self._reader.next_rows()
        self._following = (self.first_row + len(rows), self._reader.state_dict())
        return rows

    def advance(self) -> None:
        """Go behind the rows that were read."""
        self.first_row, self._state = self._following


def _with_one_lane(state: dict[str, Any], shuffle_rows: int) -> dict[str, Any]:
    """Return the state of a version that read one shard at a time, and divided it only for want of shards."""
    return {
        "epoch": state["epoch"],
        "layout": {"open_shards": 1, "shuffle_rows": shuffle_rows, "shards_per_part": 1},
        "lanes": [{"turn": state["turn"], "first_row": state["first_row"], "shard": state["shard"]}],
        "next_turn": state["turn"] + 1,
        "used": state["used"],
        "row_in_epoch": state["row_in_epoch"],
    }
