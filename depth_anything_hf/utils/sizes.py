# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Numbers of bytes as people write them."""

from __future__ import annotations

import re


_UNITS = {"": 1, "K": 1, "M": 2, "G": 3, "T": 4}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", re.IGNORECASE)


def parse_bytes(text: str | int, name: str) -> int:
    """Return a number of bytes that is written as 20GB, 1.5 TB, 512MiB or 1000000.

    Args:
        text: to be read; KB, MB, GB and TB are powers of 1000, KiB, MiB, GiB and TiB of 1024.
        name: of the option, for the message.

    Raises:
        ValueError: something else.
    """
    found = _SIZE.fullmatch(str(text))
    if found is None or (found[3] and not found[2]):
        raise ValueError(f"{name}: expected a number of bytes such as 20GB, 512MiB or 0, got {text!r}")
    number, unit, binary = found.groups()
    base = 1024 if binary else 1000
    return int(float(number) * (base ** _UNITS[unit.upper()] if unit else 1))
