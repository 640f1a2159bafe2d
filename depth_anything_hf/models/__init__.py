# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The model, its configuration and its image processor; files are those of stock transformers.

- `configuration_depth_anything`: stock's configuration, with the published sizes and defaults derived from an encoder
- `configuration_values`: values of a configuration as users write them, converted or refused by name
- `modeling_depth_anything`: encoder, decoder and loss in one model; `optimize_for_inference`
- `outputs`: what the model returns
- `attention_weights`: the attention weights of the encoder's layers, on request
- `quantization`: whether a model is quantized
- `dpt_head`: the DPT neck and head
- `output_convolution`: the head's last convolution, float32 in any precision
- `position_embeddings`: position embeddings interpolated as the authors' code does, also in exported graphs
- `resampling`: bicubic interpolation by products of matrices, for graphs of free sizes
- `hub_files`: files of models on the Hub, and the commit that they are of
- `adapters`: folders of adapters alone: found, opened with their base, and merged
- `adapter_names`: names of layers in folders of adapters, of any release of transformers
- `parameter_names`: parameters without use; names of files and of any release of transformers for `load_state_dict`
- `fewer_layers`: a model of every n-th encoder layer of another one, for smaller students
- `image_preparation`: its arithmetic, without PyTorch and transformers
- `image_processing_depth_anything`: resizing and normalization, by Pillow as stock or by OpenCV as the authors
- `missing`: errors of models that are not found, with their names
- `loading`: a complete model with its processor, ours or a stock depth model
- `segmentation`: transformers' models of semantic segmentation
- `compilation`: `torch.compile` block by block, and a context that runs eagerly
- `auto`: registers the classes with transformers' Auto classes, on request

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .auto import register_auto_classes
    from .compilation import compile_blocks, force_eager
    from .configuration_depth_anything import DepthAnythingConfig
    from .image_processing_depth_anything import DepthAnythingImageProcessor
    from .loading import load_model, load_processor
    from .modeling_depth_anything import DepthAnythingForDepthEstimation
    from .outputs import DepthAnythingOutput

_MODULES = {
    "DepthAnythingConfig": "configuration_depth_anything",
    "DepthAnythingForDepthEstimation": "modeling_depth_anything",
    "DepthAnythingImageProcessor": "image_processing_depth_anything",
    "DepthAnythingOutput": "outputs",
    "compile_blocks": "compilation",
    "force_eager": "compilation",
    "load_model": "loading",
    "load_processor": "loading",
    "register_auto_classes": "auto",
}

__all__ = [
    "DepthAnythingConfig",
    "DepthAnythingForDepthEstimation",
    "DepthAnythingImageProcessor",
    "DepthAnythingOutput",
    "compile_blocks",
    "force_eager",
    "load_model",
    "load_processor",
    "register_auto_classes",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
