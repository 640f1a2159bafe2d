# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""An error of one rank ends all of them at once, with its message, instead of leaving them in a collective."""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any

import torch
from accelerate import Accelerator
from torch.distributed import distributed_c10d


# How often a rank looks for the failure of another, and how long the failed one waits at most for all to see it.
POLL_SECONDS, SEEN_SECONDS = 0.5, 3.0
# How long a rank that has seen a failure may take to leave its collective before its process ends at once.
LEAVE_SECONDS = 10.0
EXIT_CODE_FAILED = 1
_runs = itertools.count()


class RankFailures:
    """Context manager around a run: where a rank raises, the others end within seconds and say why.

    An error of one rank, as in its objective or teacher, leaves the others in the all-reduce of the backward pass,
    which NCCL gives up after half an hour. Here the failed rank puts its error into the store of the process group and
    breaks off its own collectives once the others have seen it, so that its process can end. Then Gloo raises on the
    others, and their error becomes "rank N failed: ...". A rank that is stuck all the same, as with NCCL or where the
    failed process goes on, says the same and exits with code 1. Errors that all ranks raise together stay as they are.
    With one process it does nothing.

    Args:
        accelerator: the run's `Accelerator`.

    Raises:
        RuntimeError: on leaving, in place of the error of a collective: another rank failed.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self._rank, self._count = accelerator.process_index, accelerator.num_processes
        self._store = _store() if self._count > 1 else None
        # The store outlives a run. The ranks make their runs in the same order.
        name = f"depth_anything_hf/run-{next(_runs) if self._count > 1 else 0}"
        self._failure_key, self._failed_key, self._seen_key = (
            f"{name}/{key}" for key in ("failure", "failed", "seen")
        )
        self._is_over = threading.Event()
        self._seen: dict[str, Any] | None = None
        self._watcher = threading.Thread(target=self._watch, name="rank failures", daemon=True)

    def __enter__(self) -> RankFailures:
        if self._store is not None:
            self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        is_armed = self._store is not None and not self._is_over.is_set()
        self.disarm()
        if not is_armed or not isinstance(error, Exception):
            return
        failure = self._failure_of_another()
        if failure is not None and _is_of_a_collective(error):
            raise RuntimeError(_describe(failure)) from error
        self._report(error)

    def disarm(self) -> None:
        """End the watch: what follows on this rank is no matter of the others."""
        self._is_over.set()

    def _report(self, error: Exception) -> None:
        """Tell the other ranks, and leave the group unless they have failed too."""
        failure = {"rank": self._rank, "error": f"{type(error).__name__}: {error}"}
        # Without the store, as where its rank has ended, there is nobody left to tell.
        with suppress(Exception):
            assert self._store is not None
            if self._store.add(self._failed_key, 1) == 1:
                self._store.set(self._failure_key, json.dumps(failure))
            end = time.monotonic() + SEEN_SECONDS
            while time.monotonic() < end and self._store.add(self._seen_key, 0) < self._count - 1:
                if self._store.add(self._failed_key, 0) >= self._count:
                    return
                time.sleep(POLL_SECONDS / 10)
            _leave_group()

    def _watch(self) -> None:
        while not self._is_over.wait(POLL_SECONDS):
            failure = self._read()
            if failure is not None and failure["rank"] != self._rank:
                self._seen = failure
                break
        else:
            return
        with suppress(Exception):
            assert self._store is not None
            self._store.add(self._seen_key, 1)
        if not self._is_over.wait(LEAVE_SECONDS):
            sys.stderr.write(f"{_describe(self._seen)}; rank {self._rank} waits for it and exits\n")
            sys.stderr.flush()
            # No exception reaches a thread that waits for a device.
            os._exit(EXIT_CODE_FAILED)

    def _failure_of_another(self) -> dict[str, Any] | None:
        failure = self._seen or self._read()
        return failure if failure is not None and failure["rank"] != self._rank else None

    def _read(self) -> dict[str, Any] | None:
        with suppress(Exception):
            assert self._store is not None
            if self._store.check([self._failure_key]):
                found: dict[str, Any] = json.loads(self._store.get(self._failure_key))
                return found
        return None


def _store() -> Any:
    # There is no public way to it; without it, as with MPI, nothing is watched.
    with suppress(Exception):
        return distributed_c10d._get_default_store()
    return None


def _leave_group() -> None:
    """Break off what the group has under way, so that neither this process nor the others wait for it."""
    # Unlike destroy_process_group it does not wait for collectives of NCCL; releases before 2.6 do not have it.
    leave = getattr(distributed_c10d, "_abort_process_group", torch.distributed.destroy_process_group)
    leave()


def _is_of_a_collective(error: Exception) -> bool:
    # Gloo raises plain errors. Those of a device, such as no memory left, have classes of their own.
    return type(error) is RuntimeError or isinstance(error, torch.distributed.DistError)


def _describe(failure: dict[str, Any] | None) -> str:
    return "" if failure is None else f"rank {failure['rank']} failed: {failure['error']}"


__all__ = ["RankFailures"]
