# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The sources of a run: what its arguments say of all of them, their record, and what is left out of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from ..data.data_source import KINDS_WITH_FITS, OF_STREAMS, DataSource
from ..data.drop_list import DropList
from ..data.sources import as_source
from ..training.description import absolute_path
from ..utils.option_errors import OptionError


# Fields that earlier versions do not know: they stand in a record only where they say something.
LATER_FIELDS = ("encoding", "ignore_masks", "keep_bad_fits", "drop")


def sources_of(
    specs: Iterable[Any],
    *,
    ignore_masks: Sequence[str] | None = None,
    mask_weight: float = 0.0,
    keep_bad_fits: bool = False,
    drop: str | None = None,
) -> list[DataSource]:
    """Return sources with the masks, fits and the list to drop that hold for all; what a source itself says wins.

    Args:
        specs: paths, Hub ids, mappings or sources.
        ignore_masks: of sources that do not name masks themselves.
        mask_weight: of the pixels in these masks.
        keep_bad_fits: of all sources that can have fits: tables. Public datasets and folders stay as they are.
        drop: list for sources that do not name one themselves.

    Raises:
        ValueError: as `DataSource`; or keep_bad_fits, and none of the sources can have fits.
    """
    found = []
    for spec in specs:
        source = as_source(spec)
        can_have_fits = source.kind in KINDS_WITH_FITS
        changes: dict[str, Any] = {"keep_bad_fits": True} if keep_bad_fits and can_have_fits else {}
        if ignore_masks and source.ignore_masks is None:
            changes |= {"ignore_masks": ignore_masks, "mask_weight": mask_weight}
        if drop is not None and source.drop is None:
            changes["drop"] = drop
        found.append(replace(source, **changes))
    if keep_bad_fits and not any(source.keep_bad_fits for source in found):
        kinds = ", ".join(f"{source.path} of kind {source.kind!r}" for source in found)
        raise OptionError(
            "keep_bad_fits is for pseudo-labels of two teachers, which are tables, but there are none among the "
            f"training data ({kinds}); leave it out"
        )
    return found


def records_of(sources: Sequence[DataSource]) -> list[dict[str, Any]]:
    """Return what tells training data from other data: the fields of each source; local paths are absolute.

    Without `max_pixels`, which tells what files are trusted, and without how streams are fetched; further fields that
    earlier versions do not know are there only where they say something. A list to drop is told by its digest,
    wherever it lies.

    Raises:
        FileNotFoundError, ValueError: as `DropList`.
    """
    records = [{**asdict(source), "path": absolute_path(source.path)} for source in sources]
    for each in records:
        for name in ("max_pixels", *OF_STREAMS):
            del each[name]
        if each["ignore_masks"] is None:
            del each["mask_weight"]
        else:
            each["ignore_masks"] = list(each["ignore_masks"])
        if each["drop"] is not None:
            each["drop"] = DropList(each["drop"]).sha256
        for name in LATER_FIELDS:
            if not each[name]:
                del each[name]
    return records


def refuse_masks(sources: Iterable[DataSource]) -> None:
    """Refuse masks of stored labels where a teacher makes the labels during training.

    Raises:
        ValueError: a source has `ignore_masks`.
    """
    for source in sources:
        if source.ignore_masks:
            raise ValueError(
                f"{source.path}: ignore_masks is {', '.join(source.ignore_masks)}, but a teacher makes the labels "
                "during training, and these have no masks: store labels with masks first (`depth-anything-hf "
                "pseudo-label --masks ...`), or leave ignore_masks out"
            )


def refuse_weights(source: DataSource, argument: str) -> None:
    """Refuse weights of pixels in held-out data; masked pixels that do not count at all are understood.

    Raises:
        ValueError: the source has a `mask_weight`.
    """
    if source.mask_weight:
        raise ValueError(
            f"{argument} {source.path}: mask_weight is {source.mask_weight:g}, but in a score a pixel counts or does "
            "not; leave mask_weight out, and masked pixels do not count"
        )


def describe_left_out(mixture: Any) -> dict[str, str]:
    """Return what is left out of opened sources: name of the source -> words, for model cards."""
    found = {}
    for name, source in zip(mixture.names, mixture.sources, strict=True):
        left_out = getattr(source, "left_out", None)
        if left_out is not None and str(left_out):
            found[name] = f"without {left_out}"
    return found


def with_notes(entries: Sequence[Any], notes: dict[str, str]) -> list[Any]:
    """Return names and entries of a lineage, with what is left out of each in its note.

    Args:
        entries: names, or mappings with "name" and perhaps "note".
        notes: see `describe_left_out`.
    """
    noted = []
    for entry in entries:
        name = str(entry if isinstance(entry, str) else entry["name"])
        if name not in notes:
            noted.append(entry)
            continue
        known = {"name": name} if isinstance(entry, str) else dict(entry)
        noted.append({**known, "note": "; ".join(filter(None, [known.get("note"), notes[name]]))})
    return noted


__all__ = ["describe_left_out", "records_of", "refuse_masks", "refuse_weights", "sources_of", "with_notes"]
