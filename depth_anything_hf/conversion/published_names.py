# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the name of a checkpoint says of the model, because its tensors say neither metric nor V1.

The authors' names are `depth_anything_v2_vits.pth`, `depth_anything_v2_metric_hypersim_vits.pth` (indoor, 20 m),
`depth_anything_v2_metric_vkitti_vits.pth` (outdoor, 80 m) and `depth_anything_vits14.pth` (V1)
(README.md and metric_depth/README.md of DepthAnything/Depth-Anything-V2, README.md of LiheYoung/Depth-Anything).
"""

from __future__ import annotations

import logging
import re
from typing import NamedTuple

from ..models.configuration_depth_anything import FeatureLayers


logger = logging.getLogger(__name__)

# Words of a name, and the depth cap in metres of the authors' models with that word.
CAPS = {"hypersim": 20, "indoor": 20, "indoors": 20, "vkitti": 80, "outdoor": 80, "outdoors": 80}


class NameHints(NamedTuple):
    """What a file's name says; None where it says nothing."""

    is_metric: bool | None
    max_depth: int | None
    feature_layers: FeatureLayers | None


def name_hints(stem: str) -> NameHints:
    """Return what the name of a checkpoint, without its suffix, says of the model."""
    # Words may be told apart by capitals alone.
    text = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", stem).lower()
    words = set(re.split(r"[^a-z]+", text))
    cap = next((cap for word, cap in CAPS.items() if word in words), None)
    name = r"(?:depth[-_ ]?anything|(?<![a-z])da)"
    is_v2 = re.search(rf"{name}(?:[-_ ]?|.*[-_ ])v2(?!\d)", text) is not None
    is_v1 = not is_v2 and re.search(rf"{name}[-_ ]?(v1(?!\d)|vit[sblg]14)", text) is not None
    layers: FeatureLayers | None = "v1" if is_v1 else "v2" if is_v2 else None
    if re.search(r"(?<![a-z])metric(?:[-_ ]?depth|(?![a-z]))", text):
        return NameHints(True, cap, layers)
    # Such words may also name the data that a relative model was trained on; only the authors' whole name has none.
    is_relative = "relative" in words or re.fullmatch(r"depth_anything_(v2_vit[sblg]|vit[sbl]14)", text) is not None
    return NameHints(False if is_relative else None, None if is_relative else cap, layers)


def check_name(
    stem: str,
    *,
    max_depth: float | None,
    is_relative: bool,
    feature_layers: str | None,
    has_out_indices: bool,
    was_trained_metric: bool = False,
) -> None:
    """Refuse a conversion that leaves open what the name says otherwise, and warn where it says so itself.

    Args:
        stem: name of the checkpoint without its suffix.
        max_depth: as for `convert_original`.
        is_relative: whether the model was stated to be relative.
        feature_layers: as for `convert_original`; None is open.
        has_out_indices: whether the layers are given one by one.
        was_trained_metric: whether the file holds scores of metric depth, as the authors' training of metric models
            writes them.

    Raises:
        ValueError: by its name or its scores the model is metric, or one of V1, and the options do not say what it is.
    """
    hints = name_hints(stem)
    example = f"{hints.max_depth}" if hints.max_depth else "20 (the authors' indoor models) or 80 (outdoor)"
    if max_depth is None and not is_relative and (hints.is_metric or was_trained_metric):
        reason = f"its name {stem!r} says" if hints.is_metric else "the scores in it (previous_best) say"
        raise ValueError(
            f"{reason} that it is a metric model, which its tensors do not show; give --metric --max_depth {example}, "
            f"in Python max_depth={example}; or --relative (depth_estimation_type='relative') if it is none"
        )
    if hints.feature_layers == "v1" and feature_layers is None and not has_out_indices:
        raise ValueError(
            f"its name {stem!r} says that it is of Depth Anything V1, whose decoder reads the last four layers, "
            "which its tensors do not show; give --feature_layers v1 (feature_layers='v1'), or v2 if it is none"
        )
    if max_depth is None and not is_relative and hints.max_depth:
        logger.warning(
            "%s is converted as a relative model, but its name sounds like the authors' metric ones; if it is one, "
            "convert it with --metric --max_depth %d",
            stem,
            hints.max_depth,
        )
    if max_depth is not None and hints.is_metric is False:
        logger.warning("%s is converted as a metric model, but its name is that of a relative one", stem)
    if max_depth is not None and hints.max_depth not in (None, max_depth):
        logger.warning(
            "%s is converted with a depth cap of %g m, but the authors' models of such a name have %d m",
            stem,
            max_depth,
            hints.max_depth,
        )
    if hints.feature_layers == "v2" and feature_layers == "v1":
        logger.warning("%s is converted as a model of V1, but its name says V2", stem)
