# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A repository on the Hub: made, filled, tried again where that may help, and else the reason in words.

The access token comes from `hf auth login` or the environment (`HF_TOKEN`), through the Hub's client. It is no
argument here, and messages are cleared of it.
"""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
)
from huggingface_hub.utils import validate_repo_id

from ..utils.files import atomic_write
from ..utils.redaction import without_secrets
from .markdown import with_own_text_of


CARD = "README.md"

LONGEST_WAIT_SECONDS = 60.0
LONGEST_RETRY_AFTER_SECONDS = 300.0
TRANSIENT_STATUSES = (408, 409, 412, 425, 429)


class PushError(RuntimeError):
    """A folder could not be pushed; the message says why and what to do."""


@dataclass(frozen=True)
class Repository:
    """Where to push, and as what.

    Attributes:
        name: `owner/name`, or `name` for the token's owner.
        kind: "model" or "dataset".
        private: whether a new repository is private; an existing public one is then refused.
        endpoint: of the Hub; None: the client's, which `HF_ENDPOINT` sets.
    """

    name: str
    kind: str = "model"
    private: bool = False
    endpoint: str | None = None

    def __post_init__(self) -> None:
        try:
            validate_repo_id(self.name)
        except HFValidationError as error:
            raise ValueError(
                f"{self.name!r} is no name of a repository on the Hub: expected owner/name, of letters, digits, '-', "
                f"'_' and '.', at most 96 characters ({error})"
            ) from error

    def create(self) -> Repository:
        """Creates it if it does not exist.

        Returns:
            The same with its full name.

        Raises:
            LocalTokenNotFoundError: nobody is logged in.
            PushError: a private one was asked for, and there is a public one.
            HfHubHTTPError: the Hub refused.
        """
        if get_token() is None:
            raise LocalTokenNotFoundError("no token")
        api = HfApi(endpoint=self.endpoint)
        name = api.create_repo(self.name, repo_type=self.kind, private=self.private, exist_ok=True).repo_id
        if self.private and api.repo_info(name, repo_type=self.kind).private is False:
            raise PushError(
                f"{name} exists and is public, although a private repository was asked for; choose another name, or "
                "make it private in its settings on the Hub"
            )
        return Repository(name, self.kind, self.private, self.endpoint)

    def upload(self, folder: Path, message: str, patterns: tuple[str, ...], replaced: str | None = None) -> str:
        """One upload of the files that match; the card takes over what was edited on the Hub.

        Returns:
            The address of the repository.
        """
        api = HfApi(endpoint=self.endpoint)
        self._take_over_own_text(api, folder / CARD)
        api.upload_folder(
            repo_id=self.name,
            repo_type=self.kind,
            folder_path=folder,
            commit_message=message,
            allow_patterns=list(patterns),
            delete_patterns=replaced,
        )
        return f"{api.endpoint}/{'datasets/' if self.kind == 'dataset' else ''}{self.name}"

    def command(self, folder: Path, patterns: tuple[str, ...]) -> str:
        """The command line that pushes a folder by hand."""
        words = ["hf", "upload", self.name, str(folder), "."]
        words += ["--repo-type", self.kind] if self.kind != "model" else []
        words += ["--private"] if self.private else []
        return shlex.join([*words, *(word for pattern in patterns for word in ("--include", pattern))])

    def _take_over_own_text(self, api: HfApi, card: Path) -> None:
        if not card.is_file():
            return
        with tempfile.TemporaryDirectory() as place:
            try:
                found = api.hf_hub_download(self.name, CARD, repo_type=self.kind, local_dir=place)
            except RemoteEntryNotFoundError:
                return
            theirs = Path(found).read_text(encoding="utf-8", errors="replace")
        ours = card.read_text(encoding="utf-8")
        joined = with_own_text_of(ours, theirs)
        if joined != ours:
            atomic_write(card, joined)


def with_retries(
    attempt: Callable[[], str], pause: Callable[[float, str], bool], attempts: int, first_wait_seconds: float
) -> str:
    """Calls until it works, as long as what stands in the way may pass by itself.

    Args:
        attempt: raises when it fails.
        pause: (seconds, reason) -> whether to go on.
        attempts: at most so many calls.
        first_wait_seconds: the pause after the first failure; it doubles with each further one, up to a minute.
    """
    for number in range(1, attempts + 1):
        try:
            return attempt()
        except Exception as error:
            wait = min(first_wait_seconds * 2 ** (number - 1), LONGEST_WAIT_SECONDS)
            wait = max(wait, min(_retry_after_seconds(error), LONGEST_RETRY_AFTER_SECONDS))
            if number == attempts or not is_transient(error) or not pause(wait, without_secrets(_first_line(error))):
                raise
    raise ValueError(f"attempts is {attempts}, expected at least 1")


def is_transient(error: BaseException) -> bool:
    """Whether the same request may well work later."""
    error = _origin(error)
    if isinstance(error, HfHubHTTPError):
        status = _status(error)
        return status is None or status >= 500 or status in TRANSIENT_STATUSES
    # An overloaded server answers in HTML where the client expects JSON.
    if isinstance(error, LocalEntryNotFoundError | json.JSONDecodeError):
        return not isinstance(error.__cause__, OfflineModeIsEnabled)
    lasting = (ValueError, FileNotFoundError, PushError, LocalTokenNotFoundError, OfflineModeIsEnabled)
    return not isinstance(error, lasting)


def explanation(error: BaseException, repository: Repository) -> str:
    """Why a push failed and what to do, without the access token."""
    error = _origin(error)
    status = _status(error)
    name, kind = repository.name, repository.kind
    text = without_secrets(_first_line(error))
    if isinstance(error, LocalTokenNotFoundError):
        return "there is no access token; log in with `hf auth login`, or set HF_TOKEN"
    if isinstance(error, OfflineModeIsEnabled) or isinstance(error.__cause__, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set; unset it to reach the Hub"
    if status == 401:
        return (
            f"the Hub does not accept the access token (401); log in again with `hf auth login` (HF_TOKEN, if it is "
            f"set, comes first): {text}"
        )
    if status == 403:
        return (
            f"the token may not write to the {kind} {name} (403); take a token with write access, and a name under "
            f"your own account or an organisation that you may write to: {text}"
        )
    if status == 404:
        return f"the {kind} {name} is not there, or hidden from this token (404): {text}"
    if status == 409:
        return f"the name {name} is taken, or somebody else is changing the {kind} (409): {text}"
    if status == 429:
        return f"the Hub asks for fewer requests (429), and went on doing so: {text}"
    if status is not None and status >= 500:
        return f"the Hub does not work as it should ({status}): {text}"
    if status is None and is_transient(error) and not isinstance(error, OSError):
        return f"the connection to the Hub broke or cannot be made: {text}"
    return text


def _origin(error: BaseException) -> BaseException:
    """What is behind an error that only says which file was being sent."""
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
