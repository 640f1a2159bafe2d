# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Load checkpoints for inference: this package's model or transformers' own, complete, with its image processor."""

from __future__ import annotations

import logging
import numbers
import os
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoImageProcessor, AutoModelForDepthEstimation, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from ..utils.option_errors import OptionError
from .image_processing_depth_anything import DepthAnythingImageProcessor
from .missing import name_what_is_missing
from .modeling_depth_anything import DepthAnythingForDepthEstimation


logger = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
HUB_OPTIONS = ("revision", "token", "cache_dir", "local_files_only", "force_download", "subfolder")
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

    Args:
        name: model id on the Hub, or a folder.
        dtype: precision of the weights; None keeps the checkpoint's.
        input_size: side that images are resized to, in pixels; None keeps the checkpoint's.
        options: to the model's `from_pretrained`; those of the Hub also to the configuration and the processor.

    Raises:
        ValueError: not a depth model, an input size that does not fit it, an unknown precision, or weights that are
            damaged, incomplete or of another shape than the configuration says.
        OSError: no such folder or id on the Hub, or files missing in it.
    """
    refuse_files(name)
    refuse_adapters(name)
    hub = {key: options[key] for key in HUB_OPTIONS if key in options}
    with name_what_is_missing(name):
        config = AutoConfig.from_pretrained(name, **hub)
    _check_is_depth_model(name, config)
    if dtype is not None:
        options = {**options, "dtype": as_dtype(dtype)}
    is_ours = config.model_type == "depth_anything"
    model_class: Any = DepthAnythingForDepthEstimation if is_ours else AutoModelForDepthEstimation
    processor = load_processor(name, config.model_type, input_size, hub)
    return _load(model_class, name, options, must_be_complete=is_ours), processor


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


def refuse_adapters(name: str) -> None:
    """Raise ValueError for a folder of adapters alone, which transformers calls an unrecognized model."""
    folder = Path(name)
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise ValueError(
            f"{name} holds adapters of peft, expected a whole model: open the folder of the run that it lies in, "
            "which has them merged unless it was told to keep them, or merge them: "
            "peft.PeftModel.from_pretrained(base, folder).merge_and_unload().save_pretrained(merged)"
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


def _load(model_class: Any, name: str, options: dict[str, Any], must_be_complete: bool) -> PreTrainedModel:
    try:
        loaded: tuple[PreTrainedModel, dict[str, Any]]
        loaded = model_class.from_pretrained(name, output_loading_info=True, **options)
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
    if isinstance(input_size, bool) or not isinstance(input_size, numbers.Integral):
        raise OptionError(f"input size must be a whole number of pixels, got {input_size!r}")
    multiple = getattr(processor, "ensure_multiple_of", None) or 1
    if input_size < 1 or input_size % multiple:
        nearest = max(1, round(input_size / multiple)) * multiple
        raise OptionError(
            f"input size {input_size} does not fit {name}: it must be a positive multiple of {multiple}, e.g. "
            f"{nearest}"
        )
    processor.size = type(processor)(size={"height": input_size, "width": input_size}).size


def size_of(processor: Any) -> int | None:
    """Return the height that a processor resizes to; None if it keeps the size."""
    size = getattr(processor, "size", None)
    height = size.get("height") if isinstance(size, dict) else getattr(size, "height", None)
    return None if height is None else int(height)
