"""The Trainer of transformers, told of the objective, the running average and checkpoints that are whole."""

from __future__ import annotations

import math
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import EvalPrediction, Trainer, TrainerCallback, TrainerState, TrainingArguments, set_seed
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, rotate_checkpoints

from modeling_vae.processes import mean_of_all_processes, together

from .continuing import all_finite, seal, tensors_in
from .divergence import diverged
from .objective import TrainingObjective
from .precision import PRECISIONS
from .terms.onlooker import Onlooker
from .training_settings import checked

UNFINISHED = "unfinished"
EVALUATION_SEED = 0
RUNAWAY = 1e6
"""How many times as large as at the first step (or 1) a loss is lost, though it still is a number."""
EMA_DECAY = 0.998
HOUSE: dict[str, Any] = {
    "per_device_train_batch_size": 64,
    "per_device_eval_batch_size": 200,
    "adam_beta1": 0.5,
    "adam_beta2": 0.99,
    "weight_decay": 0.0,
    "max_grad_norm": 5.0,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 100,
    "seed": 1,
    "logging_steps": 50,
    "save_strategy": "steps",
    "save_steps": 500,
    "save_total_limit": 2,
    "eval_strategy": "steps",
    "eval_steps": 1000,
    "dataloader_drop_last": True,
    "logging_nan_inf_filter": False,
}
"""The training settings of a recipe that does not say others."""


class VAETrainer(Trainer):
    """Trains a `TrainingObjective`: batches are {"pixel_values": [N, C, H, W]}, evaluation is of the running average.

    Checkpoints are written under another name and renamed, so that one that can be seen is whole.
    """

    objective: TrainingObjective

    def __init__(self, model: TrainingObjective, args: TrainingArguments, **kwargs: Any) -> None:
        args.remove_unused_columns = False
        args.label_names = []
        super().__init__(
            model=model,
            args=args,
            compute_metrics=mean_figures,
            callbacks=[UpdateAverage(), SetEpoch(), OwnNoise(), *kwargs.pop("callbacks", [])],
            **kwargs,
        )
        # The loss is a mean over the batch, and takes no account of items in other batches.
        self.model_accepts_loss_kwargs = False
        self.objective = model
        self._staging: str | None = None
        self._terms: defaultdict[str, list[Tensor]] = defaultdict(list)
        self._last_log: tuple[float, int] | None = None
        self._last_terms: dict[str, Tensor] = {}
        self._first_loss: float | None = None

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Adam with the recipe's settings; the critic has no first momentum, and its own learning rate if it wants."""
        objective, args = self.objective, self.args
        betas = (args.adam_beta1, args.adam_beta2)
        trained = [weight for weight in objective.model.parameters() if weight.requires_grad]
        groups: list[dict[str, Any]] = [{"params": trained, "betas": betas, "weight_decay": args.weight_decay}]
        if (adversarial := objective.adversarial) is not None:
            rate = adversarial.learning_rate or args.learning_rate
            groups.append({"params": list(adversarial.critic.parameters()), "betas": (0.0, betas[1]), "lr": rate})
        self.optimizer = torch.optim.AdamW(
            groups, lr=args.learning_rate, eps=args.adam_epsilon, weight_decay=0.0, fused=True
        )
        return self.optimizer

    def is_finished(self, checkpoint: str) -> bool:
        """Whether a checkpoint is of the last step that the arguments ask for."""
        done = TrainerState.load_from_json(str(Path(checkpoint) / TRAINER_STATE_NAME))
        if self.args.max_steps > 0:
            result: bool = done.global_step >= self.args.max_steps
            return result
        return done.epoch is not None and done.epoch >= self.args.num_train_epochs

    def restore(self, checkpoint: str) -> None:
        """Take the weights and the state of a checkpoint, and train no further."""
        self._load_from_checkpoint(checkpoint)
        self.state = TrainerState.load_from_json(str(Path(checkpoint) / TRAINER_STATE_NAME))

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Of a stream each process reads its own share, where accelerate would have the first one read for all."""
        from modeling_vae.data import StreamedPictures

        if together() == 1 or not isinstance(self.train_dataset, StreamedPictures):
            return super().get_train_dataloader()
        args = self.args
        return DataLoader(
            self.train_dataset.of_share((args.process_index, together())),
            batch_size=self._train_batch_size,
            collate_fn=self.data_collator,
            num_workers=args.dataloader_num_workers,
            persistent_workers=args.dataloader_persistent_workers,
            prefetch_factor=args.dataloader_prefetch_factor,
            pin_memory=args.dataloader_pin_memory,
            drop_last=args.dataloader_drop_last,
        )

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        """All pictures are evaluated, also the last ones that fill no batch."""
        drop_last, self.args.dataloader_drop_last = self.args.dataloader_drop_last, False
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.args.dataloader_drop_last = drop_last

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        step = self.state.global_step
        self._last_log = self._last_log or (time.monotonic(), step)
        output = model(**inputs, step=step, progress=step / max(1, self.state.max_steps))
        self._last_terms = {name: term.detach() for name, term in output.items()}
        for name, term in output.items():
            if name != "loss":
                self._terms[name].append(term)
        return (output["loss"], output) if return_outputs else output["loss"]

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """What is asked before every optimizer step: the loss and the gradient of a step that is taken are finite.

        A loss that has run away is none either, though its numbers still are: nothing comes back from there.
        """
        grad_norm = super()._get_grad_norm(model, grad_norm)  # type: ignore[no-untyped-call]
        values = {"the loss": self._last_terms["loss"]}
        if self.accelerator.scaler is None:  # half precision's scaler passes over gradients that overflow
            values["the gradient's norm"] = torch.as_tensor(grad_norm)
        said = dict(zip(values, _numbers(values.values()), strict=True))
        self._first_loss = said["the loss"] if self._first_loss is None else self._first_loss
        ran_away = abs(said["the loss"]) > RUNAWAY * max(1.0, abs(self._first_loss))
        if ran_away or not all(map(math.isfinite, said.values())):
            terms = dict(zip(self._last_terms, _numbers(self._last_terms.values()), strict=True))
            lost = {name: value for name, value in (terms | said).items() if not math.isfinite(value)}
            lost.pop("loss", None)
            self._refuse(lost or {"the loss": said["the loss"]})
        return grad_norm

    def _refuse(self, lost: dict[str, float]) -> None:
        """End the run for these values."""
        folder = Path(super()._get_output_dir(None))
        raise diverged(self.state.global_step + 1, lost, self.args.learning_rate, folder)

    def prediction_step(
        self, model: nn.Module, inputs: dict[str, Tensor], *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Figures of one batch; the noise is the same at every evaluation, and none is taken from the training's."""
        objective: TrainingObjective = self.accelerator.unwrap_model(model)
        pixel_values = self._prepare_inputs(inputs)["pixel_values"]
        generator = torch.Generator(pixel_values.device).manual_seed(EVALUATION_SEED)
        with torch.no_grad(), self.accelerator.autocast():
            figures = objective.evaluate(pixel_values, generator)
        stacked = torch.stack([figures["nll"].float(), figures["kl"].float(), figures["mse"].float()], dim=1)
        loss = (stacked[:, 0] + stacked[:, 1]).mean() / pixel_values[0].numel()
        return loss, stacked, stacked

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Add the terms' means since the last entry, and the pictures seen a second."""
        if "loss" in logs and self._terms:
            means = [torch.stack(terms).float().mean() for terms in self._terms.values()]
            logs |= dict(zip(self._terms, _numbers(means), strict=True))
            self._terms.clear()
            assert self._last_log is not None  # since there were terms
            then, before = self._last_log
            pictures = (self.state.global_step - before) * self.get_total_train_batch_size(self.args)
            logs["images_per_second"] = pictures / max(time.monotonic() - then, 1e-9)
        lost = {name: value for name, value in logs.items() if name.startswith("eval_") and not math.isfinite(value)}
        if lost:
            self._refuse(lost)
        self._last_log = (time.monotonic(), self.state.global_step)  # after an evaluation too, which is no training
        super().log(logs, *args, **kwargs)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Tensor] | None = None) -> None:
        """safetensors takes no weights that lie in channels_last order; loading puts them back into it."""
        state_dict = self.objective.state_dict() if state_dict is None else state_dict
        super()._save(output_dir, {name: weight.contiguous() for name, weight in state_dict.items()})

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """The state of a checkpoint, and the settings that are asked for now: a lower rate is taken at once."""
        asked = [{name: group[name] for name in ("betas", "eps", "weight_decay")} for group in self._groups()]
        rates = list(getattr(self.lr_scheduler, "base_lrs", ()))
        super()._load_optimizer_and_scheduler(checkpoint)
        for group, settings in zip(self._groups(), asked, strict=True):
            group.update(settings)
        for group, rate in zip(self._groups(), rates, strict=False):
            if group["initial_lr"] != rate:
                group["lr"] *= rate / group["initial_lr"]
                group["initial_lr"] = rate
        if self.lr_scheduler is not None and rates:
            self.lr_scheduler.base_lrs = rates

    def _groups(self) -> list[dict[str, Any]]:
        assert self.optimizer is not None  # made before a checkpoint is loaded
        return self.optimizer.param_groups

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        """A checkpoint that lacks a weight would be continued wrongly, so that is an error and no warning."""
        looking_on = tuple(f"{name}." for name, part in self.objective.named_modules() if isinstance(part, Onlooker))
        missing = [name for name in load_result.missing_keys if not name.startswith(looking_on)]
        if missing or load_result.unexpected_keys:
            raise ValueError(
                f"the checkpoint does not belong to this recipe: it lacks {missing} and has beside it "
                f"{load_result.unexpected_keys}; delete the run's checkpoints to begin anew."
            )

    def _get_output_dir(self, trial: Any) -> str:
        return self._staging or super()._get_output_dir(trial)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Save under another name, then rename: a killed process leaves the checkpoint whole or not at all."""
        momenta = self.optimizer.state_dict() if self.optimizer is not None else {}
        if not all_finite([*self.objective.state_dict().values(), *tensors_in(momenta)]):
            self._refuse({"a weight or its momentum": math.nan})
        run = Path(super()._get_output_dir(trial))
        staging = run / UNFINISHED
        if self.args.should_save:
            shutil.rmtree(staging, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        self._staging = str(staging)
        try:
            super()._save_checkpoint(model, trial)
        except (torch.OutOfMemoryError, torch.AcceleratorError):  # RuntimeErrors too, but not the disk's
            raise
        except (OSError, SafetensorError, RuntimeError) as error:  # the three ways to say that a disk is full
            raise OSError(
                f"the checkpoint of step {self.state.global_step} could not be written to {run} ({error}): make room; "
                "the same command goes on from the checkpoint before it."
            ) from error
        finally:
            self._staging = None
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            name = f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
            shutil.rmtree(run / name, ignore_errors=True)
            seal(staging / name)
            (staging / name).rename(run / name)
            staging.rmdir()
            rotate_checkpoints(str(run), save_total_limit=self.args.save_total_limit, use_mtime=False)
        self.accelerator.wait_for_everyone()


def _numbers(values: Iterable[Tensor]) -> list[float]:
    """The means of tensors, over all processes too, asked of the device at once."""
    means = torch.stack([value.detach().float().mean() for value in values])
    found: list[float] = mean_of_all_processes(means).tolist()
    return found


class UpdateAverage(TrainerCallback):
    """Takes the weights into the running average after every optimizer step."""

    def on_step_end(self, args: TrainingArguments, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        model.update_average()


class OwnNoise(TrainerCallback):
    """Gives each process random numbers of its own: the same noise on all their pictures would be less of it."""

    def on_train_begin(self, args: TrainingArguments, state: Any, control: Any, **kwargs: Any) -> None:
        if args.process_index > 0:
            set_seed(args.seed + args.process_index)


class SetEpoch(TrainerCallback):
    """Tells the data set which epoch it is: after a resume amid an epoch nobody else does."""

    def on_epoch_begin(
        self, args: TrainingArguments, state: Any, control: Any, train_dataloader: Any = None, **kwargs: Any
    ) -> None:
        set_epoch = getattr(train_dataloader.dataset, "set_epoch", None)
        if set_epoch is not None:
            set_epoch(int(state.epoch + 1e-6))


def mean_figures(prediction: EvalPrediction) -> dict[str, float]:
    """Means over the evaluation pictures: nll, kl and elbo in nats, PSNR in dB (mean over pictures)."""
    nll, kl, mse = np.asarray(prediction.predictions, dtype=np.float64).T
    psnr = -10 * np.log10(np.maximum(mse, 1e-12))
    return {"nll": nll.mean(), "kl": kl.mean(), "negative_elbo": (nll + kl).mean(), "psnr": psnr.mean()}


def precision_of(recipe: dict[str, Any]) -> Any:
    """Of a training section: `auto` unless it says another, or says it in transformers' own words (bf16, fp16)."""
    own_words = any(recipe.get(name) is not None for name in ("bf16", "fp16"))
    return recipe.get("precision", "transformers" if own_words else "auto")


def training_arguments(recipe: dict[str, Any], output: Path) -> Any:
    """transformers' TrainingArguments from a recipe's training section; `precision: auto` is float32 to them.

    Raises:
        ValueError: where a value is of the wrong type, naming it.
    """
    defaults = HOUSE | {"dataloader_pin_memory": torch.cuda.is_available()}
    defaults |= {"use_cpu": not torch.accelerator.is_available()}
    own = checked({key: value for key, value in recipe.items() if key != "precision"})
    values = defaults | {key: value for key, value in own.items() if key != "ema_decay"}
    precision = precision_of(recipe)
    if precision not in ("auto", *PRECISIONS, "transformers"):
        raise ValueError(f"training.precision={precision!r} is not possible: give auto, fp32 or bf16.")
    if "precision" in recipe and (values.get("bf16") or values.get("fp16")):
        raise ValueError("training.precision says what training.bf16 and training.fp16 say too: give one of them.")
    if precision == "bf16":
        values["bf16"] = True
    try:
        arguments = TrainingArguments(output_dir=str(output), **values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the training section is not possible: {error}") from error
    # One process, one device: nn.DataParallel's copies would lose the perceptual network's hooks.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments
