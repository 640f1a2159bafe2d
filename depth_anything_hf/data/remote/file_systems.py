# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""File systems by their protocol, calls with a time limit, and tries with growing pauses."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import fsspec
from fsspec.registry import known_implementations


logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# Answers of servers that another try cannot change: not allowed, not there.
_FINAL_STATUS = frozenset({400, 401, 403, 404, 405, 410})

_file_systems: dict[tuple[int, str], Any] = {}


class StalledError(OSError):
    """Nothing came within the time limit."""


class ShortReadError(OSError):
    """Fewer or other bytes came than were announced."""


class Patience(NamedTuple):
    """How long to wait, and how often to try.

    Attributes:
        read_timeout: seconds in which a piece of a file must have come.
        tries: in a row, without a byte in between.
        stalls: those of them that may end by the time limit.
        first_pause: seconds before the second try; every further pause is twice as long.
    """

    read_timeout: float = 30
    tries: int = 5
    stalls: int = 2
    first_pause: float = 1


def is_url(path: str) -> bool:
    """Tell a URL with a protocol from a local path and the id of a dataset."""
    return _URL.match(path) is not None


def without_query(url: str) -> str:
    """Return a URL as it may be logged and stored: behind the question mark there may be a secret."""
    return url.partition("?")[0]


def file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, one for each protocol and process, and the path in it.

    Raises:
        ImportError: the protocol needs a package that is not installed; the message names it.
        ValueError: an unknown protocol.
    """
    protocol = url.partition("://")[0].lower()
    # Connections do not survive a fork.
    key = (os.getpid(), protocol)
    found = _file_systems.get(key)
    if found is None:
        try:
            found = _file_systems.setdefault(key, fsspec.filesystem(protocol))
        except ImportError as error:
            package = str(known_implementations.get(protocol, {}).get("class", "")).partition(".")[0]
            raise ImportError(
                f"{url}: {protocol}:// needs the package {package}; install it by `pip install {package}`"
            ) from error
        except ValueError as error:
            raise ValueError(
                f"{url}: unknown protocol {protocol}://; expected hf://, s3://, gs://, https:// or one of fsspec"
            ) from error
    return found, str(found._strip_protocol(url))


def within(seconds: float, function: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
    """Call a function, and wait so long for its end.

    What has stalled cannot be ended from outside; its thread is left behind and ends with the process.

    Raises:
        StalledError: it has not ended in time. Whatever it raises itself is raised.
    """
    done = threading.Event()
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            answers.append(function(*arguments, **options))
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=call, name="remote", daemon=True).start()
    if not done.wait(seconds):
        raise StalledError(f"stalled: nothing came for {seconds:g} s")
    if errors:
        raise errors[0]
    return answers[0]


class Tries:
    """Counts tries that brought nothing, and pauses between them.

    Args:
        what: is tried, for the log.
        patience: how often, and how long the pauses are.
    """

    def __init__(self, what: str, patience: Patience) -> None:
        self._what, self._patience, self._failed, self._stalled = without_query(what), patience, 0, 0

    def succeeded(self) -> None:
        """Begin to count anew, as something came."""
        self._failed = self._stalled = 0

    def failed(self, error: BaseException) -> None:
        """Pause before the next try, or raise the error if there is to be none."""
        self._failed += 1
        self._stalled += isinstance(error, StalledError)
        if is_final(error) or self._failed >= self._patience.tries or self._stalled >= self._patience.stalls:
            if isinstance(error, StalledError | ShortReadError):
                raise type(error)(f"{self._what}: {error}") from error
            raise error
        pause = self._patience.first_pause * 2 ** (self._failed - 1)
        logger.info("%s: %s: %s; trying again in %g s", self._what, type(error).__name__, error, pause)
        time.sleep(pause)


def with_tries(what: str, patience: Patience, function: Callable[..., Answer], *arguments: Any, **kw: Any) -> Answer:
    """Call a function of a file system within the time limit, several times if need be."""
    tries = Tries(what, patience)
    while True:
        try:
            return within(patience.read_timeout, function, *arguments, **kw)
        except Exception as error:
            tries.failed(error)


def is_final(error: BaseException) -> bool:
    """Tell whether another try cannot change an error: the file is not there, or may not be read."""
    if isinstance(error, StalledError | ShortReadError):
        return False
    # What fsspec could not look up is "not found" to it, whatever the server said.
    reason = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ is not None else error
    status = getattr(reason, "status", None) or getattr(getattr(reason, "response", None), "status_code", None)
    if isinstance(status, int):
        return status in _FINAL_STATUS
    return isinstance(reason, FileNotFoundError | PermissionError | NotImplementedError | ImportError | ValueError)
