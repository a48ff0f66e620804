"""The side of `beside_pythae.py` that is pythae's: its trainer with a network of this package.

    python benchmarks/pythae_trainer.py RECIPE.yaml PICTURES.pt EPOCHS

Prints a line of JSON: the processor seconds of the whole training and of its evaluations, and the pictures seen.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import Tensor

from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training.run import build_model


class Encoder(BaseEncoder):  # type: ignore[misc]
    """[N, C, H, W] -> mean and logvar [N, D], by the layers of a `VAEModel`."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.encoder, self.to_posterior = model.encoder, model.to_posterior

    def forward(self, x: Tensor) -> ModelOutput:
        mean, logvar = self.to_posterior(self.encoder(x)).chunk(2, dim=1)
        return ModelOutput(embedding=mean, log_covariance=logvar)


class Decoder(BaseDecoder):  # type: ignore[misc]
    """[N, D] -> [N, C, H, W] in [0, 1], by the layers of a `VAEModel`."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.decoder = model.decoder

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=torch.sigmoid(self.decoder(z)))


def main() -> None:
    torch.set_num_threads(1)
    recipe, pictures, epochs = Recipe.read(Path(sys.argv[1])), torch.load(sys.argv[2]), int(sys.argv[3])
    sets = {name: BaseDataset(pictures[name], torch.zeros(len(pictures[name]))) for name in ("train", "validation")}
    network, config = build_model(recipe), recipe.config()
    described = VAEConfig(input_dim=tuple(pictures["train"].shape[1:]), latent_dim=config.latent_dim)
    model = VAE(described, encoder=Encoder(network), decoder=Decoder(network))
    with tempfile.TemporaryDirectory() as folder:
        batch = recipe.training["per_device_train_batch_size"]
        settings = {"per_device_train_batch_size": batch, "per_device_eval_batch_size": batch, "num_epochs": epochs}
        trainer = BaseTrainer(
            model, sets["train"], sets["validation"], BaseTrainerConfig(output_dir=folder, no_cuda=True, **settings)
        )
        evaluated, step = 0.0, trainer.eval_step

        def timed(epoch: int) -> Any:
            nonlocal evaluated
            started = time.process_time()
            loss = step(epoch)
            evaluated += time.process_time() - started
            return loss

        trainer.eval_step = timed
        started = time.process_time()
        trainer.train()
        seconds = time.process_time() - started
    print(json.dumps({"seconds": seconds, "evaluating": evaluated, "pictures": epochs * len(sets["train"])}))


if __name__ == "__main__":
    main()
