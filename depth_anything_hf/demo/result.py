# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A prediction as the demo keeps it for one user: values, picture, calibration, and what is shown of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..data.decoding.limits import HOW_TO_RAISE
from ..geometry.disparity import PredictionKind, depth_to_disparity
from ..inference.calibration import Calibration
from ..inference.kept_pictures import read_upright
from ..utils.redaction import redact_name
from ..visualization.colour_maps import colour_limits, colour_map
from .models import DemoModels
from .settings import model_label


@dataclass(frozen=True)
class DemoResult:
    """The prediction of one picture; never changed, so that two requests of a user cannot disturb each other.

    Attributes:
        path: of the uploaded picture, in the demo's temporary folder.
        image: uint8 (H, W, 3), upright.
        raw: float32 (H, W), what the model predicted: disparity or metres.
        raw_kind: "disparity" or "depth", of `raw`.
        model: its name, as the demo was started with.
        input_size: shorter side at which the model saw the picture; None: its own size.
        calibration: from disparity to metres; None: none, or a metric model.
    """

    path: Path
    image: np.ndarray
    raw: np.ndarray
    raw_kind: PredictionKind
    model: str
    input_size: int | None
    calibration: Calibration | None = None

    @property
    def name(self) -> str:
        """Name of the picture without its suffix, which files of the result begin with."""
        return self.path.stem or "picture"

    @property
    def kind(self) -> PredictionKind:
        """Return "depth" (metres) or "disparity", of `values`."""
        return "depth" if self.calibration is not None else self.raw_kind

    @property
    def values(self) -> np.ndarray:
        """Metres or disparity, float32 (H, W); NaN: none."""
        return self.raw if self.calibration is None else self.calibration.apply(self.raw)

    def with_calibration(self, calibration: Calibration | None) -> DemoResult:
        """Return the same prediction in metres by a calibration, or as it was predicted.

        Raises:
            ValueError: the model predicts metres already.
        """
        if calibration is not None and self.raw_kind == "depth":
            raise ValueError(f"{redact_name(self.model)} predicts metres already and needs no calibration")
        return replace(self, calibration=calibration)

    def doubts(self) -> list[str]:
        """Return why the calibration may not hold here, in words; empty where it was made for this model and size."""
        found: list[str] = []
        fit = self.calibration
        if fit is None:
            return found
        if fit.model_id and redact_name(fit.model_id) != redact_name(self.model):
            found.append(f"the calibration was made with {redact_name(fit.model_id)}, not {redact_name(self.model)}")
        if fit.input_size != self.input_size:
            found.append(f"the calibration was made at input size {fit.input_size}, not {self.input_size}")
        return found

    def shown(self) -> np.ndarray:
        """Return what the colours show: disparity, of depth 1 / metres; float (H, W), larger is nearer."""
        return depth_to_disparity(self.values) if self.kind == "depth" else self.values

    def limits(self) -> tuple[float, float]:
        """Return the values of `shown` between which the colours run."""
        return colour_limits(self.shown())

    def picture(self, colormap: str) -> np.ndarray:
        """Return the map in colours, uint8 (H, W, 3)."""
        return colour_map(self.shown(), name=colormap)

    def describe(self) -> str:
        """Return in a sentence or two what the values are and where they come from."""
        height, width = self.image.shape[:2]
        size = "its own size" if self.input_size is None else f"input size {self.input_size}"
        where = f"{model_label(self.model)} at {size}, picture {width} x {height}."
        values = self.values[np.isfinite(self.values)]
        if self.kind == "disparity":
            return (
                f"Disparity: larger is nearer. Scale and shift are unknown, so values compare within this picture "
                f"only and are not metres. {where}"
            )
        if not values.size:
            return f"Metres, but no pixel has a value: check the measured points. {where}"
        near, middle, far = np.percentile(values, (2, 50, 98))
        by = "predicted by a metric model" if self.calibration is None else describe_calibration(self.calibration)
        doubts = "".join(f" **Doubtful: {each}; scale and shift differ.**" for each in self.doubts())
        return (
            f"Metres along the optical axis, {by}: {near:.3g} to {far:.3g} m, median {middle:.3g} m. {where}{doubts}"
        )


def describe_calibration(fit: Calibration) -> str:
    """Return how a calibration was made and how well it fits, in words."""
    error = "exact, of unknown error" if fit.points == 2 else f"mean relative error there {fit.abs_rel:.3g}"
    beyond = f", {fit.points_beyond} of them beyond infinity in this fit" if fit.points_beyond else ""
    return f"calibrated on {fit.points} points ({error}{beyond})"


def predict(models: DemoModels, path: str | Path, model: str, input_size: int | None, max_pixels: int) -> DemoResult:
    """Predict one picture.

    Args:
        models: that are open.
        path: of the picture.
        model: name of the model.
        input_size: as `DemoModels.open` takes it.
        max_pixels: largest number of pixels.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: no picture, damaged, or of too many pixels; the message says `NAME.suffix`, no folder,
            and what whoever uploaded it can do.
        ValueError: an unknown model or size, or the model gives NaN.
    """
    path = Path(path)
    try:
        image = read_upright(path, max_pixels).image
    except (ValueError, OSError) as error:
        # The folder is the demo's own, and of no use to whoever uploaded the file; so are options of the command.
        text = str(error).replace(f"{path.parent}{os.sep}", "").replace(HOW_TO_RAISE, "Make the picture smaller")
        raise type(error)(text) from error
    predictor = models.open(model, input_size)
    with models.lock:
        raw = predictor.predict(image)
    return DemoResult(path, image, raw, predictor.prediction_kind, model, predictor.input_size)
