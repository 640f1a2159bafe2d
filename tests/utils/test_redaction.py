# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is published has no local path and no access token."""

from __future__ import annotations

from pathlib import Path

from depth_anything_hf.utils.redaction import is_hub_id, redact_command


def test_hub_ids() -> None:
    assert is_hub_id("facebook/dinov2-small")
    for other in ("dinov2", "/models/dinov2", "./models", "a/b/c", "rendered rooms/hazy", None, Path("a/b")):
        assert not is_hub_id(other)


def test_a_command_is_still_readable_without_its_paths() -> None:
    for given, expected in (
        ("train --model owner/name --url https://hub/a/b", "train --model owner/name --url https://hub/a/b"),
        ("python /home/me/train.py ~/data ../x/y", "python train.py data y"),
        ("it's /home/me/broken", "it's broken"),
    ):
        assert redact_command(given) == expected


def test_a_comment_before_the_command_stays(tmp_path: Path) -> None:
    assert redact_command(f"# 8 processes\npython {tmp_path}/a.py") == "# 8 processes\npython a.py"
