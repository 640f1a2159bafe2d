# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""DeepSpeed's configuration, completed from the training arguments or refused."""

from __future__ import annotations

import pytest

from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.sharding_rules import complete_deepspeed_config


def test_deepspeed_is_told_the_batch_and_must_agree_on_the_rest():
    arguments = TrainingArguments("unused", per_device_train_batch_size=3, gradient_accumulation_steps=2)
    config = {"train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "gradient_clipping": 1}
    complete_deepspeed_config(config, arguments)
    assert config == {
        "train_micro_batch_size_per_gpu": 3,
        "gradient_accumulation_steps": 2,
        "gradient_clipping": 1,
    }
    with pytest.raises(ValueError, match="gradient_accumulation_steps 1, but gradient_accumulation_steps is 2"):
        complete_deepspeed_config({**config, "gradient_accumulation_steps": 1}, arguments)
    with pytest.raises(ValueError, match=r"gradient_clipping 0.5, but max_grad_norm is 1.0"):
        complete_deepspeed_config({**config, "gradient_clipping": 0.5}, arguments)
    with pytest.raises(ValueError, match=r"gradient_clipping 0.0, but max_grad_norm is 1.0"):
        complete_deepspeed_config({"gradient_accumulation_steps": 2}, arguments)
