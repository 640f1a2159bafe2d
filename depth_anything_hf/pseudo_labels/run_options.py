# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of a labelling run, checked before anything is opened."""

from __future__ import annotations

from ..data.decoding.disparity_codec import ENCODINGS
from ..utils.option_errors import OptionError, check_choice, check_count
from .provenance import AUTO_ENCODING
from .shards import STORED_IMAGES


def check_options(shard_size: int, process_index: int, process_count: int, store_images: str, encoding: str) -> None:
    """Check options of a labelling run; raise OptionError where one cannot be used."""
    check_count("shard_size", shard_size)
    if not 0 <= process_index < process_count:
        raise OptionError(f"process_index must lie in 0..{process_count - 1}, got {process_index}")
    check_choice("store_images", store_images, STORED_IMAGES)
    check_choice("encoding", encoding, (AUTO_ENCODING, *ENCODINGS))
