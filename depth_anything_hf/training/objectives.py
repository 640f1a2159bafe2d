# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is minimised: each objective maps (model, batch, progress) to a loss and its named terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from ..data.transforms import IMAGENET_MEAN, IMAGENET_STD
from ..geometry.disparity import depth_to_disparity
from ..losses.relative import (
    anchor_loss,
    feature_alignment_loss,
    gradient_matching_loss,
    mean_over_images,
    relative_depth_losses,
    scale_and_shift_invariant_loss,
    silog_loss,
    within_and_outside,
)
from ..models.compilation import compile_blocks
from ..models.loading import as_dtype
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation


Batch = dict[str, Any]
Terms = dict[str, Tensor]
LabelMaker = Callable[[Tensor], Tensor]


def add_up(weighted: dict[str, tuple[float, Tensor]], prediction: Tensor) -> Terms:
    """Sums per-image terms and adds what a run watches.

    Args:
        weighted: name -> (weight, one value per image, NaN for an image that has no valid pixel).
        prediction: (B, H, W).

    Returns:
        "loss", a scalar with a graph; the unweighted mean of each term; "images_without_label", "output_maximum" and
        "output_zero_share", without graph.
    """
    terms: Terms = {}
    loss = prediction.new_zeros(())
    without_label = prediction.new_zeros(())
    for name, (weight, values) in weighted.items():
        mean, empty = mean_over_images(values)
        loss = loss + weight * mean
        terms[name] = mean.detach()
        without_label = torch.maximum(without_label, empty.to(without_label.dtype))
    output = prediction.detach()
    return {
        "loss": loss,
        **terms,
        "images_without_label": without_label,
        "output_maximum": output.amax().float(),
        "output_zero_share": (output == 0).float().mean(),
    }


@dataclass
class RelativeLoss:
    """The affine-invariant loss of the relative models, with CutMix where a batch has it.

    Defaults are the paper's (arXiv 2406.09414, section 7.1): SSI + 2 x gradient matching over four scales.

    Attributes:
        ssi_weight: scale-and-shift-invariant error.
        gradient_weight: gradient matching.
        gradient_ramp: share of the run over which `gradient_weight` rises from 0; a random model starts faster so.
        anchor_weight: error against the min-max disparity, which pins the output's scale; 0 in the paper's recipe,
            needed from scratch, where the affine-invariant terms let the scale run away. None counts as 0; see
            `for_start`.
        ignore_largest: share of each image's largest errors that is left out of the SSI term (0.1 on pseudo-labels).
    """

    ssi_weight: float = field(default=1.0, metadata={"help": "Weight of the scale-and-shift-invariant error."})
    gradient_weight: float = field(default=2.0, metadata={"help": "Weight of gradient matching; the paper's is 2."})
    gradient_ramp: float = field(
        default=0.0, metadata={"help": "Share of the run over which gradient_weight rises from 0."}
    )
    anchor_weight: float | None = field(
        default=None,
        metadata={"help": "Weight of the error against min-max disparity. Default: 0 (the paper), 1 from scratch."},
    )
    ignore_largest: float = field(
        default=0.0, metadata={"help": "Share of each image's largest errors left out; 0.1 suits pseudo-labels."}
    )

    def for_start(self, *, pretrained: bool) -> RelativeLoss:
        """The same loss with an anchor that was not given chosen by how the encoder starts."""
        if self.anchor_weight is not None:
            return self
        return replace(self, anchor_weight=0.0 if pretrained else 1.0)

    def terms(
        self, prediction: Tensor, target: Tensor, region: Tensor | None, progress: float
    ) -> dict[str, tuple[float, Tensor]]:
        """Named (weight, per-image values); a weight of zero costs nothing and is left out.

        Args:
            prediction, target: (B, H, W); target disparity with NaN where unknown.
            region: (B, H, W) bool, the pasted box of CutMix, or None.
            progress: share of the run that is done, 0..1.
        """
        ramp = min(1.0, progress / self.gradient_ramp) if self.gradient_ramp > 0 else 1.0
        gradient_weight = self.gradient_weight * ramp

        def values(loss: Callable[..., Tensor], **options: Any) -> Tensor:
            if region is None:
                return loss(prediction, target, **options)
            return within_and_outside(loss, prediction, target, ~target.isnan(), region, **options)

        weighted: dict[str, tuple[float, Tensor]] = {}
        if self.ssi_weight and gradient_weight:
            ssi, gradient = values(relative_depth_losses, ignore_largest=self.ignore_largest)
            weighted = {"ssi": (self.ssi_weight, ssi), "gradient": (gradient_weight, gradient)}
        elif self.ssi_weight:
            ssi = values(scale_and_shift_invariant_loss, ignore_largest=self.ignore_largest)
            weighted = {"ssi": (self.ssi_weight, ssi)}
        elif gradient_weight:
            weighted = {"gradient": (gradient_weight, values(gradient_matching_loss))}
        if self.anchor_weight:
            weighted["anchor"] = (self.anchor_weight, values(anchor_loss))
        return weighted


@dataclass
class SupervisedRelative:
    """A relative model on labelled images: the teacher's objective."""

    relative_loss: RelativeLoss = field(default_factory=RelativeLoss)

    def __call__(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        prediction = model(pixel_values=batch["pixel_values"]).predicted_depth
        weighted = self.relative_loss.terms(prediction, batch["labels"], batch.get("region"), progress)
        return add_up(weighted, prediction)


@dataclass
class SupervisedMetric:
    """A metric model on depth in metres: SILog over the depths that the model can express.

    Attributes:
        min_depth, max_depth: metres; labels outside are not valid. `max_depth` is the model's own cap.
        variance_focus: 0.5, as in DepthAnything/Depth-Anything-V2, metric_depth/util/loss.py.
    """

    max_depth: float
    min_depth: float = 1e-3
    variance_focus: float = 0.5

    def __call__(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        prediction = model(pixel_values=batch["pixel_values"]).predicted_depth
        labels = batch["labels"]
        valid = (labels >= self.min_depth) & (labels <= self.max_depth)
        values = silog_loss(prediction, labels, valid, variance_focus=self.variance_focus)
        return add_up({"silog": (1.0, values)}, prediction)


class OnlineTeacher:
    """Any depth model as a source of disparity for images that a transform has already normalised.

    Args:
        model: predicts `predicted_depth` (B, h, w) from `pixel_values`; frozen here. One of this package takes its
            faster way through the encoder (`optimize_for_inference`).
        kind: "disparity" or "depth", what it predicts; depth is inverted.
        mean, std: the normalisation of the channels that the model expects.
        dtype: converts the weights, and computes in this precision whatever the run's is ("float32", "bfloat16",
            "float16" or torch's). None leaves the weights as they are, and a run in mixed precision computes them in
            its own.
        compile: build the model's blocks by `torch.compile` at the first call, which takes seconds where the whole
            model takes minutes; see `compile_blocks`.

    Raises:
        ValueError: an unknown precision.
    """

    def __init__(
        self,
        model: nn.Module,
        kind: str,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        dtype: str | torch.dtype | None = None,
        compile: bool = False,
    ) -> None:
        self.model = model.eval().requires_grad_(False)
        self.kind = kind
        self.dtype = as_dtype(dtype)
        if self.dtype is not None:
            self.model.to(self.dtype)
        self._waits_for_compilation = compile
        if isinstance(model, DepthAnythingForDepthEstimation):
            # With adapters or quantised layers it goes the usual way, which is also the one that is compiled.
            with suppress(ValueError):
                model.optimize_for_inference(not compile)
        # Batches are normalised with ImageNet's statistics; this maps them to the teacher's own.
        own_mean, own_std = np.asarray(mean, dtype=np.float32), np.asarray(std, dtype=np.float32)
        self.gain = torch.from_numpy(IMAGENET_STD / own_std).view(1, 3, 1, 1)
        self.offset = torch.from_numpy((IMAGENET_MEAN - own_mean) / own_std).view(1, 3, 1, 1)

    def to(self, device: torch.device) -> OnlineTeacher:
        self.model.to(device)
        self.gain, self.offset = self.gain.to(device), self.offset.to(device)
        return self

    def __call__(self, pixel_values: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images -> (B, H, W) disparity, float32."""
        if self._waits_for_compilation:
            # What is worth it depends on the device.
            compile_blocks(self.model, pixel_values.device)
            self._waits_for_compilation = False
        images = pixel_values * self.gain + self.offset
        with torch.no_grad(), self._precision(images.device):
            predicted = self.model(pixel_values=images.to(self._weights_dtype())).predicted_depth.float()
        if predicted.shape[-2:] != pixel_values.shape[-2:]:
            size = pixel_values.shape[-2:]
            predicted = F.interpolate(predicted[:, None], size=size, mode="bilinear", align_corners=True)[:, 0]
        return depth_to_disparity(predicted) if self.kind == "depth" else predicted

    def _precision(self, device: torch.device) -> AbstractContextManager[Any]:
        return nullcontext() if self.dtype is None else torch.autocast(device.type, enabled=False)

    def _weights_dtype(self) -> torch.dtype:
        # Quantised ones are integers.
        return next(each.dtype for each in self.model.parameters() if each.is_floating_point())


class Distillation:
    """A student on pseudo-labels, stored or made on the fly, with feature alignment to a frozen encoder.

    Args:
        relative_loss: the student's is SSI + gradient matching 1:1 in V1's issue tracker and 1:2 in V2's paper; the
            largest tenth of each image's errors is left out.
        teacher: maps clean pixel values (B, 3, H, W) to disparity (B, H, W), e.g. an `OnlineTeacher`; None where the
            batch has labels. It stays outside of distributed wrapping and gets no gradient.
        feature_encoder: a frozen DINOv2 whose patch tokens the student's are kept near (V1, equation 10), or None.
        feature_weight: its weight; the paper's plain average of losses means 1.
        feature_tolerance: tokens nearer than this (1 - cosine) are left alone, 0.15 by the maintainer's word.
        student_width: the student's token width; a linear projector is added only if the encoder's differs.
    """

    def __init__(
        self,
        relative_loss: RelativeLoss | None = None,
        *,
        teacher: LabelMaker | None = None,
        feature_encoder: PreTrainedModel | None = None,
        feature_weight: float = 1.0,
        feature_tolerance: float = 0.15,
        student_width: int | None = None,
    ) -> None:
        self.relative_loss = relative_loss or RelativeLoss(ignore_largest=0.1)
        self.teacher = teacher
        self.feature_encoder = feature_encoder
        self.feature_weight = feature_weight
        self.feature_tolerance = feature_tolerance
        # Trained with the student; `fit` gives it to the optimiser and wraps it for several processes.
        self.projector: nn.Module | None = None
        if feature_encoder is not None:
            feature_encoder.eval().requires_grad_(False)
            width = int(feature_encoder.config.hidden_size)
            if student_width is None:
                raise ValueError("feature alignment needs student_width, the student encoder's hidden_size")
            if width != student_width:
                self.projector = nn.Linear(student_width, width)

    def to(self, device: torch.device) -> Distillation:
        """Moves teacher and frozen encoder; the projector moves with the optimiser's preparation."""
        if isinstance(self.teacher, OnlineTeacher):
            self.teacher.to(device)
        if self.feature_encoder is not None:
            nn.Module.to(self.feature_encoder, device)
        return self

    def __call__(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        labels = self._labels(batch)
        output = model(pixel_values=batch["pixel_values"], output_patch_tokens=self.feature_encoder is not None)
        weighted = self.relative_loss.terms(output.predicted_depth, labels, batch.get("region"), progress)
        if self.feature_encoder is not None:
            tokens = output.patch_tokens if self.projector is None else self.projector(output.patch_tokens)
            with torch.no_grad():
                reference = self.feature_encoder(batch["pixel_values"]).last_hidden_state[:, -tokens.shape[1] :]
            values = feature_alignment_loss(tokens, reference, tolerance=self.feature_tolerance)
            weighted["feature"] = (self.feature_weight, values)
        return add_up(weighted, output.predicted_depth)

    def _labels(self, batch: Batch) -> Tensor:
        if self.teacher is None:
            if "labels" not in batch:
                raise ValueError(
                    "the batch has no labels and there is no teacher: label the images first with "
                    "examples/pseudo_label.py, or name a teacher"
                )
            stored: Tensor = batch["labels"]
            return stored
        # The teacher sees the clean image (V1, section 3.2); only the student's copy is perturbed.
        with torch.no_grad():
            clean: Tensor = batch["clean_pixel_values"] if "clean_pixel_values" in batch else batch["pixel_values"]
            labels = self.teacher(clean).float()
        if "region" in batch:
            labels = torch.where(batch["region"], labels[batch["partner"]], labels)
        return labels
