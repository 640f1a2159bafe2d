# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Keep or return the memory that a process's tensors have freed: with glibc a large part of a step's time.

glibc maps the largest blocks anew for each allocation and returns them to the system when they are freed. The system
then has to find and clear their pages again at the next pass, which costs more than many of the operations that use
them. Other blocks share a heap, where blocks in use keep the free ones between them from being returned.
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

_is_kept = False


def _c_library() -> Any:
    """Return the process's glibc, or None where there is another C library, which has no such settings."""
    has_glibc = platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"
    return ctypes.CDLL(None) if has_glibc else None


def keep_freed_memory() -> bool:
    """Keep memory that is freed from now on for later use by this process, instead of returning it to the system.

    It is a setting of the whole process, and therefore never made by an import or by opening a model: `fit` on a CPU
    makes it while it runs, and so do the commands and examples, whose process is their own. Resident memory then stays
    near its largest value. It may grow by some more large blocks at first: small ones settle in what is free, which
    then is too small for the next large one.

    Returns:
        Whether the setting was made; False on systems without glibc, where nothing changes.
    """
    global _is_kept
    library = _c_library()
    if library is None:
        return False
    _is_kept = True
    return bool(library.mallopt(MAPPINGS, NO_MAPPINGS) and library.mallopt(TRIM_THRESHOLD, NEVER_TRIM))


def stop_keeping_memory() -> None:
    """Undo `keep_freed_memory` where it was called, and leave every other setting alone.

    For models in other engines than PyTorch: these keep what they need of a size themselves, and what they ask for
    when sizes grow fits into no gap that smaller ones have left.
    """
    if _is_kept:
        return_freed_memory()


def return_every_block() -> bool:
    """Return every block of 128 KiB or more to the system when it is freed, so that no gaps add up.

    Like `keep_freed_memory` it is a setting of the whole process, and the opposite one: the least memory, for more
    time. `fit` on a CPU makes it where activation checkpointing is on, which saves memory for time too.

    Returns:
        Whether the setting was made; False on systems without glibc, where nothing changes.
    """
    library = _c_library()
    if library is None:
        return False
    return _give_back(library, SMALLEST_MAPPING_THRESHOLD)


def return_freed_memory() -> None:
    """Undo `keep_freed_memory` and `return_every_block`, and return what is free now to the system."""
    global _is_kept
    _is_kept = False
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
    # Every setting is made, whether or not one before it was refused.
    made = [bool(library.mallopt(parameter, value)) for parameter, value in settings.items()]
    return all(made)
