# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What `predict` writes of points in space beside its other files, and what it says about them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.decoding.images import read_image
from ..data.decoding.limits import allow_pixels
from ..geometry.points import EDGE_THRESHOLD
from ..utils.messages import counted
from ..utils.option_errors import OptionError, check_choice, check_count
from .calibration import Calibration
from .camera_choice import HOW_TO_GIVE, CameraChoice, describe_camera, find_unknown
from .kept_pictures import Picture
from .point_files import POINT_FORMATS, encode_camera, encode_normals, encode_points, load_trimesh
from .point_map import MOST_POINTS, PointMap
from .point_prediction import check_scale, straighten, to_depth


CAMERA, NORMALS = "_camera.json", "_normals.png"
CAMERAS_SHOWN = 5


@dataclass(frozen=True)
class PointOutputs:
    """Files of points for each picture; see `PointPrediction.predict_points` for the fields.

    Attributes:
        formats: of `POINT_FORMATS`.
        normals: whether to write a picture of normals.
        choice: the camera.
        assume_scale: metres of the median depth.
        edge_threshold: relative jump of depth.
        max_points: of clouds and meshes.
        max_pixels: of a picture.
        settings: all that the files depend on, JSON values.
    """

    formats: tuple[str, ...]
    normals: bool
    choice: CameraChoice
    assume_scale: float | None
    edge_threshold: float
    max_points: int
    max_pixels: int | None
    settings: Mapping[str, Any]

    @classmethod
    def make(
        cls,
        formats: Sequence[str],
        normals: bool,
        *,
        camera: Path | None,
        focal: str | None,
        sensor_width: float | None,
        fov: float | None,
        assume_scale: float | None,
        edge_threshold: float,
        max_points: int,
        max_pixels: int | None = None,
    ) -> PointOutputs | None:
        """Check the options; None where neither points nor normals are asked for.

        Raises:
            OptionError: values that cannot be used, or options of the camera without points and normals.
            ImportError: trimesh is missing.
            FileNotFoundError: no such camera file.
            ValueError: no camera in the file.
        """
        names = tuple(dict.fromkeys(name.strip().lower() for each in formats for name in each.split(",")))
        for name in names:
            check_choice("--points", name, POINT_FORMATS)
        of_camera = {"camera": camera, "focal": focal, "sensor_width": sensor_width, "fov": fov}
        given = [
            f"--{name}" for name, value in {**of_camera, "assume_scale": assume_scale}.items() if value is not None
        ]
        check_count("max_points", max_points)
        if not names and not normals:
            given += ["--edge_threshold"] if edge_threshold != EDGE_THRESHOLD else []
            given += ["--max_points"] if max_points != MOST_POINTS else []
            if given:
                raise OptionError(f"{', '.join(given)} without effect: add --points ply, --points glb or --normals")
            return None
        if not names and max_points != MOST_POINTS:
            raise OptionError("--max_points without effect on --normals: add --points ply or --points glb")
        if not edge_threshold > 0:
            raise OptionError(f"edge_threshold must be above 0 (inf cuts nothing), got {edge_threshold}")
        choice = CameraChoice.make(camera, focal, fov, sensor_width)
        if names:
            load_trimesh()
        settings = {
            **{name: value for name, value in of_camera.items() if name != "camera"},
            "camera": None if choice.path is None else _digest_of(choice.path, choice.key_of_picture),
            "assume_scale": assume_scale,
            "edge_threshold": str(edge_threshold),
            "max_points": max_points,
        }
        return cls(names, normals, choice, assume_scale, edge_threshold, max_points, max_pixels, settings)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of the files of one picture."""
        return (*(f".{name}" for name in self.formats), *((NORMALS,) if self.normals else ()), CAMERA)

    @property
    def straightening(self) -> dict[str, Any]:
        """What the values of all files depend on: the camera, where pictures are straightened by it; JSON values."""
        return {"straightened": self.settings["camera"]} if self.choice.has_distortion else {}

    def check(self, paths: Iterable[Path]) -> None:
        """Refuse pictures of which none has a camera.

        Raises:
            OptionError: no camera was given, and no picture's EXIF has a focal length.
        """
        paths = list(paths)
        if not self.choice.is_given and len(find_unknown(paths)) == len(paths):
            raise OptionError(
                f"no camera is known: EXIF of {counted(len(paths), 'image')} has no focal length; {HOW_TO_GIVE}"
            )

    def check_scale(self, kind: str, calibration: Calibration | None) -> None:
        """Refuse a model without metres; raises as `point_prediction.check_scale`."""
        check_scale(kind, calibration is not None, self.assume_scale)

    def read(self, path: Path) -> Picture:
        """Decode a picture and take out the distortion of its lens.

        Raises:
            ValueError: no camera is known.
            FileNotFoundError, UnreadableImageError: as `read_image`.
        """
        with allow_pixels(self.max_pixels):
            return Picture(*straighten(self.choice, path, read_image(path)))

    def encode(
        self,
        path: Path,
        picture: Picture,
        values: np.ndarray,
        kind: str,
        calibration: Calibration | None,
        limit: Callable[[np.ndarray], np.ndarray],
    ) -> tuple[dict[str, bytes], dict[str, Any], str]:
        """Return suffix -> content of the files, what is to be known of them (JSON values), what is missing and why.

        Args:
            path: of the picture.
            picture: as `read` gave it.
            values: (H, W), its prediction.
            kind: "disparity" or "depth", of `values`.
            calibration: for disparity.
            limit: takes depth beyond the limits of all files out, see `OutputSettings.limit`.
        """
        camera = picture.intrinsics
        assert camera is not None
        depth, source = to_depth(values, kind, calibration, self.assume_scale)
        points = PointMap(
            path.name,
            limit(depth),
            picture.image,
            camera,
            source,
            self.assume_scale is not None,
            self.edge_threshold,
            self.max_points,
            picture.undistorted_from,
        )
        contents: dict[str, bytes] = {}
        missing: list[str] = []
        for name in self.formats:
            try:
                contents[f".{name}"] = encode_points(points, name)
            except ValueError as error:
                missing.append(f"no .{name}: {str(error).removeprefix(f'{path.name}: ')}")
        if self.normals:
            contents[NORMALS] = encode_normals(points)
        contents[CAMERA] = encode_camera(points)
        about = {"camera": describe_camera(camera), "scale": source, "step": points.step if self.formats else 1}
        return contents, about, "; ".join(missing)


def _digest_of(camera: Path, key_of_picture: Mapping[tuple[str, ...], str]) -> str:
    """Return a digest of a camera file, and of which picture has which of its cameras."""
    content = camera.read_bytes() + (repr(sorted(key_of_picture.items())).encode() if key_of_picture else b"")
    return hashlib.sha256(content).hexdigest()


def describe_points(pixels: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return lines that say which cameras were used, where the metres are from, and what was left out.

    Args:
        pixels: of each picture, what the list of predictions says.
    """
    records = [each["points"] for each in pixels if each.get("points")]
    cameras = Counter(record["camera"] for record in records)
    lines = [f"camera of {counted(count, 'image')}: {camera}" for camera, count in cameras.most_common(CAMERAS_SHOWN)]
    if len(cameras) > CAMERAS_SHOWN:
        lines.append(f"and {len(cameras) - CAMERAS_SHOWN} more cameras, see NAME{CAMERA}")
    lines += [f"metres of points: {source}" for source in dict.fromkeys(record["scale"] for record in records)]
    steps = [record["step"] for record in records if record["step"] > 1]
    if steps:
        lines.append(
            f"points of {counted(len(steps), 'image')}: one pixel in {max(steps)} of each row and column, or more, "
            "for there are more pixels than --max_points"
        )
    return lines
