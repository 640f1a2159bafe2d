# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Settings of labels by two teachers and of masks, and which of them go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..utils.option_errors import OptionError
from ..utils.typed_fields import convert_fields, require_ranges


@dataclass(frozen=True)
class FusionSettings:
    """When a fit of two teachers is bad, and from where on pixels are masked.

    Attributes:
        fit_tolerance: relative residual within which a pixel counts as fitted.
        least_inliers: share of such pixels below which the fit is bad.
        teachers_threshold: relative residual above which the mask `teachers` is set.
        flip_threshold: disagreement with the mirrored picture (`inference.confidence.find_confidence`) above which the
            mask `flip` is set.
        sky_threshold: probability of sky above which the mask `sky` is set, by a sky teacher.
    """

    fit_tolerance: float = 0.15
    least_inliers: float = 0.5
    teachers_threshold: float = 0.3
    flip_threshold: float = 0.2
    sky_threshold: float = 0.5

    def __post_init__(self) -> None:
        convert_fields(self)
        positive = ("fit_tolerance", "teachers_threshold", "flip_threshold")
        require_ranges(self, {"(0, inf)": positive, "[0, 1]": ("least_inliers",), "(0, 1)": ("sky_threshold",)})


def check_teachers(masks: Sequence[str], has_scale_teacher: bool, has_sky_teacher: bool) -> None:
    """Check that masks and teachers go together.

    Raises:
        OptionError: they do not.
    """
    if "teachers" in masks and not has_scale_teacher:
        raise OptionError("the mask 'teachers' shows where two teachers disagree; name the other one by scale_teacher")
    if "sky" in masks and not (has_scale_teacher or has_sky_teacher):
        raise OptionError(
            "the mask 'sky' needs sky_teacher, a model of semantic segmentation with a class called sky, or a metric "
            "scale_teacher for outdoors, with which it is what both teachers see far and smooth"
        )
    if has_sky_teacher and "sky" not in masks:
        raise OptionError("a sky_teacher is for the mask 'sky', which is not asked for; add sky to masks")


def check_used(arguments: Any, masks: Sequence[str]) -> None:
    """Check that no argument of `LabelArguments` is given that has no effect without a model or a mask.

    Raises:
        OptionError: one is; the message says what it is for.
    """
    has_scale, has_sky = arguments.scale_teacher is not None, arguments.sky_teacher is not None
    if not has_scale:
        for name in ("scale_prediction_kind", "scale_input_size", "scale_teacher_license"):
            if getattr(arguments, name) is not None:
                raise OptionError(f"--{name} is for a second teacher: name it by --scale_teacher, or leave it out")
    if not has_sky and arguments.sky_teacher_license is not None:
        raise OptionError("--sky_teacher_license is for a sky teacher: name it by --sky_teacher, or leave it out")
    for name, is_used, needed in (
        ("fit_tolerance", has_scale, "--scale_teacher"),
        ("least_inliers", has_scale, "--scale_teacher"),
        ("teachers_threshold", "teachers" in masks, "--masks teachers"),
        ("flip_threshold", "flip" in masks, "--masks flip"),
        ("sky_threshold", has_sky, "--sky_teacher"),
    ):
        default = type(arguments).__dataclass_fields__[name].default
        if not is_used and getattr(arguments, name) != default:
            raise OptionError(f"--{name} has no effect without {needed}; leave it out")
