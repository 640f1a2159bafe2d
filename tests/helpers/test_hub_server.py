# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the Hub on loopback, seen through the real client: what other tests rely on is as on the Hub."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from hub_client import TOKEN, new_hub, use_hub
from hub_server import HubServer
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RemoteEntryNotFoundError, RepositoryNotFoundError
from huggingface_hub.errors import RevisionNotFoundError as NoSuchRevision


NAME = "owner/model"
LARGE = b"\0" + bytes(range(256)) * 20


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with new_hub() as server:
        server.add_account("hf_SomebodyElse", "somebody")
        use_hub(monkeypatch, server, tmp_path)
        yield server


@pytest.fixture
def api(hub: HubServer, tmp_path: Path) -> HfApi:
    """A client whose private repository has a text in a folder and a large file."""
    client = HfApi(endpoint=hub.url, token=TOKEN)
    client.create_repo(NAME, private=True)
    (tmp_path / "push" / "notes").mkdir(parents=True)
    (tmp_path / "push" / "notes" / "a.txt").write_text("text")
    (tmp_path / "push" / "model.safetensors").write_bytes(LARGE)
    client.upload_folder(repo_id=NAME, folder_path=tmp_path / "push", commit_message="First")
    return client


def test_what_is_pushed_comes_back_by_branch_and_by_commit(api: HfApi, hub: HubServer, tmp_path: Path) -> None:
    first = api.repo_info(NAME).sha
    assert first and [ref.target_commit for ref in api.list_repo_refs(NAME).branches] == [first]
    api.upload_file(repo_id=NAME, path_or_fileobj=b"changed", path_in_repo="notes/a.txt")
    api.delete_file(repo_id=NAME, path_in_repo="model.safetensors")
    new = Path(api.snapshot_download(NAME, cache_dir=tmp_path / "new"))
    assert (new / "notes" / "a.txt").read_text() == "changed" and not (new / "model.safetensors").exists()
    old = Path(api.snapshot_download(NAME, revision=first, cache_dir=tmp_path / "old"))
    assert (old / "notes" / "a.txt").read_text() == "text" and (old / "model.safetensors").read_bytes() == LARGE
    with pytest.raises(NoSuchRevision):
        api.repo_info(NAME, revision="0" * 40)


def test_listings_and_etags_are_those_of_git_and_lfs(api: HfApi) -> None:
    files: dict[str, Any] = {entry.path: entry for entry in api.list_repo_tree(NAME, recursive=True)}
    assert set(files) == {".gitattributes", "notes", "notes/a.txt", "model.safetensors"}
    assert [entry.path for entry in api.list_repo_tree(NAME, "notes")] == ["notes/a.txt"]
    assert {entry.path for entry in api.list_repo_tree(NAME)} == {".gitattributes", "notes", "model.safetensors"}
    assert [entry.path for entry in api.get_paths_info(NAME, ["notes", "absent"])] == ["notes"]
    assert files["notes/a.txt"].blob_id == hashlib.sha1(b"blob 4\0text").hexdigest()
    assert files["model.safetensors"].lfs.sha256 == hashlib.sha256(LARGE).hexdigest()
    with pytest.raises(RemoteEntryNotFoundError):
        list(api.list_repo_tree(NAME, "absent"))


def test_who_may_do_what(api: HfApi, hub: HubServer) -> None:
    assert api.whoami()["name"] == "owner"
    for token, error, status in (
        (False, RepositoryNotFoundError, 401),
        ("hf_SomebodyElse", RepositoryNotFoundError, 404),
        ("hf_SomebodyUnknown", HfHubHTTPError, 401),
    ):
        with pytest.raises(error) as raised:
            HfApi(endpoint=hub.url, token=token).repo_info(NAME)
        assert raised.value.response.status_code == status
    with pytest.raises(HfHubHTTPError, match="403"):
        HfApi(endpoint=hub.url, token="hf_SomebodyElse").create_repo("owner/other")
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_repo(NAME)
    api.create_repo(NAME, exist_ok=True)
    api.create_repo(NAME, repo_type="dataset")
    assert ("dataset", NAME) in hub.repositories


def test_an_upload_of_other_bytes_than_announced_is_refused(hub: HubServer) -> None:
    for content in (b"other", b"more than announced"):
        address = f"{hub.storage_url}/storage/{hashlib.sha256(b'right').hexdigest()}?bytes=5"
        with pytest.raises(HTTPError, match="400"):
            urlopen(Request(address, content, method="PUT"))


def test_faults_come_as_planned(api: HfApi, hub: HubServer) -> None:
    hub.storm += [503, "drop"]
    hub.faults[len(hub.requests) + 3] = 429
    for words in ("503", "disconnected"):
        with pytest.raises(Exception, match=words):
            api.repo_info(NAME)
    api.repo_info(NAME)
    with pytest.raises(HfHubHTTPError, match="429"):
        api.repo_info(NAME)
    hub.storm.append("lose")
    with pytest.raises(Exception, match="disconnected"):
        api.create_repo("owner/lost")
    assert ("model", "owner/lost") in hub.repositories
