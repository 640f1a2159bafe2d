# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""KITTI: roads with the annotated depth of a laser scanner; the Eigen test list and the depth selection."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...utils.paths import local_path
from ..decoding.depth_maps import LabelRules
from ..decoding.errors import UnreadableImageError
from ..decoding.files import read_bytes
from ..decoding.images import read_image
from ..samples import Sample
from .formats import PathLike, numbers_in, read_matrix
from .frames import Frame, PublicSamples, lines_of, matches, require_file
from .spec import PublicDataset


KITTI_RULES = LabelRules("depth", scale=256.0)
KITTI_LISTS = ("eigen_test_files_with_gt.txt", "eigen_test_files.txt")
KITTI_LIST_ADVICE = (
    "the Eigen test list is published in cleinc/bts (train_test_inputs/eigen_test_files_with_gt.txt) and in "
    "mrharicot/monodepth (utils/filenames/eigen_test_files.txt)"
)
KITTI_SELECTION = "val_selection_cropped"


def open_kitti(
    root: Path,
    split: str | None,
    *,
    list_file: str | None = None,
    raw_root: str | None = None,
    depth_root: str | None = None,
    cameras: Sequence[str] = ("image_02",),
) -> PublicSamples:
    """Find the frames of KITTI.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or "val" of the annotated depth, "eigen-test" (the list of Eigen et al.), or "selection" (the
            cropped images of the depth benchmark).
        list_file: the list of "eigen-test" or another one of its form, if it is not in the root.
        raw_root: folder of the raw images, if they are not below the root.
        depth_root: folder of the annotated depth, if it is not below the root.
        cameras: "image_02" (left colour camera), "image_03" (right), or both.

    Raises:
        FileNotFoundError: the list is missing.
        ValueError: a line of the list has another form.
    """
    if split == "selection":
        return PublicSamples("depth", _kitti_selection(root), _read_kitti)
    raw = local_path(raw_root) if raw_root else _first_folder(root, "raw", "raw_data")
    annotated = local_path(depth_root) if depth_root else _first_folder(root, "data_depth_annotated", "depth")
    if split == "eigen-test" or list_file:
        frames = _kitti_frames_of_list(root, raw, annotated, list_file)
    else:
        found = matches(annotated, f"{split}/*_sync/proj_depth/groundtruth/image_0*/*.png")
        parts = [(Path(path).parts[-5], Path(path).parts[-2], Path(path).stem, path) for path in found]
        frames = [_kitti_frame(raw, *names) for names in parts if names[1] in cameras]
    return PublicSamples("depth", frames, _read_kitti)


def _first_folder(root: Path, *names: str) -> Path:
    return next((root / name for name in names if (root / name).is_dir()), root)


def _kitti_frame(raw: Path, drive: str, camera: str, number: str, depth: str) -> Frame:
    date = drive[:10]
    picture = str(raw / date / drive / camera / "data" / f"{number}.png")
    calibration = str(raw / date / "calib_cam_to_cam.txt")
    return Frame(f"{drive}/{camera}/{number}", (picture, depth), (calibration, camera))


def _kitti_frames_of_list(root: Path, raw: Path, annotated: Path, list_file: str | None) -> list[Frame]:
    lists = [local_path(list_file)] if list_file else [root / name for name in KITTI_LISTS]
    path = next((path for path in lists if path.is_file()), lists[0])
    require_file(path, KITTI_LIST_ADVICE)
    frames, without_depth = [], 0
    for line in lines_of(path):
        match = re.match(r"(?:\S*/)?(\d{4}_\d\d_\d\d_drive_\d{4}_sync)(?:/(image_0\d)/data/|\s+)(\d+)(.*)", line)
        if match is None:
            raise ValueError(
                f"{path}: expected a drive and a frame number, got the line {line!r}; {KITTI_LIST_ADVICE}"
            )
        drive, number, rest = match[1], match[3].zfill(10), match[4].split()
        camera = match[2] or ("image_03" if rest[:1] == ["r"] else "image_02")
        depth = _kitti_depth(annotated, drive, camera, number)
        if "None" in rest or depth is None:
            without_depth += 1
        else:
            frames.append(_kitti_frame(raw, drive, camera, number, depth))
    if frames and without_depth:
        warnings.warn(
            f"{path}: {without_depth} of {without_depth + len(frames)} images have no annotated depth and are left "
            "out (45 of the 697 of Eigen's test list are expected)",
            stacklevel=4,
        )
    return frames


def _kitti_depth(annotated: Path, drive: str, camera: str, number: str) -> str | None:
    """Return the depth file; None if its drive lacks this frame, and the expected path if the drive is not there."""
    folders = [annotated / part / drive / "proj_depth" / "groundtruth" / camera for part in ("train", "val")]
    present = [folder for folder in folders if folder.is_dir()]
    for folder in present:
        if (folder / f"{number}.png").is_file():
            return str(folder / f"{number}.png")
    return None if present else str(folders[1] / f"{number}.png")


def _kitti_selection(root: Path) -> list[Frame]:
    frames = []
    for depth in matches(
        root,
        f"{KITTI_SELECTION}/groundtruth_depth/*.png",
        f"depth_selection/{KITTI_SELECTION}/groundtruth_depth/*.png",
        "groundtruth_depth/*.png",
    ):
        folder, name = Path(depth).parents[1], Path(depth).name.replace("_groundtruth_depth_", "_image_")
        camera = str(folder / "intrinsics" / f"{Path(name).stem}.txt")
        frames.append(Frame(Path(name).stem, (str(folder / "image" / name), camera, depth)))
    return frames


def _read_kitti(frame: Frame) -> Sample:
    picture, depth = frame.files[0], frame.files[-1]
    sample: Sample = {"image": read_image(picture), "depth": KITTI_RULES.read(depth)}
    if frame.details is None:
        sample["intrinsics"] = read_matrix(frame.files[1])
    elif os.path.isfile(frame.details[0]):
        sample["intrinsics"] = read_kitti_intrinsics(*frame.details)
    return sample


def read_kitti_intrinsics(path: PathLike, camera: str) -> np.ndarray:
    """Read the intrinsics (3, 3) float64 of the rectified images of a camera from a `calib_cam_to_cam.txt`.

    Args:
        path: the file.
        camera: folder of the camera, such as "image_02".

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: the line of the camera is missing.
    """
    content, name = read_bytes(path)
    key = f"P_rect_{camera[-2:]}:"
    for line in content.decode("utf-8", "replace").splitlines():
        if line.startswith(key) and len(numbers := numbers_in(line[len(key) :])) == 12:
            return np.array(numbers).reshape(3, 4)[:, :3]
    raise UnreadableImageError(f"{name}: expected a line {key} with 12 numbers, found none")


KITTI = PublicDataset(
    name="kitti",
    title="KITTI, raw images with annotated depth",
    license="CC BY-NC-SA 3.0",
    citation=(
        "Geiger et al., Vision meets Robotics: The KITTI Dataset, IJRR 2013; Uhrig et al., Sparsity Invariant CNNs, "
        "3DV 2017"
    ),
    homepage="https://www.cvlibs.net/datasets/kitti/eval_depth.php",
    layout=(
        "2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000069.png (or below raw/)\n"
        "val/2011_09_26_drive_0002_sync/proj_depth/groundtruth/image_02/0000000069.png, likewise train/ "
        "(or below data_depth_annotated/)\n"
        "2011_09_26/calib_cam_to_cam.txt (for intrinsics)\n"
        "eigen_test_files_with_gt.txt or eigen_test_files.txt (for eigen-test)\n"
        "depth_selection/val_selection_cropped/{image,groundtruth_depth,intrinsics}/ (for selection)"
    ),
    label="depth",
    unit="metres; the files hold uint16, 256 per metre, 0 invalid (sparse)",
    splits=("train", "val", "eigen-test", "selection"),
    default_split="val",
    opener=open_kitti,
    verified="layout by the authors' development kit and other public code; depth with a genuine file",
    traps=(
        "eigen-test needs the list of 697 images, of which 652 have annotated depth. Drives of that list are in "
        "train/ and in val/ of the annotated depth: download both."
    ),
)
