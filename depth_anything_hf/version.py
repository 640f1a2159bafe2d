# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The version of the package, stated once."""

from __future__ import annotations


__version__ = "0.1.0"
