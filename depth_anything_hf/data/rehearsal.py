# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rehearsal: samples of an old domain mixed into the training data of a new one, at a share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def check_rehearsal_label(name: str, label: str | None, new_labels: Sequence[str | None]) -> None:
    """Check that a rehearsal source has labels of the kind that is learned.

    Args:
        name: of the rehearsal source.
        label: its kind of label; None without.
        new_labels: those of the training data.

    Raises:
        ValueError: it is another one than all of them.
    """
    if label not in new_labels:
        kinds = " and ".join(dict.fromkeys(str(each or "none") for each in new_labels))
        raise ValueError(
            f"rehearsal {name}: its labels are {label or 'none'}, those of the training data are {kinds}; take a "
            "source of the same kind, or name it in train_data, with a weight for every source, to mix both kinds on "
            "purpose"
        )


def rehearsal_weights(
    sources: Sequence[Any], weights: Sequence[float] | None, share: float
) -> tuple[list[float], int | None]:
    """Return the weights of training data followed by a rehearsal source, and the samples of an epoch.

    An epoch remains one pass over the training data: each of its samples is seen as often as without rehearsal, and
    samples of the old domain are added until they are the share. Without that a large old domain would make an epoch
    of mostly old samples long.

    Args:
        sources: of the training data, without the rehearsal source.
        weights: their weights; None where they are concatenated.
        share: of the rehearsal source in all samples, 0..1 without 0 and 1.

    Returns:
        A weight for each source and the rehearsal source, and the samples per epoch: None where a source streams, for
        which there are no epochs.

    Raises:
        ValueError: several streams have no weights.
    """
    has_lengths = all(hasattr(source, "__len__") for source in sources)
    if weights is None and len(sources) > 1 and not has_lengths:
        raise ValueError(f"the sizes of streams are unknown: give each of the {len(sources)} sources a weight")
    if not has_lengths:
        shares = [1.0] if weights is None else [weight / sum(weights) for weight in weights]
        return [*(each * (1 - share) for each in shares), share], None
    lengths = [len(source) for source in sources]
    samples = sum(lengths)
    added = max(1, round(samples * share / (1 - share)))
    new = [float(each) for each in lengths]
    if weights is not None:
        new = [samples * weight / sum(weights) for weight in weights]
    return [*new, float(added)], samples + added


__all__ = ["check_rehearsal_label", "rehearsal_weights"]
