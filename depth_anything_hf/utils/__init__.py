# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What every room may use and that uses none of them.

- `quiet`: hide the progress bars of libraries.
"""
