"""One commit to a repository on the Hub: all of it or nothing, whatever fails on the way."""

from __future__ import annotations

import io
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypedDict, Unpack

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import get_session

from .downloads import check_repo_id
from .failures import FAILURES, Stalled, check_token, explained, is_outage, status_of

TIMEOUT = 30.0
"""Seconds to wait for an answer while publishing."""
WAITS = (1.0, 3.0)
"""Seconds before each further try."""
COMMIT_CALL = "/commit/"


class PushOptions(TypedDict, total=False):
    """What every push may be told.

    private: of a new repository. An existing one must be as it says.
    revision: branch, made from main where there is none.
    create_pr: open a pull request instead of writing to the branch.
    commit_message: title of the commit.
    token: see huggingface_hub.
    timeout: seconds to wait for each answer (30).
    deadline: on the clock of `time.monotonic`; after it nothing is begun any more. What is still on its way then may
        arrive, but never on top of anything newer.
    """

    private: bool | None
    revision: str | None
    create_pr: bool
    commit_message: str
    token: str | bool | None
    timeout: float
    deadline: float


@dataclass(frozen=True)
class Head:
    """What a branch of a repository holds: its last commit, and the names of the files."""

    commit: str
    files: frozenset[str]


@dataclass(frozen=True)
class Change:
    """What a commit does: files by their name in the repository (content, or where it lies), and names that go."""

    additions: Mapping[str, bytes | Path]
    deletions: frozenset[str] = frozenset()


def commit(
    repo_id: str,
    change: Callable[[Head], Change],
    *,
    repo_type: str = "model",
    create: Mapping[str, Any] | None = None,
    **options: Unpack[PushOptions],
) -> CommitInfo:
    """Commit a change to a repository, which is made where there is none, on top of the head that it was made for.

    Where the head moved meanwhile, the change is made anew for the new one: two pushes at once give two whole states,
    one after the other. The same happens where the answer was lost: what was already committed is no change any more.
    A change of nothing makes no commit; the head is returned.

    Args:
        repo_id: `user/name`.
        change: head -> what to change; called once more for every further try.
        repo_type: "model", "dataset" or "space".
        create: further arguments of `create_repo`, used where the repository is made.
        options: see `PushOptions`.

    Raises:
        ValueError: no such id, a visibility other than asked for, or a card that the Hub refuses.
        FileNotFoundError: a pull request to a repository or branch that does not exist.
        PermissionError: the token is missing, wrong, or may not write there.
        ConnectionError: the Hub cannot be reached or keeps failing; nothing was published unless the message says that
            it may have been.
    """
    private, revision, create_pr = options.get("private"), options.get("revision"), options.get("create_pr", False)
    token, message = options.get("token"), options.get("commit_message", "Upload")
    timeout, deadline = options.get("timeout", TIMEOUT), options.get("deadline", math.inf)
    check_repo_id(repo_id)
    check_token(token)
    if revision is not None and not revision.strip():
        raise ValueError("revision is empty: give the name of a branch, or leave it out for main.")
    api = HfApi(token=token)
    waits = iter(WAITS)
    while True:
        try:
            with bounded_waits(timeout):
                head = _head(api, repo_id, repo_type, create or {}, private, revision, create_pr, timeout)
                wanted = change(head)
                if time.monotonic() > deadline:
                    raise Stalled("it took too long")
                return api.create_commit(
                    repo_id,
                    _operations(wanted),
                    commit_message=message,
                    repo_type=repo_type,
                    revision=revision,
                    create_pr=create_pr,
                    parent_commit=head.commit,
                )
        except FAILURES as error:
            wait = next(waits, None)
            if wait is not None and _may_try_again(error, create_pr) and time.monotonic() + wait < deadline:
                time.sleep(wait)
                continue
            explanation = explained(
                error, repo_id, revision, writing=not isinstance(error, RevisionNotFoundError), kind=repo_type
            )
            if _answer_lost(error):
                raise ConnectionError(
                    f"{explanation} The commit was sent and may have been made: look at {repo_id} first."
                ) from error
            raise explanation from error


def _head(
    api: HfApi,
    repo_id: str,
    repo_type: str,
    create: Mapping[str, Any],
    private: bool | None,
    revision: str | None,
    create_pr: bool,
    timeout: float,
) -> Head:
    """The branch's last commit; the repository and the branch are made where they are missing."""
    look: Callable[[], Any] = partial(api.repo_info, repo_id, repo_type=repo_type, revision=revision, timeout=timeout)
    try:
        info = look()
    except RevisionNotFoundError:
        if create_pr or str(revision).startswith("refs/"):  # that is no branch's name, but a pull request's
            raise
        api.create_branch(repo_id, branch=str(revision), repo_type=repo_type, exist_ok=True)
        info = look()
    except RepositoryNotFoundError as error:
        if create_pr:
            raise explained(error, repo_id, kind=repo_type) from error
        api.create_repo(repo_id, repo_type=repo_type, private=private, exist_ok=True, **create)
        if revision is not None:
            api.create_branch(repo_id, branch=revision, repo_type=repo_type, exist_ok=True)
        info = look()
    if private is not None and info.private is not None and bool(info.private) != private:
        seen = "private" if info.private else "public"
        raise ValueError(
            f"{repo_id} exists and is {seen}: change that in its settings on the Hub, or leave out private={private}."
        )
    return Head(str(info.sha), frozenset(file.rfilename for file in info.siblings or []))


def _operations(change: Change) -> list[CommitOperationAdd | CommitOperationDelete]:
    # File objects go over plain HTTP, whose waits can be bounded; paths would go through Xet storage, whose cannot.
    return [
        *(
            CommitOperationAdd(name, io.BytesIO(content if isinstance(content, bytes) else content.read_bytes()))
            for name, content in sorted(change.additions.items())
        ),
        *(CommitOperationDelete(name, is_folder=False) for name in sorted(change.deletions)),
    ]


def _may_try_again(error: Exception, create_pr: bool) -> bool:
    """Whether another try can help and do no harm. What the client tried many times already is not tried again."""
    status = status_of(error)
    if status == 412:
        return True
    if not is_outage(error) or isinstance(error, RuntimeError):
        return False
    if status is None:
        return _answer_lost(error) and not create_pr  # a pull request may be open by now, and would be opened twice
    return not any(part in _path(error) for part in ("/preupload/", "/info/lfs/"))


def _answer_lost(error: Exception) -> bool:
    """Whether a commit was sent, and no answer came."""
    return status_of(error) is None and COMMIT_CALL in _path(error)


def _path(error: Exception) -> str:
    """The path that was asked for, "" where the error does not know."""
    try:
        result: str = error.request.url.path  # type: ignore[attr-defined]
        return result
    except (AttributeError, RuntimeError):
        return ""


class _Bounded:
    """How many threads want the clients' shared session bounded just now, and what it was before the first of them."""

    lock = threading.Lock()
    users = 0
    before: Any = None


@contextmanager
def bounded_waits(timeout: float = TIMEOUT) -> Iterator[None]:
    """The clients' shared session waits for ever by itself: let it give up, and be as it was when all are done."""
    session, hint = get_session(), logging.getLogger("huggingface_hub._commit_api")
    with _Bounded.lock:
        if _Bounded.users == 0:
            _Bounded.before = session.timeout
            hint.addFilter(_not_about_xet)
        _Bounded.users += 1
        session.timeout = timeout
    try:
        yield
    finally:
        with _Bounded.lock:
            _Bounded.users -= 1
            if _Bounded.users == 0:
                session.timeout = _Bounded.before
                hint.removeFilter(_not_about_xet)


def _not_about_xet(record: logging.LogRecord) -> bool:
    return "not supported by Xet" not in record.getMessage()
