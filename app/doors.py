"""Doors for programs: what the page can do as named endpoints with typed, documented parameters; tools of MCP too.

They keep nothing between two calls: a face is given as its recipe ({"seed": 2, "face": 0}, with "edit" and "hold"
where it is changed), which `new_faces` returns, or as a photo.
"""

# Annotations are values here: of those that are text Gradio cannot tell how many files and figures an answer has.
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from gradio.data_classes import FileData
from gradio.events import api

from modeling_vae import Reading
from modeling_vae.model.attribute_directions import FILE_NAME

from .face_recipes import FaceRecipe, Uploaded, from_json, to_json
from .files import cached, commented, directions_bytes, file_data, file_name, jpeg_bytes, picture_bytes, upload_path
from .lessons import Lesson
from .recipe_text import recipe_text
from .render_requests import FilmRequest, FrameRequest, GenerateRequest, PathRequest
from .shelf import Shelf
from .studio import DRAWN_AT_ONCE, Studio, film_made
from .toasts import toasts
from .turns import FILM, SEARCH, SHEET, between_steps

LARGEST_PNG = 2_000_000


class Doors:
    """Makes the endpoints; within `gr.Blocks`."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        films: dict[str, Any] = {"concurrency_id": FILM, "concurrency_limit": 2}
        search: dict[str, Any] = {"concurrency_id": SEARCH, "concurrency_limit": 2}
        api(self.models, api_name="models")
        api(self.attributes, api_name="attributes")
        api(self.values, api_name="values")
        api(self.new_faces, api_name="new_faces", concurrency_id=SHEET, concurrency_limit=2)
        api(self.find_faces, api_name="find_faces", **search)
        api(self.edit, api_name="edit")
        api(self.edit_photo, api_name="edit_photo", **search)
        api(self.read_photo, api_name="read_photo", **search)
        api(self.morph, api_name="morph", **films)
        api(self.film_of_edit, api_name="film_of_edit", **films)
        api(self.teach, api_name="teach", **search)

    def models(self) -> list[str]:
        """Names of the models on offer, the one that is taken by default first. Any id of the Hub is taken as well."""
        return list(self.shelf.names)

    @toasts
    def attributes(self, model: str = "") -> dict[str, float]:
        """Names of a model's attributes, each with the strength at which a change of it clearly shows.

        Args:
            model: a name on offer or an id of the Hub; empty for the first.
        """
        return {attribute.name: attribute.full for attribute in self._studio(model).facts.attributes}

    @toasts
    def values(self, model: str = "") -> dict[str, str]:
        """What a face of a model can become, by name, and what that is called.

        Args:
            model: a name on offer or an id of the Hub; empty for the first.
        """
        return dict(self._studio(model).facts.values)

    @toasts
    def new_faces(
        self, seed: int = 2, count: int = 4, truncation: float = 0.8, model: str = "", like: str = ""
    ) -> tuple[list[FileData], list[dict]]:  # type: ignore[type-arg]
        """New faces of a seed, as PNG files and as recipes; the same seed gives the same faces.

        Args:
            seed: 0 to 4,294,967,295.
            count: 1 to 64.
            truncation: 0 for the most ordinary faces, 1 for the model's whole variety, at most 1.5.
            model: a name on offer or an id of the Hub; empty for the first.
            like: what they show, such as "hair:afro"; of a model that draws what is asked for, see `values`.
        """
        studio = self._studio(model)
        faces, files, go_on = studio.faces(GenerateRequest(seed, count, truncation, like)), [], between_steps()
        for number, face in enumerate(faces):
            go_on()
            if number % DRAWN_AT_ONCE == 0:
                studio.pictures(faces[number : number + DRAWN_AT_ONCE])  # drawn together
            files.append(self._file(studio, face, str(number + 1)))
        # within a list Gradio gives addresses to dictionaries alone
        return [file.model_dump() for file in files], [to_json(face) for face in faces]  # type: ignore[misc]

    @toasts
    def find_faces(self, photo: FileData, model: str = "") -> list[list[float]]:
        """Frames of the faces in a photo, the largest first: middle (x, y), height and angle, in pixels and degrees.

        Args:
            photo: a picture file.
            model: a name on offer or an id of the Hub; empty for the first.
        """
        studio = self._studio(model)
        found = studio.photos.search(self._upload(studio, photo))
        return [list(frame.values) for frame in found.frames[: found.found]]

    @toasts
    def edit(
        self,
        face: dict,  # type: ignore[type-arg]
        changes: dict[str, float],
        hold: list[str] = [],  # noqa: B006  # the schema shows it
        model: str = "",
        become: list[str] = [],  # noqa: B006
    ) -> tuple[FileData, dict]:  # type: ignore[type-arg]
        """A face with attributes changed, as a PNG file, and what is seen in it: name to value and probability.

        Args:
            face: a recipe as `new_faces` returns it, such as {"seed": 2, "face": 0}.
            changes: attribute to standard deviations, from -8 to 8; for the names see `attributes`.
            hold: attributes that keep their value.
            model: a name on offer or an id of the Hub; empty for the first.
            become: values that it is given before that, such as ["hair:afro"]; for the names see `values`.
        """
        studio = self._studio(model)
        edited = studio.given(from_json(face).edited(changes, hold), become)
        return self._file(studio, edited), _said(studio.seen(edited))

    @toasts
    def edit_photo(
        self,
        photo: FileData,
        changes: dict[str, float],
        hold: list[str] = [],  # noqa: B006
        keep_photo: bool = True,
        frame: list[float] = [],  # noqa: B006
        model: str = "",
        become: list[str] = [],  # noqa: B006
    ) -> tuple[FileData, dict]:  # type: ignore[type-arg]
        """A photo with attributes of the face in it changed, and what is seen in it: name to value and probability.

        Args:
            photo: a picture file.
            changes: attribute to standard deviations, from -8 to 8; for the names see `attributes`.
            hold: attributes that keep their value.
            keep_photo: change the photo itself, at its own size; otherwise the model draws the face anew.
            frame: middle (x, y), height and angle of the face; empty for the largest that is found.
            model: a name on offer or an id of the Hub; empty for the first.
            become: values that the face is given before that, such as ["hair:afro"]; for the names see `values`.
        """
        studio = self._studio(model)
        face = FaceRecipe(self._framed(studio, self._upload(studio, photo), frame), keep_photo=keep_photo is True)
        edited = studio.given(face.edited(changes, hold), become)
        return self._file(studio, edited), _said(studio.seen(edited))

    @toasts
    def read_photo(self, photo: FileData, frame: list[float] = [], model: str = "") -> dict:  # type: ignore[type-arg]  # noqa: B006
        """What is seen of each attribute in the face of a photo: name to value, in deviations, and probability.

        Args:
            photo: a picture file.
            frame: middle (x, y), height and angle of the face; empty for the largest that is found.
            model: a name on offer or an id of the Hub; empty for the first.
        """
        studio = self._studio(model)
        face = FaceRecipe(self._framed(studio, self._upload(studio, photo), frame), keep_photo=True)
        return _said(studio.seen(face))

    @toasts
    def morph(
        self,
        faces: list[dict],  # type: ignore[type-arg]
        frames: int = 48,
        seconds: float = 3.0,
        size: int = 256,
        path: Literal["flow", "slerp", "linear"] = "flow",
        easing: Literal["smooth", "linear"] = "smooth",
        loop: Literal["around", "boomerang", "once"] = "around",
        format: Literal["gif", "webp", "mp4"] = "gif",
        model: str = "",
    ) -> tuple[FileData, str]:
        """A film through 2 to 8 faces, and words about it.

        Args:
            faces: recipes, such as [{"seed": 2, "face": 0}, {"seed": 2, "face": 1, "edit": {"smiling": 2}}].
            frames: 2 to 120; a boomerang adds the way back.
            seconds: 0.2 to 30.
            size: longer side in pixels, 32 to 512.
            path: along likely pictures alone, round the origin of the latent space, or straight.
            easing: rest at each face, or keep the pace.
            loop: return to the first face, play back and forth, or stop at the last.
            format: of the file.
            model: a name on offer or an id of the Hub; empty for the first.
        """
        studio, way, asked = (
            self._studio(model),
            PathRequest(path, easing, loop),
            FilmRequest(frames, seconds, size, format),
        )
        keyframes = [from_json(face) for face in faces]
        data = film_made(partial(studio.morph, keyframes, way, asked.frames), asked, way, between_steps())
        said = recipe_text(studio.facts.name, *keyframes, way=way)
        return _film(data, asked, file_name(studio.facts.card.word, "morph"), said)

    @toasts
    def film_of_edit(
        self,
        face: dict,  # type: ignore[type-arg]
        frames: int = 24,
        seconds: float = 1.6,
        size: int = 256,
        format: Literal["gif", "webp", "mp4"] = "gif",
        model: str = "",
    ) -> tuple[FileData, str]:
        """A film of a face from as it is to its change and back, and words about it.

        Args:
            face: a recipe with a change, such as {"seed": 2, "face": 0, "edit": {"smiling": 2}}.
            frames: of the way there, 2 to 120.
            seconds: of the way there, 0.2 to 30.
            size: longer side in pixels, 32 to 512.
            format: of the file.
            model: a name on offer or an id of the Hub; empty for the first.
        """
        studio, way = self._studio(model), PathRequest(loop="boomerang")
        asked = FilmRequest(frames, seconds, size, format)
        edited = from_json(face)
        data = film_made(partial(studio.sweep, edited, asked.frames), asked, way, between_steps())
        said = recipe_text(studio.facts.name, edited)
        return _film(data, asked, file_name(studio.facts.card.word, "edit"), said)

    @toasts
    def teach(
        self,
        name: str,
        having: list[dict],  # type: ignore[type-arg]
        lacking: list[dict],  # type: ignore[type-arg]
        model: str = "",
    ) -> tuple[FileData, float, dict[str, float]]:
        """An attribute from examples: directions.safetensors for `load_directions`, what it is worth, what it moves.

        It is worth the share of pairs, left out of the teaching, that it tells apart: 0.5 is a coin toss. What a
        strength of 1 also moves are names with deviations.

        Args:
            name: of the attribute, at most 40 letters.
            having: 5 to 50 recipes of faces with it, such as [{"seed": 2, "face": 0}, {"seed": 2, "face": 3}].
            lacking: as many of faces without it.
            model: a name on offer or an id of the Hub; empty for the first.
        """
        studio = self._studio(model)
        faces = ([from_json(face) for face in one] for one in (having, lacking))
        taught = studio.lessons.published(Lesson(name, *map(tuple, faces)))
        return _file(directions_bytes(taught), FILE_NAME), taught.held_out, dict(taught.moves)

    def _studio(self, model: str) -> Studio:
        return self.shelf.studio(model or self.shelf.first.facts.name)

    def _upload(self, studio: Studio, photo: Any) -> str:
        return studio.photos.uploads.add(upload_path(photo))

    def _framed(self, studio: Studio, upload: str, frame: list[float]) -> Uploaded:
        if frame:
            if not isinstance(frame, list) or len(frame) != 4:
                raise ValueError(f"The frame is {frame!r:.40}; give its middle (x, y), height and angle.")
            return Uploaded(upload, FrameRequest(*frame))
        return Uploaded(upload, studio.photos.search(upload).frames[0])

    def _file(self, studio: Studio, face: FaceRecipe, *words: str) -> FileData:
        picture = studio.finished(face)
        name = file_name(studio.facts.card.word, *words)
        if picture.width * picture.height > LARGEST_PNG and picture.mode in ("RGB", "L"):
            return _file(jpeg_bytes(picture), f"{name}.jpg")
        return _file(picture_bytes(picture, recipe_text(studio.facts.name, face)), f"{name}.png")


def _file(data: bytes, name: str) -> FileData:
    return FileData(**file_data(cached(data, name), name))


def _film(data: bytes, asked: FilmRequest, name: str, said: str) -> tuple[FileData, str]:
    if asked.format == "gif":
        data = commented(data, said)
    return _file(data, f"{name}.{asked.format}"), asked.words(len(data))


def _said(seen: Mapping[str, Reading]) -> dict[str, dict[str, float | None]]:
    return {name: {"value": round(one.value, 3), "probability": one.probability} for name, one in seen.items()}
