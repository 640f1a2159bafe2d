#!/usr/bin/env bash
# A dataset in parquet shards of which one has no rows (the share of a worker that had nothing to write) cannot be opened
# by `datasets`: `load_dataset` stops, for all shards, with a reason that names neither the file nor its emptiness. pyarrow
# itself reads the shard as a table of 0 rows, alone and as one file of a set, and the schema is there.
#
# Versions: datasets 5.2.0, pyarrow 26.0.1, Python 3.11.
# Seen on 2026-11-29, two shards of one schema, with 2 rows and with 0 rows, written by pyarrow:
#   pyarrow: 2 rows
#   datasets: DatasetGenerationError from ArrowInvalid: BatchSize must be greater than 0, got 0
#   datasets, without the second shard: 2 rows
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet datasets==5.2.0 pyarrow==26.0.1
cd "$place"
HF_HUB_OFFLINE=1 HF_HOME="$place/home" HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$place/venv/bin/python" - <<'PYTHON'
import sys

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from datasets import load_dataset


schema = pa.schema([("name", pa.string()), ("disparity_maximum", pa.float32())])
pq.write_table(pa.table({"name": ["a", "b"], "disparity_maximum": [1.0, 2.0]}, schema=schema), "labels-0.parquet")
pq.write_table(schema.empty_table(), "labels-1.parquet")
shards = ["labels-0.parquet", "labels-1.parquet"]
seen = [f"pyarrow: {pyarrow.dataset.dataset(shards).count_rows()} rows"]
try:
    seen.append(f"datasets: {len(load_dataset('parquet', data_files=shards, split='train'))} rows")
except Exception as error:
    seen.append(f"datasets: {type(error).__name__} from {type(error.__cause__).__name__}: {error.__cause__}")
seen.append(f"datasets, without the second shard: {len(load_dataset('parquet', data_files=shards[:1], split='train'))} rows")
print("\n".join(seen))
expected = [
    "pyarrow: 2 rows",
    "datasets: DatasetGenerationError from ArrowInvalid: BatchSize must be greater than 0, got 0",
    "datasets, without the second shard: 2 rows",
]
sys.exit(0 if seen == expected else 1)
PYTHON
