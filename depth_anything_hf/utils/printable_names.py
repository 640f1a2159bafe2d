# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Names of files as text that can be stored: bytes that are no UTF-8 are escaped, and the escape can be undone."""

from __future__ import annotations

import os
import re


_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# On Windows a backslash is no part of a name.
_ESCAPED = _SURROGATE if os.sep == "\\" else re.compile(r"[\\\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(\\|x[0-9a-f]{2}|u[0-9a-f]{4})")
# Python reads a byte that is no UTF-8 as this character plus the byte.
_FIRST_BYTE, _LAST_BYTE, _BYTES_FROM = "\udc80", "\udcff", 0xDC00


def printable_name(name: str) -> str:
    r"""Return a name that every format can store: `caf\xe9.png` for a Latin-1 file name.

    A byte that is no UTF-8 becomes `\xNN`, and a backslash is doubled, so that no two names become one. All other
    names stay as they are. `original_name` is the inverse.
    """
    return _ESCAPED.sub(_escape, name)


def original_name(printable: str) -> str:
    """Return the name that `printable_name` made printable, as the file system takes it."""
    return _ESCAPE.sub(_unescape, printable)


def printable_text(text: str) -> str:
    """Return a message with the names in it made printable; its backslashes stay, so that there is no inverse."""
    return _SURROGATE.sub(_escape, text)


def one_line(text: str) -> str:
    r"""Return a text as one printable line: white space becomes a space, other control characters `\xNN`."""
    words = re.sub(r"\s+", " ", text)
    return printable_text(_CONTROL.sub(_escape_control, words))


def _escape_control(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\\":
        return "\\\\"
    code = ord(character)
    return f"\\x{code - _BYTES_FROM:02x}" if _FIRST_BYTE <= character <= _LAST_BYTE else f"\\u{code:04x}"


def _unescape(found: re.Match[str]) -> str:
    kind, digits = found[1][0], found[1][1:]
    if kind == "\\":
        return "\\"
    return chr(int(digits, 16) + (_BYTES_FROM if kind == "x" else 0))
