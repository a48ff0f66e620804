"""The studio's doors for programs: they give what the studio gives, and refuse in sentences."""

import json
import shutil
import urllib.request
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from patience import PATIENCE
from PIL import Image
from planted_faces import face_photo, turned

from app.face_recipes import Drawn, FaceRecipe
from modeling_vae import AttributeDirections

ENDPOINTS = [
    *("/models", "/attributes", "/values", "/new_faces", "/find_faces", "/edit", "/edit_photo", "/read_photo"),
    *("/morph", "/film_of_edit", "/teach"),
]


@pytest.fixture
def client(server, tmp_path) -> Client:
    return Client(
        server.url, verbose=False, download_files=str(tmp_path / "downloads"), httpx_kwargs={"timeout": PATIENCE}
    )


@pytest.fixture
def two_faces(tmp_path) -> Path:
    """A photo of two drawn faces, which the tiny model finds."""
    face_photo([turned(60, 70, 70, 10), turned(150, 60, 44, -5)], (200, 130)).save(tmp_path / "two.png")
    return tmp_path / "two.png"


def pixels(path: str | Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_every_action_has_a_name_words_and_named_parameters(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert sorted(endpoints) == sorted(ENDPOINTS)
    names = {name: [p["parameter_name"] for p in info["parameters"]] for name, info in endpoints.items()}
    assert names["/new_faces"] == ["seed", "count", "truncation", "model", "like"]
    assert names["/edit"] == ["face", "changes", "hold", "model", "become"]
    for name, info in endpoints.items():
        assert info["description"], name
        for parameter in info["parameters"]:
            assert parameter["type"] and parameter["python_type"], (name, parameter["parameter_name"])


def test_the_names_that_are_taken(client):
    assert client.predict(api_name="/models")[0] == "tiny"
    assert client.predict(api_name="/values")["coat:black"] == "Coat: black"
    assert list(client.predict(api_name="/attributes")) == ["smiling", "coat:black", "coat:tabby", "coat:white", "age"]


def test_new_faces_are_what_the_studio_gives(client, studio):
    files, recipes = client.predict(seed=12, count=3, truncation=1.0, api_name="/new_faces")
    faces = [FaceRecipe(Drawn(12, index, 1.0)) for index in range(3)]
    assert recipes == [{"seed": 12, "face": i, "truncation": 1.0} for i in range(3)]
    for file, face in zip(files, faces, strict=True):
        assert abs(pixels(file) - np.asarray(studio.finished(face)).astype(int)).max() <= 1
    again, _ = client.predict(seed=12, count=1, truncation=1.0, api_name="/new_faces")
    assert (pixels(again[0]) == pixels(files[0])).all()


def test_an_edit_moves_what_was_asked(client, studio):
    face = {"seed": 3, "face": 1}
    file, seen = client.predict(face, {"smiling": 2.0}, ["age"], api_name="/edit")
    expected = FaceRecipe(Drawn(3, 1)).edited({"smiling": 2.0}, ["age"])
    assert abs(pixels(file) - np.asarray(studio.finished(expected)).astype(int)).max() <= 1
    assert set(seen) == {"smiling", "coat:black", "coat:tabby", "coat:white", "age"}
    assert json.loads(Image.open(file).text["studio"])["faces"] == [
        {"seed": 3, "face": 1, "truncation": 0.8, "edit": {"smiling": 2.0}, "hold": ["age"]}
    ]


def test_an_edit_gives_another_value(client, studio):
    file, _ = client.predict({"seed": 3}, {"smiling": 1.0}, become=["coat:white"], api_name="/edit")
    expected = studio.become(FaceRecipe(Drawn(3)).edited({"smiling": 1.0}, []), "coat:white")
    assert abs(pixels(file) - np.asarray(studio.finished(expected)).astype(int)).max() <= 1
    with pytest.raises(AppError, match="'coat:pink' is no value"):
        client.predict({"seed": 3}, {}, become=["coat:pink"], api_name="/edit")


def test_all_faces_of_a_photo_are_found_and_each_can_be_edited(client, two_faces):
    frames = client.predict(handle_file(two_faces), api_name="/find_faces")
    assert len(frames) == 2 and frames[0][2] > frames[1][2]
    photo = pixels(two_faces)
    for frame in frames:
        file, _ = client.predict(handle_file(two_faces), {"smiling": 3.0}, frame=frame, api_name="/edit_photo")
        changed = np.abs(pixels(file) - photo).sum(-1) > 0
        rows, columns = np.nonzero(changed)
        assert pixels(file).shape == photo.shape
        assert abs(columns.mean() - frame[0]) < frame[2] / 3 and abs(rows.mean() - frame[1]) < frame[2] / 3
    drawn, _ = client.predict(handle_file(two_faces), {}, keep_photo=False, api_name="/edit_photo")
    assert pixels(drawn).shape == (512, 512, 3)


def test_an_attribute_is_taught_by_recipes(client, tmp_path):
    faces = [{"seed": 5, "face": index} for index in range(12)]
    file, worth, moves = client.predict("sunny", faces[:6], faces[6:], api_name="/teach")
    shutil.copy(file, tmp_path / "directions.safetensors")
    taught = AttributeDirections.from_pretrained(tmp_path)
    assert taught.names == ["sunny"] and taught.directions["sunny"].held_out == worth
    assert set(moves) == {"smiling", "coat:black", "coat:tabby", "coat:white", "age"}


@pytest.mark.parametrize("suffix", ["gif", "webp", "mp4"])
def test_films(client, suffix):
    faces = [{"seed": 3, "face": index} for index in range(3)]
    file, words = client.predict(faces, frames=6, seconds=1, size=128, loop="once", format=suffix, api_name="/morph")
    assert Path(file).suffix == f".{suffix}" and words.startswith("6 frames, 1 s")
    assert len(list(iio.imiter(file))) == 6


def test_what_is_refused_is_a_sentence(client, photo, tmp_path):
    with pytest.raises(AppError, match="give a whole number from 0 to"):
        client.predict(seed=-1, api_name="/new_faces")
    with pytest.raises(AppError, match="not an attribute"):
        client.predict({"seed": 1}, {"beard": 1.0}, api_name="/edit")
    with pytest.raises(AppError, match="from -8 to 8"):
        client.predict({"seed": 1}, {"age": 9.0}, api_name="/edit")
    with pytest.raises(AppError, match="2 to 8 pictures; there are 1"):
        client.predict([{"seed": 1}], api_name="/morph")
    with pytest.raises(AppError, match="Move at least one slider"):
        client.predict({"seed": 1}, api_name="/film_of_edit")
    with pytest.raises(AppError, match="not on offer here|no config.json"):
        client.predict(model="/etc", api_name="/attributes")
    (tmp_path / "note.png").write_bytes(b"these are words, not pixels")
    with pytest.raises(AppError, match="not a picture"):
        client.predict(handle_file(tmp_path / "note.png"), {}, api_name="/edit_photo")
    assert client.predict(handle_file(photo), api_name="/read_photo")


@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}], ids=["bare", "with meta"])
def test_only_what_was_uploaded_is_read(server, photo, meta):
    """A request written by hand, which names a picture that lies on the server."""
    body = json.dumps({"data": [{"path": str(photo), **meta}]}).encode()
    address = f"{server.url}gradio_api/call/read_photo"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{address}/{event}") as answer:
        assert b"event: error" in answer.read()


def test_temporary_files_lie_in_a_folder_of_this_run(server, client):
    client.predict(seed=77, api_name="/new_faces")
    with pytest.raises(AppError):
        client.predict({"seed": 1}, {"age": 99.0}, api_name="/edit")
    assert any(server.temporary.glob("studio-*/*/*.png"))
    # Gradio prints the stack of what it refuses itself; none of ours is in it.
    assert "/app/tabs/" not in server.log.read_text()
