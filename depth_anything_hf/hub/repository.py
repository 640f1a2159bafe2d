# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A repository on the Hub: created, and one upload of a folder's files.

The access token comes from `hf auth login` or the environment (`HF_TOKEN`), through the Hub's client. It is no
argument here, and `errors.explain` redacts it from messages.
"""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import (
    HFValidationError,
    LocalTokenNotFoundError,
    RemoteEntryNotFoundError,
)
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # re-exported without `as`

from ..utils.files import atomic_write
from .errors import PushError
from .markdown import merge_own_text


CARD = "README.md"


@dataclass(frozen=True)
class Repository:
    """Where to push, and as what.

    Attributes:
        name: `owner/name`, or `name` for the token's owner.
        kind: "model", "dataset" or "space", which is one of gradio.
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
                f"{self.name!r} cannot name a repository on the Hub: expected owner/name of letters, digits, '-', '_' "
                f"and '.', at most 96 characters ({error})"
            ) from error

    @property
    def described(self) -> str:
        """Kind and name, for messages: "model owner/name"."""
        return f"{self.kind} {self.name}"

    def create(self) -> Repository:
        """Create the repository if it does not exist.

        Returns:
            The same with its full name, `owner/name`.

        Raises:
            LocalTokenNotFoundError: there is no access token.
            PushError: a private one was requested, and there is a public one.
            HfHubHTTPError: the Hub refused.
        """
        if get_token() is None:
            raise LocalTokenNotFoundError("there is no access token")
        api = HfApi(endpoint=self.endpoint)
        sdk = "gradio" if self.kind == "space" else None
        name = api.create_repo(
            self.name, repo_type=self.kind, private=self.private, exist_ok=True, space_sdk=sdk
        ).repo_id
        if self.private and api.repo_info(name, repo_type=self.kind).private is False:
            raise PushError(
                f"{name} exists and is public, but a private repository was requested; choose another name, or make "
                "it private in its settings on the Hub"
            )
        return Repository(name, self.kind, self.private, self.endpoint)

    def upload(self, folder: Path, message: str, patterns: tuple[str, ...], replaced: str | None = None) -> str:
        """Upload the files that match; the card keeps what was edited on the Hub.

        Args:
            folder: whose files are uploaded; its card is written again where the one on the Hub holds more own text.
            message: of the commit or commits.
            patterns: which files, as `fnmatch` reads them.
            replaced: files on the Hub of this pattern that the folder has not are deleted.

        Returns:
            The address of the repository.
        """
        api = HfApi(endpoint=self.endpoint)
        self._keep_own_text(api, folder / CARD)
        api.upload_folder(
            repo_id=self.name,
            repo_type=self.kind,
            folder_path=folder,
            commit_message=message,
            allow_patterns=list(patterns),
            delete_patterns=replaced,
        )
        return f"{api.endpoint}/{'' if self.kind == 'model' else f'{self.kind}s/'}{self.name}"

    def command(self, folder: Path, patterns: tuple[str, ...]) -> str:
        """Return the command line that pushes a folder."""
        words = ["hf", "upload", self.name, str(folder), "."]
        words += ["--repo-type", self.kind] if self.kind != "model" else []
        words += ["--private"] if self.private else []
        return shlex.join([*words, *(word for pattern in patterns for word in ("--include", pattern))])

    def _keep_own_text(self, api: HfApi, card: Path) -> None:
        if not card.is_file():
            return
        with tempfile.TemporaryDirectory() as place:
            try:
                found = api.hf_hub_download(self.name, CARD, repo_type=self.kind, local_dir=place)
            except RemoteEntryNotFoundError:
                return
            theirs = Path(found).read_text(encoding="utf-8", errors="replace")
        ours = card.read_text(encoding="utf-8")
        merged = merge_own_text(ours, theirs)
        if merged != ours:
            atomic_write(card, merged)
