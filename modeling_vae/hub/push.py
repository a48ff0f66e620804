"""`python -m modeling_vae push FOLDER user/name`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .publishing import push_folder


def add_push(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the sub-command."""
    parser = commands.add_parser(
        "push",
        help="publish a folder to the Hub",
        description="Publish a folder to the Hub in one commit. Sign in with `hf auth login` or HF_TOKEN first.",
    )
    parser.add_argument("folder", type=Path, help="written by a run, or by save_pretrained")
    parser.add_argument("repo_id", metavar="user/name", help="the repository, which is made where there is none")
    parser.add_argument("--private", action="store_true", help="make a new repository private")
    parser.add_argument("--revision", metavar="BRANCH", help="branch, which is made where there is none")
    parser.add_argument("--create-pr", action="store_true", help="open a pull request")
    parser.add_argument("--message", default="Publish the model", help="title of the commit (default: %(default)s)")
    parser.set_defaults(run=push)


def push(options: argparse.Namespace) -> None:
    published = push_folder(
        options.folder,
        options.repo_id,
        private=options.private or None,
        revision=options.revision,
        create_pr=options.create_pr,
        commit_message=options.message,
    )
    print(published.pr_url or published.commit_url)
