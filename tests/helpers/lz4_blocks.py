# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Blocks of LZ4 as the description of the format has them, made by hand."""

from __future__ import annotations


def lz4_length(length: int) -> bytes:
    """Bytes that follow a length of 15 and more."""
    return b"" if length < 15 else b"\xff" * ((length - 15) // 255) + bytes([(length - 15) % 255])


def lz4_literals(content: bytes) -> bytes:
    """A block that repeats nothing."""
    return bytes([min(len(content), 15) << 4]) + lz4_length(len(content)) + content


def lz4_match(literals: bytes, offset: int, length: int) -> bytes:
    """Literals, and after them a repetition of what was offset bytes before."""
    token = bytes([min(len(literals), 15) << 4 | min(length - 4, 15)])
    return token + lz4_length(len(literals)) + literals + offset.to_bytes(2, "little") + lz4_length(length - 4)
