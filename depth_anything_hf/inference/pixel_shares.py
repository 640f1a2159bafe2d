# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shares of pixels of a prediction that have no value, are extrapolated or are clipped, and what to say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


# Of the pixels of one image; more of them are worth a warning.
LARGE_SHARES = {"invalid": 0.1, "extrapolated": 0.25, "clipped": 0.02, "limited": 1.0}
MEANING = {
    "invalid": "have no value (NaN, code 0, grey in the colours)",
    "extrapolated": "lie outside the disparities that the calibration was fitted on",
    "clipped": "lie outside the range of the 16-bit picture and have the code of its end",
    "limited": "lie outside of --min_depth and --max_depth, and have no value",
}
ADVICE = {
    "invalid": "the calibration puts them beyond every distance: measure far points too",
    "extrapolated": "their metres are guesses: measure nearer and farther points too",
    "clipped": "read the .npz for them",
    "limited": "choose wider limits",
}


@dataclass(frozen=True)
class PixelShares:
    """Shares of all pixels of one image, 0..1.

    Attributes:
        invalid: without a value.
        extrapolated: outside the range of disparity that a calibration was fitted on; None without a calibration.
        clipped: beyond the range of the 16-bit picture; None without one.
        limited: beyond limits of depth that were asked for; None without.
    """

    invalid: float
    extrapolated: float | None = None
    clipped: float | None = None
    limited: float | None = None

    def share(self, name: str) -> float:
        """Return a share by its name, 0 where it is None."""
        return float(getattr(self, name) or 0.0)


def describe_shares(images: Mapping[str, PixelShares]) -> tuple[str, list[str]]:
    """Return a line about the mean of all images, "" where no pixel is special, and warnings about large shares.

    Args:
        images: name -> shares.
    """
    parts, warnings = [], []
    for name, meaning in MEANING.items():
        shares = {image: each.share(name) for image, each in images.items()}
        mean = sum(shares.values()) / max(1, len(shares))
        if mean > 0:
            parts.append(f"{_percent(mean)} {meaning}")
        large = [image for image, share in shares.items() if share > LARGE_SHARES[name]]
        if large:
            worst = max(large, key=lambda image: shares[image])
            warnings.append(
                f"in {len(large)} of {len(shares)} images more than {_percent(LARGE_SHARES[name])} of the pixels "
                f"{meaning}, most in {worst} ({_percent(shares[worst])}); {ADVICE[name]}"
            )
    return (f"Of the pixels {', '.join(parts)}." if parts else ""), warnings


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"
