# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What `datasets` lists."""

from __future__ import annotations

from command_line import run


def test_datasets_are_listed_with_their_licenses() -> None:
    overview = run("datasets").output
    assert "hypersim" in overview and "CC BY-SA 3.0" in overview and "da-2k" in overview
    assert "moge-bundle" in overview and "all of moge-nyu, moge-kitti" in overview
    one = run("datasets", "hypersim").output
    assert "depth_meters.hdf5" in one and "hypersim-val@1" in one
    assert "name must be one of ['hypersim', " in run("datasets", "imaginary").output
