"""The one door to the network of a published folder: every value and shape is checked before anything is allocated.

config.json says which network there is. That network is built without memory (on the meta device), and the header of
model.safetensors is compared with it; only what fits is read. No file is believed because another one says so, and
whatever is wrong is a ValueError that names file and field.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor
from transformers import PreTrainedConfig

from .configuration_image_vae import VAEConfig
from .image_processing_image_vae import SERVICE_KEYS, VAEImageProcessor
from .modeling_image_vae import VAEModel
from .tensor_files import check_header, read_header, read_table, read_tensors, weights_sha256

CONFIG_NAME, WEIGHTS_NAME, PROCESSOR_NAME = "config.json", "model.safetensors", "preprocessor_config.json"
REQUIRED = (CONFIG_NAME, WEIGHTS_NAME, PROCESSOR_NAME)
FOREIGN = ("attn_implementation", "_attn_implementation", "quantization_config")
"""Keys of a configuration for which transformers looks for packages, or for kernels on the Hub. A VAE needs none."""
ELSEWHERE = ("backbone", "use_pretrained_backbone", "use_timm_backbone")
"""Keys of a backbone's configuration for which transformers fetches another one."""
DTYPES = (None, "float16", "bfloat16", "float32", "float64")
OWN_FIELDS = {f.name for f in dataclasses.fields(VAEConfig)} - {f.name for f in dataclasses.fields(PreTrainedConfig)}
LARGEST_NUMBER = 2**20
"""In the configuration of a backbone."""
LONGEST = 300
"""Characters of another's error that are quoted."""
REPEATED = re.compile("layer|depth|block|stage|repeat")
"""What a backbone's configuration calls numbers of modules."""
CLASSES = ("id2label", "label2id")
"""Tables of a backbone's configuration that are of names: a "tape player" has 848 layers of nothing."""


class Network(NamedTuple):
    """What a published folder computes with, but for the parts beside it.

    Args:
        model: on the CPU.
        processor: of its pictures.
        sha256: of the stored weights.
        storage_dtype: that they are stored in.
    """

    model: VAEModel
    processor: VAEImageProcessor
    sha256: str
    storage_dtype: torch.dtype


def read_network(folder: Path, source: object = None, dtype: torch.dtype = torch.float32) -> Network:
    """The model and processor of a folder. Code in it is never run, and nothing is fetched.

    Args:
        folder: with the files of `REQUIRED`.
        source: what errors call it; by default the folder.
        dtype: of the model.

    Raises:
        ValueError: a file is damaged, describes an impossible model, or does not fit the others.
    """
    source = folder if source is None else source
    config = read_config(folder / CONFIG_NAME, source)
    processor = read_processor(folder / PROCESSOR_NAME, source, config)
    expected = _without_memory(config, source, most=len(read_header(folder / WEIGHTS_NAME)))
    counters = [name for name, weight in expected.items() if not weight.is_floating_point()]
    shapes = {name: tuple(weight.shape) for name, weight in expected.items()}
    try:
        check_header(folder / WEIGHTS_NAME, shapes, counters)
    except ValueError as error:
        raise ValueError(f"the weights of {source} do not fit its config.json ({error}).") from error
    stored, _ = read_tensors(folder / WEIGHTS_NAME, shapes, counters)
    loaded: Any = VAEModel.from_pretrained(
        folder,
        config=config,
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # they are among the problems, which are errors here
    )
    model, problems = loaded
    if any(problems.values()):
        found = "; ".join(f"{name}: {sorted(map(str, keys))[:5]}" for name, keys in problems.items() if keys)
        raise ValueError(f"the weights of {source} do not fit its config.json ({found}).")
    floats = [weight.dtype for weight in stored.values() if weight.is_floating_point()]
    return Network(model, processor, weights_sha256(stored), floats[0])


def read_config(file: Path, source: object) -> VAEConfig:
    """The configuration that a file describes, of a folder or repository that errors call `source`.

    Raises:
        ValueError: it is damaged, of another kind of model, or describes an impossible one.
    """
    name, values = f"{CONFIG_NAME} of {source}", read_table(file)
    kind = values.get("model_type")
    if kind != VAEConfig.model_type:
        raise ValueError(f"{name} describes a model of type {kind!r:.80}, no VAE ({VAEConfig.model_type!r}).")
    backbone = values.get("encoder_backbone")
    for key, value in [*values.items(), *_nested(backbone)]:
        if key in FOREIGN and value is not None:
            raise ValueError(f"{name} has {key}, which makes transformers fetch code of others: take it out.")
        if key.startswith("__"):
            raise ValueError(f"{name} has {key!r:.80}, which no configuration has: take it out.")
    if values.get("dtype") not in DTYPES:
        raise ValueError(f"{name}: dtype={values['dtype']!r:.80} is not possible: give one of {DTYPES[1:]}.")
    if backbone is not None:
        _check_backbone(backbone, name)
    try:
        return VAEConfig(**{key: value for key, value in values.items() if key in OWN_FIELDS})
    except (StrictDataclassError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name}: {_in_words(error)}") from error


def read_processor(file: Path, source: object, config: VAEConfig) -> VAEImageProcessor:
    """The processor that a file describes, checked to make what the model takes.

    Raises:
        ValueError: it is damaged, impossible, or makes pictures of another size than the model's.
    """
    name, values = f"{PROCESSOR_NAME} of {source}", read_table(file)
    try:
        processor = VAEImageProcessor(**{key: value for key, value in values.items() if key not in SERVICE_KEYS})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {_in_words(error)}") from error
    made = (processor.num_channels, processor.size["height"], processor.size["width"])
    taken = (config.num_channels, *config.height_and_width)
    if made != taken:
        raise ValueError(
            f"{name} makes pictures of [channels, height, width] {[*made]}, and the model takes {[*taken]}: fetch or "
            "write both again."
        )
    return processor


def _check_backbone(backbone: Any, name: str) -> None:
    """Raise a ValueError where this cannot be the configuration of a network that is all here."""
    if not isinstance(backbone, Mapping) or not isinstance(backbone.get("model_type"), str):
        raise ValueError(f"{name}: encoder_backbone={backbone!r:.80} is no configuration with a model_type.")
    kind = backbone["model_type"]
    if kind.startswith("timm"):
        raise ValueError(f"{name}: encoder_backbone is of the type {kind!r:.80}, whose code lies elsewhere.")
    for key, value in _nested(backbone):
        if key in ELSEWHERE and value:
            raise ValueError(f"{name}: encoder_backbone has {key}, which makes transformers fetch another network.")
        if isinstance(value, int | float) and not (math.isfinite(value) and abs(value) <= LARGEST_NUMBER):
            raise ValueError(f"{name}: encoder_backbone.{key}={value!r:.40} is larger than any network's.")


def _without_memory(config: VAEConfig, source: object, most: int) -> dict[str, Tensor]:
    """The state that a model of the configuration has, of tensors without memory.

    Args:
        config: of the model.
        source: what errors call it.
        most: tensors that there are; a backbone with more layers than that is not worth building.
    """
    name = f"{CONFIG_NAME} of {source}"
    for key, value in _nested(config.encoder_backbone):
        if REPEATED.search(key) and isinstance(value, int) and value > most:
            raise ValueError(f"{name}: encoder_backbone.{key}={value} does not fit weights of {most} tensors.")
    try:
        with torch.device("meta"):
            return VAEModel(config).state_dict()
    except Exception as error:
        if config.encoder_backbone is None:
            raise
        # a network of others, given values of strangers, may raise anything
        raise ValueError(f"{name}: no encoder_backbone can be made of it ({_in_words(error)}).") from error


def _nested(values: Any) -> Iterator[tuple[str, Any]]:
    """All keys of a table and of the tables and lists in it, but for the names of classes.

    The values of a list have the key of the list.
    """
    waiting = [("", values)]
    while waiting:
        key, value = waiting.pop()
        if key:
            yield key, value
        if isinstance(value, Mapping):
            waiting += [(str(inner), below) for inner, below in value.items() if inner not in CLASSES]
        elif isinstance(value, list):
            waiting += [(key, below) for below in value]


def _in_words(error: BaseException) -> str:
    """The sentence of an error, or of the one that it was raised for, in one line of bounded length."""
    cause = error.__cause__ if isinstance(error, StrictDataclassError) and error.__cause__ else error
    words = " ".join(str(cause).split()) or type(cause).__name__
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} ..."
