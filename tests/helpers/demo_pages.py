# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A test tool: what is done in the page of the demo and read from it, by Playwright."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def upload(page: Any, path: Path) -> None:
    """Put a picture into the tab of one picture."""
    page.set_input_files("input[type=file] >> nth=0", str(path))


def wait_for_map(page: Any, label: str) -> None:
    """Wait until the map is drawn whose text begins so."""
    page.wait_for_function(
        "label => document.querySelector('#hover canvas')?.getAttribute('aria-label').startsWith(label)", arg=label
    )


def told(page: Any) -> tuple[int, int, float]:
    """Return pixel and value that are told of the place of the cross."""
    found = re.match(r"x (\d+), y (\d+): ([-\d.e+]+)", page.inner_text("#hover output"))
    assert found, page.inner_text("#hover output")
    return int(found[1]), int(found[2]), float(found[3])
