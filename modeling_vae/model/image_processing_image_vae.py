"""From any picture to `pixel_values` in [0, 1], and back.

`to_picture` turns whatever a person or a data set hands over into an upright sRGB picture, or says in one sentence why
it cannot; `VAEImageProcessor` crops and resizes pictures to the model's size. Training data and uploads go through the
same two, so that the model sees at inference exactly what it was trained on.
"""

from __future__ import annotations

import difflib
import io
import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import ExifTags, Image
from transformers.image_processing_utils import BaseImageProcessor, BatchFeature
from transformers.processing_utils import ImagesKwargs

from .file_kinds import what_it_is
from .picture_colours import DECODER_ERRORS, eight_bit, on_white, stored_as, to_srgb
from .scalars import is_pair, whole_number

MAX_PIXELS = 89_478_485
"""Pictures with more pixels are taken for decompression bombs; so many fill a quarter of a gigabyte as RGB."""
LARGEST_FILE = 1_000_000_000
"""Bytes of a file: so many pixels of four channels with 16 bits each, not compressed, are less."""

# Raster formats with a header that can be checked before decoding. EPS and the like are left out: they run programs.
# HEIF is there where a plugin for Pillow is registered, as `pillow_heif.register_heif_opener()` does it.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "AVIF", "HEIF", "JPEG2000", "ICO")
_FORMATS_IN_WORDS = "PNG, JPEG, HEIC, WebP, AVIF, GIF, BMP or TIFF"

# How to turn a picture upright, by the value of the EXIF tag Orientation (EXIF 2.32, section 4.6.4).
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def to_picture(source: Any, max_pixels: int = MAX_PIXELS, name: str | None = None) -> Image.Image:
    """Returns `source` as an upright RGB picture in sRGB, decoded and independent of `source`.

    Args:
        source: a path (`str` or `os.PathLike`), the `bytes` of a picture file, a `PIL.Image.Image`, or a `uint8` array
            of shape [H, W], [H, W, 1], [H, W, 3] or [H, W, 4].
        max_pixels: larger pictures (height times width, as the header states it) are refused before they are decoded.
        name: what error messages call the picture; by default the file's name, or the kind of `source`.

    The picture is turned as its EXIF orientation says; colours of a profile, or of a PNG's gAMA and cHRM, become sRGB;
    anything transparent lies on white; 16-bit grey values are scaled from 0..65535 to 0..255; of an animation the
    first frame is taken (of a PIL picture the current one).

    Raises:
        ValueError: `source` is not a picture, empty, truncated or damaged, larger than `max_pixels`, or holds
            floating-point values. Nothing else is raised for a bad picture.
    """
    picture = upright(source, max_pixels, name)
    try:
        return on_white(to_srgb(picture))
    except DECODER_ERRORS as error:
        raise _no_rgb(picture, name or "The picture", error) from error


def upright(source: Any, max_pixels: int = MAX_PIXELS, name: str | None = None) -> Image.Image:
    """Returns `source` upright and decoded, but in its own colours: what an edit that keeps them starts from.

    It has 8 bits a channel, its transparency in a channel, and its profile in `info`; `to_picture` of it is
    `to_picture` of `source`. Arguments and errors are those of `to_picture`.
    """
    if isinstance(source, Image.Image):
        return _upright(source, name or "The PIL picture", max_pixels)
    if isinstance(source, np.ndarray):
        return _upright(_from_array(source, name or "The array"), name or "The array", max_pixels)
    if isinstance(source, str | os.PathLike):
        name = name or repr(os.path.basename(os.fspath(source)) or os.fspath(source))
        source = _read_file(source, name)
    if not isinstance(source, bytes | bytearray | memoryview):
        raise ValueError(
            f"{name or 'The picture'} is a {type(source).__name__}, which cannot be read as a picture; "
            "give a path, the bytes of a picture file, a PIL picture or a uint8 array [H, W, 3]."
        )
    return _from_bytes(bytes(source), name or "The picture given", max_pixels)


def _read_file(path: str | os.PathLike[str], name: str) -> bytes:
    if str(path).startswith(("http://", "https://")):
        raise ValueError(f"{name} is a web address; download the picture and give the path of the file.")
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):  # which may never end
            raise ValueError("it is a pipe or a device")
        if found.st_size > LARGEST_FILE:
            raise ValueError(f"it has {found.st_size:,} bytes, more than any picture that is taken")
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise ValueError(f"{name} does not exist; give the path of a picture file.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{name} cannot be read ({reason}); give the path of a readable picture file.") from error


def _from_bytes(data: bytes, name: str, max_pixels: int) -> Image.Image:
    if not data:
        raise ValueError(f"{name} is empty (0 bytes); give a picture file in {_FORMATS_IN_WORDS}.")
    try:
        Image.init()
        picture = Image.open(io.BytesIO(data), formats=[kind for kind in _FORMATS if kind in Image.OPEN])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(
            f"{name} has too many pixels for Pillow to open ({error}); scale it down before giving it."
        ) from error
    except DECODER_ERRORS as error:
        what, remedy = what_it_is(data)
        raise ValueError(f"{name} is {what}; {remedy}. What can be read is {_FORMATS_IN_WORDS}.") from error
    return _upright(picture, name, max_pixels)


def _from_array(array: np.ndarray, name: str) -> Image.Image:
    if array.dtype != np.uint8:
        remedy = "multiply values in [0, 1] by 255, round and convert to uint8"
        if not np.issubdtype(array.dtype, np.floating):
            remedy = "scale the values to 0..255 and convert to uint8"
        raise ValueError(f"{name} is of type {array.dtype}, but pictures as arrays are uint8; {remedy}.")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise ValueError(
            f"{name} has the shape {list(array.shape)}, but a picture is [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]; "
            "put the channels last and give one picture at a time."
        )
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {list(array.shape)}); give a picture of at least 1 x 1 pixel.")
    return Image.fromarray(np.ascontiguousarray(array))


def _upright(picture: Image.Image, name: str, max_pixels: int) -> Image.Image:
    width, height = picture.size
    if width < 1 or height < 1:
        raise ValueError(f"{name} is empty ({width} x {height} pixels); give a picture of at least 1 x 1 pixel.")
    if width * height > max_pixels:
        raise ValueError(
            f"{name} has {width} x {height} pixels, more than the {max_pixels:,} allowed; scale it down first."
        )
    stored = stored_as(picture)
    try:
        picture.load()
    except DECODER_ERRORS as error:
        raise ValueError(f"{name} is truncated or damaged ({error}); give the whole file.") from error
    if picture.mode == "F":
        raise ValueError(f"{name} holds floating-point grey values; save it with 8 or 16 bits a pixel.")
    try:
        plain = eight_bit(picture, stored)
        orientation = _orientation(picture)
        if orientation in _UPRIGHT:  # the result no longer says so, or the next reader would turn it a second time
            profile = plain.info
            plain = plain.transpose(_UPRIGHT[orientation])
            plain.info = profile
        return plain
    except DECODER_ERRORS as error:
        raise _no_rgb(picture, name, error) from error


def _no_rgb(picture: Image.Image, name: str, error: Exception) -> ValueError:
    if str(error).startswith("holds grey values"):
        return ValueError(f"{name} {error}")
    return ValueError(
        f"{name} has the colour mode {picture.mode}, which cannot be turned into RGB ({error}); save it as RGB."
    )


def _orientation(picture: Image.Image) -> Any:
    try:
        return picture.getexif().get(ExifTags.Base.Orientation)
    except DECODER_ERRORS:
        return None  # EXIF that nobody can read says nothing about the orientation; the pixels are good all the same


# The settings, and what transformers writes into preprocessor_config.json beside them.
_SETTINGS = ("size", "num_channels", "crop", "resample")
SERVICE_KEYS = ("image_processor_type", "feature_extractor_type", "processor_class", "auto_map")


class VAEImageProcessorKwargs(ImagesKwargs, total=False):
    """The keyword arguments that `from_pretrained` hands to the constructor, beside those every processor has."""

    num_channels: int
    crop: str


class VAEImageProcessor(BaseImageProcessor):
    """Crops and resizes pictures to `pixel_values` in [0, 1], and turns `pixel_values` back into pictures.

    Args:
        size: `{"height": h, "width": w}` of the pixel_values; also an int (square) or the pair (h, w).
        num_channels: 3 for RGB, 1 for grey (luma of ITU-R BT.601).
        crop: "center" takes the largest centred rectangle of the target's aspect ratio; "none" resizes the whole
            picture, which distorts it where the aspect ratios differ; "pad" gives it white margins there; "face" says
            that a photo is to be cropped to a face first, as the published alignment does, and takes the centre of
            what comes here.
        resample: one of `PIL.Image.Resampling`, or its number; all but nearest are antialiased when making smaller.

    Raises:
        ValueError: a setting is unknown or has an impossible value.
    """

    model_input_names = ["pixel_values"]
    valid_kwargs = VAEImageProcessorKwargs

    def __init__(
        self,
        size: Mapping[str, int] | Sequence[int] | int = 64,
        num_channels: int = 3,
        crop: str = "center",
        resample: int = Image.Resampling.LANCZOS,
        **kwargs: Any,
    ) -> None:
        _refuse_unknown_settings(kwargs)
        super().__init__(**kwargs)
        self.size = _checked_size(size)
        if isinstance(num_channels, bool) or num_channels not in (1, 3):
            raise ValueError(f"num_channels is {num_channels!r}; set 3 for RGB or 1 for grey.")
        if crop not in ("center", "none", "pad", "face"):
            raise ValueError(
                f'crop is {crop!r}; set "center" to crop to the aspect ratio, "none" to resize only, "pad" for white '
                'margins, or "face" where photos are cropped to faces before.'
            )
        known = ", ".join(f"{int(choice)} ({choice.name.lower()})" for choice in Image.Resampling)
        if isinstance(resample, bool) or resample not in set(Image.Resampling):
            raise ValueError(f"resample is {resample!r}; set one of PIL.Image.Resampling: {known}.")
        self.num_channels = int(num_channels)
        self.crop = crop
        self.resample = int(resample)

    def preprocess(self, images: Any, return_tensors: str | None = None) -> BatchFeature:
        """Pictures -> `pixel_values`.

        Args:
            images: anything that `to_picture` takes, a list of such, or a uint8 array [N, H, W, C].
            return_tensors: "pt" for a tensor, "np" for an array, None for a list of N arrays.

        Returns:
            `BatchFeature` with `pixel_values`: float32 [N, C, H, W] in [0, 1].

        Raises:
            ValueError: one of the pictures cannot be read, or there is none.
        """
        if return_tensors not in (None, "pt", "np"):
            raise ValueError(f'return_tensors is {return_tensors!r}; set "pt", "np" or None.')
        is_batch = isinstance(images, list | tuple) or (isinstance(images, np.ndarray) and images.ndim == 4)
        batch = list(images) if is_batch else [images]
        if not batch:
            raise ValueError("images is empty; give at least one picture.")
        pixel_values = []
        for number, source in enumerate(batch):
            is_path = isinstance(source, str | os.PathLike)
            picture = to_picture(source, name=f"images[{number}]" if is_batch and not is_path else None)
            pixel_values.append(self._to_pixel_values(self.fit(picture)))
        data = {"pixel_values": np.stack(pixel_values) if return_tensors else pixel_values}
        return BatchFeature(data=data, tensor_type=return_tensors)

    def fit(self, picture: Image.Image) -> Image.Image:
        """Crops and resizes an upright picture of any size to `size`; its mode becomes RGB (3 channels) or L (1)."""
        mode = "L" if self.num_channels == 1 else "RGB"
        fitted = picture if picture.mode == mode else picture.convert(mode)
        box = self.crop_box(picture.size)
        if self.crop == "pad":
            fitted = on_margins(fitted, box)
        elif box != (0, 0, *picture.size):
            fitted = fitted.crop(box)
        target = (self.size["width"], self.size["height"])
        return fitted.copy() if fitted.size == target else fitted.resize(target, resample=self.resample)

    def crop_box(self, picture_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The part of a picture that `fit` keeps: (width, height) -> (left, top, right, bottom) in whole pixels.

        With margins it reaches over the picture.
        """
        width, height = picture_size
        if self.crop == "none":
            return 0, 0, width, height
        aspect = self.size["width"] / self.size["height"]
        kept = max if self.crop == "pad" else min
        crop_width = kept(width, max(1, round(height * aspect)))
        crop_height = kept(height, max(1, round(width / aspect)))
        left, top = (width - crop_width) // 2, (height - crop_height) // 2
        return left, top, left + crop_width, top + crop_height

    def postprocess(self, pixel_values: torch.Tensor | np.ndarray) -> list[Image.Image]:
        """`pixel_values` [N, C, H, W] in [0, 1] -> N pictures, mode RGB (C = 3) or L (C = 1); clamped, then rounded.

        Raises:
            ValueError: the shape is another one, or a value is not a number.
        """
        values = torch.as_tensor(pixel_values).detach()
        if values.ndim != 4 or values.shape[1] not in (1, 3):
            raise ValueError(
                f"pixel_values has the shape {list(values.shape)}, but pictures are [N, C, H, W] with C = 1 or 3; "
                "add the batch dimension with pixel_values[None] if it is one picture."
            )
        values = values.to(device="cpu", dtype=torch.float32)
        if values.isnan().any():
            raise ValueError("pixel_values holds NaN; look for the step before this one that divides by zero.")
        grey_levels = (values.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
        pictures = grey_levels.permute(0, 2, 3, 1).contiguous().numpy()  # [N, C, H, W] -> [N, H, W, C]
        return [Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture) for picture in pictures]

    def _to_pixel_values(self, fitted: Image.Image) -> np.ndarray:
        grey_levels = np.asarray(fitted, dtype=np.float32).reshape(fitted.height, fitted.width, self.num_channels)
        return np.ascontiguousarray(grey_levels.transpose(2, 0, 1)) / np.float32(255.0)  # [H, W, C] -> [C, H, W]


def on_margins(picture: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """A box around the whole picture, white where it reaches over it."""
    left, top, right, bottom = box
    paper = Image.new(picture.mode, (right - left, bottom - top), "white")
    paper.paste(picture, (-left, -top))
    return paper


def _refuse_unknown_settings(kwargs: Mapping[str, Any]) -> None:
    for key in kwargs:
        if key not in SERVICE_KEYS and not key.startswith("_"):
            nearest = difflib.get_close_matches(key, _SETTINGS, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else "remove it."
            raise ValueError(f"{key} is not a setting of VAEImageProcessor ({', '.join(_SETTINGS)}); {hint}")


def _checked_size(size: Any) -> dict[str, int]:
    if isinstance(size, Mapping) and set(size) == {"height", "width"}:
        sides = [size["height"], size["width"]]
    elif is_pair(size):
        sides = list(size)
    else:
        sides = [size, size]
    height, width = (whole_number(side) for side in sides)
    if height is None or width is None or min(height, width) < 1:
        raise ValueError(f'size is {size!r}; set {{"height": h, "width": w}} with whole numbers of at least 1.')
    return {"height": height, "width": width}


VAEImageProcessor.register_for_auto_class()  # type: ignore[no-untyped-call]
