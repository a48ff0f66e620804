"""A recipe: all that makes a model from data, as hub_configs/NAME/recipe.yaml says it.

Unknown keys are refused with the nearest right one, also in the dotted `key=value` overrides of the command line.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from huggingface_hub.errors import StrictDataclassError
from pydantic import BaseModel, Field, ValidationError, model_validator
from transformers import PreTrainedConfig, TrainingArguments

from modeling_vae.files import write_whole
from modeling_vae.model.configuration_image_vae import VAEConfig

from .crops import Crop
from .objective_recipe import ObjectiveRecipe
from .section import Section
from .yaml_text import FILE_NAME as FILE_NAME
from .yaml_text import override_value, read_file, write_text

_INHERITED = {field.name for field in dataclasses.fields(PreTrainedConfig)}
_CONFIG_FIELDS = {field.name for field in dataclasses.fields(VAEConfig)} - _INHERITED
_OBJECTIVE_FIELDS = {"likelihood", "variance", "kl_weight", "free_bits"}
_WEIGHTS = {"backbone", "pretrained"}
"""Keys of the model section that say where weights come from, and nothing of the network."""
_NOT_OURS = re.compile(
    "optim|optim_args|optim_target_modules|load_best_model_at_end|metric_for_best_model|greater_is_better"
    "|save_only_model|ignore_data_skip|resume_from_checkpoint|label_names|remove_unused_columns|prediction_loss_only"
    "|hub_.*|push_to_hub.*|deepspeed|fsdp.*|accelerator_config"
)
"""Keys of transformers that the trainer here decides itself, or that would break a run or its resuming."""
NETWORK_FIELDS = sorted(_CONFIG_FIELDS - _OBJECTIVE_FIELDS - {"dropout", "freeze_backbone"})
"""Fields of a configuration that say which weights there are, and what is computed with them."""
_TRAINING_FIELDS = {
    field.name
    for field in dataclasses.fields(TrainingArguments)
    if field.init and field.name != "output_dir" and not _NOT_OURS.fullmatch(field.name)
}
_OWN_TRAINING_FIELDS = {"ema_decay", "precision"}
_STAGE = re.compile(r"\w[\w-]{0,63}")
MOST_SAID = 5
"""Problems of a recipe that are told at once."""


Kind = Literal["boolean", "category", "numeric"]


class Augment(Section):
    horizontal_flip: bool = False
    repeats: dict[str, Annotated[int, Field(ge=1)]] = Field(
        {},
        description="times that a picture comes in an epoch, by what it has, so that what is rare is learnt: "
        "a boolean column, or column:value",
    )


class DataRecipe(Section):
    path: str | None = Field(None, description="Hub id, folder of pictures, parquet file or folder, or tar files")
    name: str | None = Field(None, description="configuration of the data set")
    train: str = "train"
    validation: str | float = Field("validation", description="a split, or a share of the training pictures")
    image_column: str = "image"
    crop: Crop = Field(
        "center",
        description="around the middle, none (squeezed), pad (with white margins), or by annotated points or boxes",
    )
    augment: Augment = Augment()
    streaming: bool = False
    max_pictures: int | None = Field(None, ge=1)


class PublishRecipe(Section):
    title: str | None = Field(None, description="of the card")
    license: str | None = None
    license_name: str | None = Field(None, description="where the licence is `other`")
    license_link: str | None = None
    language: str | None = None
    tags: list[str] = []
    shows: str | None = Field(None, description="what one picture shows, in a word or two: cat, face, character")
    datasets: list[str] = []
    show_data: bool = Field(False, description="the card may show pictures of the data, which is then published")
    leave_out: list[str] = Field([], description="attributes that get no direction, and that no probe learns")


class Stage(Section):
    """What is otherwise while the model is smaller, or fewer terms look on; see `stages.stage_recipes`."""

    model: dict[str, Any] = {}
    objective: dict[str, Any] = {}
    training: dict[str, Any] = {}


class Recipe(Section):
    """One model from data to card; `Recipe.read(folder, overrides)` reads and checks it."""

    cites: str | None = None
    model: dict[str, Any] = {}
    objective: ObjectiveRecipe = ObjectiveRecipe()
    data: DataRecipe = DataRecipe()
    training: dict[str, Any] = {}
    stages: dict[str, Stage] = Field({}, description="what comes before the recipe's own training, in order, by name")
    attributes: dict[str, Kind] | Literal["all"] = Field(
        {}, description="columns and what they are; all: every column of the data set that is true or false"
    )
    publish: PublishRecipe = PublishRecipe()
    push_to_hub: str | None = Field(None, description="repository that the folder goes to at the end of the run")
    push_checkpoints: bool = Field(False, description="publish the state of each checkpoint there too")

    @model_validator(mode="after")
    def _known_keys(self) -> Recipe:
        for section, known in (
            ("model", (_CONFIG_FIELDS - _OBJECTIVE_FIELDS - {"encoder_backbone"}) | _WEIGHTS),
            ("training", _TRAINING_FIELDS | _OWN_TRAINING_FIELDS),
        ):
            for key in getattr(self, section):
                if section == "training" and _NOT_OURS.fullmatch(key):
                    raise ValueError(f"training.{key} is nothing that a recipe decides: leave it out.")
                if key not in known:
                    raise ValueError(_unknown(f"{section}.{key}", [f"{section}.{name}" for name in known]))
        return self

    @model_validator(mode="after")
    def _where_weights_come_from(self) -> Recipe:
        given = {key: self.model[key] for key in sorted(_WEIGHTS) if self.model.get(key) is not None}
        for key, value in given.items():
            if not isinstance(value, str) or not value:
                raise ValueError(f"model.{key}={value!r} is not possible: give a folder, or an id of the Hub.")
        if len(given) > 1:
            raise ValueError("model.backbone and model.pretrained both say where weights come from: give one.")
        return self

    @model_validator(mode="after")
    def _stages_say_what_differs(self) -> Recipe:
        for name, stage in self.stages.items():
            if not _STAGE.fullmatch(name):  # it becomes a folder of the run
                raise ValueError(f"stages.{name} is no name of a stage: take letters, digits, - and _.")
            given = [f"model.{key}" for key in sorted(_WEIGHTS & stage.model.keys())]
            if "backbone" in (stage.objective.get("perceptual") or {}):
                given.append("objective.perceptual.backbone")
            if given:
                raise ValueError(f"stages.{name}.{given[0]} is the same for all stages: give it as {given[0]}.")
        return self

    @model_validator(mode="after")
    def _where_checkpoints_go(self) -> Recipe:
        if self.push_checkpoints and self.push_to_hub is None:
            raise ValueError(
                "push_checkpoints=true does not say where to: add push_to_hub=user/name, or leave it out."
            )
        return self

    @property
    def columns(self) -> dict[str, str]:
        """The attributes by their columns; of `attributes: all` once it is `resolved`."""
        if isinstance(self.attributes, str):
            raise ValueError(f"attributes={self.attributes} stands for columns of the data, which were not looked at.")
        return dict(self.attributes)

    def resolved(self, booleans: Callable[[DataRecipe], Iterable[str]]) -> Recipe:
        """The recipe with the columns that `attributes: all` stands for; `booleans` finds them in the data."""
        if not isinstance(self.attributes, str):
            return self
        return self.model_copy(update={"attributes": {column: "boolean" for column in booleans(self.data)}})

    @classmethod
    def read(cls, path: str | Path, overrides: list[str] | None = None) -> Recipe:
        """Read a recipe file, or the one in a folder, and lay `key=value` overrides over it (dotted keys).

        Raises:
            ValueError: naming the key, and the nearest right one or what its value may be.
            FileNotFoundError: where there is no recipe.
        """
        path = Path(path)
        file = path / FILE_NAME if path.is_dir() else path
        values = read_file(file)
        for override in overrides or []:
            override_value(values, override)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ValueError(explain(error) if overrides else f"{file}: {explain(error)}") from None

    def write(self, path: str | Path) -> None:
        """Write the recipe as YAML, whole or not at all."""
        values = self.model_dump(mode="json", exclude_defaults=True)
        write_whole(path, write_text(values))

    def config(self) -> VAEConfig:
        """The network that the recipe describes, without a backbone's configuration.

        Raises:
            ValueError: no such network is possible.
        """
        values = {key: value for key, value in self.model.items() if key not in _WEIGHTS}
        try:
            return VAEConfig(**values, **self.objective.model_dump(include=_OBJECTIVE_FIELDS))
        except StrictDataclassError as error:
            raise ValueError(f"the recipe's model: {error.__cause__ or error}") from error

    def published(self, original: Recipe | None = None) -> Recipe:
        """The recipe without anything that belongs to one machine.

        A local path gives way to what the original says; where that is local too, or says nothing, the last part of
        a network's path stays, and none of that of the data.

        Args:
            original: the recipe file without overrides, so that the published recipe can be run again elsewhere.
        """
        original = original or Recipe()
        data, objective, model = self.data, self.objective, dict(self.model)
        data = data.model_copy(update={"path": _elsewhere(data.path, original.data.path)})
        if (perceptual := objective.perceptual) is not None:
            there = original.objective.perceptual
            name = _elsewhere(perceptual.backbone, there and there.backbone) or Path(perceptual.backbone).name
            objective = objective.model_copy(update={"perceptual": perceptual.model_copy(update={"backbone": name})})
        if (path := model.get("backbone")) is not None:
            model["backbone"] = _elsewhere(path, original.model.get("backbone")) or Path(path).name
        if (path := model.get("pretrained")) is not None:  # the network is described without it
            model["pretrained"] = _elsewhere(path, original.model.get("pretrained"))
        training = {key: value for key, value in self.training.items() if key != "run_name"}
        sections = {"data": data, "objective": objective, "model": model, "training": training}
        if original.attributes == "all":
            sections["attributes"] = "all"
        return self.model_copy(update=sections | {"push_to_hub": None, "push_checkpoints": False})

    def described(self, original: Recipe) -> Recipe:
        """What a card says: `published`, but with the data that were read, where those are others than the original's.

        Args:
            original: the recipe file without overrides. Data sets that it names stand for its own path only.
        """
        publish = self.publish
        if original.data.path not in (None, self.data.path) and publish.datasets == original.publish.datasets:
            publish = publish.model_copy(update={"datasets": []})
        return self.published(original).model_copy(update={"data": self.data, "publish": publish})


def checked_data(values: Mapping[str, Any]) -> DataRecipe:
    """The data section that these values make; a ValueError says what is wrong with one, as for a recipe."""
    try:
        return Recipe.model_validate({"data": values}).data
    except ValidationError as error:
        raise ValueError(explain(error)) from None


def _is_local(path: str) -> bool:
    """Whether it is anything but the name of a repository that no file or folder here has too."""
    is_name = re.fullmatch(r"[\w.-]+(/[\w.-]+)?", path) is not None
    return not is_name or path.startswith((".", "/", "~")) or Path(path).exists()


def _elsewhere(*paths: Any) -> str | None:
    """The first of them that is not local."""
    return next((str(path) for path in paths if path is not None and not _is_local(str(path))), None)


def _all_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """The dotted keys that hold a value, and the names of the sections at the top."""
    keys = []
    for name, field in model.model_fields.items():
        candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
        candidates = [getattr(kind, "__origin__", kind) for kind in candidates]  # of annotated ones what is annotated
        sections = [kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not sections or not prefix:
            keys.append(prefix + name)
        for section in sections:
            keys += _all_keys(section, f"{prefix}{name}.")
    return keys


def _unknown(key: str, known: list[str]) -> str:
    within = [name for name in known if name.startswith(key.rpartition(".")[0]) and key.rpartition(".")[2] in name]
    near = difflib.get_close_matches(key, within or known, n=1, cutoff=0.0)
    return f"{key} is not a key of a recipe: did you mean {near[0]}?" if near else f"{key} is not a key of a recipe."


def explain(error: ValidationError) -> str:
    """Why something is no recipe, in a sentence for each value."""
    problems = [
        problem for problem in error.errors() if problem["type"] != "literal_error" or len(problem["loc"]) != 2
    ]
    problems = problems or error.errors()
    more = f"\nand {len(problems) - MOST_SAID} more." if len(problems) > MOST_SAID else ""
    return "\n".join(_explain(problem) for problem in problems[:MOST_SAID]) + more


def _explain(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"] if "[" not in str(part))  # kinds of a value are no keys
    if problem["type"] == "extra_forbidden":
        known = _all_keys(Recipe)
        known += [f"model.{name}" for name in sorted(_CONFIG_FIELDS | _WEIGHTS)]
        known += [f"training.{name}" for name in sorted(_TRAINING_FIELDS | _OWN_TRAINING_FIELDS)]
        return _unknown(key, known)
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    return f"{key}={problem['input']!r:.200} is not possible: {problem['msg']}."
