# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A test tool: a web server on loopback whose files are in memory, and with which much can go wrong as planned."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


# An HTTP status; "reset" cuts the connection in the middle of the body, "short" sends half of it as if it were all,
# "stall" sends nothing until the server closes.
Fault = int | str


class FileServer:
    """Starts on a free port of 127.0.0.1; a context manager.

    Attributes:
        files: content by path, without the slash before it.
        faults: by path, what goes wrong with the next requests for content (GET), one after the other.
        always: by path, what goes wrong with every one.
        requests: (method, path, first byte or None) of all requests so far.
        has_ranges: whether parts of files are sent.
    """

    def __init__(self, files: dict[str, bytes] | None = None, has_ranges: bool = True) -> None:
        self.files, self.has_ranges = dict(files or {}), has_ranges
        self.faults: dict[str, list[Fault]] = {}
        self.always: dict[str, Fault] = {}
        self.requests: list[tuple[str, str, int | None]] = []
        self.closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_of_files": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> FileServer:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def count(self, path: str) -> int:
        """Return how many requests for the content of a file came."""
        return sum(method == "GET" and each == path for method, each, _ in self.requests)


class _Handler(BaseHTTPRequestHandler):
    server_of_files: FileServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _respond(self) -> None:
        server, path = self.server_of_files, urlsplit(self.path).path.lstrip("/")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        server.requests.append((self.command, path, int(wanted[1]) if wanted else None))
        fault: Fault | None = server.always.get(path)
        if self.command == "GET" and fault is None and server.faults.get(path):
            fault = server.faults[path].pop(0)
        content = server.files.get(path)
        if content is None or isinstance(fault, int):
            return self._send(404 if content is None else fault, b"as planned", {})  # type: ignore[arg-type]
        if fault == "stall":
            server.closing.wait(30)
            self.close_connection = True
            return None
        headers = {"ETag": f'"{hashlib.md5(content).hexdigest()}"'}
        status = 200
        if wanted and server.has_ranges:
            start, end = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            status, content = 206, content[start : end + 1]
        if fault == "short" and self.command == "GET":
            content = content[: len(content) // 2]
        self._send(status, content, headers, cut=fault == "reset")
        return None

    do_GET = do_HEAD = _respond

    def _send(self, status: int, content: bytes, headers: dict[str, str], cut: bool = False) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing on the terminal."""
