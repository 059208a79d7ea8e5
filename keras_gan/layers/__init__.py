"""Layers that generators and discriminators need and Keras lacks."""

from keras_gan.layers.conditional_batch_normalization import ConditionalBatchNormalization
from keras_gan.layers.contextual_attention import ContextualAttention
from keras_gan.layers.equalized import EqualizedConv2D, EqualizedDense
from keras_gan.layers.gated_conv import GatedConv2D
from keras_gan.layers.grouped_conv import GroupedConv2D
from keras_gan.layers.gumbel_softmax import GumbelSoftmax
from keras_gan.layers.icnr import ICNR
from keras_gan.layers.label_planes import LabelPlanes
from keras_gan.layers.learned_constant import LearnedConstant
from keras_gan.layers.log_mel_spectrogram import LogMelSpectrogram
from keras_gan.layers.mean_style import MeanStyle
from keras_gan.layers.minibatch_std_dev import MinibatchStdDev
from keras_gan.layers.modulated_conv import ModulatedConv2D
from keras_gan.layers.noise_injection import NoiseInjection
from keras_gan.layers.packing import Packing
from keras_gan.layers.partial_conv import PartialConv2D
from keras_gan.layers.phase_shuffle import PhaseShuffle
from keras_gan.layers.pixel_normalization import PixelNormalization
from keras_gan.layers.pixel_shuffle import PixelShuffle, PixelUnshuffle
from keras_gan.layers.reflection_padding import ReflectionPadding2D
from keras_gan.layers.resampling import FIRBlur2D, FIRDownsampling2D, FIRUpsampling2D
from keras_gan.layers.scaled_leaky_relu import ScaledLeakyReLU
from keras_gan.layers.self_attention import SelfAttention
from keras_gan.layers.spectral_normalization import SpectralNormalization
from keras_gan.layers.style_mixing import StyleMixing
from keras_gan.layers.warm_up import WarmUp
from keras_gan.layers.weight_normalization import WeightNormalization

__all__ = [
    "ICNR",
    "ConditionalBatchNormalization",
    "ContextualAttention",
    "EqualizedConv2D",
    "EqualizedDense",
    "FIRBlur2D",
    "FIRDownsampling2D",
    "FIRUpsampling2D",
    "GatedConv2D",
    "GroupedConv2D",
    "GumbelSoftmax",
    "LabelPlanes",
    "LearnedConstant",
    "LogMelSpectrogram",
    "MeanStyle",
    "MinibatchStdDev",
    "ModulatedConv2D",
    "NoiseInjection",
    "Packing",
    "PartialConv2D",
    "PhaseShuffle",
    "PixelNormalization",
    "PixelShuffle",
    "PixelUnshuffle",
    "ReflectionPadding2D",
    "ScaledLeakyReLU",
    "SelfAttention",
    "SpectralNormalization",
    "StyleMixing",
    "WarmUp",
    "WeightNormalization",
]
