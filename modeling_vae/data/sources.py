"""Opening a data set (Hub id, folder of pictures, parquet, webdataset) as rows of encoded pictures and labels."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from torch.utils.data import get_worker_info

from .labels import Label, LabelReader, label_reader
from .local_files import PlainNames, local_files
from .marks import Marks, read_marks
from .picture_folder import IMAGE_COLUMN, LABEL_COLUMN, LeftOut, PictureFolder
from .settings import DataSettings

if TYPE_CHECKING:
    import datasets
README = "README.md"
Shuffle = tuple[int, int, int]  # seed, pass, buffer size
_SINGLE_FILES = {".parquet": "parquet", ".tar": "webdataset"}


@dataclass(frozen=True)
class Row:
    """One picture as the data set holds it: `data` are the encoded bytes, or else `path` says where they lie.

    `marks` are there where pictures are cropped by what is annotated in them.
    """

    name: str
    data: bytes | None
    path: str | None
    labels: Mapping[str, Label]
    marks: Marks | None = None


class Source:
    """A data set that has been found, and is opened when its rows are asked for.

    Local files are read where they lie; what is on the Hub is downloaded by `datasets` (or read on the way, when
    streaming). A folder of pictures is read by `PictureFolder`, all else by `datasets`. Fields of the recipe that name
    what is not there are refused on opening, before anything is read.
    """

    def __init__(self, data: DataSettings, attributes: Mapping[str, str]) -> None:
        if not data.path:
            raise ValueError("data.path is missing; give a folder of pictures, a parquet or tar file, or a Hub id.")
        if data.train == data.validation:
            raise ValueError(
                f"data.train and data.validation are both {data.train!r}; name another split for validation, "
                "or set the share of train to take for it, such as 0.1."
            )
        self._path, self._data, self._attributes = data.path, data, dict(attributes)
        self._crop = None if isinstance(data.crop, str) else data.crop
        self._root = os.path.realpath(os.path.expanduser(data.path))
        is_folder = data.name is None and os.path.isdir(self._root)
        self._folder = PictureFolder.open(self._root) if is_folder else None
        if self._folder is not None:
            _check_splits(data, self._folder)
        self._files = local_files(self._root) if self._folder is None else self._folder.paths
        if self._files is None and not _is_hub_id(data.path):
            raise ValueError(f"data.path is {data.path!r}, which does not exist; give a folder, a file or a Hub id.")
        self._datasets: dict[str, Any] = {}
        self._features: dict[str, Mapping[str, Any]] = {}
        self._readers: dict[str, dict[str, LabelReader]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Without what is open, which a process that gets the source opens for itself."""
        state = self.__dict__ | {"_datasets": {}, "_features": {}, "_readers": {}}
        state.pop("_builder", None)
        state.pop("_plain", None)
        return state

    @property
    def fingerprint(self) -> str:
        """A digest of the files' names and of their versions: size and time of change, or the commit on the Hub."""
        versions: list[Any] = [self._path if self._files is None else self._root, self._data.name]
        if self._files is None:
            for split, files in (self._builder.config.data_files or {}).items():
                versions.append([str(split), list(files), files.origin_metadata])
        else:
            for file in self._files:
                status = os.stat(file)
                versions.append([file, status.st_size, status.st_mtime_ns])
        return hashlib.sha256(json.dumps(versions, default=str).encode()).hexdigest()

    @property
    def left_out(self) -> LeftOut:
        """What else there is in a folder of pictures."""
        if self._folder is None:
            return LeftOut()
        return self._folder.left_out(_splits_of(self._data))

    def check(self, split: str) -> None:
        """Opens `split` and raises ValueError where the image column or an attribute's column is missing in it."""
        if self._folder is None:
            self._open(split)
        else:
            self._check_columns(self._folder)

    def booleans(self, split: str) -> list[str]:
        """Columns that are true or false in every row of `split` that says anything, in their order.

        Of a table beside pictures that is what its cells say; what `datasets` reads has types.
        """
        if self._folder is not None:
            return self._folder.booleans(split)
        self._open(split)
        return [column for column, feature in self._features[split].items() if _is_boolean(feature)]

    def rows(
        self, split: str, limit: int | None = None, shuffle: Shuffle | None = None, share: tuple[int, int] = (0, 1)
    ) -> Iterator[Row]:
        """The rows of `split`, the first `limit` of them, in order or shuffled, which only a stream can be.

        Of a share (i, n) it is the i-th of n parts, which workers share further.
        """
        if self._folder is not None:
            yield from self._pictures(self._folder, split, limit, shuffle, share)
            return
        dataset = self._open(split)
        if limit is not None:
            dataset = dataset.take(limit)
        if shuffle is not None:
            seed, number, buffer_size = shuffle
            dataset = dataset.shuffle(seed=seed, buffer_size=buffer_size)
            dataset.set_epoch(number)
        if share[1] > 1:
            from datasets.distributed import split_dataset_by_node

            dataset = split_dataset_by_node(dataset, *share)
        readers = self._readers[split]
        with self._naming_damage(split):
            for number, row in enumerate(dataset):
                picture = row[self._data.image_column] or {}
                path = picture.get("path")
                name = f"{split}[{number}]" + (f" ({self._relative(path)})" if path else "")
                with _naming_row(name):
                    labels = {column: read(_cell(row, column)) for column, read in readers.items()}
                    marks = self._marks(partial(_cell, row))
                yield Row(name, picture.get("bytes"), path, labels, marks)

    def _pictures(
        self, folder: PictureFolder, split: str, limit: int | None, shuffle: Shuffle | None, share: tuple[int, int]
    ) -> Iterator[Row]:
        """`rows` of a folder of pictures; a worker among several gets its part of the share."""
        self._check_columns(folder)
        names = folder.names(folder.split(split) or split, limit, shuffle and shuffle[:2])
        worker = get_worker_info()
        workers, own = (worker.num_workers, worker.id) if worker is not None else (1, 0)
        first, step = share[0] * workers + own, share[1] * workers
        classes = folder.classes if folder.has_classes else None
        readers = {
            column: label_reader(column, kind, classes if column == LABEL_COLUMN else None)
            for column, kind in self._attributes.items()
        }
        for number in range(first, len(names), step):
            row = folder.values(names[number])
            with _naming_row(row.place):
                labels = {column: read(row.values.get(column)) for column, read in readers.items()}
                marks = self._marks(row.values.get)
            name = f"{split}[{number}] ({names[number]})"
            yield Row(name, None, os.path.join(self._root, names[number]), labels, marks)

    @property
    def _marked_columns(self) -> tuple[str, ...]:
        """The columns that the crop goes by."""
        return self._crop.columns if self._crop is not None else ()

    def _marks(self, cell: Callable[[str], Any]) -> Marks | None:
        return read_marks(self._crop, cell) if self._crop is not None else None

    def _check_columns(self, folder: PictureFolder) -> None:
        column = self._data.image_column
        if column != IMAGE_COLUMN and column in folder.columns:
            raise ValueError(
                f"data.image_column is {column!r}, but that column holds no pictures; those with pictures are: "
                f"{IMAGE_COLUMN}."
            )
        _check_name("data.image_column", column, "column", [IMAGE_COLUMN])
        for column in self._marked_columns:
            _check_name("data.crop", column, "column", folder.columns)
        for column, kind in self._attributes.items():
            _check_name("attributes", column, "column", folder.columns)
            label_reader(column, kind, folder.classes if column == LABEL_COLUMN and folder.has_classes else None)

    def _open(self, split: str) -> Any:
        """The `datasets` split with its pictures left encoded and no columns but those that are used."""
        if split in self._datasets:
            return self._datasets[split]
        import datasets

        with self._naming_damage(split):
            if self._files is not None or self._data.streaming:
                # Streams from the Hub decode in threads of their own, unless told not to before anything else.
                dataset = self._builder.as_streaming_dataset(split=split).decode(False)
            else:
                self._builder.download_and_prepare()
                dataset = self._builder.as_dataset(split=split)
        features = dataset.features
        self._features[split] = features
        self._check_image_column(features)
        columns = _known_columns(features)
        for column in self._marked_columns:
            _check_name("data.crop", column, "column", columns)
        for column in self._attributes:
            _check_name("attributes", column, "column", columns)
        self._readers[split] = {
            column: label_reader(column, kind, getattr(_feature(features, column), "names", None))
            for column, kind in self._attributes.items()
        }
        cells = [*self._attributes, *self._marked_columns]
        used = {self._data.image_column, *(c if c in features else c.split(".", 1)[0] for c in cells)}
        dataset = dataset.select_columns(sorted(used))
        self._datasets[split] = dataset.cast_column(self._data.image_column, datasets.Image(decode=False))
        return self._datasets[split]

    @cached_property
    def _builder(self) -> datasets.DatasetBuilder:
        self._plain = PlainNames()
        root, files = self._plain.of(self._root, self._files)
        with self._naming_damage(self._data.train):
            builder = _open_builder(self._path, self._data.name, root, files)
        splits = [str(split) for split in builder.config.data_files or {}]
        _check_name("data.train", self._data.train, "split", splits)
        if isinstance(self._data.validation, str):
            remedy = ", or set the share of train to take for it, such as 0.1"
            _check_name("data.validation", self._data.validation, "split", splits, remedy)
        return builder

    def _check_image_column(self, features: Mapping[str, Any]) -> None:
        pictures = [column for column, feature in features.items() if _holds_pictures(feature)]
        if self._data.image_column in features and self._data.image_column not in pictures:
            raise ValueError(
                f"data.image_column is {self._data.image_column!r}, but that column holds no pictures; "
                f"those with pictures are: {', '.join(pictures) or 'none'}."
            )
        _check_name("data.image_column", self._data.image_column, "column", pictures or list(features))

    @contextlib.contextmanager
    def _naming_damage(self, split: str) -> Iterator[None]:
        """Says where it was when a file that holds many pictures turns out to be damaged."""
        import datasets
        import pyarrow

        try:
            yield
        except (
            tarfile.TarError,
            BadZipFile,
            pyarrow.ArrowInvalid,
            datasets.exceptions.DatasetGenerationError,
        ) as error:
            raise ValueError(
                f"data.path is {self._path!r}, but the split {split!r} cannot be read to its end ({error}); "
                "a file of it is damaged or truncated, so fetch or write it again."
            ) from error

    def _relative(self, path: str) -> str:
        """`path` as a reader of the report should see it: within the data set, not within this machine."""
        path = self._plain.undone(path) if self._folder is None else path
        if os.path.isabs(path):
            inside = path.startswith(self._root + os.sep)
            return os.path.relpath(path, self._root) if inside else os.path.basename(path)
        return path.rsplit("/", 1)[-1] if "://" in path else path


@contextlib.contextmanager
def _naming_row(place: str) -> Iterator[None]:
    """Says in which row of which table a value stands that is refused."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error


def _check_splits(data: DataSettings, folder: PictureFolder) -> None:
    if not folder.pictures:
        others = folder.left_out([]).not_pictures
        there_is = ", ".join(f"{count:,} {suffix}" for suffix, count in others.items())
        what = f"of what it holds ({there_is}) nothing is a picture" if there_is else "it holds no pictures"
        raise ValueError(f"data.path is {data.path!r}, which is empty: {what}, parquet or tar files; add some.")
    splits = _splits_of(data)
    for key, split in zip(("data.train", "data.validation"), splits, strict=False):
        if folder.split(split) is None:
            remedy = ", or set the share of train to take for it, such as 0.1" if key == "data.validation" else ""
            _check_name(key, split, "split", folder.splits, remedy)
    if len({folder.split(split) for split in splits}) < len(splits):
        raise ValueError(
            f"data.train and data.validation, {splits[0]!r} and {splits[1]!r}, are the same pictures; name another "
            "split for validation, or set the share of train to take for it, such as 0.1."
        )


def _splits_of(data: DataSettings) -> list[str]:
    """The splits that are asked for by name."""
    return [data.train, data.validation] if isinstance(data.validation, str) else [data.train]


def _open_builder(path: str, name: str | None, root: str, files: list[str] | None) -> datasets.DatasetBuilder:
    import datasets

    try:
        if files is None:
            return datasets.load_dataset_builder(path, name)
        if os.path.isdir(root):
            return datasets.load_dataset_builder(root, name)
        return datasets.load_dataset_builder(_module_of(path, files), data_files={"train": files})
    except datasets.exceptions.DatasetNotFoundError as error:
        raise ValueError(
            f"data.path is {path!r}, which is no folder here and no data set on the Hub that may be read from here; "
            "correct the name, or log in if the data set is private."
        ) from error
    except ConnectionError as error:
        raise ConnectionError(
            f"data.path is {path!r}: there is no such folder or file here, and as a data set on the Hub it cannot be "
            f"reached ({error})."
        ) from error
    except (datasets.exceptions.DataFilesNotFoundError, datasets.data_files.EmptyDatasetError) as error:
        if files and os.path.isdir(root) and any(os.path.basename(file) == README for file in files):
            raise ValueError(
                f"data.path is {path!r}, whose {README} says which files the data set is made of (configs), and those "
                "are not there; correct it, or take that part out to have all pictures read."
            ) from error
        raise ValueError(
            f"data.path is {path!r}, which is empty: it holds no pictures, parquet or tar files; add some."
        ) from error


def _module_of(path: str, files: list[str]) -> str:
    suffixes = {os.path.splitext(file)[1].lower() for file in files}
    if len(suffixes) != 1 or not suffixes <= set(_SINGLE_FILES):
        raise ValueError(
            f"data.path is {path!r}, which is of the kind {' and '.join(sorted(suffixes)) or 'unknown'}; "
            f"give {' or '.join(_SINGLE_FILES)} files, or a folder of pictures."
        )
    return _SINGLE_FILES[suffixes.pop()]


def _is_hub_id(path: str) -> bool:
    parts = path.split("/")
    return 1 <= len(parts) <= 2 and all(part and part[0].isalnum() for part in parts) and "\\" not in path


def _is_boolean(feature: Any) -> bool:
    return getattr(feature, "dtype", None) == "bool"


def _holds_pictures(feature: Any) -> bool:
    import datasets

    if isinstance(feature, datasets.Image):
        return True
    return getattr(feature, "dtype", None) in ("binary", "large_binary") or (
        isinstance(feature, Mapping) and set(feature) == {"bytes", "path"}
    )


def _known_columns(features: Mapping[str, Any]) -> list[str]:
    """The columns that may hold labels; the members of a struct (a webdataset's json) as `column.member`."""
    columns = []
    for column, feature in features.items():
        if isinstance(feature, Mapping):
            columns += [f"{column}.{member}" for member in feature]
        elif not _holds_pictures(feature):
            columns.append(column)
    return columns


def _feature(features: Mapping[str, Any], column: str) -> Any:
    return features[column] if column in features else _cell(features, column)


def _cell(row: Mapping[str, Any], column: str) -> Any:
    if column in row:
        return row[column]
    outer, member = column.split(".", 1)
    return None if row[outer] is None else row[outer].get(member)


def _check_name(field: str, name: str, what: str, known: Iterable[str], remedy: str = "") -> None:
    known = list(known)
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        there_are = ", ".join(known) or "none"
        raise ValueError(
            f"{field} names the {what} {name!r}, which does not exist; there are: {there_are}{remedy}{hint}"
        )
