"""`modeling-vae push-space user/space --model user/name`."""

from __future__ import annotations

import argparse

from modeling_vae.hub.network import refuse_unreachable

from .push_options import add_push_options, push_options


def parser(program: str) -> argparse.ArgumentParser:
    """What the command is told."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Create or update a Space that runs the studio with a model, in one commit. Sign in with "
        "`hf auth login` or HF_TOKEN first.",
        epilog="Example: %(prog)s your-name/your-space --model your-name/your-model",
    )
    parser.add_argument("space_id", metavar="user/space", help="the Space, which is made where there is none")
    parser.add_argument("--model", required=True, metavar="user/name", help="a model that is published on the Hub")
    parser.add_argument(
        "--revision", help="branch, tag or commit of the model to stay with (default: whatever main is at each start)"
    )
    parser.add_argument("--hardware", help="such as cpu-upgrade (default: what the Hub gives)")
    parser.add_argument(
        "--torch-index",
        metavar="URL",
        help="package index with CPU builds of PyTorch, as its installation page names one: spares the Space the CUDA "
        "libraries of the default build",
    )
    parser.add_argument(
        "--static",
        action="store_true",
        help="a page that draws, edits and morphs in the visitor's browser, with no studio behind it and no hardware",
    )
    add_push_options(parser, "Run the studio")
    return parser


def run(arguments: list[str], program: str) -> None:
    options = parser(program).parse_args(arguments)
    if options.static and (options.hardware or options.torch_index):
        raise ValueError("a static Space computes nothing: leave --hardware and --torch-index out, or --static.")
    refuse_unreachable(options.space_id, cached=False)
    if options.static:
        from modeling_vae.publishing.static_space import push_static_space

        pushed = push_static_space(
            options.space_id, options.model, model_revision=options.revision, **push_options(options)
        )
        print(pushed.pr_url or pushed.commit_url)
        return
    from modeling_vae.publishing.space import push_space  # takes seconds, and those above need none of it

    published = push_space(
        options.space_id,
        options.model,
        model_revision=options.revision,
        torch_index=options.torch_index,
        hardware=options.hardware,
        **push_options(options),
    )
    print(published.pr_url or published.commit_url)
