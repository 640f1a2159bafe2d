# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Redact what is published: local paths are reduced to their last part, Hugging Face tokens are removed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from huggingface_hub import get_token
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # re-exported without `as`


_ACCESS_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{8,}")


# A path that starts at the root, at home, or here, and is not part of a URL or of a Hub id.
_LOCAL_PATH = re.compile(r"(?<![\w:/.~-])(?:~|\.{1,2})?/[^\s'\",;:=\[\](){}]*")


def is_hub_id(name: object) -> bool:
    """Return whether `name` has the form `owner/name` of the Hub and is no folder or file here; no request is made."""
    if not isinstance(name, str) or name.count("/") != 1 or Path(name).exists():
        return False
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def redact_name(name: Any) -> str:
    """Redact a name: a local path is reduced to its last part, and Hugging Face tokens are removed."""
    text = str(name)
    return Path(text).name if is_local_path(text) else redact_tokens(text)


def is_local_path(text: str) -> bool:
    """Return whether a name is a path of this machine rather than words or a Hub id."""
    return Path(text).is_absolute() or text.startswith((".", "~")) or ("/" in text and Path(text).exists())


def redact_command(command: str) -> str:
    """Redact a command line: local paths are reduced to their last part, and Hugging Face tokens are removed.

    A comment in a line before it stays.
    """
    if command.startswith("# "):
        comment, _, rest = command.partition("\n")
        return f"{redact_text(comment)}\n{redact_command(rest)}"
    try:
        words = shlex.split(command)
    except ValueError:
        return redact_text(command)
    reduced = []
    for word in words:
        flag, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        reduced.append(f"{flag}{equals}{redact_name(value) if is_local_path(value) else redact_text(value)}")
    return shlex.join(reduced)


def redact_text(text: str) -> str:
    """Redact any text: absolute paths are reduced to their last part, and Hugging Face tokens are removed."""
    return redact_tokens(_LOCAL_PATH.sub(lambda found: Path(found[0]).name or found[0], text))


def redact_tokens(text: str) -> str:
    """Redact Hugging Face tokens, the one in use whatever its form."""
    token = get_token()
    return _ACCESS_TOKEN.sub("hf_***", text.replace(token, "hf_***") if token else text)
