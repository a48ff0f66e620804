"""A published folder that a killed run had put aside comes back."""

from __future__ import annotations

import os
import shutil

import pytest
from tiny import tiny_model

from modeling_vae import VAEPipeline
from modeling_vae.hub.published_folder import write_published_folder
from modeling_vae.training.recipe import Recipe


class Unreadable:
    @property
    def train(self):
        raise OSError("the pictures cannot be read")


def test_a_folder_that_was_put_aside_comes_back(published, tmp_path):
    """Killed between the two renames, the run finds it under its name, even where it then fails."""
    shutil.copytree(published, tmp_path / "cats.old")
    with pytest.raises(OSError, match="the pictures cannot be read"):
        write_published_folder(tiny_model(), Recipe(), Unreadable(), tmp_path / "cats", original=Recipe(), run={})
    assert "cats.old" not in os.listdir(tmp_path)
    assert VAEPipeline.from_pretrained(tmp_path / "cats").weights_sha256
