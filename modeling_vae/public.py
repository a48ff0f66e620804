"""The public names, which `modeling_vae` shows; with them come the reader of HEIC and the Auto classes' entries."""

import contextlib

from transformers import AutoConfig, AutoImageProcessor, AutoModel

from .animation import Animation
from .few_examples import Taught
from .model.attribute_directions import AttributeDirections, Direction, Reading
from .model.configuration_image_vae import VAEConfig
from .model.image_processing_image_vae import VAEImageProcessor, to_picture
from .model.latent_moments import LatentMoments
from .model.modeling_image_vae import VAEModel, VAEOutput
from .model.posterior import DiagonalGaussian
from .model.priors import FlowPrior
from .photos.alignment import FaceAlignment
from .photos.crop import Crop
from .photos.photo import PhotoCrop
from .photos.reconstruction_errors import ReconstructionErrors
from .pipeline import VAEPipeline

# Photos of phones are HEIC, which Pillow reads with this plugin. It is a dependency, but may be taken away: the wheel
# holds an encoder under the GPL, which not everybody can ship. Then a sentence says what is missing.
with contextlib.suppress(ImportError):
    from pillow_heif import register_heif_opener

    register_heif_opener()

# Where this package is installed, Auto classes take these and never the code of a repository.
AutoConfig.register(VAEConfig.model_type, VAEConfig, exist_ok=True)
AutoModel.register(VAEConfig, VAEModel, exist_ok=True)
AutoImageProcessor.register(VAEConfig, VAEImageProcessor, exist_ok=True)

__all__ = [
    "Animation",
    "AttributeDirections",
    "Crop",
    "DiagonalGaussian",
    "Direction",
    "FaceAlignment",
    "FlowPrior",
    "LatentMoments",
    "PhotoCrop",
    "Reading",
    "ReconstructionErrors",
    "Taught",
    "VAEConfig",
    "VAEImageProcessor",
    "VAEModel",
    "VAEOutput",
    "VAEPipeline",
    "to_picture",
]
