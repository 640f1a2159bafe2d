# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Load checkpoints for inference: this package's model or transformers' own, complete, with its image processor."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoImageProcessor, AutoModelForDepthEstimation, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from ..utils.option_errors import OptionError
from .adapters import AdapterFolder, find_adapters, open_adapters, unload_adapters
from .hub_files import HUB_OPTIONS, commit_of
from .image_preparation import check_input_size, size_of
from .image_processing_depth_anything import DepthAnythingImageProcessor
from .missing import name_what_is_missing
from .modeling_depth_anything import DepthAnythingForDepthEstimation


logger = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
NAMES_SHOWN = 10
# Of transformers' models for depth estimation, those that are not served here.
OTHER_OUTPUTS = {
    "chmv2": (
        "predicts the height of trees above the ground in metres, for images from above: neither disparity nor depth "
        "along the optical axis; use it by transformers' CHMv2ForDepthEstimation"
    ),
    "prompt_depth_anything": (
        "needs a measured depth map beside each image (prompt_depth), without which its output runs from 0 to 1 and "
        "has no unit; use it by transformers' PromptDepthAnythingForDepthEstimation"
    ),
}
# Of files that hold weights.
CHECKPOINT_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".onnx")


def load_model(
    name: str, *, dtype: str | torch.dtype | None, input_size: int | None, options: dict[str, Any]
) -> tuple[PreTrainedModel, Any]:
    """Load a depth model with its image processor.

    Adapters of peft alone are merged into the model that they name, in the precision that they were trained in, so
    that it predicts as the merged model of that run does, and as fast.

    Args:
        name: model id on the Hub, or a folder.
        dtype: precision of the weights; None keeps the checkpoint's.
        input_size: side that images are resized to, in pixels; None keeps the checkpoint's.
        options: to the model's `from_pretrained`; those of the Hub also to the configuration and the processor.

    Raises:
        ValueError: not a depth model, an input size that does not fit it, an unknown precision, or weights that are
            damaged, incomplete or of another shape than the configuration says; or adapters that do not fit.
        OSError: no such folder or id on the Hub, or files missing in it; or no model that adapters name.
        ImportError: peft is missing, which adapters need.
    """
    refuse_files(name)
    hub = {key: options[key] for key in HUB_OPTIONS if key in options}
    commit = commit_of(name, hub)
    if commit is not None:
        hub, options = {**hub, "revision": commit}, {**options, "revision": commit}
    config = load_config(name, hub)
    _check_is_depth_model(name, config)
    if dtype is not None:
        options = {**options, "dtype": as_dtype(dtype)}
    is_ours = config.model_type == "depth_anything"
    processor = load_processor(name, config.model_type, input_size, hub)
    model = (
        load_whole(name, options)
        if is_ours
        else load_checked(AutoModelForDepthEstimation.from_pretrained, name, options)
    )
    if getattr(model.config, "_commit_hash", None) is None:
        # Newer versions of transformers (5.23) keep it to themselves; labels and scores tell the model by it.
        model.config._commit_hash = commit
    return model, processor


def load_config(name: str, hub: dict[str, Any]) -> PreTrainedConfig:
    """Load the configuration of a model, for adapters alone that of the model that they name.

    Args:
        name: model id on the Hub, or a folder.
        hub: `revision`, `token` and the like.

    Raises:
        OSError: no such folder or id on the Hub, or files missing in it.
        ValueError: not a model, or adapters whose base is none that they can be merged into.
    """
    adapters = find_adapters(name, hub)
    if adapters is not None:
        return adapters.base_config(hub)
    with name_what_is_missing(name):
        config: PreTrainedConfig = AutoConfig.from_pretrained(name, **hub)
    return config


def load_whole(
    name: str, options: dict[str, Any], *, must_be_complete: bool = True
) -> DepthAnythingForDepthEstimation:
    """Load a Depth Anything model, adapters merged; it raises what `load_model` raises.

    Args:
        name: model id on the Hub, or a folder.
        options: to the model's `from_pretrained`.
        must_be_complete: refuse weights of which some are missing, and would be random.
    """
    adapters = find_adapters(name, options)
    if adapters is not None:
        return _load_merged(adapters, options)
    opener = DepthAnythingForDepthEstimation.from_pretrained
    model: DepthAnythingForDepthEstimation = load_checked(opener, name, options, must_be_complete)
    return model


def _load_merged(adapters: AdapterFolder, options: dict[str, Any]) -> DepthAnythingForDepthEstimation:
    merged_in = adapters.dtype
    wanted = options.get("dtype") or options.get("torch_dtype")
    others = {key: value for key, value in options.items() if key != "torch_dtype"}
    opener = partial(open_adapters, DepthAnythingForDepthEstimation)
    # Rounded before, small changes of large weights would be lost.
    model: DepthAnythingForDepthEstimation
    model = load_checked(opener, adapters, {**others, "dtype": merged_in}, must_be_complete=True)
    unload_adapters(model, merge=True)
    model._hf_peft_config_loaded = False
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    model._freeze_parameters_without_use()
    # Further adapters name the model that they begin with by it.
    model.name_or_path = model.config._name_or_path = adapters.name
    dtype = None if wanted == "auto" else as_dtype(wanted)
    if dtype not in (None, merged_in):
        nn.Module.to(model, dtype)
        model.config.dtype = model.config.backbone_config.dtype = dtype
    return model


def as_dtype(dtype: str | torch.dtype | None) -> torch.dtype | None:
    """Return a precision by its name.

    Raises:
        OptionError: an unknown name, or another precision of torch.
    """
    if dtype is None:
        return None
    if isinstance(dtype, torch.dtype) and (dtype in DTYPES.values() or dtype == torch.float64):
        return dtype
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise OptionError(f"unknown precision {dtype!r}, expected one of {', '.join(sorted(DTYPES))}")
    return DTYPES[dtype]


def dtype_name(dtype: torch.dtype) -> str:
    """Return a precision's name, e.g. "bfloat16"."""
    return str(dtype).removeprefix("torch.")


def load_processor(name: str, model_type: str, input_size: int | None, hub: dict[str, Any]) -> Any:
    """Load the checkpoint's image processor, with another input size if one is given.

    DPT's processor, which Depth Anything uses too, is loaded by its PIL class: `AutoImageProcessor` of some
    transformers releases needs torchvision for it.

    Args:
        name: model id on the Hub, or a folder.
        model_type: of its configuration.
        input_size: side that images are resized to; None keeps the checkpoint's.
        hub: `revision`, `token` and the like.

    Returns:
        An image processor of transformers or of this package.

    Raises:
        ValueError: no processor file for a model that is not Depth Anything, or an input size that does not fit it.
    """
    is_ours = model_type == "depth_anything"
    if not _has_processor_file(name, hub) and (adapters := find_adapters(name, hub)) is not None:
        name, hub = adapters.base, adapters.base_options(hub)
    if not _has_processor_file(name, hub):
        if not is_ours:
            raise ValueError(
                f"{name} has no preprocessor_config.json, which says how to preprocess images for a {model_type!r} "
                "model; save its image processor there"
            )
        logger.warning(
            "%s has no preprocessor_config.json; using Depth Anything's defaults (input size %d)",
            name,
            DepthAnythingImageProcessor.size["height"],
        )
        processor: Any = DepthAnythingImageProcessor()
    elif is_ours:
        processor = DepthAnythingImageProcessor.from_pretrained(name, **hub)
    elif model_type == "dpt":
        processor = DPTImageProcessorPil.from_pretrained(name, **hub)
    else:
        processor = AutoImageProcessor.from_pretrained(name, **hub)  # type: ignore[no-untyped-call]
    if input_size is not None:
        _set_input_size(name, processor, input_size)
    return processor


def refuse_files(name: str) -> None:
    """Refuse a name that is neither a model folder's nor a model id of the Hub.

    Raises:
        ValueError: it is that of a file.
        FileNotFoundError: no such folder or file.
    """
    suffix = Path(name).suffix.lower()
    is_local = name.count("/") != 1 or Path(name).parent.is_dir()
    if suffix in CHECKPOINT_SUFFIXES and is_local and not os.path.exists(name):
        raise FileNotFoundError(f"{name}: no such file; expected a model folder, or a model id of the Hub")
    if os.path.isfile(name):
        advice = (
            f"its folder {Path(name).resolve().parent} is one"
            if (Path(name).resolve().parent / "config.json").is_file()
            else f"a checkpoint of the authors' code becomes one with: depth-anything-hf convert {name} FOLDER"
        )
        raise ValueError(f"{name} is a file, expected a model folder (with config.json) or a model id; {advice}")
    can_be_on_hub = name.count("/") <= 1 and not name.startswith((".", "/", "~"))
    if not can_be_on_hub and not os.path.isdir(name):
        raise FileNotFoundError(
            f"{name}: no such model folder; expected one with config.json, or a model id of the Hub"
        )


def _check_is_depth_model(name: str, config: PreTrainedConfig) -> None:
    if config.model_type not in MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES:
        raise ValueError(
            f"{name} is a {config.model_type!r} model, which does not estimate depth; "
            f"expected one of {', '.join(sorted(MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES.keys() - OTHER_OUTPUTS))}"
        )
    refuse_other_outputs(name, config.model_type)


def refuse_other_outputs(name: str, model_type: str) -> None:
    """Raise ValueError for a model type whose output for an image alone is neither disparity nor depth."""
    if model_type in OTHER_OUTPUTS:
        raise ValueError(f"{name} is a {model_type!r} model, which {OTHER_OUTPUTS[model_type]}")


def load_checked(
    opener: Callable[..., Any], source: str | AdapterFolder, options: dict[str, Any], must_be_complete: bool = False
) -> Any:
    """Load weights by an opener of transformers, and say it where they are damaged or incomplete.

    Raises:
        ValueError: the weights are damaged or do not fit their configuration; or some are missing, where they
            `must_be_complete`.
    """
    name = source if isinstance(source, str) else source.base
    try:
        loaded: tuple[PreTrainedModel, dict[str, Any]] = opener(source, output_loading_info=True, **options)
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"the weights of {name} are damaged or do not fit its configuration: {error}; download or save them "
            "again, or compare config.json with the weight files"
        ) from error
    model, report = loaded
    missing = sorted(report["missing_keys"])
    # transformers gives missing tensors random values. Some stock models legitimately lack a part of theirs.
    if missing and must_be_complete:
        more = f" and {len(missing) - NAMES_SHOWN} more" if len(missing) > NAMES_SHOWN else ""
        raise ValueError(
            f"{name} lacks {len(missing)} tensors, which would be random: {', '.join(missing[:NAMES_SHOWN])}{more}; "
            "download or save the checkpoint again"
        )
    return model


def _has_processor_file(name: str, hub: dict[str, Any]) -> bool:
    files = ("preprocessor_config.json", "processor_config.json")
    if os.path.isdir(name):
        return any((Path(name) / hub.get("subfolder", "") / file).is_file() for file in files)
    return any(_is_on_hub(name, file, hub) for file in files)


def _is_on_hub(name: str, file: str, hub: dict[str, Any]) -> bool:
    try:
        hf_hub_download(name, file, **hub)
    except LocalEntryNotFoundError:
        # The Hub cannot be reached, so whether the file exists is not known.
        raise
    except EntryNotFoundError:
        return False
    return True


def _set_input_size(name: str, processor: Any, input_size: int) -> None:
    if size_of(processor) is None:
        raise ValueError(
            f"the image processor of {name} has no height and width, so input_size cannot be set; leave it out"
        )
    check_input_size(name, input_size, getattr(processor, "ensure_multiple_of", None) or 1)
    processor.size = type(processor)(size={"height": input_size, "width": input_size}).size
