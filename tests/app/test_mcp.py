"""The endpoints as tools, asked by a real MCP client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from app.layout import build
from app.theme import appearance

mcp = pytest.importorskip("mcp", reason="the package mcp is not installed")


@pytest.fixture
def address(studio, tmp_path, monkeypatch) -> Iterator[str]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    page = build(studio)
    look = {name: value for name, value in appearance(studio, mcp=True).items() if name == "mcp_server"}
    _, url, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **look)
    yield f"{url}gradio_api/mcp/"
    page.close(verbose=False)


def test_tools_are_listed_with_words_and_called(address):
    from mcp.client.streamable_http import streamable_http_client

    async def ask():
        async with streamable_http_client(address) as (read, write, _), mcp.ClientSession(read, write) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            edit = next(tool for tool in tools if tool.name.endswith("edit"))
            face = {"face": {"seed": 2, "face": 0}, "changes": {"smiling": 2.0}}
            return tools, await session.call_tool(edit.name, face)

    tools, answer = asyncio.run(ask())
    assert len(tools) == 10 and all(tool.description for tool in tools)
    assert not answer.isError and any("smiling" in getattr(part, "text", "") for part in answer.content)
