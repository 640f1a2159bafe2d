# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tell labelled folders, tables and photographs apart, and refuse a folder that is several of them."""

from __future__ import annotations

from pathlib import Path

from ..utils.paths import local_path
from .data_source import RECORDING, DataSource, asked_for_label
from .decoding.encodings.choice import parse_encoding
from .decoding.encodings.detection import proven_encoding
from .decoding.images import IMAGE_SUFFIXES
from .folder_layouts import LAYOUTS, has_layout, label_in_folder
from .index.file_runs import FileRuns
from .index.looks import note_file, tell
from .left_out import describe_kinds, holds_labels, outside_labels, warn_of_left_out
from .pair_lists import LIST_SUFFIXES, METADATA_NAMES, images_in_list
from .recordings.kinds import is_recording, recordings_at
from .table_files import (
    SHARD_SUFFIXES,
    TABLE_FORMATS,
    is_saved_dataset,
    table_suffix,
    table_suffixes,
    tables_and_others,
)


CARD = "README.md"
LINES = ".jsonl"


def detect_kind(source: DataSource) -> str:
    """Tell a folder with labels, a table, recordings and photographs apart; who asks for labels gets no photographs.

    Raises:
        FileNotFoundError: none of them is there.
        ValueError: pictures beside tables or recordings, of which only one can be meant, or an image where labels are
            asked for.
    """
    local = local_path(source.path)
    if local.is_file():
        return _kind_of_file(source, local)
    if not local.is_dir():
        return "table"
    if source.kind != "photos" and has_layout(local, source.split, source.label):
        _refuse_tables_beside_pairs(source, local)
        return "folder"
    if source.kind != "photos" and recordings_at(local):
        _refuse_files_beside_recordings(source, local)
        return RECORDING
    if source.encoding is not None and (
        parse_encoding(source.encoding).encoding.in_photograph
        # An encoding makes depth of files that are called disparity, by the rig that saw them.
        or (source.kind != "photos" and label_in_folder(local, source.split) is not None)
    ):
        return "folder"
    found = _found_in(source, local)
    suffixes = table_suffixes(found)
    if is_saved_dataset(local) or not suffixes.isdisjoint(SHARD_SUFFIXES):
        refuse_pictures_beside_tables(source)
        return "table"
    if not suffixes.isdisjoint(IMAGE_SUFFIXES):
        asked = asked_for_label(source)
        if asked and source.kind != "photos":
            layouts = LAYOUTS.format(label=source.label or "depth")
            raise FileNotFoundError(
                f"{local}: {asked} asks for labels, but the folder has images in none of the layouts for labels; "
                f"expected {layouts}; found {sorted(each.name for each in local.iterdir())[:10]}{_name_lines(found)}"
                f"{_name_encoding(found)}"
            )
        _tell_lines(local, found)
        return "photos"
    if suffixes:
        return "table"
    raise FileNotFoundError(
        f"{local}: expected images with labels ({LAYOUTS.format(label='depth')}), "
        f"tables ({', '.join(TABLE_FORMATS)}), or images ({', '.join(sorted(IMAGE_SUFFIXES))}); found none of them"
    )


def _tell_lines(local: Path, found: FileRuns) -> None:
    """Tell tables whose rows may name the pictures beside them; other JSON files are documents of most datasets."""
    tables = _lines_among(found)
    if tables:
        tell(
            f"{local}: its pictures are read, and not the {len(tables)} {LINES} beside them, e.g. {tables[0]}; name "
            "the file to read the table",
            stacklevel=3,
        )


def _name_lines(found: FileRuns) -> str:
    tables = _lines_among(found)
    return f"; to read the table {tables[0].name}, name the file" if tables else ""


def _name_encoding(found: FileRuns) -> str:
    """Name the encoding of depth that lies inside of a photograph."""
    picture = next(iter(found.with_suffixes(IMAGE_SUFFIXES)), None)
    proven = None if picture is None else proven_encoding(picture.read_bytes())
    if picture is None or proven is None or not proven.in_photograph:
        return ""
    return f"; {picture.name} has depth inside: set encoding: {proven.name}"


def _lines_among(found: FileRuns) -> list[Path]:
    return [path for path in found.with_suffixes([LINES]) if path.name not in METADATA_NAMES]


def _kind_of_file(source: DataSource, local: Path) -> str:
    suffix, asked = table_suffix(local.name), asked_for_label(source)
    if is_recording(local):
        if source.kind == "photos":
            raise ValueError(
                f"{local}: a recording of pictures with depth, a source with labels for training and evaluation; for "
                "its pictures alone save them as files (in a recipe leave kind 'photos' out)"
            )
        return RECORDING
    if suffix in TABLE_FORMATS:
        return "table"
    if suffix in LIST_SUFFIXES and source.kind != "photos" and (asked or label_in_folder(local)):
        return "folder"
    if suffix not in IMAGE_SUFFIXES and not (suffix in LIST_SUFFIXES and any(images_in_list(local, is_probe=True))):
        raise FileNotFoundError(
            f"{local}: expected an image, a table ({', '.join(TABLE_FORMATS)}) or a text list of images "
            f"({', '.join(sorted(LIST_SUFFIXES))}), got a file of neither kind"
        )
    if asked and source.kind != "photos":
        inside = _name_encoding(FileRuns.of_paths([local]))
        advice = f"name the folder{inside}" if inside else f"leave {asked} out"
        raise ValueError(f"{local}: {asked} is for labelled data, and this is an image; {advice}")
    return "photos"


def _found_in(source: DataSource, local: Path) -> FileRuns:
    found = tables_and_others(local, IMAGE_SUFFIXES)
    return outside_labels(found, local) if source.kind == "photos" else found


def refuse_pictures_beside_tables(source: DataSource) -> None:
    """Refuse a folder of tables with pictures that nothing else explains: either could be meant.

    Pictures that its card shows are told only, and those of a folder of pseudo-labels are its card's.

    Raises:
        ValueError: pictures and tables; the message counts both and says how to choose.
    """
    local = local_path(source.path)
    if holds_labels(local):
        return
    found = _found_in(source, local)
    pictures = found.with_suffixes(IMAGE_SUFFIXES)
    tables = _shards_among(found)
    shown = _shown_among(pictures, local)
    warn_of_left_out(local, shown, f"{CARD} shows them, and the tables beside them are read")
    others = pictures.without(shown)
    if others.runs and tables:
        way_out = "" if source.kind == "photos" else ', or set kind: "table" to read the tables'
        raise ValueError(f"{_name_both(local, others, 'pictures', tables)}{way_out}")


def _refuse_tables_beside_pairs(source: DataSource, local: Path) -> None:
    if holds_labels(local):
        return
    found = outside_labels(tables_and_others(local, IMAGE_SUFFIXES), local)
    tables = [path for path in _shards_among(found) if path.name not in METADATA_NAMES]
    if tables:
        pictures = found.with_suffixes(IMAGE_SUFFIXES)
        raise ValueError(
            f'{_name_both(local, pictures, "pictures with labels", tables)}, or set kind: "folder" to read the '
            'pictures, kind: "table" to read the tables'
        )


def _refuse_files_beside_recordings(source: DataSource, local: Path) -> None:
    found = FileRuns() if is_recording(local) else _found_in(source, local)
    wanted = {*IMAGE_SUFFIXES, *SHARD_SUFFIXES}
    others = [] if table_suffixes(found).isdisjoint(wanted) else list(found)
    others = [path for path in others if table_suffix(path.name) in wanted]
    if others:
        raise ValueError(
            f"{local}: pictures or tables ({describe_kinds(others, table_suffix)}) beside recordings, e.g. "
            f"{others[0]} and {recordings_at(local)[0]}, and only one of them can be read: name the folder or the "
            'file of the one that you mean, or set kind: "recording" to read the recordings'
        )


def _shards_among(found: FileRuns) -> list[Path]:
    if table_suffixes(found).isdisjoint(SHARD_SUFFIXES):
        return []
    return [path for path in found if table_suffix(path.name) in SHARD_SUFFIXES]


def _name_both(local: Path, pictures: FileRuns, what: str, tables: list[Path]) -> str:
    kinds = describe_kinds(tables, table_suffix)
    examples = f"{pictures.first()} and {tables[0]}" if pictures.runs else str(tables[0])
    return (
        f"{local}: {what} ({describe_kinds(pictures)}) beside tables ({kinds}), e.g. {examples}, and only one of them "
        "can be read: name the folder or the file of the one that you mean, or move the others elsewhere"
    )


def _shown_among(pictures: FileRuns, root: Path) -> list[Path]:
    """Return the pictures that the card of a data set names."""
    card = root / CARD
    if not card.is_file():
        return []
    note_file(card)
    text = card.read_text(encoding="utf-8", errors="replace")
    return [path for path in pictures if path.relative_to(root).as_posix() in text]
