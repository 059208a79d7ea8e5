"""Ready-made networks: plain Functional Keras models to print, change and replace."""

from keras_gan.networks.biggan import biggan
from keras_gan.networks.dcgan import dcgan
from keras_gan.networks.gated_inpainter import gated_inpainter
from keras_gan.networks.hifigan import hifigan
from keras_gan.networks.interpolation import interpolate
from keras_gan.networks.mlp import mlp
from keras_gan.networks.patch import patch
from keras_gan.networks.projection import Projection, project
from keras_gan.networks.r3gan import r3gan
from keras_gan.networks.resnet_translator import resnet_translator
from keras_gan.networks.rrdb import rrdb
from keras_gan.networks.sagan import sagan
from keras_gan.networks.sn_patch import sn_patch
from keras_gan.networks.sngan import sngan
from keras_gan.networks.srresnet import srresnet
from keras_gan.networks.stargan import stargan
from keras_gan.networks.stylegan2 import stylegan2
from keras_gan.networks.styles import interpolate_styles, mix_styles, synthesize
from keras_gan.networks.unet import unet
from keras_gan.networks.unet_discriminator import unet_discriminator
from keras_gan.networks.vgg_discriminator import vgg_discriminator
from keras_gan.networks.wavegan import wavegan

__all__ = [
    "Projection",
    "biggan",
    "dcgan",
    "gated_inpainter",
    "hifigan",
    "interpolate",
    "interpolate_styles",
    "mix_styles",
    "mlp",
    "patch",
    "project",
    "r3gan",
    "resnet_translator",
    "rrdb",
    "sagan",
    "sn_patch",
    "sngan",
    "srresnet",
    "stargan",
    "stylegan2",
    "synthesize",
    "unet",
    "unet_discriminator",
    "vgg_discriminator",
    "wavegan",
]
