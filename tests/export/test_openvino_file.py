# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO within a process that gets signals."""

from __future__ import annotations

import os

import pytest
from command_line import run_process


SIGNALLED = """
import os, signal, threading
import numpy as np
from openvino import Model, opset13
from depth_anything_hf.export import openvino_file
images = opset13.parameter([-1, 3, -1, -1], np.float32)
held = [openvino_file.compile_model(Model([opset13.relu(images)], [images]), {"precision": "float32"}, 1)]
thread = threading.Thread(target=held.clear)
thread.start()
thread.join()
received = []
signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
os.kill(os.getpid(), signal.SIGTERM)
print("received", len(received))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_signals_are_handled_after_a_model_was_released_in_another_thread() -> None:
    pytest.importorskip("openvino")
    done = run_process("-c", SIGNALLED)
    assert (done.returncode, done.stdout) == (0, "received 1\n"), done.stderr
