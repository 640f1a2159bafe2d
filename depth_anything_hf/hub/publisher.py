# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Push a run's models to the Hub in the background of its training, which never fails because of the Hub."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # re-exported without `as`

from ..utils.card_pictures import PICTURES_FOLDER
from ..utils.files import UNFINISHED_SUFFIX
from ..utils.machine_traces import traces_in_file
from ..utils.paths import local_path
from ..utils.redaction import redact_tokens
from .card_results import EVALUATION_FOLDER
from .errors import ATTEMPTS, FIRST_WAIT_SECONDS, PushError, explain, with_retries
from .repository import Repository


logger = logging.getLogger(__name__)

STRATEGIES = ("end", "checkpoint", "every_save")
# Of a model that was trained with adapters, which is published with these merged.
ADAPTER_FOLDER = "adapter"
# What of a run's folder is published: nothing that names files of this machine, and no earlier checkpoint.
MODEL_FILES = (
    *("README.md", "LICENSE*", "config.json", "preprocessor_config.json", "calibration.json"),
    *("model*.safetensors", "model.safetensors.index.json", f"{EVALUATION_FOLDER}/*.yaml", f"{PICTURES_FOLDER}/*"),
    *("adapter_config.json", "adapter_model.safetensors"),
    *(f"{ADAPTER_FOLDER}/adapter_config.json", f"{ADAPTER_FOLDER}/adapter_model.safetensors"),
)
CHECKPOINT_IN_REPOSITORY = "last-checkpoint"
# Files that keep other processes out are never copied.
LOCK_SUFFIX = ".lock"

# Larger files are linked, not copied, until they are uploaded: a replacement is always a new file.
LARGEST_COPY_BYTES = 1 << 20
# Files that are named where a push is refused.
TRACES_SHOWN = 10
# How long `finish` waits for a cancelled push to stop.
GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class Unpushed:
    """A folder that is not on the Hub.

    Attributes:
        folder: that was to be pushed.
        reason: why it was not, without the access token.
        command: command line that pushes it.
    """

    folder: Path
    reason: str
    command: str

    def __str__(self) -> str:
        return f"{self.folder} is not on the Hub: {self.reason}\n  push it with: {self.command}"


@dataclass
class _Push:
    folder: Path
    staged: Path
    message: str
    patterns: tuple[str, ...]
    replaced: str | None = None
    is_given_up: bool = False


class Publisher:
    """Push a run's models in the background; for the main process only.

    Nothing here raises into the training once it runs. The repository is created at once, so that a missing token or
    permission shows at the start. One push runs at a time, and of those that wait only the newest is kept: a later
    model replaces an earlier one. Each is retried with growing pauses while the Hub is overloaded, does not answer, or
    the connection breaks; the `Retry-After` that the Hub sends is honoured.

    A model or state that names this machine (paths, home folders, its host name) is not pushed, and other files that
    do are left out; the warning names file and key.

    A push works on its own copy of the folder (hard links, for large files), so that the training may continue, and
    delete or replace the folder.

    Args:
        repo_id: `owner/name`, or `name` for the token's owner.
        folder: the run folder; copies lie in it under hidden names until they are uploaded.
        private: whether a new repository is private; an existing public one is then refused.
        strategy: "end" pushes the final model only; "every_save" also each saved one; "checkpoint" also the newest
            whole checkpoint, as `last-checkpoint/`, from which another machine can resume.
        endpoint: of the Hub; None: the client's, which `HF_ENDPOINT` sets.
        attempts: how often a push is tried at most.
        first_wait_seconds: pause after the first failure; it doubles with each further one.

    Raises:
        ValueError: malformed name, or unknown strategy.
    """

    def __init__(
        self,
        repo_id: str,
        folder: str | os.PathLike[str],
        *,
        private: bool = False,
        strategy: str = "end",
        endpoint: str | None = None,
        attempts: int = ATTEMPTS,
        first_wait_seconds: float = FIRST_WAIT_SECONDS,
    ) -> None:
        if strategy not in STRATEGIES:
            raise ValueError(f"hub_strategy must be one of {', '.join(STRATEGIES)}, got {strategy!r}")
        self.strategy = strategy
        self._repository = Repository(repo_id, private=private, endpoint=endpoint)
        self._folder = local_path(folder)
        self._attempts, self._first_wait_seconds = attempts, first_wait_seconds
        self._is_created = False
        self._waiting: _Push | None = None
        self._current: _Push | None = None
        self._unpushed: list[Unpushed] = []
        self._changed = threading.Condition()
        # Progress bars of uploads would break the training's own.
        disable_progress_bars()
        # A daemon thread: a Hub that does not answer must not keep the process alive.
        threading.Thread(target=self._work, name="hub-push", daemon=True).start()

    def push(self, folder: str | os.PathLike[str], message: str) -> None:
        """Queue the model in a folder for the repository's root; returns at once."""
        self._put(Path(folder), message, with_checkpoint=False)

    def push_checkpoint(self, folder: str | os.PathLike[str], message: str) -> None:
        """Queue a checkpoint during the training, as far as the strategy says; returns at once."""
        if self.strategy != "end":
            self._put(Path(folder), message, with_checkpoint=self.strategy == "checkpoint")

    def finish(self, timeout_seconds: float = 600.0) -> list[Unpushed]:
        """Wait for the pushes that are queued or running.

        Args:
            timeout_seconds: longest wait; pushes that are not done by then are cancelled.

        Returns:
            What is not on the Hub and was not replaced there by a later push.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is None and self._current is None, timeout_seconds)
            late = [push for push in (self._current, self._waiting) if push is not None]
            if not late:
                return list(self._unpushed)
            if self._waiting is not None:
                shutil.rmtree(self._waiting.staged, ignore_errors=True)
                self._waiting = None
            late[0].is_given_up = True
            self._changed.notify_all()
            # The pushing thread removes its copy itself: half a folder would be pushed as half a model.
            self._changed.wait_for(lambda: self._current is None, GRACE_SECONDS)
            reason = f"not finished within {timeout_seconds:g} seconds"
            return [*self._unpushed, self._record(late[-1].folder, reason)]

    def _put(self, folder: Path, message: str, with_checkpoint: bool) -> None:
        replaced = f"{CHECKPOINT_IN_REPOSITORY}/*" if with_checkpoint else None
        patterns = (*MODEL_FILES, replaced) if replaced else MODEL_FILES
        staged: Path | None = None
        try:
            # Named so that `repair_folder` removes it after a kill.
            staged = Path(tempfile.mkdtemp(dir=self._folder, prefix=".push-", suffix=UNFINISHED_SUFFIX))
            _copy_or_link(folder, staged, _model_files(folder))
            if with_checkpoint:
                _copy_or_link(folder, staged / CHECKPOINT_IN_REPOSITORY, _all_files(folder))
        except OSError as error:
            if staged is not None:
                shutil.rmtree(staged, ignore_errors=True)
            with self._changed:
                self._fail(folder, f"its files could not be copied for the upload: {error}")
            return
        traces = _leave_out_traces(staged)
        if traces:
            shutil.rmtree(staged, ignore_errors=True)
            named = "; ".join(traces[:TRACES_SHOWN])
            with self._changed:
                self._fail(folder, f"it names places on this machine, which must be taken out first: {named}")
            return
        push = _Push(folder, staged, message, patterns, replaced)
        with self._changed:
            if self._waiting is not None:
                shutil.rmtree(self._waiting.staged, ignore_errors=True)
            self._waiting = push
            self._changed.notify_all()

    def _work(self) -> None:
        # At the start rather than at the end of a long training: a missing token can still be fixed.
        try:
            self._create()
        except Exception as error:
            reason = explain(error, self._repository.described)
            logger.warning("nothing can be pushed to %s yet: %s", self._repository.name, reason)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None)
                push, self._waiting = self._waiting, None
                self._current = push
            assert push is not None
            try:
                failure = self._try(push)
            except BaseException as error:
                failure = redact_tokens(f"{type(error).__name__}: {error}")
            shutil.rmtree(push.staged, ignore_errors=True)
            with self._changed:
                if failure is None:
                    self._unpushed.clear()
                elif self._waiting is None and not push.is_given_up:
                    self._fail(push.folder, failure)
                self._current = None
                self._changed.notify_all()

    def _try(self, push: _Push) -> str | None:
        """Return why the push failed, or None."""

        def attempt() -> str:
            self._create()
            if push.is_given_up:
                raise PushError("the push was cancelled")
            return self._repository.upload(push.staged, push.message, push.patterns, push.replaced)

        def pause(seconds: float, reason: str) -> bool:
            logger.warning("pushing to %s failed, next attempt in %.0f s: %s", self._repository.name, seconds, reason)
            with self._changed:
                # A newer model replaces this one.
                return not self._changed.wait_for(lambda: self._waiting is not None or push.is_given_up, seconds)

        try:
            with_retries(attempt, pause, self._attempts, self._first_wait_seconds)
        except Exception as error:
            return explain(error, self._repository.described)
        return None

    def _create(self) -> None:
        if not self._is_created:
            self._repository = self._repository.create()
            self._is_created = True

    def _fail(self, folder: Path, reason: str) -> None:
        self._unpushed = [self._record(folder, reason)]
        # The command that pushes it stands in the record, which is shown at the end.
        logger.warning("%s is not on the Hub: %s", folder, reason)

    def _record(self, folder: Path, reason: str) -> Unpushed:
        return Unpushed(folder, reason, self._repository.command(folder, MODEL_FILES))


def _model_files(folder: Path) -> list[Path]:
    """Return the published files of a model; the rest of a run's folder, in which others write, is not read."""
    below = (EVALUATION_FOLDER, PICTURES_FOLDER, ADAPTER_FOLDER)
    files = [*folder.iterdir(), *(path for name in below for path in (folder / name).glob("*"))]
    return [path for path in files if any(fnmatch(path.relative_to(folder).as_posix(), name) for name in MODEL_FILES)]


def _leave_out_traces(staged: Path) -> list[str]:
    """Remove copies of files that name this machine; return a trace in each file that cannot be left out."""
    needed = []
    for path in sorted(path for path in staged.rglob("*") if path.is_file()):
        trace = next(traces_in_file(path), None)
        if trace is None:
            continue
        name = path.relative_to(staged).as_posix()
        inside = name.removeprefix(f"{CHECKPOINT_IN_REPOSITORY}/")
        if any(fnmatch(inside, pattern) for pattern in (*MODEL_FILES, "state/*", "manifest.json")):
            needed.append(f"{name}: {trace}")
        else:
            logger.warning("%s is left out, as it names places on this machine: %s", name, trace)
            path.unlink()
    return needed


def _all_files(folder: Path) -> list[Path]:
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.endswith(UNFINISHED_SUFFIX)]
        found += [Path(place) / name for name in files]
    return found


def _copy_or_link(source: Path, target: Path, files: list[Path]) -> None:
    """Copy some files of a folder; large ones become hard links where the file system has them."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(files):
        if path.suffix == LOCK_SUFFIX or not path.is_file():
            continue
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.stat().st_size > LARGEST_COPY_BYTES:
            try:
                os.link(path, place)
                continue
            except OSError:
                pass
        shutil.copyfile(path, place)
