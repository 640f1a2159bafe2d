# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Whether a process keeps the memory that its tensors have freed: on Linux that is a large part of a step's time.

The C library maps the largest blocks afresh and gives them back when they are freed. The system then has to find and
clear each of their pages again at the next pass, which costs more than many of the operations that use them. Other
blocks share a heap, where those in use keep the free ones between them from being given back.
"""

from __future__ import annotations

import ctypes
import platform
from typing import Any


# Parameters of glibc's mallopt, and its own settings of them (man 3 mallopt).
TRIM_THRESHOLD, MAPPING_THRESHOLD, MAPPINGS = -1, -3, -4
NEVER_TRIM, NO_MAPPINGS = -1, 0
STANDARD_MAPPINGS = 65536
# Where glibc begins, and where it gets to in a process that frees large blocks; it trims from twice as much.
SMALLEST_MAPPING_THRESHOLD, LARGEST_MAPPING_THRESHOLD = 128 * 1024, 32 * 2**20


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


def return_every_block() -> bool:
    """Gives every block of 128 KiB or more back to the system when it is freed, so that no gaps add up.

    Like `keep_freed_memory` it is a setting of the whole process, and the opposite one: the least memory, for more
    time. `fit` on a CPU makes it where activations are computed again to save memory.

    Returns:
        Whether the setting was made; False on systems without glibc, where nothing changes.
    """
    library = _c_library()
    if library is None:
        return False
    return _give_back(library, SMALLEST_MAPPING_THRESHOLD)


def return_freed_memory() -> None:
    """Undoes `keep_freed_memory` and `return_every_block`, and gives back to the system what is free now."""
    library = _c_library()
    if library is not None:
        _give_back(library, LARGEST_MAPPING_THRESHOLD)
        library.malloc_trim(0)


def _give_back(library: Any, mapping_threshold: int) -> bool:
    settings = {
        MAPPINGS: STANDARD_MAPPINGS,
        MAPPING_THRESHOLD: mapping_threshold,
        TRIM_THRESHOLD: 2 * mapping_threshold,
    }
    return all([library.mallopt(parameter, value) for parameter, value in settings.items()])
