"""`python -m modeling_vae push FOLDER user/name`."""

from __future__ import annotations

import argparse
from pathlib import Path

from modeling_vae.hub.commits import PushOptions
from modeling_vae.publishing.repository import push_folder

from .push_options import add_push_options, push_options


def add_push(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the sub-command."""
    parser = commands.add_parser(
        "push",
        help="publish a folder to the Hub",
        description="Publish a folder to the Hub in one commit. Sign in with `hf auth login` or HF_TOKEN first.",
    )
    parser.add_argument("folder", type=Path, help="written by a run, or by save_pretrained")
    parser.add_argument("repo_id", metavar="user/name", help="the repository, which is made where there is none")
    parser.add_argument("--revision", metavar="BRANCH", help="branch, which is made where there is none")
    add_push_options(parser, "Publish the model")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    wanted: PushOptions = {**push_options(options), "revision": options.revision}
    published = push_folder(options.folder, options.repo_id, **wanted)
    print(published.pr_url or published.commit_url)
