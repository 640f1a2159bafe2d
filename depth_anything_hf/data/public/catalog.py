# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The official data sets, read in the layout in which they are downloaded: what they are, and how to open them."""

from __future__ import annotations

import difflib
import inspect
import io
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import datasets
import numpy as np

from ..samples import SampleDataset
from . import hypersim as rendered
from . import nyu as measured
from .frames import PublicSamples


MISSING_FILES_SHOWN = 10


@dataclass(frozen=True)
class PublicDataset:
    """What is known of a data set.

    Attributes:
        name: short name, as in `open_public` and `DataSource(kind=...)`.
        title: full name.
        licence: of the data; "unverified" where the terms were not read at the source.
        citation: whom to cite.
        homepage: where to download it.
        layout: the files that must be on disk, relative to the root.
        label: "depth", "disparity", or "pairs" (annotated points and no map).
        unit: of the label, and what it means where there is no measurement.
        splits: choices of `split`; empty where the set has no parts.
        default_split: of `open_public` without `split`; None takes everything.
        opener: (root, split, **options) -> samples.
        traps: what goes wrong most easily.
    """

    name: str
    title: str
    licence: str
    citation: str
    homepage: str
    layout: str
    label: str
    unit: str
    splits: tuple[str, ...]
    default_split: str | None
    opener: Callable[..., PublicSamples]
    traps: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the further arguments of `open_public`, beside `limit` and `max_depth`."""
        parameters = inspect.signature(self.opener).parameters.values()
        return tuple(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)


_TABLE = [
    PublicDataset(
        "hypersim",
        "Hypersim",
        "CC BY-SA 3.0",
        "Roberts et al., Hypersim: A Photorealistic Synthetic Dataset for Holistic Indoor Scene Understanding, "
        "ICCV 2021",
        "https://github.com/apple/ml-hypersim",
        "ai_001_001/images/scene_cam_00_final_preview/frame.0000.tonemap.jpg\n"
        "ai_001_001/images/scene_cam_00_geometry_hdf5/frame.0000.depth_meters.hdf5\n"
        "metadata_camera_parameters.csv (cameras, from contrib/mikeroberts3000)\n"
        "metadata_images_split_scene_v1.csv (for a split, from evermotion_dataset/analysis)",
        "depth",
        "metres; the files hold the distance to the camera centre, NaN invalid",
        ("train", "val", "test"),
        None,
        rendered.open_hypersim,
        "Distance becomes planar depth by each scene's own camera, also where it is tilt-shift: along the normal of "
        "the image plane. Without the table one focal length (886.81 at 1024 x 768) stands in. Bad cameras are left "
        "out unless exclude_bad_cameras=False. A split may be on disk in part: a warning counts the absent scenes.",
    ),
    PublicDataset(
        "vkitti2",
        "Virtual KITTI 2",
        "CC BY-NC-SA 3.0",
        "Cabon, Murray and Humenberger, Virtual KITTI 2, arXiv 2001.10773",
        "https://europe.naverlabs.com/proxy-virtual-worlds-vkitti-2",
        "Scene01/clone/frames/rgb/Camera_0/rgb_00000.jpg\n"
        "Scene01/clone/frames/depth/Camera_0/depth_00000.png\n"
        "(or the same below vkitti_2.0.3_rgb/ and vkitti_2.0.3_depth/)",
        "depth",
        "metres; the files hold centimetres, 65535 is sky (+inf)",
        ("train", "val"),
        None,
        rendered.open_vkitti2,
        "65535 is 655.35 m if read as a number. train is Scene02, 06, 18 and 20, val is Scene01. The right camera "
        "needs cameras=[Camera_1].",
    ),
    PublicDataset(
        "tartanair",
        "TartanAir",
        "CC BY 4.0",
        "Wang et al., TartanAir: A Dataset to Push the Limits of Visual SLAM, IROS 2020",
        "https://github.com/castacks/tartanair_tools",
        "abandonedfactory/Easy/P000/image_left/000000_left.png\n"
        "abandonedfactory/Easy/P000/depth_left/000000_left_depth.npy",
        "depth",
        "metres; 0 invalid, sky (about 10000) is +inf from sky_depth_metres=1000 on",
        ("train",),
        None,
        rendered.open_tartanair,
        "The sky of amusement is broken, so it is left out unless exclude_environments=[]. Ocean has surfaces beyond "
        "1000 m, which count as sky.",
    ),
    PublicDataset(
        "irs",
        "IRS",
        "Apache-2.0 by the repository's LICENSE, other terms by Depth Pro's table 15: unverified",
        "Wang et al., IRS: A Large Naturalistic Indoor Robotics Stereo Dataset, ICME 2021",
        "https://github.com/blackjack2015/IRS",
        "Home/ArchVizKitchen/l_1.png\nHome/ArchVizKitchen/d_1.exr\n(or the same below IRSDataset/)",
        "depth",
        "metres, 48 / disparity (focal length 480 px, baseline 0.1 m); disparity <= 0 invalid",
        ("train", "test"),
        None,
        rendered.open_irs,
        "Disparity is EXR: needs the package OpenEXR. The official splits are lists: list_file=IRSDataset_TRAIN.list "
        "or _TEST.list; without a split all pictures are taken, those of the test split as well. "
        "Some pictures do not match their label.",
    ),
    PublicDataset(
        "blendedmvs",
        "BlendedMVS, low resolution",
        "CC BY 4.0",
        "Yao et al., BlendedMVS: A Large-scale Dataset for Generalized Multi-view Stereo Networks, CVPR 2020",
        "https://github.com/YoYo000/BlendedMVS",
        "5a3ca9cb270f0e3f14d0eddb/blended_images/00000000.jpg\n"
        "5a3ca9cb270f0e3f14d0eddb/cams/00000000_cam.txt\n"
        "5a3ca9cb270f0e3f14d0eddb/rendered_depth_maps/00000000.pfm\n"
        "training_list.txt, validation_list.txt (for a split)",
        "depth",
        "an unknown unit per project, not metres; 0 invalid",
        ("train", "val"),
        None,
        rendered.open_blendedmvs,
        "No metric scale: not for metric training. Some maps have no valid pixel. The pictures named _masked.jpg are "
        "not read.",
    ),
    PublicDataset(
        "nyu",
        "NYU Depth V2",
        "the authors' own terms: unverified",
        "Silberman et al., Indoor Segmentation and Support Inference from RGBD Images, ECCV 2012",
        "https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html",
        "nyu_depth_v2_labeled.mat and splits.mat\n"
        "or 16-bit PNG in millimetres: test/bathroom/rgb_00045.jpg and sync_depth_00045.png (or depth_00045.png); "
        "rgb/NAME.jpg and depth/NAME.png; NAME.jpg beside NAME.png",
        "depth",
        "metres; 0 invalid (PNG: also 65535)",
        ("train", "test"),
        "test",
        measured.open_nyu,
        "test is Eigen's 654 pictures. The label is the raw sensor depth; filled=True gives the painted-in one, "
        "against which AbsRel is worse by about 0.01.",
    ),
    PublicDataset(
        "kitti",
        "KITTI, raw pictures with annotated depth",
        "CC BY-NC-SA 3.0",
        "Geiger et al., Vision meets Robotics: The KITTI Dataset, IJRR 2013; Uhrig et al., Sparsity Invariant CNNs, "
        "3DV 2017",
        "https://www.cvlibs.net/datasets/kitti/eval_depth.php",
        "2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000069.png (or below raw/)\n"
        "val/2011_09_26_drive_0002_sync/proj_depth/groundtruth/image_02/0000000069.png, likewise train/ "
        "(or below data_depth_annotated/)\n"
        "2011_09_26/calib_cam_to_cam.txt (for intrinsics)\n"
        "eigen_test_files_with_gt.txt or eigen_test_files.txt (for eigen-test)\n"
        "depth_selection/val_selection_cropped/{image,groundtruth_depth,intrinsics}/ (for selection)",
        "depth",
        "metres; the files hold uint16, 256 per metre, 0 invalid (sparse)",
        ("train", "val", "eigen-test", "selection"),
        "val",
        measured.open_kitti,
        "eigen-test needs the list of 697 pictures, of which 652 have annotated depth. Drives of that list are in "
        "train/ and in val/ of the annotated depth: download both.",
    ),
    PublicDataset(
        "diode",
        "DIODE",
        "MIT by the LICENSE of diode-devkit; for the data unverified",
        "Vasiljevic et al., DIODE: A Dense Indoor and Outdoor DEpth Dataset, arXiv 1908.00463",
        "https://diode-dataset.org",
        "val/indoors/scene_00019/scan_00183/00019_00183_indoors_000_010.png\n"
        "... the same with _depth.npy and _depth_mask.npy; likewise train/, outdoor/",
        "depth",
        "metres; mask 0 invalid",
        ("train", "val"),
        "val",
        measured.open_diode,
        "Depth at contours is unreliable even where the mask is 1. environment=indoors or outdoor takes one half. "
        "That the depth is planar is unverified.",
    ),
    PublicDataset(
        "eth3d",
        "ETH3D, high-resolution multi-view, training",
        "CC BY-NC-SA 4.0",
        "Schoeps et al., A Multi-View Stereo Benchmark with High-Resolution Images and Multi-Camera Videos, CVPR 2017",
        "https://www.eth3d.net/datasets",
        "courtyard/images/dslr_images/DSC_0286.JPG (SCENE_dslr_jpg.7z)\n"
        "courtyard/ground_truth_depth/dslr_images/DSC_0286.JPG (SCENE_dslr_depth.7z)",
        "depth",
        "metres; infinite is invalid",
        ("train",),
        None,
        measured.open_eth3d,
        "The depth files are bare float32 in spite of their suffix, and belong to the distorted pictures, not to "
        "dslr_images_undistorted. The camera is a fisheye model, so there are no intrinsics.",
    ),
    PublicDataset(
        "sintel",
        "MPI Sintel with depth",
        "the authors' own terms: unverified",
        "Butler et al., A Naturalistic Open Source Movie for Optical Flow Evaluation, ECCV 2012",
        "http://sintel.is.tue.mpg.de/depth",
        "training/final/alley_1/frame_0001.png (or clean, albedo: render_pass=)\n"
        "training/depth/alley_1/frame_0001.dpt\n"
        "training/camdata_left/alley_1/frame_0001.cam",
        "depth",
        "metres of the film's scale",
        ("train",),
        None,
        rendered.open_sintel,
        "Sky has large finite values: a protocol must cap them.",
    ),
    PublicDataset(
        "ibims",
        "iBims-1",
        "the authors' own terms: unverified",
        "Koch et al., Evaluation of CNN-based Single-Image Depth Estimation Methods, ECCV Workshops 2018",
        "https://www.asg.ed.tum.de/lmf/ibims1",
        "ibims1_core_mat/imagelist.txt\nibims1_core_mat/corridor_01.mat",
        "depth",
        "metres; invalid and transparent pixels by the masks",
        ("test",),
        None,
        measured.open_ibims,
        "mask_invalid and mask_transp are 1 where a pixel is good. Samples also have the exact edges, bool (H, W).",
    ),
    PublicDataset(
        "7scenes",
        "7-Scenes",
        "non-commercial terms of Microsoft Research: unverified",
        "Shotton et al., Scene Coordinate Regression Forests for Camera Relocalization in RGB-D Images, CVPR 2013",
        "https://www.microsoft.com/en-us/research/project/rgb-d-dataset-7-scenes",
        "chess/TrainSplit.txt, chess/TestSplit.txt\n"
        "chess/seq-01/frame-000000.color.png\nchess/seq-01/frame-000000.depth.png",
        "depth",
        "metres; the files hold millimetres, 65535 invalid",
        ("train", "test"),
        "test",
        measured.open_seven_scenes,
        "Colour and depth are of two cameras and not registered: expect shifted contours. The intrinsics are the "
        "published ones of the depth camera.",
    ),
    PublicDataset(
        "middlebury",
        "Middlebury stereo 2014 and MiddEval3",
        "terms of the authors: unverified",
        "Scharstein et al., High-Resolution Stereo Datasets with Subpixel-Accurate Ground Truth, GCPR 2014",
        "https://vision.middlebury.edu/stereo/data/scenes2014",
        "Adirondack-perfect/im0.png, disp0.pfm, calib.txt\nor trainingQ/Adirondack/im0.png, disp0GT.pfm, calib.txt",
        "disparity",
        "pixels plus the offset of calib.txt, so that it is proportional to inverse depth; infinite is invalid",
        ("train",),
        None,
        measured.open_middlebury,
        "Without the offset (doffs) disparity 0 is not infinitely far. label=depth gives metres.",
    ),
    PublicDataset(
        "da-2k",
        "DA-2K",
        "Apache-2.0",
        "Yang et al., Depth Anything V2, NeurIPS 2024, arXiv 2406.09414",
        "https://huggingface.co/datasets/depth-anything/DA-2K",
        "annotations.json\nimages/indoor/NAME.jpg and so on (DA-2K.zip, unpacked)",
        "pairs",
        "none: of two points, one is nearer; [row, column]",
        ("test",),
        None,
        measured.open_da_2k,
        "Points are given as (row, column) in the picture's own size.",
    ),
    PublicDataset(
        "moge",
        "MoGe's evaluation bundle of ten data sets",
        "that of each data set in it",
        "Wang et al., MoGe: Unlocking Accurate Monocular Geometry Estimation, CVPR 2025, and each data set's authors",
        "https://huggingface.co/datasets/Ruicheng/monocular-geometry-evaluation",
        "NYUv2/.index.txt\nNYUv2/SAMPLE/image.jpg, depth.png, meta.json",
        "depth",
        "metres in NYUv2, KITTI, ETH3D, iBims-1, DDAD, DIODE and HAMMER, other units elsewhere; infinite is +inf",
        ("NYUv2", "KITTI", "ETH3D", "iBims-1", "GSO", "Sintel", "DDAD", "DIODE", "Spring", "HAMMER"),
        None,
        measured.open_moge,
        ".index.txt is hidden and often left behind when copying. In GSO infinite depth is the background.",
    ),
]
PUBLIC_DATASETS: Mapping[str, PublicDataset] = MappingProxyType({entry.name: entry for entry in _TABLE})
"""Name to data set."""


def public_dataset(name: str) -> PublicDataset:
    """The data set of a name.

    Raises:
        ValueError: there is none; the message names the nearest one and all.
    """
    if name not in PUBLIC_DATASETS:
        nearest = difflib.get_close_matches(name, PUBLIC_DATASETS, n=1)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise ValueError(f"no official data set {name!r}; {hint}known are {', '.join(PUBLIC_DATASETS)}")
    return PUBLIC_DATASETS[name]


def open_public(
    name: str,
    root: str | os.PathLike[str],
    split: str | None = None,
    *,
    limit: int | None = None,
    max_depth: float | None = None,
    **options: Any,
) -> SampleDataset:
    """Opens an official data set as it was downloaded and unpacked.

    Samples have "image", the label (`PUBLIC_DATASETS[name].label`), "name" (path below the root), "intrinsics"
    float64 (3, 3) where they are known, and for DA-2K "pairs" and "scenario", for iBims-1 "edges".

    Args:
        name: key of `PUBLIC_DATASETS`.
        root: folder with the files that `PublicDataset.layout` shows.
        split: one of `PublicDataset.splits`; None takes its `default_split`.
        limit: use the first this many samples only. Files of the others may be missing.
        max_depth: finite depth beyond this many metres becomes invalid; sky stays.
        **options: of the data set, see `PublicDataset.options`.

    Raises:
        FileNotFoundError: no such folder, another layout, or missing files: the first ten and their number.
        ImportError: an optional package is missing.
        ValueError: an unknown name, split or option, or a damaged list.
    """
    entry = public_dataset(name)
    if split is not None and split not in entry.splits:
        raise ValueError(f"{entry.title} has no split {split!r}; there are {', '.join(entry.splits)}")
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")
    unknown = sorted(set(options) - set(entry.options))
    if unknown:
        raise ValueError(f"{entry.title} has no option {unknown[0]!r}; there are {', '.join(entry.options) or 'none'}")
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; {_expected(entry)}")
    samples = entry.opener(folder, split or entry.default_split, **options).shortened(limit, max_depth)
    if len(samples) == 0:
        raise FileNotFoundError(f"{folder}: found no sample of {entry.title}{_of_split(split)}; {_expected(entry)}")
    missing = samples.missing_files()
    if missing:
        shown = "\n".join(missing[:MISSING_FILES_SHOWN])
        more = f"\nand {len(missing) - MISSING_FILES_SHOWN} more" if len(missing) > MISSING_FILES_SHOWN else ""
        raise FileNotFoundError(
            f"{folder}: {len(missing)} files of {entry.title}{_of_split(split)} are missing:\n{shown}{more}\n"
            f"{_expected(entry)}"
        )
    return samples


def _of_split(split: str | None) -> str:
    return f", split {split}," if split else ""


def _expected(entry: PublicDataset) -> str:
    layout = "\n".join(f"  {line}" for line in entry.layout.splitlines())
    return f"expected below it:\n{layout}\nDownload: {entry.homepage}"


def describe_public() -> list[dict[str, str]]:
    """One row per official data set, for printing: name, title, label, unit, splits, licence, citation, homepage."""
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "label": entry.label,
            "unit": entry.unit,
            "splits": ", ".join(entry.splits),
            "options": ", ".join(entry.options),
            "licence": entry.licence,
            "citation": entry.citation,
            "homepage": entry.homepage,
            "layout": entry.layout,
            "traps": entry.traps,
        }
        for entry in PUBLIC_DATASETS.values()
    ]


# One schema for all of them


def table_features(label: str) -> datasets.Features:
    """Columns of `as_table`: image, the label as compressed npz, name, and intrinsics (nine numbers by rows)."""
    return datasets.Features(
        {
            "image": datasets.Image(),
            label: datasets.Value("binary"),
            "name": datasets.Value("string"),
            "intrinsics": datasets.List(datasets.Value("float64")),
        }
    )


def table_rows(dataset: SampleDataset, label: str) -> Iterator[dict[str, Any]]:
    """Rows in the form of `table_features`. Nothing is lost: pictures are PNG, labels float32 with NaN and +inf."""
    for index in range(len(dataset)):
        sample = dataset[index]
        stream = io.BytesIO()
        np.savez_compressed(stream, **{label: sample[label]})
        _, png = cv2.imencode(".png", sample["image"][..., ::-1])
        intrinsics = sample.get("intrinsics")
        yield {
            "image": {"bytes": png.tobytes(), "path": None},
            label: stream.getvalue(),
            "name": sample["name"],
            "intrinsics": None if intrinsics is None else intrinsics.ravel().tolist(),
        }


def as_table(dataset: SampleDataset, cache_dir: str | os.PathLike[str] | None = None) -> datasets.Dataset:
    """Turns samples into a `datasets.Dataset`, which can be saved, pushed, and read again by `open_source`.

    Args:
        dataset: with depth or disparity.
        cache_dir: where `datasets` keeps the rows; every call writes them anew.

    Raises:
        ValueError: the data set has no dense label.
    """
    if dataset.label is None:
        raise ValueError("a data set without depth or disparity cannot become a table of labelled pictures")
    # A new key for every call: `datasets` would otherwise return rows of files that have changed since.
    return datasets.Dataset.from_generator(
        _rows_of_one_call,
        features=table_features(dataset.label),
        cache_dir=None if cache_dir is None else os.fspath(cache_dir),
        gen_kwargs={"dataset": dataset, "label": dataset.label, "key": uuid.uuid4().hex},
    )


def _rows_of_one_call(dataset: SampleDataset, label: str, key: str) -> Iterator[dict[str, Any]]:
    yield from table_rows(dataset, label)
