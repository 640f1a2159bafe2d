# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""How a labelling run is shared out over a Ray cluster: the flags of `pseudo-label --scheduler ray`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from ..utils.option_errors import OptionError, check_choice, check_count
from ..utils.typed_fields import convert_fields


SCHEDULERS = ("ray",)


@dataclass(frozen=True)
class RayArguments:
    """The cluster, and the actors that label on it; all None: no cluster."""

    _argument_group_name: ClassVar[str] = "cluster"

    scheduler: str | None = field(
        default=None,
        metadata={
            "help": "ray: actors of a Ray cluster label the shards, one for each GPU or for some cores, and Ray "
            "replaces those that die (extra `ray`). [none: this process, or those of --num_processes]"
        },
    )
    address: str | None = field(
        default=None,
        metadata={
            "help": "Cluster: auto for the one that this machine belongs to, HOST:PORT, or ray://HOST:10001. "
            "[RAY_ADDRESS, else one is started on this machine]"
        },
    )
    min_actors: int | None = field(default=None, metadata={"help": "Actors that the run waits for. [1]"})
    max_actors: int | None = field(
        default=None,
        metadata={
            "help": "Most actors; more than fit make a cluster that scales start nodes. [as many as fit at the start]"
        },
    )
    cores_per_actor: int | None = field(
        default=None, metadata={"help": "CPU cores reserved for each actor. [with a GPU 1, else up to 8]"}
    )

    def __post_init__(self) -> None:
        convert_fields(self)
        if self.scheduler is None:
            for name in ("address", "min_actors", "max_actors", "cores_per_actor"):
                if getattr(self, name) is not None:
                    raise OptionError(f"--{name} is for a Ray cluster: give --scheduler ray too, or leave it out")
            return
        check_choice("--scheduler", self.scheduler, SCHEDULERS)
        for name in ("min_actors", "max_actors", "cores_per_actor"):
            if getattr(self, name) is not None:
                check_count(f"--{name}", getattr(self, name))
        if self.max_actors is not None and self.max_actors < (self.min_actors or 1):
            raise OptionError(f"--max_actors {self.max_actors} is below --min_actors {self.min_actors}")
