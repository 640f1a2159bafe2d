# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The relative loss as a whole: the weight of each of its terms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

from torch import Tensor

from .cutmix import within_and_outside
from .relative import anchor_loss, gradient_matching_loss, relative_depth_losses, scale_and_shift_invariant_loss


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

    Raises:
        ValueError: a weight or share is no number, or out of range.
    """

    _argument_group_name: ClassVar[str] = "loss"
    # Flags that have no effect without another argument.
    _belongs_to: ClassVar[dict[str, str]] = {"gradient_ramp": "gradient_weight", "ignore_largest": "ssi_weight"}

    ssi_weight: float = field(default=1.0, metadata={"help": "Weight of the scale-and-shift-invariant error."})
    gradient_weight: float = field(default=2.0, metadata={"help": "Weight of gradient matching; the paper's is 2."})
    gradient_ramp: float = field(
        default=0.0, metadata={"help": "Share of the steps over which gradient_weight ramps up from 0."}
    )
    anchor_weight: float | None = field(
        default=None,
        metadata={"help": "Weight of the error against min-max disparity. Default: 0 (the paper), 1 from scratch."},
    )
    ignore_largest: float = field(
        default=0.0, metadata={"help": "Share of each image's largest errors to ignore; 0.1 suits pseudo-labels."}
    )

    def __post_init__(self) -> None:
        # As `utils.typed_fields` does; losses import nothing of other rooms.
        for each in fields(self):
            value: Any = getattr(self, each.name)
            if each.name == "anchor_weight" and str(value).strip().lower() in ("none", "null"):
                self.anchor_weight = None
                continue
            try:
                number = math.nan if isinstance(value, bool) else float(value)
            except (TypeError, ValueError):
                number = math.nan
            if math.isnan(number):
                raise ValueError(f"{each.name} must be a number, got {value!r}")
            if not 0 <= number < (1 if each.name == "ignore_largest" else math.inf):
                limit = "at least 0 and less than 1" if each.name == "ignore_largest" else "at least 0 and finite"
                raise ValueError(f"{each.name} is {value}, expected {limit}")
            if type(value) not in (int, float):
                setattr(self, each.name, number)

    def for_start(self, *, pretrained: bool) -> RelativeLoss:
        """Return the same loss, with the default anchor weight for how the encoder starts unless one was given."""
        if self.anchor_weight is not None:
            return self
        return replace(self, anchor_weight=0.0 if pretrained else 1.0)

    def terms(
        self,
        prediction: Tensor,
        target: Tensor,
        region: Tensor | None,
        progress: float,
        weights: Tensor | None = None,
    ) -> dict[str, tuple[float, Tensor]]:
        """Compute the terms, each as (weight, one value per image); a term of weight zero is left out.

        Where the ramp of gradient matching begins and there is no other term, it stays with a weight of 0, so that the
        first step has a loss of 0 with a graph.

        Args:
            prediction: (B, H, W), disparity.
            target: (B, H, W), disparity up to an affine map; NaN = invalid.
            region: (B, H, W) bool, the pasted box of CutMix, or None.
            progress: share of the run that is done, 0..1.
            weights: (B, H, W), what each pixel counts, or None.
        """
        ramp = min(1.0, progress / self.gradient_ramp) if self.gradient_ramp > 0 else 1.0
        gradient_weight = self.gradient_weight * ramp

        def values(loss: Callable[..., Tensor], **options: Any) -> Tensor:
            if weights is not None:
                options["weights"] = weights
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
        elif gradient_weight or (self.gradient_weight and not self.anchor_weight):
            weighted = {"gradient": (gradient_weight, values(gradient_matching_loss))}
        if self.anchor_weight:
            weighted["anchor"] = (self.anchor_weight, values(anchor_loss))
        return weighted
