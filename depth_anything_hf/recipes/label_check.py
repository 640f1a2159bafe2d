# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Look at samples of a run's own labels before it begins, as the command `check` does, and say how to look at more."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..utils.paths import local_path


if TYPE_CHECKING:
    from ..data.checks.source_check import SourceCheck
    from ..data.data_source import DataSource
    from .arguments import DataArguments

# Enough for what concerns most labels, and read in seconds.
SAMPLES = 32
# Share of the values beyond the cap of a metric model, from which they are hardly meant to be left out.
LARGE_SHARE_BEYOND = 0.5
WARNING = "warning: "


def own_label_hint(arguments: DataArguments, recipe_file: str | os.PathLike[str]) -> str:
    """Return the line by which a run names `check`; "" where no source is a local one in a layout of one's own.

    Args:
        arguments: of the run.
        recipe_file: that of the run, whose sources `check` then looks at.
    """
    if not any(_is_own(source) for source in arguments.training_sources):
        return ""
    return (
        f"are the labels right? `depth-anything-hf check {shlex.quote(str(recipe_file))}` looks at samples of them "
        "and names wrong units, disparity read as depth, and labels that are mirrored, shifted or of other pictures"
    )


def label_warnings(arguments: DataArguments, max_depth: float | None = None) -> list[str]:
    """Look at samples of the labelled sources of a run and return what is most likely wrong, each in a line.

    The pictures of `eval_data` must not be among those that are trained on. Streams are not looked at, whose samples
    would be fetched for it.

    Args:
        arguments: of the run.
        max_depth: cap of a metric model, metres; None for other models.
    """
    from ..data.checks.source_check import check_source
    from ..data.sources import as_source

    held_out = None if arguments.eval_data is None else as_source(arguments.eval_data)
    sources = [each for each in arguments.training_sources if not each.streaming]
    pairs = [(each, held_out) for each in sources] + ([] if held_out is None else [(held_out, None)])
    found = []
    for source, other in pairs:
        try:
            check = check_source(source, samples=SAMPLES, against=other)
        except (OSError, ValueError) as error:
            found.append(f"{WARNING}{source.path}: its labels could not be looked at: {error}")
            continue
        if check.label is None:
            continue
        lines = list(_lines_of(check, max_depth))
        if lines:
            found += [f"{word}{source.path}: {line}" for word, line in lines]
            is_leak = any(finding.code == "leak" for finding in check.findings)
            words = check_words(source, against=other if is_leak else None)
            found.append(f"look at them: depth-anything-hf check {words} --output_dir checked")
        else:
            looked = f"{len(check.facts)} of {check.count}"
            found.append(f"{source.path}: nothing found by a check of {looked} samples (`depth-anything-hf check`)")
    return found


def _lines_of(check: SourceCheck, max_depth: float | None) -> Iterator[tuple[str, str]]:
    from ..checking.text import advice_of, numbers_of, quantiles_of

    for finding in check.findings:
        yield WARNING, f"{finding.code}: {finding.reason}; {advice_of(finding)}"
    if any(finding.code in ("unit", "kind") for finding in check.findings) or check.label != "depth":
        return
    unit = numbers_of(check).get("unit")
    beyond = 0.0 if max_depth is None else share_beyond(check, max_depth)
    middle = (quantiles_of(check) or (math.nan,) * 3)[1]
    if beyond > LARGE_SHARE_BEYOND:
        what = f"about {beyond:.0%} of the labels' values are beyond max_depth {max_depth:g} m, their middle is"
        advice = f"unit {unit}" if unit else "see whether the unit is right, or raise max_depth"
        yield WARNING, f"{what} at {middle:.3g} m, and what is beyond is not learned from: {advice}"
    elif unit:
        # Streets are so far; of rooms it would be a wrong unit.
        yield "", f"the middle of the labels is at {middle:.3g} m; if that is not so, unit {unit}"


def share_beyond(check: SourceCheck, depth: float) -> float:
    """Return the share of the finite values of a check's labels that are beyond a depth, to a bin of its histogram."""
    import numpy as np

    from ..data.checks.findings import HISTOGRAM_EDGES

    if check.histogram is None or not check.histogram.any():
        return 0.0
    below = np.concatenate([[0], np.cumsum(check.histogram)]) / check.histogram.sum()
    return float(1 - np.interp(math.log10(depth), np.log10(HISTOGRAM_EDGES), below))


def check_words(source: DataSource, against: DataSource | None = None) -> str:
    """Return a source as the arguments of `depth-anything-hf check`.

    Args:
        source: of which samples are looked at.
        against: one that must have none of its pictures; it is left out where the flags of `source`, which hold for
            both, do not say how it is read.
    """
    from ..data.checks.advice import FLAGS, flag_of
    from ..data.data_source import DataSource
    from ..data.public.catalog import PUBLIC_DATASETS

    default = DataSource(source.path)
    # Behind a dash at its start the parser looks for an option.
    words: list[Any] = [f"./{source.path}" if source.path.startswith("-") else source.path]
    if source.kind in PUBLIC_DATASETS:
        words = [source.kind, "--root", source.path]
        for name, value in (source.options or {}).items():
            words += ["--option", f"{name}={value}"]
        # Without it `check` takes the default of the data set.
        words += ["--split", source.split] if source.split else []
        return shlex.join(map(str, words))
    names = [*FLAGS, "image_column", "kind"]
    for name in [*names, "split"]:
        value = getattr(source, name)
        if value is not None and value != getattr(default, name):
            words += [f"--{name}", flag_of(value)]
    if against is not None and against.split == default.split and not against.path.startswith("-"):
        is_read_alike = all(getattr(against, name) == getattr(source, name) for name in names)
        words += ["--against", against.path] if is_read_alike else []
    return shlex.join(map(str, words))


def _is_own(source: DataSource) -> bool:
    """Tell whether a source is on this machine, in no public layout, and not rendered here."""
    from ..data.public.catalog import PUBLIC_DATASETS
    from ..rendering.dataset import RENDER_FILE

    path = local_path(source.path)
    # Those of `os` take a name that is too long, or not allowed, for one that is not there.
    is_here = source.kind not in PUBLIC_DATASETS and os.path.exists(path)
    return is_here and not os.path.isfile(path / RENDER_FILE)


__all__ = ["check_words", "label_warnings", "own_label_hint", "share_beyond"]
