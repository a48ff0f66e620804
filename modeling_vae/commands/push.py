"""`modeling-vae push FOLDER user/name`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from modeling_vae.hub.network import refuse_unreachable

from .push_options import add_push_options, push_options

if TYPE_CHECKING:
    from modeling_vae.hub.commits import PushOptions


def parser(program: str) -> argparse.ArgumentParser:
    """What the command is told."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Publish a folder to the Hub in one commit. Sign in with `hf auth login` or HF_TOKEN first.",
        epilog="Example: %(prog)s runs/pictures-64/published your-name/your-model",
    )
    parser.add_argument("folder", type=Path, help="written by a run, or by save_pretrained")
    parser.add_argument("repo_id", metavar="user/name", help="the repository, which is made where there is none")
    parser.add_argument("--revision", metavar="BRANCH", help="branch, which is made where there is none")
    add_push_options(parser, "Publish the model")
    return parser


def run(arguments: list[str], program: str) -> None:
    options = parser(program).parse_args(arguments)
    if options.folder.is_dir():
        refuse_unreachable(options.repo_id, cached=False)
    from modeling_vae.publishing.repository import push_folder  # takes seconds, and those above need none of it

    wanted: PushOptions = {**push_options(options), "revision": options.revision}
    published = push_folder(options.folder, options.repo_id, **wanted)
    print(published.pr_url or published.commit_url)
