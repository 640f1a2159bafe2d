# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the demo may be started with."""

from __future__ import annotations

import re

import pytest

from depth_anything_hf.demo.settings import DemoSettings
from depth_anything_hf.utils.option_errors import OptionError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": ()}, "the demo needs a model"),
        ({"models": ("a/b", "a/b")}, "each model once, got a/b 2 times"),
        ({"max_pixels": 0}, "max_pixels must be at least 1"),
        ({"queue_size": 0}, "queue_size must be at least 1"),
        ({"keep_minutes": 1.5}, "keep_minutes"),
        ({"max_file_mb": -1.0}, "max_file_mb must be a positive number of megabytes, got -1"),
        ({"colormap": "cividi"}, "did you mean 'cividis'?"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(OptionError, match=re.escape(message)):
        DemoSettings(**{"models": ("a/b",), **options})


def test_a_folder_of_runs_must_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a run folder"):
        DemoSettings(("a/b",), runs=tmp_path / "absent")
    assert DemoSettings(("a/b",), runs=tmp_path).runs == tmp_path
