"""The studio's endpoints, as a program calls them; they give what the studio gives."""

import json
import urllib.request
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from patience import PATIENCE
from PIL import Image

from app.render_requests import CropRequest, EditRequest, GenerateRequest

ENDPOINTS = [
    *("/generate", "/new_faces", "/edit_face", "/edit_photo", "/edit_crop", "/edit_find", "/edit", "/edit_reset"),
    "/edit_film",
    *("/tray_add", "/tray_add_photos", "/tray_add_edit", "/tray_remove", "/tray_earlier", "/tray_later"),
    *("/tray_clear", "/strip", "/film"),
]


@pytest.fixture
def client(server, tmp_path) -> Client:
    return connect(server.url, str(tmp_path / "downloads"))


def connect(url: str, downloads: str | bool) -> Client:
    return Client(url, verbose=False, download_files=downloads, httpx_kwargs={"timeout": PATIENCE})


def grid(gallery: list[dict]) -> list[np.ndarray]:
    return [pixels(entry["image"]) for entry in gallery]


def pixels(path: str | Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_every_action_has_a_name_and_named_parameters(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert sorted(endpoints) == sorted(ENDPOINTS)
    names = {name: [p["parameter_name"] for p in info["parameters"]] for name, info in endpoints.items()}
    assert names["/generate"] == ["seed", "truncation"]
    assert names["/film"] == ["frames", "seconds", "size", "path", "easing", "loop", "format"]
    assert names["/edit"] == ["hold", "smiling", "coat_black", "coat_tabby", "coat_white", "age"]
    assert names["/edit_face"] == names["/tray_add"] == ["index"]


def test_generate_gives_what_the_studio_gives(client, studio):
    shown, *_ = client.predict(seed=12, truncation=1.0, api_name="/generate")
    expected = studio.generate(GenerateRequest(12, truncation=1.0)).pictures
    for a, b in zip(grid(shown), expected, strict=True):
        assert abs(a - np.asarray(b).astype(int)).max() <= 1
    with pytest.raises(AppError, match="give a whole number from 0 to"):
        client.predict(seed=None, api_name="/generate")


def test_new_faces_say_their_seed(client):
    seed, shown, *_ = client.predict(api_name="/new_faces")
    again, *_ = client.predict(seed=seed, api_name="/generate")
    assert all((a == b).all() for a, b in zip(grid(shown), grid(again), strict=True))


def test_a_tray_becomes_a_film(client, studio, photo):
    client.predict(api_name="/tray_clear")
    with pytest.raises(AppError, match="2 to 8 faces; there are 0"):
        client.predict(api_name="/film")
    client.predict(seed=3, truncation=1.0, api_name="/generate")
    client.predict(index=2, api_name="/tray_add")
    client.predict(index=5, api_name="/tray_add")
    tray, position = client.predict(photos=[handle_file(photo)], api_name="/tray_add_photos")
    assert len(tray) == 3 and position == 2
    tray, position = client.predict(position=2, api_name="/tray_earlier")
    assert position == 1
    *_, file = client.predict(frames=10, seconds=1, size=128, loop="once", api_name="/film")
    film = iio.imread(file, index=None)
    assert Path(file).suffix == ".gif" and film.shape[:3] == (10, 128, 128)
    latents = studio.generate(GenerateRequest(3, truncation=1.0)).latents
    keyframes = np.stack([latents[2], studio.encode(photo).latent, latents[5]])
    for shown, expected in zip(grid(tray), studio.show(keyframes), strict=True):
        assert abs(shown - np.asarray(expected).astype(int)).max() <= 1


@pytest.mark.parametrize("suffix", ["webp", "mp4"])
def test_films_in_other_formats(client, suffix):
    *_, file = client.predict(frames=6, seconds=1, size=128, loop="once", format=suffix, api_name="/film")
    assert Path(file).suffix == f".{suffix}" and len(list(iio.imiter(file))) == 6


def test_an_edit_gives_what_the_studio_gives(client, studio, photo):
    client.predict(photo=handle_file(photo), api_name="/edit_photo")
    cropped = client.predict(zoom=2, across=0.5, down=0, hold=["age"], smiling=2.0, api_name="/edit_crop")[2]
    part = studio.encode(photo, CropRequest(2, 0.5, 0)).latent
    face = studio.edit(part, EditRequest({"smiling": 2.0}, hold=["age"]))
    assert abs(pixels(cropped) - np.asarray(face.picture).astype(int)).max() <= 1
    client.predict(photo=handle_file(photo), api_name="/edit_photo")
    edited, *_ = client.predict(hold=["age"], smiling=2.0, api_name="/edit")
    face = studio.edit(studio.encode(photo).latent, EditRequest({"smiling": 2.0}, hold=["age"]))
    assert abs(pixels(edited) - np.asarray(face.picture).astype(int)).max() <= 1
    reset, *_ = client.predict(api_name="/edit_reset")
    assert (pixels(reset) != pixels(edited)).any()


def test_an_edited_face_joins_the_tray(client, studio):
    client.predict(api_name="/tray_clear")
    client.predict(index=1, api_name="/edit_face")
    client.predict(hold=[], smiling=2.0, api_name="/tray_add_edit")
    tray, _ = client.predict(index=1, api_name="/tray_add")
    face = studio.edit(studio.welcome().latents[1], EditRequest({"smiling": 2.0}))
    assert abs(grid(tray)[0] - np.asarray(face.picture).astype(int)).max() <= 1


def test_the_film_of_an_edit(client):
    client.predict(index=1, api_name="/edit_face")
    _, file = client.predict(hold=[], smiling=3.0, api_name="/edit_film")
    assert len(list(iio.imiter(file))) > 10
    with pytest.raises(AppError, match="Move at least one slider"):
        client.predict(hold=[], api_name="/edit_film")


def test_what_is_refused_leaves_the_rest_working(client, photo, tmp_path):
    note = tmp_path / "note.png"
    note.write_bytes(b"these are words, not pixels")
    for endpoint, name, value in (("/edit_photo", "photo", note), ("/tray_add_photos", "photos", [note])):
        files = [handle_file(path) for path in value] if isinstance(value, list) else handle_file(value)
        with pytest.raises(AppError, match="not a picture"):
            client.predict(**{name: files}, api_name=endpoint)
    with pytest.raises(AppError):
        client.predict(hold=[], smiling=9.0, api_name="/edit")
    with pytest.raises(AppError):
        client.predict(hold=["beard"], smiling=1.0, api_name="/edit")
    with pytest.raises(AppError, match="no face 99"):
        client.predict(index=99, api_name="/edit_face")
    assert client.predict(photo=handle_file(photo), api_name="/edit_photo")


@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}], ids=["bare", "with meta"])
@pytest.mark.parametrize("endpoint", ["edit_photo", "tray_add_photos"])
def test_only_what_was_uploaded_is_read(server, photo, endpoint, meta):
    """A request written by hand, which names a picture that lies on the server."""
    upload = {"path": str(photo), **meta}
    body = json.dumps({"data": [upload if endpoint == "edit_photo" else [upload]]}).encode()
    address = f"{server.url}gradio_api/call/{endpoint}"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{address}/{event}") as answer:
        assert answer.read().startswith(b"event: error")


def test_one_session_is_not_another(server, client, photo):
    other = connect(server.url, False)
    mine = client.predict(photo=handle_file(photo), api_name="/edit_photo")[1]
    other.predict(index=3, api_name="/edit_face")
    again, *_ = client.predict(api_name="/edit_reset")
    assert (pixels(again) == pixels(mine)).all()


def test_temporary_files_lie_in_a_folder_of_this_run(server, client):
    client.predict(api_name="/new_faces")
    with pytest.raises(AppError):
        client.predict(index=99, api_name="/edit_face")
    assert any(server.temporary.glob("studio-*/*/*.png"))
    # Gradio prints the stack of what it refuses itself; none of ours is in it.
    assert "/app/tabs/" not in server.log.read_text()
