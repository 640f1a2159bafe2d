# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A device that is not here is refused by name, with those that are."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
import torch

from depth_anything_hf.inference.devices import available_devices, default_device, usable_device
from depth_anything_hf.utils.option_errors import OptionError


def test_devices_that_are_here_are_taken() -> None:
    assert usable_device(None) == default_device()
    assert [usable_device(each) for each in ("cpu", "cpu:0", torch.device("cpu"))] == [
        torch.device("cpu"),
        torch.device("cpu:0"),
        torch.device("cpu"),
    ]
    assert [usable_device(name).type for name in available_devices()] == [
        name.split(":")[0] for name in available_devices()
    ]


@pytest.mark.parametrize("device", ["gpu", "CPU", "cuda:99", "xla", "meta", "cpu:1", "", " cpu", True, 99, -1, 1.5])
def test_other_devices_are_refused_in_one_line(device: Any) -> None:
    with pytest.raises(OptionError) as told:
        usable_device(device)
    message = str(told.value)
    assert repr(device) in message and f"expected one of: {', '.join(available_devices())} (see" in message
    assert "\n" not in message and len(message) < 250


def test_parsers_of_arguments_show_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", type=usable_device)
    with pytest.raises(SystemExit) as end:
        parser.parse_args(["--device", "gpu"])
    assert end.value.code == 2 and "device 'gpu' cannot be used" in capsys.readouterr().err
