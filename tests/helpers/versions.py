# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Marks of tests that the oldest supported versions of other libraries cannot pass, with the reason."""

from __future__ import annotations

import huggingface_hub
import pytest
import transformers
from packaging.version import Version


needs_auto_image_processor = pytest.mark.skipif(
    Version(transformers.__version__) < Version("5.18"),
    reason="before Transformers 5.18 AutoImageProcessor and pipeline need torchvision",
)
opens_kept_adapters = pytest.mark.skipif(
    Version(transformers.__version__) < Version("5.23"),
    reason="Transformers 5.17 opens a folder of adapters and decoder with other values",
)
# Before version 2, ModelCard.validate asks huggingface.co whatever the endpoint.
VALIDATES_AT_ENDPOINT = Version(huggingface_hub.__version__) >= Version("2.0")
# Transformers 5.17 looks for adapters once more by itself, and not at the commit that it is given.
ASKS_FOR_ADAPTERS_ITSELF = Version(transformers.__version__) < Version("5.23")
