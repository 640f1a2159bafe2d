# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What may be read by anyone: absolute local paths reduced to their last part, access tokens removed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from huggingface_hub import get_token
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # re-exported without `as`


_ACCESS_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{8,}")


# A path that starts at the root, at home, or here, and is no part of a URL or of a Hub id.
_LOCAL_PATH = re.compile(r"(?<![\w:/.~-])(?:~|\.{1,2})?/[^\s'\",;:=\[\](){}]*")


def is_hub_id(name: object) -> bool:
    """Whether `name` reads as `owner/name` on the Hub and is no folder or file here. Nothing is looked up."""
    if not isinstance(name, str) or name.count("/") != 1 or Path(name).exists():
        return False
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def redact_name(name: Any) -> str:
    """A name as it may be read by anyone: of a local path only the last part."""
    text = str(name)
    return Path(text).name if is_local_path(text) else without_secrets(text)


def is_local_path(text: str) -> bool:
    """Whether a name is a path of this machine rather than words or a Hub id."""
    return Path(text).is_absolute() or text.startswith((".", "~")) or ("/" in text and Path(text).exists())


def redact_command(command: str) -> str:
    """A command line as it may be read by anyone: local paths reduced to their last part, no access token.

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
    """Any text as it may be read by anyone: absolute paths reduced to their last part, no access token."""
    return without_secrets(_LOCAL_PATH.sub(lambda found: Path(found[0]).name or found[0], text))


def without_secrets(text: str) -> str:
    """Text in which access tokens, above all the one in use, are blotted out."""
    token = get_token()
    return _ACCESS_TOKEN.sub("hf_***", text.replace(token, "hf_***") if token else text)
