"""What every command that pushes may be told."""

from __future__ import annotations

import argparse

from modeling_vae.hub.commits import PushOptions


def add_push_options(parser: argparse.ArgumentParser, message: str) -> None:
    """Register the options that `pushed` reads; `message` is the default title of the commit."""
    parser.add_argument("--private", action="store_true", help="make a new repository private")
    parser.add_argument("--create-pr", action="store_true", help="open a pull request")
    parser.add_argument("--message", default=message, help="title of the commit (default: %(default)s)")


def push_options(options: argparse.Namespace) -> PushOptions:
    """The options of a command line as the functions that push take them."""
    return {
        "private": options.private or None,
        "create_pr": options.create_pr,
        "commit_message": options.message,
    }
