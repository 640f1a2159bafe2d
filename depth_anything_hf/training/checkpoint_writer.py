# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The folder that a run leaves behind: whole checkpoints, the best and the final model, their cards and pictures."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from accelerate import Accelerator
from transformers import PreTrainedModel

from ..evaluation.results import EvaluationResult
from ..hub.model_card import write_model_card
from ..hub.publisher import Publisher
from ..utils.folders import fsync_tree, move_files, put_in_place, unfinished_folder
from ..utils.manifest import write_manifest
from .arguments import TrainingArguments
from .checkpoint_finder import STATE_FOLDER, rotate_checkpoints
from .distributed import consolidated_state_dict
from .optim import LearningRates


CARD = "README.md"


class CheckpointWriter:
    """Writes the models of a run, each a folder that `from_pretrained` and stock transformers open.

    What is named as saving something must be called by every process; the main one writes.

    Args:
        accelerator, arguments: of the run.
        processor: the image processor, saved beside the weights.
        kind: "relative" or "metric".
        rates: peak learning rates, for the cards.
        card: further content of the cards; see `hub.write_model_card`.
        say: shows a person a line.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        arguments: TrainingArguments,
        processor: Any,
        kind: str,
        rates: LearningRates,
        card: dict[str, Any],
        say: Callable[[str], None],
    ) -> None:
        self.accelerator, self.arguments, self.processor = accelerator, arguments, processor
        self.folder = Path(arguments.output_dir)
        self.kind, self.rates, self.say = kind, rates, say
        self.card = {"role": "metric" if kind == "metric" else "student", "lineage": {}, **card}
        self._publisher: Publisher | None = None

    @property
    def hub_name(self) -> str:
        """Where the model is pushed to."""
        return self.arguments.hub_model_id or self.folder.resolve().name

    def start_publishing(self) -> None:
        """Begins to push to the Hub, if the run does; on the main process only."""
        if self.arguments.push_to_hub:
            self._publisher = Publisher(
                self.hub_name,
                self.folder,
                private=self.arguments.hub_private_repo,
                strategy=self.arguments.hub_strategy,
            )

    def finish_publishing(self, longest_seconds: float) -> None:
        """Waits for what is on its way to the Hub, on the main process, and says what did not arrive."""
        if self._publisher is not None:
            for left in self._publisher.finish(longest_seconds):
                self.say(str(left))

    def try_card(self, steps: int) -> None:
        """Writes the card once in vain, so that an error in it shows before the training.

        Raises:
            ValueError: it cannot be written.
        """
        with TemporaryDirectory() as place:
            try:
                self._write_card(Path(place), steps, None, {})
            except Exception as error:
                raise ValueError(f"the model card cannot be written from {self.card}: {_described(error)}") from error

    def save_checkpoint(self, model: PreTrainedModel, step: int, write_state: Callable[[Path], None]) -> Path:
        """`checkpoint-N/`: the model, and in `state/` what a resume needs; complete or absent.

        Args:
            model: the weights to publish.
            step: N.
            write_state: writes the files of its process into the folder it is given, on every process.

        Returns:
            The checkpoint.
        """
        target = self.folder / f"checkpoint-{step}"
        unfinished = self._empty_folder(target)
        state = unfinished / STATE_FOLDER
        state.mkdir(exist_ok=True)
        write_state(state)
        self._save_model(model, unfinished, target, step, None)
        # Each process sees to its own files; only when all have done so is the folder whole.
        fsync_tree(state)
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            write_manifest(unfinished)
            put_in_place(unfinished, target)
            if self._publisher is not None:
                self._publisher.push_checkpoint(target, f"Step {step}")
            if self.arguments.save_total_limit is not None:
                rotate_checkpoints(self.folder, step, self.arguments.save_total_limit)
        self.accelerator.wait_for_everyone()
        return target

    def save_best(self, model: PreTrainedModel, step: int, result: EvaluationResult) -> None:
        """`best/`: the model with the best scores so far."""
        target = self.folder / "best"
        unfinished = self._empty_folder(target)
        self._save_model(model, unfinished, target, step, result)
        if self.accelerator.is_main_process:
            fsync_tree(unfinished)
            put_in_place(unfinished, target)

    def save_final(
        self,
        model: PreTrainedModel,
        step: int,
        result: EvaluationResult | None,
        make_pictures: Callable[[Path], dict[str, Any]],
    ) -> None:
        """The final model, at the root of the folder.

        Args:
            model: the weights to publish.
            step: optimiser steps done.
            result: its scores.
            make_pictures: (a folder for them) -> the pictures of the card by their names in `hub.write_model_card`.
        """
        unfinished = self._empty_folder(self.folder / "final")
        self._save_model(model, unfinished, self.folder, step, result, make_pictures)
        if self.accelerator.is_main_process:
            move_files(unfinished, self.folder)
            if self._publisher is not None:
                self._publisher.push(self.folder, f"Step {step}, the final model")

    def _empty_folder(self, target: Path) -> Path:
        """A new folder under the hidden name of one that is not yet whole."""
        unfinished = unfinished_folder(target)
        if self.accelerator.is_main_process:
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
        self.accelerator.wait_for_everyone()
        return unfinished

    def _save_model(
        self,
        model: PreTrainedModel,
        folder: Path,
        target: Path,
        step: int,
        result: EvaluationResult | None,
        make_pictures: Callable[[Path], dict[str, Any]] | None = None,
    ) -> None:
        """Model, processor and card.

        Args:
            model, step, result, make_pictures: as for `save_final`.
            folder: where they are written.
            target: where they will be; the text that a person added to the card there, or to the run's, is kept.
        """
        weights = consolidated_state_dict(model)
        if not self.accelerator.is_main_process:
            return
        model.save_pretrained(folder, state_dict=weights)
        self.processor.save_pretrained(folder)
        if result is not None:
            result.save(folder)
        with TemporaryDirectory() as place:
            # Hours of training are worth more than a card.
            pictures: dict[str, Any] = {}
            try:
                if make_pictures is not None:
                    pictures = make_pictures(Path(place))
            except Exception as error:
                self.say(f"warning: the pictures of the model card could not be made: {_described(error)}")
            try:
                earlier = next((each / CARD for each in (target, self.folder) if (each / CARD).is_file()), None)
                if earlier is not None:
                    shutil.copyfile(earlier, folder / CARD)
                self._write_card(folder, step, result, pictures)
            except Exception as error:
                self.say(
                    f"warning: the model in {target} is saved, but its card could not be written: {_described(error)}"
                )

    def _write_card(self, folder: Path, steps: int, result: EvaluationResult | None, pictures: dict[str, Any]) -> None:
        training = {**self.arguments.non_default(), "steps": steps, "learning_rates": asdict(self.rates)}
        card = {"title": self.folder.name, "kind": self.kind, **self.card}
        if self.arguments.push_to_hub:
            card = {"repo_id": self.hub_name, **card}
        results = None if result is None else result.card_entries()
        write_model_card(folder, training=training, results=results, **pictures, **card)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


__all__ = ["CheckpointWriter"]
