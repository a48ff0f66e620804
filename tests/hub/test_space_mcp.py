"""A Space on which the package mcp is installed: agents have its tools, and its page says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import mcp
import pytest
import visiting
from mcp.client.streamable_http import streamable_http_client

from modeling_vae.publishing.space import DISTRIBUTIONS, build_space

from .spaces import python_with, running, space_environment

browser = visiting.browser


@pytest.fixture(scope="module")
def address(model, running_hub, tmp_path_factory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("space")
    build_space(home / "app", model)
    python = python_with((*DISTRIBUTIONS, "mcp"), home / "python")
    with running(python, home / "app", space_environment(running_hub, home)) as url:
        yield url


def test_tools_are_served(address):
    async def asked():
        transport = streamable_http_client(f"{address}gradio_api/mcp/")
        async with transport as (read, write, _), mcp.ClientSession(read, write) as session:
            await session.initialize()
            names = [tool.name for tool in (await session.list_tools()).tools]
            face = {"face": {"seed": 2, "face": 0}, "changes": {"smiling": 2.0}}
            return names, await session.call_tool("studio_edit", face)

    names, answer = asyncio.run(asked())
    assert len(names) == 11 and all(name.startswith("studio_") for name in names), "as the Hub names them"
    assert [part.type for part in answer.content] == ["image", "text", "text"]
    assert "smiling" in json.loads(answer.content[-1].text)


@pytest.mark.browser
def test_its_page_says_so_and_nothing_is_missing(address, browser):
    context = browser.new_context(**visiting.DESKTOP)
    context.set_default_timeout(visiting.MILLISECONDS)
    page = context.new_page()
    failed: list[str] = []
    page.on("response", lambda got: failed.append(got.url) if got.status >= 400 else None)
    page.goto(address)
    page.wait_for_selector(visiting.GRID)
    visiting.open_doors(page).click()
    page.get_by_text("studio_edit").first.wait_for()
    context.close()
    assert failed == []
