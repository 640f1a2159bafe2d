# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Local `.arrow` files as a table of the library `datasets` that is mapped into memory, without a copy."""

from __future__ import annotations

from collections.abc import Sequence

import datasets
import pyarrow as pa


# Each of them stays open.
MOST_FILES = 64


def map_arrow_files(files: Sequence[str]) -> datasets.Dataset | None:
    """Return the rows of `.arrow` files as `datasets` writes them; None where these have to be copied to be read.

    These are files of Arrow's format for random access, many files, or files whose columns differ.

    Raises:
        ValueError: a file is damaged.
    """
    if len(files) > MOST_FILES:
        return None
    schemas = []
    for file in files:
        with pa.memory_map(file) as source:
            try:
                batches = pa.ipc.open_stream(source)
            except pa.ArrowInvalid:
                return None
            schemas.append(batches.schema)
            try:
                for batch in batches:
                    # As `datasets` does before it copies: what is damaged could end the process when it is read.
                    batch.validate(full=True)
            except (OSError, pa.ArrowException) as error:
                raise ValueError(f"{file} is damaged: {error}; copy, download or make it again") from error
    features = datasets.Features.from_arrow_schema(schemas[0])
    if any(schema != features.arrow_schema for schema in schemas):
        return None
    if any(datasets.Features.from_arrow_schema(schema) != features for schema in schemas):
        return None
    return datasets.concatenate_datasets([datasets.Dataset.from_file(file) for file in files])
