# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Copies of pictures are told from other pictures, and from the next frame."""

from __future__ import annotations

import cv2
import numpy as np
from checked_scenes import scene

from depth_anything_hf.data.checks import picture_hashes
from depth_anything_hf.data.checks.picture_hashes import are_copies, copies_among, hash_of, near_pairs


def test_copies_have_near_hashes_and_the_same_detail():
    image = scene(0, 240, 320)[0]
    dark = cv2.resize(cv2.convertScaleAbs(image, alpha=0.8), (256, 192), interpolation=cv2.INTER_AREA)
    coded = cv2.imdecode(cv2.imencode(".jpg", dark, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], 1)
    assert bin(hash_of(image) ^ hash_of(coded)).count("1") <= picture_hashes.MOST_BITS
    assert are_copies(image, coded)
    assert not are_copies(image, scene(1, 240, 320)[0])
    # What a camera sees three pixels farther.
    assert not are_copies(image[:, 3:], image[:, :-3])


def test_pairs_are_the_same_with_and_without_parts_of_hashes(monkeypatch):
    rng = np.random.default_rng(0)
    hashes = [int(each) for each in rng.integers(0, 2**63, 50)]
    hashes += [hashes[7] ^ 0b101, hashes[3]]
    expected = [(3, 51), (7, 50)]
    assert sorted(near_pairs(hashes)) == expected
    monkeypatch.setattr(picture_hashes, "COMPARED_WITH_ALL", 10)
    assert sorted(near_pairs(hashes)) == expected
    assert list(near_pairs([hashes[7]], hashes)) == [(0, 7), (0, 50)]


def test_pictures_that_cannot_be_read_again_are_no_copies():
    def read(place):
        if place == 1:
            raise OSError("gone")
        return scene(0)[0]

    assert copies_among(iter([(0, 1), (0, 2)]), read, read) == [(0, 2)]
