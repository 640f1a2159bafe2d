# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The weights of the relative loss: terms together and apart, the ramp, the anchor by the start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from depth_anything_hf.data.cutmix import cutmix
from depth_anything_hf.losses.loss_weights import RelativeLoss


@pytest.fixture
def batch() -> dict[str, Any]:
    """Three images of 28 x 28 with disparity; the second has a hole."""
    random = torch.Generator().manual_seed(3)
    labels = torch.rand(3, 28, 28, generator=random)
    labels[1, :5] = torch.nan
    return {
        "pixel_values": torch.randn(3, 3, 28, 28, generator=random),
        "labels": labels,
        "name": ["a", "b", "c"],
    }


@pytest.mark.parametrize("ignore_largest", [0.0, 0.1])
@pytest.mark.parametrize("mixed", [False, True])
def test_terms_together_are_the_terms_apart(batch, mixed, ignore_largest):
    batch = cutmix(batch, np.random.default_rng(0), probability=1.0) if mixed else batch
    prediction = torch.rand(3, 28, 28, generator=torch.Generator().manual_seed(9))
    target, region = batch["labels"], batch.get("region")
    together = RelativeLoss(ignore_largest=ignore_largest, anchor_weight=0.5).terms(prediction, target, region, 0.0)
    assert {name: weight for name, (weight, _) in together.items()} == {"ssi": 1.0, "gradient": 2.0, "anchor": 0.5}
    for name in together:
        only = RelativeLoss(0.0, 0.0, anchor_weight=0.0, ignore_largest=ignore_largest)
        setattr(only, f"{name}_weight", 1.0)
        apart = only.terms(prediction, target, region, 0.0)
        assert set(apart) == {name}
        assert torch.equal(apart[name][1], together[name][1])


@pytest.mark.parametrize(("progress", "share"), [(0.1, 0.25), (0.2, 0.5), (0.4, 1.0), (0.9, 1.0)])
def test_the_gradient_term_ramps_up(batch, progress, share):
    prediction = batch["labels"].nan_to_num(0.5) ** 2
    weighted = RelativeLoss(gradient_weight=2.0, gradient_ramp=0.4).terms(prediction, batch["labels"], None, progress)
    assert weighted["gradient"][0] == pytest.approx(2.0 * share)


def test_the_ramp_starts_without_the_gradient_term(batch):
    loss = RelativeLoss(gradient_ramp=0.4)
    assert set(loss.terms(batch["labels"], batch["labels"], None, 0.0)) == {"ssi"}


def test_the_anchor_is_chosen_by_the_start_unless_given():
    assert RelativeLoss().for_start(pretrained=True).anchor_weight == 0.0
    assert RelativeLoss().for_start(pretrained=False).anchor_weight == 1.0
    assert RelativeLoss(anchor_weight=0.5).for_start(pretrained=True).anchor_weight == 0.5
    assert RelativeLoss(anchor_weight=0.0).for_start(pretrained=False).anchor_weight == 0.0
    changed = RelativeLoss(gradient_weight=0.5, ignore_largest=0.2).for_start(pretrained=False)
    assert (changed.gradient_weight, changed.ignore_largest) == (0.5, 0.2)


@pytest.mark.parametrize(
    ("field", "value", "meant"),
    [
        ("ssi_weight", "1e-1", 0.1),
        ("gradient_weight", np.float32(2), 2.0),
        ("anchor_weight", "None", None),
        ("anchor_weight", 1, 1),
    ],
)
def test_numbers_given_as_text_are_numbers(field, value, meant):
    found = getattr(RelativeLoss(**{field: value}), field)
    assert found == meant and type(found) is type(meant)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("ssi_weight", "much", "ssi_weight must be a number, got 'much'"),
        ("gradient_weight", True, "gradient_weight must be a number, got True"),
        ("gradient_weight", None, "gradient_weight must be a number, got None"),
        ("gradient_weight", float("nan"), "gradient_weight must be a number, got nan"),
        ("anchor_weight", -1, "anchor_weight is -1, expected at least 0"),
        ("gradient_ramp", float("inf"), "gradient_ramp is inf, expected at least 0 and finite"),
        ("ignore_largest", 1.0, "ignore_largest is 1.0, expected at least 0 and less than 1"),
    ],
)
def test_what_is_no_weight_is_refused_by_name(field, value, said):
    with pytest.raises(ValueError, match=said):
        RelativeLoss(**{field: value})
