# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shell lines of notebooks in a test: commands of the program, made short, in the process of the kernel itself."""

from __future__ import annotations

import sys
from typing import Any

from accelerate.state import AcceleratorState, GradientState, PartialState
from code_blocks import arguments_of
from command_line import run


EXIT_FINDINGS = 3


def run_commands_here(shell: Any) -> None:
    """Let an IPython shell run the program's commands in its own process, and end a notebook where one fails."""

    def system(line: str) -> None:
        words = arguments_of(shell.var_expand(line).replace("\\\n", " "))
        for state in (AcceleratorState, GradientState, PartialState):
            state._reset_state()
        done = run(*words)
        sys.stdout.write(done.output)
        expected = (0, EXIT_FINDINGS) if words[0] == "check" else (0,)
        if done.exit_code not in expected:
            raise RuntimeError(f"exit code {done.exit_code}: {line}\n{done.output}") from None

    shell.system = system
    shell.register_magic_function(lambda line: None, magic_name="pip")
