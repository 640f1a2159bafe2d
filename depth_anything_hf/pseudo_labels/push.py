# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Push a folder of pseudo-labels to the Hub as a dataset."""

from __future__ import annotations

import logging
import os
import time
from itertools import islice
from pathlib import Path
from typing import Any

from huggingface_hub.errors import LocalEntryNotFoundError

from ..hub.errors import ATTEMPTS, FIRST_WAIT_SECONDS, PushError, explain, with_retries
from ..hub.licenses import check_known_license
from ..hub.repository import Repository
from ..utils.card_pictures import PICTURES_FOLDER
from ..utils.locks import FolderLock
from ..utils.paths import local_path
from .dataset_card import check_samples_file, write_label_card
from .machine_traces import machine_traces
from .provenance import PROVENANCE_FILE, read_provenance, teachers_of
from .shards import MANIFEST_FILE, SHARD_PATTERN, check_joined_manifest, join_manifest
from .verify import missing_shards, verify_labels


logger = logging.getLogger(__name__)

LABEL_FILES = ("README.md", "LICENSE*", PROVENANCE_FILE, SHARD_PATTERN, MANIFEST_FILE, f"{PICTURES_FOLDER}/*")
# Of the process that pushes, so that no second one begins.
LABELS_LOCK = ".push.lock"
FAULTS_SHOWN = 10


def push_labels(
    folder: str | os.PathLike[str],
    repo_id: str,
    *,
    private: bool = False,
    image_license: str | None = None,
    teacher_license: str | None = None,
    scale_teacher_license: str | None = None,
    sky_teacher_license: str | None = None,
    endpoint: str | None = None,
    attempts: int = ATTEMPTS,
    first_wait_seconds: float = FIRST_WAIT_SECONDS,
) -> str:
    """Push a folder of pseudo-labels as a dataset that `datasets.load_dataset(repo_id)` opens.

    Shards that are on the Hub already are not sent again, so that the same call continues an interrupted one.

    Args:
        folder: as `label_images` left it; its card is written here.
        repo_id: `owner/name`, or `name` for the token's owner.
        private: whether a new repository is private; an existing public one is then refused.
        image_license: of the photographs, see `dataset_card.write_label_card`.
        teacher_license: of the teacher, likewise.
        scale_teacher_license: of the teacher whose scale the labels have, likewise.
        sky_teacher_license: of the model that found the sky, likewise.
        endpoint: of the Hub; None: the client's, which `HF_ENDPOINT` sets.
        attempts: how often the push is tried at most.
        first_wait_seconds: pause after the first failure; it doubles with each further one.

    Returns:
        The address of the dataset.

    Raises:
        ValueError: malformed name, or a license contradicts that under which the teacher is published.
        FileNotFoundError: the folder holds no labels.
        FileExistsError: files of the user's have the names of the card's picture or of the joined manifest.
        PushError: the labels name places on this machine; the Hub cannot be reached or refused.
    """
    folder = local_path(folder)
    repository = Repository(repo_id, "dataset", private, endpoint)
    # Before anything is created on the Hub.
    licenses = {
        "teacher_license": teacher_license,
        "scale_teacher_license": scale_teacher_license,
        "sky_teacher_license": sky_teacher_license,
    }
    for part, name in teachers_of(read_provenance(folder)).items():
        check_known_license(part, name, licenses[f"{part}_license"])
    check_samples_file(folder)
    check_joined_manifest(folder)
    traces = list(islice(machine_traces(folder), FAULTS_SHOWN))
    if traces:
        raise PushError(f"{folder} is not pushed, as it names places on this machine: {'; '.join(traces)}")

    def attempt() -> str:
        there = repository.create()
        title = there.name.split("/")[-1]
        write_label_card(folder, title=title, repo_id=there.name, image_license=image_license, **licenses)
        join_manifest(folder)
        return there.upload(folder, "Pseudo-labels", LABEL_FILES)

    def pause(seconds: float, reason: str) -> bool:
        logger.warning("pushing to %s failed, next attempt in %.0f s: %s", repository.name, seconds, reason)
        time.sleep(seconds)
        return True

    try:
        return with_retries(attempt, pause, attempts, first_wait_seconds)
    except FileNotFoundError as error:
        if isinstance(error, LocalEntryNotFoundError):
            raise _push_error(folder, error, repository) from None
        raise
    except Exception as error:
        # The client's own message may quote the request, and with it the token.
        raise _push_error(folder, error, repository) from None


def push_labels_when_complete(folder: str | os.PathLike[str], repo_id: str, **options: Any) -> str | None:
    """Push labels once no shard is missing: of several labelling processes, the last one to finish pushes.

    Args:
        folder: as `label_images` left it, perhaps while other processes still write to it.
        repo_id: see `push_labels`.
        **options: of `push_labels`.

    Returns:
        The address of the dataset, or None where shards are missing, or another process is pushing.

    Raises:
        FileNotFoundError: the folder holds no labels.
        PushError: shards are damaged or images labelled twice; or as `push_labels`.
    """
    folder = local_path(folder)
    if missing_shards(folder):
        return None
    with FolderLock(folder, name=LABELS_LOCK, activity="pushing labels") as lock:
        if not lock.try_acquire():
            return None
        report = verify_labels(folder, check_pixels=False)
        faults = [f"{name} is damaged ({reason})" for name, reason in report.damaged]
        faults += [f"{name} is missing" for name in report.missing]
        faults += [f"{name} is labelled more than once" for name in report.duplicates]
        if faults:
            listed = "; ".join(faults[:FAULTS_SHOWN]) + (" ..." if len(faults) > FAULTS_SHOWN else "")
            raise PushError(
                f"{folder} is not pushed because of {len(faults)} faults: {listed}. Remove damaged shards with "
                "`depth-anything-hf verify --remove_damaged` and run the labelling command again to fill in the "
                "missing ones"
            )
        return push_labels(folder, repo_id, **options)


def _push_error(folder: Path, error: BaseException, repository: Repository) -> PushError:
    reason = explain(error, repository.described).rstrip(".")
    return PushError(f"pushing {folder} to the Hub failed: {reason}. Run the same command again to resume")
