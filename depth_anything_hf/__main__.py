# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`python -m depth_anything_hf`: the command line, where its program is not on the path."""

from __future__ import annotations

from .cli.main import app


if __name__ == "__main__":
    app(prog_name="depth-anything-hf")
