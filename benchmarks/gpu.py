# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Training steps and labelling on one GPU beside stock transformers in a plain loop, in nine minutes at most.

    python benchmarks/gpu.py                            # ViT-S, B, L at 518; --compile adds compiled models
    python benchmarks/gpu.py --original Depth-Anything-V2   # a checkout of DepthAnything/Depth-Anything-V2 too
    python benchmarks/gpu.py --device cpu --quick       # the same code on tiny models, to see that it runs

Training: float32 weights under bf16 autocast, forward, loss, backward and AdamW. Labelling: bf16 weights, forward and
the copy of the maps to the host; compiled, it replays a CUDA graph. Ours is what `fit` and `DepthPredictor` run: the
whole step, with clipping and the watch over what is not finite, and `optimize_for_inference`. Stock is as it comes,
with the loss of image after image, and so is the original, in float32 throughout. Contenders of one size take turns,
in one process. The share of the card is the model's arithmetic (a training step counts as three forward passes)
against the best bf16 matrix product of this run. What has not begun by `--minutes` is left out, and what still runs 90
seconds later is stopped; the results are written after each size.
"""

from __future__ import annotations

import argparse
import gc
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from accelerate import Accelerator
from harness import images, machine, write_result
from losses import by_loop, maps
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import DepthAnythingForDepthEstimation as StockModel
from transformers import Dinov2Config

from depth_anything_hf.inference.devices import usable_device
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.training.engine import Engine
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.optim import LearningRates
from depth_anything_hf.training.step_status import ReducedStatus
from depth_anything_hf.training.trainer import TrainingArguments


TRAINING_BATCH = {"small": 32, "base": 16, "large": 8, "tiny": 2}
LABELLING_BATCH = {"small": 64, "base": 32, "large": 16, "tiny": 2}
RESULTS = Path(__file__).parent / "results"
SECONDS_OF_GRACE = 90
LEARNING_RATE = 1e-8

COMPILED = "ours, compiled"
ORIGINAL = "original, fp32"
# Arguments of the original's model (its README); it has none as small as "tiny".
ORIGINAL_ARGUMENTS = {
    "small": {"encoder": "vits", "features": 64, "out_channels": [48, 96, 192, 384]},
    "base": {"encoder": "vitb", "features": 128, "out_channels": [96, 192, 384, 768]},
    "large": {"encoder": "vitl", "features": 256, "out_channels": [256, 512, 1024, 1024]},
}
ORIGINAL_ARGUMENTS["tiny"] = ORIGINAL_ARGUMENTS["small"]


@dataclass
class Run:
    """What one contender did; `error` says why it did not, or did not do all rounds.

    Attributes:
        peak_memory_bytes: of the GPU, weights and optimizer included; None on a CPU.
        share_of_card: arithmetic per second against the measured matrix rate.
        synchronises: whether a training step waits for the device; None where that was not looked at.
    """

    work: str
    size: str
    contender: str
    batch: int
    images_per_second: float | None = None
    rounds: list[float] = field(default_factory=list)
    peak_memory_bytes: int | None = None
    share_of_card: float | None = None
    synchronises: bool | str | None = None
    error: str | None = None


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def free_memory(device: torch.device) -> None:
    # What Accelerate has prepared is in reference cycles, which only the garbage collector frees.
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def seconds_of(work: Callable[[], Any], device: torch.device, repeats: int) -> float:
    wait_for(device)
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    wait_for(device)
    return (time.perf_counter() - start) / repeats


def matrix_rate(device: torch.device, sides: tuple[int, ...]) -> float:
    """The best bf16 rate of square matrix products, in operations per second."""
    best = 0.0
    for side in sides:
        left, right = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
        for _ in range(3):
            left @ right
        seconds = statistics.median(seconds_of(lambda a=left, b=right: a @ b, device, 20) for _ in range(3))  # type: ignore[misc]
        best = max(best, 2 * side**3 / seconds)
    return best


def configuration(size: str) -> DepthAnythingConfig:
    if size != "tiny":
        return DepthAnythingConfig.from_size(size)  # type: ignore[arg-type]
    encoder = Dinov2Config(hidden_size=32, num_hidden_layers=4, num_attention_heads=2, image_size=56, patch_size=14)
    return DepthAnythingConfig.from_encoder_config(
        encoder, neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=8, head_hidden_size=8
    )


class Original(nn.Module):
    """The original code's model, called as the others are."""

    def __init__(self, size: str) -> None:
        super().__init__()
        from depth_anything_v2.dpt import DepthAnythingV2

        self.model = DepthAnythingV2(**ORIGINAL_ARGUMENTS[size])

    def forward(self, pixel_values: Tensor) -> SimpleNamespace:
        return SimpleNamespace(predicted_depth=self.model(pixel_values))


def open_model(contender: str, size: str, device: torch.device, dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    if contender == ORIGINAL:
        with device:
            return Original(size)
    kind: Any = StockModel if contender == "stock" else DepthAnythingForDepthEstimation
    config = configuration(size)
    config.backbone_config._attn_implementation = "sdpa"
    # Made where it will be: to draw a large model's weights takes a CPU many seconds.
    with device:
        model: nn.Module = kind(config).to(device, dtype)
    if contender == "stock":
        return model
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


@cache
def forward_operations(size: str, side: int, device: torch.device) -> int:
    """Floating-point operations of one image's forward pass."""
    model = open_model("ours", size, device, torch.bfloat16).eval()
    pixels = images(1, side, side).to(device, torch.bfloat16)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(pixel_values=pixels)
    return int(counter.get_total_flops())


def training_step(contender: str, size: str, side: int, batch: int, device: torch.device) -> Callable[[], None]:
    model = open_model(contender, size, device, torch.float32).train()
    pixels = images(batch, side, side).to(device)
    labels = maps(batch, side)[1].to(device)
    if contender.startswith("ours"):
        return step_of_fit(model, {"pixel_values": pixels, "labels": labels}, device, contender == COMPILED)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE)
    precision = nullcontext() if contender == ORIGINAL else torch.autocast(device.type, torch.bfloat16)

    def step() -> None:
        with precision:
            loss = by_loop(model(pixel_values=pixels).predicted_depth.float(), labels).mean()
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad()

    return step


def step_of_fit(model: Any, batch: dict[str, Any], device: torch.device, compiled: bool) -> Callable[[], None]:
    """The optimizer step of `fit`, without its data and its log."""
    accelerator = Accelerator(mixed_precision="bf16", cpu=device.type == "cpu")
    arguments = TrainingArguments("unused", torch_compile=compiled)
    rates = LearningRates(LEARNING_RATE, LEARNING_RATE, "weights stay nearly as they are")
    engine = Engine(accelerator, model, SupervisedRelative(), arguments, rates, total_steps=10**6)

    named = {**batch, "name": [str(index) for index in range(len(batch["pixel_values"]))]}

    def step() -> None:
        loss = engine.accumulate(named, 0.0, step=1)["loss"]
        counted_images = engine.normalize_gradients()
        status = ReducedStatus(
            accelerator,
            stop=False,
            unreadable=False,
            broken_samples=0,
            loss_is_finite=torch.isfinite(loss),
            gradient_norm=engine.clip_gradients(),
            counted_images=counted_images,
            overflow_is_allowed=False,
        )
        engine.step(status.leave_out)

    return step


def labelling_pass(contender: str, size: str, side: int, batch: int, device: torch.device) -> Callable[[], None]:
    model: Any = open_model(contender, size, device, torch.bfloat16).eval()
    pixels = images(batch, side, side).to(device, next(model.parameters()).dtype)
    if contender.startswith("ours"):
        model.optimize_for_inference(compile=contender == COMPILED)

    @torch.inference_mode()
    def forward() -> None:
        model(pixel_values=pixels).predicted_depth.float().cpu()

    return forward


WORK = {"training": training_step, "labelling": labelling_pass}


def waits_for_the_device(step: Callable[[], Any]) -> bool | str:
    """Whether a step makes the host wait, and where: PyTorch is told to raise then."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    except RuntimeError as error:
        return f"True: {error}"
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return False


class OutOfTime(BaseException):
    """Not an `Exception`, so that it is not caught as a contender's failure."""


@contextmanager
def stop_after(seconds: float) -> Iterator[None]:
    """Stop what runs in the block by `OutOfTime` if it takes longer, where the system has such a timer."""
    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return

    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def note_failure(run: Run, device: torch.device) -> Iterator[None]:
    """A failure, most often for want of memory, is a line of the table and not the end of the benchmark."""
    try:
        yield
    except Exception as error:
        run.error = f"{type(error).__name__}: {str(error).partition('. ')[0]}"
    if run.error:
        # Only here, as the exception holds on to the tensors of the frames that it went through.
        free_memory(device)


def measure_alone(run: Run, side: int, device: torch.device) -> None:
    """Memory, and whether a training step waits; with no other contender's tensors on the card."""
    work = WORK[run.work](run.contender, run.size, side, run.batch, device)
    work()
    if device.type != "cuda":
        return
    wait_for(device)
    torch.cuda.reset_peak_memory_stats(device)
    work()
    wait_for(device)
    run.peak_memory_bytes = torch.cuda.max_memory_allocated(device)
    if run.work == "training":
        run.synchronises = waits_for_the_device(work)


def measure_in_turns(runs: list[Run], side: int, device: torch.device, rounds: int, repeats: int) -> None:
    able = []
    for run in runs:
        with note_failure(run, device):
            work = WORK[run.work](run.contender, run.size, side, run.batch, device)
            seconds_of(work, device, 3)
            able.append((run, work))
    for _ in range(rounds):
        for run, work in able:
            if run.error is None:
                with note_failure(run, device):
                    run.rounds.append(run.batch / seconds_of(work, device, repeats))


def measure_size(
    runs: list[Run], device: torch.device, rate: float, arguments: argparse.Namespace, end: float
) -> None:
    """One kind of work at one size; what `end` (of the monotonic clock) interrupts keeps the rounds it has."""
    try:
        with stop_after(end - time.monotonic()):
            for run in runs:
                with note_failure(run, device):
                    measure_alone(run, arguments.side, device)
                free_memory(device)
            able = [run for run in runs if run.error is None]
            measure_in_turns(able, arguments.side, device, arguments.rounds, arguments.repeats)
    except OutOfTime:
        for run in runs:
            run.error = run.error or "stopped for time"
    if any(run.contender == COMPILED for run in runs):
        # What was built, with its memory, outlives the model; and the next size would be built as a variant of it.
        torch._dynamo.reset()
    free_memory(device)
    for run in runs:
        if run.rounds:
            run.images_per_second = statistics.median(run.rounds)
            passes = 3 if run.work == "training" else 1
            operations = forward_operations(run.size, arguments.side, device)
            run.share_of_card = run.images_per_second * passes * operations / rate


def table(runs: list[Run]) -> str:
    lines = [
        "| | | batch | images/s | times stock | GiB | share of card | waits |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        name = f"{run.work}, {run.size}"
        if run.images_per_second is None:
            lines.append(f"| {name} | {run.contender} | {run.batch} | {run.error} |")
            continue
        stock = next(one for one in runs if (one.work, one.size, one.contender) == (run.work, run.size, "stock"))
        ratio = "" if stock.images_per_second is None else f"{run.images_per_second / stock.images_per_second:.2f}"
        memory = "" if run.peak_memory_bytes is None else f"{run.peak_memory_bytes / 2**30:.1f}"
        lines.append(
            f"| {name} | {run.contender} | {run.batch} | {run.images_per_second:.1f} | {ratio} | {memory} | "
            f"{run.share_of_card or 0:.0%} | {'' if run.synchronises is None else run.synchronises} |"
        )
    return "\n".join(lines)


def find_original(checkout: Path) -> None:
    """Make the original code importable.

    Raises:
        SystemExit: it is not there.
    """
    if not (checkout / "depth_anything_v2" / "dpt.py").is_file():
        raise SystemExit(f"{checkout} is no checkout of DepthAnything/Depth-Anything-V2: no depth_anything_v2/dpt.py")
    sys.path.insert(0, str(checkout))
    if find_spec("torchvision") is None:
        # Its file imports this for the preparation of images, which is not measured here.
        stand_in: Any = ModuleType("torchvision.transforms")
        stand_in.Compose = None
        sys.modules |= {"torchvision": ModuleType("torchvision"), "torchvision.transforms": stand_in}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", type=usable_device, default="cuda", help="cpu --quick tries the code without one")
    parser.add_argument("--sizes", default="small,base,large")
    parser.add_argument("--side", type=int, default=518)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5, help="steps in each timed run")
    parser.add_argument("--batch", type=int, help="for all; default: by size, for 80 GB")
    parser.add_argument(
        "--compile", action="store_true", help="also time compiled models, which take minutes to build"
    )
    parser.add_argument("--original", type=Path, help="checkout of the original code, to be timed too")
    parser.add_argument("--minutes", type=float, default=7, help="time limit; what has not begun by then is skipped")
    parser.add_argument("--quick", action="store_true", help="tiny models and pictures")
    parser.add_argument("--name", help="of the result gpu-NAME.json; default: the card's")
    parser.add_argument("--output_dir", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    start = time.monotonic()
    last_begin = start + 60 * arguments.minutes
    device: torch.device = arguments.device
    if arguments.quick:
        arguments.sizes, arguments.side, arguments.rounds, arguments.repeats = "tiny", 56, 1, 1
    contenders = ["stock", "ours"]
    if arguments.original:
        find_original(arguments.original)
        contenders.append(ORIGINAL)
    if arguments.compile:
        # The last one, since the memory of what is built stays taken.
        contenders.append(COMPILED)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    rate = matrix_rate(device, (256,) if arguments.quick else (4096, 8192, 16384))
    print(f"{card}: {rate / 1e12:.1f} TFLOP/s in bf16 matrix products")
    name = arguments.name or "".join(letter if letter.isalnum() else "-" for letter in card.lower())
    path = arguments.output_dir / f"gpu-{name}.json"
    settings = {key: value for key, value in vars(arguments).items() if key not in ("output_dir", "original")}
    settings["device"] = str(device)
    left_out: list[str] = []
    done: list[Run] = []
    for size in arguments.sizes.split(","):
        for work, batches in (("labelling", LABELLING_BATCH), ("training", TRAINING_BATCH)):
            if time.monotonic() > last_begin:
                left_out.append(f"{work}, {size}")
            else:
                runs = [Run(work, size, contender, arguments.batch or batches[size]) for contender in contenders]
                measure_size(runs, device, rate, arguments, last_begin + SECONDS_OF_GRACE)
                done += runs
                print(table(runs), flush=True)
            result = {
                "card": card,
                "machine": machine(torch.get_num_threads()),
                "matrix_operations_per_second": rate,
                "settings": settings,
                "runs": [asdict(run) for run in done],
                "left_out": left_out,
                "seconds": time.monotonic() - start,
            }
            write_result(path, result)
    seconds = f"{time.monotonic() - start:.0f} s"
    print(f"{path}, {seconds}" + (f"; left out for time: {'; '.join(left_out)}" if left_out else ""))


if __name__ == "__main__":
    main()
