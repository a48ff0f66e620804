"""`python -m app` before there is a page."""

import socket

import gradio as gr
import pytest
from gradio import networking

from app.__main__ import NOT_SHARED, main, parse
from modeling_vae.recipes.bundled import default_model


def test_defaults():
    options = parse([])
    assert options.model == default_model() and (options.model / "model.safetensors").is_file()
    assert options.port is None and options.host is None and options.share is False and options.mcp is False


def test_options():
    options = parse(["--model", "user/name", "--port", "7999", "--host", "0.0.0.0", "--share"])
    assert (str(options.model), options.port, options.host, options.share) == ("user/name", 7999, "0.0.0.0", True)


def test_help_explains_every_option(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(["--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    assert all(option in text for option in ("--model", "--port", "--host", "--share", "--mcp", "GRADIO_SERVER_PORT"))


def test_a_port_that_is_taken_is_one_sentence_before_anything_is_loaded(capsys, monkeypatch):
    monkeypatch.setattr("app.shelf.open_studio", lambda model: pytest.fail("loaded"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--host", "127.0.0.1", "--port", str(port)]) == 1
    message = capsys.readouterr().err
    assert "The studio cannot be opened: " in message and str(port) in message and message.count("\n") == 1


def test_a_port_that_is_none_is_one_sentence(capsys):
    assert main(["--port", "99999"]) == 1
    assert capsys.readouterr().err == "The studio cannot be opened: bind(): port must be 0-65535.\n"


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_a_model_that_cannot_be_loaded_is_one_sentence(folder, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["--model", str(tmp_path / folder)]) == 1
    message = capsys.readouterr().err
    assert message.startswith("The model ") and "cannot be loaded" in message and "Traceback" not in message


def test_mcp_without_its_package_is_one_sentence(published, capsys, monkeypatch):
    monkeypatch.setattr("app.__main__.find_spec", lambda name: None)
    assert main(["--model", str(published), "--mcp"]) == 1
    assert "pip install 'gradio[mcp]'" in capsys.readouterr().err


def test_a_public_address_that_nobody_gives_is_one_sentence_and_the_page_opens(published, capsys, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(networking, "GRADIO_API_SERVER", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setattr(networking, "GRADIO_SHARE_SERVER_ADDRESS", None)
        opened = []
        monkeypatch.setattr(gr.Blocks, "launch", lambda page, **options: opened.append(options["share"]))
        assert main(["--model", str(published), "--share"]) == 0
    assert opened == [False]
    assert capsys.readouterr().err == f"{NOT_SHARED}\n"
