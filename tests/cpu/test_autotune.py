# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The faster kernel is chosen by measurement, and the choice of a quiet machine is remembered and shared."""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from cpu_tensors import heads, random
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from depth_anything_hf.cpu import autotune
from depth_anything_hf.cpu.autotune import (
    Case,
    adopt_kernel_choices,
    kernel_choices,
    measure,
    ours_wins,
    remeasure,
    set_cpu_kernels,
    stored_measurements,
)
from depth_anything_hf.cpu.kernels import attention_case, heads_attention_wins, linear_case
from depth_anything_hf.cpu.layers import cpu_heads_attention


NAME = "sleep | float32 | inference | 256x8"


def case(ours: float = 0.0, standard: float = 0.002, size: tuple[int, ...] = (300, 8)) -> Case:
    """Two kernels that take so many seconds."""

    def kernel(seconds: float) -> Any:
        def run(values: Tensor) -> Tensor:
            time.sleep(seconds)
            return values

        return run

    return Case("sleep", torch.float32, False, size, kernel(standard), kernel(ours), (size,))


@pytest.fixture
def load(own_measurements: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the share of all processors that others take."""
    share = [0.0]

    def busy() -> float:
        return time.process_time() + share[0] * time.perf_counter() * (os.cpu_count() or 1)

    monkeypatch.setattr(autotune, "_busy_seconds", busy)
    monkeypatch.setattr(autotune, "SECONDS", 0.02)
    autotune._say_that_it_was_not_quiet.cache_clear()
    return lambda value: share.__setitem__(0, value)


def entries(file: Path) -> dict[str, Any]:
    return {key.partition("threads | ")[2]: entry for key, entry in json.loads(file.read_text()).items()}


def rewrite(file: Path, **fields: Any) -> None:
    content = {key: {**entry, **fields} for key, entry in json.loads(file.read_text()).items()}
    file.write_text(json.dumps(content))
    autotune._choices.clear()


def test_the_setting_chooses(own_measurements: Path) -> None:
    set_cpu_kernels("off")
    assert not heads_attention_wins(*heads(300, torch.float32))
    assert set_cpu_kernels("on") == "off"
    assert heads_attention_wins(*heads(300, torch.float32))
    with pytest.raises(ValueError, match="auto, on, off, got 'fast'"):
        set_cpu_kernels("fast")  # type: ignore[arg-type]
    assert not own_measurements.exists()


# Measured


@pytest.mark.parametrize("training", [False, True])
def test_the_least_times_are_compared_and_nothing_else_changes(training: bool, own_measurements: Path) -> None:
    before = torch.get_rng_state()
    chosen = linear_case(400, 256, 256) if not training else attention_case(torch.bfloat16, True, 300, 3, 16)
    ratio, load = measure(chosen)
    assert 0.05 < ratio < 20 and 0 <= load < 1.5
    assert torch.equal(torch.get_rng_state(), before), "measuring must leave the random numbers alone"
    # Noise makes single runs longer, and no run shorter.
    waits = iter([0.1, 0.1] + [0.001, 0.004] * 500)

    def run(values: Tensor) -> Tensor:
        time.sleep(next(waits))
        return values

    ratio, _ = measure(Case("noise", torch.float32, False, (300, 8), run, run, ((4,),)))
    assert 2 < ratio < 5


def test_others_that_compute_are_seen(own_measurements: Path) -> None:
    cores = psutil.cpu_count() or 1
    program = "while True: pass"
    busy = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(cores)]
    try:
        _, load = measure(case())
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert load > 0.3


def test_what_was_measured_is_remembered(own_measurements: Path, load: Any) -> None:
    assert ours_wins(case()) and not ours_wins(case(ours=0.004, size=(600, 8)))
    first, second = (entries(own_measurements)[name] for name in (NAME, "sleep | float32 | inference | 512x8"))
    assert first["ours"] is True and first["ratio"] < 0.9 and first["load"] < 0.05
    assert second["ours"] is False and second["ratio"] > 1.5
    age = datetime.now(timezone.utc) - datetime.fromisoformat(first["time"])
    assert timedelta(0) <= age < timedelta(minutes=1)
    # Sizes between two powers of two share it, also in another process.
    autotune._choices.clear()
    assert ours_wins(case(ours=0.004, size=(511, 8)))
    assert len(kernel_choices()) == 1 and len(entries(own_measurements)) == 2


@pytest.mark.parametrize("ours", [True, False])
def test_a_remembered_choice_is_followed(ours: bool, own_measurements: Path, load: Any) -> None:
    query, key, value = heads(300, torch.float32)
    heads_attention_wins(query, key, value)
    rewrite(own_measurements, ours=ours)
    assert heads_attention_wins(query, key, value) is ours
    module = nn.Module()
    module.is_causal = False  # type: ignore[assignment]
    found, _ = cpu_heads_attention(module, query, key, value, None)
    set_cpu_kernels("on" if ours else "off")
    assert torch.equal(found, cpu_heads_attention(module, query, key, value, None)[0])


# On a quiet machine, within a month


def test_a_choice_under_load_holds_for_this_process_only(
    own_measurements: Path, load: Any, caplog: pytest.LogCaptureFixture
) -> None:
    load(0.5)
    with caplog.at_level(logging.WARNING):
        assert ours_wins(case()) and not ours_wins(case(ours=0.004, size=(600, 8)))
    assert len(caplog.records) == 1, "said once"
    assert "for this process only" in caplog.text and "env --remeasure" in caplog.text
    assert not own_measurements.exists() and len(kernel_choices()) == 2
    assert ours_wins(case(ours=0.004)), "this process follows it"
    load(0.02)
    autotune._choices.clear()
    assert not ours_wins(case(ours=0.004))
    assert len(entries(own_measurements)) == 1


def test_a_choice_of_unknown_load_is_not_kept(
    own_measurements: Path, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autotune, "_busy_seconds", lambda: float("nan"))
    assert ours_wins(case())
    assert not own_measurements.exists()


@pytest.mark.parametrize(
    ("fields", "is_followed"),
    [
        ({}, True),
        ({"time": (datetime.now(timezone.utc) - timedelta(days=29)).isoformat()}, True),
        ({"time": (datetime.now(timezone.utc) - timedelta(days=31)).isoformat()}, False),
        # A clock that was wrong.
        ({"time": (datetime.now(timezone.utc) + timedelta(days=2)).isoformat()}, False),
        ({"time": "2026-11-28"}, False),
        ({"time": 1795862400}, False),
        ({"load": 0.3}, False),
        ({"load": None}, False),
        ({"ours": "yes"}, False),
        ({"size": [300, 8]}, False),
    ],
)
def test_an_entry_that_no_longer_holds_is_measured_again(
    fields: dict[str, Any], is_followed: bool, own_measurements: Path, load: Any
) -> None:
    assert ours_wins(case())
    rewrite(own_measurements, **fields)
    assert ours_wins(case(ours=0.004)) is is_followed
    assert entries(own_measurements)[NAME]["ours"] is is_followed


@pytest.mark.parametrize("content", ["", "no json", "[1, 2]", '{"a": "b"}', '{"a": true}', "null"])
def test_an_unreadable_file_is_replaced(content: str, own_measurements: Path, load: Any) -> None:
    own_measurements.parent.mkdir()
    own_measurements.write_text(content)
    assert ours_wins(case())
    assert list(entries(own_measurements)) == [NAME]


def test_a_file_of_earlier_versions_is_measured_again_and_never_misread(own_measurements: Path, load: Any) -> None:
    assert ours_wins(case())
    (key,) = json.loads(own_measurements.read_text())
    other = key.replace("256x8", "512x8")
    own_measurements.write_text(json.dumps({key: False, other: True}))
    autotune._choices.clear()
    assert stored_measurements() == {}
    assert ours_wins(case())
    assert list(entries(own_measurements)) == [NAME], "choices of unknown age and load are dropped"


def test_another_torch_and_another_machine_are_measured_apart(
    own_measurements: Path, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ours_wins(case())
    monkeypatch.setattr(torch, "__version__", "99.0")
    assert stored_measurements() == {} and not ours_wins(case(ours=0.004))
    monkeypatch.setattr(autotune, "processor_name", lambda: "another one")
    assert stored_measurements() == {} and ours_wins(case())
    assert len(json.loads(own_measurements.read_text())) == 3


def test_measuring_again_forgets_this_machine_and_no_other(own_measurements: Path, load: Any) -> None:
    assert ours_wins(case()) and ours_wins(case(size=(600, 8)))
    stored = json.loads(own_measurements.read_text())
    key = next(iter(stored))
    own_measurements.write_text(json.dumps({**stored, "another machine": stored[key]}))
    found = remeasure([case(ours=0.004)])
    assert list(found) == [NAME] and found[NAME].ours is False
    assert not ours_wins(case()), "this process follows it too"
    kept = json.loads(own_measurements.read_text())
    assert len(kept) == 2 and kept["another machine"] == stored[key]
    load(0.5)
    assert remeasure([case()])[NAME].ours is True
    assert list(json.loads(own_measurements.read_text())) == ["another machine"]


# Shared


def test_a_choice_that_another_process_made_meanwhile_is_followed(own_measurements: Path, load: Any) -> None:
    ours_wins(case())
    (key,) = kernel_choices()
    for ours in (True, False):
        rewrite(own_measurements, ours=ours)
        assert ours_wins(case()) is ours
        assert kernel_choices() == {key: ours}


def test_adopted_choices_win_over_the_file(own_measurements: Path, load: Any) -> None:
    assert ours_wins(case())
    ((key, _),) = kernel_choices().items()
    # Choices of kinds that are no more do no harm.
    adopt_kernel_choices({key: False, key.replace("sleep", "convolution's gradient"): True})
    assert not ours_wins(case())


def test_measuring_inside_a_checkpointed_layer_does_not_disturb_it(own_measurements: Path) -> None:
    inputs = [each.requires_grad_() for each in heads(300, torch.bfloat16, batch=1)]
    module, calls = nn.Module(), []
    module.is_causal = False  # type: ignore[assignment]

    def layer(*inputs: Tensor) -> Tensor:
        calls.append(1)
        return cpu_heads_attention(module, *inputs, None)[0].square()

    output = checkpoint(layer, *inputs, use_reentrant=False)
    assert len(kernel_choices()) == len(calls) == 1
    found = torch.autograd.grad(output.float().sum(), inputs)
    assert len(calls) == 2
    exact = [each.detach().double().requires_grad_() for each in inputs]
    right = nn.functional.scaled_dot_product_attention(*exact).square().sum()
    for part, expected in zip(found, torch.autograd.grad(right, exact), strict=True):
        assert (part.double() - expected).abs().max() <= 2**-5 * expected.abs().max()


def test_processes_agree_on_what_was_measured(tmp_path: Path) -> None:
    program = (
        "import json, torch\n"
        "from depth_anything_hf.cpu import autotune\n"
        "from depth_anything_hf.cpu.kernels import linear\n"
        "autotune._busy_seconds = lambda: 0.0\n"
        "torch.set_num_threads(1)\n"
        "with torch.no_grad(): linear(torch.randn(400, 256), torch.randn(256, 256))\n"
        "print(json.dumps(autotune.kernel_choices()))"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path), autotune.SETTING_VARIABLE: "auto"}
    processes = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    found = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert len(found[0]) == 1 and found[0] == found[1]


def test_a_folder_that_cannot_be_written_does_no_harm(own_measurements: Path, load: Any) -> None:
    own_measurements.parent.write_text("a file where the folder should be")
    assert ours_wins(case())


def test_there_is_no_choice_for_tensors_that_stand_for_others(own_measurements: Path) -> None:
    class Quantized(Tensor):
        pass

    plain = random(4, 4)
    assert autotune.may_choose(plain, nn.Parameter(plain), None)
    assert not autotune.may_choose(plain, plain.as_subclass(Quantized))
    assert not autotune.may_choose(plain, plain.to("meta"))


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
