# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a search for images leaves out: what cannot be read, maps among photographs, written labels and predictions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

from .decoding.first_bytes import is_surely_no_map
from .decoding.images import HEIF_ADVICE, HEIF_SUFFIXES, IMAGE_SUFFIXES
from .decoding.limits import picture_mode
from .index.file_runs import FileRuns, suffix_of
from .index.looks import list_folder, note_file, tell
from .index.scan import scan_files
from .prediction_list import OwnFiles


# Beside the images of most datasets, and no loss.
_DOCUMENTS = frozenset(
    {".bib", ".cfg", ".csv", ".db", ".html", ".ini", ".json", ".jsonl", ".license", ".lock", ".log", ".lst", ".md"}
    | {".pdf", ".py", ".rst", ".sh", ".toml", ".tsv", ".txt", ".xml", ".yaml", ".yml"}
)
# Of a folder of pseudo-labels.
LABELS_RECORD, LABEL_SHARDS = "provenance.json", "labels-*.parquet"
SAMPLED = 64
_MAY_BE_MAPS = frozenset({".jp2", ".pgm", ".png", ".pnm", ".tif", ".tiff"})


def describe_kinds(files: FileRuns | Iterable[Path], kind_of: Callable[[str], str] | None = None) -> str:
    """Count files by their suffix, as in "3 .cr2, 1 .mp4"; "" where there are none but documents.

    Args:
        files: any.
        kind_of: returns the suffix that tells the format of a name; None: the last one.
    """
    kind_of = kind_of or _small_suffix
    names = files.names() if isinstance(files, FileRuns) else (path.name for path in files)
    kinds = Counter(kind_of(name) or "without suffix" for name in names if not _is_document(name))
    parts = [f"{count} {kind}{_advice(kind)}" for kind, count in sorted(kinds.items())]
    return ", ".join(parts)


def warn_of_left_out(root: Path, files: FileRuns | Iterable[Path], why: str) -> None:
    """Warn in one line of files that are left out, by kind; say nothing where there are none but documents."""
    kinds = describe_kinds(files)
    if kinds:
        tell(f"{root}: left out {kinds}: {why}", stacklevel=3)


def _small_suffix(name: str) -> str:
    return suffix_of(name).lower()


def _is_document(name: str) -> bool:
    suffix = suffix_of(name)
    return suffix.lower() in _DOCUMENTS or (not suffix and name.isupper())


def _advice(kind: str) -> str:
    is_missing = kind in HEIF_SUFFIXES and kind not in IMAGE_SUFFIXES
    return f" ({HEIF_ADVICE})" if is_missing else ""


def some_of(files: list[Path], count: int = SAMPLED) -> list[Path]:
    """Return at most `count` of the files, at even distances, to look into."""
    return files[:: -(-len(files) // count)]


def without_maps(root: Path, images: FileRuns) -> FileRuns:
    """Return the photographs among the images: without 16-bit files of a single channel, which are depth maps.

    Only the first bytes are read, of a few files of each folder, and of all where a map is among those.

    Raises:
        ValueError: nothing else is there; the message says what to do.
    """
    maps: set[Path] = set()
    for files in images.with_suffixes(_MAY_BE_MAPS).alike():
        if any(map(is_map, files.some(SAMPLED))):
            maps |= {path for path in files if is_map(path)}
    if maps and len(maps) == len(images):
        raise ValueError(
            f"{root}: all {describe_kinds(maps)} files are 16-bit or floating-point maps of a single channel (depth "
            "maps?), no photographs; name the folder of the photographs, or bring both into a layout for labels, "
            "images/ beside depth/, and set label: depth"
        )
    if maps:
        warn_of_left_out(root, maps, "16-bit or floating-point maps of a single channel are no photographs")
    return images.without(maps)


def is_map(file: Path | BinaryIO) -> bool:
    """Tell by the first bytes whether a file holds one channel of more than 8 bits."""
    if isinstance(file, Path) and is_surely_no_map(file):
        return False
    mode = picture_mode(file)
    return mode.startswith("I") or mode == "F"


def outside_labels(files: FileRuns, root: Path) -> FileRuns:
    """Return the files below `root` that no command wrote there; all if there are no others.

    These are those in a folder of pseudo-labels below it, those that a list of predictions names, and pictures and
    records of runs. Photographs may be labelled into a folder among them, or into their own; a repeated run must not
    take its own output for input.
    """
    is_output: dict[Path, bool] = {root: False}

    def is_written(folder: Path) -> bool:
        if folder not in is_output:
            is_output[folder] = holds_labels(folder) or is_written(folder.parent)
        return is_output[folder]

    others = OwnFiles().leave_out(files.in_folders(lambda folder: not is_written(Path(folder))))
    if _is_labelled_in_place(root):
        others = others.keep(
            lambda folder, names: [name for name in names if not _is_of_labels(Path(folder, name), root)]
        )
    return others if others.runs else files


def refuse_predictions(root: Path) -> None:
    """Refuse a folder without images but those that commands have written.

    Raises:
        ValueError: there are such; the message names one.
    """
    predictions = OwnFiles()
    written = [path for path in scan_files(root) if path in predictions]
    if written:
        raise ValueError(
            f"{root}: its pictures are predictions or those of runs, e.g. {written[0]}; name the folder of the "
            "photographs"
        )


def _is_labelled_in_place(root: Path) -> bool:
    """Return whether the labels in a folder are of the photographs there, as far as their record tells."""
    if not holds_labels(root):
        return False
    try:
        return bool(json.loads((root / LABELS_RECORD).read_bytes()).get("data") == root.resolve().name)
    except (ValueError, AttributeError):
        return False


def _is_of_labels(path: Path, root: Path) -> bool:
    if path.parent != root:
        return path.parent == root / "manifest" and path.suffix == ".entry"
    return path.name in (LABELS_RECORD, "manifest.jsonl") or fnmatch(path.name, LABEL_SHARDS)


def holds_labels(folder: Path) -> bool:
    """Return whether a run of `pseudo-label` wrote into a folder."""
    provenance = folder / LABELS_RECORD
    if not provenance.is_file():
        return False
    note_file(provenance)
    # Before the first shard is complete, the file alone tells.
    listing = list_folder(folder)
    if any(fnmatch(name, LABEL_SHARDS) for name in (*listing.names(), *listing.folders)):
        return True
    return b'"shard_size"' in provenance.read_bytes()
