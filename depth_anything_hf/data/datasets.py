# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Readers of pictures, depth maps and pseudo-labels, and the datasets built on them.

Every dataset is map-style; an item is a sample:
`{"image": uint8 (H, W, 3) RGB, "depth" | "disparity": float32 (H, W) unless unlabelled, "name": str}`.
In a label NaN is invalid, and sky is depth +inf or disparity 0.
"""

from __future__ import annotations

import difflib
import io
import json
import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import cv2
import datasets
import numpy as np
from PIL import Image, ImageOps


Sample: TypeAlias = dict[str, Any]
FileLike: TypeAlias = "str | os.PathLike[str] | bytes | Mapping[str, Any]"

LABELS = ("depth", "disparity")
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
LABEL_SUFFIXES = frozenset({".exr", ".npy", ".npz", ".pfm", ".pgm", ".png", ".tif", ".tiff"})
LABEL_COLUMNS = {"depth": ("depth", "depth_map"), "disparity": ("disparity",)}
TABLE_FORMATS = {".parquet": "parquet", ".arrow": "arrow", ".jsonl": "json", ".json": "json"}
SCALE_ADVICE = (
    "pass scale= (stored units per metre, depth = value / scale): 1000 for millimetres (NYU, ScanNet), "
    "256 for KITTI, 100 for centimetres (Virtual KITTI 2), 1 for whole metres"
)
LARGEST_CODE = 65535


class UnreadableImageError(ValueError):
    """A picture or label file that cannot be decoded; the message names the file and the reason."""


class SampleDataset(Protocol):
    """What the other rooms need of a dataset; `label` is "depth", "disparity" or None (unlabelled)."""

    label: str | None

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


# Pictures


def read_image(source: FileLike | Image.Image) -> np.ndarray:
    """Decodes a picture of any common kind to 8-bit RGB, turned upright by its EXIF orientation.

    Transparency is dropped, 16-bit grey is scaled to 8 bit (not clipped), palettes and CMYK are converted.

    Args:
        source: path, encoded bytes, PIL image, or a `datasets` cell `{"bytes": ..., "path": ...}`.

    Returns:
        uint8 (H, W, 3).

    Raises:
        FileNotFoundError: there is no file at the path.
        UnreadableImageError: not a picture, empty, truncated, floating point, or too many pixels.
    """
    if isinstance(source, Image.Image):
        return _decode_picture(source, getattr(source, "filename", "") or "PIL image")
    content, name = _read_bytes(source)
    try:
        picture = Image.open(io.BytesIO(content))
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(
            f"{name}: {error}. If you trust the file, raise PIL.Image.MAX_IMAGE_PIXELS."
        ) from error
    except Exception as error:
        # Pillow's decoders raise many kinds of exceptions on damaged files; all of them mean the same here.
        raise UnreadableImageError(
            f"{name}: not a picture in a format Pillow knows (it starts with {content[:12]!r})"
        ) from error
    with picture:
        return _decode_picture(picture, name)


def _decode_picture(picture: Image.Image, name: str) -> np.ndarray:
    try:
        upright = ImageOps.exif_transpose(picture)
        if upright.mode.startswith("I") or upright.mode == "F":
            return _grey_to_rgb(np.asarray(upright), name)
        return np.array(upright.convert("RGB"))
    except UnreadableImageError:
        raise
    except Exception as error:
        # See read_image: any exception of a decoder means a damaged file.
        raise UnreadableImageError(f"{name}: cannot be decoded: {error}") from error


def _grey_to_rgb(grey: np.ndarray, name: str) -> np.ndarray:
    if grey.dtype.kind == "f":
        raise UnreadableImageError(f"{name}: a floating-point picture has no known brightness range; save it as 8 bit")
    if grey.min() < 0 or grey.max() > LARGEST_CODE:
        raise UnreadableImageError(
            f"{name}: grey values {grey.min()}..{grey.max()} do not fit 16 bit; save it as 8 bit"
        )
    eight_bit = ((grey.astype(np.uint32) * 255 + LARGEST_CODE // 2) // LARGEST_CODE).astype(np.uint8)
    return np.repeat(eight_bit[..., None], 3, axis=2)


def _read_bytes(source: FileLike) -> tuple[bytes, str]:
    """Returns the encoded content and a name for messages."""
    if isinstance(source, Mapping):
        if source.get("bytes") is None:
            if not source.get("path"):
                raise UnreadableImageError("a cell with neither bytes nor path")
            return _read_bytes(str(source["path"]))
        content, name = bytes(source["bytes"]), str(source.get("path") or "bytes")
    elif isinstance(source, bytes | bytearray | memoryview):
        content, name = bytes(source), "bytes"
    elif isinstance(source, str | os.PathLike):
        content, name = _read_file(Path(source)), os.fspath(source)
    else:
        raise TypeError(f"expected a path, bytes or a cell with bytes and path, got {type(source).__name__}")
    if not content:
        raise UnreadableImageError(f"{name}: the file is empty (0 bytes)")
    return content, name


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except OSError as error:
        raise UnreadableImageError(f"{path}: {error.strerror or error}") from error


# Labels


def read_label(source: FileLike, scale: float | None = None) -> np.ndarray:
    """Reads a depth or disparity map: PNG, PGM, TIFF, PFM, EXR, npy, or npz (one array, or key depth or disparity).

    The format is told by the content, not by the suffix. Nothing is masked: 0 stays 0.

    Args:
        source: path, encoded bytes, or a `datasets` cell `{"bytes": ..., "path": ...}`.
        scale: stored units per metre; the result is value / scale. Required for integer maps.

    Returns:
        float32 (H, W).

    Raises:
        ValueError: an integer map without scale, or a map that is not (H, W).
        UnreadableImageError: the file cannot be decoded.
    """
    stored, name = _read_stored_label(source)
    return _scaled(stored, scale, name)


def _read_stored_label(source: FileLike) -> tuple[np.ndarray, str]:
    """Returns the values as stored (H, W), integer or floating point, and a name for messages."""
    content, name = _read_bytes(source)
    if content.startswith(b"\x93NUMPY") or content.startswith(b"PK\x03\x04"):
        stored = _decode_numpy(content, name)
    elif content.startswith((b"Pf", b"PF")):
        stored = _decode_pfm(content, name)
    else:
        stored = _decode_with_opencv(content, name)
    return _single_channel(stored, name), name


def _scaled(stored: np.ndarray, scale: float | None, name: str) -> np.ndarray:
    if scale is None and stored.dtype.kind in "iu":
        raise ValueError(f"{name}: an integer map ({stored.dtype}) has no unit; {SCALE_ADVICE}")
    if scale is not None and not scale > 0:
        raise ValueError(f"{name}: scale must be positive, got {scale}; {SCALE_ADVICE}")
    if scale is None or scale == 1:
        return stored.astype(np.float32)
    return (stored.astype(np.float64) / scale).astype(np.float32)


def _decode_numpy(content: bytes, name: str) -> np.ndarray:
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        arrays = {key: loaded[key] for key in loaded.files}
    except Exception as error:
        # A damaged archive shows as one of many exceptions of zipfile, zlib or NumPy.
        raise UnreadableImageError(f"{name}: not a readable npy or npz file: {error}") from error
    for key in LABELS:
        if key in arrays:
            return arrays[key]
    if len(arrays) != 1:
        raise ValueError(f"{name}: expected one array or a key depth or disparity, got the keys {sorted(arrays)}")
    return next(iter(arrays.values()))


def _decode_pfm(content: bytes, name: str) -> np.ndarray:
    # Not by OpenCV: it divides the values by the header's scale, which Middlebury and others fill arbitrarily.
    header = re.match(rb"P([fF])\s+(\d+)\s+(\d+)\s+([-+.\deE]+)[^\S\n]*\n", content)
    if header is None:
        raise UnreadableImageError(f"{name}: damaged PFM header {content[:32]!r}")
    width, height, channels = int(header[2]), int(header[3]), 3 if header[1] == b"F" else 1
    count = width * height * channels
    if len(content) - header.end() < 4 * count:
        raise UnreadableImageError(
            f"{name}: truncated PFM: {height} x {width} x {channels} needs {4 * count} bytes of values, "
            f"there are {len(content) - header.end()}"
        )
    byte_order = "<" if float(header[4]) < 0 else ">"
    values = np.frombuffer(content, dtype=f"{byte_order}f4", count=count, offset=header.end())
    # PFM stores the bottom row first.
    return values.reshape(height, width, channels)[::-1].astype(np.float32)


def _decode_with_opencv(content: bytes, name: str) -> np.ndarray:
    is_exr = content.startswith(b"\x76\x2f\x31\x01")
    if is_exr:
        # OpenCV looks at this variable when it meets its first EXR file.
        os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")
    try:
        stored = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        stored = None
    if stored is not None:
        return stored
    if is_exr:
        raise UnreadableImageError(
            f"{name}: damaged, or OpenCV {cv2.__version__} comes without OpenEXR (the wheels of version 5 do); "
            "install opencv-python-headless<5, or convert the maps to npy or float TIFF"
        )
    raise UnreadableImageError(
        f"{name}: not a readable label (starts with {content[:12]!r}); expected PNG, PGM, TIFF, PFM, EXR, npy or npz"
    )


def _single_channel(stored: np.ndarray, name: str) -> np.ndarray:
    if stored.dtype.kind not in "iuf":
        raise ValueError(f"{name}: expected numbers, got dtype {stored.dtype}")
    if stored.ndim == 3 and stored.shape[2] > 0:
        colours = stored[..., :3]
        if np.array_equal(colours, np.broadcast_to(colours[..., :1], colours.shape), equal_nan=True):
            stored = stored[..., 0]
    if stored.ndim != 2 or stored.size == 0:
        raise ValueError(f"{name}: expected a map (H, W), got shape {stored.shape} (is it a coloured preview?)")
    return stored


@dataclass(frozen=True)
class _LabelRules:
    """How stored values become a label in this package's convention."""

    label: str
    scale: float | None = None
    invalid_values: tuple[float, ...] | None = None
    sky_value: float | None = None
    max_depth: float | None = None

    def read(self, source: FileLike) -> np.ndarray:
        stored, name = _read_stored_label(source)
        return self.apply(stored, name)

    def apply(self, stored: np.ndarray, name: str) -> np.ndarray:
        """Stored values (H, W) -> float32 (H, W) with NaN for invalid and +inf depth or 0 disparity for sky."""
        is_depth = self.label == "depth"
        # Disparity has no unit that matters, so that an integer disparity map needs no scale.
        values = _scaled(stored, self.scale if is_depth or self.scale is not None else 1.0, name)
        invalid = np.isin(stored, self._invalid_values(stored)) | np.isnan(values)
        if is_depth:
            invalid |= values <= 0
            if self.max_depth is not None:
                invalid |= np.isfinite(values) & (values > self.max_depth)
        else:
            invalid |= np.isinf(values)
        sky = np.zeros(stored.shape, dtype=bool)
        if self.sky_value is not None:
            sky = stored >= self.sky_value if is_depth else stored <= self.sky_value
        values[invalid] = np.nan
        values[sky] = np.inf if is_depth else 0.0
        return values

    def _invalid_values(self, stored: np.ndarray) -> tuple[float, ...]:
        if self.invalid_values is not None:
            return self.invalid_values
        return (0,) if self.label == "depth" or stored.dtype.kind in "iu" else ()


def encode_disparity(disparity: np.ndarray) -> tuple[bytes, float, float]:
    """Packs a disparity map into a 16-bit PNG.

    Code 0 is NaN; codes 1..65535 run linearly from the smallest to the largest valid value.

    Args:
        disparity: float (H, W); NaN is invalid, infinities are refused.

    Returns:
        (png_bytes, minimum, maximum); minimum and maximum are 0 for a map without any valid value.
    """
    if disparity.ndim != 2:
        raise ValueError(f"expected a disparity map (H, W), got shape {disparity.shape}")
    if np.isinf(disparity).any():
        raise ValueError("a disparity map with infinite values cannot be encoded; set them to NaN first")
    valid = ~np.isnan(disparity)
    values = disparity.astype(np.float64)
    minimum, maximum = (float(values[valid].min()), float(values[valid].max())) if valid.any() else (0.0, 0.0)
    steps_per_unit = (LARGEST_CODE - 1) / (maximum - minimum) if maximum > minimum else 0.0
    codes = np.zeros(disparity.shape, dtype=np.uint16)
    codes[valid] = 1 + np.rint((values[valid] - minimum) * steps_per_unit).astype(np.uint16)
    written, png = cv2.imencode(".png", codes)
    if not written:
        raise ValueError(f"OpenCV could not encode a map of shape {disparity.shape} as PNG")
    return png.tobytes(), minimum, maximum


def decode_disparity(png_bytes: bytes, minimum: float, maximum: float) -> np.ndarray:
    """Inverse of `encode_disparity`, exact to (maximum - minimum) / 65535.

    Args:
        png_bytes: a 16-bit grey PNG.
        minimum: value of code 1.
        maximum: value of code 65535.

    Returns:
        float32 (H, W), NaN where the code is 0.
    """
    codes, name = _read_stored_label(png_bytes)
    if codes.dtype != np.uint16:
        raise ValueError(f"{name}: encoded disparity must be a 16-bit PNG, got {codes.dtype}")
    values = minimum + (codes.astype(np.float64) - 1) * ((maximum - minimum) / (LARGEST_CODE - 1))
    values[codes == 0] = np.nan
    return values.astype(np.float32)


# Datasets


class DepthFolder:
    """Pictures with depth or disparity maps in a local folder.

    Either a `metadata.jsonl` in the `imagefolder` form of `datasets` (`file_name`, and `depth_file_name` or
    `disparity_file_name`, relative to the folder), or the sub-folders `images/` and `depth/` (or `disparity/`) whose
    files are matched by their path without suffix.

    Args:
        root: the folder.
        label: "depth" (metres after scaling) or "disparity" (any affine scale).
        scale: stored units per metre, see `read_label`.
        invalid_values: stored values that mean no measurement. Default: 0, except for floating-point disparity,
            where 0 is sky. Depth <= 0, NaN and infinite disparity are always invalid.
        sky_value: stored depth values >= this (disparity: <=) are sky.
        max_depth: finite depth beyond this many metres becomes invalid; +inf stays sky.
        limit: use the first this many samples only.

    Raises:
        FileNotFoundError: no such folder, or neither layout is there.
        ValueError: no samples, or a missing column or label.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        label: str = "depth",
        scale: float | None = None,
        invalid_values: Sequence[float] | None = None,
        sky_value: float | None = None,
        max_depth: float | None = None,
        limit: int | None = None,
    ) -> None:
        _check_choice("label", label, LABELS)
        self.label: str | None = label
        self._rules = _LabelRules(label, scale, _as_tuple(invalid_values), sky_value, max_depth)
        self._pairs = _pairs_in_folder(Path(root).expanduser(), label)[:limit]

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Sample:
        image_path, label_path = self._pairs[index]
        sample = {"image": read_image(image_path), "name": str(image_path)}
        return _with_label(sample, self._rules.label, self._rules.read(label_path), str(label_path))


class DepthTable:
    """Samples from the rows of a map-style `datasets.Dataset`.

    The cells are decoded by this module when a row is read: pictures and maps as `datasets.Image`, bytes, paths or
    nested lists. A pseudo-label table of this package (`disparity` with `disparity_minimum` and
    `disparity_maximum`) is decoded by `decode_disparity`.

    Args:
        dataset: from `datasets.load_dataset(..., split=...)`, not streaming.
        image_column: column of pictures.
        label_column: column of maps; by default the first of depth, depth_map (for depth) or disparity.
        label: "depth", "disparity", or None for pictures only.
        scale, invalid_values, sky_value, max_depth, limit: as in `DepthFolder`.
        root: folder that relative paths in text cells refer to.

    Raises:
        TypeError: not a map-style dataset.
        ValueError: no rows, or a missing column.
    """

    def __init__(
        self,
        dataset: datasets.Dataset,
        image_column: str = "image",
        label_column: str | None = None,
        label: str | None = None,
        scale: float | None = None,
        invalid_values: Sequence[float] | None = None,
        sky_value: float | None = None,
        max_depth: float | None = None,
        limit: int | None = None,
        root: str | os.PathLike[str] | None = None,
    ) -> None:
        if not isinstance(dataset, datasets.Dataset):
            raise TypeError(f"expected a map-style datasets.Dataset (one split, not streaming), got {type(dataset)}")
        if len(dataset) == 0:
            raise ValueError("the table has no rows")
        _check_choice("label", label, (*LABELS, None))
        self.label = label
        self._image_column = _existing_column(dataset, (image_column,), "image_column")
        self._label_column = None
        if label is not None:
            candidates = (label_column,) if label_column else LABEL_COLUMNS[label]
            self._label_column = _existing_column(dataset, candidates, "label_column")
        self._rules = _LabelRules(label or "depth", scale, _as_tuple(invalid_values), sky_value, max_depth)
        self._root = Path(root or ".")
        self._rows = _undecoded(dataset if limit is None else dataset.select(range(min(limit, len(dataset)))))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        row = self._rows[int(index)]
        image_cell = self._resolved(row[self._image_column])
        path = image_cell.get("path") if isinstance(image_cell, Mapping) else image_cell
        name = str(row.get("name") or (path if isinstance(path, str) else None) or f"row {index}")
        try:
            sample = {"image": _image_of_cell(image_cell), "name": name}
            if self._label_column is None:
                return sample
            label = self._label_of_row(row, self._label_column)
        except UnreadableImageError as error:
            raise UnreadableImageError(f"row {index} ({name}): {error}") from error
        return _with_label(sample, self._rules.label, label, f"column {self._label_column!r}")

    def _label_of_row(self, row: Mapping[str, Any], column: str) -> np.ndarray:
        cell = self._resolved(row[column])
        if cell is None:
            raise UnreadableImageError(f"column {column!r} is empty")
        minimum, maximum = row.get(f"{column}_minimum"), row.get(f"{column}_maximum")
        if self.label == "disparity" and minimum is not None and maximum is not None:
            return decode_disparity(_read_bytes(cell)[0], minimum, maximum)
        if isinstance(cell, list | np.ndarray):
            return self._rules.apply(_single_channel(np.asarray(cell), column), column)
        return self._rules.read(cell)

    def _resolved(self, cell: Any) -> Any:
        return str(self._root / cell) if isinstance(cell, str) else cell


class PhotoFolder:
    """Photographs without labels: all pictures below a folder, sorted by path, or a list of files in its order.

    Hidden files and folders are left out. Of a folder in one of the layouts of `DepthFolder` the pictures are taken
    and the maps are not.

    Raises:
        FileNotFoundError: no such folder or file.
        ValueError: no pictures.
    """

    label: str | None = None

    def __init__(
        self, root: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], limit: int | None = None
    ) -> None:
        if isinstance(root, str | os.PathLike):
            self._paths = _pictures_in(Path(root).expanduser())[:limit]
            if not self._paths:
                raise ValueError(f"{root}: no pictures with a suffix of {sorted(IMAGE_SUFFIXES)}")
        else:
            self._paths = [Path(path) for path in root][:limit]
            if not self._paths:
                raise ValueError("the list of photographs is empty")

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Sample:
        path = self._paths[index]
        return {"image": read_image(path), "name": str(path)}


def _with_label(sample: Sample, label: str, values: np.ndarray, label_name: str) -> Sample:
    if values.shape != sample["image"].shape[:2]:
        raise ValueError(
            f"{sample['name']} is {_size_in_words(sample['image'])} (after its EXIF orientation), "
            f"but its label {label_name} is {_size_in_words(values)}; "
            "they must agree pixel by pixel: resize the picture to the label, or the label with nearest neighbour"
        )
    sample[label] = values
    return sample


def _size_in_words(array: np.ndarray) -> str:
    return f"{array.shape[0]} x {array.shape[1]} (height x width)"


def _check_choice(name: str, value: Any, choices: Sequence[Any]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}")


def _as_tuple(values: Sequence[float] | float | None) -> tuple[float, ...] | None:
    if values is None:
        return None
    return tuple(values) if isinstance(values, Sequence) else (values,)


def _pictures_in(root: Path) -> list[Path]:
    if not root.exists():
        raise FileNotFoundError(f"{root}: no such folder")
    if root.is_file():
        return [root]
    if (root / "metadata.jsonl").is_file():
        return [root / row["file_name"] for _, row in _metadata_rows(root / "metadata.jsonl") if row.get("file_name")]
    is_paired = (root / "images").is_dir() and any((root / label).is_dir() for label in LABELS)
    return _files_below(root / "images" if is_paired else root, IMAGE_SUFFIXES)


def _files_below(root: Path, suffixes: Iterable[str]) -> list[Path]:
    wanted = set(suffixes)
    found = (path for path in root.rglob("*") if path.suffix.lower() in wanted and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts))


def _pairs_in_folder(root: Path, label: str) -> list[tuple[Path, Path]]:
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder")
    if (root / "metadata.jsonl").is_file():
        return _pairs_in_metadata(root / "metadata.jsonl", label)
    if (root / "images").is_dir() and (root / label).is_dir():
        return _pairs_by_stem(root / "images", root / label)
    entries = sorted(entry.name for entry in root.iterdir())[:10]
    raise FileNotFoundError(
        f"{root}: expected metadata.jsonl, or the folders images/ and {label}/; "
        + (f"there are {entries}" if entries else "the folder is empty")
    )


def _pairs_in_metadata(metadata: Path, label: str) -> list[tuple[Path, Path]]:
    column = f"{label}_file_name"
    pairs = []
    for number, row in _metadata_rows(metadata):
        for needed in ("file_name", column):
            if not row.get(needed):
                raise ValueError(f"{metadata}, line {number}: no column {needed!r}; there are {sorted(row)}")
        pairs.append((metadata.parent / row["file_name"], metadata.parent / row[column]))
    if not pairs:
        raise ValueError(f"{metadata}: no rows")
    return pairs


def _metadata_rows(metadata: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    with metadata.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"{metadata}, line {number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise ValueError(f"{metadata}, line {number}: expected an object, got {type(row).__name__}")
            yield number, row


def _pairs_by_stem(images: Path, labels: Path) -> list[tuple[Path, Path]]:
    image_paths, label_paths = _by_stem(images, IMAGE_SUFFIXES), _by_stem(labels, LABEL_SUFFIXES)
    matched = [stem for stem in image_paths if stem in label_paths]
    if not matched:
        raise ValueError(
            f"no file of {images} ({len(image_paths)} pictures) has one of the same name, suffix aside, "
            f"in {labels} ({len(label_paths)} maps)"
        )
    lonely = [str(path) for stem, path in image_paths.items() if stem not in label_paths]
    if lonely:
        warnings.warn(
            f"{len(lonely)} of {len(image_paths)} pictures have no map in {labels} and are left out, e.g. {lonely[0]}",
            stacklevel=2,
        )
    return [(image_paths[stem], label_paths[stem]) for stem in matched]


def _by_stem(root: Path, suffixes: Iterable[str]) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for path in _files_below(root, suffixes):
        stem = path.relative_to(root).with_suffix("").as_posix()
        if stem in paths:
            raise ValueError(f"{paths[stem]} and {path} have the same name, suffix aside; keep one of them")
        paths[stem] = path
    return paths


def _existing_column(dataset: datasets.Dataset, candidates: Sequence[str], parameter: str) -> str:
    for column in candidates:
        if column in dataset.column_names:
            return column
    raise ValueError(f"no column {' or '.join(candidates)}; pass {parameter}= one of {dataset.column_names}")


def _undecoded(dataset: datasets.Dataset) -> datasets.Dataset:
    """The same rows with encoded picture bytes, because `datasets` would decode them without EXIF and error names."""
    dataset = dataset.with_format(None)
    for column, feature in dataset.features.items():
        if isinstance(feature, datasets.Image):
            dataset = dataset.cast_column(column, datasets.Image(decode=False))
    return dataset


def _image_of_cell(cell: Any) -> np.ndarray:
    if cell is None:
        raise UnreadableImageError("the picture cell is empty")
    return read_image(cell)


# Opening what a configuration names


@dataclass
class DataSource:
    """One line of a training configuration: where samples come from and how to read them.

    Attributes:
        path: local folder or file, or the id of a dataset on the Hub.
        kind: "folder" (`DepthFolder`), "table" (`DepthTable`), "photos" (unlabelled), or "auto".
        label: "depth" or "disparity"; None takes what is there, depth before disparity.
        image_column, label_column: of a table.
        scale, invalid_values, sky_value, max_depth, limit: as in `DepthFolder`.
        split: of a Hub dataset, a saved DatasetDict, or a folder with one sub-folder or file name per split.
        weight: share of this source in a mixture; None means in proportion to its size.
    """

    path: str
    kind: str = "auto"
    label: str | None = None
    image_column: str = "image"
    label_column: str | None = None
    scale: float | None = None
    invalid_values: Sequence[float] | None = None
    sky_value: float | None = None
    max_depth: float | None = None
    split: str = "train"
    weight: float | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        self.path = os.fspath(self.path)
        _check_choice("kind", self.kind, ("auto", "folder", "table", "photos"))
        _check_choice("label", self.label, (*LABELS, None))
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be at least 1, got {self.limit}")
        if self.weight is not None and not self.weight > 0:
            raise ValueError(f"weight must be positive, got {self.weight}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DataSource:
        """Builds a source from configuration keys; an unknown key is an error that names the nearest one."""
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                nearest = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {nearest[0]!r}?" if nearest else f"known keys: {known}"
                raise ValueError(f"unknown key {key!r} in a data source; {hint}")
        if "path" not in values:
            raise ValueError(f"a data source needs the key 'path', got the keys {sorted(values)}")
        return cls(**values)


def open_source(spec: DataSource | str | os.PathLike[str] | Mapping[str, Any]) -> SampleDataset:
    """Opens a folder, table, photographs or a Hub dataset.

    With `kind="auto"`: a local folder with labels (metadata.jsonl or depth/ or disparity/) is a folder; a local
    file or folder of parquet, arrow or JSON is a table; a local folder of pictures is photographs; a path that does
    not exist is taken as a dataset id on the Hub.

    Raises:
        FileNotFoundError: nothing of a known kind is at the path.
        ValueError: an unknown key or choice, or a damaged dataset.
    """
    source = _as_source(spec)
    kind = _detected_kind(source) if source.kind == "auto" else source.kind
    local = Path(source.path).expanduser()
    if kind == "folder":
        root = _split_folder(local, source.split)
        return DepthFolder(root, source.label or _label_of_folder(root) or "depth", **_label_options(source))
    if kind == "photos" and local.exists() and local.suffix.lower() not in TABLE_FORMATS:
        return PhotoFolder(_split_folder(local, source.split), limit=source.limit)
    table, folder = _load_table(source)
    label = None if kind == "photos" else source.label or _label_of_columns(table, source.label_column)
    label_column = source.label_column if label else None
    return DepthTable(table, source.image_column, label_column, label, root=folder, **_label_options(source))


def _as_source(spec: DataSource | str | os.PathLike[str] | Mapping[str, Any]) -> DataSource:
    if isinstance(spec, DataSource):
        return spec
    if isinstance(spec, Mapping):
        return DataSource.from_dict(spec)
    return DataSource(os.fspath(spec))


def _label_options(source: DataSource) -> dict[str, Any]:
    names = ("scale", "invalid_values", "sky_value", "max_depth", "limit")
    return {name: getattr(source, name) for name in names}


def _detected_kind(source: DataSource) -> str:
    local = Path(source.path).expanduser()
    if local.is_file():
        if local.suffix.lower() in IMAGE_SUFFIXES:
            return "photos"
        if local.suffix.lower() in TABLE_FORMATS:
            return "table"
        raise FileNotFoundError(f"{local}: neither a picture nor a table ({', '.join(TABLE_FORMATS)})")
    if not local.is_dir():
        return "table"
    root = _split_folder(local, source.split)
    if _label_of_folder(root) or (source.label and (root / "metadata.jsonl").is_file()):
        return "folder"
    if _is_saved_dataset(local) or _files_below(local, [".parquet", ".arrow"]):
        return "table"
    if _files_below(local, IMAGE_SUFFIXES):
        return "photos"
    if _files_below(local, TABLE_FORMATS):
        return "table"
    raise FileNotFoundError(
        f"{local}: expected metadata.jsonl with pictures, images/ with depth/ or disparity/, "
        f"tables ({', '.join(TABLE_FORMATS)}), or pictures ({', '.join(sorted(IMAGE_SUFFIXES))}); found none of them"
    )


def _split_folder(root: Path, split: str) -> Path:
    """The sub-folder of the split, where the `imagefolder` layout has one per split."""
    has_own_samples = (root / "metadata.jsonl").is_file() or (root / "images").is_dir()
    return root / split if not has_own_samples and (root / split / "metadata.jsonl").is_file() else root


def _label_of_folder(root: Path) -> str | None:
    metadata = root / "metadata.jsonl"
    if metadata.is_file():
        _, first_row = next(iter(_metadata_rows(metadata)), (0, {}))
        present = [label for label in LABELS if f"{label}_file_name" in first_row]
    else:
        present = [label for label in LABELS if (root / "images").is_dir() and (root / label).is_dir()]
    return present[0] if present else None


def _label_of_columns(table: datasets.Dataset, label_column: str | None) -> str | None:
    for label, names in LABEL_COLUMNS.items():
        if label_column in names if label_column else any(name in table.column_names for name in names):
            return label
    if label_column:
        raise ValueError(f"label_column={label_column!r} needs label='depth' or label='disparity'")
    return None


def _is_saved_dataset(root: Path) -> bool:
    return (root / "state.json").is_file() or (root / "dataset_dict.json").is_file()


def _load_table(source: DataSource) -> tuple[datasets.Dataset, Path | None]:
    """Returns the rows, and the folder that relative paths in them refer to (None for a Hub dataset)."""
    local = Path(source.path).expanduser()
    if not local.exists():
        return _load_from_hub(source), None
    if local.is_dir() and _is_saved_dataset(local):
        saved = datasets.load_from_disk(str(local))
        if isinstance(saved, datasets.DatasetDict):
            if source.split not in saved:
                raise ValueError(f"{local}: no split {source.split!r}; there are {sorted(saved)}")
            saved = saved[source.split]
        return saved, local
    folder = local if local.is_dir() else local.parent
    files = _table_files(local, source.split)
    table_format = TABLE_FORMATS[files[0].suffix.lower()]
    return datasets.load_dataset(table_format, data_files=[str(file) for file in files], split="train"), folder


def _table_files(local: Path, split: str) -> list[Path]:
    if local.is_file():
        return [local]
    for suffix in TABLE_FORMATS:
        files = _files_below(local, [suffix])
        if files:
            return _files_of_split(files, local, split)
    raise FileNotFoundError(f"{local}: no tables ({', '.join(TABLE_FORMATS)})")


def _files_of_split(files: list[Path], root: Path, split: str) -> list[Path]:
    """Files whose folder or name starts with a split's name belong to that split; without such names all are used."""
    by_split: dict[str, list[Path]] = {}
    for file in files:
        words = [re.split(r"[-_.]", part)[0] for part in file.relative_to(root).parts]
        named = [word for word in words if word in {"train", "validation", "test", split}]
        by_split.setdefault(named[-1] if named else "", []).append(file)
    if set(by_split) == {""}:
        return files
    if split not in by_split:
        raise ValueError(f"{root}: no files of split {split!r}; there are {sorted(filter(None, by_split))}")
    return by_split[split]


def _load_from_hub(source: DataSource) -> datasets.Dataset:
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", source.path) or source.path.startswith("."):
        raise FileNotFoundError(f"{source.path}: no such file or folder")
    try:
        return datasets.load_dataset(source.path, split=source.split)
    except OSError as error:
        raise FileNotFoundError(
            f"{source.path!r} is no local file or folder, and not loadable as a dataset id from the Hub: {error}"
        ) from error
