# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Openers of the official data sets with measured depth, with annotated pairs, and of MoGe's bundle.

An opener takes (root, split, **options) and gives `PublicSamples`; it looks at folders, not into pictures.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..decoding.depth_maps import LabelRules, read_label
from ..decoding.errors import BrokenSampleError, UnreadableImageError
from ..decoding.images import read_image
from ..samples import Sample, check_choice
from .formats import (
    pinhole_matrix,
    read_bare_floats,
    read_hdf5,
    read_kitti_intrinsics,
    read_log_depth,
    read_matlab,
    read_matrix,
    read_middlebury_calibration,
    read_stored_image,
)
from .frames import (
    DEPTH_RULES,
    Frame,
    PublicSamples,
    below,
    invalid_unless,
    lines_of,
    matches,
    needed_file,
    swap_last,
)


# NYU Depth V2

# Colour camera of the toolbox's camera_params.m, whose pixel indices start at 1.
NYU_INTRINSICS = pinhole_matrix(518.857901, 519.469611, 325.582449 - 1, 253.736166 - 1)
NYU_MATLAB, NYU_SPLITS = "nyu_depth_v2_labeled.mat", "splits.mat"
MILLIMETRE_RULES = LabelRules("depth", scale=1000.0, invalid_values=(0, 65535))


def open_nyu(root: Path, split: str | None, *, filled: bool = False) -> PublicSamples:
    if (root / NYU_MATLAB).is_file() or (root / NYU_SPLITS).is_file():
        return _open_nyu_matlab(root, split, filled)
    folder = _nyu_folder(root, str(split))
    pairs = _nyu_pairs(folder, filled) if folder else ()
    frames = [Frame(below(folder or root, picture), (picture, depth)) for picture, depth in pairs]
    return PublicSamples("depth", frames, _read_nyu_png)


def _nyu_folder(root: Path, split: str) -> Path | None:
    """The folder of a split; the root itself only where it has no folder of another split."""
    folders = [root / "official_splits" / split, root / split, *([root / "sync"] if split == "train" else [])]
    other = [root / name for name in ("official_splits", "train", "test") if (root / name).is_dir()]
    return next((folder for folder in folders if folder.is_dir()), None if other else root)


def _open_nyu_matlab(root: Path, split: str | None, filled: bool) -> PublicSamples:
    # Indices in the file start at 1.
    splits = read_matlab(needed_file(root / NYU_SPLITS, "it is published beside the labelled data set"))
    try:
        indices = np.atleast_1d(splits["trainNdxs" if split == "train" else "testNdxs"]).astype(int) - 1
    except KeyError as error:
        raise UnreadableImageError(f"{root / NYU_SPLITS}: expected trainNdxs and testNdxs") from error
    labelled = str(root / NYU_MATLAB)
    frames = [Frame(f"nyu_{index + 1:04d}", (labelled,), int(index)) for index in indices]
    return PublicSamples("depth", frames, partial(_read_nyu_matlab, key="depths" if filled else "rawDepths"))


def _nyu_pairs(root: Path, filled: bool) -> Iterator[tuple[str, str]]:
    label = "filled_" if filled else "depth_"
    pictures = matches(root, "*.jpg", "*.png", "*/*.jpg", "*/*.png", "*/*/*.jpg", "*/*/*.png")
    known = set(pictures)
    for picture in pictures:
        folder, name = os.path.split(picture)
        stem = os.path.splitext(name)[0]
        if name.startswith("rgb_"):
            number = stem[len("rgb_") :]
            synchronised = os.path.join(folder, f"sync_depth_{number}.png")
            has_synchronised = not filled and synchronised in known
            yield picture, synchronised if has_synchronised else os.path.join(folder, f"{label}{number}.png")
        elif os.path.basename(folder) == "rgb":
            yield picture, os.path.join(swap_last(folder, "rgb", "depth"), f"{stem}.png")
        elif name.endswith(".jpg") and os.path.join(folder, f"{stem}.png") in known:
            yield picture, os.path.join(folder, f"{stem}.png")


def _read_nyu_matlab(frame: Frame, key: str) -> Sample:
    # MATLAB stores columns first: (3, W, H) and (W, H).
    image = read_hdf5(frame.files[0], "images", frame.details).transpose(2, 1, 0)
    depth = read_hdf5(frame.files[0], key, frame.details).T
    return {
        "image": np.ascontiguousarray(image),
        "depth": DEPTH_RULES.apply(depth, f"{frame.files[0]}, {frame.name}"),
        "intrinsics": NYU_INTRINSICS.copy(),
    }


def _read_nyu_png(frame: Frame) -> Sample:
    picture, depth = frame.files
    sample: Sample = {"image": read_image(picture), "depth": MILLIMETRE_RULES.read(depth)}
    if sample["image"].shape[:2] == (480, 640):
        sample["intrinsics"] = NYU_INTRINSICS.copy()
    return sample


# KITTI

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
    if split == "selection":
        return PublicSamples("depth", _kitti_selection(root), _read_kitti)
    raw = Path(raw_root).expanduser() if raw_root else _first_folder(root, "raw", "raw_data")
    annotated = Path(depth_root).expanduser() if depth_root else _first_folder(root, "data_depth_annotated", "depth")
    if split == "eigen-test" or list_file:
        frames = _kitti_listed(root, raw, annotated, list_file)
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


def _kitti_listed(root: Path, raw: Path, annotated: Path, list_file: str | None) -> list[Frame]:
    lists = [Path(list_file).expanduser()] if list_file else [root / name for name in KITTI_LISTS]
    path = next((path for path in lists if path.is_file()), lists[0])
    needed_file(path, KITTI_LIST_ADVICE)
    frames, without_depth = [], 0
    for line in lines_of(path):
        match = re.match(r"(?:\S*/)?(\d{4}_\d\d_\d\d_drive_\d{4}_sync)(?:/(image_0\d)/data/|\s+)(\d+)(.*)", line)
        if match is None:
            raise ValueError(f"{path}: no drive and frame number in the line {line!r}; {KITTI_LIST_ADVICE}")
        drive, number, rest = match[1], match[3].zfill(10), match[4].split()
        camera = match[2] or ("image_03" if rest[:1] == ["r"] else "image_02")
        depth = _kitti_depth(annotated, drive, camera, number)
        if "None" in rest or depth is None:
            without_depth += 1
        else:
            frames.append(_kitti_frame(raw, drive, camera, number, depth))
    if frames and without_depth:
        warnings.warn(
            f"{path}: {without_depth} of {without_depth + len(frames)} pictures have no annotated depth and are left "
            "out (45 of the 697 of Eigen's test list are expected)",
            stacklevel=4,
        )
    return frames


def _kitti_depth(annotated: Path, drive: str, camera: str, number: str) -> str | None:
    """The depth file, None where the drive was annotated without this frame; of an absent drive the expected path."""
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


# Scanned scenes

# Of the virtual camera that the scans were cut with (diode-devkit, intrinsics.txt), at 1024 x 768.
DIODE_INTRINSICS = pinhole_matrix(886.81, 927.06, 512.0, 384.0)


def open_diode(root: Path, split: str | None, *, environment: str = "all") -> PublicSamples:
    check_choice("environment", environment, ("all", "indoors", "outdoor"))
    environments = ("indoors", "outdoor") if environment == "all" else (environment,)
    folder = root if root.name == split else root / str(split)
    frames = []
    for picture in matches(folder, *(f"{part}/scene_*/scan_*/*.png" for part in environments)):
        stem = picture[: -len(".png")]
        frames.append(Frame(below(root, picture), (picture, f"{stem}_depth_mask.npy", f"{stem}_depth.npy")))
    return PublicSamples("depth", frames, _read_diode)


def _read_diode(frame: Frame) -> Sample:
    picture, mask_file, depth_file = frame.files
    depth, mask = DEPTH_RULES.read(depth_file), read_label(mask_file, scale=1)
    if mask.shape != depth.shape:
        raise BrokenSampleError(f"{mask_file}: expected the depth's shape {depth.shape}, got {mask.shape}")
    return {
        "image": read_image(picture),
        "depth": invalid_unless(depth, (mask > 0) & np.isfinite(depth)),
        "intrinsics": DIODE_INTRINSICS.copy(),
    }


def open_eth3d(root: Path, split: str | None) -> PublicSamples:
    frames = []
    for depth in matches(root, "*/ground_truth_depth/dslr_images/*"):
        scene, name = Path(depth).parts[-4], Path(depth).name
        frames.append(Frame(f"{scene}/{name}", (str(Path(depth).parents[2] / "images/dslr_images" / name), depth)))
    return PublicSamples("depth", frames, _read_eth3d)


def _read_eth3d(frame: Frame) -> Sample:
    picture, depth_file = frame.files
    image = read_stored_image(picture)
    depth = read_bare_floats(depth_file, *image.shape[:2])
    return {"image": image, "depth": invalid_unless(depth, np.isfinite(depth) & (depth > 0))}


def open_ibims(root: Path, split: str | None) -> PublicSamples:
    folder = root / "ibims1_core_mat" if (root / "ibims1_core_mat").is_dir() else root
    names = folder / "imagelist.txt"
    if names.is_file():
        stems = [Path(line).stem for line in lines_of(names)]
    else:
        stems = [Path(path).stem for path in matches(folder, "*.mat")]
    return PublicSamples("depth", [Frame(stem, (str(folder / f"{stem}.mat"),)) for stem in stems], _read_ibims)


def _read_ibims(frame: Frame) -> Sample:
    path = frame.files[0]
    try:
        data = read_matlab(path)["data"]
        depth, calibration = np.asarray(data.depth, dtype=np.float32), np.asarray(data.calib, dtype=np.float64)
        # Both masks are 1 where a pixel is good, whatever their names say.
        valid = (np.asarray(data.mask_invalid) > 0) & (np.asarray(data.mask_transp) > 0) & (depth > 0)
        image, edges = np.asarray(data.rgb, dtype=np.uint8), np.asarray(data.edges) > 0
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise UnreadableImageError(
            f"{path}: expected a structure data with rgb, depth, edges, calib, mask_invalid, mask_transp: {error!r}"
        ) from error
    # MATLAB's camera matrix is transposed, and its pixel indices start at 1.
    intrinsics = calibration.T.copy()
    intrinsics[:2, 2] -= 1
    return {
        "image": image,
        "depth": invalid_unless(depth, valid & np.isfinite(depth)),
        "intrinsics": intrinsics,
        "edges": edges,
    }


SEVEN_SCENES_INTRINSICS = pinhole_matrix(585.0, 585.0, 320.0, 240.0)


def open_seven_scenes(root: Path, split: str | None) -> PublicSamples:
    list_name = "TrainSplit.txt" if split == "train" else "TestSplit.txt"
    frames = []
    for names in matches(root, list_name, f"*/{list_name}"):
        scene = Path(names).parent
        for line in lines_of(names):
            if line.startswith("#"):
                continue
            match = re.search(r"\d+", line)
            if match is None:
                raise ValueError(f"{names}: expected lines such as sequence1, got {line!r}")
            sequence = scene / f"seq-{int(match[0]):02d}"
            pictures = matches(sequence, "*.color.png") or [str(sequence / "frame-000000.color.png")]
            depths = [path.replace(".color.png", ".depth.png") for path in pictures]
            frames += [Frame(below(root, pair[0]), pair) for pair in zip(pictures, depths, strict=True)]
    return PublicSamples("depth", frames, _read_seven_scenes)


def _read_seven_scenes(frame: Frame) -> Sample:
    picture, depth = frame.files
    return {
        "image": read_image(picture),
        "depth": MILLIMETRE_RULES.read(depth),
        "intrinsics": SEVEN_SCENES_INTRINSICS.copy(),
    }


def open_middlebury(root: Path, split: str | None, *, label: str = "disparity") -> PublicSamples:
    check_choice("label", label, ("disparity", "depth"))
    frames = []
    for calibration in matches(root, "*/calib.txt", "training*/*/calib.txt"):
        folder = Path(calibration).parent
        names = ("disp0GT.pfm", "disp0.pfm")
        disparity = next((name for name in names if (folder / name).is_file()), names[1])
        files = (str(folder / "im0.png"), calibration, str(folder / disparity))
        frames.append(Frame(below(root, str(folder)), files))
    return PublicSamples(label, frames, partial(_read_middlebury, label=label))


def _read_middlebury(frame: Frame, label: str) -> Sample:
    picture, calibration_file, disparity_file = frame.files
    calibration = read_middlebury_calibration(calibration_file)
    stored = read_label(disparity_file)
    # With the offset added, disparity is proportional to inverse depth.
    disparity = stored + calibration["offset"]
    valid = np.isfinite(stored) & (disparity > 0)
    if label == "depth":
        focal = calibration["intrinsics"][0, 0]
        values = focal * calibration["baseline_metres"] / np.where(valid, disparity, 1.0)
    else:
        values = disparity
    return {
        "image": read_image(picture),
        label: invalid_unless(values, valid),
        "intrinsics": calibration["intrinsics"],
    }


# Annotated pairs, and MoGe's bundle


def open_da_2k(root: Path, split: str | None, *, scenario: str | None = None) -> PublicSamples:
    root = root / "DA-2K" if (root / "DA-2K" / "annotations.json").is_file() else root
    path = root / "annotations.json"
    if not path.is_file():
        return PublicSamples(None, [], _read_da_2k)
    try:
        annotations = json.loads(path.read_text(encoding="utf-8"))
        frames = [
            Frame(name, (str(root / name),), _da_2k_points(pairs)) for name, pairs in sorted(annotations.items())
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: expected {{image: [{{point1: [row, column], point2: [row, column], closer_point}}]}}: {error!r}"
        ) from error
    if scenario is not None:
        check_choice("scenario", scenario, sorted({_scenario(frame) for frame in frames}))
        frames = [frame for frame in frames if _scenario(frame) == scenario]
    return PublicSamples(None, frames, _read_da_2k)


def _scenario(frame: Frame) -> str:
    return Path(frame.name).parent.name


def _da_2k_points(pairs: Iterable[Mapping[str, Any]]) -> tuple[list[list[int]], list[list[int]]]:
    nearer, farther = [], []
    for pair in pairs:
        check_choice("closer_point", pair["closer_point"], ("point1", "point2"))
        points = [[int(row), int(column)] for row, column in (pair["point1"], pair["point2"])]
        first, second = points if pair["closer_point"] == "point1" else points[::-1]
        nearer.append(first)
        farther.append(second)
    return nearer, farther


def _read_da_2k(frame: Frame) -> Sample:
    image = read_image(frame.files[0])
    height, width = image.shape[:2]
    pairs = {}
    for side, points in zip(("nearer", "farther"), frame.details, strict=True):
        for row, column in points:
            if not (0 <= row < height and 0 <= column < width):
                raise BrokenSampleError(
                    f"{frame.name}: the annotated point (row {row}, column {column}) lies outside the picture of "
                    f"{height} x {width} (height x width); is this another version of the picture?"
                )
        pairs[side] = np.array(points, dtype=np.int64).reshape(-1, 2)
    return {"image": image, "pairs": pairs, "scenario": _scenario(frame)}


def open_moge(root: Path, split: str | None) -> PublicSamples:
    if split is not None and (root / split).is_dir():
        subsets = [root / split]
    elif (root / ".index.txt").is_file():
        subsets = [root] if split in (None, root.name) else []
    else:
        folders = [Path(path) for path in matches(root, "*")] if split is None else []
        subsets = [folder for folder in folders if (folder / ".index.txt").is_file()]
    frames = []
    for subset in subsets:
        index = needed_file(subset / ".index.txt", "it lists the samples; hidden files must be downloaded too")
        for name in lines_of(index):
            files = tuple(str(subset / name / file) for file in ("image.jpg", "meta.json", "depth.png"))
            frames.append(Frame(f"{subset.name}/{name}", files))
    return PublicSamples("depth", frames, _read_moge)


def _read_moge(frame: Frame) -> Sample:
    picture, meta_file, depth_file = frame.files
    image = read_image(picture)
    height, width = image.shape[:2]
    try:
        normalised = json.loads(Path(meta_file).read_text(encoding="utf-8"))["intrinsics"]
        intrinsics = np.diag([width, height, 1.0]) @ np.asarray(normalised, dtype=np.float64).reshape(3, 3)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableImageError(f"{meta_file}: expected intrinsics, 3 x 3 numbers: {error!r}") from error
    # Normalised coordinates run from border to border.
    intrinsics[:2, 2] -= 0.5
    return {"image": image, "depth": read_log_depth(depth_file), "intrinsics": intrinsics}
