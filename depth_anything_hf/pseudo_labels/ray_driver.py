# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Share a labelling run out over a Ray cluster: the same shards, manifest and provenance as without one.

Ray Data hands numbers of shards to a pool of actors, starts and replaces actors, and repeats what a lost one was at.
Shards appear whole or not at all and a repeated task passes by those that are there, so that nothing is lost or made
twice, and either way can finish what the other began.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

from ..utils.paths import local_path
from .inputs import count_shards
from .ray_actor import RESULT, FleetRun, LabelActor, TaskResult, node_fault
from .ray_arguments import RayArguments
from .ray_folder import TOKEN, run_folder
from .report import LabelOutcome, LabelReport
from .runner import LabelArguments, open_photographs
from .shards import remove_unfinished


logger = logging.getLogger(__name__)

# Only numbers of shards and reports go through Ray's memory.
OBJECT_STORE_BYTES = 100 * 2**20
RESULT_BYTES = 2**20
MOST_CORES = 8
# Shards of a task: between tasks an actor is idle for a moment, but of few tasks some actors would get none.
LARGEST_TASK, TASKS_PER_ACTOR = 8, 4
# At work, and waiting at the same actor.
TASKS_IN_FLIGHT = 2
SECONDS_FOR_NODES = 300


def label_on_ray(arguments: LabelArguments, fleet: RayArguments, *, progress: bool = True) -> LabelReport:
    """Label all images on a Ray cluster; a repeated call, on a cluster or without one, resumes an interrupted one.

    Uses the cluster that `ray.init` has connected this process to, if there is one; else it connects to one, or starts
    one on this machine, and leaves it at the end.

    Args:
        arguments: teacher, images and output, in places that all nodes see under the same path.
        fleet: cluster and actors.
        progress: show a bar on the terminal.

    Returns:
        What all shards hold, those of an earlier call included.

    Raises:
        ImportError: Ray is not installed.
        ConnectionError: no such cluster.
        ValueError: a node has another version of this package or does not see the files, no actor fits the cluster,
            arguments that are for other launchers, or see `label_images`.
        OSError: no such data or teacher, or a shard cannot be written.
        RuntimeError: Ray gave up, because actors died again and again.
    """
    ray = _import_ray()
    if (arguments.process_index, arguments.process_count) != (0, 1):
        raise ValueError(
            "process_index and process_count cannot be combined with a Ray cluster, which divides the work"
        )
    if arguments.device not in (None, "cpu", "cuda"):
        raise ValueError(f"device {arguments.device} cannot be chosen on a Ray cluster: give cuda, cpu, or none")
    arguments, local = _with_absolute_paths(arguments)
    dataset = open_photographs(arguments)
    shard_count = count_shards(dataset, arguments.shard_size)
    images = None if arguments.streaming else len(dataset)
    del dataset
    folder = Path(arguments.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with _cluster(ray, fleet.address), run_folder(folder) as own:
        run = FleetRun(arguments, str(own.path), own.content, local)
        nodes = [node for node in ray.nodes() if node["Alive"]]
        resources = actor_resources(nodes, arguments.device, fleet.cores_per_actor)
        run = replace(run, arguments=replace(arguments, device=None if resources["num_gpus"] else "cpu"))
        _check_nodes(ray, run, nodes, resources)
        fitting = sum(_actors_of(node, resources) for node in nodes)
        if not fitting and not fleet.max_actors:
            raise ValueError(
                f"no node of the cluster has {resources['num_cpus']} cores"
                f"{' and a GPU' if resources['num_gpus'] else ''} for an actor; give a smaller --cores_per_actor, or "
                "--max_actors for a cluster that starts nodes"
            )
        most = fleet.max_actors or fitting
        size = max(1, min(LARGEST_TASK, shard_count // (TASKS_PER_ACTOR * most)))
        tasks = [{"first": k, "count": min(size, shard_count - k)} for k in range(0, shard_count, size)]
        most = min(most, len(tasks))
        actors = (min(fleet.min_actors or 1, most), most)
        done: set[int] = set()
        total: LabelOutcome | None = None
        with tqdm(total=images, desc="pseudo-labels", unit="image", disable=not progress) as bar:
            try:
                for result in _results(ray, run, tasks, actors, resources):
                    own.keep()
                    if result.outcome is None:
                        raise (OSError if result.is_system_error else ValueError)(result.error)
                    done.update(result.shards)
                    bar.update(result.outcome.report.labelled + len(result.outcome.report.skipped))
                    if total is None:
                        total = result.outcome
                    else:
                        total.join(result.outcome)
            except ray.exceptions.RayError as error:
                raise RuntimeError(
                    f"Ray gave up after {len(done)} of {shard_count} shards; these are kept, and the same command "
                    f"makes the others: {error}"
                ) from error
    remove_unfinished(folder)
    if total is None or len(done) != shard_count:
        raise RuntimeError(f"Ray ended after {len(done)} of {shard_count} shards; run the same command again")
    return total.finish()


def actor_resources(nodes: list[dict[str, Any]], device: str | None, cores: int | None) -> dict[str, int]:
    """Return the CPUs and GPUs that each actor reserves: `num_cpus` and `num_gpus`.

    Args:
        nodes: as of `ray.nodes()`, those alive.
        device: None takes GPUs where there are some.
        cores: of each actor; None chooses.

    Raises:
        ValueError: device cuda, and no node has a GPU.
    """
    has_gpu = any(node["Resources"].get("GPU", 0) >= 1 for node in nodes)
    if device == "cuda" and not has_gpu:
        raise ValueError("device cuda, but no node of the cluster has a GPU; leave the device out to label on CPUs")
    if has_gpu and device != "cpu":
        return {"num_cpus": cores or 1, "num_gpus": 1}
    largest = max((int(node["Resources"].get("CPU", 0)) for node in nodes), default=1)
    return {"num_cpus": cores or max(1, min(MOST_CORES, largest)), "num_gpus": 0}


def _actors_of(node: dict[str, Any], resources: dict[str, int]) -> int:
    by_cores = int(node["Resources"].get("CPU", 0) // resources["num_cpus"])
    return min(by_cores, int(node["Resources"].get("GPU", 0))) if resources["num_gpus"] else by_cores


def _import_ray() -> ModuleType:
    # Must be set before the import. A person who wants to send statistics can set it to 1.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # What Ray will do in future anyway; without it, it warns.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ImportError(
            "a Ray cluster needs ray; install it here and on all nodes with: pip install 'depth_anything_hf[ray]'"
        ) from error
    return ray


def _with_absolute_paths(arguments: LabelArguments) -> tuple[LabelArguments, tuple[str, ...]]:
    """Return the arguments for actors, whose working directories differ, and which images and teachers are local."""
    changed = {"output_dir": str(local_path(arguments.output_dir).absolute())}
    local = []
    for name in ("data", "teacher", "scale_teacher", "sky_teacher"):
        value = getattr(arguments, name)
        if value is not None and local_path(value).exists():
            changed[name] = str(local_path(value).absolute())
            local.append(changed[name])
    return replace(arguments, **changed), tuple(local)  # type: ignore[arg-type]


@contextmanager
def _cluster(ray: ModuleType, address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start one on this machine, for the block; leave a connection of the caller's alone."""
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS")
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address is None:
            ray.init(address="local", include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES, **quiet)
        else:
            ray.init(address=address, **quiet)
    except ConnectionError as error:
        raise ConnectionError(
            f"no Ray cluster at {address} ({error}); start one with `ray start --head`, or leave --address out"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_nodes(ray: ModuleType, run: FleetRun, nodes: list[dict[str, Any]], resources: dict[str, int]) -> None:
    """Ask all nodes that can take an actor for their version of the package, and what they see of the files."""

    # Defined here so that it is sent as code: the node may not have this package.
    def look(token: str, local: tuple[str, ...]) -> tuple[str | None, str | None, list[str]]:
        import os

        try:
            from depth_anything_hf.version import __version__ as version
        except ImportError:
            version = None  # type: ignore[assignment]
        content = None
        if os.path.isfile(token):
            with open(token, encoding="utf-8") as file:
                content = file.read()
        return version, content, [path for path in local if not os.path.exists(path)]

    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    asked = [node for node in nodes if _actors_of(node, resources)]
    remote = ray.remote(num_cpus=0)(look)
    answers = [
        remote.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
            os.path.join(run.folder, TOKEN), run.local
        )
        for node in asked
    ]
    for node, answer in zip(asked, answers, strict=True):
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        try:
            version, content, missing = ray.get(answer, timeout=SECONDS_FOR_NODES)
        except (ray.exceptions.NodeDiedError, ray.exceptions.TaskUnschedulableError):
            # It has left the cluster; so may any node later.
            continue
        except ray.exceptions.GetTimeoutError:
            raise ValueError(f"node {name} did not answer within {SECONDS_FOR_NODES} s; see its Ray logs") from None
        fault = node_fault(run, version, content, missing, name)
        if fault:
            raise ValueError(fault)


def _results(
    ray: ModuleType,
    run: FleetRun,
    tasks: list[dict[str, int]],
    actors: tuple[int, int],
    resources: dict[str, int],
) -> Iterator[TaskResult]:
    """Yield what comes of the tasks, in any order."""
    from ray.data import ActorPoolStrategy, DataContext

    logging.getLogger("ray.data").setLevel(logging.WARNING)
    context = DataContext.get_current()
    before = context.enable_progress_bars, context.target_max_block_size
    context.enable_progress_bars = False
    # Ray sets aside a block of memory for the output of each actor, and waits for ever where there is not enough.
    context.target_max_block_size = RESULT_BYTES
    try:
        dataset = ray.data.from_items(tasks, override_num_blocks=len(tasks)).map_batches(
            LabelActor,
            fn_constructor_args=(run,),
            batch_size=1,
            batch_format="numpy",
            compute=ActorPoolStrategy(
                min_size=actors[0], max_size=actors[1], max_tasks_in_flight_per_actor=TASKS_IN_FLIGHT
            ),
            num_cpus=resources["num_cpus"],
            num_gpus=resources["num_gpus"],
        )
        for row in dataset.iter_rows():
            yield row[RESULT]
    finally:
        context.enable_progress_bars, context.target_max_block_size = before
