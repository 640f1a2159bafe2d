# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is published has no local path and no access token."""

from __future__ import annotations

from pathlib import Path

import pytest

from depth_anything_hf.utils.redaction import (
    is_hub_id,
    names_machine,
    redact_command,
    redact_name,
    redact_recipe,
    redact_text,
    redact_values,
)


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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("a.png", False), ("a/..b/c.png", False), ("~a.png", False), ("row 3 (a.png)", False)),
        *(("/a.png", True), ("../a.png", True), ("a/../b.png", True), ("~/a.png", True), (r"C:\a.png", True)),
    ],
)
def test_names_of_places_on_this_machine_are_told(name: str, expected: bool) -> None:
    assert names_machine(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(
            ("/data/my sets/a b", "a b"),
            ("/home/somebody", "~"),
            ("/Users/somebody/", "~"),
            ("/home/x/../somebody", "~"),
        ),
        *((r"C:\Users\somebody", "~"), (r"C:\Users\somebody\a", "a"), (r"\\server\share\a", "a")),
        *(("file:///home/somebody/a b", "a b"), ("data/../../x/a", "a"), ("~/a", "a"), ("~", "~"), (".5", ".5")),
        *(("owner/name", "owner/name"), ("s3://bucket/key", "s3://bucket/key"), ("caf\udce9/x", r"caf\xe9/x")),
        *(("made in /home/somebody/x y", "made in x y"), ("scene (1)/a.png", "scene (1)/a.png")),
    ],
)
def test_of_a_path_its_last_part_is_left_and_of_a_home_folder_nothing(name: str, expected: str) -> None:
    assert redact_name(name) == expected
    assert redact_values({"a": [name, 3, None]}) == {"a": [expected, 3, None]}
    assert redact_name(expected) == expected, "once redacted, a name stays"


def test_the_home_folder_is_not_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "somebody"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "somebody")
    assert redact_name(tmp_path / "somebody") == "~" and redact_text(f"in {tmp_path}/somebody/a") == "in a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see '/home/me/my data/x y.png': empty", "see 'x y.png': empty"),
        ("|p - t| / t, and/or, 1/2, https://a.b/c/d", "|p - t| / t, and/or, 1/2, https://a.b/c/d"),
        ("label:/mnt/a (/mnt/b) [../c,/mnt/d] x=/mnt/e", "label:a (b) [c,d] x=e"),
        ("git@host:owner/name.git and tar://m::/mnt/a.tar", "git@host:owner/name.git and tar://m::a.tar"),
    ],
)
def test_paths_in_texts(text: str, expected: str) -> None:
    assert redact_text(text) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://me:pw@host/a.parquet", "https://***@host/a.parquet"),
        ("s3://key:secret@bucket/a/", "s3://***@bucket/a/"),
        ("https://host/a.tar?X-Amz-Date=1&X-Amz-Signature=abc", "https://host/a.tar?X-Amz-Date=1&X-Amz-Signature=***"),
        ("https://host/a.tar?sv=2&sig=a%2Bb%3D", "https://host/a.tar?sv=2&sig=***"),
        ("https://host/a.tar?access_token=abc#part", "https://host/a.tar?access_token=***#part"),
        ("https://openreview.net/forum?id=abc", "https://openreview.net/forum?id=abc"),
        ("https://huggingface.co/@me/x and me@mail.org", "https://huggingface.co/@me/x and me@mail.org"),
    ],
)
def test_what_gives_access_in_a_url_is_removed(url: str, expected: str) -> None:
    assert redact_name(url) == expected == redact_text(expected)
    assert redact_text(f"labels of {url} were read") == f"labels of {expected} were read"
    assert redact_command(f"pseudo-label {url}").replace("'", "") == f"pseudo-label {expected}"


def test_a_recipe_holds_paths_with_spaces() -> None:
    recipe = """\
# made in /mnt/notes
train_data:
  - path: /mnt/my data/set one  # the first
    label: depth
  - /mnt/more data/set two
  - "~/in quotes/set three"
eval_data: ../held out/four
lr: 1e-3
"""
    assert (
        redact_recipe(recipe)
        == """\
# made in notes
train_data:
  - path: set one  # the first
    label: depth
  - set two
  - "set three"
eval_data: four
lr: 1e-3
"""
    )
