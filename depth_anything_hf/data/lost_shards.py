# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which shards of a stream were passed by, because they could not be read to their end; kept in the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..utils.messages import counted


CHANGED_SINCE = (
    "; before the checkpoint it could, so that from here on the samples are not those of a run without interruption"
)
# So many are kept by name, those of the last epoch in any case.
MOST_NAMED = 100


class LostShards:
    """The shards that one part of a mixture has passed by; every new epoch tries them again.

    Args:
        entries: those of an earlier `state`.
    """

    def __init__(self, entries: Iterable[Mapping[str, Any]] = ()) -> None:
        self._entries = [dict(entry) for entry in entries]

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, epoch: int, file: int, what: str, reason: str) -> None:
        """Note a shard of a file."""
        self._entries.append({"epoch": epoch, "file": file, "what": what, "reason": reason})
        surplus = len(self._entries) - MOST_NAMED
        if surplus > 0:
            early, late = self._entries[:surplus], self._entries[surplus:]
            self._entries = [entry for entry in early if entry["epoch"] == epoch] + late

    def files_of(self, epoch: int) -> int:
        """Return of how many files shards were lost in an epoch."""
        return len({entry["file"] for entry in self._entries if entry["epoch"] == epoch})

    def state(self) -> list[dict[str, Any]]:
        """Return the entries, as numbers, strings, lists and dicts."""
        return [dict(entry) for entry in self._entries]


def lost_in(state: Mapping[str, Any]) -> list[str]:
    """Return what the `state_dict` of a `BatchLoader` tells of shards that were passed by, each once."""
    parts = [part for part in state.get("parts", ()) if part is not None]
    entries = [entry for part in parts for source in part["sources"] for entry in source.get("lost", ())]
    return list(dict.fromkeys(f"{entry['what']}, epoch {entry['epoch']}: {entry['reason']}" for entry in entries))


def describe_lost(lost: Iterable[str]) -> str:
    """Return one line of the shards that all processes have passed by; "" if there are none."""
    named = list(dict.fromkeys(lost))
    if not named:
        return ""
    return f"{counted(len(named), 'shard')} not read to the end, whose rows were not seen: {'; '.join(named)}"
