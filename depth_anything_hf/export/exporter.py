# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""From a model to a file of another engine, with a report that compares the two."""

from __future__ import annotations

import copy
import errno
import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ..models.hub_files import HUB_OPTIONS
from ..models.loading import DTYPES, load_config, load_processor, load_whole, refuse_files
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..models.quantization import is_quantized
from ..utils.files import write_error
from ..utils.folders import move_files, unfinished_folder
from ..utils.locks import FolderLock
from ..utils.option_errors import OptionError
from ..utils.outputs import check_file, refuse_to_replace
from ..utils.paths import expand_home
from .calibration_images import (
    CalibrationImages,
    CalibrationSource,
    check_count,
    check_renderer,
    read_calibration_images,
)
from .formats import FORMATS, Format, check_format, open_exported, weights_files, writer
from .graph import check_exporter, trace
from .metadata import describe
from .own_images import compare_on
from .parity import compare, predict
from .preprocessing import ImagePreparation
from .report_files import add_to_card, is_own_export, report, report_paths, write_report


LOCK_FILE = ".export.lock"
# Of files of models, which nobody expects to become the name of a folder.
OTHER_SUFFIXES = {
    *(".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".engine", ".plan", ".trt", ".tflite", ".mlmodel", ".mlpackage"),
}


logger = logging.getLogger(__name__)


def export_model(
    model: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    format: str = "onnx",
    precision: str = "float32",
    size: tuple[int, int] | None = None,
    calibration: CalibrationSource | None = None,
    calibration_images: int | None = None,
    include_preprocessing: bool = False,
    overwrite: bool = False,
    force: bool = False,
    **options: Any,
) -> Path:
    """Write a model as a file of another engine, run it there, and report how far it is from the model.

    Batch, height and width of the images are free (multiples of the patch size from three patches on). The file takes
    float32 `pixel_values` (B, 3, H, W), normalized, and gives float32 `predicted_depth` (B, H, W): disparity, or depth
    in the model's unit. What it is lies in it as JSON, under `depth_anything_hf`. Adapters alone are merged into their
    base.

    Args:
        model: model id on the Hub, or a folder.
        out: file with the format's suffix (`.pt2`, `.onnx`, `.xml`), or a folder: `model.onnx`,
            `model_float16.onnx`, ... Beside it lie the report, `.parity.json` and `.parity.md`, and OpenVINO's `.bin`.
            The card of a model folder gets a line.
        format: "torch" (`torch.export`), "onnx" or "openvino".
        precision: "float32", "float16" or "bfloat16". OpenVINO stores the latter two as float16, and computes in
            float32 and bfloat16. Or 8 bits: "int8-weights" (weights alone), "int8" (OpenVINO: all but a few layers,
            the rest in bfloat16; ONNX: linear layers) or "int8-static" (ONNX: all but a few layers).
        size: height and width of what the network gets, where they are to be fixed; the batch stays free.
        calibration: pictures for 8 bits, as for `data.open_source`: a folder, a list, a table or a dataset on the Hub;
            labels are not used. OpenVINO's "int8" and ONNX's "int8-static" are calibrated with four of five, in an
            order that a fixed seed gives; without pictures, scenes are rendered for them. On every fifth, held out, a
            file in 8 bits is compared with the model.
        calibration_images: how many pictures, from 50 to 300; None takes 100, or as many as there are from 50 on.
        include_preprocessing: the file takes uint8 `images` (B, H, W, 3) of any size, resizes and normalizes them as
            the image processor does, and resizes the map to their size as `DepthPredictor` does. With `size`, all
            images are resized to it.
        overwrite: replace files that are not those of an earlier export, too.
        force: keep a file that is refused.
        **options: to the model's `from_pretrained`, e.g. `revision`.

    Returns:
        The path of the file.

    Raises:
        ValueError: a format, precision or size that does not exist; no Depth Anything model, or a quantized one; an
            image processor that cannot be a part of the file; another export in the folder; too few pictures; or the
            file is refused: it does not run at every size, in float32 differs from the model by more than 2e-5 of the
            range (2e-3 with preprocessing), or in 8 bits orders less than 99.5 % of pixel pairs as the model does.
        FileExistsError: there is a file that is not of an earlier export.
        ImportError: the engine is missing; the message has the name of the extra. Or PyTorch is older than 2.7.
        OSError: no such model, or the file cannot be written.
    """
    found = check_format(format, precision)
    _check_calibration(found, precision, calibration, calibration_images)
    check_exporter()
    if include_preprocessing and precision in found.quantized:
        raise OptionError(
            f"include_preprocessing is for precisions of floating point, got {precision!r}; leave it out, and prepare "
            "images as the metadata say"
        )
    name = str(expand_home(os.fspath(model)))
    path = _output_path(Path(expand_home(os.fspath(out))), format, precision)
    beside = [*weights_files(path), *report_paths(path)]
    check_file(path)
    if not overwrite and not is_own_export(path):
        refuse_to_replace(
            [each for each in (path, *beside) if os.path.lexists(each)],
            "choose another name, or replace them by --overwrite",
        )
    with _alone_in(path.parent):
        loaded, processor = _load(name, options)
        _check_size(size, loaded.patch_size)
        _check_room(path, loaded)
        preparation = pictures = None
        if include_preprocessing:
            if size is not None:
                processor = _fix_size(processor, size)
            preparation = ImagePreparation(processor, loaded.patch_size)
        if calibration is not None or found.quantized.get(precision):
            pictures = read_calibration_images(calibration, processor, count=calibration_images, size=size)
        described = describe(
            name, loaded, processor, format=format, precision=precision, size=size,
            preprocessing=include_preprocessing, calibration=None if pictures is None else pictures.describe(),
        )  # fmt: skip
        unfinished = unfinished_folder(path)
        unfinished.mkdir()
        try:
            file = unfinished / path.name
            logger.warning("writing %s from %s", path, name)
            _write(loaded, preparation, file, described, pictures)
            logger.warning("comparing it with the model")
            compared = processor if include_preprocessing else None
            content = _compare(loaded, compared, file, described, pictures, force)
            for each in (path, *beside):
                each.unlink(missing_ok=True)
            move_files(unfinished, path.parent)
        except OSError as error:
            raise write_error(path, error) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        add_to_card(path.parent, content)
    return path


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make a folder and keep other exports out of it, whose times would be those of two; an empty one goes again."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FolderLock(folder, name=LOCK_FILE, activity="exporting a model") as lock:
            lock.acquire()
            for found in FORMATS.values():
                # Of exports that were killed.
                for left in folder.glob(unfinished_folder(folder / f"*{found.suffix}").name):
                    shutil.rmtree(left, ignore_errors=True)
            yield
    finally:
        for each in made:
            # Not empty: the export is in it.
            with suppress(OSError):
                each.rmdir()


def _load(name: str, options: dict[str, Any]) -> tuple[DepthAnythingForDepthEstimation, Any]:
    refuse_files(name)
    hub = {key: options[key] for key in HUB_OPTIONS if key in options}
    config = load_config(name, hub)
    if config.model_type != "depth_anything":
        raise ValueError(
            f"{name} is a {config.model_type!r} model, expected a Depth Anything model; others are exported by their "
            "own library"
        )
    # transformers' own kernels are what exporters know.
    model = load_whole(name, {"attn_implementation": "sdpa", **options, "dtype": torch.float32})
    if is_quantized(model):
        raise ValueError(f"{name} has quantized weights, which cannot be exported; export the model before")
    processor = load_processor(name, config.model_type, None, hub)
    model.eval()  # type: ignore[no-untyped-call]
    return model, processor


def _fix_size(processor: Any, size: tuple[int, int]) -> Any:
    fixed = copy.deepcopy(processor)
    fixed.size = type(processor)(size={"height": size[0], "width": size[1]}).size
    fixed.keep_aspect_ratio = False
    return fixed


def _write(
    model: DepthAnythingForDepthEstimation,
    preparation: ImagePreparation | None,
    path: Path,
    described: dict[str, Any],
    pictures: CalibrationImages | None,
) -> None:
    precision, traced = described["precision"], model
    if precision in DTYPES and precision != "float32" and described["format"] != "openvino":
        traced = copy.deepcopy(model).to(DTYPES[precision])  # type: ignore[arg-type]
    with warnings.catch_warnings():
        # Exporters warn of their own deprecated parts.
        warnings.simplefilter("ignore")
        try:
            program = trace(traced, _size_of(described), preparation)
            writer(described["format"]).write(program, path, described, () if pictures is None else pictures.used)
        except (OSError, MemoryError, ValueError):
            raise
        except Exception as error:
            # Exporters and engines raise exceptions of many kinds; RuntimeError too where the disk is full.
            _check_room(path, model, error)
            line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ValueError(
                f"the model cannot be written in the format {described['format']!r} by torch {torch.__version__}: "
                f"{line}; try another format, or other versions of the packages"
            ) from error


def _compare(
    model: DepthAnythingForDepthEstimation,
    processor: Any,
    path: Path,
    described: dict[str, Any],
    pictures: CalibrationImages | None,
    force: bool,
) -> dict[str, Any]:
    """Run a file beside its model and write the report, unless the file is refused."""
    runner, parity = compare(
        lambda: open_exported(path, threads=torch.get_num_threads()), model, _size_of(described), processor
    )
    own = None if pictures is None else compare_on(pictures.held_out, runner, partial(predict, model))
    refusal = parity.refusal(described["precision"]) or (None if own is None else own.refusal())
    if refusal is not None and not force:
        raise ValueError(
            f"the exported file is refused: {refusal}; nothing is kept. To keep it with its report: --force "
            "(force=True)"
        )
    content = report(path, runner, parity, own, refusal)
    write_report(path, content)
    return content


def _check_calibration(
    found: Format, precision: str, calibration: CalibrationSource | None, calibration_images: int | None
) -> None:
    if precision not in found.quantized:
        given = "calibration" if calibration is not None else "calibration_images"
        if calibration is not None or calibration_images is not None:
            raise OptionError(
                f"{given} is for precisions of 8 bits ({', '.join(found.quantized) or 'this format has none'}), and "
                f"the precision is {precision!r}; leave it out"
            )
        return
    check_count(calibration_images)
    if calibration is None and found.quantized[precision]:
        check_renderer()
    elif calibration is None and calibration_images is not None:
        raise OptionError(
            f"calibration_images is how many of the pictures of calibration are taken, and {precision!r} needs none; "
            "name pictures, or leave it out"
        )


def _size_of(described: dict[str, Any]) -> tuple[int, int] | None:
    return None if described["size"] is None else (described["size"][0], described["size"][1])


def _check_room(path: Path, model: DepthAnythingForDepthEstimation, error: Exception | None = None) -> None:
    """Raise OSError if the disk has no room for a file with the weights of a model."""
    needed = sum(parameter.nbytes for parameter in model.parameters())
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise OSError(
            errno.ENOSPC,
            f"{path} cannot be written: {needed >> 20} MiB are needed, and {free >> 20} free; free disk space",
        ) from error


def _output_path(out: Path, format: str, precision: str) -> Path:
    found = FORMATS[format]
    if out.suffix.lower() == found.suffix and not out.is_dir():
        return out
    if out.suffix.lower() in OTHER_SUFFIXES and not out.is_dir():
        raise OptionError(f"{out} is no name of a file of the format {format!r}; give one that ends in {found.suffix}")
    others = [name for name, each in FORMATS.items() if each.suffix == out.suffix.lower()]
    if others and not out.is_dir():
        raise OptionError(
            f"{out} is the name of a file of the format {others[0]!r}, but the format is {format!r}; give a name that "
            f"ends in {found.suffix}, or a folder"
        )
    addition = "" if precision == "float32" else f"_{precision}"
    return out / f"{found.stem}{addition}{found.suffix}"


def _check_size(size: tuple[int, int] | None, patch: int) -> None:
    if size is None:
        return
    if not isinstance(size, Sequence) or any(isinstance(side, bool) or not isinstance(side, int) for side in size):
        raise OptionError(f"size must be height and width in whole pixels, got {size}")
    if len(size) != 2 or any(side < patch or side % patch for side in size):
        nearest = " ".join(str(max(1, round(side / patch)) * patch) for side in size)
        raise OptionError(f"size must be height and width in multiples of {patch}, got {size}; the nearest: {nearest}")
