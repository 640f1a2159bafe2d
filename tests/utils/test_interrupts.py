# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C has its effect behind what is under way, and only there."""

from __future__ import annotations

import signal

import pytest

from depth_anything_hf.utils.interrupts import interrupts_put_off


@pytest.mark.usefixtures("usual_interrupts")
def test_an_interrupt_waits_for_the_end():
    before, done = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with interrupts_put_off():
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all of it"] and signal.getsignal(signal.SIGINT) is before
    with interrupts_put_off():
        done.append("no interrupt")
    assert signal.getsignal(signal.SIGINT) is before
