# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What labels on a node of a Ray cluster: an actor that opens images and teacher once, and labels shard by shard."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..utils.quiet import quiet_libraries
from ..version import __version__
from .ray_folder import TOKEN


if TYPE_CHECKING:
    from .fill_shards import ShardLabeller
    from .report import LabelOutcome
    from .runner import LabelArguments

# Column of the rows that an actor returns.
RESULT = "result"
# So often a task is begun whose process dies, before it is taken for the cause.
LARGEST_TRIES = 16


@dataclass(frozen=True)
class FleetRun:
    """What every actor of a run is told.

    Attributes:
        arguments: of the run; paths are absolute.
        folder: hidden one in the folder of the labels, for the time of the run; it holds the file `TOKEN`, and how
            often each task under way was begun.
        content: of the file `TOKEN`, by which a node shows that it sees the folder.
        local: paths of images and teacher that lie in the file system of the driver.
        version: of the driver's package.
    """

    arguments: LabelArguments
    folder: str
    content: str
    local: tuple[str, ...]
    version: str = __version__


@dataclass(frozen=True)
class TaskResult:
    """What an actor returns for some shards: what came of them, or why the run cannot go on."""

    shards: tuple[int, ...]
    outcome: LabelOutcome | None = None
    error: str = ""
    is_system_error: bool = False


def node_fault(run: FleetRun, version: str | None, token: str | None, missing: list[str], node: str) -> str:
    """Return why a node cannot take part, "" if it can.

    Args:
        run: of the driver.
        version: of the node's package; None where it is not installed.
        token: what the node reads in the token's file; None where there is none.
        missing: local paths that the node does not see.
        node: its name.
    """
    folder = Path(run.folder).parent
    if version != run.version:
        there = "is not installed" if version is None else f"is version {version}"
        return (
            f"depth_anything_hf {there} on node {node}, and {run.version} here: labels of one run must come from one "
            f"version; install depth_anything_hf=={run.version} on all nodes"
        )
    if token != run.content:
        return (
            f"node {node} does not see the output folder {folder} of this machine; all nodes must see it under this "
            "path: give an --output_dir on a shared file system"
        )
    if missing:
        return f"node {node} does not see {' and '.join(missing)}; put it on a file system that all nodes see"
    return ""


class LabelActor:
    """Label shards for `ray.data.Dataset.map_batches`; opens everything at its first call.

    A constructor that fails would be called again; what a call returns as an error ends the run.
    """

    def __init__(self, run: FleetRun) -> None:
        self._run = run
        self._labeller: ShardLabeller | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Label the shards of one task: columns `first` and `count`, one row."""
        first = int(batch["first"][0])
        shards = tuple(range(first, first + int(batch["count"][0])))
        try:
            if self._labeller is None:
                self._labeller = self._open()
            with self._counted_try(shards):
                result = TaskResult(shards, self._labeller.label(shards))
        except (ValueError, OSError, ImportError) as error:
            node = socket.gethostname()
            result = TaskResult(shards, None, f"on node {node}: {error}", isinstance(error, OSError))
        column = np.empty(1, dtype=object)
        column[0] = result
        return {RESULT: column}

    @contextmanager
    def _counted_try(self, shards: tuple[int, ...]) -> Iterator[None]:
        """Count how often the task is begun; Ray by itself repeats for ever what kills its process."""
        path = Path(self._run.folder, f"{shards[0]}.tries")
        before = path.stat().st_size if path.exists() else 0
        if before >= LARGEST_TRIES:
            raise ValueError(
                f"the process that labelled the shards {shards[0]} to {shards[-1]} was lost {before} times; see "
                "Ray's logs for the reason, e.g. an image that takes too much memory, and run the same command again"
            )
        with path.open("ab") as file:
            file.write(b".")
        yield
        path.unlink(missing_ok=True)

    def _open(self) -> ShardLabeller:
        from .runner import open_labeller

        # A node may have joined after the driver looked at all of them.
        token = Path(self._run.folder, TOKEN)
        content = token.read_text(encoding="utf-8") if token.is_file() else None
        missing = [path for path in self._run.local if not Path(path).exists()]
        fault = node_fault(self._run, __version__, content, missing, socket.gethostname())
        if fault:
            raise ValueError(fault)
        quiet_libraries()
        return open_labeller(self._run.arguments)
