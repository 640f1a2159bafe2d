# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`python -m depth_anything_hf.cli`, which is how launchers of several processes start the command line."""

from __future__ import annotations

from .main import app


if __name__ == "__main__":
    app(prog_name="depth-anything-hf")
