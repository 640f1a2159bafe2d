# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO and NNCF without the messages that they send to their makers at imports and conversions, without asking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


# Where it is "true", openvino_telemetry neither sends nor writes `~/intel`.
_VARIABLE, _VALUE = "CI", "true"


@contextmanager
def without_telemetry() -> Iterator[None]:
    """Context manager: `import openvino`, `import nncf` and conversions send nothing."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = _VALUE
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
