# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Load transformers' models of semantic segmentation, complete, with their image processor."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES

from .hub_files import commit_of
from .loading import as_dtype, load_checked, load_config, refuse_files
from .missing import name_what_is_missing


def load_segmentation_model(name: str, dtype: str | torch.dtype | None = None) -> tuple[PreTrainedModel, Any]:
    """Load a model that gives each pixel a class, and its image processor.

    Args:
        name: model id on the Hub, or a folder.
        dtype: precision of the weights; None keeps the checkpoint's.

    Raises:
        ValueError: not a model of semantic segmentation, or weights that are damaged or incomplete.
        OSError: no such folder or id on the Hub, or files missing in it.
    """
    refuse_files(name)
    commit = commit_of(name, {})
    hub = {} if commit is None else {"revision": commit}
    config = load_config(name, hub)
    if config.model_type not in MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES:
        raise ValueError(
            f"{name} is a {config.model_type!r} model, which is none of semantic segmentation in transformers; "
            f"expected one of {', '.join(sorted(MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES))}"
        )
    options = {**hub} if dtype is None else {**hub, "dtype": as_dtype(dtype)}
    with name_what_is_missing(name):
        processor = AutoImageProcessor.from_pretrained(name, **hub)  # type: ignore[no-untyped-call]
    model = load_checked(AutoModelForSemanticSegmentation.from_pretrained, name, options, must_be_complete=True)
    if getattr(model.config, "_commit_hash", None) is None:
        model.config._commit_hash = commit
    return model, processor


__all__ = ["load_segmentation_model"]
