# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The face of the training room: its names, what importing it costs, and systems that are not POSIX."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import depth_anything_hf
from depth_anything_hf import training
from depth_anything_hf.training import arguments, trainer


@pytest.mark.parametrize("name", training.__all__)
def test_every_name_of_the_face_is_there(name):
    assert getattr(training, name).__name__ == name
    assert name in dir(training)


def test_the_same_objects_come_by_every_way():
    assert depth_anything_hf.fit is training.fit is trainer.fit
    assert depth_anything_hf.TrainingArguments is trainer.TrainingArguments is arguments.TrainingArguments
    with pytest.raises(AttributeError, match="has no attribute 'unheard_of'"):
        _ = training.unheard_of


def run_python(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_face_imports_nothing_before_a_name_is_used():
    run_python(
        """
        import sys
        import depth_anything_hf.training
        assert not {"torch", "accelerate", "datasets"} & sys.modules.keys()
        """
    )


def test_training_imports_where_the_modules_and_signals_of_posix_are_missing():
    run_python(
        """
        import signal, sys
        # Others ask for the system first; this package alone must do without.
        import accelerate, datasets, torch, torch.distributed.checkpoint
        from transformers import AutoModelForDepthEstimation, Dinov2Model, Dinov2WithRegistersModel
        sys.modules.update(resource=None, fcntl=None)
        for name in ("SIGALRM", "SIGHUP", "SIGKILL", "alarm"):
            if hasattr(signal, name):
                delattr(signal, name)
        import depth_anything_hf.training.dry_run, depth_anything_hf.training.online_teacher
        from depth_anything_hf.training.memory import peak_memory_mib
        from depth_anything_hf.training.signals import StopSignals
        assert peak_memory_mib(torch.device("cpu")) > 10
        with StopSignals() as signals:
            signal.raise_signal(signal.SIGINT)
            assert signals.received == signal.SIGINT
        import depth_anything_hf.recipes.run, depth_anything_hf.training.trainer
        assert not {"peft", "bitsandbytes"} & sys.modules.keys(), "they take seconds, and few runs need them"
        """
    )
