# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A signal ends the step, saves, and exits with a code of its own; a second one ends the process at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from typing import Any

import pytest
from torch import nn
from training_runs import Signalled, assert_equal_bits, assert_same_checkpoint, log_of

from depth_anything_hf.training.signals import EXIT_CODE_SAVED, RunInterrupted, StopSignals


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


def test_a_signal_ends_the_step_saves_and_exits_with_a_code_of_its_own(tmp_path, train, make_tiny_model, evaluation):
    options = {"max_steps": 4, "eval_steps": 2, "save_steps": 2, "evaluation": evaluation, "logging_steps": 3}
    straight = train(tmp_path / "straight", make_tiny_model(), **options)
    handlers = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    # In the second step, whose evaluation has to wait: whoever sends a signal does not.
    with pytest.raises(SystemExit) as stopped:
        train(tmp_path / "stopped", make_tiny_model(), objective=Signalled(signal.SIGTERM, 2), **options)
    assert stopped.value.code == EXIT_CODE_SAVED == 75
    assert isinstance(stopped.value, RunInterrupted) and stopped.value.checkpoint.name == "checkpoint-2"
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == handlers
    assert log_of(tmp_path / "stopped") == []
    resumed = train(tmp_path / "stopped", make_tiny_model(seed=4), resume_from_checkpoint="latest", **options)
    for step in (2, 4):
        name = f"checkpoint-{step}"
        assert_same_checkpoint(tmp_path / "straight" / name, tmp_path / "stopped" / name)
    assert log_of(tmp_path / "straight") == log_of(tmp_path / "stopped")
    assert_equal_bits(asdict(resumed), asdict(replace(straight, output_dir=tmp_path / "stopped")))


def test_a_signal_before_an_evaluation_is_answered_before_it(tmp_path, train, make_tiny_model, evaluation):
    model, calls = make_tiny_model(), []

    def when_not_training(module: nn.Module, inputs: Any) -> None:
        # The first time this is for the picture, after the processes have agreed on the step.
        if not module.training and not calls:
            os.kill(os.getpid(), signal.SIGTERM)
        calls.extend([] if module.training else [module])

    model.register_forward_pre_hook(when_not_training)
    with pytest.raises(RunInterrupted) as stopped:
        train(tmp_path, model, max_steps=2, eval_steps=1, picture_steps=1, evaluation=evaluation)
    assert stopped.value.checkpoint.name == "checkpoint-1" and len(calls) == 1
    assert not [entry for entry in log_of(tmp_path) if "eval_delta1" in entry]


WAITING = """
import sys, time
from depth_anything_hf.training.signals import StopSignals
with StopSignals() as signals:
    print("ready", flush=True)
    while True:
        time.sleep(0.01)
        if signals.received:
            print(signals.received.name, flush=True)
            time.sleep(60)
"""


def test_a_second_signal_ends_the_process_at_once_but_not_an_echo_of_the_first():
    process = subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "SIGINT\n"
        # As from a launcher that ends its processes when the group has got the signal already.
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert process.poll() is None
        time.sleep(1.0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == -signal.SIGTERM
    finally:
        process.kill()
        process.stdout.close()


def test_in_a_shell_a_second_interrupt_leaves_the_process(monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr("depth_anything_hf.training.signals.ECHO_SECONDS", 0.0)
    before = signal.getsignal(signal.SIGINT)
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.received == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
