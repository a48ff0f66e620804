"""Pictures on their way in and out: every odd kind gives exact pixels, every bad one a sentence."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from picture_files import encoded
from PIL import Image, ImageOps

from modeling_vae.model.image_processing_image_vae import VAEImageProcessor, to_picture

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def pixels(picture: Image.Image) -> list:
    assert picture.mode == "RGB"
    return np.asarray(picture).tolist()


class TestSources:
    def test_every_kind_of_source_gives_the_same_picture(self, noise, tmp_path):
        path = tmp_path / "noise.png"
        noise.save(path)
        array = np.asarray(noise)
        opaque = np.dstack([array, np.full((5, 7), 255, np.uint8)])
        for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), noise, array, opaque):
            assert pixels(to_picture(source)) == array.tolist()

    @pytest.mark.parametrize(
        "kind", ["PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "AVIF", "JPEG2000", "ICO", "JPEG"]
    )
    def test_every_format_is_read(self, kind):
        picture = to_picture(encoded(Image.new("RGB", (32, 32), (0, 0, 0)), kind))
        assert picture.size == (32, 32)
        assert np.asarray(picture).max() <= 2

    def test_grey_arrays(self):
        grey = np.array([[0, 100], [200, 255]], np.uint8)
        expected = [[[v] * 3 for v in row] for row in grey.tolist()]
        assert pixels(to_picture(grey)) == expected
        assert pixels(to_picture(grey[:, :, None])) == expected

    def test_strided_arrays(self, noise):
        array = np.asarray(noise)[::-1, ::2]
        assert pixels(to_picture(array)) == array.tolist()

    def test_the_result_is_independent_of_the_source(self, noise):
        before = np.asarray(noise).tolist()
        to_picture(noise).putpixel((0, 0), (1, 2, 3))
        assert np.asarray(noise).tolist() == before

    def test_one_pixel(self):
        assert pixels(to_picture(encoded(Image.new("RGB", (1, 1), RED)))) == [[[255, 0, 0]]]


class TestColourModes:
    def test_sixteen_bit_grey_is_scaled_end_to_end(self):
        values = np.array([[0, 256, 257, 32896, 65535]], np.uint16)
        expected = [[[v] * 3 for v in (0, 1, 1, 128, 255)]]
        assert pixels(to_picture(encoded(Image.fromarray(values)))) == expected
        assert pixels(to_picture(Image.fromarray(values))) == expected
        assert pixels(to_picture(b"P5 5 1 65535\n" + values.astype(">u2").tobytes())) == expected
        big_endian = Image.frombytes("I;16B", (5, 1), values.astype(">u2").tobytes())
        assert pixels(to_picture(big_endian)) == expected
        assert pixels(to_picture(Image.fromarray(values.astype(np.int32)))) == expected

    def test_palette(self):
        picture = Image.new("P", (2, 1))
        picture.putpalette([*RED, *BLUE])
        picture.putpixel((1, 0), 1)
        assert pixels(to_picture(encoded(picture))) == [[list(RED), list(BLUE)]]

    @pytest.mark.parametrize("kind", ["PNG", "GIF"])
    def test_palette_with_a_transparent_colour(self, kind):
        picture = Image.new("P", (2, 1))
        picture.putpalette([*RED, *BLUE])
        picture.putpixel((1, 0), 1)
        assert pixels(to_picture(encoded(picture, kind, transparency=1))) == [[list(RED), list(WHITE)]]

    def test_rgb_with_a_transparent_colour(self):
        picture = Image.new("RGB", (2, 1), RED)
        picture.putpixel((1, 0), BLUE)
        assert pixels(to_picture(encoded(picture, transparency=BLUE))) == [[list(RED), list(WHITE)]]

    def test_alpha_lies_on_white(self):
        rgba = np.array([[[255, 0, 0, 255], [255, 0, 0, 128], [255, 0, 0, 0]]], np.uint8)
        expected = [[[255, 0, 0], [255, 127, 127], [255, 255, 255]]]
        assert pixels(to_picture(rgba)) == expected
        assert pixels(to_picture(encoded(Image.fromarray(rgba)))) == expected
        grey = Image.merge("LA", [Image.new("L", (1, 1), 0), Image.new("L", (1, 1), 128)])
        assert pixels(to_picture(encoded(grey))) == [[[127, 127, 127]]]

    def test_cmyk(self):
        cyan = Image.new("CMYK", (1, 1), (255, 0, 0, 0))
        assert pixels(to_picture(encoded(cyan, "TIFF"))) == [[[0, 255, 255]]]
        red = to_picture(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100))
        assert np.abs(np.asarray(red).astype(int) - RED).max() <= 2

    def test_grey_and_black_and_white(self):
        assert pixels(to_picture(encoded(Image.new("L", (1, 1), 77)))) == [[[77, 77, 77]]]
        assert pixels(to_picture(encoded(Image.new("1", (1, 1), 1)))) == [[[255, 255, 255]]]

    @pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
    def test_the_first_frame_of_an_animation(self, kind):
        frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE)]
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert pixels(to_picture(data)) == np.asarray(frames[0]).tolist()


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
    def test_pictures_are_turned_upright_once(self, noise, orientation, kind):
        exif = Image.Exif()
        exif[0x0112] = orientation
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(noise, kind, exif=exif, **options)
        upright = to_picture(data)
        with Image.open(io.BytesIO(data)) as picture:
            assert pixels(upright) == pixels(ImageOps.exif_transpose(picture).convert("RGB"))
        assert upright.size == ((7, 5) if orientation < 5 else (5, 7))
        assert pixels(to_picture(upright)) == pixels(upright)

    def test_a_quarter_turn_to_the_right(self):
        """Orientation 6, as a camera held upright writes it: the first row of the file is the right side."""
        exif = Image.Exif()
        exif[0x0112] = 6
        lying = Image.fromarray(np.array([[RED, GREEN], [BLUE, WHITE]], np.uint8))
        assert pixels(to_picture(encoded(lying, exif=exif))) == [[list(BLUE), list(RED)], [list(WHITE), list(GREEN)]]

    def test_unreadable_exif_is_no_orientation(self, noise):
        data = encoded(noise, exif=b"Exif\x00\x00 this is not EXIF")
        assert pixels(to_picture(data)) == pixels(noise)


class TestSettings:
    @pytest.mark.parametrize("size", [{"height": 8, "width": 6}, [8, 6], (8, 6)])
    def test_forms_of_size(self, size):
        assert VAEImageProcessor(size=size).size == {"height": 8, "width": 6}
        assert VAEImageProcessor(size=8).size == {"height": 8, "width": 8}

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"size": 0}, 'size is 0; set {"height": h, "width": w} with whole numbers of at least 1.'),
            ({"size": True}, "size is True; set"),
            ({"size": {"height": 8}}, "size is {'height': 8}; set"),
            ({"size": [8, 8.0]}, "size is [8, 8.0]; set"),
            ({"size": "64"}, "size is '64'; set"),
            ({"num_channels": 4}, "num_channels is 4; set 3 for RGB or 1 for grey."),
            ({"num_channels": True}, "num_channels is True; set 3"),
            ({"crop": "top"}, "crop is 'top'; set \"center\""),
            ({"resample": 9}, "resample is 9; set one of PIL.Image.Resampling: 0 (nearest)"),
            ({"resample": "lanczos"}, "resample is 'lanczos'; set one of"),
            ({"num_chanels": 1}, "num_chanels is not a setting of VAEImageProcessor (size, num_channels, crop, "
             "resample); did you mean num_channels?"),
            ({"do_normalize": True}, "do_normalize is not a setting"),
        ],
    )  # fmt: skip
    def test_impossible_values_are_refused(self, settings, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            VAEImageProcessor(**settings)

    def test_saved_and_loaded(self, tmp_path):
        processor = VAEImageProcessor(size=(28, 20), num_channels=1, crop="none", resample=Image.Resampling.BICUBIC)
        processor.save_pretrained(tmp_path)
        saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
        assert saved == {
            "auto_map": {"AutoImageProcessor": "image_processing_image_vae.VAEImageProcessor"},
            "image_processor_type": "VAEImageProcessor",
            "size": {"height": 28, "width": 20},
            "num_channels": 1,
            "crop": "none",
            "resample": 3,
        }
        loaded = VAEImageProcessor.from_pretrained(tmp_path)
        assert loaded.to_dict() == {**saved}
        assert VAEImageProcessor.from_pretrained(tmp_path, crop="center").crop == "center"
        with pytest.raises(ValueError, match="crop is 'left'"):
            VAEImageProcessor.from_pretrained(tmp_path, crop="left")

    def test_loads_where_the_package_is_not_installed(self, tmp_path):
        VAEImageProcessor(size=(6, 4)).save_pretrained(tmp_path)
        program = f"""
import sys
sys.modules["modeling_vae"] = None
from transformers import AutoImageProcessor
processor = AutoImageProcessor.from_pretrained({str(tmp_path)!r}, trust_remote_code=True)
assert type(processor).__module__.startswith("transformers_modules.")
import numpy
print(processor(numpy.zeros((9, 9, 3), "uint8"), return_tensors="pt")["pixel_values"].shape)
"""
        run = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert run.stdout.strip() == "torch.Size([1, 3, 6, 4])", run.stderr


class TestFitting:
    def test_the_middle_is_kept(self):
        """Green in the middle, red where the crop must not reach, on either axis."""
        for width, height, size in ((16, 8, (8, 8)), (8, 16, (8, 8)), (20, 8, (4, 5)), (9, 8, (8, 8))):
            processor = VAEImageProcessor(size=size)
            picture = Image.new("RGB", (width, height), RED)
            left, top, right, bottom = processor.crop_box(picture.size)
            picture.paste(GREEN, (left, top, right, bottom))
            assert np.unique(np.asarray(processor.fit(picture)).reshape(-1, 3), axis=0).tolist() == [list(GREEN)]

    def test_crop_boxes(self):
        square = VAEImageProcessor(size=(8, 8))
        assert square.crop_box((16, 8)) == (4, 0, 12, 8)
        assert square.crop_box((8, 17)) == (0, 4, 8, 12)
        assert VAEImageProcessor(size=(224, 192)).crop_box((448, 448)) == (32, 0, 416, 448)
        assert VAEImageProcessor(size=(8, 8), crop="none").crop_box((16, 9)) == (0, 0, 16, 9)
        assert VAEImageProcessor(size=(1, 100)).crop_box((500, 3)) == (100, 0, 400, 3)
        assert VAEImageProcessor(size=(8, 8), crop="pad").crop_box((16, 9)) == (0, -4, 16, 12)
        assert VAEImageProcessor(size=(224, 192), crop="pad").crop_box((178, 218)) == (-5, 0, 182, 218)
        assert square.crop_box((1, 9000)) == (0, 4499, 1, 4500)

    @pytest.mark.parametrize("channels", [1, 3])
    def test_a_picture_on_margins_is_whole_and_white_around(self, noise, channels):
        """7 wide and 5 high on 7 x 7: a row of white above, and one below."""
        processor = VAEImageProcessor(size=(7, 7), num_channels=channels, crop="pad")
        fitted = np.asarray(processor.fit(noise)).reshape(7, 7, channels)
        whole = np.asarray(noise if channels == 3 else noise.convert("L")).reshape(5, 7, channels)
        assert np.array_equal(fitted[1:6], whole)
        assert (fitted[[0, 6]] == 255).all()

    def test_a_picture_of_the_right_size_is_untouched(self, noise):
        fitted = VAEImageProcessor(size=(5, 7)).fit(noise)
        assert pixels(fitted) == pixels(noise)
        assert fitted is not noise

    def test_making_smaller_is_antialiased(self):
        """A checkerboard of single pixels becomes grey, not black or white."""
        board = np.indices((64, 64)).sum(0) % 2 * 255
        fitted = VAEImageProcessor(size=8, num_channels=1).fit(to_picture(board.astype(np.uint8)))
        inner = np.asarray(fitted)[1:-1, 1:-1].astype(int)
        assert fitted.mode == "L"
        assert np.abs(inner - 127).max() <= 2

    def test_one_pixel_fills_the_frame(self):
        fitted = VAEImageProcessor(size=4).fit(Image.new("RGB", (1, 1), (10, 20, 30)))
        assert np.unique(np.asarray(fitted).reshape(-1, 3), axis=0).tolist() == [[10, 20, 30]]

    def test_grey_is_luma(self):
        fitted = VAEImageProcessor(size=1, num_channels=1).fit(Image.new("RGB", (1, 1), RED))
        assert np.asarray(fitted).tolist() == [[76]]  # 0.299 * 255


class TestPixelValues:
    def test_one_picture_and_many(self, noise):
        processor = VAEImageProcessor(size=(5, 7))
        expected = torch.from_numpy(np.array(noise)).permute(2, 0, 1) / 255
        one = processor(noise, return_tensors="pt")["pixel_values"]
        assert one.dtype == torch.float32
        assert torch.equal(one, expected[None])
        many = processor([noise, np.asarray(noise)], return_tensors="pt")["pixel_values"]
        assert torch.equal(many, expected.expand(2, -1, -1, -1))
        stacked = processor(np.stack([np.asarray(noise)] * 2), return_tensors="np")["pixel_values"]
        assert stacked.dtype == np.float32
        assert np.array_equal(stacked, many.numpy())
        assert [array.shape for array in processor([noise])["pixel_values"]] == [(3, 5, 7)]

    def test_grey(self, noise):
        values = VAEImageProcessor(size=(5, 7), num_channels=1)(noise, return_tensors="pt")["pixel_values"]
        assert torch.equal(values[0, 0], torch.from_numpy(np.array(noise.convert("L"))) / 255)

    @pytest.mark.parametrize("channels", [1, 3])
    def test_there_and_back_is_exact(self, channels):
        ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
        processor = VAEImageProcessor(size=16, num_channels=channels)
        picture = processor.postprocess(processor(ramp, return_tensors="pt")["pixel_values"])[0]
        assert picture.mode == ("L" if channels == 1 else "RGB")
        assert np.array_equal(np.asarray(picture), ramp if channels == 1 else np.dstack([ramp] * 3))

    def test_values_are_clamped_and_rounded(self):
        values = torch.tensor([-1.0, 0.0, 0.0019, 0.0021, 0.5, 1.0, 7.0, float("inf")]).view(1, 1, 2, 4)
        picture = VAEImageProcessor().postprocess(values)[0]
        assert np.asarray(picture).ravel().tolist() == [0, 0, 0, 1, 128, 255, 255, 255]
        half = VAEImageProcessor().postprocess(values.bfloat16().requires_grad_())[0]
        assert half.size == (4, 2)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda p: p([]), "images is empty; give at least one picture."),
            (lambda p: p([Image.new("RGB", (2, 2)), b"?"]), "images[1] is a text file, not a picture"),
            (lambda p: p(["no/cat.png"]), "'cat.png' does not exist"),
            (lambda p: p(Image.new("RGB", (2, 2)), return_tensors="tf"), "return_tensors is 'tf'; set"),
            (lambda p: p.postprocess(torch.zeros(3, 4, 4)), "pixel_values has the shape [3, 4, 4], but pictures are"),
            (lambda p: p.postprocess(torch.zeros(1, 4, 4, 3)), "pixel_values has the shape [1, 4, 4, 3]"),
            (lambda p: p.postprocess(torch.full((1, 3, 2, 2), torch.nan)), "pixel_values holds NaN"),
        ],
    )
    def test_bad_calls(self, call, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            call(VAEImageProcessor(size=4))


def test_the_published_file_names_nothing_that_would_stop_its_loading():
    """The loader follows relative imports by their text, and there must be none to other folders."""
    text = Path(sys.modules[VAEImageProcessor.__module__].__file__).read_text()
    found = re.findall(r"^\s*(?:from|import)\s+\..*", text, flags=re.MULTILINE)
    assert all(re.fullmatch(r"\s*from \.\w+ import .*", line) for line in found)
