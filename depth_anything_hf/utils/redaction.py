# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What may be published of names, commands and texts: no local path, no access token, no secret in a URL."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from .paths import expand_home
from .printable_names import printable_text


_ACCESS_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{8,}")
# What gives access in a URL: a name with its password, and parameters of signed addresses of object stores.
_USER_IN_URL = re.compile(r"(?<=://)[^/?#@\s'\"]+@")
_SECRET_IN_URL = re.compile(
    r"(?<=[?&])([\w.%-]*(?:token|sig|signature|secret|password|passwd|credential|key|keyid|policy)=)[^&#\s'\"<>)]+",
    re.IGNORECASE,
)

_WINDOWS = r"[A-Za-z]:[\\/]|\\\\[\w.-]+\\"
_IN_WINDOWS = re.compile(_WINDOWS)
_FILE_URL = re.compile(r"file:(?://[^/\s]*(?=/))?", re.IGNORECASE)
# How a path begins that starts at the root, at a home folder, here, or at a drive.
_START = rf"(?:file:(?://[^/\s]*)?)?(?:(?:~[\w.-]*|\.{{1,2}})?/|{_WINDOWS})"
_END = r"[^\s'\",;:=\[\](){}<>|`]*"
# Such a path in a text: between quotes with its spaces, else as far as one word goes. It is no part of a word, of a
# URL or of a Hub id, and follows white space, a quote, an opening bracket or a separator. A path that leads out of its
# folder on the way is one too.
_LOCAL_PATH = re.compile(
    rf"(?P<quote>['\"`])(?P<quoted>{_START}[^'\"`\n]*)(?P=quote)"
    rf"|(?<![^\s'\"`(\[{{>=:,;])(?!(?<=:)//)(?:{_START}{_END}|[\w.-]+(?:/[\w.-]+)*/\.\.(?:/{_END})?(?![\w.]))",
    re.IGNORECASE,
)
# A value that stands in a line of YAML as it is.
_YAML_VALUE = re.compile(r"^(\s*(?:- +)*(?:[\w.-]+:[ \t]+)?)([^\s'\"#\[{][^#\n]*?)([ \t]*(?: #.*)?)$", re.MULTILINE)
_HOMES = ("/home", "/Users")


def is_hub_id(name: object) -> bool:
    """Return whether `name` has the form `owner/name` of the Hub and is no folder or file here; no request is made."""
    if not isinstance(name, str) or name.count("/") != 1 or Path(name).exists():
        return False
    # It takes longer to import than all the rest, and few texts need it.
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # re-exported without `as`

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def names_machine(name: str) -> bool:
    """Return whether a name says where a file lies on this machine: it is absolute, or leads out of its folder."""
    if _FILE_URL.match(name) or _IN_WINDOWS.match(name):
        return True
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or name.startswith("~/")


def redact_name(name: Any) -> str:
    """Redact a name: a local path is reduced to its last part, in other words each path and each access token is.

    Of a home folder nothing is left but `~`, as its last part is the name of a user.
    """
    text = str(name)
    return printable_text(_last_part(text)) if is_local_path(text) else redact_text(text)


def is_local_path(text: str) -> bool:
    """Return whether a name is a path of this machine rather than words or a Hub id."""
    if names_machine(text) or text.startswith((".", "~")):
        return True
    try:
        return "/" in text and Path(text).exists()
    except (OSError, ValueError):
        # Too long for a path, or not one at all.
        return False


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
        reduced.append(f"{flag}{equals}{redact_name(value)}")
    return shlex.join(reduced)


def redact_recipe(text: str) -> str:
    """Redact a recipe: as `redact_text`, and values of YAML without quotes are paths with all their spaces."""

    def reduce(found: re.Match[str]) -> str:
        value = found[2]
        return f"{found[1]}{redact_name(value) if is_local_path(value) else value}{found[3]}"

    return redact_text(_YAML_VALUE.sub(reduce, text))


def redact_text(text: str) -> str:
    """Redact any text: local paths are reduced to their last part; Hugging Face tokens and secrets in URLs go."""
    return redact_tokens(_LOCAL_PATH.sub(_reduce, printable_text(text)))


def redact_values(value: Any) -> Any:
    """Redact all texts in plain values, as `redact_name`; keys and numbers stay."""
    if isinstance(value, Mapping):
        return {key: redact_values(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redact_values(each) for each in value]
    return redact_name(value) if isinstance(value, str) else value


def redact_tokens(text: str) -> str:
    """Redact Hugging Face tokens, the one in use whatever its form, and what gives access in URLs."""
    from huggingface_hub import get_token

    token = get_token()
    text = _ACCESS_TOKEN.sub("hf_***", text.replace(token, "hf_***") if token else text)
    return _SECRET_IN_URL.sub(r"\1***", _USER_IN_URL.sub("***@", text)) if "://" in text else text


def _reduce(found: re.Match[str]) -> str:
    quote = found["quote"] or ""
    return f"{quote}{_last_part(found['quoted'] if quote else found[0])}{quote}"


def _last_part(path: str) -> str:
    text = _FILE_URL.sub("", path, count=1) if _FILE_URL.match(path) else path
    if _IN_WINDOWS.match(text):
        windows = PureWindowsPath(text)
        is_home = windows.parent.name.lower() == "users" and len(windows.parts) == 3
        return "~" if is_home else windows.name or text[:2]
    if text.startswith("~") and "/" not in text.rstrip("/"):
        return "~" if text.rstrip("/") == "~" else text.rstrip("/")
    place = os.path.normpath(expand_home(text))
    if _is_home(place):
        return "~"
    # A name of its own says more than `..`.
    name = Path(text).name
    if name not in ("", ".."):
        return name
    place = os.path.abspath(place)
    return "~" if _is_home(place) else os.path.basename(place) or text


def _is_home(place: str) -> bool:
    is_of_a_user = os.path.dirname(place) in _HOMES or place == "/root"
    return is_of_a_user or (os.path.isabs(place) and place == os.path.normpath(Path.home()))
