# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What every room may use and that uses none of them.

- `background`: items made in a thread of their own, a bounded number ahead.
- `cache_folder`: where things are kept that can be made again.
- `card_pictures`: which pictures cards of this package show.
- `environment`: numbers and truth values of environment variables, checked.
- `files`: a file is complete or absent: atomic writing, create-if-absent, fsync, SHA-256.
- `folders`: the same for folders: replacement, removal, repair after a kill.
- `image_names`: names of images in what is written about them.
- `interrupts`: Ctrl-C put off while what is under way must not be left half done.
- `locks`: one process at a time works in a folder, or writes a file.
- `machine_traces`: what in values and files names this machine, and is not published.
- `manifest`: sizes and checksums of a folder's files, and what is damaged.
- `map_ahead`: work done in threads a bounded number of items ahead.
- `messages`: errors in one line; counts with the right form of a noun.
- `option_errors`: the error of an option that cannot be used.
- `outputs`: whether an output can be written, and would replace a file of the user's.
- `paths`: `~` at the start of a path.
- `processes`: Accelerate's `Accelerator`, so that the processes of every launcher find each other.
- `quiet`: hide the progress bars of libraries.
- `printable_names`: names of files as text that can be stored.
- `redaction`: local paths and access tokens taken out of what is published.
- `sizes`: numbers of bytes as people write them.
- `typed_fields`: values of dataclasses and recipes brought to the types of their fields, or refused by name.
- `unique_keys`: YAML and JSON in which a key given twice is refused.
"""
