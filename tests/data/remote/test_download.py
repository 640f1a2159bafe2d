# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A file comes as a whole, of one version, or an error says why not."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from file_server import FileServer

from depth_anything_hf.data.remote import download as module
from depth_anything_hf.data.remote.download import WholeFile, download, look_up
from depth_anything_hf.data.remote.file_systems import Patience, ShortReadError, StalledError, within


PATIENCE = Patience(read_timeout=0.5, tries=3, first_pause=0.01)
CONTENT = np.random.default_rng(0).bytes(10_000)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_BYTES", 3000)


def fetch(server: FileServer, patience: Patience = PATIENCE) -> bytes:
    file = io.BytesIO()
    download(look_up(f"{server.url}/f", patience), file, patience)
    return file.getvalue()


@pytest.mark.parametrize("faults", [[], [503, "reset"], ["short", 500], ["stall"]])
def test_faults_that_pass_are_overcome_from_the_missing_byte_on(faults: list[int | str]) -> None:
    with FileServer({"f": CONTENT}) as server:
        server.faults["f"] = list(faults)
        assert fetch(server) == CONTENT
        starts = [start for method, _, start in server.requests if method == "GET"]
        assert starts == [0] * len(faults) + [0, 3000, 6000, 9000]


def test_faults_that_stay_are_told() -> None:
    with FileServer({"f": CONTENT}) as server:
        for fault, error, message in (
            ("short", ShortReadError, "expected 3000 bytes from byte 0 on, got 1500"),
            ("stall", StalledError, r"/f: stalled: nothing came for 0.5 s"),
            (503, Exception, "503"),
        ):
            server.faults["f"] = [fault] * 3
            with pytest.raises(error, match=message):
                fetch(server)
        del server.files["f"]
        start = time.perf_counter()
        with pytest.raises(FileNotFoundError):
            fetch(server, PATIENCE._replace(first_pause=60))
        # No other try can change that.
        assert time.perf_counter() - start < 10


def test_a_server_without_ranges_sends_all_at_once() -> None:
    with FileServer({"f": CONTENT}, has_ranges=False) as server:
        assert fetch(server) == CONTENT
        assert server.count("f") == 1


def test_a_file_that_changes_meanwhile_is_refused() -> None:
    with FileServer({"f": CONTENT}) as server:
        remote = look_up(f"{server.url}/f", PATIENCE)
        server.files["f"] = CONTENT[::-1]
        with pytest.raises(ShortReadError, match="changed while it was read"):
            download(remote, io.BytesIO(), PATIENCE)


def test_an_open_file_is_read_in_checked_pieces() -> None:
    with FileServer({"f": CONTENT}) as server:
        file = io.BufferedReader(WholeFile(look_up(f"{server.url}/f", PATIENCE), PATIENCE), 100)
        server.faults["f"] = ["short", "reset"]
        file.seek(2500)
        assert file.read(5000) == CONTENT[2500:7500]
        file.seek(-4, io.SEEK_END)
        assert file.read() == CONTENT[-4:] and file.read() == b""


def test_errors_come_out_of_the_thread() -> None:
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)
