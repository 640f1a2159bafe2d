# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Matrix products and attention for CPUs, through public PyTorch operations, each used where it measured faster.

PyTorch computes a float32 `linear` with MKL, which runs at less than half the speed of oneDNN on AMD processors, and
its fused attention for CPUs stays below the speed of plain matrix products when there are many tokens. A 1x1
convolution is the same arithmetic as a linear layer and goes to oneDNN. Which way is faster depends on the processor,
the precision, the threads and the size, so it is measured once for each and remembered in a file.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import torch
from huggingface_hub.constants import HF_HOME
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight


CpuKernels: TypeAlias = Literal["auto", "on", "off"]
SETTINGS = ("auto", "on", "off")
SETTING_VARIABLE = "DEPTH_ANYTHING_HF_CPU_KERNELS"
MEASUREMENTS_FILE = Path(HF_HOME) / "depth_anything_hf" / "cpu_kernels.json"

DTYPES = (torch.float32, torch.bfloat16)
# Below these sizes the calls cost more than the arithmetic, and standard kernels stay.
SMALLEST_PRODUCT = 2**24  # multiplications
FEWEST_TOKENS = 256
# Scores of so many queries at a time stay in the processor's caches.
QUERIES_AT_A_TIME = 1024

# Ours has to win clearly, so that noise does not decide where there is little to gain.
LARGEST_SHARE_OF_TIME = 0.97
# What is measured is cut to this, which takes about a tenth of a second.
MEASURED_ROWS = 1024
MEASURED_PRODUCT = 2**30
MEASURED_TOKENS = 2048
MEASURED_HEADS = 2
REPETITIONS = 5

# A stride over a dimension of one element changes nothing, but PyTorch gives strided 1x1 convolutions to oneDNN with
# one thread too, which it does not do otherwise.
STRIDE = (2, 1)

_lock = threading.RLock()
_verdicts: dict[str, bool] | None = None


def _as_setting(value: str) -> CpuKernels:
    if value not in SETTINGS:
        raise ValueError(f"the CPU kernels can be {', '.join(SETTINGS)}, got {value!r}")
    return cast(CpuKernels, value)


# Off unless asked for: another kernel has other last bits, and runs that go on after a stop, or evaluations on several
# processes, are promised to be equal to the bit whatever was measured when.
_setting: CpuKernels = _as_setting(os.environ.get(SETTING_VARIABLE, "off"))


def set_cpu_kernels(setting: CpuKernels) -> CpuKernels:
    """Chooses the kernels for CPUs in the whole process; the environment variable in `SETTING_VARIABLE` does so too.

    Args:
        setting: "auto" measures, "on" takes ours for every size that is large enough, "off" takes PyTorch's.

    Returns:
        The setting before.
    """
    global _setting
    before, _setting = _setting, _as_setting(setting)
    return before


def _may_choose(tensor: Tensor, dtype: torch.dtype) -> bool:
    """Whether there is a choice at all; compilers and exporters see PyTorch's own operations."""
    return (
        _setting != "off"
        and tensor.device.type == "cpu"
        and dtype in DTYPES
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
    )


def _computed_dtype(tensor: Tensor) -> torch.dtype:
    """The precision in which a product of the tensor runs here."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else tensor.dtype


# Products


def _as_image(rows: Tensor) -> Tensor:
    """Rows (M, C) as an image (1, C, 1, M), channels last in memory."""
    return rows[None, None].permute(0, 3, 1, 2)


def _as_rows(image: Tensor) -> Tensor:
    return image.permute(0, 2, 3, 1)[0, 0]


def product(rows: Tensor, columns: Tensor, memory: Tensor | None = None) -> Tensor:
    """(M, C) times the transpose of (N, C), through oneDNN: (M, N); in `memory` where the operation can take it."""
    if rows.dtype != torch.float32:
        return torch.mm(rows, columns.t(), out=memory)
    return _as_rows(F.conv2d(_as_image(rows), columns[:, :, None, None], stride=STRIDE))


def transposed_product(rows: Tensor, columns: Tensor) -> Tensor:
    """The transpose of (M, N) times (M, C), through oneDNN: (N, C).

    It is what the gradient of a 1x1 convolution's weight is.
    """
    if rows.dtype != torch.float32:
        return torch.mm(rows.t(), columns)
    size = (rows.shape[1], columns.shape[1], 1, 1)
    return conv2d_weight(_as_image(columns), size, _as_image(rows), stride=STRIDE)[:, :, 0, 0]


def convolution_linear(tokens: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`torch.nn.functional.linear` as a 1x1 convolution over the tokens."""
    rows = _as_image(tokens.reshape(-1, tokens.shape[-1]))
    outputs = F.conv2d(rows, weight[:, :, None, None], bias, stride=STRIDE)
    return _as_rows(outputs).view(*tokens.shape[:-1], weight.shape[0])


def linear(tokens: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`torch.nn.functional.linear` by the faster way: (..., C) and (N, C) -> (..., N)."""
    if _convolution_wins(tokens, weight):
        return convolution_linear(tokens, weight, bias)
    return F.linear(tokens, weight, bias)


def _convolution_wins(tokens: Tensor, weight: Tensor) -> bool:
    dtype = _computed_dtype(tokens)
    if not _may_choose(tokens, dtype):
        return False
    outputs, inputs = weight.shape
    rows = tokens.numel() // inputs
    if rows * inputs * outputs < SMALLEST_PRODUCT:
        return False
    if _setting == "on":
        return True
    measured = min(_power_of_two(rows), MEASURED_ROWS, max(256, _power_of_two(MEASURED_PRODUCT // (inputs * outputs))))
    training = torch.is_grad_enabled() and (tokens.requires_grad or weight.requires_grad)
    key = _key("linear", dtype, training, f"{measured}x{inputs}x{outputs}")
    return _is_faster(key, lambda: _compare_linears(dtype, training, measured, inputs, outputs))


# Attention


def heads_attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """softmax(query key^T scale) value, one head after the other.

    Only a part of one head's scores exists at a time. For gradients they are computed again, head by head, so that
    what is kept grows with the tokens and not with their square.

    Args:
        query, key, value: (B, heads, N, size), with any strides.
        scale: of the scores.

    Returns:
        (B, N, heads, size), contiguous.
    """
    if torch.is_grad_enabled() and (query.requires_grad or key.requires_grad or value.requires_grad):
        return cast(Tensor, _HeadsAttention.apply(query, key, value, scale))
    return _attend(query, key, value, scale)


def _attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    batch, heads, tokens, size = query.shape
    attended = query.new_empty(batch, tokens, heads, size)
    # Fresh memory for each head would cost as much time as the arithmetic.
    memory = query.new_empty(2, min(tokens, QUERIES_AT_A_TIME), tokens)
    for image in range(batch):
        for head in range(heads):
            queries = query[image, head] * scale
            keys, values = key[image, head].contiguous(), value[image, head].t().contiguous()
            for start in range(0, tokens, QUERIES_AT_A_TIME):
                part = slice(start, start + QUERIES_AT_A_TIME)
                scores, probabilities = memory[:, : len(queries[part])]
                scores = product(queries[part], keys, scores)
                torch.softmax(scores, dim=-1, out=probabilities)
                attended[image, part, head] = product(probabilities, values)
    return attended


class _HeadsAttention(torch.autograd.Function):
    """`heads_attention` with its gradient, by the chain rule through the softmax of each row."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        attended = _attend(query, key, value, scale)
        ctx.save_for_backward(query, key, value, attended)
        ctx.scale = scale
        return attended

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        query, key, value, attended = ctx.saved_tensors
        # Heads next to each other, as the projections before want them.
        gradients = [torch.empty_like(attended) for _ in range(3)]
        for image in range(query.shape[0]):
            for head in range(query.shape[1]):
                parts = _attention_gradients(
                    query[image, head],
                    key[image, head].contiguous(),
                    value[image, head].contiguous(),
                    attended[image, :, head],
                    gradient[image, :, head].contiguous(),
                    ctx.scale,
                )
                for whole, part in zip(gradients, parts, strict=True):
                    whole[image, :, head] = part
        query_gradient, key_gradient, value_gradient = (whole.transpose(1, 2) for whole in gradients)
        return query_gradient, key_gradient, value_gradient, None


def _attention_gradients(
    query: Tensor, key: Tensor, value: Tensor, attended: Tensor, gradient: Tensor, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of one head's query, key and value, each (N, size)."""
    scaled = query * scale
    transposed_keys = key.t().contiguous()
    # What softmax takes off each row; in float32, since it is a difference of sums.
    offset = (gradient.float() * attended.float()).sum(dim=-1, keepdim=True).to(gradient.dtype)
    query_gradient = torch.empty_like(gradient)
    key_gradient = key.new_zeros(key.shape, dtype=torch.float32)
    value_gradient = value.new_zeros(value.shape, dtype=torch.float32)
    for start in range(0, len(query), QUERIES_AT_A_TIME):
        part = slice(start, start + QUERIES_AT_A_TIME)
        probabilities = product(scaled[part], key).softmax(dim=-1)
        value_gradient += transposed_product(probabilities, gradient[part])
        scores_gradient = product(gradient[part], value).sub_(offset[part]).mul_(probabilities)
        query_gradient[part] = product(scores_gradient, transposed_keys)
        key_gradient += transposed_product(scores_gradient, scaled[part])
    return query_gradient * scale, key_gradient, value_gradient


def heads_attention_wins(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether `heads_attention` is the way to go for these inputs, each (B, heads, N, size)."""
    same_kind = query.shape == key.shape == value.shape and query.dtype == key.dtype == value.dtype
    if not same_kind or not _may_choose(query, query.dtype) or _computed_dtype(query) != query.dtype:
        return False
    tokens, size = query.shape[2:]
    if tokens < FEWEST_TOKENS:
        return False
    if _setting == "on":
        return True
    training = torch.is_grad_enabled() and query.requires_grad
    measured = min(_power_of_two(tokens), MEASURED_TOKENS)
    key_name = _key("attention", query.dtype, training, f"{measured}x{size}")
    return _is_faster(key_name, lambda: _compare_attentions(query.dtype, training, measured, size))


def attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Attention by the faster way; arguments and result as in `heads_attention`."""
    if heads_attention_wins(query, key, value):
        return heads_attention(query, key, value, scale)
    return F.scaled_dot_product_attention(query, key, value, scale=scale).transpose(1, 2)


# Measuring


def _power_of_two(number: int) -> int:
    """The largest power of two up to the number."""
    return 1 << max(0, number.bit_length() - 1)


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _key(kind: str, dtype: torch.dtype, training: bool, size: str) -> str:
    parts = (
        _processor(),
        torch.backends.cpu.get_cpu_capability(),
        f"torch {torch.__version__}",
        f"{torch.get_num_threads()} threads",
        kind,
        str(dtype).removeprefix("torch."),
        "training" if training else "inference",
        size,
    )
    return " | ".join(parts)


def _is_faster(key: str, measure: Callable[[], float]) -> bool:
    """The remembered verdict, or a new one by measuring the time of ours as a share of the standard's."""
    global _verdicts
    with _lock:
        if _verdicts is None:
            _verdicts = _read_verdicts()
        if key not in _verdicts:
            _verdicts[key] = measure() < LARGEST_SHARE_OF_TIME
            _write_verdicts({**_read_verdicts(), key: _verdicts[key]})
        return _verdicts[key]


def _read_verdicts() -> dict[str, bool]:
    with suppress(OSError, ValueError):
        stored = json.loads(MEASUREMENTS_FILE.read_text(encoding="utf-8"))
        if isinstance(stored, dict):
            return {str(key): verdict for key, verdict in stored.items() if isinstance(verdict, bool)}
    return {}


def _write_verdicts(verdicts: dict[str, bool]) -> None:
    """Remembers for later processes, so that a run that goes on after a stop computes in the same way."""
    with suppress(OSError):
        MEASUREMENTS_FILE.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=MEASUREMENTS_FILE.parent, suffix=".tmp", delete=False
        ) as file:
            json.dump(verdicts, file, indent=1, sort_keys=True)
        os.replace(file.name, MEASUREMENTS_FILE)


def _random(*shape: int, dtype: torch.dtype, training: bool) -> Tensor:
    # A generator of its own leaves the caller's random numbers as they are.
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    return values.to(dtype).requires_grad_(training)


def _compare(
    standard: Callable[..., Tensor], ours: Callable[..., Tensor], inputs: list[Tensor], training: bool
) -> float:
    """Time of ours as a share of the standard's, with the gradients when training.

    Both run in turns and the median of the shares counts, which other processes hardly move.
    """

    def seconds(function: Callable[..., Tensor]) -> float:
        start = time.perf_counter()
        output = function(*inputs)
        if training:
            torch.autograd.grad(output, inputs, torch.ones_like(output))
        return time.perf_counter() - start

    seconds(standard), seconds(ours)
    return statistics.median(seconds(ours) / seconds(standard) for _ in range(REPETITIONS))


def _compare_linears(dtype: torch.dtype, training: bool, rows: int, inputs: int, outputs: int) -> float:
    with torch.inference_mode(not training), torch.set_grad_enabled(training), torch.autocast("cpu", enabled=False):
        shapes = ((rows, inputs), (outputs, inputs), (outputs,))
        tensors = [_random(*shape, dtype=dtype, training=training) for shape in shapes]
        return _compare(F.linear, convolution_linear, tensors, training)


def _compare_attentions(dtype: torch.dtype, training: bool, tokens: int, size: int) -> float:
    with torch.inference_mode(not training), torch.set_grad_enabled(training), torch.autocast("cpu", enabled=False):
        # As they come from the projections: heads next to each other.
        heads = [_random(1, tokens, MEASURED_HEADS, size, dtype=dtype, training=training) for _ in range(3)]

        def standard(*tensors: Tensor) -> Tensor:
            query, key, value = (tensor.transpose(1, 2) for tensor in tensors)
            return F.scaled_dot_product_attention(query, key, value).transpose(1, 2)

        def ours(*tensors: Tensor) -> Tensor:
            query, key, value = (tensor.transpose(1, 2) for tensor in tensors)
            return heads_attention(query, key, value, size**-0.5)

        return _compare(standard, ours, heads, training)
