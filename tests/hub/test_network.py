"""Without a network the answer comes at once, and the libraries are as they were afterwards."""

from __future__ import annotations

import logging
import os
import socket

import pytest
from answering import free_port
from huggingface_hub import constants
from transformers import AutoModel, MobileNetV2Config, MobileNetV2Model
from transformers.utils.logging import tqdm

from modeling_vae import VAEConfig, VAEModel
from modeling_vae.hub.network import fetching, offline_where_unreachable, reachable


@pytest.fixture(autouse=True)
def online(monkeypatch):
    """As if nobody had said that there is no network, and no proxy."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    reachable.cache_clear()
    yield
    reachable.cache_clear()


def test_an_address_that_answers_and_one_that_does_not():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert reachable(f"http://127.0.0.1:{server.getsockname()[1]}")
    assert not reachable(f"http://127.0.0.1:{free_port()}")
    assert not reachable("https://no-such-host.invalid")


def test_a_proxy_is_asked_itself(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.invalid:3128")
    assert reachable("https://no-such-host.invalid")


def test_the_libraries_look_into_the_cache_alone_and_are_as_before_afterwards(monkeypatch, caplog):
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{free_port()}")
    for _ in range(2):
        with offline_where_unreachable():
            assert constants.HF_HUB_OFFLINE and os.environ["HF_HUB_OFFLINE"] == "1"
        assert not constants.HF_HUB_OFFLINE and "HF_HUB_OFFLINE" not in os.environ
    assert "cannot be reached from here" in caplog.text


@pytest.mark.filterwarnings("ignore")
def test_a_network_loads_without_a_word_and_others_keep_theirs(tmp_path, capfd, caplog):
    """Neither a bar, nor that no weights are shared among processes, nor that a head has no weights."""
    config = MobileNetV2Config(image_size=32, depth_multiplier=0.25)
    MobileNetV2Model(config).save_pretrained(tmp_path)
    capfd.readouterr()
    with caplog.at_level(logging.INFO):
        with fetching(str(tmp_path)):
            AutoModel.from_pretrained(tmp_path)
            VAEModel.from_backbone(VAEConfig(image_size=32, latent_dim=4, hidden_channels=[8, 8]), str(tmp_path))
        assert capfd.readouterr().err == "" and caplog.messages == []
        assert list(tqdm(range(2), desc="Downloading")) == [0, 1]
        AutoModel.from_pretrained(tmp_path)
    assert "Downloading" in (said := capfd.readouterr().err) and "Loading weights" in said


def test_what_is_here_asks_nobody(monkeypatch, tmp_path):
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("a question"))
    loader = logging.getLogger("transformers.modeling_utils")
    before = loader.level
    with fetching(str(tmp_path)):
        assert not constants.HF_HUB_OFFLINE and not loader.isEnabledFor(logging.WARNING)
    assert loader.level == before
