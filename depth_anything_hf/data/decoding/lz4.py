# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Blocks of LZ4, for which no package is needed."""

from __future__ import annotations

from .errors import UnreadableImageError


# A token's four bits that say that more bytes of a length follow, and the least length of a match.
MORE, LEAST_MATCH, BYTE = 15, 4, 255


def decompress_lz4_block(content: bytes, size: int, name: str) -> bytes:
    """Decompress a block of LZ4 (lz4/lz4, doc/lz4_Block_format.md).

    Args:
        content: the block, without a frame or a size before it.
        size: of the result.
        name: starts the messages.

    Raises:
        UnreadableImageError: damaged, or of another size.
    """
    found, place = bytearray(), 0
    try:
        while place < len(content):
            token = content[place]
            length, place = _length(content, place + 1, token >> 4)
            found += content[place : place + length]
            place += length
            if place >= len(content):
                break
            offset = content[place] | content[place + 1] << 8
            length, place = _length(content, place + 2, token & MORE)
            length += LEAST_MATCH
            begin = len(found) - offset
            if offset == 0 or begin < 0 or len(found) + length > size:
                raise UnreadableImageError(f"{name}: expected a block of LZ4 of {size} bytes, this is damaged")
            if offset >= length:
                found += found[begin : begin + length]
            else:
                # A match that overlaps what it makes repeats its beginning.
                pattern = bytes(found[begin:])
                found += (pattern * (length // offset + 1))[:length]
    except IndexError as error:
        raise UnreadableImageError(f"{name}: a block of LZ4 that ends too early") from error
    if len(found) != size:
        raise UnreadableImageError(f"{name}: expected a block of LZ4 of {size} bytes, got {len(found)}")
    return bytes(found)


def _length(content: bytes, place: int, length: int) -> tuple[int, int]:
    if length == MORE:
        while True:
            length += content[place]
            place += 1
            if content[place - 1] != BYTE:
                break
    return length, place
