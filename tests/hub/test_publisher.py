# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about pushing, with the real client against a Hub on loopback: nothing is lost, raised or leaked."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_client import READING_TOKEN, TOKEN, hub_environment, new_hub, use_hub
from hub_server import Fault, HubServer
from hub_storage import StoredFile
from huggingface_hub import ModelCard, constants
from huggingface_hub.utils import are_progress_bars_disabled, enable_progress_bars

from depth_anything_hf.hub.model_card import write_model_card
from depth_anything_hf.hub.publisher import Publisher, Unpushed
from depth_anything_hf.hub.repository import Repository


NAME = "owner/model"
CARD: dict[str, Any] = {"kind": "relative", "role": "student", "lineage": {}, "training": {}}
QUICK: dict[str, Any] = {"first_wait_seconds": 0.01}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with new_hub() as server:
        use_hub(monkeypatch, server, tmp_path)
        yield server
    if are_progress_bars_disabled():
        enable_progress_bars()


def make_run(folder: Path) -> Path:
    """Files as a run leaves them; the weights have a zero byte, which makes them a large file for the Hub."""
    write_model_card(folder, title="Tiny", **CARD)
    (folder / "config.json").write_text('{"model_type": "depth_anything"}')
    (folder / "model.safetensors").write_bytes(b"\0" + np.random.default_rng(0).bytes(2_000_000))
    (folder / "training_arguments.json").write_text(f'{{"output_dir": "{folder}"}}')
    (folder / "checkpoint-3" / "state").mkdir(parents=True)
    (folder / "checkpoint-3" / "state" / "process-0.pt").write_bytes(b"\0state")
    (folder / "checkpoint-3" / "model.safetensors").write_bytes(b"\0early")
    return folder


def published(folder: Path) -> dict[str, bytes]:
    names = ("README.md", "config.json", "model.safetensors")
    return {".gitattributes": b"", **{name: (folder / name).read_bytes() for name in names}}


def push_once(folder: Path, hub: HubServer, **options: Any) -> list[Unpushed]:
    publisher = Publisher(NAME, folder, endpoint=hub.url, **{**QUICK, **options})
    publisher.push(folder, "Model")
    return publisher.finish(60)


def test_the_model_arrives_bit_for_bit_and_nothing_else(hub: HubServer, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert push_once(run, hub, private=True) == []
    repository = hub.repositories["model", NAME]
    assert repository.private and repository.files == published(run)
    count = len(hub.requests)
    assert count <= 14
    assert push_once(run, hub, private=True) == [] and len(repository.commits) == 2, "an unchanged model is no commit"
    assert not list(run.glob(".push*"))
    assert all(TOKEN not in request.url and TOKEN.encode() not in request.body for request in hub.requests)
    storage = [request for request in hub.requests if request.url.startswith("/storage/")]
    assert storage and not any("Authorization" in request.headers for request in storage)


def test_adapters_arrive_beside_the_merged_model(hub: HubServer, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    names = ("adapter/adapter_config.json", "adapter/adapter_model.safetensors")
    (run / "adapter").mkdir()
    for name in (*names, "adapter/notes.txt"):
        (run / name).write_bytes(f"\0{name}".encode())
    assert push_once(run, hub) == []
    expected = published(run) | {name: (run / name).read_bytes() for name in names}
    assert hub.repositories["model", NAME].files == expected


@pytest.mark.parametrize("fault", ["drop", "lose"])
def test_a_connection_that_breaks_at_any_request(hub: HubServer, tmp_path: Path, fault: Fault) -> None:
    run = make_run(tmp_path / "run")
    assert push_once(run, hub) == []
    count = len(hub.requests)
    hubs = [new_hub() for _ in range(count)]
    publishers = []
    for index, hub in enumerate(hubs):
        hub.__enter__()
        hub.faults[index] = fault
        publishers.append(Publisher(NAME, run, endpoint=hub.url, **QUICK))
        publishers[-1].push(run, "Model")
    assert [publisher.finish(60) for publisher in publishers] == [[]] * count
    for hub in hubs:
        assert hub.repositories["model", NAME].files == published(run)
        assert len(hub.requests) > count - 2, "the fault was met"
        hub.__exit__(None, None, None)


@pytest.mark.parametrize("status", [429, 503])
def test_a_storm_that_passes(hub: HubServer, tmp_path: Path, status: int) -> None:
    run = make_run(tmp_path / "run")
    hub.storm += [status] * 4
    assert push_once(run, hub) == []
    assert hub.repositories["model", NAME].files == published(run)


def test_the_pause_that_the_hub_asks_for_is_made(hub: HubServer, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    # The first is the creation at the start, whose failure is only said; the push asks again.
    hub.storm += [429, 429]
    hub.fault_headers["Retry-After"] = "1"
    start = time.monotonic()
    assert push_once(run, hub) == []
    assert 1 <= time.monotonic() - start < 30


def test_a_storm_that_does_not_pass_is_said_with_the_command_that_pushes_it(
    hub: HubServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(tmp_path / "run")
    hub.storm += [503] * 100
    (left,) = push_once(run, hub, attempts=3, private=True)
    assert left.folder == run and "server error (503) after all retries" in left.reason
    assert "push it with: hf upload --" not in str(left) and f"hf upload {NAME}" in str(left)
    assert not list(run.glob(".push*"))
    hub.storm.clear()
    environment = hub_environment(hub, tmp_path / "home")
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(shlex.split(left.command), env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert hub.repositories["model", NAME].files == published(run) and hub.repositories["model", NAME].private
    assert TOKEN not in str(left) + caplog.text + done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "token", "words"),
    [
        (NAME, None, "hf auth login"),
        (NAME, "hf_SomebodyUnknown", "rejected the access token"),
        (NAME, READING_TOKEN, "may not write to the model owner/model"),
        ("somebody/model", TOKEN, "may not write to the model somebody/model"),
    ],
)
def test_what_the_user_can_fix_is_reported_at_once_and_not_retried(
    hub: HubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    token: str | None,
    words: str,
) -> None:
    monkeypatch.delenv("HF_TOKEN") if token is None else monkeypatch.setenv("HF_TOKEN", token)
    run = make_run(tmp_path / "run")
    publisher = Publisher(name, run, endpoint=hub.url, first_wait_seconds=60)
    publisher.push(run, "Model")
    (left,) = publisher.finish(30)
    assert words in left.reason and "nothing can be pushed to" in caplog.text
    assert token is None or token not in caplog.text + str(left)


def test_a_public_repository_is_not_taken_for_a_private_one(hub: HubServer, tmp_path: Path) -> None:
    Repository(NAME, endpoint=hub.url).create()
    (left,) = push_once(make_run(tmp_path / "run"), hub, private=True)
    assert "is public, but a private repository was requested" in left.reason
    assert list(hub.repositories["model", NAME].files) == [".gitattributes"]


def test_no_hub_at_all(hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with new_hub() as gone:
        pass
    (left,) = push_once(make_run(tmp_path / "run"), gone, attempts=2)
    assert "cannot connect to the Hub, or the connection broke" in left.reason
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    (left,) = push_once(tmp_path / "run", gone)
    assert "HF_HUB_OFFLINE is set" in left.reason


@pytest.mark.parametrize(("name", "strategy"), [("a/b/c", "end"), ("owner/mo del", "end"), (NAME, "sometimes")])
def test_a_malformed_name_is_refused_before_the_training(tmp_path: Path, name: str, strategy: str) -> None:
    with pytest.raises(ValueError, match=r"expected owner/name|must be one of end, checkpoint, every_save"):
        Publisher(name, tmp_path, strategy=strategy)


def test_a_name_without_an_owner_is_the_token_owners(hub: HubServer, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    publisher = Publisher("model", run, endpoint=hub.url)
    publisher.push(run, "Model")
    assert publisher.finish(30) == [] and ("model", NAME) in hub.repositories


def test_only_the_newest_waiting_model_is_pushed_and_folders_may_go(hub: HubServer, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    publisher = Publisher(NAME, run, strategy="every_save", endpoint=hub.url, **QUICK)
    hub.storm += [503] * 2
    for step in range(20):
        (run / "model.safetensors").unlink()
        (run / "model.safetensors").write_bytes(b"\0" * (step + 1) + np.random.default_rng(0).bytes(2_000_000))
        publisher.push_checkpoint(run, f"Step {step}")
    wanted = published(run)
    (run / "model.safetensors").unlink()
    assert publisher.finish(60) == []
    repository = hub.repositories["model", NAME]
    assert repository.files == wanted
    assert repository.messages[-1] == "Step 19" and len(repository.messages) < 12
    assert not list(run.glob(".push*"))


@pytest.mark.parametrize("strategy", ["end", "every_save", "checkpoint"])
def test_what_each_strategy_sends_on_the_way(hub: HubServer, tmp_path: Path, strategy: str) -> None:
    run = make_run(tmp_path / "run")
    checkpoint = run / "checkpoint-3"
    (checkpoint / "config.json").write_text("{}")
    publisher = Publisher(NAME, run, strategy=strategy, endpoint=hub.url, **QUICK)
    publisher.push_checkpoint(checkpoint, "Step 3")
    assert publisher.finish(30) == []
    repository = hub.repositories.get(("model", NAME))
    files = set(repository.files) - {".gitattributes"} if repository else set()
    model = {"config.json", "model.safetensors"}
    whole = {f"last-checkpoint/{name}" for name in (*model, "state/process-0.pt")}
    assert files == {"end": set(), "every_save": model, "checkpoint": model | whole}[strategy]
    if strategy == "checkpoint":
        (checkpoint / "state" / "process-0.pt").rename(checkpoint / "state" / "process-1.pt")
        publisher.push_checkpoint(checkpoint, "Step 4")
        publisher.push(run, "Model")
        assert publisher.finish(30) == []
        assert repository is not None and repository.files["model.safetensors"] == published(run)["model.safetensors"]


def test_text_that_was_edited_on_the_hub_survives_and_broken_metadata_does_no_harm(
    hub: HubServer, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run")
    Repository(NAME, endpoint=hub.url).create()
    repository = hub.repositories["model", NAME]
    broken = (
        b"---\nlicense: [mit\n tags: : {\n---\n\n# Mine\n\n<!-- keep -->\nWritten on the Hub.\n<!-- /keep -->\n\xff"
    )
    repository.commit({"README.md": StoredFile(broken, False)}, "edited by hand")
    for _ in range(2):
        assert push_once(run, hub) == []
    text = repository.files["README.md"].decode()
    assert text.count("Written on the Hub.") == 1 and "# Tiny" in text and "# Mine" not in text
    assert ModelCard(text).data.to_dict()["pipeline_tag"] == "depth-estimation"
    assert "Written on the Hub." not in (run / "README.md").read_text()


def test_a_hub_that_never_answers_does_not_hold_up_the_end(hub: HubServer, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    hub.storm += [503] * 100
    publisher = Publisher(NAME, run, endpoint=hub.url, first_wait_seconds=100)
    publisher.push(run, "Model")
    start = time.monotonic()
    (left,) = publisher.finish(0.2)
    assert "not finished within 0.2 seconds" in left.reason and time.monotonic() - start < 50
    assert not list(run.glob(".push*"))


def test_a_folder_that_cannot_be_copied(hub: HubServer, tmp_path: Path) -> None:
    publisher = Publisher(NAME, tmp_path, endpoint=hub.url)
    publisher.push(tmp_path / "absent", "Model")
    (left,) = publisher.finish(5)
    assert "could not be copied" in left.reason


def test_small_files_go_through_the_clients_pipeline_too(hub: HubServer, tmp_path: Path, monkeypatch: Any) -> None:
    """With Xet installed the client uploads by another road; files that it may commit as text need no Xet server."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    run = make_run(tmp_path / "run")
    hub.lfs_from_bytes = 1 << 40
    hub.faults[len(hub.requests) + 7] = "drop"
    assert push_once(run, hub) == []
    assert hub.repositories["model", NAME].files == published(run)


def test_a_run_folder_in_which_others_delete_can_be_pushed(
    hub: HubServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(tmp_path / "run")
    is_over = threading.Event()

    def churn() -> None:
        while not is_over.is_set():
            for number in range(50):
                (run / f".push-{number}.unfinished" / "card").mkdir(parents=True, exist_ok=True)
            for number in range(50):
                shutil.rmtree(run / f".push-{number}.unfinished", ignore_errors=True)

    thread = threading.Thread(target=churn)
    thread.start()
    publisher = Publisher(NAME, run, strategy="checkpoint", endpoint=hub.url, **QUICK)
    try:
        for step in range(30):
            publisher.push_checkpoint(run, f"Step {step}")
        assert publisher.finish(60) == []
    finally:
        is_over.set()
        thread.join()
    # Not once, also where a later push made up for it.
    assert "could not be copied" not in caplog.text


def test_locks_are_not_copied(hub: HubServer, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run / "checkpoint-3" / "run.lock").touch()
    publisher = Publisher(NAME, run, strategy="checkpoint", endpoint=hub.url, **QUICK)
    publisher.push_checkpoint(run / "checkpoint-3", "Step 3")
    assert publisher.finish(60) == []
    assert not any("lock" in name for name in hub.repositories["model", NAME].files)


def test_what_was_given_up_is_not_tried_again(hub: HubServer, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    hub.storm += [503] * 100
    publisher = Publisher(NAME, run, endpoint=hub.url, first_wait_seconds=0.4)
    publisher.push(run, "Model")
    time.sleep(0.2)
    (left,) = publisher.finish(0.0)
    # A request may have been on its way.
    time.sleep(0.2)
    count = len(hub.requests)
    hub.storm.clear()
    time.sleep(0.8)
    assert len(hub.requests) == count and left.folder == run and not list(run.glob(".push*"))
    publisher.push(run, "Model")
    assert publisher.finish(30) == [] and hub.repositories["model", NAME].files == published(run)


@pytest.mark.parametrize(
    ("name", "content", "trace"),
    [
        ("config.json", '{"backbone": {"source": "/mnt/x"}}', "config.json: backbone.source: '/mnt/x'"),
        ("calibration.json", '{"model_id": "../student"}', "calibration.json: model_id: '../student'"),
        ("README.md", "# Mine\n\nfrom /home/somebody/x\n", "README.md: line 3: '/home/somebody/x'"),
    ],
)
def test_a_model_that_names_the_machine_is_not_pushed(
    hub: HubServer, tmp_path: Path, name: str, content: str, trace: str
) -> None:
    run = make_run(tmp_path / "run")
    intact = (run / name).read_text() if (run / name).exists() else "{}"
    (run / name).write_text(content)
    (left,) = push_once(run, hub)
    assert "names places on this machine" in left.reason and trace in left.reason
    # Another thread makes the repository.
    found = hub.repositories.get(("model", NAME))
    assert (found is None or set(found.files) == {".gitattributes"}) and not list(run.glob(".push*"))
    (run / name).write_text(intact)
    assert push_once(run, hub) == []


def test_other_files_that_name_the_machine_are_left_out_of_a_checkpoint(
    hub: HubServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = make_run(tmp_path / "run") / "checkpoint-3"
    (checkpoint / "notes.json").write_text('{"by": "/home/somebody"}')
    publisher = Publisher(NAME, tmp_path / "run", strategy="checkpoint", endpoint=hub.url, **QUICK)
    publisher.push_checkpoint(checkpoint, "Step 3")
    assert publisher.finish(60) == []
    files = hub.repositories["model", NAME].files
    assert "last-checkpoint/state/process-0.pt" in files and "last-checkpoint/notes.json" not in files
    assert "last-checkpoint/notes.json is left out" in caplog.text and "by: '/home/somebody'" in caplog.text
    (checkpoint / "state" / "trainer_state.pt").write_bytes(b"\0/home/somebody/a.png")
    publisher.push_checkpoint(checkpoint, "Step 4")
    (left,) = publisher.finish(60)
    assert "last-checkpoint/state/trainer_state.pt: '/home/somebody/a.png'" in left.reason
