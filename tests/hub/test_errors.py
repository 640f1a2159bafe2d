# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors of the Hub: what may pass is tried again, with the pause that the Hub asks for; the rest is explained."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)

from depth_anything_hf.hub.errors import PushError, explain, is_transient, with_retries


# Its client is httpx or httpx2, by its version.
CLIENT = importlib.import_module(HfHubHTTPError.__mro__[1].__module__.split(".")[0])


def answer(status: int, **headers: str) -> HfHubHTTPError:
    response: Any = SimpleNamespace(status_code=status, headers=headers, request=None)
    return HfHubHTTPError("as planned", response=response)


def behind(error: Exception) -> RuntimeError:
    """As the client raises it for a file of an upload."""
    outer = RuntimeError("Error while uploading 'model.safetensors'")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [
        (answer(429), True),
        (answer(503), True),
        (answer(412), True),
        (answer(401), False),
        (answer(403), False),
        (behind(answer(500)), True),
        (behind(answer(404)), False),
        (CLIENT.ConnectError("refused"), True),
        (json.JSONDecodeError("Expecting value", "<html>", 0), True),
        (LocalEntryNotFoundError("offline"), True),
        (OfflineModeIsEnabled("offline"), False),
        (LocalTokenNotFoundError("none"), False),
        (PushError("public"), False),
        (FileNotFoundError("README.md"), False),
    ],
)
def test_what_may_pass(error: Exception, may_pass: bool) -> None:
    assert is_transient(error) == may_pass


def test_pauses_grow_and_are_as_long_as_the_hub_asks_for() -> None:
    errors = [answer(503), answer(503), answer(429, **{"Retry-After": "7"}), answer(429, **{"Retry-After": "9999"})]
    pauses: list[float] = []

    def attempt() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    def pause(seconds: float, reason: str) -> bool:
        pauses.append(seconds)
        return True

    assert with_retries(attempt, pause, 8, 1.0) == "done"
    assert pauses == [1.0, 2.0, 7.0, 300.0]


def test_a_network_that_is_missing_is_told_before_the_last_attempt() -> None:
    told: list[str] = []

    def attempt() -> str:
        raise CLIENT.ConnectError("[Errno -2] Name or service not known")

    def pause(seconds: float, reason: str) -> bool:
        told.append(reason)
        return False

    with pytest.raises(CLIENT.ConnectError):
        with_retries(attempt, pause, 8, 1.0)
    (reason,) = told
    assert reason.startswith("cannot connect to the Hub, or the connection broke; check the network: [Errno -2]")


@pytest.mark.parametrize("attempts", [1, 3])
def test_after_the_last_attempt_the_error_is_raised(attempts: int) -> None:
    calls = []

    def attempt() -> str:
        calls.append(1)
        raise answer(503)

    with pytest.raises(HfHubHTTPError):
        with_retries(attempt, lambda seconds, reason: True, attempts, 0.0)
    assert len(calls) == attempts


def test_no_attempt_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="attempts must be at least 1, got 0"):
        with_retries(lambda: "done", lambda seconds, reason: True, 0, 1.0)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (answer(401), "log in again with `hf auth login`, or correct HF_TOKEN"),
        (answer(403), "may not write to the model owner/name (403); use a token with write access"),
        (answer(404), "the model owner/name does not exist, or this token may not see it (404); check the name"),
        (answer(409), "the name of the model owner/name is taken"),
        (answer(429), "rate limit of the Hub was hit (429) after all retries; try again later"),
        (behind(answer(502)), "server error (502) after all retries; try again later"),
        (LocalTokenNotFoundError("none"), "log in with `hf auth login`, or set HF_TOKEN"),
        (OfflineModeIsEnabled("offline"), "HF_HUB_OFFLINE is set; unset it"),
        (
            CLIENT.ConnectError("refused"),
            "cannot connect to the Hub, or the connection broke; check the network and try again: refused",
        ),
        (PushError("it is public"), "it is public"),
    ],
)
def test_every_error_says_what_to_do(error: Exception, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert words in explain(error, "model owner/name")


def test_no_error_shows_the_access_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_AbcdefghijKlm")
    assert "hf_Abc" not in explain(ValueError("Authorization: Bearer hf_AbcdefghijKlm"), "model owner/name")
