"""Files of a model repository on the Hub: one commit, fetched with bounded waits and compared with their digests."""

from __future__ import annotations

import hashlib
import os
import queue
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, ModelInfo, hf_hub_download, snapshot_download
from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_ETAG_TIMEOUT
from huggingface_hub.errors import HFValidationError, HTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.utils import filter_repo_objects, validate_repo_id

from .failures import FAILURES, Stalled, check_token, explained, is_outage, reason, status_of

PATIENCE = 60.0
"""Seconds without one more byte after which a download is given up."""
WAITS = (0.5, 1.0)
"""Seconds before asking again where the Hub answered that it cannot for now."""
COMMIT = re.compile(r"[0-9a-f]{40}")
PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}


def fetch(
    repo_id: str,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    patience: float = PATIENCE,
) -> Path:
    """The folder in the cache that holds files of a repository, all of one commit; what is missing is downloaded.

    A commit that is in the cache is read from there without a question. Where the Hub cannot be reached, the copy in
    the cache is used, with a warning that says so; with HF_HUB_OFFLINE=1 without one.

    Args:
        repo_id: `user/name`.
        required: names of files that must be there.
        optional: names or patterns of files that are wanted where they are there.
        revision: branch, tag or commit; main where none is given.
        token, cache_dir: of huggingface_hub.
        timeout: seconds to wait for each answer; HF_HUB_ETAG_TIMEOUT (10) where none is given.
        patience: seconds without one more byte after which a download is given up.

    Raises:
        FileNotFoundError: no such repository or revision, or a required file is missing.
        PermissionError: it is gated, or the token is wrong.
        ConnectionError: the Hub cannot be reached, and nothing is in the cache.
        ValueError: the id is none, or a file is damaged, which is then removed from the cache.
    """
    check_repo_id(repo_id)
    check_token(token)
    files = _Files(repo_id, (*required,), (*required, *optional), revision, token, Path(cache_dir or HF_HUB_CACHE))
    folder = files.cached() if files.is_certain() else None
    if folder is None:
        try:
            info = _ask(HfApi(token=token), repo_id, revision, timeout or HF_HUB_ETAG_TIMEOUT)
            names = [file.rfilename for file in info.siblings or []]
            refuse_missing(repo_id, required, names)
            folder = _patiently(lambda: files.download(str(info.sha), names), files.root, patience)
            _remember(folder, revision)
        except OfflineModeIsEnabled as error:
            folder = files.cached()
            if folder is None:
                where = f"{repo_id} at {revision or 'main'}"
                raise ConnectionError(
                    f"HF_HUB_OFFLINE is set, and {where} is not in the cache: load it once without."
                ) from error
        except FAILURES as error:
            folder = files.cached() if is_outage(error) else None
            if folder is None:
                raise explained(error, repo_id, revision) from error
            warnings.warn(
                f"The Hub cannot be reached ({reason(error)}): {repo_id} is loaded from the cache, at commit "
                f"{folder.name[:8]}, which may be older than what is published.",
                stacklevel=3,
            )
    refuse_missing(repo_id, required, [path.name for path in folder.iterdir()])
    refuse_damaged(repo_id, folder)
    return folder


@dataclass(frozen=True)
class _Files:
    """Files of a repository, in the cache or not yet."""

    repo_id: str
    required: tuple[str, ...]
    patterns: tuple[str, ...]
    revision: str | None
    token: str | bool | None
    cache: Path

    @property
    def root(self) -> Path:
        """The repository's folder in the cache."""
        return self.cache.expanduser() / f"models--{self.repo_id.replace('/', '--')}"

    def is_certain(self) -> bool:
        """Whether the cache knows which files there are: those of a commit never change."""
        revision = self.revision or ""
        return bool(COMMIT.fullmatch(revision)) and (self.root / "trees" / f"{revision}.json").is_file()

    def cached(self) -> Path | None:
        """The folder in the cache, None where something is missing from it."""
        try:
            folder = self._snapshot(self.revision, local=True)
        except LocalEntryNotFoundError:
            return None
        return folder if all((folder / name).is_file() for name in self.required) else None

    def download(self, commit: str, names: Sequence[str]) -> Path:
        """Fetch what is missing of a commit that has files of these names.

        One after the other: `snapshot_download` has threads of its own, for which a process waits before it ends.
        """
        for name in filter_repo_objects(names, allow_patterns=list(self.patterns)):
            hf_hub_download(self.repo_id, name, revision=commit, token=self.token, cache_dir=self.cache)
        return self._snapshot(commit, local=False)

    def _snapshot(self, revision: str | None, local: bool) -> Path:
        return Path(
            snapshot_download(
                self.repo_id,
                revision=revision,
                token=self.token,
                cache_dir=self.cache,
                allow_patterns=list(self.patterns),
                local_files_only=local,
            )
        )


def check_repo_id(repo_id: str) -> None:
    """Raise a ValueError where this cannot be the id of a repository."""
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise ValueError(f"{repo_id!r} is no Hub id, which looks like user/name.") from error
    if repo_id.count("/") != 1:
        raise ValueError(f"{repo_id!r} is no Hub id, which looks like user/name.")


def refuse_missing(source: object, required: Iterable[str], names: Sequence[str]) -> None:
    """Raise a FileNotFoundError where a required file is not among the names."""
    for name in required:
        if name not in names:
            pickles = sorted(found for found in names if Path(found).suffix in PICKLES)
            hint = (
                f"{pickles[0]} is a pickle, which can run code and is not read: ask for safetensors weights."
                if pickles
                else "give a folder or repository written by save_pretrained."
            )
            raise FileNotFoundError(f"{source} has no {name}, so it is no published VAE; {hint}")


def refuse_damaged(repo_id: str, folder: Path) -> None:
    """Raise a ValueError where a file of the cache has not the digest that it is named after, and remove it.

    The cache names files after what the Hub says of them: the SHA-256 of large ones, the git object id of small ones.
    A cache without symbolic links (on some Windows) has no such names, and is not checked.
    """
    for path in sorted(folder.rglob("*")):
        blob = path.resolve()
        if not path.is_file() or blob == path.absolute() or not re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", blob.name):
            continue
        content = blob.read_bytes()
        digest = (
            hashlib.sha256(content) if len(blob.name) == 64 else hashlib.sha1(b"blob %d\0" % len(content) + content)
        )
        if digest.hexdigest() != blob.name:
            path.unlink()
            blob.unlink()
            raise ValueError(
                f"{path.name} of {repo_id} is damaged: its digest is not the one that the Hub gives. The copy was "
                "removed from the cache: load again."
            )


def _ask(api: HfApi, repo_id: str, revision: str | None, timeout: float) -> ModelInfo:
    """What the Hub says of a revision; asked again where the answer is that it cannot for now."""
    waits = iter(WAITS)
    while True:
        try:
            return api.model_info(repo_id, revision=revision, timeout=timeout)
        except HTTPError as error:
            wait = next(waits, None)
            if wait is None or not is_outage(error) or status_of(error) is None:
                raise
            time.sleep(wait)


def _patiently(work: Callable[[], Path], folder: Path, patience: float) -> Path:
    """Do the work in a thread, and leave it where the folder has not grown for so long.

    Some of the clients' own waits have no end, and what waits in them cannot be stopped; what it still writes to the
    cache afterwards does no harm.
    """
    results: queue.Queue[Path | BaseException] = queue.Queue()

    def run() -> None:
        try:
            results.put(work())
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            results.put(error)

    threading.Thread(target=run, daemon=True).start()
    size = _bytes_in(folder)
    while True:
        try:
            result = results.get(timeout=patience)
        except queue.Empty:
            before, size = size, _bytes_in(folder)
            if size == before:
                raise Stalled(f"nothing came for {patience:g} s") from None
            continue
        if isinstance(result, BaseException):
            raise result
        return result


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:  # renamed meanwhile
            continue
    return total


def _remember(folder: Path, revision: str | None) -> None:
    """Note in the cache which commit a branch or tag was, so that it is found offline."""
    if not COMMIT.fullmatch(revision or ""):
        ref = folder.parents[1] / "refs" / (revision or "main")
        ref.parent.mkdir(parents=True, exist_ok=True)
        unfinished = ref.with_name(f"{ref.name}.{os.getpid()}")
        unfinished.write_text(folder.name)
        unfinished.replace(ref)
