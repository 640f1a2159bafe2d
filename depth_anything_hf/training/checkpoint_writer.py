# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The models that a run writes: whole checkpoints, the best and the final model, each with its card."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from accelerate import Accelerator
from transformers import PreTrainedModel

from ..evaluation.results import EvaluationResult
from ..hub.model_card import write_model_card
from ..hub.publisher import ADAPTER_FOLDER, Publisher
from ..utils.folders import fsync_tree, move_files, put_in_place, share_weights, unfinished_folder
from ..utils.manifest import write_manifest
from . import forgetting
from .adapters import save_alone, save_merged
from .arguments import TrainingArguments
from .checkpoint_finder import STATE_FOLDER, rotate_checkpoints
from .distributed import consolidated_state_dict
from .engine import Engine
from .forgetting import GainAndLoss
from .optim import LearningRates
from .processes import print_on_main
from .state import RunState, write_state


CARD = "README.md"


class CheckpointWriter:
    """Writes the models of a run, each a folder that `from_pretrained` and stock transformers open.

    Every process must call the methods that save; the main process writes.

    Args:
        accelerator, arguments: as of the run.
        processor: the image processor, saved beside the weights.
        kind: "relative" or "metric".
        rates: peak learning rates, for the cards.
        card: further content of the cards; see `hub.write_model_card`.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        arguments: TrainingArguments,
        processor: Any,
        kind: str,
        rates: LearningRates,
        card: dict[str, Any],
    ) -> None:
        self.accelerator, self.arguments, self.processor = accelerator, arguments, processor
        self.folder = Path(arguments.output_dir)
        self.kind, self.rates = kind, rates
        self.card = {"role": "metric" if kind == "metric" else "student", "lineage": {}, **card}
        # What is trained, and what has changed on the way, in words.
        self.trained = self.changes = ""
        self._publisher: Publisher | None = None

    @property
    def hub_name(self) -> str:
        """Name of the repository that the model is pushed to."""
        return self.arguments.hub_model_id or self.folder.resolve().name

    def start_publishing(self) -> None:
        """Start the background pushes, if `push_to_hub` is set; on the main process only."""
        if self.arguments.push_to_hub:
            self._publisher = Publisher(
                self.hub_name,
                self.folder,
                private=self.arguments.hub_private_repo,
                strategy=self.arguments.hub_strategy,
            )

    def finish_publishing(self, longest_seconds: float) -> None:
        """Wait for the pushes under way, on the main process, and report what was not pushed."""
        if self._publisher is not None:
            for left in self._publisher.finish(longest_seconds):
                print_on_main(self.accelerator, str(left))

    def try_card(self, steps: int) -> None:
        """Dry run of the model card, so that card errors fail before training.

        Raises:
            ValueError: it cannot be written.
        """
        with TemporaryDirectory() as place:
            try:
                self._write_card(Path(place), steps, None, {})
            except Exception as error:
                raise ValueError(f"the model card cannot be written from {self.card}: {_describe(error)}") from error

    def save(self, engine: Engine, step: int, state: RunState) -> Path:
        """Write `checkpoint-N/`: the model, and in `state/` what a resume needs; complete or absent.

        Args:
            engine: its published weights, and on every process its own part of weights and optimizer.
            step: N.
            state: the run's state on this process.

        Returns:
            The checkpoint.
        """
        target = self.folder / f"checkpoint-{step}"
        unfinished = self._empty_folder(target)
        state_folder = unfinished / STATE_FOLDER
        # A folder that exists on one machine may not be seen by another yet; each makes sure of its own view.
        state_folder.mkdir(parents=True, exist_ok=True)
        write_state(state_folder, engine, state)
        self._save_model(engine.published_model, unfinished, target, step, None)
        # Each process writes its own files; the folder is complete only when all have.
        fsync_tree(state_folder)
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            # Those of the model have their mode by now.
            share_weights(state_folder)
            write_manifest(unfinished)
            put_in_place(unfinished, target)
            if self._publisher is not None:
                self._publisher.push_checkpoint(target, f"Step {step}")
            if self.arguments.save_total_limit is not None:
                rotate_checkpoints(self.folder, step, self.arguments.save_total_limit)
        self.accelerator.wait_for_everyone()
        return target

    def save_best(
        self, model: PreTrainedModel, step: int, result: EvaluationResult | None, changes: GainAndLoss
    ) -> None:
        """Write `best/`: the model with the best scores so far; see `save_final`."""
        target = self.folder / "best"
        unfinished = self._empty_folder(target)
        self._save_model(model, unfinished, target, step, result, changes=changes)
        if self.accelerator.is_main_process:
            fsync_tree(unfinished)
            put_in_place(unfinished, target)

    def save_final(
        self,
        model: PreTrainedModel,
        step: int,
        result: EvaluationResult | None,
        pictures: dict[str, Any],
        changes: GainAndLoss,
    ) -> None:
        """Write the final model, at the root of the folder.

        Args:
            model: the weights to publish.
            step: optimizer steps done.
            result: its scores.
            pictures: of the card, by their names in `hub.model_card.write_model_card`; on the main process.
            changes: scores before and after the run on both domains; empty without forgetting data.
        """
        unfinished = self._empty_folder(self.folder / "final")
        alone = not self.arguments.lora_merge
        self._save_model(model, unfinished, self.folder, step, result, pictures, changes=changes, alone=alone)
        if self.accelerator.is_main_process:
            move_files(unfinished, self.folder)
            if (self.folder / ADAPTER_FOLDER).is_dir() and self.arguments.encoder_strategy != "lora":
                print_on_main(
                    self.accelerator,
                    f"{self.folder} has the adapters merged, and apart in {ADAPTER_FOLDER}/; save_pretrained of the "
                    "model in memory writes adapters alone, without the decoder that was trained",
                )
            if self._publisher is not None:
                self._publisher.push(self.folder, f"Step {step}, the final model")

    def _empty_folder(self, target: Path) -> Path:
        """Make an empty folder under the hidden name of one that is not yet whole."""
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
        pictures: dict[str, Any] | None = None,
        *,
        changes: GainAndLoss | None = None,
        alone: bool = False,
    ) -> None:
        """Write model, processor and card.

        Args:
            model: as for `save_final`.
            step: as for `save_final`.
            result: as for `save_final`.
            pictures: as for `save_final`.
            changes: as for `save_final`.
            folder: where they are written.
            target: where they will be; the user's text in the card there, or in the run's card, is kept.
            alone: write the adapters and the decoder instead of the whole model.
        """
        weights = consolidated_state_dict(model)
        if not self.accelerator.is_main_process:
            return
        is_published = self.arguments.push_to_hub
        if alone:
            adapters: dict[str, Any] | None = save_alone(model, folder, is_published=is_published)
            # For the card alone: transformers takes a folder with both files for a whole model.
            model.config.save_pretrained(folder)
        else:
            adapters = save_merged(model, folder, is_published=is_published)
        if adapters is None:
            model.save_pretrained(folder, state_dict=weights)
        self.processor.save_pretrained(folder)
        share_weights(folder)
        if result is not None:
            result.save(folder)
        if changes:
            forgetting.save(changes, folder)
        # Never fail a checkpoint because of the card: warn and save the weights.
        try:
            earlier = next((each / CARD for each in (target, self.folder) if (each / CARD).is_file()), None)
            if earlier is not None:
                shutil.copyfile(earlier, folder / CARD)
            further = {**(pictures or {}), "gain_and_loss": changes}
            self._write_card(folder, step, result, further, adapters, model.name_or_path if alone else None)
        except Exception as error:
            print_on_main(
                self.accelerator,
                f"warning: the model in {target} is saved, but its card could not be written: {_describe(error)}",
            )
        if alone:
            (folder / "config.json").unlink()

    def _write_card(
        self,
        folder: Path,
        steps: int,
        result: EvaluationResult | None,
        further: dict[str, Any],
        adapters: dict[str, Any] | None = None,
        base: str | None = None,
    ) -> None:
        training = {**self.arguments.non_default(), "steps": steps, "learning_rates": asdict(self.rates)}
        if self.trained:
            training["trained"] = self.trained
        if adapters is not None:
            training["adapters"] = adapters
        if self.changes:
            training["changed"] = self.changes
        card = {"title": self.folder.name, "kind": self.kind, **self.card}
        if self.arguments.push_to_hub:
            card = {"repo_id": self.hub_name, **card}
        results = None if result is None else result.card_entries()
        write_model_card(folder, training=training, results=results, adapter_base=base, **further, **card)


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


__all__ = ["CheckpointWriter"]
