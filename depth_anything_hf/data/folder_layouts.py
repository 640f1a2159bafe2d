# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Layouts of local folders: which files are images, and which label belongs to which image."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .decoding.depth_maps import LABEL_SUFFIXES, LABELS
from .decoding.exr import exr_is_readable
from .decoding.images import IMAGE_SUFFIXES
from .further_frames import warn_of_further_frames
from .grey_maps import without_grey_maps
from .index.file_runs import FileRuns, suffix_of
from .index.looks import list_folder, one_opening, tell
from .index.pair_runs import PairRuns
from .index.scan import regular, scan_files, walk_folders
from .layout_names import (
    LABEL_NAMES,
    image_folder,
    is_label_folder,
    is_split,
    label_folder,
    normalize,
    split_names,
)
from .left_out import outside_labels, refuse_predictions, warn_of_left_out, without_maps
from .pair_lists import (
    LIST_SUFFIXES,
    images_in_list,
    images_in_metadata,
    label_of_list,
    labels_of_metadata,
    list_in_folder,
    list_of_split,
    metadata_in,
    pairs_in_list,
    pairs_in_metadata,
    warn_of_unused_metadata,
)
from .pairs_by_name import NoCommonNameError, pairs_by_name
from .predicted_labels import label_told


LAYOUTS = (
    "metadata.jsonl or metadata.csv with file_name and {label}_file_name; images/ (or rgb/, color/, ...) beside "
    "{label}/, also in train/, val/ or in a folder for each scene; or a text list with an image and its label in each "
    "line"
)


def readable_suffixes() -> list[str]:
    """Return the suffixes of images and labels that can be read here, which depends on installed packages."""
    return sorted(IMAGE_SUFFIXES | LABEL_SUFFIXES) + ["exr"] * exr_is_readable()


@one_opening()
def images_in(root: Path, split: str | None = None) -> FileRuns:
    """List the photographs of a folder in one of the layouts, or anywhere below it; a file is a list of one.

    Labels are left out, and so are 16-bit files of a single channel. One line tells what else is.

    Raises:
        FileNotFoundError: no such folder or file.
        ValueError: damaged metadata, no such split, or a folder of maps.
    """
    if not root.exists():
        raise FileNotFoundError(f"{root}: no such folder")
    if root.is_file():
        listed = FileRuns.of_paths(images_in_list(root) if root.suffix.lower() in LIST_SUFFIXES else [root])
        warn_of_further_frames(root, listed)
        return listed
    root = _told_split_folder(root, split)
    metadata = metadata_in(root)
    if metadata is not None:
        listed = FileRuns.of_paths(images_in_metadata(metadata))
        warn_of_further_frames(root, listed)
        return listed
    warn_of_unused_metadata(root)
    pairs = [pair for label in LABELS for pair in _paired_folders(root, label, split)]
    is_direct = any(_parent_of_pair(images) == root for images, _ in pairs)
    files = outside_labels(scan_files(pairs[0][0] if is_direct else root), root)
    paired = {images for images, _ in pairs}
    above = {images.parent for images in paired}
    folders = [] if is_direct else files.folders()
    beside = {folder for folder in folders if _is_beside_images(Path(folder), root, paired, above)}
    others = files.in_folders(lambda folder: folder not in beside)
    images = regular(others.with_suffixes(IMAGE_SUFFIXES))
    unknown = others.with_suffixes(IMAGE_SUFFIXES, are_wanted=False)
    warn_of_left_out(root, unknown, "not in a format of photographs")
    if not pairs:
        labels = files.in_folders(beside.__contains__)
        warn_of_left_out(root, labels, "in a folder with the name of labels")
    if not images.runs:
        refuse_predictions(root)
    photographs = without_grey_maps(root, without_maps(root, images))
    warn_of_further_frames(root, photographs)
    return photographs


def _told_split_folder(root: Path, split: str | None) -> Path:
    """Return the folder of the split; where it is the one that is read by default, tell the others."""
    folder = split_folder(root, split)
    others = [f"{each.name}/" for each in _folders_of_splits(root) if each != folder] if folder != root else []
    if others and split == "train":
        tell(
            f"{root}: of its splits {folder.name}/ is read, and not {', '.join(others)}; set split to read another "
            'one, split: "" to read all',
            stacklevel=3,
        )
    return folder


def _is_beside_images(folder: Path, root: Path, images: set[Path], above: set[Path]) -> bool:
    """Tell whether the files of a folder are labels, or beside a folder of images that has one of labels.

    Args:
        folder: of the files.
        root: that the search began at.
        images: folders of images that have one of labels beside them.
        above: the parents of these.
    """
    for each in (folder, *folder.parents):
        if each in images or each in above:
            return each not in images
    return any(is_label_folder(name) for name in folder.relative_to(root).parts)


def label_in_folder(root: Path, split: str | None = None) -> str | None:
    """Return the label that a folder or a text list has in one of the layouts, depth before disparity; None without.

    Raises:
        ValueError: no such split, or two folders or lists could be meant.
    """
    if root.is_file():
        return label_of_list(root) if root.suffix.lower() in LIST_SUFFIXES else None
    return _label_below(root, split_folder(root, split), split)


def _label_below(root: Path, base: Path, split: str | None) -> str | None:
    metadata = metadata_in(base)
    labels = [] if metadata is None else labels_of_metadata(metadata)
    if labels:
        return labels[0]
    listed = list_of_split(root, split) if base == root else None
    if listed is not None:
        return label_of_list(listed)
    for label in LABELS:
        if _paired_folders(base, label, split):
            return label
    listed = list_in_folder(root, split)
    return None if listed is None else label_of_list(listed)


def has_layout(root: Path, split: str | None, label: str | None) -> bool:
    """Tell whether a folder is in one of the layouts for this label, or for any if it is None."""
    try:
        base = split_folder(root, split)
    except ValueError:
        # The folder may be one of tables, which have splits of their own.
        base = root
    if label is None:
        return _label_below(root, base, split) is not None
    is_there = metadata_in(base) is not None or bool(_paired_folders(base, label, split))
    if is_there or list_in_folder(root, split) is not None:
        return True
    _refuse_other_kind(base, label, split)
    return False


def _refuse_other_kind(base: Path, label: str, split: str | None) -> None:
    """Refuse folders named after the label whose files say that they are of the other kind.

    Raises:
        ValueError: there are such; the message names one.
    """
    for other in LABELS:
        for _, labels in _paired_folders(base, other, split) if other != label else ():
            folder = labels.parent if is_split(labels.name) else labels
            if normalize(folder.name) in LABEL_NAMES[label]:
                raise ValueError(
                    f"{folder}: holds {other}, as the predictions there say themselves, and not {label}; set label: "
                    f"{other}, leave label out, or predict {label}"
                )


@one_opening()
def pairs_in_folder(root: Path, label: str, split: str | None = None) -> PairRuns:
    """List (image, label) of a folder in one of `LAYOUTS`, or of a text list.

    Args:
        root: the folder or list.
        label: "depth" or "disparity".
        split: which of the splits is meant if the folder is divided into such; None takes all.

    Raises:
        FileNotFoundError: no such folder, or none of the layouts is there.
        ValueError: no pairs, damaged metadata, no such split, or two files of the same name.
    """
    pairs = _find_pairs(root, label, split)
    warn_of_further_frames(root, pairs.images())
    return pairs


def _find_pairs(root: Path, label: str, split: str | None) -> PairRuns:
    if root.is_file() and root.suffix.lower() in LIST_SUFFIXES:
        return PairRuns.of_paths(pairs_in_list(root))
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder")
    base = split_folder(root, split)
    metadata = metadata_in(base)
    if metadata is not None and label in labels_of_metadata(metadata):
        return PairRuns.of_paths(pairs_in_metadata(metadata, label))
    warn_of_unused_metadata(base)
    listed = list_of_split(root, split, label) if base == root else None
    folders = [] if listed is not None else _paired_folders(base, label, split)
    if folders:
        if metadata is not None:
            tell(
                f"{metadata}: has no key {label}_file_name; all pairs of equal names in the folders are taken",
                stacklevel=3,
            )
        try:
            return PairRuns(run for images, labels in folders for run in pairs_by_name(images, labels).runs)
        except NoCommonNameError:
            # A list may say which belong together, as where names are times.
            listed = list_in_folder(root, split, label)
            if listed is None:
                raise
    listed = listed or list_in_folder(root, split, label)
    if listed is not None:
        return PairRuns.of_paths(pairs_in_list(listed))
    if metadata is not None:
        # For its message, which names the keys.
        return PairRuns.of_paths(pairs_in_metadata(metadata, label))
    _refuse_other_kind(base, label, split)
    entries = sorted(entry.name for entry in base.iterdir())[:10]
    raise FileNotFoundError(
        f"{base}: expected {LAYOUTS.format(label=label)}; "
        + (f"found {entries}" if entries else "the folder is empty")
    )


def split_folder(root: Path, split: str | None) -> Path:
    """Return the sub-folder of the split if a folder is divided into such, and else the folder itself.

    Raises:
        ValueError: the folder has other splits only, or a split other than train is asked for and is not there.
    """
    if not split or not root.is_dir():
        return root
    folders = _folders_in(root)
    found = _split_among(folders, split)
    if metadata_in(root) is not None or any(_pair_in(folders, root, label) for label in LABELS):
        # Such a folder may still be divided below: images/train/ and depth/train/.
        is_divided = any(_folders_of_splits(folder) for folder in folders)
        if is_divided or split == "train" or list_of_split(root, split) is not None:
            return root
        raise ValueError(f"{root}: no split {split!r}: the folder is not divided into splits; leave split out")
    listing = list_folder(root)
    has_files = any(suffix_of(name).lower() in IMAGE_SUFFIXES for name in (*listing.names(), *listing.folders))
    splits = [] if has_files else _folders_of_splits(root)
    if found is not None and (splits or split != "train" or _has_samples(found)):
        return found
    if not splits and (split == "train" or list_in_folder(root, split) is not None):
        return root
    pairs = [pair for label in LABELS for pair in _paired_folders(root, label, None)]
    if any(part.lower() == split.lower() or is_split(part) for images, _ in pairs for part in _parts(images, root)):
        # Which of them is found, or named, where pairs are looked for.
        return root
    there = f"set split to one of {[each.name for each in splits]}" if splits else "leave split out"
    reason = "" if splits else ": the folder is not divided into splits"
    raise ValueError(f"{root}: no split {split!r}{reason}; {there}")


def _has_samples(folder: Path) -> bool:
    return metadata_in(folder) is not None or any(_paired_folders(folder, label, None) for label in LABELS)


def _folders_in(root: Path) -> list[Path]:
    return [root / name for name in list_folder(root).folders]


def _folders_of_splits(root: Path) -> list[Path]:
    """Return the sub-folders if all of them have names of splits."""
    folders = _folders_in(root)
    return folders if all(is_split(each.name) for each in folders) else []


def _split_among(folders: Iterable[Path], split: str) -> Path | None:
    by_name = {each.name.lower(): each for each in folders}
    exact = next((each for each in by_name.values() if each.name == split), None)
    return exact or next((by_name[name.lower()] for name in split_names(split) if name.lower() in by_name), None)


def _paired_folders(root: Path, label: str, split: str | None) -> list[tuple[Path, Path]]:
    """List the folders of images that have one of labels beside them: in the root itself, or anywhere below it."""
    pair = _pair_in(_folders_in(root), root, label)
    if pair is not None:
        return [_split_of_pair(*pair, split)]
    pairs = []
    for place, folders in walk_folders(root):
        pair = _pair_in([Path(place, name) for name in folders], Path(place), label)
        if pair is not None:
            pairs.append(pair)
            folders[:] = [name for name in folders if Path(place, name) not in pair]
    return _pairs_of_split(pairs, root, split)


def _pairs_of_split(pairs: list[tuple[Path, Path]], root: Path, split: str | None) -> list[tuple[Path, Path]]:
    """Leave out the pairs of folders whose path names another split."""
    if not split:
        return pairs
    wanted = {name.lower() for name in split_names(split)}
    found: dict[str, list[tuple[Path, Path]]] = {}
    for images, labels in pairs:
        names = [part.lower() for part in _parts(images, root) if is_split(part) or part.lower() in wanted]
        found.setdefault("" if not names or wanted & set(names) else names[0], []).append((images, labels))
    if found and "" not in found:
        raise ValueError(f"{root}: no split {split!r}; set split to one of {sorted(found)}")
    return found.get("", [])


def _parts(path: Path, root: Path) -> tuple[str, ...]:
    return path.relative_to(root).parts


def _pair_in(folders: list[Path], parent: Path, label: str) -> tuple[Path, Path] | None:
    # What `predict` has written may be of the other kind than the name of its folder.
    told = {each: label_told(each) for each in folders if is_label_folder(each.name)}
    own = [each for each, kind in told.items() if kind == label]
    labels = label_folder([each for each in told if told[each] is None] + own, label, parent, own)
    images = None if labels is None else image_folder(folders, parent)
    return None if images is None or labels is None else (images, labels)


def _parent_of_pair(images: Path) -> Path:
    return images.parent.parent if is_split(images.name) else images.parent


def _split_of_pair(images: Path, labels: Path, split: str | None) -> tuple[Path, Path]:
    splits = _folders_of_splits(images)
    if not split or not splits:
        return images, labels
    own, other = _split_among(splits, split), _split_among(_folders_in(labels), split)
    if own is None or other is None:
        missing = images if own is None else labels
        names = [each.name for each in _folders_in(missing)]
        raise ValueError(f"{missing}: no split {split!r}; set split to one of {names}")
    return own, other
