# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`env`: versions, devices and settings of this machine for a bug report, as Markdown."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer


# Distribution names; what is not installed is left out, but for the first.
PACKAGES = (
    *("torch", "transformers", "accelerate", "datasets", "huggingface_hub", "safetensors", "tokenizers", "numpy"),
    *("opencv-python-headless", "opencv-python", "pillow", "pyarrow", "typer", "mitsuba", "deepspeed", "peft"),
)
# Settings of ours, and those of others that affect a run.
SETTINGS_BEGIN = (
    *("DEPTH_ANYTHING_HF_", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_PROGRESS_BARS", "ACCELERATE_"),
    *("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "PYTORCH_", "TORCH_", "NCCL_"),
)
WINDOWS_PATH = re.compile(r"\b[A-Za-z]:\\[^\s'\",;]*")
# Of the encoder; and its tokens, the class token included.
SMALL_WIDTH, TOKENS_AT_518 = 384, 37 * 37 + 1
GENERIC_NAMES = {"", "root", "home", "user", "localhost"}


def env(
    remeasure: Annotated[
        bool,
        typer.Option(
            "--remeasure",
            help="Forget which kernels are faster on this CPU, and measure those of the small model at 518x518 now; "
            "takes seconds, on a machine that does nothing else.",
        ),
    ] = False,
) -> None:
    """Show versions, devices, kernels and settings, to paste into a bug report.

    Paths, user names and tokens are redacted.

    \b
    Examples:
      depth-anything-hf env
      depth-anything-hf env | xclip -selection clipboard
      depth-anything-hf env --remeasure
    """
    typer.echo(report(remeasure=remeasure))


def report(*, remeasure: bool = False) -> str:
    """Return the report: a Markdown list under a heading for each topic.

    Args:
        remeasure: first measure again which kernels are faster on this CPU, and list them.
    """
    again = _measure_again() if remeasure else {}
    sections = {
        "Versions": _versions(),
        "Machine": _machine(),
        "Kernels": {**_kernels(), **again},
        "Engines": _engines(),
        "Hugging Face": _hub(),
        "Settings": _settings(os.environ),
    }
    lines = []
    for title, facts in sections.items():
        lines += [f"### {title}", "", *(f"- {name}: {_redact(value)}" for name, value in facts.items()), ""]
    return "\n".join(lines).rstrip()


def _versions() -> dict[str, str]:
    import platform

    from ..version import __version__

    installed = {name: _version_of(name) for name in PACKAGES}
    return {
        "depth_anything_hf": __version__,
        "Python": platform.python_version(),
        **{name: version for name, version in installed.items() if version},
        "system": platform.platform(),
    }


def _version_of(distribution: str) -> str:
    """Return the version, empty where it is not installed."""
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(distribution)
    return ""


def _machine() -> dict[str, str]:
    import platform

    import psutil
    import torch

    # Not annotated in torch.
    cudnn_version: Callable[[], int | None] = torch.backends.cudnn.version
    from ..cpu.autotune import processor_name

    memory = psutil.virtual_memory()
    gibibyte = 2**30
    facts = {
        "processor": f"{processor_name()} ({platform.machine()})",
        "cores": f"{psutil.cpu_count(logical=False)} physical, {psutil.cpu_count()} logical, "
        f"{torch.get_num_threads()} threads of torch",
        "memory": f"{memory.total / gibibyte:.1f} GiB, {memory.available / gibibyte:.1f} GiB available",
    }
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            kind = "compute capability" if torch.version.cuda else "architecture"
            facts[f"GPU {index}"] = (
                f"{properties.name}, {properties.total_memory / gibibyte:.1f} GiB, {kind} "
                f"{properties.major}.{properties.minor}"
            )
        runtime = f"CUDA {torch.version.cuda}" if torch.version.cuda else f"ROCm {torch.version.hip}"
        facts["GPU software"] = f"{runtime}, cuDNN {cudnn_version()}"
    elif torch.backends.mps.is_available():
        facts["GPU"] = "Apple (MPS)"
    else:
        facts["GPU"] = "none visible to torch"
    return facts


def _kernels() -> dict[str, str]:
    import torch

    from ..cpu.autotune import SETTING_VARIABLE, cpu_kernels, stored_measurements

    choices = stored_measurements()
    ours = sum(each.ours for each in choices.values())
    measured = f"{len(choices)} sizes measured on this CPU with this torch; our kernels are faster for {ours}"
    return {
        f"kernels for CPUs ({SETTING_VARIABLE})": cpu_kernels(),
        "choices": measured if choices else "none measured on this CPU with this torch",
        "instructions of torch": torch.backends.cpu.get_cpu_capability(),
        "attention": "flash-attn is installed" if _version_of("flash-attn") else "scaled dot product of torch",
    }


def _engines() -> dict[str, str]:
    from ..inference.engine_cache import EngineCache, engine_version
    from ..inference.engines import OTHER_ENGINES, is_installed

    facts = {}
    for engine in OTHER_ENGINES:
        state = engine_version(engine) or "not installed"
        if state != "not installed" and not is_installed(engine):
            state += ", without what converts models for it"
        facts[engine] = state
    count, size = EngineCache().describe()
    return {**facts, "converted models": f"{count}, {size / 2**20:.0f} MiB, in {EngineCache().folder}"}


def _measure_again() -> dict[str, str]:
    """Measure the kernels of a small model at 518x518 with as many threads as torch has."""
    from ..cpu.autotune import remeasure
    from ..cpu.kernels import cases_of

    lines = {}
    for name, found in remeasure(cases_of(SMALL_WIDTH, TOKENS_AT_518)).items():
        kept = "" if found.is_valid() else ", not kept"
        kernel = "ours" if found.ours else "PyTorch's"
        lines[name] = f"{kernel} (ours takes {found.ratio:.2f} of the time; load of others {found.load:.0%}{kept})"
    return lines


def _hub() -> dict[str, str]:
    from huggingface_hub import constants, get_token

    cache = Path(constants.HF_HUB_CACHE)
    folders = list(cache.glob("*--*")) if cache.is_dir() else []
    writable = "writable" if os.access(cache if cache.exists() else cache.parent, os.W_OK) else "not writable"
    kinds = {kind: sum(folder.name.startswith(f"{kind}s--") for folder in folders) for kind in ("model", "dataset")}
    return {
        "offline (HF_HUB_OFFLINE)": "yes" if constants.HF_HUB_OFFLINE else "no",
        "logged in": "yes" if get_token() else "no",
        "cache": f"{cache}, {writable}, {kinds['model']} models, {kinds['dataset']} datasets",
    }


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    found = {name: value for name, value in sorted(environment.items()) if name.startswith(SETTINGS_BEGIN)}
    return found or {"environment variables": "none"}


def _redact(text: str) -> str:
    """Return a text without tokens, folders, and the names of the user and the machine."""
    import getpass
    import platform

    from ..utils.redaction import redact_text

    text = WINDOWS_PATH.sub(lambda found: found[0].rstrip("\\").rpartition("\\")[2], redact_text(text))
    names = {Path.home().name, platform.node()}
    # Without an entry in the list of users, as in some containers, there is no name to hide.
    with suppress(OSError, KeyError, ImportError):
        names.add(getpass.getuser())
    for name in names - GENERIC_NAMES:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "***", text)
    return text
