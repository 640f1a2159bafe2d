# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Whole numbers whose unit is in a file beside them: NeRFCapture, BOP, YCB-Video and GraspNet."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from ..errors import UnreadableImageError
from ..optional import import_optional
from .common_options import GEOMETRY, RAYS
from .encoding import MISSING, DecodedMap, EncodedFile, Encoding, EncodingOption, Options
from .scaled_integers import AS_STORED, FILES, decode_scaled


MILLIMETRES_PER_METRE = 1000.0


def decode_beside(
    file: EncodedFile,
    options: Options,
    *,
    name: str,
    places: Callable[[Path], Sequence[Path]],
    per_metre: Callable[[Path, Path], float],
) -> DecodedMap:
    """Divide whole numbers by the units per metre that a file beside them tells.

    Args:
        file: the map.
        options: of its encoding.
        name: of the encoding.
        places: where that file may lie, for the path of the map.
        per_metre: reads it: its path and the map's, to stored units per metre.

    Raises:
        UnreadableImageError: the map lies nowhere, no such file is beside it, or it does not tell.
    """
    path = file.place
    wanted = [] if path is None else places(path)
    found = next((each for each in wanted if each.is_file()), None)
    if path is None or found is None:
        expected = " or ".join(map(str, wanted)) or "a file beside it, and it lies nowhere"
        raise UnreadableImageError(
            f"{file.name}: the unit of {name} is in a file beside the map, expected {expected}; or give the unit: "
            "'scaled:per_metre=...'"
        )
    try:
        units = float(per_metre(found, path))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UnreadableImageError(f"{found}: does not tell the unit of {path.name}: {error!r}") from error
    if not 0 < units < math.inf:
        raise UnreadableImageError(f"{found}: tells {units:g} stored units per metre of {path.name}, expected > 0")
    return decode_scaled(file, options, name=name, per_metre=units)


def _transforms(path: Path) -> list[Path]:
    return [folder / "transforms.json" for folder in list(path.parents)[:3]]


def _of_nerfcapture(found: Path, path: Path) -> float:
    return 1 / float(_json(found)["integer_depth_scale"])


def _scene_cameras(path: Path) -> list[Path]:
    return [path.parent.parent / "scene_camera.json"]


def _of_bop(found: Path, path: Path) -> float:
    # The numbers of pictures have no zeros in front there; the scale gives millimetres.
    return MILLIMETRES_PER_METRE / float(_json(found)[str(int(path.stem))]["depth_scale"])


def _json(path: Path) -> Any:
    return _read_json(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _read_json(path: Path, time: int) -> Any:
    # One file tells of thousands of maps; `time` is that of its last change.
    return json.loads(path.read_text(encoding="utf-8"))


def _meta(path: Path) -> list[Path]:
    name = path.stem.removesuffix("-depth")
    beside = path.parent.parent / "meta" / f"{path.stem}.mat"
    return [path.with_name(f"{name}-meta.mat"), beside, path.with_name("meta.mat")]


def _of_matlab(found: Path, path: Path) -> float:
    variables = import_optional("scipy.io").loadmat(found, squeeze_me=True)
    return float(variables["factor_depth"])


def _beside(
    name: str,
    writers: str,
    unit: str,
    source: str,
    places: Callable[[Path], Sequence[Path]],
    per_metre: Callable[[Path, Path], float],
) -> Encoding:
    return Encoding(
        name=name,
        writers=writers,
        files=FILES,
        unit=unit,
        missing="0 missing",
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source=source,
        verified="made",
        decode=partial(decode_beside, name=name, places=places, per_metre=per_metre),
        options=(
            EncodingOption("missing", tuple, MISSING, (0,)),
            EncodingOption("sky", float, "stored numbers from this on are sky"),
            GEOMETRY,
            *RAYS,
        ),
    )


ENCODINGS = (
    _beside(
        "nerfcapture",
        "NeRFCapture, instant-ngp",
        "integer_depth_scale of transforms.json in metres, in the folder above",
        "nerfcapture2nerf: integer_depth_scale = depth_scale / 65535",
        _transforms,
        _of_nerfcapture,
    ),
    _beside(
        "bop",
        "BOP (T-LESS, LM-O, HOPE, ...)",
        "depth_scale of scene_camera.json in millimetres, for each picture",
        "thodan/bop_toolkit docs/bop_datasets_format.md",
        _scene_cameras,
        _of_bop,
    ),
    _beside(
        "factor_depth",
        "YCB-Video, GraspNet-1Billion",
        "1/factor_depth m, of NAME-meta.mat, meta/NAME.mat or meta.mat",
        "graspnet/graspnet-baseline demo: depth / factor_depth",
        _meta,
        _of_matlab,
    ),
)
