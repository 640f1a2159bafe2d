# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The model that a run starts from."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from accelerate.utils import set_seed
from transformers import Dinov2Config, Dinov2WithRegistersConfig, PreTrainedConfig

from ..geometry.depth_units import UNIT_NAMES, as_whole_units, max_depth_in_metres
from ..models.configuration_depth_anything import DepthAnythingConfig
from ..models.configuration_values import DEPTH_VALUES, ENCODER_VALUES, configuration_values
from ..models.hub_files import commit_of
from ..models.image_processing_depth_anything import DepthAnythingImageProcessor
from ..models.loading import load_config, load_processor, load_whole, refuse_files
from ..models.modeling_depth_anything import ENCODERS, DepthAnythingForDepthEstimation
from ..utils.processes import is_first_process
from .arguments import ModelArguments


logger = logging.getLogger(__name__)


@dataclass
class StartingPoint:
    """A model to train, its processor, and where it comes from."""

    model: DepthAnythingForDepthEstimation
    processor: DepthAnythingImageProcessor
    pretrained: bool
    lineage: dict[str, Any]

    @property
    def fresh_decoder(self) -> bool:
        """Whether the decoder's weights are random, as they are unless it comes from a depth model."""
        return self.lineage.get("initial_weights_used") != "all"

    @property
    def options(self) -> dict[str, Any]:
        """What `fit` takes of it beside the model."""
        return {
            "processor": self.processor,
            "pretrained": self.pretrained,
            "fresh_decoder": self.fresh_decoder,
        }


def build_model(
    arguments: ModelArguments, *, seed: int, max_depth: float | None = None, fresh_decoder: bool = False
) -> StartingPoint:
    """Build the model that a run starts from.

    Args:
        arguments: which weights.
        seed: of the fresh weights.
        max_depth: metres; makes it a metric model, in millimetres where it is no whole number of metres, unless
            `decoder_config` names a `depth_unit`. None: a relative one.
        fresh_decoder: with `model_name_or_path`, take only its encoder (the metric recipe of Depth Anything V2).

    Raises:
        ValueError: the checkpoint is not of this architecture, or a metric one where a relative model is trained, the
            input size is not a multiple of 14, or the depth cap is not a whole number of its unit.
    """
    set_seed(seed)
    processor = DepthAnythingImageProcessor.for_input_size(arguments.input_size)
    options = _decoder_options(arguments)
    if max_depth is not None:
        cap, unit = as_whole_units(max_depth, options.get("depth_unit"))
        options.update(depth_estimation_type="metric", max_depth=cap, depth_unit=unit)
        if unit != "m" and is_first_process():
            logger.warning(
                "max_depth %g m: the model's output is in %s, up to %d (depth_unit %s), as stock transformers shows "
                "it; labels, losses, scores and predictions of this package are in metres",
                max_depth,
                UNIT_NAMES[unit],
                cap,
                unit,
            )
    loading: dict[str, Any] = {"dtype": torch.float32}
    if arguments.attn_implementation:
        loading["attn_implementation"] = arguments.attn_implementation
    hub = _hub_options(arguments)
    loading |= hub
    make = DepthAnythingForDepthEstimation
    if arguments.encoder_name_or_path:
        _check_model_type(arguments.encoder_name_or_path, hub, ENCODERS)
        model = make.from_encoder(arguments.encoder_name_or_path, encoder_options=loading, **options)
        lineage = {"encoder": arguments.encoder_name_or_path, "encoder_revision": arguments.revision}
    elif arguments.model_name_or_path:
        found = _check_model_type(arguments.model_name_or_path, hub, [DepthAnythingConfig.model_type])
        if max_depth is None:
            options = _as_relative(arguments.model_name_or_path, found, options)
        elif not fresh_decoder:
            _warn_of_another_cap(arguments.model_name_or_path, max_depth_in_metres(found), max_depth)
        model = load_whole(arguments.model_name_or_path, {**loading, **options}, must_be_complete=False)
        # How a checkpoint prepares its images goes with its weights, e.g. the original's OpenCV mode.
        processor = load_processor(arguments.model_name_or_path, model.config.model_type, arguments.input_size, hub)
        if fresh_decoder:
            fresh = make(model.config)
            fresh.backbone.load_state_dict(model.backbone.state_dict())
            model = fresh
        lineage = {"initial_weights": arguments.model_name_or_path, "initial_weights_revision": arguments.revision}
        lineage["initial_weights_used"] = "encoder" if fresh_decoder else "all"
    else:
        encoder: dict[str, Any] = dict(arguments.encoder_config)  # type: ignore[arg-type]
        config = DepthAnythingConfig.from_encoder_config(_encoder_config(encoder, arguments.input_size), **options)
        if arguments.attn_implementation:
            config._attn_implementation = arguments.attn_implementation
        model = make(config)
        lineage = {"encoder": "random weights"}
    given = {name: value for name, value in lineage.items() if value is not None}
    return StartingPoint(model, processor, arguments.encoder_config is None, given)


def _decoder_options(arguments: ModelArguments) -> dict[str, Any]:
    values: dict[str, Any] = dict(arguments.decoder_config or {})  # type: ignore[arg-type]
    further = dict(DEPTH_VALUES)
    if arguments.model_name_or_path is None:
        # A decoder that is there already has its layers.
        further["out_indices"] = ENCODER_VALUES["out_indices"]
    return configuration_values(DepthAnythingConfig, values, further, "decoder_config")


def _encoder_config(values: dict[str, Any], input_size: int) -> PreTrainedConfig:
    with_registers = "num_register_tokens" in values or values.get("model_type") == "dinov2_with_registers"
    make_config = Dinov2WithRegistersConfig if with_registers else Dinov2Config
    kind = values.get("model_type", make_config.model_type)
    if kind != make_config.model_type:
        raise ValueError(f"encoder_config.model_type is {kind!r}, expected {make_config.model_type}")
    values = configuration_values(make_config, values, ENCODER_VALUES, "encoder_config")
    values = {"patch_size": 14, "image_size": input_size, "mlp_ratio": 4, **values}
    return make_config(**values)


def _hub_options(arguments: ModelArguments) -> dict[str, str]:
    """Return the revision of the checkpoint, as a commit where it is on the Hub: all its files are of that one."""
    name = arguments.encoder_name_or_path or arguments.model_name_or_path
    hub = {"revision": arguments.revision} if arguments.revision else {}
    if name is None:
        return hub
    refuse_files(name)
    commit = commit_of(name, hub)
    return hub if commit is None else {"revision": commit}


def _check_model_type(name_or_path: str, hub: dict[str, str], expected: Collection[str]) -> PreTrainedConfig:
    # transformers opens any checkpoint as any model, and leaves at random weights what does not fit.
    found = load_config(name_or_path, hub)
    if found.model_type not in expected:
        raise ValueError(
            f"{name_or_path} is a {found.model_type!r} model, expected {' or '.join(expected)}; encoder_name_or_path "
            "takes a DINOv2 encoder, model_name_or_path a Depth Anything model"
        )
    return found


def _as_relative(name: str, found: PreTrainedConfig, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with which a relative model starts from a checkpoint; a metric one has to be meant."""
    if getattr(found, "depth_estimation_type", "relative") == "relative":
        return options
    if options.get("depth_estimation_type") != "relative":
        raise ValueError(
            f"{name} is a metric model, which predicts depth, and this run would train disparity; start from a "
            "relative model, or make a relative one of its weights, whose decoder then learns anew: decoder_config "
            '{"depth_estimation_type": "relative"}'
        )
    return {"max_depth": 1, "depth_unit": "m", **options}


def _warn_of_another_cap(name: str, earlier: float | None, max_depth: float) -> None:
    if earlier not in (None, max_depth) and is_first_process():
        logger.warning(
            "the decoder of %s was trained for depths up to %g m; kept under a cap of %g m, it predicts all depths in "
            "that proportion at first",
            name,
            earlier,
            max_depth,
        )
