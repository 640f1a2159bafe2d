# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What in a folder of labels names the machine that made them, and so must not be published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..utils.machine_traces import traces_in_file, traces_in_values
from ..utils.redaction import names_machine, redact_text
from .provenance import PROVENANCE_FILE, read_provenance
from .shards import SHARD_PATTERN, read_summary


def machine_traces(folder: Path) -> Iterator[str]:
    """Yield one sentence for each file of a folder of labels that names places on this machine, with an example.

    Names and references of images, the names and reasons of skipped ones, and the provenance in `provenance.json` and
    in the footers of the shards are looked at, and the card, which may hold text of the user.

    Raises:
        OSError: a shard cannot be read.
    """
    trace = next(traces_in_values(read_provenance(folder)), None)
    if trace is not None:
        yield f"{PROVENANCE_FILE} says {trace}"
    for path in sorted((*folder.glob("README.md"), *folder.glob("LICENSE*"))):
        yield from islice((f"{path.name}: {trace}" for trace in traces_in_file(path)), 1)
    for path in sorted(folder.glob(SHARD_PATTERN)):
        trace = next(_in_shard(path), None)
        if trace is not None:
            yield f"{path.name}: {trace}"


def _in_shard(path: Path) -> Iterator[str]:
    summary = read_summary(path)
    if summary is not None:
        yield from (f"its footer says {trace}" for trace in traces_in_values(summary.provenance))
        for name, reason in summary.skipped:
            if names_machine(name) or redact_text(reason) != reason:
                yield f"it skips {name!r}: {reason}"
    schema = pq.read_schema(path)
    is_embedded = pa.types.is_struct(schema.field("image").type)
    columns = {"name": "name", "image": "image.path" if is_embedded else "image", "disparity": "disparity.path"}
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=list(columns.values())):
            for row in batch.to_pylist():
                if names_machine(row["name"]):
                    yield f"an image is named {row['name']!r}; label with names relative to the folder of the images"
                for column in ("image", "disparity"):
                    cell = row[column]
                    place = cell.get("path") if isinstance(cell, Mapping) else cell
                    if place is None:
                        continue
                    if column == "image" and not is_embedded and not _is_remote(place):
                        yield (
                            f"its images are kept by reference, e.g. {place!r}, which nobody else can open; label "
                            "with the images embedded (store_images=bytes)"
                        )
                    elif names_machine(place):
                        yield f"the file of an {column} is called {place!r}"


def _is_remote(place: str) -> bool:
    """Return whether a reference is a URL all the way; `tar://member::place` of a local archive is not."""
    return all("://" in part and not part.startswith(("file://", "local://")) for part in place.split("::"))
