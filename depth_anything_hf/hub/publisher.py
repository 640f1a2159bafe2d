# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pushing to the Hub: models in the background of a training that never fails for it, and folders of pseudo-labels."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from huggingface_hub.errors import LocalEntryNotFoundError
from huggingface_hub.utils import disable_progress_bars

from ..pseudo_labels.dataset_card import write_label_card
from ..pseudo_labels.shards import MANIFEST_FILE, SHARD_PATTERN, join_manifest
from ..pseudo_labels.verify import missing_shards, verify_labels
from ..utils.files import UNFINISHED_SUFFIX
from ..utils.locks import FolderLock
from ..utils.redaction import without_secrets
from .markdown import PICTURES_FOLDER
from .model_card import EVALUATION_FOLDER
from .repository import PushError, Repository, explanation, with_retries


logger = logging.getLogger(__name__)

FAULTS_SHOWN = 10
STRATEGIES = ("end", "checkpoint", "every_save")
# What of a run's folder is published: nothing that names files of this machine, and no earlier checkpoint.
MODEL_FILES = (
    *("README.md", "LICENSE*", "config.json", "preprocessor_config.json", "calibration.json"),
    *("model*.safetensors", "model.safetensors.index.json", f"{EVALUATION_FOLDER}/*.yaml", f"{PICTURES_FOLDER}/*"),
)
LABEL_FILES = ("README.md", "LICENSE*", "provenance.json", SHARD_PATTERN, MANIFEST_FILE, f"{PICTURES_FOLDER}/*")
CHECKPOINT_IN_REPOSITORY = "last-checkpoint"
# Of the process that pushes labels; names that end so are never copied.
LOCK_SUFFIX = ".lock"
LABELS_LOCK = f".push{LOCK_SUFFIX}"

ATTEMPTS = 8
FIRST_WAIT_SECONDS = 1.0
# Larger files are linked, not copied, until they are uploaded: whoever replaces one writes a new file.
LARGEST_COPY_BYTES = 1 << 20
# At its end a run waits so long for a push that it gives up, to see it stop.
LAST_WORDS_SECONDS = 2.0


@dataclass(frozen=True)
class Unpushed:
    """A folder that is not on the Hub.

    Attributes:
        folder: what was to be pushed.
        reason: in words, without the access token.
        command: pushes it by hand.
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
    """Pushes a run's models in the background; made by the main process only.

    Nothing here raises into the training once it runs. The repository is created at once, so that a missing token or
    permission is said at the start. One push is under way at a time, and of those that wait only
    the newest is kept: a later model replaces an earlier one. Each is retried with growing pauses while the Hub is
    overloaded, does not answer, or the connection breaks; the `Retry-After` that the Hub sends is honoured.

    A push works on its own copy of the folder (links, for large files), so that the training may go on, and delete
    or replace the folder.

    Args:
        repo_id: `owner/name`, or `name` for the token's owner.
        folder: of the run; copies lie in it under hidden names until they are pushed.
        private: whether a new repository is private; an existing public one is then refused.
        strategy: "end" pushes the final model only; "every_save" also each saved one; "checkpoint" also the newest
            whole checkpoint, as `last-checkpoint/`, from which another machine can go on.
        endpoint: of the Hub; None: the client's, which `HF_ENDPOINT` sets.
        attempts: how often a push is tried.
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
            raise ValueError(f"hub_strategy is {strategy!r}, expected one of {STRATEGIES}")
        self.strategy = strategy
        self._repository = Repository(repo_id, private=private, endpoint=endpoint)
        self._folder = Path(folder)
        self._attempts, self._first_wait_seconds = attempts, first_wait_seconds
        self._is_created = False
        self._waiting: _Push | None = None
        self._current: _Push | None = None
        self._unpushed: list[Unpushed] = []
        self._changed = threading.Condition()
        # Bars of uploads would run through the training's own.
        disable_progress_bars()
        # A daemon: a Hub that does not answer must not keep the process from its end.
        threading.Thread(target=self._work, name="hub-push", daemon=True).start()

    def push(self, folder: str | os.PathLike[str], message: str) -> None:
        """Sends the model in a folder to the repository's root, some time soon; returns at once."""
        self._put(Path(folder), message, with_checkpoint=False)

    def push_checkpoint(self, folder: str | os.PathLike[str], message: str) -> None:
        """The same for a checkpoint on the way; does what the strategy says."""
        if self.strategy != "end":
            self._put(Path(folder), message, with_checkpoint=self.strategy == "checkpoint")

    def finish(self, timeout_seconds: float = 600.0) -> list[Unpushed]:
        """Waits for the pushes that are under way.

        Args:
            timeout_seconds: longest wait.

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
            # Its copy is removed by whoever reads it: a half removed folder would be pushed as half a model.
            self._changed.wait_for(lambda: self._current is None, LAST_WORDS_SECONDS)
            reason = f"not finished within {timeout_seconds:g} seconds"
            return [*self._unpushed, self._record(late[-1].folder, reason)]

    def _put(self, folder: Path, message: str, with_checkpoint: bool) -> None:
        replaced = f"{CHECKPOINT_IN_REPOSITORY}/*" if with_checkpoint else None
        patterns = (*MODEL_FILES, replaced) if replaced else MODEL_FILES
        staged: Path | None = None
        try:
            # Of a name that the run's clean-up after a kill knows.
            staged = Path(tempfile.mkdtemp(dir=self._folder, prefix=".push-", suffix=UNFINISHED_SUFFIX))
            _copy_or_link(folder, staged, _model_files(folder))
            if with_checkpoint:
                _copy_or_link(folder, staged / CHECKPOINT_IN_REPOSITORY, _all_files(folder))
        except OSError as error:
            if staged is not None:
                shutil.rmtree(staged, ignore_errors=True)
            with self._changed:
                self._fail(folder, f"it could not be copied: {error}")
            return
        push = _Push(folder, staged, message, patterns, replaced)
        with self._changed:
            if self._waiting is not None:
                shutil.rmtree(self._waiting.staged, ignore_errors=True)
            self._waiting = push
            self._changed.notify_all()

    def _work(self) -> None:
        # Now rather than at the end of a long training: whoever has no token can still log in.
        try:
            self._create()
        except Exception as error:
            reason = explanation(error, self._repository)
            logger.warning("nothing can be pushed to %s as yet: %s", self._repository.name, reason)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None)
                push, self._waiting = self._waiting, None
                self._current = push
            assert push is not None
            try:
                failure = self._try(push)
            except BaseException as error:
                failure = without_secrets(f"{type(error).__name__}: {error}")
            shutil.rmtree(push.staged, ignore_errors=True)
            with self._changed:
                if failure is None:
                    self._unpushed.clear()
                elif self._waiting is None and not push.is_given_up:
                    self._fail(push.folder, failure)
                self._current = None
                self._changed.notify_all()

    def _try(self, push: _Push) -> str | None:
        """Returns why it failed, or None."""

        def attempt() -> str:
            self._create()
            if push.is_given_up:
                raise PushError("given up")
            return self._repository.upload(push.staged, push.message, push.patterns, push.replaced)

        def pause(seconds: float, reason: str) -> bool:
            logger.warning("pushing to %s goes on in %.0f s: %s", self._repository.name, seconds, reason)
            with self._changed:
                # A newer model makes this one superfluous.
                return not self._changed.wait_for(lambda: self._waiting is not None or push.is_given_up, seconds)

        try:
            with_retries(attempt, pause, self._attempts, self._first_wait_seconds)
        except Exception as error:
            return explanation(error, self._repository)
        return None

    def _create(self) -> None:
        if not self._is_created:
            self._repository = self._repository.create()
            self._is_created = True

    def _fail(self, folder: Path, reason: str) -> None:
        self._unpushed = [self._record(folder, reason)]
        logger.warning("%s", self._unpushed[0])

    def _record(self, folder: Path, reason: str) -> Unpushed:
        return Unpushed(folder, reason, self._repository.command(folder, MODEL_FILES))


def push_labels(
    folder: str | os.PathLike[str],
    repo_id: str,
    *,
    private: bool = False,
    image_license: str | None = None,
    teacher_license: str | None = None,
    endpoint: str | None = None,
    attempts: int = ATTEMPTS,
    first_wait_seconds: float = FIRST_WAIT_SECONDS,
) -> str:
    """Pushes a folder of pseudo-labels as a data set that `datasets.load_dataset(repo_id)` opens.

    Shards that are already there are not sent again, so that the same call goes on where another one broke off.

    Args:
        folder: as `label_images` left it; its card is written here.
        repo_id: `owner/name`, or `name` for the token's owner.
        private: whether a new repository is private; an existing public one is then refused.
        image_license, teacher_license: see `label_cards.write_label_card`.
        endpoint, attempts, first_wait_seconds: see [`Publisher`].

    Returns:
        The address of the data set.

    Raises:
        ValueError: malformed name.
        FileNotFoundError: the folder holds no labels.
        PushError: the Hub cannot be reached or refused.
    """
    folder = Path(folder)
    repository = Repository(repo_id, "dataset", private, endpoint)

    def attempt() -> str:
        there = repository.create()
        title = there.name.split("/")[-1]
        write_label_card(
            folder, title=title, repo_id=there.name, image_license=image_license, teacher_license=teacher_license
        )
        join_manifest(folder)
        return there.upload(folder, "Pseudo-labels", LABEL_FILES)

    def pause(seconds: float, reason: str) -> bool:
        logger.warning("pushing to %s goes on in %.0f s: %s", repository.name, seconds, reason)
        time.sleep(seconds)
        return True

    try:
        return with_retries(attempt, pause, attempts, first_wait_seconds)
    except FileNotFoundError as error:
        if isinstance(error, LocalEntryNotFoundError):
            raise PushError(_unpushed_text(folder, error, repository)) from None
        raise
    except Exception as error:
        # The client's own message may quote the request, and with it the token.
        raise PushError(_unpushed_text(folder, error, repository)) from None


def push_labels_when_complete(folder: str | os.PathLike[str], repo_id: str, **options: Any) -> str | None:
    """`push_labels`, once no shard is missing: of several processes, the one that ends last does it.

    Args:
        folder: as `label_images` left it, perhaps with others still at work in it.
        repo_id: see `push_labels`.
        **options: of `push_labels`.

    Returns:
        The address of the data set, or None where shards are missing, or another process is at the push.

    Raises:
        FileNotFoundError: the folder holds no labels.
        PushError: shards are damaged or images labelled twice; or as `push_labels`.
    """
    folder = Path(folder)
    if missing_shards(folder):
        return None
    with FolderLock(folder, name=LABELS_LOCK) as lock:
        if not lock.try_acquire():
            return None
        report = verify_labels(folder, check_pixels=False)
        faults = [f"{name} is damaged ({reason})" for name, reason in report.damaged]
        faults += [f"{name} is missing" for name in report.missing]
        faults += [f"{name} is labelled more than once" for name in report.duplicates]
        if faults:
            listed = "; ".join(faults[:FAULTS_SHOWN]) + (" ..." if len(faults) > FAULTS_SHOWN else "")
            raise PushError(
                f"{folder} is not pushed, {len(faults)} faults: {listed}. `depth-anything-hf verify --remove-damaged` "
                "and the labelling command make damaged shards again"
            )
        return push_labels(folder, repo_id, **options)


def _unpushed_text(folder: Path, error: BaseException, repository: Repository) -> str:
    again = "the same command goes on where it stopped"
    return f"{folder} is not, or not wholly, on the Hub: {explanation(error, repository)}; {again}"


def _model_files(folder: Path) -> list[Path]:
    """The published files of a model; the rest of a run's folder, in which others work, is not looked at."""
    files = [*folder.iterdir(), *(folder / EVALUATION_FOLDER).glob("*"), *(folder / PICTURES_FOLDER).glob("*")]
    return [path for path in files if any(fnmatch(path.relative_to(folder).as_posix(), name) for name in MODEL_FILES)]


def _all_files(folder: Path) -> list[Path]:
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.endswith(UNFINISHED_SUFFIX)]
        found += [Path(place) / name for name in files]
    return found


def _copy_or_link(source: Path, target: Path, files: list[Path]) -> None:
    """A copy of some files of a folder; large ones are linked where the file system can."""
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
