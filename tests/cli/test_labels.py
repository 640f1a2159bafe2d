# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels that are damaged, and what is not pushed."""

from __future__ import annotations

from pathlib import Path

from command_line import run


def test_verify_names_a_damaged_shard_and_a_repeat_makes_it_again(model: Path, photos: Path, tmp_path: Path) -> None:
    label = ("pseudo-label", photos, "-m", model, "-o", tmp_path / "labels", "--device", "cpu", "--shard-size", "1")
    assert run(*label).exit_code == 0
    sound = run("verify", tmp_path / "labels")
    assert sound.exit_code == 0 and "2 labels in 2 shards" in sound.output
    shard = tmp_path / "labels" / "labels-00001-of-00002.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    assert "delete the damaged shards first" in run("verify", tmp_path / "labels").output and shard.exists()
    damaged = run("verify", tmp_path / "labels", "--remove-damaged")
    assert "run the same pseudo-label command again" in damaged.output and "delete" not in damaged.output
    assert damaged.exit_code == 1 and shard.name in damaged.output and not shard.exists()
    # What is not complete is not pushed.
    push = run("push-labels", tmp_path / "labels", "owner/labels")
    assert push.exit_code == 1 and "shards are missing" in push.output
    assert run(*label).exit_code == 0
    assert run("verify", tmp_path / "labels", "--quick").exit_code == 0
