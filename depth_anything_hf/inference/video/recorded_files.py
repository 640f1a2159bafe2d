# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Videos that are predicted into a folder: their names there, and which files are theirs."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...data.left_out import warn_of_left_out
from ...data.prediction_list import OwnFiles, is_own_file, read_entries
from ...utils.messages import counted
from ...utils.option_errors import OptionError
from ...utils.outputs import refuse_to_replace
from ...utils.paths import local_path
from ..prediction_folder import Planned, PredictionFolder
from ..prediction_formats import FORMATS
from ..prediction_sources import ImageFile
from .decoding import AvSource
from .frames import FrameSource
from .outputs import FRAMES_SUFFIX, NUMBER_DIGITS, VideoOutputs
from .parts import FRAMES_FOLDER, stamp
from .recording import Recording, join_recording
from .sources import files_of, is_live_name, is_local, name_of_video, without_secrets
from .unfinished import UnfinishedVideo, find_unfinished, name_of_unfinished


@dataclass(frozen=True)
class VideoInput:
    """A video that was asked for.

    Attributes:
        given: what `open_video` takes.
        file: how the folder of results knows it.
        is_live: whether it cannot be had again.
    """

    given: str | list[str]
    file: ImageFile
    is_live: bool = False


def find_video_files(videos: Sequence[str | list[str]], output_dir: Path) -> list[VideoInput]:
    """Return the videos with their names, each once.

    Videos that an earlier run has written are left out unless all are. Of a camera there may be results already, which
    cannot be had again: it gets another name then.

    Raises:
        FileNotFoundError: no such file or folder.
        OptionError: two videos of one name.
    """
    own = OwnFiles()
    written = {each for each in videos if isinstance(each, str) and is_local(each) and local_path(each) in own}
    if written and len(written) < len(videos):
        left_out = [local_path(each) for each in written]
        warn_of_left_out(
            Path(os.path.commonpath([path.parent for path in left_out])), left_out, "written by an earlier run"
        )
        videos = [each for each in videos if not (isinstance(each, str) and each in written)]
    known = read_entries(output_dir) if output_dir.is_dir() else {}
    found: dict[str, VideoInput] = {}
    for given in videos:
        if isinstance(given, str) and not is_local(given):
            name, is_live = name_of_video(given), is_live_name(given)
            if is_live:
                number, plain = 2, name
                while name in known or name in found:
                    name, number = f"{plain}_{number}", number + 1
            # Of a URL all that is known before it is opened: others end in the same name.
            stamp = {"bytes": 0, "mtime_ns": time.time_ns() if is_live else _number_of(given)}
            file = ImageFile(Path(without_secrets(given)), name, stamp)
        else:
            paths = [local_path(each) for each in given] if isinstance(given, list) else files_of(given)
            missing = [str(path) for path in paths if not path.exists()]
            if missing:
                raise FileNotFoundError(f"{missing[0]}: no such video or picture; correct the name")
            is_live = False
            place = paths[0].parent if isinstance(given, list) else local_path(given)
            name = name_of_video(str(place))
            file = ImageFile(place, name, None if place.is_file() else _stamp_of_all(paths))
        if name in found and found[name].given != given:
            raise OptionError(f"two videos are called {name}; give them in two calls, with two output folders")
        found[name] = VideoInput(given, file, is_live)
    return list(found.values())


def with_size(source: VideoInput, opened: FrameSource) -> VideoInput:
    """Return a video whose stamp holds the size that a server tells of it, so that another one there is predicted."""
    if source.is_live or not isinstance(opened, AvSource) or source.file.stamp is None:
        return source
    stamp = {**source.file.stamp, "bytes": opened.byte_count}
    return replace(source, file=replace(source.file, stamp=stamp))


def check_frames(folder: PredictionFolder, planned: Planned, outputs: VideoOutputs, overwrite: bool) -> None:
    """Check that no file of the user's lies where the files of frames are to be.

    Raises:
        FileExistsError: one does; the message names it.
        NotADirectoryError: there is a file in the folder's place.
    """
    if outputs.frames is None or overwrite:
        return
    place = folder.folder / f"{planned.target}{FRAMES_SUFFIX}"
    if not os.path.lexists(place):
        return
    if not place.is_dir():
        raise NotADirectoryError(f"{place} cannot be written: expected a folder, but it is a file; move it away")
    endings = "|".join(re.escape(FORMATS[name].suffix) for name in outputs.frames.formats)
    named = re.compile(rf"\d{{{NUMBER_DIGITS},}}({endings})")
    entry = folder.entry(planned)
    theirs = [
        path
        for path in sorted(place.iterdir())
        if named.fullmatch(path.name) and not is_own_file(folder.folder, path, entry)
    ]
    refuse_to_replace(theirs, "choose another output folder, or replace them by --overwrite")


def incomplete_downloads(
    folder: PredictionFolder, planned: Sequence[Planned], videos: Iterable[VideoInput]
) -> list[Planned]:
    """Return those whose frames an earlier run could not have all from a server, which may give them now."""
    remote = {each.file.name for each in videos if isinstance(each.given, str) and not is_local(each.given)}
    entries = ((one, folder.entry(one) or {}) for one in planned if one.source.name in remote)
    # Files of another run with its formats beside may be those of the incomplete one.
    return [
        one
        for one, entry in entries
        if any(each.get("pixels", {}).get("error") for each in (entry, entry.get("kept", {})))
    ]


def save_recording(folder: PredictionFolder, planned: Planned, recording: Recording) -> None:
    """Give the files of a video their places."""
    written = dict(recording.files)
    stamps: dict[str, Mapping[str, Any]] = {suffix: stamp(path) for suffix, path in written.items()}
    unfinished = next(iter(written.values())).parent
    for name, known in recording.numbered.items():
        suffix = f"{FRAMES_SUFFIX}/{name}"
        written[suffix] = unfinished / FRAMES_FOLDER / name
        stamps[suffix] = known
    about = {"frames": recording.frames, "cuts": recording.cuts, "error": recording.error}
    folder.save_files(planned, written, stamps, about)


def describe_live(options: Mapping[str, Any], outputs: VideoOutputs, source: VideoInput) -> dict[str, Any] | None:
    """Return what `complete_recordings` needs to know of a source that cannot be had again, JSON values; None: it can.

    Args:
        options: that the values depend on, as the list of the folder holds them.
        outputs: what is written.
        source: the video.
    """
    if not source.is_live:
        return None
    file = {"path": str(source.file.path), "name": source.file.name, "stamp": dict(source.file.stamp or {})}
    return {"file": file, "options": dict(options), "outputs": outputs.arguments}


def complete_recordings(output_dir: Path, overwrite: bool = False) -> Iterator[tuple[str, Recording | None]]:
    """Complete the recordings of live sources whose process was killed, one after the other.

    Args:
        output_dir: folder of the results.
        overwrite: replace files of others.

    Returns:
        The name of each, and what was written of it; None: it had no complete part, and its name is free again.

    Raises:
        FileExistsError: a file of the user's lies where one of the files is to be.
        ValueError: another process is recording into the folder.
    """
    if not find_unfinished(output_dir):
        return
    with PredictionFolder(output_dir, overwrite) as folder:
        # Where nobody is kept out, one of them may be going on.
        for place in find_unfinished(output_dir) if folder.is_exclusive else ():
            unfinished = UnfinishedVideo.of_live(place, output_dir / f"{name_of_unfinished(place)}{FRAMES_SUFFIX}")
            if unfinished is None or unfinished.live is None:
                continue
            file, options = unfinished.live["file"], unfinished.live["options"]
            outputs = VideoOutputs.make(**unfinished.live["outputs"])
            planned = folder.plan([ImageFile(Path(file["path"]), file["name"], file["stamp"])], list(outputs.suffixes))
            check_frames(folder, planned[0], outputs, overwrite)
            is_missing = bool(folder.missing(planned, outputs.suffixes, options))
            recording = None
            if is_missing and not unfinished.parts:
                folder.drop(planned[0])
            elif is_missing:
                recording = join_recording(
                    outputs,
                    unfinished,
                    name=file["name"],
                    kind=options["kind"],
                    temporal=options["temporal"],
                    smooth=options["smooth"],
                    error=f"{file['name']}: the recording was interrupted; {counted(len(unfinished.frames), 'frame')} "
                    "of complete parts kept",
                )
                save_recording(folder, planned[0], recording)
            unfinished.remove()
            yield file["name"], recording


def digest_of(options: Mapping[str, Any], outputs: VideoOutputs, source: VideoInput) -> str:
    """Return what tells whether a killed run may be gone on with: values, files, and the video."""
    known = source.file.stamp
    if known is None:
        status = source.file.path.stat()
        known = {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
    record = {"options": options, "outputs": outputs.settings, "video": dict(known), "place": str(source.given)}
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _stamp_of_all(paths: Sequence[Path]) -> dict[str, int]:
    """Return by what a sequence is known: names, sizes and times of all files."""
    states = [path.stat() for path in paths]
    each = [f"{path.name}/{state.st_size}/{state.st_mtime_ns}" for path, state in zip(paths, states, strict=True)]
    # Files without compression have one size, and may change their places.
    return {"bytes": sum(state.st_size for state in states), "mtime_ns": _number_of("/".join(each))}


def _number_of(text: str) -> int:
    """Return a number that other texts do not have."""
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogateescape")).digest()[:8], "big")
