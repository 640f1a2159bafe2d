# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`review`: arguments and messages; the work is in `evaluation.review_runner`."""

from __future__ import annotations

from typing import Any

import typer

from ..evaluation.review_runner import ReviewArguments
from .dataclass_options import command_from
from .options import VerboseOption


PANELS = {
    "Labels": ("labels", "split", "limit", "max_pixels"),
    "Order": ("by", "model", "prediction_kind", "worst", "cut"),
    "Output": ("output_dir", "overwrite"),
    "Speed": ("batch_size", "input_size", "dtype", "device", "engine"),
}


def _review(arguments: ReviewArguments, *, verbose: VerboseOption = False) -> Any:
    """Show the worst labels, and list those that training should leave out.

    Labels of two teachers, or with masks, say themselves where they are in doubt; any labels can be compared with
    another model, aligned in disparity image by image. Rows that stand out are listed: look at them, edit the list,
    and hand it to training, which leaves them out. A row is told by its name and its row in what was labelled, so that
    the list stays right for other shards of the same labels.

    Writes review.html, a page that loads nothing else: distribution, cut, and the worst rows with pictures and
    numbers; worst.png, the first of them as one picture; drop.txt, to be edited; and drop.jsonl, for programs.

    \b
    Examples:
      depth-anything-hf review labels/ -o review/
      depth-anything-hf review labels/ --by fit --cut 0.2 -o review/
      depth-anything-hf review labels/ --model depth-anything/Depth-Anything-V2-Small-hf -o review/
      depth-anything-hf distill --recipe runs/student/recipe.yaml --drop review/drop.txt --output_dir runs/reviewed

    \b
    In Python:
      from depth_anything_hf.evaluation import ReviewArguments, run_review
      run_review(ReviewArguments("labels/", "review/"), tell=print)
    """
    from ..evaluation.review_runner import run_review
    from ..utils.quiet import quiet_libraries

    quiet_libraries(verbose)
    return run_review(arguments, tell=typer.echo)


review = command_from(
    _review,
    ReviewArguments,
    positional={"labels": "Labels to review; may also be given by --labels."},
    short={"model": "-m", "output_dir": "-o"},
    panels=PANELS,
)
