# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of public datasets, and how to open one in the layout in which it is downloaded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, get_args, get_origin, get_type_hints

from ...utils.messages import counted
from ...utils.option_errors import check_choice
from ...utils.paths import local_path
from ...utils.typed_fields import convert_argument
from ..samples import SampleDataset, check_limit
from .arkitscenes import ARKITSCENES
from .blendedmvs import BLENDEDMVS
from .bop import BOP
from .carla import CARLA
from .da_2k import DA_2K
from .ddad import DDAD
from .diode import DIODE
from .eth3d import ETH3D
from .hypersim import HYPERSIM
from .ibims import IBIMS
from .icl_nuim import ICL_NUIM
from .irs import IRS
from .kitti import KITTI
from .matterport3d import MATTERPORT3D
from .midair import MIDAIR
from .middlebury import MIDDLEBURY
from .moge_bundle import MOGE_BUNDLE
from .mvs_synth import MVS_SYNTH
from .nyu import NYU
from .polycam import POLYCAM
from .record3d import RECORD3D
from .replica import REPLICA
from .scannet import SCANNET
from .scannetpp import SCANNETPP
from .seven_scenes import SEVEN_SCENES
from .sintel import SINTEL
from .spec import PublicDataset
from .spring import SPRING
from .stanford_2d3ds import STANFORD_2D3DS
from .stray_scanner import STRAY_SCANNER
from .sun_rgbd import SUN_RGBD
from .synthia import SYNTHIA
from .tartanair import TARTANAIR
from .tartanair_v2 import TARTANAIR_V2
from .taskonomy import TASKONOMY
from .tum_rgbd import TUM_RGBD
from .unrealstereo4k import UNREALSTEREO4K
from .urbansyn import URBANSYN
from .vkitti2 import VKITTI2


MISSING_FILES_SHOWN = 10

# To add a dataset, write its file and add its name here and to the imports; this is the order in lists.
_TABLE = (
    HYPERSIM,
    VKITTI2,
    TARTANAIR,
    IRS,
    TARTANAIR_V2,
    MIDAIR,
    SPRING,
    UNREALSTEREO4K,
    MVS_SYNTH,
    URBANSYN,
    SYNTHIA,
    CARLA,
    ICL_NUIM,
    REPLICA,
    TASKONOMY,
    STANFORD_2D3DS,
    BLENDEDMVS,
    NYU,
    KITTI,
    DIODE,
    ETH3D,
    SINTEL,
    IBIMS,
    SEVEN_SCENES,
    SCANNET,
    SCANNETPP,
    SUN_RGBD,
    TUM_RGBD,
    MATTERPORT3D,
    ARKITSCENES,
    DDAD,
    BOP,
    STRAY_SCANNER,
    POLYCAM,
    RECORD3D,
    MIDDLEBURY,
    DA_2K,
    MOGE_BUNDLE,
)
PUBLIC_DATASETS: Mapping[str, PublicDataset] = MappingProxyType({entry.name: entry for entry in _TABLE})
"""Name to dataset."""


def public_dataset(name: str) -> PublicDataset:
    """Return the dataset of a name.

    Raises:
        ValueError: there is none; the message gives the nearest name and all names.
    """
    check_choice("public dataset", name, list(PUBLIC_DATASETS))
    return PUBLIC_DATASETS[name]


def open_public(
    name: str,
    root: str | os.PathLike[str],
    split: str | None = None,
    *,
    limit: int | None = None,
    max_depth: float | None = None,
    max_pixels: int | None = None,
    **options: Any,
) -> SampleDataset:
    """Open a public dataset as it was downloaded and unpacked.

    Samples have "image", the label (`PUBLIC_DATASETS[name].label`), "name" (path below the root), and "intrinsics"
    float64 (3, 3) if they are known; those of DA-2K also "pairs" and "scenario", those of iBims-1 "edges".

    Args:
        name: key of `PUBLIC_DATASETS`.
        root: folder with the files of `PublicDataset.layout`.
        split: one of `PublicDataset.splits`; None takes its `default_split`.
        limit: use only the first samples, this many; files of the others may be missing.
        max_depth: finite depth beyond this many metres becomes invalid; sky stays.
        max_pixels: largest number of pixels of an image or label; larger ones are broken. None: Pillow's limit.
        **options: options of the dataset, see `PublicDataset.options` and its opener.

    Raises:
        FileNotFoundError: no such folder, another layout, or missing files; the message gives their number and the
            first ten.
        ImportError: an optional package is missing.
        ValueError: an unknown name, split or option, or a damaged list.
    """
    entry = public_dataset(name)
    if split is not None and split not in entry.splits:
        raise ValueError(f"{entry.title} has no split {split!r}; set split to one of {', '.join(entry.splits)}")
    limit = check_limit(limit)
    max_depth = convert_argument("max_depth", max_depth, float | None, may_be_infinite=True)
    unknown = sorted(set(options) - set(entry.options))
    if unknown:
        raise ValueError(
            f"{entry.title} has no option {unknown[0]!r}; its options are {', '.join(entry.options) or 'none'}"
        )
    hints = get_type_hints(entry.opener)
    options = {option: _convert_option(option, value, hints[option]) for option, value in options.items()}
    folder = local_path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; {_layout_of(entry)}")
    samples = entry.opener(folder, split or entry.default_split, **options).shorten(limit, max_depth, max_pixels)
    if len(samples) == 0:
        raise FileNotFoundError(f"{folder}: found no sample of {entry.title}{_of_split(split)}; {_layout_of(entry)}")
    missing = samples.missing_files()
    if missing:
        shown = "\n".join(missing[:MISSING_FILES_SHOWN])
        more = f"\nand {len(missing) - MISSING_FILES_SHOWN} more" if len(missing) > MISSING_FILES_SHOWN else ""
        raise FileNotFoundError(
            f"{folder}: {counted(len(missing), 'file')} of {entry.title}{_of_split(split)} "
            f"{'is' if len(missing) == 1 else 'are'} missing:\n{shown}{more}\n"
            f"{_layout_of(entry)}"
        )
    return samples


def _convert_option(name: str, value: Any, hint: Any) -> Any:
    """Return an option as its opener wants it: text as a number or truth value, one value as a list of one."""
    converted = convert_argument(name, value, hint, may_be_infinite=True)
    is_list = Sequence in (get_origin(hint), *map(get_origin, get_args(hint)))
    return (converted,) if is_list and isinstance(converted, str | int) else converted


def _of_split(split: str | None) -> str:
    return f", split {split}," if split else ""


def _layout_of(entry: PublicDataset) -> str:
    layout = "\n".join(f"  {line}" for line in entry.layout.splitlines())
    return f"expected in it:\n{layout}\n  (download: {entry.homepage})"


def describe_public() -> list[dict[str, str]]:
    """Describe every public dataset: one row of texts for printing, with the attributes of `PublicDataset`."""
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "label": entry.label,
            "unit": entry.unit,
            "splits": ", ".join(entry.splits),
            "options": ", ".join(entry.options),
            "license": entry.license,
            "citation": entry.citation,
            "homepage": entry.homepage,
            "layout": entry.layout,
            "verified": entry.verified,
            "traps": entry.traps,
        }
        for entry in PUBLIC_DATASETS.values()
    ]
