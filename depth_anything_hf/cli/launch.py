# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Several processes from one command line: `--num_processes 8`, `--accelerate_config ddp`, and joining a launcher.

A command that was given these options starts itself once for each GPU and passes on signals and exit codes. What the
processes find in their environment is what `accelerate launch` would give them, by its own code. They are not started
through its launcher because that one ends with 1 whatever the exit code of a process, and leaves a process 30 seconds
after a signal, while a run that saves and pushes its last checkpoint may need minutes, and exits with 75.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import typer

from ..utils.environment import environment_flag, environment_number
from ..utils.typed_fields import convert_fields
from .child_processes import run_processes, stop_without


# Tells a process that this module started it; holds the number of the launcher's process.
LAUNCHED = "DEPTH_ANYTHING_HF_LAUNCHED"
DEFAULT_PORT = 29500
PORTS = range(1, 65536)
# So many may be tried on any machine without GPUs; more than its cores are of no use.
FEW_PROCESSES = 8


@dataclass(frozen=True)
class LaunchArguments:
    """On how many processes and machines a command runs; all None: on this process alone."""

    _argument_group_name: ClassVar[str] = "processes and machines"

    num_processes: int | None = field(
        default=None,
        metadata={"help": "Total number of processes over all machines, one per GPU; on a CPU they share its cores."},
    )
    accelerate_config: str | None = field(
        default=None,
        metadata={
            "help": "Configuration of `accelerate`: a YAML file, or cpu, one_gpu, ddp, fsdp2, deepspeed_zero2 or "
            "two_nodes. Its precision is ignored: training has --mixed_precision, other commands --dtype."
        },
    )
    num_machines: int | None = field(
        default=None,
        metadata={
            "help": "Number of machines; start the same command on each, with its --machine_rank.",
            "aliases": ["--machines"],
        },
    )
    machine_rank: int | None = field(default=None, metadata={"help": "Rank of this machine, from 0."})
    main_process_ip: str | None = field(default=None, metadata={"help": "Address of machine 0."})
    main_process_port: int | None = field(
        default=None, metadata={"help": "Port of machine 0. [29500; on one machine a free one]"}
    )

    def __post_init__(self) -> None:
        convert_fields(self)
        for name in ("num_processes", "num_machines"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected at least 1")
        if self.machine_rank is not None and self.machine_rank < 0:
            raise ValueError(f"machine_rank is {self.machine_rank}, expected 0 for the first machine, 1, ...")
        if self.main_process_port is not None and self.main_process_port not in PORTS:
            raise ValueError(f"main_process_port is {self.main_process_port}, expected {PORTS[0]} to {PORTS[-1]}")

    @property
    def given(self) -> dict[str, Any]:
        """The arguments that are not None, by name."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def launch(arguments: LaunchArguments, argv: Sequence[str] | None = None) -> None:
    """Start the command on several processes if requested, and exit; else return, to do the work here.

    It also returns in a process that a launcher has started: this function, `accelerate launch`, torchrun, or srun,
    whose numbers are then put into the environment as torch reads them.

    Args:
        arguments: as the user gave them.
        argv: words after `depth-anything-hf`, the command among them; default: those of this process.

    Raises:
        typer.Exit: the processes have ended; with 0, with 75 if they were stopped and saved their state, else with
            the exit code of the process that failed first.
        typer.BadParameter: the arguments contradict each other, this machine, or the launcher that started it.
    """
    launcher = started_by()
    if launcher is not None:
        if launcher == "srun":
            os.environ.update(environment_of_srun(os.environ))
        if launcher == "depth-anything-hf":
            stop_without(environment_number(LAUNCHED, at_least=1))
        else:
            _require_no_contradiction(arguments, launcher)
        return
    _require_machines(arguments)
    if arguments.accelerate_config is None and max(arguments.num_processes or 1, arguments.num_machines or 1) == 1:
        return
    environments = plan(arguments)
    command = [sys.executable, "-m", "depth_anything_hf.cli", *(sys.argv[1:] if argv is None else argv)]
    raise typer.Exit(run_processes(command, environments))


def started_by() -> str | None:
    """Return which launcher started this process: depth-anything-hf, accelerate launch, torchrun, srun, or None."""
    environment = os.environ
    if environment.get(LAUNCHED):
        return "depth-anything-hf"
    # What `accelerate launch` always sets, and neither torchrun nor Slurm does.
    if {"ACCELERATE_DYNAMO_BACKEND", "ACCELERATE_USE_DEEPSPEED"} & environment.keys():
        return "accelerate launch"
    if "TORCHELASTIC_RUN_ID" in environment:
        return "torchrun"
    if environment.get("RANK") and environment.get("WORLD_SIZE"):
        return "a launcher"
    # SLURM_NTASKS is the job's, also for a single process that a batch script starts by itself.
    if environment_number("SLURM_STEP_NUM_TASKS", default=1, at_least=1) > 1 and environment.get("SLURM_PROCID"):
        return "srun"
    return None


def environment_of_srun(slurm: Mapping[str, str]) -> dict[str, str]:
    """Return what torch and accelerate read, for a task of `srun`, from the variables that Slurm sets."""
    nodes = slurm.get("SLURM_STEP_NODELIST") or slurm.get("SLURM_JOB_NODELIST") or "127.0.0.1"
    # Two steps of one job, or two jobs on one machine, must not meet at one port.
    job, step = (environment_number(name, environment=slurm) for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    return {
        "RANK": slurm["SLURM_PROCID"],
        "LOCAL_RANK": slurm.get("SLURM_LOCALID") or "0",
        "WORLD_SIZE": slurm["SLURM_STEP_NUM_TASKS"],
        "MASTER_ADDR": slurm.get("MASTER_ADDR") or _first_host(nodes),
        "MASTER_PORT": slurm.get("MASTER_PORT") or str(20000 + (job + 101 * step) % 20000),
    }


def _first_host(nodes: str) -> str:
    """Return the first name of a Slurm list such as `gpu[003-004,7],other`."""
    found = re.match(r"([^\[,]+)(?:\[(\w+)[^\]]*\]([^,]*))?", nodes)
    return nodes if found is None else "".join(part or "" for part in found.groups())


def _require_no_contradiction(arguments: LaunchArguments, launcher: str) -> None:
    given = arguments.given
    processes = environment_number("WORLD_SIZE", default=1, at_least=1)
    if given.pop("num_processes", processes) != processes:
        raise typer.BadParameter(
            f"--num_processes is {arguments.num_processes}, but {launcher} started {processes}; leave "
            "--num_processes out, or start depth-anything-hf without a launcher"
        )
    if given:
        names = ", ".join(f"--{name}" for name in given)
        raise typer.BadParameter(
            f"{names} cannot be combined with {launcher}, which started this process: give its own options to "
            "the launcher, or start depth-anything-hf without one"
        )


def _require_machines(arguments: LaunchArguments) -> None:
    """Refuse what only several machines need, where nothing says that there are any: it would start a run on each."""
    if arguments.num_machines is not None or arguments.accelerate_config is not None:
        return
    for name in ("machine_rank", "main_process_ip"):
        if getattr(arguments, name) is not None:
            raise typer.BadParameter(f"--{name} is for several machines; say how many with --num_machines")


def plan(arguments: LaunchArguments) -> list[dict[str, str]]:
    """Return the environments of the processes to start on this machine, in the order of their ranks.

    Raises:
        typer.BadParameter: see `launch`.
    """
    config = None if arguments.accelerate_config is None else _read_config(arguments)
    settings = dict.fromkeys((each.name for each in fields(arguments)), None) if config is None else vars(config)
    machines = int(settings["num_machines"] or arguments.num_machines or 1)
    processes = int(settings["num_processes"] or arguments.num_processes or machines)
    rank = int(settings["machine_rank"] or arguments.machine_rank or 0)
    address = settings["main_process_ip"] or arguments.main_process_ip
    if processes % machines:
        raise typer.BadParameter(
            f"--num_processes is the total over all machines: {processes} is not divisible by {machines} machines"
        )
    if rank >= machines:
        raise typer.BadParameter(
            f"--machine_rank is {rank}, expected 0 to {machines - 1} for --num_machines {machines}"
        )
    if machines > 1 and not address:
        raise typer.BadParameter("--num_machines needs --main_process_ip, the address of machine 0")
    port = settings["main_process_port"] or arguments.main_process_port
    if not port:
        port = DEFAULT_PORT if machines > 1 else _free_port()
    elif rank == 0:
        _require_free(int(port), others_come=machines > 1)
    local = processes // machines
    common = _engine_environment(config, local, int(port))
    common |= {
        LAUNCHED: str(os.getpid()),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(local),
        "MASTER_ADDR": str(address) if machines > 1 else "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    return [{**common, "RANK": str(rank * local + each), "LOCAL_RANK": str(each)} for each in range(local)]


def accelerate_configs() -> dict[str, Path]:
    """Return the launch configurations that come with the package, by name."""
    folder = Path(str(resources.files("depth_anything_hf.recipes"))) / "accelerate"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _read_config(arguments: LaunchArguments) -> Any:
    """Return accelerate's own reading of a configuration and of the flags beside it."""
    import yaml
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils import is_deepspeed_available

    wanted = str(arguments.accelerate_config)
    path = Path(wanted)
    if not path.is_file():
        known = accelerate_configs()
        if wanted not in known:
            raise typer.BadParameter(f"--accelerate_config {wanted!r} is neither a file nor one of {', '.join(known)}")
        path = known[wanted]
    _require_mapping(path)
    words = ["--config_file", str(path)]
    for name, value in arguments.given.items():
        if name != "accelerate_config":
            words += [f"--{name}", str(value)]
    try:
        config, file, _ = _validate_launch_command(launch_command_parser().parse_args([*words, "-m", "command"]))
    except (ValueError, TypeError, AttributeError, KeyError, OSError, yaml.YAMLError) as error:
        raise typer.BadParameter(f"accelerate cannot use {path}: {error}") from error
    if config.tpu:
        raise typer.BadParameter(f"{path} is for TPUs, which are not supported")
    if config.use_deepspeed and config.num_machines > 1 and config.deepspeed_multinode_launcher != "standard":
        raise typer.BadParameter(
            f"{path}: on several machines DeepSpeed needs `deepspeed_multinode_launcher: standard` in its "
            "deepspeed_config"
        )
    if config.use_deepspeed:
        if not is_deepspeed_available():
            raise typer.BadParameter(f"{path} needs DeepSpeed: pip install deepspeed")
        config.deepspeed_fields_from_accelerate_config = ",".join(file.deepspeed_config)
    return config


def _require_mapping(path: Path) -> None:
    import yaml

    from ..utils.unique_keys import KeyGivenTwiceError, load_yaml

    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyGivenTwiceError) as error:
        raise typer.BadParameter(f"--accelerate_config {path} cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise typer.BadParameter(
            f"--accelerate_config {path} must hold `name: value` lines, as `accelerate config` writes them"
        )


def _engine_environment(config: Any, processes: int, port: int) -> dict[str, str]:
    """Return the environment that makes `Accelerator` choose device and engine; the ranks are not in it."""
    environment = dict(os.environ)
    if config is not None:
        config.main_process_port = port
        environment = _accelerate_environment(config)
        # Precision is an argument of the command, and accelerate's variable would stand where it was left out.
        precision = "ACCELERATE_MIXED_PRECISION"
        environment = {name: value for name, value in environment.items() if name != precision}
        environment |= {name: value for name, value in os.environ.items() if name == precision}
    on_cpu = environment_flag("ACCELERATE_USE_CPU", environment)
    if not on_cpu:
        on_cpu = not _one_gpu_each(processes)
    if on_cpu:
        if config is not None and (config.use_fsdp or config.use_deepspeed):
            raise typer.BadParameter(
                f"this configuration shards the model by {'FSDP' if config.use_fsdp else 'DeepSpeed'}, which needs "
                "GPUs, but this machine has none"
            )
        environment["ACCELERATE_USE_CPU"] = "true"
        import psutil

        most = max(FEW_PROCESSES, os.cpu_count() or 1)
        if processes > most:
            raise typer.BadParameter(
                f"{processes} processes on a machine without GPUs, expected at most {most}: they share its "
                f"{os.cpu_count()} cores"
            )
        # Otherwise every process would start as many threads as there are cores.
        cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
        threads = environment_number("OMP_NUM_THREADS", default=max(1, cores // processes), at_least=1)
        environment["OMP_NUM_THREADS"] = str(threads)
    else:
        environment.setdefault("OMP_NUM_THREADS", "1")
    return environment


def _accelerate_environment(config: Any) -> dict[str, str]:
    from accelerate.utils.launch import (
        prepare_deepspeed_cmd_env,
        prepare_multi_gpu_env,
        prepare_simple_launcher_cmd_env,
    )

    if config.use_deepspeed:
        return dict(prepare_deepspeed_cmd_env(config)[1])
    if config.multi_gpu or config.use_fsdp or config.use_megatron_lm:
        return dict(prepare_multi_gpu_env(config))
    return dict(prepare_simple_launcher_cmd_env(config)[1])


def _one_gpu_each(processes: int) -> bool:
    """Return whether there is a GPU for each process; False where there is none at all."""
    import torch

    # Apple's GPU is one, and has no collectives.
    if not torch.accelerator.is_available() or torch.backends.mps.is_available():
        return processes == 1 and torch.accelerator.is_available()
    found = torch.accelerator.device_count()
    if processes > found:
        raise typer.BadParameter(
            f"{processes} processes on a machine with {found} GPU(s): give at most one process for each GPU "
            f"(--num_processes {found}), or run on the CPU (--accelerate_config cpu --num_processes {processes})"
        )
    return True


def _require_free(port: int, *, others_come: bool) -> None:
    """Refuse a port that another program listens at: the processes would wait for it until they time out."""
    with socket.socket() as listener:
        if os.name == "posix":
            # As the processes will: a port of a run that has just ended is free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("" if others_come else "127.0.0.1", port))
        except OSError as error:
            raise typer.BadParameter(
                f"port {port} of this machine cannot be used ({error.strerror}): another run may use it; give another "
                "--main_process_port, or on a single machine none"
            ) from error


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


__all__ = ["LaunchArguments", "accelerate_configs", "launch", "started_by"]
