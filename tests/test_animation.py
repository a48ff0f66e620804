"""Films are written, read back with imageio, and compared with what was asked for."""

from __future__ import annotations

import errno
import math
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from modeling_vae.animation import Animation
from modeling_vae.model import gif

FORMATS = ("gif", "webp", "mp4")


def face(hue: float, width: int = 32, height: int = 32) -> Image.Image:
    """A smooth round thing on a smooth ground."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    disc = 1 / (1 + np.exp(40 * (np.hypot(x - 0.5, y - 0.5) - 0.35)))
    channels = [120 + 90 * disc * math.cos(hue + shift) + 30 * x - 20 * y for shift in (0.0, 2.1, 4.2)]
    return Image.fromarray(np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8))


def morph(frames: int, width: int = 32, height: int = 32) -> Animation:
    return Animation([face(2.0 * number / frames, width, height) for number in range(frames)])


def decode(data: bytes, suffix: str) -> np.ndarray:
    return np.stack(list(iio.imiter(data, extension=f".{suffix}")))


def error(film: Animation, decoded: np.ndarray) -> float:
    """Root mean square, in grey levels."""
    return float(np.sqrt(np.square(np.stack([np.asarray(f) for f in film]) - decoded.astype(float)).mean()))


def gif_delays(data: bytes) -> list[int]:
    """Hundredths of a second, from the graphic control extensions."""
    parts = data.split(b"\x21\xf9\x04")[1:]
    return [int.from_bytes(part[1:3], "little") for part in parts]


def webp_delays(data: bytes) -> list[int]:
    """Milliseconds of each frame."""
    picture, delays = Image.open(BytesIO(data)), []
    for number in range(picture.n_frames):
        picture.seek(number)
        picture.load()
        delays.append(picture.info["duration"])
    return delays


@pytest.mark.parametrize("suffix", FORMATS)
def test_film_is_what_was_drawn(suffix):
    film = morph(12)
    decoded = decode(film.to_bytes(suffix), suffix)
    assert decoded.shape == (12, 32, 32, 3)
    assert error(film, decoded) < 6


def test_it_says_how_many_frames_it_has():
    assert repr(morph(3, 32, 24)) == "Animation(3 frames of 32 x 24)"


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_equal_frames_stay_frames(suffix, count):
    film = Animation([face(0.3)] * count)
    assert len(decode(film.to_bytes(suffix), suffix)) == count
    assert len(decode(film.to_bytes(suffix, loop="once"), suffix)) == count


@pytest.mark.parametrize("suffix", FORMATS)
def test_nearly_equal_frames_stay_frames(suffix):
    """The slow beginning of an eased morph: a grey level in one corner."""
    pictures = [np.full((32, 32, 3), 128, np.uint8) for _ in range(6)]
    for number, picture in enumerate(pictures):
        picture[0, 0] = 128 + number // 2
    film = Animation([Image.fromarray(picture) for picture in pictures])
    assert len(decode(film.to_bytes(suffix), suffix)) == 6


@pytest.mark.parametrize("suffix", FORMATS)
def test_thousand_frames(suffix):
    film = Animation([face(number / 100, 16, 16) for number in range(1000)])
    assert len(decode(film.to_bytes(suffix), suffix)) == 1000


def test_gif_of_48_frames_at_256_pixels_is_under_2_mb():
    film = morph(48, 64, 64)
    data = film.to_bytes("gif", size=256)
    assert decode(data, "gif").shape == (48, 256, 256, 3)
    assert len(data) < 1_000_000


def test_gif_of_noise_keeps_to_the_budget_with_fewer_colours(monkeypatch):
    generator = np.random.default_rng(0)
    film = Animation([Image.fromarray(generator.integers(0, 256, (64, 64, 3), np.uint8)) for _ in range(12)])
    free = film.to_bytes("gif")
    monkeypatch.setattr(gif, "GIF_BYTES", 1000)
    bound = film.to_bytes("gif")
    assert len(bound) < gif.GIF_BYTES_PER_PIXEL * 12 * 64 * 64 < len(free)
    assert len(decode(bound, "gif")) == 12


def test_gif_has_one_colour_table():
    """A global table, and no frame with one of its own (bit 7 of the image descriptor's last byte)."""
    data = morph(8).to_bytes("gif")
    assert data[10] & 0x80
    descriptors = [part[5:15] for part in data.split(b"\x21\xf9\x04")[1:]]
    assert len(descriptors) == 8
    assert all(chr(descriptor[0]) == "," and not descriptor[9] & 0x80 for descriptor in descriptors)


def test_gif_does_not_flicker():
    """A frame's unchanged half keeps exactly its colours while the other half changes."""
    still, moving = np.asarray(face(0.5)), [np.asarray(face(hue / 4)) for hue in range(8)]
    film = Animation([Image.fromarray(np.concatenate([still[:, :16], m[:, 16:]], axis=1)) for m in moving])
    decoded = decode(film.to_bytes("gif"), "gif")
    assert (decoded[:, :, :16] == decoded[:1, :, :16]).all()


def test_few_colours_are_exact_in_a_gif():
    colours = np.array([[0, 0, 0], [255, 255, 255], [200, 30, 60], [20, 90, 160]], np.uint8)
    frames = [colours[np.random.default_rng(number).integers(0, 4, (24, 24))] for number in range(5)]
    decoded = decode(Animation([Image.fromarray(frame) for frame in frames]).to_bytes("gif"), "gif")
    assert (decoded == np.stack(frames)).all()


@pytest.mark.parametrize(("count", "seconds"), [(48, 2.4), (48, 2.0), (7, 1.0), (30, 1.0), (1, 600.0)])
def test_gif_delays_add_up(count, seconds):
    delays = gif_delays(Animation([face(0.1, 8, 8)] * count).to_bytes("gif", seconds=seconds))
    assert len(delays) == count
    assert sum(delays) == round(100 * seconds)
    assert max(delays) - min(delays) <= 1


def test_gif_shows_at_most_50_frames_a_second():
    assert set(gif_delays(Animation([face(0.1, 8, 8)] * 100).to_bytes("gif", seconds=1.0))) == {2}


def test_webp_durations_add_up():
    durations = webp_delays(morph(7).to_bytes("webp", seconds=1.0))
    assert sum(durations) == 1000 and len(durations) == 7


@pytest.mark.parametrize(("count", "seconds"), [(48, 2.4), (7, 1.0), (2, 600.0), (1000, 0.5)])
def test_mp4_lasts_as_long_as_asked(count, seconds):
    data = Animation([face(0.1, 16, 16)] * count).to_bytes("mp4", seconds=seconds)
    assert len(decode(data, "mp4")) == count
    assert iio.immeta(data, extension=".mp4")["duration"] == pytest.approx(seconds, abs=0.02)


@pytest.mark.parametrize("suffix", FORMATS)
def test_boomerang_goes_there_and_back(suffix):
    film = morph(5)
    decoded = decode(film.to_bytes(suffix, loop="boomerang"), suffix)
    there_and_back = Animation([film[i] for i in (0, 1, 2, 3, 4, 3, 2, 1)])
    assert len(decoded) == 8
    assert error(there_and_back, decoded) < 6
    for short, frames in ((1, 1), (2, 2)):
        assert len(decode(morph(short).to_bytes(suffix, loop="boomerang"), suffix)) == frames


@pytest.mark.parametrize("loop", ["forward", "boomerang"])
def test_a_frame_that_is_held_is_stored_once_and_shown_as_long_as_many(loop):
    held, stored = Animation(morph(3), holds=(1, 5, 2)), Animation([morph(3)[i] for i in (0, 1, 1, 1, 1, 1, 2, 2)])
    seconds, order = 1.6, [0, 1, 2] if loop == "forward" else [0, 1, 2, 1]
    times = [[200, 1000, 400][i] for i in order]
    assert [10 * delay for delay in gif_delays(held.to_bytes("gif", seconds, loop))] == times
    webp = held.to_bytes("webp", seconds, loop)
    assert webp_delays(webp) == times and len(webp) < 0.6 * len(stored.to_bytes("webp", seconds, loop))
    data = held.to_bytes("mp4", seconds, loop)
    assert iio.immeta(data, extension=".mp4")["duration"] == pytest.approx(sum(times) / 1000, abs=0.02)
    shown = decode(data, "mp4")
    assert error(Animation([held[i] for i in order for _ in range(held.holds[i])]), shown) < 6


def test_loop_is_written():
    film = morph(3)
    assert Image.open(BytesIO(film.to_bytes("gif"))).info["loop"] == 0
    assert "loop" not in Image.open(BytesIO(film.to_bytes("gif", loop="once"))).info
    assert Image.open(BytesIO(film.to_bytes("webp"))).info["loop"] == 0
    assert Image.open(BytesIO(film.to_bytes("webp", loop="once"))).info["loop"] == 1


@pytest.mark.parametrize(
    ("asked", "shape"),
    [(None, (20, 30)), (60, (40, 60)), (15, (10, 15)), ((48, 16), (16, 48)), (1, (1, 1))],
)
@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_size(suffix, asked, shape):
    assert decode(morph(2, 30, 20).to_bytes(suffix, size=asked), suffix).shape == (2, *shape, 3)


@pytest.mark.parametrize(("width", "height", "shape"), [(33, 21, (22, 34)), (32, 32, (32, 32)), (1, 1, (2, 2))])
def test_mp4_pads_odd_sides_and_stretches_nothing(width, height, shape):
    film = morph(3, width, height)
    decoded = decode(film.to_bytes("mp4"), "mp4")
    assert decoded.shape == (3, *shape, 3)
    assert error(film, decoded[:, :height, :width]) < 8


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_frames_of_other_modes(mode):
    film = Animation([face(hue).convert(mode) for hue in (0.0, 1.0)])
    for suffix in FORMATS:
        assert decode(film.to_bytes(suffix), suffix).shape == (2, 32, 32, 3)


def test_film_is_a_frozen_sequence():
    film = morph(5)
    assert len(film) == 5 and list(film) == list(film.frames) and film[-1] is film.frames[-1] and film.size == (32, 32)
    with pytest.raises(AttributeError):
        film.frames = ()


def test_sheet():
    film = morph(5, 30, 20)
    assert film.sheet().size == (90, 40)
    assert film.sheet(columns=5).size == (150, 20)
    assert film.sheet(columns=9).size == (150, 20)
    assert film.sheet(columns=2).crop((30, 20, 60, 40)).tobytes() == film[3].tobytes()
    with pytest.raises(ValueError, match="columns is 0"):
        film.sheet(columns=0)


@pytest.mark.parametrize("suffix", FORMATS)
def test_save_writes_the_bytes_and_nothing_else(suffix, tmp_path):
    path = tmp_path / f"Film.{suffix.upper()}"
    path.write_bytes(b"old")
    assert morph(3).save(str(path)) == path
    assert path.read_bytes() == morph(3).to_bytes(f".{suffix}")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Animation([]), "at least one frame"),
        (lambda: Animation([face(0), face(0, 16, 16)]), "Frame 1 is \\(16, 16\\), frame 0 is \\(32, 32\\)"),
        (lambda: Animation([face(0), np.zeros((32, 32, 3))]), "Frame 1 is a ndarray"),
        (lambda: Animation([face(0)] * 2, holds=(1,)), "a whole number of at least 1 for each frame"),
        (lambda: Animation([face(0)] * 2, holds=(1, 0)), "holds is \\(1, 0\\)"),
        (lambda: morph(2).save("film.avi"), "'.avi'; choose .gif, .webp or .mp4"),
        (lambda: morph(2).save("film"), "choose .gif"),
        (lambda: morph(2).to_bytes("gif", seconds=0), "seconds is 0"),
        (lambda: morph(2).to_bytes("gif", seconds=math.nan), "seconds is nan"),
        (lambda: morph(2).to_bytes("gif", seconds=601), "at most 600 seconds"),
        (lambda: morph(2).to_bytes("gif", loop="backward"), "loop is 'backward'"),
        (lambda: morph(2).to_bytes("gif", size=0), "size is 0"),
        (lambda: morph(2).to_bytes("gif", size=(10, -1)), "size is \\(10, -1\\)"),
        (lambda: morph(2).to_bytes("gif", size=100_000), "from 1 to 4096"),
        (lambda: morph(2).to_bytes("gif", size=2.5), "size is 2.5"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="The film could not be written: No such file") as caught:
        morph(2).save(tmp_path / "nowhere" / "film.gif")
    assert caught.value.filename == str(tmp_path / "nowhere" / "film.gif")


def test_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "folder").write_text("")
    with pytest.raises(NotADirectoryError, match="could not be written"):
        morph(2).save(tmp_path / "folder" / "film.gif")


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes to stand in for a full disk")
def test_full_disk_leaves_the_old_film(tmp_path):
    """A process that may not write more than 100 bytes to a file: the old film stays, nothing half-written is left."""
    path = tmp_path / "film.gif"
    path.write_bytes(b"old film")
    script = (
        "import resource, sys\n"
        "from PIL import Image\n"
        "from modeling_vae.animation import Animation\n"
        "film = Animation([Image.new('RGB', (32, 32))])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try:\n    film.save(sys.argv[1])\n"
        "except OSError as error:\n    sys.exit(error.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=Path(__file__).parents[1])
    assert done.returncode == errno.EFBIG
    assert path.read_bytes() == b"old film"
    assert list(tmp_path.iterdir()) == [path]
