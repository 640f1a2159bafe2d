# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The faster kernel is chosen by measurement, and the choice is remembered and shared."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from cpu_tensors import heads, random
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from depth_anything_hf.cpu import autotune
from depth_anything_hf.cpu.autotune import adopt_kernel_choices, kernel_choices, set_cpu_kernels
from depth_anything_hf.cpu.kernels import attention, convolution_linear, linear


def test_the_setting_chooses(setting: None) -> None:
    tokens, weight = random(400, 256), random(256, 256, seed=1)
    set_cpu_kernels("off")
    assert torch.equal(linear(tokens, weight), F.linear(tokens, weight))
    assert set_cpu_kernels("on") == "off"
    assert torch.equal(linear(tokens, weight), convolution_linear(tokens, weight, None))
    with pytest.raises(ValueError, match="auto, on, off, got 'fast'"):
        set_cpu_kernels("fast")  # type: ignore[arg-type]


def test_small_and_other_inputs_keep_standard_kernels(own_measurements: Path) -> None:
    set_cpu_kernels("on")
    small, weight = random(8, 256), random(256, 256, seed=1)
    assert torch.equal(linear(small, weight), F.linear(small, weight))
    exact = random(400, 256).double()
    assert torch.equal(linear(exact, weight.double()), F.linear(exact, weight.double()))
    query, key, value = heads(100, torch.float32)
    expected = F.scaled_dot_product_attention(query, key, value, scale=0.3).transpose(1, 2)
    assert torch.equal(attention(query, key, value, 0.3), expected)
    assert not own_measurements.exists()


def test_what_was_measured_is_remembered(own_measurements: Path) -> None:
    tokens, weight = random(400, 256), random(256, 256, seed=1)
    before = torch.get_rng_state()
    output = linear(tokens, weight)
    linear(tokens.requires_grad_(), weight)
    attention(*heads(300, torch.float32), scale=0.3)
    assert torch.equal(torch.get_rng_state(), before), "measuring must leave the random numbers alone"
    verdicts = json.loads(own_measurements.read_text())
    assert len(verdicts) == 3 and all(isinstance(verdict, bool) for verdict in verdicts.values())
    kinds = [key.split(" | ")[-4:] for key in verdicts]
    assert ["linear", "float32", "inference", "256x256x256"] in kinds
    assert ["linear", "float32", "training", "256x256x256"] in kinds
    assert ["attention", "float32", "inference", "256x16"] in kinds
    torch.testing.assert_close(output, F.linear(tokens, weight), rtol=0, atol=1e-3)


@pytest.mark.parametrize("verdict", [True, False])
def test_a_remembered_verdict_is_followed(
    verdict: bool, own_measurements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, weight = random(400, 256), random(256, 256, seed=1)
    linear(tokens, weight)
    (key,) = json.loads(own_measurements.read_text())
    own_measurements.write_text(json.dumps({key: verdict, "of another machine": True}))
    monkeypatch.setattr(autotune, "_choices", {})
    expected = convolution_linear(tokens, weight, None) if verdict else F.linear(tokens, weight)
    assert torch.equal(linear(tokens, weight), expected)


@pytest.mark.parametrize("content", ["", "no json", "[1, 2]", '{"a": "b"}'])
def test_an_unreadable_file_is_measured_again(content: str, own_measurements: Path) -> None:
    own_measurements.parent.mkdir()
    own_measurements.write_text(content)
    linear(random(400, 256), random(256, 256, seed=1))
    assert len(json.loads(own_measurements.read_text())) == 1


def test_a_choice_that_another_process_made_meanwhile_is_followed(own_measurements: Path) -> None:
    tokens, weight = random(400, 256), random(256, 256, seed=1)
    linear(tokens, weight)
    (key,) = kernel_choices()
    for verdict in (True, False):
        own_measurements.write_text(json.dumps({key: verdict}))
        autotune._choices.clear()
        linear(tokens, weight)
        assert kernel_choices() == {key: verdict}


def test_adopted_choices_win_over_the_file(own_measurements: Path) -> None:
    tokens, weight = random(400, 256), random(256, 256, seed=1)
    linear(tokens, weight)
    ((key, verdict),) = kernel_choices().items()
    adopt_kernel_choices({key: not verdict})
    expected = F.linear(tokens, weight) if verdict else convolution_linear(tokens, weight, None)
    assert torch.equal(linear(tokens, weight), expected)


def test_measuring_inside_a_checkpointed_layer_does_not_disturb_it(own_measurements: Path) -> None:
    tokens, weight = random(400, 256).requires_grad_(), random(256, 256, seed=1).requires_grad_()
    calls = []

    def layer(*inputs: Tensor) -> Tensor:
        calls.append(1)
        return linear(*inputs).square()

    output = checkpoint(layer, tokens, weight, use_reentrant=False)
    assert len(kernel_choices()) == len(calls) == 1
    found = torch.autograd.grad(output.sum(), [tokens, weight])
    assert len(calls) == 2
    expected = torch.autograd.grad((tokens @ weight.t()).square().sum(), [tokens, weight])
    for part, right in zip(found, expected, strict=True):
        torch.testing.assert_close(part, right, rtol=1e-4, atol=1e-2)


def test_processes_agree_on_what_was_measured(tmp_path: Path) -> None:
    program = (
        "import json, torch\n"
        "from depth_anything_hf.cpu.kernels import linear\n"
        "from depth_anything_hf.cpu.autotune import kernel_choices\n"
        "torch.set_num_threads(1)\n"
        "linear(torch.randn(400, 256), torch.randn(256, 256))\n"
        "print(json.dumps(kernel_choices()))"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path), autotune.SETTING_VARIABLE: "auto"}
    processes = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    found = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert len(found[0]) == 1 and found[0] == found[1] == found[2]


def test_a_folder_that_cannot_be_written_does_no_harm(own_measurements: Path) -> None:
    own_measurements.parent.write_text("a file where the folder should be")
    assert linear(random(400, 256), random(256, 256, seed=1)).shape == (400, 256)


@pytest.mark.parametrize("system", ["Windows", "Darwin"])
def test_processors_of_other_systems_have_a_name_too(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("read a file of Linux"))
    autotune.processor_name.cache_clear()
    try:
        assert autotune.processor_name() == "arm64"
    finally:
        autotune.processor_name.cache_clear()
