# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What opening a large folder or list found, kept in an index that every process maps instead of searching again.

- `looks`: what an opening looks at: each folder is listed once, and what its outcome depends on is noted
- `file_runs`: many files in an order, a byte a letter or less
- `pair_runs`: many pairs of image and label
- `freed_memory`: what a scan has freed is given back to the system
- `scan`: the files below a folder, by threads where the disk lets one wait
- `scan_log`: folders that a killed scan has listed
- `blocks`: writes files and pairs as Arrow IPC
- `entries`: reads them by their number, from a map of the file
- `settings`: where indexes lie, and whether there are any
- `records`: the record of an index: what it depends on, and whether that has changed
- `remembered`: finds an index that holds, or has it made by one process while others wait
"""
