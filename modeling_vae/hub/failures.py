"""What the Hub's errors mean, as a sentence for the person at the keyboard. No sentence holds a token."""

from __future__ import annotations

from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

FAILURES = (HTTPError, ConnectionError, RuntimeError, LocalEntryNotFoundError)
"""What the clients raise: over HTTP, from Xet storage, from an upload, and from a download that found no server."""
SIGN_IN = "sign in with `hf auth login`, set HF_TOKEN, or give token="


class Stalled(ConnectionError):
    """Nothing came for too long."""


def check_token(token: str | bool | None) -> None:
    """Raise a ValueError where a text can be no token, before the libraries put it into a header and into an error."""
    if isinstance(token, str) and not (token.isascii() and token.isprintable() and token.strip() == token != ""):
        raise ValueError("the token given is empty or has characters that no token has: copy it again.")


def status_of(error: BaseException | None) -> int | None:
    """The HTTP status of an error, or of the one that it was raised from."""
    while error is not None:
        if isinstance(error, HfHubHTTPError):
            return error.response.status_code
        error = error.__cause__
    return None


def is_outage(error: BaseException) -> bool:
    """Whether the Hub did not answer, or answered that it cannot for now; not where it refused."""
    status = status_of(error)
    return isinstance(error, FAILURES) and (status is None or status >= 500 or status in (408, 429))


def explained(
    error: Exception, repo_id: str, revision: str | None = None, *, writing: bool = False, kind: str = "model"
) -> OSError:
    """The error as one sentence: FileNotFoundError, PermissionError, or ConnectionError for an outage."""
    status = status_of(error)
    if isinstance(error, GatedRepoError):
        return PermissionError(f"{repo_id} is gated: ask for access on its page on the Hub, then {SIGN_IN}.")
    if isinstance(error, RevisionNotFoundError):
        return FileNotFoundError(
            f"{repo_id} has no revision {revision or 'main'!r}: give a branch, tag or commit of it."
        )
    if isinstance(error, RepositoryNotFoundError) and not writing:
        return FileNotFoundError(
            f"the Hub shows no {kind} {repo_id}: check the name; if it is private, {SIGN_IN} of an account "
            "that may read it."
        )
    if status == 401:
        return PermissionError(f"the Hub wants to know who you are, and knows no such token: {SIGN_IN}.")
    if status in (403, 404) and writing:
        return PermissionError(
            f"this token may not write to {repo_id}: use a write token of its owner, or open a pull "
            "request (create_pr)."
        )
    if status == 403:
        return PermissionError(f"this token may not read {repo_id}: use one of an account with access to it.")
    if status == 412:
        return ConnectionError(f"others keep pushing to {repo_id} at the same time: push again when they are done.")
    return ConnectionError(f"the Hub cannot be reached for {repo_id} ({reason(error)}): try again later.")


def reason(error: BaseException) -> str:
    """In a few words why: "status 503", or the name of what broke off."""
    status = status_of(error)
    if status is not None:
        return f"status {status}"
    while error.__cause__ is not None and isinstance(error, RuntimeError | LocalEntryNotFoundError):
        error = error.__cause__
    return str(error) if isinstance(error, Stalled) else type(error).__name__
