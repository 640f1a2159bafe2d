# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Hub errors: which are transient, how often a request is retried, and the message for each."""

from __future__ import annotations

import json
from collections.abc import Callable

from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)

from ..utils.redaction import redact_tokens


ATTEMPTS = 8
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
LONGEST_RETRY_AFTER_SECONDS = 300.0
NO_CONNECTION = "cannot connect to the Hub, or the connection broke; check the network"
# Beside all from 500 on: timeout, conflict, a commit in between, too early, too many requests.
TRANSIENT_STATUSES = (408, 409, 412, 425, 429)


class PushError(RuntimeError):
    """A folder could not be pushed; the message says why and what to do."""


def with_retries(
    attempt: Callable[[], str], pause: Callable[[float, str], bool], attempts: int, first_wait_seconds: float
) -> str:
    """Call a function until it succeeds, as long as its error is transient.

    Args:
        attempt: raises when it fails.
        pause: (seconds, reason) -> whether to retry.
        attempts: at most so many calls.
        first_wait_seconds: the pause after the first failure; it doubles with each further one, up to a minute. A
            `Retry-After` of the Hub is honoured up to five minutes.

    Returns:
        What `attempt` returned.
    """
    for number in range(1, attempts + 1):
        wait = min(first_wait_seconds * 2 ** (number - 1), LONGEST_WAIT_SECONDS)
        try:
            return attempt()
        except Exception as error:
            wait = max(wait, min(_retry_after_seconds(error), LONGEST_RETRY_AFTER_SECONDS))
            if number == attempts or not is_transient(error) or not pause(wait, _reason(error)):
                raise
    raise ValueError(f"attempts must be at least 1, got {attempts}")


def is_transient(error: BaseException) -> bool:
    """Return whether the same request may well work later."""
    error = _origin(error)
    if isinstance(error, HfHubHTTPError):
        status = _status(error)
        return status is None or status >= 500 or status in TRANSIENT_STATUSES
    # An overloaded server answers in HTML where the client expects JSON.
    if isinstance(error, LocalEntryNotFoundError | json.JSONDecodeError):
        return not isinstance(error.__cause__, OfflineModeIsEnabled)
    lasting = (ValueError, FileNotFoundError, PushError, LocalTokenNotFoundError, OfflineModeIsEnabled)
    return not isinstance(error, lasting)


def explain(error: BaseException, repository: str) -> str:
    """Say why a push failed and what to do, without the access token.

    Args:
        error: what the push raised.
        repository: kind and name of the repository, e.g. "model owner/name".
    """
    error = _origin(error)
    status = _status(error)
    text = redact_tokens(_first_line(error))
    if isinstance(error, LocalTokenNotFoundError):
        return "there is no access token; log in with `hf auth login`, or set HF_TOKEN"
    if isinstance(error, OfflineModeIsEnabled) or isinstance(error.__cause__, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set; unset it to reach the Hub"
    if status == 401:
        return (
            "the Hub rejected the access token (401); log in again with `hf auth login`, or correct HF_TOKEN, "
            f"which takes precedence: {text}"
        )
    if status == 403:
        return (
            f"the access token may not write to the {repository} (403); use a token with write access, and a name "
            f"under your own account or an organization that you may write to: {text}"
        )
    if status == 404:
        return f"the {repository} does not exist, or this token may not see it (404); check the name: {text}"
    if status == 409:
        return (
            f"the name of the {repository} is taken, or another client is changing it (409); try again later: {text}"
        )
    if status == 429:
        return f"the rate limit of the Hub was hit (429) after all retries; try again later: {text}"
    if status is not None and status >= 500:
        return f"the Hub returned a server error ({status}) after all retries; try again later: {text}"
    return f"{NO_CONNECTION} and try again: {text}" if _is_connection(error) else text


def _reason(error: BaseException) -> str:
    """Say why a request failed that is tried again."""
    text = redact_tokens(_first_line(error))
    return f"{NO_CONNECTION}: {text}" if _is_connection(_origin(error)) else text


def _is_connection(error: BaseException) -> bool:
    return _status(error) is None and is_transient(error) and not isinstance(error, OSError)


def _origin(error: BaseException) -> BaseException:
    """Return what is behind an error that only says which file was being sent."""
    while type(error) is RuntimeError and error.__cause__ is not None:
        error = error.__cause__
    return error


def _status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _retry_after_seconds(error: BaseException) -> float:
    headers = getattr(getattr(_origin(error), "response", None), "headers", {})
    given = headers.get("Retry-After", "")
    return float(given) if given.isdigit() else 0.0


def _first_line(error: BaseException) -> str:
    said = getattr(error, "server_message", None) or str(error)
    return next((line.strip() for line in said.splitlines() if line.strip()), type(error).__name__)
