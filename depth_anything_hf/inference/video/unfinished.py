# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The folder of a video that is under way: complete parts, and the state to go on from after a kill."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...utils.files import atomic_write
from .parts import FRAMES_FOLDER, part_record, read_part


STATE = "state.npz"
# Of a source that cannot be had again: what its files are completed by.
LIVE_FILE = "recording.json"
_ENDING = ".unfinished_video"
_RECORD, _ARRAY = "record", "__array__"
MARK = "Parts of a video that depth-anything-hf predicts; the same command goes on from here. May be removed.\n"
MARK_FILE = "README.txt"


class UnfinishedVideo:
    """Parts and state of one video.

    Args:
        target: what the files of the video are called, without suffix.
        digest: of all that they depend on; parts of another digest are removed.
        live: of a source that cannot be had again, what `recorded_files` needs to complete its files; JSON values.
    """

    def __init__(self, target: Path, digest: str, live: Mapping[str, Any] | None = None) -> None:
        self.folder = target.with_name(f".{target.name}{_ENDING}")
        self.live = live
        self._digest = digest
        self.parts: list[dict[str, Any]] = []
        self.state: dict[str, Any] | None = None

    def open(self) -> None:
        """Read what is there, or begin anew.

        Raises:
            FileExistsError: there is something else of this name.
        """
        mark = self.folder / MARK_FILE
        if self.folder.exists() and not _is_own(self.folder):
            raise FileExistsError(f"{self.folder}: already there and not written by an earlier run; move it away")
        state = _read_state(self.folder / STATE)
        if state is not None and state["digest"] == self._digest:
            parts = [read_part(self.folder, number) for number in range(state["parts"])]
            if parts and None not in parts:
                self.parts, self.state = [part for part in parts if part is not None], state
        if self.state is None:
            self.remove()
            atomic_write(mark, MARK)
            (self.folder / FRAMES_FOLDER).mkdir(exist_ok=True)
            if self.live is not None:
                atomic_write(self.folder / LIVE_FILE, json.dumps(self.live))

    @classmethod
    def of_live(cls, folder: Path, frames: Path) -> UnfinishedVideo | None:
        """Open what a process has left of a source that cannot be had again, up to the first part that is damaged.

        Args:
            folder: of the unfinished video.
            frames: where its files of frames go, and some are where the process ended on the way.

        Returns:
            None for a folder that holds something else.
        """
        try:
            live = json.loads((folder / LIVE_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not _is_own(folder):
            return None
        found = cls(folder.with_name(name_of_unfinished(folder)), "", live)
        while True:
            _take_back(folder, len(found.parts), frames)
            part = read_part(folder, len(found.parts))
            if part is None:
                break
            found.parts.append(part)
            found.state = {"time_base": part["time_base"], "ranges": part["ranges"]}
        return found

    @property
    def frames(self) -> list[Mapping[str, Any]]:
        """What the parts say of their frames."""
        return [frame for part in self.parts for frame in part["frames"]]

    def add_part(self, state: Mapping[str, Any]) -> None:
        """Count the next part, whose record was just written, as complete.

        Args:
            state: to go on from behind it, plain values and arrays.
        """
        part = json.loads(part_record(self.folder, len(self.parts)).read_text(encoding="utf-8"))
        self.parts.append(part)
        self.state = {**state, "digest": self._digest, "parts": len(self.parts)}
        atomic_write(self.folder / STATE, _encode_state(self.state))

    def remove(self) -> None:
        """Remove the folder."""
        if self.folder.exists():
            shutil.rmtree(self.folder)


def find_unfinished(folder: Path) -> list[Path]:
    """List the folders of videos of live sources that are under way below a folder of results, or were."""
    return sorted(path.parent for path in folder.glob(f".*{_ENDING}/{LIVE_FILE}"))


def name_of_unfinished(folder: Path) -> str:
    """Return what the files of an unfinished video are called, without suffix."""
    return folder.name[1:].removesuffix(_ENDING)


def _is_own(folder: Path) -> bool:
    mark = folder / MARK_FILE
    return mark.is_file() and mark.read_text(encoding="utf-8") == MARK


def _take_back(folder: Path, number: int, frames: Path) -> None:
    """Bring the files of frames of a part back from where they were moved to."""
    try:
        names = json.loads(part_record(folder, number).read_text(encoding="utf-8"))["numbered"]
    except (OSError, ValueError, KeyError):
        return
    for name in names:
        place = folder / FRAMES_FOLDER / name
        if not place.exists() and (frames / name).is_file():
            os.replace(frames / name, place)


def _encode_state(state: Mapping[str, Any]) -> bytes:
    arrays: dict[str, np.ndarray] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays[f"array_{len(arrays)}"] = value
            return {_ARRAY: f"array_{len(arrays) - 1}"}
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, Mapping):
            return {str(key): plain(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [plain(each) for each in value]
        return value

    record = json.dumps(plain(state))
    file = io.BytesIO()
    numbers: dict[str, Any] = {_RECORD: np.array(record), **arrays}
    np.savez(file, **numbers)
    return file.getvalue()


def _read_state(path: Path) -> dict[str, Any] | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files if name != _RECORD}
            record = json.loads(str(stored[_RECORD]))
    except Exception:
        # None yet, or a damaged one, which shows as one of many exceptions of zipfile, zlib or NumPy.
        return None

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            return arrays[value[_ARRAY]] if _ARRAY in value else {key: whole(each) for key, each in value.items()}
        return [whole(each) for each in value] if isinstance(value, list) else value

    found: dict[str, Any] = whole(record)
    return found
