# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Images that were asked for by files and folders, each once, and the names of their results."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

from ..data.decoding.files import visible_files
from ..data.decoding.images import find_images
from ..data.further_frames import warn_of_further_frames
from ..data.grey_maps import without_grey_maps
from ..data.index.file_runs import FileRuns
from ..data.left_out import warn_of_left_out, without_maps
from ..data.prediction_list import OwnFiles


NAMED_IN_ERROR = 5


@dataclass(frozen=True)
class ImageFile:
    """An image that was asked for.

    Attributes:
        path: as given, or below a folder as given.
        name: with folders and suffix, by `/`: below the folder that was asked for, and below that folder's own name
            where several were. No two images have one name.
        stamp: by what it is known where that is not size and time of a file, in the form of `stamp_of`.
    """

    path: Path
    name: str
    stamp: Mapping[str, int] | None = None


def find_image_files(inputs: Sequence[Path]) -> list[ImageFile]:
    """List images and all images below folders, each once.

    Of folders, pictures that commands have left there and depth maps are not listed, see `without_grey_maps`. A named
    file that a command has left is listed only if all are: patterns such as `photos/*.png` name the results of an
    earlier run there too.

    Raises:
        FileNotFoundError: an input is neither; the message names all of them.
        ValueError: a folder has no images, or nothing but maps.
    """
    missing = [str(path) for path in inputs if not path.exists()]
    if missing:
        more = f" and {len(missing) - NAMED_IN_ERROR} more" if len(missing) > NAMED_IN_ERROR else ""
        raise FileNotFoundError(
            f"{', '.join(missing[:NAMED_IN_ERROR])}{more}: no such file or folder; correct the name, or leave it out"
        )
    folders = [Path(os.path.realpath(path if path.is_dir() else path.parent)) for path in inputs]
    outer = sorted({folder for folder in folders if not any(other in folder.parents for other in folders)})
    labels = _labels(outer)
    own = OwnFiles()
    results = {path for path in inputs if path.is_file() and path in own}
    if len(results) < len(inputs):
        warn_of_left_out(Path(os.path.commonpath(outer)), results, "written by an earlier run")
    else:
        results = set()
    found: dict[Path, ImageFile] = {}
    for given, folder in zip(inputs, folders, strict=True):
        root = next(root for root in outer if root == folder or root in folder.parents)
        listed = _find_photographs(given, own) if given.is_dir() else [] if given in results else find_images([given])
        for path in listed:
            inside = path.relative_to(given) if given.is_dir() else Path(path.name)
            place = folder / inside
            found.setdefault(place, ImageFile(path, (labels[root] / place.relative_to(root)).as_posix()))
    listed = [file.path for file in found.values()]
    warn_of_further_frames(inputs[0] if len(inputs) == 1 else Path(os.path.commonpath(outer)), listed)
    return list(found.values())


def _find_photographs(folder: Path, own: OwnFiles) -> list[Path]:
    """List the images below a folder, without predictions and depth maps; one line tells what else is left out."""
    images = [path for path in find_images([folder]) if path not in own]
    if not images:
        raise ValueError(f"{folder}: no images but pictures of earlier predictions")
    known = set(images)
    # Numbers lie where predictions do.
    others = (path for path in visible_files(folder) if not (path in known or path in own or path.suffix == ".npz"))
    warn_of_left_out(folder, others, "not in a format of photographs")
    return list(without_grey_maps(folder, without_maps(folder, FileRuns.of_paths(images))))


def assign_targets(names: Sequence[str], known: Mapping[str, str]) -> list[str]:
    """Return a name without suffix for the results of each image; no two share one, whatever the case of letters.

    `a.jpg` gives `a`; `a.jpg` and `a.png` give `a_jpg` and `a_png`.

    Args:
        names: of images, with folders by `/`.
        known: name -> target of earlier runs, which stay theirs.
    """
    stems = {name: str(PurePosixPath(name).with_suffix("")) for name in names}
    taken = {target.casefold() for target in known.values()}
    new = [name for name in names if name not in known]
    times = Counter(stems[name].casefold() for name in new)
    alone = {name for name in new if times[stems[name].casefold()] == 1 and stems[name].casefold() not in taken}
    taken |= {stems[name].casefold() for name in alone}
    targets = dict(known) | {name: stems[name] for name in alone}
    for name in new:
        if name in alone:
            continue
        path = PurePosixPath(name)
        base = str(path.with_name(path.name.replace(".", "_")))
        candidates = (base if number == 1 else f"{base}_{number}" for number in count(1))
        targets[name] = next(target for target in candidates if target.casefold() not in taken)
        taken.add(targets[name].casefold())
    return [targets[name] for name in names]


def _labels(roots: Sequence[Path]) -> dict[Path, Path]:
    """Return the folder's own name for each of several, with as many parents as tell them apart; none for one."""
    if len(roots) == 1:
        return {roots[0]: Path()}
    parts = {root: [part for part in (one.strip(":\\/") for one in root.parts) if part] for root in roots}
    for depth in count(1):
        labels = {root: Path(*parts[root][-depth:]) for root in roots}
        if len({str(label).casefold() for label in labels.values()}) == len(roots) or depth > max(
            map(len, parts.values())
        ):
            return labels
    raise AssertionError
