"""What people, files, disks and networks do is a sentence and status 1; a fault of ours stays a traceback."""

from __future__ import annotations

import zipfile
from pickle import UnpicklingError

import pytest
import torch
import yaml
from huggingface_hub.errors import HfHubHTTPError, StrictDataclassFieldValidationError
from safetensors import SafetensorError

from modeling_vae import VAEConfig
from modeling_vae.commands.main import main
from modeling_vae.refusals import answered, refusals


def raising(error: BaseException):
    def work() -> None:
        raise error

    return work


def yaml_error() -> yaml.YAMLError:
    try:
        yaml.safe_load("a: [1")
    except yaml.YAMLError as error:
        return error
    raise AssertionError


def strict_error() -> Exception:
    try:
        VAEConfig(latent_dim="x")
    except refusals() as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("give another."), "give another."),
        (PermissionError(13, "Permission denied", "a.png"), "Permission denied"),
        (ConnectionResetError("reset"), "reset"),
        (TimeoutError(), "TimeoutError"),
        (zipfile.BadZipFile("File is not a zip file"), "damaged or cut off (File is not"),
        (SafetensorError("header too small"), "damaged or cut off"),
        (UnpicklingError("x"), "damaged"),
        (EOFError(), "damaged or cut off (EOFError)"),
        (MemoryError(), "memory is full"),
        (torch.OutOfMemoryError("CUDA"), "memory is full"),
        (yaml_error(), "no valid YAML"),
        (strict_error(), "latent_dim"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_refusal_is_one_sentence_and_status_one(error, words, capsys):
    assert answered(raising(error), "stopped.") == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and words in said and "Traceback" not in said
    assert len(said.strip().splitlines()) == 1


def test_what_belongs_is_of_these_kinds():
    assert issubclass(HfHubHTTPError, refusals()) and issubclass(StrictDataclassFieldValidationError, refusals())


@pytest.mark.parametrize("fault", [TypeError("x"), KeyError("x"), AttributeError("x"), RuntimeError("x")])
def test_a_fault_stays_one(fault):
    with pytest.raises(type(fault)):
        answered(raising(fault), "stopped.")


def test_stopped_says_how_it_goes_on(capsys):
    assert answered(raising(KeyboardInterrupt()), "stopped: again.") == 130
    assert capsys.readouterr().err == "stopped: again.\n"
    assert answered(lambda: None, "stopped.") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "/no/such/folder"],
        ["push", "/no/such/folder", "user/name"],
        ["push-space", "user/space", "--model", "user/name", "--torch-index", "https://me:SECRET@host"],
        ["prepare", "/no/such/folder", "--to", "/no/where/at/all"],
        ["train", "/no/such/recipe"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_command_has_this_door(arguments, capsys):
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert "error: " in said and "Traceback" not in said and "SECRET" not in said
