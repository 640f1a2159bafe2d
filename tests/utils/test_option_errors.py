# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Options that cannot be used are told apart from data that cannot."""

from __future__ import annotations

import pytest

from depth_anything_hf.utils.option_errors import OptionError, check_choice, option_errors


def test_a_wrong_choice_is_told_with_the_choices_and_the_nearest() -> None:
    for value in ("depth", None):
        check_choice("label", value, ("depth", "disparity", None))
    with pytest.raises(OptionError, match=r"label must be one of \['depth', 'disparity'\], got 'dept'; did you mean"):
        check_choice("label", "dept", ("depth", "disparity", None))
    with pytest.raises(OptionError, match=r"label must be one of \['depth'\], got \['depth'\]"):
        check_choice("label", ["depth"], ("depth",))


def test_errors_of_values_become_those_of_options_and_others_stay() -> None:
    with pytest.raises(OptionError, match=r"^size is 0$") as raised, option_errors():
        raise ValueError("size is 0")
    assert type(raised.value.__cause__) is ValueError
    own = OptionError("kept")
    with pytest.raises(OptionError) as raised, option_errors():
        raise own
    assert raised.value is own
    with pytest.raises(FileNotFoundError), option_errors():
        raise FileNotFoundError
