# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Give the system back what a scan has freed: otherwise the process keeps it, though it needs it never again."""

from __future__ import annotations

import ctypes
import platform

import pyarrow as pa


def give_back_freed_memory() -> None:
    """Return free memory of the C library, if that is glibc, and of Arrow to the system.

    glibc by itself returns what is free at the end of its heap only, and above it lies what was allocated later, such
    as the index's own objects. No setting of the process is changed.
    """
    if platform.system() == "Linux" and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
    pa.default_memory_pool().release_unused()
