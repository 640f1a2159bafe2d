# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which kind of map a model predicts: disparity, or depth in metres."""

from __future__ import annotations

from typing import Any, get_args

from ..geometry.disparity import PredictionKind
from ..utils.option_errors import check_choice


# Stock model types that give metres whatever their configuration says.
METRIC_MODEL_TYPES = ("depth_pro", "glpn", "tipsv2_dpt", "zoedepth")
# Their raw output is not the depth of the image: ZoeDepth pads it, Depth Pro needs the focal length.
OWN_POST_PROCESSING = ("depth_pro", "zoedepth")


def check_prediction_kind(given: Any) -> None:
    """Raise OptionError for an unknown kind of prediction; None leaves it to the model's configuration."""
    check_choice("prediction_kind", given, (*get_args(PredictionKind), None))


def prediction_kind_of(config: Any, given: PredictionKind | None) -> PredictionKind:
    """Return what a model predicts, by its configuration; by choice where that says nothing, as DPT's.

    Args:
        config: the model's configuration.
        given: as the user states it, or None. What nobody states is disparity.

    Raises:
        ValueError: an unknown kind, or another one than the configuration's.
    """
    check_prediction_kind(given)
    stated = getattr(config, "depth_estimation_type", None)
    kinds: dict[Any, PredictionKind] = {"metric": "depth", "relative": "disparity"}
    known = kinds.get(stated)
    reason = f"depth_estimation_type {stated!r}"
    if known is None and config.model_type in METRIC_MODEL_TYPES:
        known, reason = "depth", f"model_type {config.model_type!r}"
    if given is not None and known is not None and given != known:
        raise ValueError(
            f"prediction_kind {given!r} contradicts the model's configuration: by {reason} it predicts {known}; leave "
            "prediction_kind out (of a wrong config.json correct depth_estimation_type, which also decides how the "
            "model computes)"
        )
    return given or known or "disparity"
