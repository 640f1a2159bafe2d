# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which layers stay in floating point, by structure alone."""

from __future__ import annotations

from depth_anything_hf.export.quantization_layers import Operation, float_layers


def decoder(branch_has_bias: bool = False) -> list[Operation]:
    """Patches and positions, a linear layer, a convolution read by a residual unit and its sum, and a head."""
    return [
        Operation("pixels", "input", ()),
        Operation("patches", "convolution", ("pixels",)),
        Operation("size", "shape", ("patches",)),
        Operation("grid", "other", ("size",)),
        Operation("embeddings", "product", ("grid",)),
        Operation("tokens", "other", ("patches", "embeddings")),
        Operation("linear", "product", ("tokens",)),
        Operation("branch", "convolution", ("linear",), has_bias=branch_has_bias),
        Operation("relu", "other", ("branch",)),
        Operation("residual", "convolution", ("relu",)),
        Operation("bias", "other", ("residual",)),
        Operation("sum", "other", ("bias", "branch")),
        Operation("conv1", "convolution", ("sum",)),
        Operation("resized", "other", ("conv1", "size")),
        Operation("conv2", "convolution", ("resized",)),
        Operation("map", "other", ("conv2",)),
    ]


def test_branches_positions_and_both_ends_stay_in_floating_point() -> None:
    assert float_layers(decoder(), "map") == {
        "patches": "first",
        "embeddings": "positions",
        "branch": "branches",
        "conv1": "last",
        "conv2": "last",
    }


def test_a_convolution_with_a_bias_of_its_own_may_have_several_readers() -> None:
    assert "branch" not in float_layers(decoder(branch_has_bias=True), "map")
