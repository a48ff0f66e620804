"""The doors as tools of MCP: what an agent gets is pictures, and words that it can parse.

Gradio 6.31 hands several outputs of a tool over as one, and pictures within a list as words about them; an agent
elsewhere has nothing of either.
"""

from __future__ import annotations

import json
from typing import Any

import gradio.mcp
from gradio_client.utils import is_file_obj_with_meta


class Tools(gradio.mcp.GradioMCPServer):
    """Gradio's MCP server, which answers output by output, and picture by picture."""

    def postprocess_output_data(self, data: Any, root_url: str) -> Any:
        outputs = [one for output in data for one in (output if isinstance(output, tuple) else (output,))]
        return super().postprocess_output_data([part for one in outputs for part in _parts(one)], root_url)


def serve_tools() -> None:
    """Have Gradio make its MCP server, where one is asked for, of this kind."""
    gradio.mcp.GradioMCPServer = Tools  # type: ignore[misc]


def _parts(output: Any) -> list[Any]:
    """Files one by one; of all else its JSON."""
    if is_file_obj_with_meta(output):
        return [output]
    if isinstance(output, list) and output and all(is_file_obj_with_meta(one) for one in output):
        return output
    return [output if isinstance(output, str) else json.dumps(output)]
