# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`plan`: arguments and messages; the work is in `training.plan`."""

from __future__ import annotations

import json as json_format
from typing import Annotated, Any

import typer

from ..training.plan_arguments import PlanArguments
from .dataclass_options import command_from


PANELS = {
    "The run": (
        *("model", "input_size", "per_device_train_batch_size", "gradient_accumulation_steps", "max_steps"),
        *("processes", "sharded"),
    ),
    "Ways to train, combined": ("encoder_strategy", "mixed_precision", "gradient_checkpointing", "optimizer"),
    "Of all ways": ("optimizer_in_backward", "max_grad_norm"),
    "The device": ("device", "device_memory", "device_tflops", "utilisation", "measure"),
}


def _plan(
    arguments: PlanArguments,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> Any:
    """Predict memory and time of a training run before it starts, and say what fits.

    The options under "ways to train" may be given several times; all combinations are shown, and the first one is the
    run as you want it. Each line is a way to train with the memory that each optimizer needs, what fits and is fastest
    first; a line that does not fit says by how much, and what to change. The last line says the same of the run as you
    want it: the fastest way to keep its encoder strategy and fit. Where none of a strategy fits, smaller micro-batches
    and updates in the backward pass are tried as well.

    Memory is that of each GPU, or on a CPU the most that the process holds: weights, gradients, the optimizer's state
    and a step taken with tensors that have sizes but no memory. Time on the device here is measured by two steps in
    each precision; for a named GPU it is the operations of a step by a share of the peak, an assumption.

    Exits with 0 if the run as wanted fits, else with 1.

    \b
    Examples:
      depth-anything-hf plan base --per_device_train_batch_size 4
      depth-anything-hf plan large --device rtx-3090 --max_steps 20000
      depth-anything-hf plan base --encoder_strategy full --device l4 --device_memory 6
      depth-anything-hf plan small --device my-gpu --device_memory 8 --device_tflops 40 --mixed_precision bf16

    \b
    In Python:
      print(depth_anything_hf.training.plan.plan(PlanArguments("base", device="h100")))
    """
    from ..training.plan import plan as make_plan
    from ..utils.quiet import quiet_libraries

    quiet_libraries(False)
    found = make_plan(arguments)
    typer.echo(json_format.dumps(found.as_dict(), indent=1) if json else str(found))
    if not found.fits:
        raise typer.Exit(1)
    return found


plan = command_from(
    _plan,
    PlanArguments,
    positional={"model": "Size or model to train; may also be given by --model."},
    short={"model": "-m"},
    panels=PANELS,
)
