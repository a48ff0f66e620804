"""The endpoints as tools, asked by a real MCP client."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path

import mcp
import numpy as np
import pytest
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from app.face_recipes import Drawn, FaceRecipe
from app.layout import build
from app.theme import appearance

FACE = {"seed": 2, "face": 0}


@pytest.fixture(scope="module")
def address(studio, tmp_path_factory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("files")))
        page = build(studio)
        look = {name: value for name, value in appearance(studio, mcp=True).items() if name == "mcp_server"}
        _, url, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **look)
        yield f"{url}gradio_api/mcp/"
        page.close(verbose=False)


def ask(address: str, tool: str, progress=None, **given) -> mcp.types.CallToolResult:
    async def asked():
        async with streamable_http_client(address) as (read, write, _), mcp.ClientSession(read, write) as session:
            await session.initialize()
            return await session.call_tool(tool, given, progress_callback=progress)

    return asyncio.run(asked())


def picture(content: mcp.types.ImageContent) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content.data))))


def test_every_door_is_a_tool_with_words(address):
    async def listed():
        async with streamable_http_client(address) as (read, write, _), mcp.ClientSession(read, write) as session:
            await session.initialize()
            return (await session.list_tools()).tools

    tools = {tool.name: tool for tool in asyncio.run(listed())}
    assert len(tools) == 11 and all(tool.description for tool in tools.values())
    asked = tools["edit"].inputSchema
    assert set(asked["required"]) == {"face", "changes"} and all(
        p["description"] for p in asked["properties"].values()
    )


async def _heard(*_: object) -> None:
    """How far it is, which nobody looks at."""


@pytest.mark.parametrize("progress", [None, _heard])
def test_an_edit_is_a_picture_and_what_is_seen_in_it(address, studio, progress):
    answer = ask(address, "edit", progress, face=FACE, changes={"smiling": 2.0})
    shown, where, seen = answer.content
    expected = studio.finished(FaceRecipe(Drawn(2, 0, 0.8)).edited({"smiling": 2.0}, []))
    assert np.array_equal(picture(shown), np.asarray(expected)) and "http://127.0.0.1" in where.text
    assert set(json.loads(seen.text)["smiling"]) == {"value", "probability"}


def test_new_faces_are_pictures_and_recipes(address):
    answer = ask(address, "new_faces", seed=3, count=2)
    assert [part.type for part in answer.content] == ["image", "text", "image", "text", "text"]
    recipes = json.loads(answer.content[-1].text)
    assert [recipe["face"] for recipe in recipes] == [0, 1]
    again = ask(address, "edit", face=recipes[1], changes={})
    assert np.array_equal(picture(again.content[0]), picture(answer.content[2]))


def test_a_photo_comes_as_text(address, photo: Path):
    """Agents have photos as data or at an address; one on this machine is not theirs to name."""
    data = "data:image/jpeg;base64," + base64.b64encode(photo.read_bytes()).decode()
    answer = ask(address, "edit_photo", photo=data, changes={"smiling": 2.0})
    assert picture(answer.content[0]).shape == (180, 240, 3)
    assert ask(address, "edit_photo", photo=str(photo), changes={}).isError


def test_what_is_wrong_is_one_sentence(address):
    answer = ask(address, "edit", face=FACE, changes={"flying": 2.0})
    assert answer.isError and "'flying' is not an attribute" in answer.content[0].text
