# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Whether a process keeps the memory that its tensors have freed: on Linux that is a large part of a step's time.

The C library maps every large block afresh and gives it back when it is freed. The system then has to find and clear
each of its pages again at the next pass, which costs more than many of the operations that use them.
"""

from __future__ import annotations

import ctypes
import platform
from typing import Any


# Parameters of glibc's mallopt, and its own settings of them (man 3 mallopt).
TRIM_THRESHOLD, MAPPINGS = -1, -4
NEVER_TRIM, NO_MAPPINGS = -1, 0
STANDARD_TRIM_THRESHOLD, STANDARD_MAPPINGS = 128 * 1024, 65536


def _c_library() -> Any:
    """The process's glibc, or None where there is another C library, which has no such settings."""
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def keep_freed_memory() -> bool:
    """Keeps what is freed from now on for later use by this process, instead of giving it back to the system.

    It is a setting of the whole process, and therefore never made by importing something or by opening a model:
    `fit` on a CPU makes it while it runs, and so do the commands and examples, whose process is their own. Resident
    memory then stays near its largest value. It may grow by some more large blocks at first: small ones settle in what
    is free, which then is too small for the next large one.

    Returns:
        Whether the setting was made; False on systems without glibc, where nothing changes.
    """
    library = _c_library()
    if library is None:
        return False
    return bool(library.mallopt(MAPPINGS, NO_MAPPINGS) and library.mallopt(TRIM_THRESHOLD, NEVER_TRIM))


def return_freed_memory() -> None:
    """Undoes `keep_freed_memory`, and gives back to the system what is free now."""
    library = _c_library()
    if library is not None:
        library.mallopt(MAPPINGS, STANDARD_MAPPINGS)
        library.mallopt(TRIM_THRESHOLD, STANDARD_TRIM_THRESHOLD)
        library.malloc_trim(0)
