# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A compiled model trains and predicts the same."""

from __future__ import annotations

import pytest
import torch
from model_gradients import KINDS, assert_gradients_agree, gradients_of, labels_for, pixels, tiny_model


# Traces a model, forward and backward, without generating code, which takes half a minute or more; predictions of
# generated code are those of tests/integration/test_kernels_in_models.py.
TRACING = "aot_eager"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_a_compiled_model_trains_the_same(kind: str) -> None:
    torch.compiler.reset()
    model = tiny_model(**KINDS[kind])
    images = pixels()
    labels = labels_for(kind, images)
    expected = gradients_of(model, images, labels)
    compiled = torch.compile(model, backend=TRACING)
    assert_gradients_agree(model, gradients_of(model, images, labels, run=compiled), expected)


@pytest.mark.slow
def test_a_compiled_model_predicts_the_same() -> None:
    torch.compiler.reset()
    model = tiny_model().eval()
    with torch.inference_mode():
        expected = model(pixels()).predicted_depth
        output = torch.compile(model, fullgraph=True, backend=TRACING)(pixels()).predicted_depth
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)
