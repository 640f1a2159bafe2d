# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A test tool: what the Hub of `hub_server` keeps (repositories, commits, files), and its requests and answers."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


Answer = tuple[int, Any, dict[str, str]]


class Refusal(Exception):
    """An error status with the Hub's own code for it."""

    def __init__(self, status: int, message: str, code: str = "", **content: Any) -> None:
        super().__init__(message)
        self.status, self.content = status, {"error": message, **content}
        self.headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}


@dataclass(frozen=True)
class StoredFile:
    content: bytes
    is_large: bool

    @property
    def etag(self) -> str:
        """SHA-256 of a large file, git's blob id of another."""
        header = b"" if self.is_large else f"blob {len(self.content)}\0".encode()
        return (hashlib.sha256 if self.is_large else hashlib.sha1)(header + self.content).hexdigest()

    def entry(self, path: str) -> dict[str, Any]:
        size = len(self.content)
        lfs = {"lfs": {"oid": self.etag, "size": size, "pointerSize": 130}} if self.is_large else {}
        return {"type": "file", "path": path, "size": size, "oid": self.etag[:40], **lfs}


@dataclass
class Repository:
    """Its commits by id, each the whole tree; `main` is the newest."""

    kind: str
    name: str
    private: bool
    commits: dict[str, dict[str, StoredFile]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        return next(reversed(self.commits))

    @property
    def files(self) -> dict[str, bytes]:
        """Content of `main` by path."""
        return {path: file.content for path, file in self.commits[self.head].items()}

    def commit(self, tree: dict[str, StoredFile], message: str) -> None:
        self.messages.append(message)
        self.commits[hashlib.sha1(f"{self.name} {len(self.commits)}".encode()).hexdigest()] = tree


@dataclass
class Request:
    method: str
    url: str
    headers: Message
    body: bytes
    match: re.Match[str] | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.url).query)

    def part(self, name: str) -> str:
        """A part of the address, "" if it is not given."""
        return unquote((self.match.groupdict() if self.match else {}).get(name) or "")


def folder_entry(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path.strip("/"), "oid": hashlib.sha1(path.encode()).hexdigest()}


def ranged(request: Request, content: bytes, headers: dict[str, str]) -> Answer:
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
    if not found:
        return 200, content, headers
    first, last = int(found[1]), int(found[2] or len(content) - 1)
    if first >= len(content):
        return 416, b"", {"Content-Range": f"bytes */{len(content)}"}
    part = content[first : last + 1]
    return 206, part, {**headers, "Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(content)}"}
