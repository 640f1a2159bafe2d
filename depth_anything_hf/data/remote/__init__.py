# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shards of streams that are elsewhere: on the Hub, in object stores, on web servers, by `fsspec`.

- `locations`: which files a URL names: a folder, a pattern, numbers in braces, a list
- `file_systems`: file systems by protocol, calls with a time limit, tries with growing pauses
- `download`: a file in checked pieces, of one version
- `shard_cache`: a folder of bounded size that processes share
- `remote_shards`: the shards of a stream, from the cache or, where there is no room, directly
"""
