# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Convert the authors' checkpoints (`.pth`) to model folders and back, with every tensor accounted for."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import torch
from huggingface_hub import ModelCardData
from safetensors.torch import load_file
from torch import Tensor

from ..geometry.depth_units import UNIT_NAMES, as_whole_units, max_depth_in_metres
from ..hub.licenses import original_license
from ..models.adapters import find_adapters
from ..models.configuration_depth_anything import DepthAnythingConfig
from ..models.image_processing_depth_anything import PAPER_INPUT_SIZE, DepthAnythingImageProcessor
from ..models.loading import dtype_name, load_whole
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..utils.files import finish_file, sha256_of_file, unfinished_file, write_error
from ..utils.folders import replace_folder, share_weights
from ..utils.outputs import check_file, check_folder
from ..utils.paths import local_path
from .checkpoint import read_original
from .published_names import check_name
from .state_dict import (
    State,
    check_tensors,
    config_of_original,
    describe,
    original_shapes,
    original_to_stock,
    published_size,
    stock_to_original,
)


logger = logging.getLogger(__name__)

# What `interpolate_offset` is in the authors' copy of DINOv2.
ORIGINAL_INTERPOLATE_OFFSET = 0.1
# Hidden width of the last convolutions, a constant of the authors' code.
HEAD_HIDDEN_SIZE = 32


def convert_original(
    checkpoint: str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    *,
    size: Literal["small", "base", "large", "giant"] | None = None,
    max_depth: float | None = None,
    feature_layers: Literal["v1", "v2"] | None = None,
    out_indices: list[int] | None = None,
    num_attention_heads: int | None = None,
    input_size: int = PAPER_INPUT_SIZE,
    depth_estimation_type: Literal["relative", "metric"] | None = None,
    weights: str | None = None,
) -> Path:
    """Convert a checkpoint of the authors' code into a model folder that gives the authors' output.

    The folder holds the model in its checkpoint's precision, the image processor and a card with the lineage. It is
    complete or absent. `config.interpolate_offset=0.1`, and the processor's `interpolation="opencv"` and
    `upsampling="bilinear"` are set, so that this package predicts what the authors' code (`infer_image` of
    Depth-Anything-V2) predicts. Stock transformers opens the folder too; its output differs a little, because
    it ignores these settings.

    The tensors show every width, but neither whether a model is metric nor which encoder layers feed its decoder. A
    wrong answer to either raises no error: the model loads, and its predictions are wrong. Where the file's name says
    metric or V1, and the options say nothing, the conversion is refused.

    Args:
        checkpoint: `.pth` or `.safetensors` file; also a training checkpoint that holds the tensors under "model",
            "state_dict" or other keys, and names with a prefix ("module.", Lightning's "model."). Tensors of several
            precisions are all stored in the widest.
        output_dir: a new or empty folder.
        size: the published size that the checkpoint must have; None recognizes it. Other sizes convert as well.
        max_depth: for a metric model, the depth in metres at which its output is capped: 20 for the authors' indoor
            models, 80 for the outdoor ones. One that is no whole number of metres makes a model whose output is in
            millimetres (`DepthAnythingConfig.depth_unit`). None means a relative model.
        feature_layers: encoder layers whose features feed the decoder: "v2" (the default) takes four intermediate
            ones, "v1" the last four, for checkpoints of the first Depth Anything.
        out_indices: these four layers, counted from 1, for a checkpoint with others; instead of `feature_layers`.
        num_attention_heads: heads of the encoder; default: 64 channels for each, as in all published sizes.
        input_size: side that the processor resizes images to.
        depth_estimation_type: "metric" needs `max_depth`; "relative" also of a file whose name says otherwise. None:
            metric where `max_depth` is given.
        weights: of a file with several sets of weights, which ones, by their keys: "model_ema",
            "state_dict.student".

    Returns:
        The folder.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        FileExistsError: the output folder is not empty.
        OSError: no folder can be made there, or it takes no files.
        ValueError: the file is damaged, holds more than tensors, has missing, unknown or misshapen tensors, or has
            another size than `size`; or the options do not fit it or its name.
    """
    if depth_estimation_type not in ("relative", "metric", None):
        raise ValueError(f"depth_estimation_type is {depth_estimation_type!r}, expected 'relative', 'metric' or None")
    if depth_estimation_type is not None and (depth_estimation_type == "metric") != (max_depth is not None):
        raise ValueError(
            f"depth_estimation_type {depth_estimation_type!r} and max_depth {max_depth} do not fit: a metric model "
            "needs max_depth (20 indoors, 80 outdoors), a relative one has none"
        )
    source, target = local_path(checkpoint), local_path(output_dir)
    # A link to an empty folder stays; the model is written where it leads to.
    target = Path(os.path.realpath(target)) if target.is_symlink() else target
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(
            f"{target} exists and is not an empty folder; choose a new or an empty folder for the model"
        )
    check_folder(target)
    if feature_layers is not None and out_indices is not None:
        raise ValueError("give feature_layers or out_indices, not both: out_indices are the layers themselves")
    processor = DepthAnythingImageProcessor.for_input_size(input_size, interpolation="opencv", upsampling="bilinear")
    state, was_trained_metric = read_original(source, weights)
    try:
        cap, unit = (1, "m") if max_depth is None else as_whole_units(max_depth)
        config = config_of_original(
            state,
            feature_layers=feature_layers,
            out_indices=out_indices,
            num_attention_heads=num_attention_heads,
            depth_estimation_type="relative" if max_depth is None else "metric",
            max_depth=cap,
            depth_unit=unit,
            interpolate_offset=ORIGINAL_INTERPOLATE_OFFSET,
        )
        found = published_size(config)
        if size is not None and size != found:
            raise ValueError(
                f"the tensors are not of size {size!r}, but of {describe(config)}; give that size or none"
            )
        check_tensors(state, original_shapes(config))
        dtype = _common_dtype(state)
        check_name(
            source.stem,
            max_depth=max_depth,
            is_relative=depth_estimation_type == "relative",
            feature_layers=feature_layers,
            has_out_indices=out_indices is not None,
            was_trained_metric=was_trained_metric,
        )
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    config.lineage = {
        "original_checkpoint": source.name,
        "original_checkpoint_sha256": sha256_of_file(source),
        "original_size": found or "not a published one",
        "original_feature_layers": "given" if out_indices else feature_layers or "v2",
    }
    precisions = sorted({dtype_name(tensor.dtype) for tensor in state.values()})
    if len(precisions) > 1:
        config.lineage["original_dtypes"] = precisions
        state = {name: tensor.to(dtype) for name, tensor in state.items()}
    model = _load(original_to_stock(state), config, dtype)
    with replace_folder(target) as folder:
        model.save_pretrained(folder)
        share_weights(folder)
        processor.save_pretrained(folder)
        (folder / "README.md").write_text(_card(config, found), encoding="utf-8")
    return target


def convert_to_original(model_dir: str | os.PathLike[str], checkpoint: str | os.PathLike[str]) -> Path:
    """Write a model folder's tensors under the authors' names; their code loads the file strictly.

    Neither the feature layers nor `max_depth` are in the file: the authors' code takes the layers from the encoder's
    name and the depth cap as an argument, in metres, whatever unit the model has here; it is logged.

    Args:
        model_dir: folder with `config.json` and safetensors weights, written by this package or by transformers; or
            with adapters alone, which are merged into the model that they name.
        checkpoint: new `.pth` file; complete or absent.

    Returns:
        The file.

    Raises:
        FileNotFoundError: the folder lacks its configuration or its weights.
        FileExistsError: the file exists.
        OSError: the file cannot be written.
        ValueError: the authors' code cannot express the model, or tensors are missing, unknown or misshapen.
    """
    source, target = local_path(model_dir), local_path(checkpoint)
    if os.path.lexists(target):
        raise FileExistsError(f"{target} exists; choose another name for the checkpoint")
    check_file(target)
    with _whole(source) as folder:
        config = DepthAnythingConfig.from_pretrained(folder)
        try:
            _check_original_can_express(config)
            state = stock_to_original(_read_weights(folder))
            check_tensors(state, original_shapes(config))
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from error
    if config.interpolate_offset != ORIGINAL_INTERPOLATE_OFFSET:
        logger.warning(
            "%s interpolates its position embeddings with an offset of %s, the authors' code with %s: at other input "
            "sizes than that of the pretraining, predictions of the authors' code will differ a little",
            source,
            config.interpolate_offset,
            ORIGINAL_INTERPOLATE_OFFSET,
        )
    if config.depth_unit != "m":
        logger.warning(
            "the output of %s is in %s, up to %d; the authors' code takes the cap as an argument: with "
            "DepthAnythingV2(..., max_depth=%g) it gives metres",
            source,
            UNIT_NAMES[config.depth_unit],
            config.max_depth,
            max_depth_in_metres(config),
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = unfinished_file(target)
    try:
        torch.save(state, unfinished)
        finish_file(unfinished, target)
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _load(state: State, config: DepthAnythingConfig, dtype: torch.dtype) -> DepthAnythingForDepthEstimation:
    """Build the model with transformers' loader, which knows the parameters' names in memory."""
    model, report = DepthAnythingForDepthEstimation.from_pretrained(
        None, config=config, state_dict=state, dtype=dtype, output_loading_info=True
    )
    left = [f"{kind} {names}" for kind, names in report.items() if names]
    if left:
        raise ValueError(f"transformers did not load every tensor: {'; '.join(left)}")
    loaded: DepthAnythingForDepthEstimation = model
    return loaded


@contextmanager
def _whole(source: Path) -> Iterator[Path]:
    """Context manager: gives the folder of a whole model; for adapters alone a temporary one that has them merged."""
    if find_adapters(source, {}) is not None:
        with TemporaryDirectory() as place:
            load_whole(str(source), {}).save_pretrained(place)
            yield Path(place)
    elif (source / "config.json").is_file():
        yield source
    else:
        raise FileNotFoundError(f"{source} is not a model folder: it has no config.json")


def _read_weights(folder: Path) -> State:
    index = folder / "model.safetensors.index.json"
    names: Iterable[str] = ["model.safetensors"]
    if index.is_file():
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    state: State = {}
    for name in names:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} has no {name}; save the model there with save_pretrained first")
        state |= load_file(folder / name)
    return state


def _check_original_can_express(config: DepthAnythingConfig) -> None:
    encoder = config.backbone_config
    wanted: dict[str, tuple[Any, Any]] = {
        "encoder": (encoder.model_type, "dinov2"),
        "encoder's qkv_bias": (encoder.qkv_bias, True),
        "encoder's hidden_act": (encoder.hidden_act, "gelu"),
        "encoder's layer_norm_eps": (encoder.layer_norm_eps, 1e-6),
        "encoder's apply_layernorm": (encoder.apply_layernorm, True),
        "reassemble_factors": (list(config.reassemble_factors), [4, 2, 1, 0.5]),
        "number of neck_hidden_sizes": (len(config.neck_hidden_sizes), 4),
        "patch_size": (config.patch_size, 14),
        "head_in_index": (config.head_in_index, -1),
        "head_hidden_size": (config.head_hidden_size, HEAD_HIDDEN_SIZE),
    }
    if config.depth_estimation_type == "relative":
        # The authors' relative head has no such factor.
        wanted["max_depth"] = (config.max_depth, 1)
    for name, (value, needed) in wanted.items():
        if value != needed:
            raise ValueError(
                f"the authors' code has no such model: {name} is {value}, expected {needed} as in all of theirs"
            )


def _common_dtype(state: Mapping[str, Tensor]) -> torch.dtype:
    """Return the narrowest precision that holds all tensors without loss: of float16 and bfloat16, float32."""
    dtypes = {tensor.dtype for tensor in state.values()}
    others = {dtype for dtype in dtypes if not dtype.is_floating_point or dtype.itemsize < torch.float16.itemsize}
    if others:
        raise ValueError(
            f"expected tensors in float32, float16 or bfloat16, found {', '.join(sorted(map(dtype_name, others)))}; "
            "save the weights before they are quantized"
        )
    return reduce(torch.promote_types, dtypes)


def _dtype_note(lineage: Mapping[str, Any]) -> str:
    precisions = lineage.get("original_dtypes")
    if precisions is None:
        return "Its tensors are unchanged."
    return f"Its tensors were of {' and '.join(precisions)}; all are stored in the widest, with unchanged values."


def _card(config: DepthAnythingConfig, size: str | None) -> str:
    """Return the README.md of a converted checkpoint: what it is, where it comes from and what was set."""
    metric = config.depth_estimation_type == "metric"
    lineage = config.lineage
    license, license_text = original_license(size, is_metric=metric, feature_layers=lineage["original_feature_layers"])
    data = ModelCardData(
        library_name="transformers",
        pipeline_tag="depth-estimation",
        tags=["depth", f"{config.depth_estimation_type} depth", "depth-anything", "depth_anything_hf"],
        license=license,
    )
    unit = ", metres" if metric else ""
    quantity = (
        f"depth in {UNIT_NAMES[config.depth_unit]} along the optical axis, at most {config.max_depth}; larger is "
        "farther"
        if metric
        else "disparity: larger is nearer; scale and shift are free, so that values are no distances"
    )
    return f"""\
---
{data.to_yaml()}
---

# {Path(lineage["original_checkpoint"]).stem}

A {config.depth_estimation_type} Depth Anything model, converted by `depth_anything_hf` from a checkpoint in the
authors' format. {_dtype_note(lineage)}

It predicts {quantity}.

## Lineage

| Part | Value |
| --- | --- |
| Checkpoint | `{lineage["original_checkpoint"]}` |
| SHA-256 | `{lineage["original_checkpoint_sha256"]}` |
| Size | {describe(config)} |
| Feature layers | {list(config.backbone_config.out_indices)}, counted from 1 ({lineage["original_feature_layers"]}); \
stated at the conversion, the tensors do not show them |
| Kind | {config.depth_estimation_type}{f", max_depth {config.max_depth} {config.depth_unit}" if metric else ""}; \
stated at the conversion, the tensors do not show it |
| License | {license_text} |

## What was set for the authors' output

| Setting | Value | Reason |
| --- | --- | --- |
| `interpolate_offset` (configuration) | {config.interpolate_offset} | position embeddings are interpolated as in \
the authors' copy of DINOv2 |
| `interpolation` (processor) | opencv | images are resized by OpenCV's bicubic filter in floating point |
| `upsampling` (processor) | bilinear | predictions come back to the image's size with aligned corners |

With these, `depth_anything_hf` predicts what the authors' code predicts. Stock transformers opens this folder too, but
ignores these settings, so that its output differs a little.

```python
from depth_anything_hf import DepthPredictor

predictor = DepthPredictor.from_pretrained("path/to/this/model")
{"depth" if metric else "disparity"} = predictor.predict("photograph.jpg")  # float32 (H, W){unit}
```
"""
