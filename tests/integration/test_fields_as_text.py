# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Every field of every dataclass that a user may fill takes text rightly, or refuses it by the field's name.

The dataclasses are found by walking the package, so that a new one with flags, or of defaults alone, either checks its
fields or is listed here.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

import depth_anything_hf
from depth_anything_hf.evaluation.settings import EvaluationSettings


# Results, states and records that the package itself makes, and tables of the package; and the configuration, which
# transformers checks.
MADE_BY_THE_PACKAGE = {
    *(
        "Camera",
        "CameraChoice",
        "Change",
        "Claim",
        "Curve",
        "DepthAnythingOutput",
        "DryRun",
        "DryRunReport",
        "Due",
    ),
    *(
        "Entry",
        "EvaluationResult",
        "ExifCamera",
        "FirstLabels",
        "FitInputs",
        "FitResult",
        "Frame",
        "ImageFile",
        "ImageOrder",
    ),
    *("LabelItem", "LabelRange", "LabelReport", "LearningRates", "ManifestEntry", "MemoryEstimate", "Metric"),
    *(
        "OpenShard",
        "PairTarget",
        "ParsedArguments",
        "PendingImage",
        "PixelShares",
        "PendingStep",
        "PerImageFit",
        "Picture",
        "Planned",
    ),
    *("Prediction", "Progress", "PublicDataset", "Recipe", "Repository", "RunGeometry", "RunState", "Scene"),
    *("ShardSummary", "ShardWork", "StartingPoint", "StepReport", "StepStatus", "Target", "TiffLayout", "TrainingRun"),
    *(
        "Unpushed",
        "VerifyReport",
        "View",
        "ViewRequirements",
        "CommandArguments",
        "DepthAnythingConfig",
        "EncoderStrategy",
    ),
}
# What the dataclasses need beside the field that is tried.
NEEDED: dict[str, dict[str, Any]] = {
    "DataSource": {"path": "rooms"},
    "ModelArguments": {"model_name_or_path": "m"},
    "DataArguments": {"train_data": ["rooms"]},
    "TrainingArguments": {"output_dir": "run", "greater_is_better": True, "metric_for_best_model": "my_metric"},
    "MetricArguments": {"max_depth": 20.0},
    "SupervisedMetric": {"max_depth": 20.0},
    "TrainingTransform": {"size": 28},
    "LabelRules": {"label": "depth"},
    "LabelArguments": {"teacher": "t", "data": "photos", "output_dir": "labels"},
    "ReviewArguments": {"labels": "labels", "output_dir": "out"},
    "EvaluationArguments": {"model": "m", "data": "rooms"},
    "ComparisonArguments": {"models": ["m", "n"], "data": "rooms"},
    "Crop": {"source": "a paper"},
    "Protocol": {
        **{"name": "mine", "title": "Mine", "reader": "nyu", "source": "a paper"},
        "settings": EvaluationSettings(),
    },
    "Evaluation": {"dataset": ["a"]},
    "DistillationArguments": {"teacher": "t"},
    "_RenderSettings": {
        **{"family": "varied", "height": 28, "width": 28, "seed": 0, "samples_per_pixel": 1, "views_per_scene": 1},
        **{"first_scene": 0, "haze": False, "depth": True, "kinds": None, "denoise": False, "clip": False},
    },
    "Calibration": {
        **{"form": "disparity", "scale": 1.0, "shift": 0.0, "points": 2, "points_beyond": 0, "abs_rel": 0.0},
        **{"smallest_disparity": 0.0, "largest_disparity": 1.0},
    },
}
# Fields that any value may fill, which are looked at where they are used, or have words of their own.
NOT_TRIED = {
    ("Evaluation", "dataset"),
    ("Evaluation", "metrics"),
    ("TrainingArguments", "report_to"),
    ("TrainingArguments", "resume_from_checkpoint"),
    ("DataArguments", "train_data"),
    ("DataArguments", "eval_data"),
    ("DataArguments", "rehearsal"),
    ("DataArguments", "forgetting_data"),
    ("DataArguments", "near_clip"),
    ("ModelArguments", "encoder_config"),
    ("ModelArguments", "decoder_config"),
    ("_RenderSettings", "family"),
}
WRONG: tuple[Any, ...] = (
    *("many", "0,1", "", "nan", "inf", "-inf", "None", "1e3", "1.5", "no", "yes", "-1", "0", "1"),
    *(None, True, 1.0, 2.5, -1, math.nan, math.inf, [], ["x"], ["1", "2"], {}, {"a": 1}, object(), b"1"),
    *(np.float32(0.5), np.int64(3), np.True_, (1, 2), Path("a")),
)


def modules() -> Iterator[Any]:
    for each in pkgutil.walk_packages(depth_anything_hf.__path__, "depth_anything_hf."):
        if each.name.endswith("__main__"):
            continue
        try:
            yield importlib.import_module(each.name)
        except ModuleNotFoundError as error:
            # Files of engines import these at once, and are imported where they are used.
            if error.name not in ("onnx", "onnxruntime", "openvino"):
                raise


def filled_by_users() -> list[type]:
    found = {
        each
        for module in modules()
        for each in vars(module).values()
        if isinstance(each, type) and is_dataclass(each) and each.__module__.startswith("depth_anything_hf.")
    }
    return sorted((each for each in found if _may_be_filled(each)), key=lambda each: each.__name__)


def _may_be_filled(kind: type[Any]) -> bool:
    """Whether a dataclass is one for users: known here, with helps of flags, or made of nothing but defaults."""
    if kind.__name__ in NEEDED:
        return True
    has_help = any("help" in each.metadata for each in fields(kind))
    is_made_of_defaults = all(
        each.default is not MISSING or each.default_factory is not MISSING for each in fields(kind)
    )
    is_public = not kind.__name__.startswith("_") and kind.__name__ not in MADE_BY_THE_PACKAGE
    return is_public and (has_help or is_made_of_defaults)


def is_of(value: Any, hint: Any) -> bool:
    """Whether a value is of a type hint, numbers finite or as large as the field may be."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    args = get_args(hint)
    if type(None) in args or (args and get_origin(hint) not in (list, tuple) and "Union" in str(get_origin(hint))):
        return any(is_of(value, each) for each in args)
    if hint in (None, type(None)):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint in (int, float):
        kinds = int if hint is int else int | float
        return isinstance(value, kinds) and not isinstance(value, bool) and value == value
    if get_origin(hint) is tuple:
        return isinstance(value, tuple)
    if get_origin(hint) is list:
        return isinstance(value, list)
    return hint is not str or isinstance(value, str)


def tried_values(each: Field[Any]) -> Iterator[Any]:
    yield from WRONG
    if each.default is not MISSING and isinstance(each.default, int | float) and not isinstance(each.default, bool):
        # The text of a number means that number.
        yield str(each.default)


@pytest.mark.parametrize("kind", filled_by_users(), ids=lambda kind: kind.__name__)
def test_a_field_is_of_its_type_or_refused_by_its_name(kind: type[Any]) -> None:
    needed = NEEDED.get(kind.__name__, {})
    kind(**needed)
    hints = get_type_hints(kind)
    for each in fields(kind):
        if not each.init or (kind.__name__, each.name) in NOT_TRIED:
            continue
        for value in tried_values(each):
            filled, refusal = None, ""
            try:
                filled = kind(**{**needed, each.name: value})
            except ValueError as error:
                refusal = str(error)
            if filled is None:
                assert each.name in refusal, f"{kind.__name__}.{each.name} = {value!r}: {refusal}"
                continue
            found = getattr(filled, each.name)
            assert is_of(found, hints[each.name]), f"{kind.__name__}.{each.name} = {value!r} became {found!r}"
            if isinstance(value, str) and isinstance(found, int | float) and not isinstance(found, bool):
                assert found == float(value), f"{kind.__name__}.{each.name} = {value!r} became {found!r}"


def test_the_lists_of_this_test_name_what_exists() -> None:
    found = {
        name: each
        for module in modules()
        for name, each in vars(module).items()
        if isinstance(each, type) and is_dataclass(each)
    }
    assert set(found) >= set(NEEDED) | MADE_BY_THE_PACKAGE
    assert {(kind, each.name) for kind, _ in NOT_TRIED for each in fields(found[kind])} >= NOT_TRIED
