# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Engines that predict: which one is taken, and a model opened in it.

Nothing here waits for PyTorch and transformers unless they are needed.
"""

from __future__ import annotations

import logging
import math
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..export.formats import FORMATS, open_exported
from ..models.hub_files import HUB_OPTIONS
from ..utils.option_errors import OptionError, check_choice
from ..utils.paths import expand_home
from .devices import runs_on_cpu
from .engine_model import EngineModel
from .engine_processor import open_processor, processor_of_file
from .engine_source import ConversionError, ModelSource, find_source


if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

AUTO, TORCH = "auto", "torch"
# Engines of checkpoints besides PyTorch: the format of `export` that each runs, and the precisions it computes in.
OTHER_ENGINES: dict[str, tuple[str, tuple[str, ...]]] = {
    "openvino": ("openvino", ("float32", "bfloat16")),
    "onnxruntime": ("onnx", ("float32",)),
}
ENGINES = (AUTO, TORCH, *OTHER_ENGINES)
# What `auto` takes on a CPU where it is installed.
PREFERRED = "openvino"
DTYPES = ("float32", "bfloat16", "float16")
CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def is_exported_file(name: str) -> bool:
    """Return whether a name is that of an exported file, not of a model's folder or id."""
    path = Path(expand_home(name))
    can_be_on_hub = name.count("/") == 1 and not path.parent.is_dir()
    suffixes = {each.suffix for each in FORMATS.values()}
    return path.suffix.lower() in suffixes and not path.is_dir() and not can_be_on_hub


def is_installed(engine: str) -> bool:
    """Return whether the packages of an engine are there."""
    return engine == TORCH or all(find_spec(name) for name in FORMATS[OTHER_ENGINES[engine][0]].packages)


def open_in_engine(
    name: str,
    engine: str | None,
    *,
    device: str | int | torch.device | None,
    dtype: str | torch.dtype | None,
    input_size: int | None,
    compile: bool,
    options: dict[str, Any],
) -> tuple[EngineModel, Any] | None:
    """Open a model in another engine than PyTorch, with its image processor; None leaves it to PyTorch.

    Args:
        name: model id on the Hub, a folder, or an exported file.
        engine: "auto", "torch", "openvino" or "onnxruntime"; None is PyTorch, of an exported file its own.
        device: as for `DepthPredictor.from_pretrained`, likewise the following.
        dtype: precision of the computation.
        input_size: side that images are resized to.
        compile: whether PyTorch is to compile the model.
        options: further ones.

    Raises:
        ValueError: an unknown engine, or one that cannot serve; the message says why.
        ImportError: its packages are missing; the message has the name of the extra.
        FileNotFoundError: no such file.
    """
    check_choice("engine", engine, (*ENGINES, None))
    if is_exported_file(name):
        return _open_file(name, engine, device=device, dtype=dtype, input_size=input_size, compile=compile)
    if engine in (TORCH, None) or (engine == AUTO and not is_installed(PREFERRED)):
        return None
    chosen = str(engine) if engine != AUTO else PREFERRED
    if not is_installed(chosen):
        format = OTHER_ENGINES[chosen][0]
        raise ImportError(
            f"the engine {chosen!r} needs {', '.join(FORMATS[format].packages)}; install: pip install "
            f'"depth_anything_hf[{FORMATS[format].extra}]"'
        )
    source = None
    reason = _reason_against_options(chosen, device, dtype, compile, options)
    if not reason:
        source = find_source(name, options)
        reason = source if isinstance(source, str) else ""
    if isinstance(source, ModelSource):
        precision = _name_of(dtype) or source.stored_precision()
        reason = _reason_against_precision(chosen, precision)
        if not reason:
            opened = _open_checkpoint(source, chosen, precision, is_wanted=engine != AUTO)
            if opened is not None:
                return opened, open_processor(source.name, input_size, dict(source.hub))
            return None
    if engine == AUTO:
        logger.info("%s is predicted by PyTorch: %s", name, reason)
        return None
    if isinstance(source, str):
        # Of models that are not there or damaged, PyTorch's loader says it better.
        from ..models.loading import load_config, refuse_files

        refuse_files(name)
        load_config(name, {key: value for key, value in options.items() if key in HUB_OPTIONS})
    raise OptionError(
        f"the engine {engine!r} cannot run {name}: {reason}; leave --engine (engine=) out, or give torch"
    )


def thread_limit() -> int:
    """Return how many threads an engine may use: PyTorch's number, `OMP_NUM_THREADS`, or the cores of the process."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed = min(allowed, _cgroup_cores() or allowed)
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):
        return min(allowed, int(torch.get_num_threads()))
    stated = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if stated.isdecimal() and int(stated) > 0:
        return min(allowed, int(stated))
    import psutil

    return min(allowed, psutil.cpu_count(logical=False) or allowed)


def _cgroup_cores() -> int | None:
    try:
        quota, period = CGROUP_LIMIT.read_text(encoding="ascii").split()
        return max(1, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        # No such file, or "max".
        return None


def _name_of(dtype: str | torch.dtype | None) -> str | None:
    return None if dtype is None else str(dtype).removeprefix("torch.")


def _reason_against_options(
    engine: str, device: str | int | torch.device | None, dtype: Any, compile: bool, options: dict[str, Any]
) -> str:
    """Return why an engine cannot do what is wanted of any model; empty if it can."""
    precision = _name_of(dtype)
    if precision is not None and precision not in (*DTYPES, "float64"):
        # PyTorch's loader knows better what to say.
        return f"the precision {precision!r} is not known"
    if not runs_on_cpu(device):
        return 'it runs on CPUs, and the device is another; give --device cpu (device="cpu")'
    if compile:
        return "compile is PyTorch's"
    others = [key for key, value in options.items() if key not in HUB_OPTIONS and value is not None]
    if others:
        return f"{', '.join(sorted(others))} is for PyTorch's models"
    if options.get("subfolder"):
        return "models in a subfolder are opened by PyTorch alone"
    return "" if precision is None else _reason_against_precision(engine, precision)


def _reason_against_precision(engine: str, precision: str) -> str:
    known = OTHER_ENGINES[engine][1]
    if precision not in known:
        return f"on CPUs it computes in {' and '.join(known)}, not in {precision}"
    if precision == "bfloat16":
        from ..export.openvino_file import core

        if "BF16" not in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            return "this CPU does not compute in bfloat16"
    return ""


def _open_checkpoint(source: ModelSource, engine: str, precision: str, *, is_wanted: bool) -> EngineModel | None:
    """Open a checkpoint's model from the cache, or convert it; None where that fails and PyTorch may do."""
    from .engine_cache import EngineCache

    def open_in_torch() -> Any:
        from ..models.loading import load_model
        from ..utils.quiet import quiet_transformers

        quiet_transformers()
        model: Any
        model, _ = load_model(source.name, dtype=precision, input_size=None, options=dict(source.hub))
        return model.eval()

    threads = thread_limit()
    entry = EngineCache().entry(source, engine, precision)
    runner = entry.open(threads)
    if runner is None:
        if not is_wanted and entry.failure() is not None:
            logger.info("%s is predicted by PyTorch: %s", source.name, entry.failure())
            return None
        try:
            runner = _convert(source, engine, precision, threads, entry)
        except (ConversionError, OSError, MemoryError) as error:
            # A full disk or memory may have room the next time.
            if isinstance(error, ConversionError):
                entry.note_failure(str(error))
            if is_wanted:
                raise
            logger.warning("%s is predicted by PyTorch: %s", source.name, str(error) or type(error).__name__)
            return None
    return EngineModel(runner, open_in_torch=open_in_torch)


def _convert(source: ModelSource, engine: str, precision: str, threads: int, entry: Any) -> Any:
    logger.warning("converting %s for %s, once; it is kept in %s", source.name, engine, entry.place)
    with entry.lock():
        # Another process may have done it meanwhile.
        runner = entry.open(threads)
        if runner is not None:
            return runner
        from .engine_conversion import convert_checkpoint

        return convert_checkpoint(source, engine, precision, threads, entry)


def _open_file(
    name: str,
    engine: str | None,
    *,
    device: str | int | torch.device | None,
    dtype: str | torch.dtype | None,
    input_size: int | None,
    compile: bool,
) -> tuple[EngineModel, Any]:
    if device is not None and not runs_on_cpu(device):
        raise OptionError(f"exported files run on the CPU here, got device {str(device)!r} for {name}")
    runner = open_exported(name, threads=thread_limit())
    if runner.metadata.get("preprocessing"):
        raise ValueError(
            f"{name} prepares images itself (include_preprocessing), expected a file that takes prepared ones; export "
            "one without it, or call the file by open_exported"
        )
    model = EngineModel(runner, file=name)
    own = model.runner.engine
    if engine not in (AUTO, None, own):
        raise OptionError(f"{name} is run by {own}, got engine {engine!r}; leave it out")
    if compile:
        raise OptionError(f"compile is for PyTorch's models, {name} is run by {own}; leave it out")
    precision = str(model.runner.metadata["precision"])
    if dtype is not None and _name_of(dtype) != precision:
        raise OptionError(
            f"{name} was exported in {precision}, got dtype {_name_of(dtype)}; export the model in that precision"
        )
    return model, processor_of_file(model, input_size)
