"""All layers. A module of layers is imported when one of its classes, or one of its types in a file, is first named.

A new module of layers gets a line in `_LAYERS` and its imports below ``TYPE_CHECKING``; a test holds that both are complete.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lamina.network import vertices as _vertices  # noqa: F401 - announces the types of vertices, and loads nothing else
from lamina.network.layers.layer import Layer as Layer
from lamina.network.layers.layer import Parameter as Parameter
from lamina.network.layers.layer import ParametricLayer as ParametricLayer
from lamina.spec import registry

if TYPE_CHECKING:
    from lamina.network.layers.activation import ActivationLayer as ActivationLayer
    from lamina.network.layers.activation import IdentityLayer as IdentityLayer
    from lamina.network.layers.activation import PReLU as PReLU
    from lamina.network.layers.activity_penalty import ActivityPenalty as ActivityPenalty
    from lamina.network.layers.adaptive_pooling import AdaptiveAvgPool1d as AdaptiveAvgPool1d
    from lamina.network.layers.adaptive_pooling import AdaptiveAvgPool2d as AdaptiveAvgPool2d
    from lamina.network.layers.adaptive_pooling import AdaptiveAvgPool3d as AdaptiveAvgPool3d
    from lamina.network.layers.adaptive_pooling import AdaptiveMaxPool1d as AdaptiveMaxPool1d
    from lamina.network.layers.adaptive_pooling import AdaptiveMaxPool2d as AdaptiveMaxPool2d
    from lamina.network.layers.adaptive_pooling import AdaptiveMaxPool3d as AdaptiveMaxPool3d
    from lamina.network.layers.attention import Attention as Attention
    from lamina.network.layers.attention import MultiHeadAttention as MultiHeadAttention
    from lamina.network.layers.attention import Positioned as Positioned
    from lamina.network.layers.audio import MelSpectrogram as MelSpectrogram
    from lamina.network.layers.audio import Spectrogram as Spectrogram
    from lamina.network.layers.audio import STFTSpectrogram as STFTSpectrogram
    from lamina.network.layers.autoencoder import AutoEncoder as AutoEncoder
    from lamina.network.layers.bidirectional import Bidirectional as Bidirectional
    from lamina.network.layers.blocks import ChannelShuffle as ChannelShuffle
    from lamina.network.layers.blocks import DepthToSpace as DepthToSpace
    from lamina.network.layers.blocks import PixelShuffle as PixelShuffle
    from lamina.network.layers.blocks import PixelUnshuffle as PixelUnshuffle
    from lamina.network.layers.blocks import SpaceToDepth as SpaceToDepth
    from lamina.network.layers.blocks import SpaceToSteps as SpaceToSteps
    from lamina.network.layers.blocks import StepsToSpace as StepsToSpace
    from lamina.network.layers.borders import Cropping1d as Cropping1d
    from lamina.network.layers.borders import Cropping2d as Cropping2d
    from lamina.network.layers.borders import Cropping3d as Cropping3d
    from lamina.network.layers.borders import Padding1d as Padding1d
    from lamina.network.layers.borders import Padding2d as Padding2d
    from lamina.network.layers.borders import Padding3d as Padding3d
    from lamina.network.layers.borders import ZeroPadding1d as ZeroPadding1d
    from lamina.network.layers.borders import ZeroPadding2d as ZeroPadding2d
    from lamina.network.layers.borders import ZeroPadding3d as ZeroPadding3d
    from lamina.network.layers.capsules import Capsule as Capsule
    from lamina.network.layers.capsules import CapsuleStrength as CapsuleStrength
    from lamina.network.layers.capsules import PrimaryCapsules as PrimaryCapsules
    from lamina.network.layers.center_loss import CenterLossOutput as CenterLossOutput
    from lamina.network.layers.classic_attention import ClassicAttention as ClassicAttention
    from lamina.network.layers.classic_attention import LearnedSelfAttention as LearnedSelfAttention
    from lamina.network.layers.classic_attention import RecurrentAttention as RecurrentAttention
    from lamina.network.layers.classic_attention import SelfAttention as SelfAttention
    from lamina.network.layers.container import Container as Container
    from lamina.network.layers.continued import Continued as Continued
    from lamina.network.layers.continued import ContinuedLSTM as ContinuedLSTM
    from lamina.network.layers.continued import ContinuedRNN as ContinuedRNN
    from lamina.network.layers.control import Conditional as Conditional
    from lamina.network.layers.control import Loop as Loop
    from lamina.network.layers.conv_lstm import ConvLSTM as ConvLSTM
    from lamina.network.layers.conv_lstm import ConvLSTM1d as ConvLSTM1d
    from lamina.network.layers.conv_lstm import ConvLSTM2d as ConvLSTM2d
    from lamina.network.layers.conv_lstm import ConvLSTM3d as ConvLSTM3d
    from lamina.network.layers.convolution import Conv1d as Conv1d
    from lamina.network.layers.convolution import Conv2d as Conv2d
    from lamina.network.layers.convolution import Conv3d as Conv3d
    from lamina.network.layers.convolution import Convolution as Convolution
    from lamina.network.layers.deformable import DeformableConv2d as DeformableConv2d
    from lamina.network.layers.dense import Dense as Dense
    from lamina.network.layers.depthwise import DepthwiseConv1d as DepthwiseConv1d
    from lamina.network.layers.depthwise import DepthwiseConv2d as DepthwiseConv2d
    from lamina.network.layers.depthwise import SeparableConv1d as SeparableConv1d
    from lamina.network.layers.depthwise import SeparableConv2d as SeparableConv2d
    from lamina.network.layers.dropout import Dropout as Dropout
    from lamina.network.layers.einsum_dense import EinsumDense as EinsumDense
    from lamina.network.layers.embedding import Embedding as Embedding
    from lamina.network.layers.embedding_bag import EmbeddingBag as EmbeddingBag
    from lamina.network.layers.experts import MixtureOfExperts as MixtureOfExperts
    from lamina.network.layers.fractional_pooling import FractionalMaxPool2d as FractionalMaxPool2d
    from lamina.network.layers.fractional_pooling import FractionalMaxPool3d as FractionalMaxPool3d
    from lamina.network.layers.gain import ElementwiseMultiplication as ElementwiseMultiplication
    from lamina.network.layers.gated import IndRNN as IndRNN
    from lamina.network.layers.gated import MinimalGatedUnit as MinimalGatedUnit
    from lamina.network.layers.gated import PeepholeLSTM as PeepholeLSTM
    from lamina.network.layers.global_pooling import GlobalAvgPool as GlobalAvgPool
    from lamina.network.layers.global_pooling import GlobalMaxPool as GlobalMaxPool
    from lamina.network.layers.global_pooling import GlobalPNormPool as GlobalPNormPool
    from lamina.network.layers.global_pooling import GlobalSumPool as GlobalSumPool
    from lamina.network.layers.glu import GLU as GLU
    from lamina.network.layers.glu import GatedLinearUnit as GatedLinearUnit
    from lamina.network.layers.graph_convolution import GraphAttention as GraphAttention
    from lamina.network.layers.graph_convolution import GraphConv as GraphConv
    from lamina.network.layers.graph_convolution import GraphLayer as GraphLayer
    from lamina.network.layers.graph_convolution import SageConv as SageConv
    from lamina.network.layers.group_norm import GroupNorm as GroupNorm
    from lamina.network.layers.group_norm import InstanceNorm as InstanceNorm
    from lamina.network.layers.highway import Highway as Highway
    from lamina.network.layers.image import ImageLayer as ImageLayer
    from lamina.network.layers.image import RandomImageLayer as RandomImageLayer
    from lamina.network.layers.image_augment import Augmenting as Augmenting
    from lamina.network.layers.image_augment import AugMix as AugMix
    from lamina.network.layers.image_augment import RandAugment as RandAugment
    from lamina.network.layers.image_colour import Grayscale as Grayscale
    from lamina.network.layers.image_colour import ImageStandardize as ImageStandardize
    from lamina.network.layers.image_colour import RandomColorDegeneration as RandomColorDegeneration
    from lamina.network.layers.image_colour import RandomColorJitter as RandomColorJitter
    from lamina.network.layers.image_colour import RandomColours as RandomColours
    from lamina.network.layers.image_colour import RandomGrayscale as RandomGrayscale
    from lamina.network.layers.image_colour import RandomHue as RandomHue
    from lamina.network.layers.image_colour import RandomSaturation as RandomSaturation
    from lamina.network.layers.image_filter import RandomBlur as RandomBlur
    from lamina.network.layers.image_filter import RandomErasing as RandomErasing
    from lamina.network.layers.image_filter import RandomSharpness as RandomSharpness
    from lamina.network.layers.image_geometry import RandomElastic as RandomElastic
    from lamina.network.layers.image_geometry import RandomFlip as RandomFlip
    from lamina.network.layers.image_geometry import RandomPerspective as RandomPerspective
    from lamina.network.layers.image_geometry import RandomRotation as RandomRotation
    from lamina.network.layers.image_geometry import RandomShear as RandomShear
    from lamina.network.layers.image_geometry import RandomTranslation as RandomTranslation
    from lamina.network.layers.image_geometry import RandomZoom as RandomZoom
    from lamina.network.layers.image_geometry import Warped as Warped
    from lamina.network.layers.image_size import CenterCrop as CenterCrop
    from lamina.network.layers.image_size import RandomCrop as RandomCrop
    from lamina.network.layers.image_size import Resizing as Resizing
    from lamina.network.layers.image_size import Sized as Sized
    from lamina.network.layers.image_tone import AutoContrast as AutoContrast
    from lamina.network.layers.image_tone import Clahe as Clahe
    from lamina.network.layers.image_tone import Equalization as Equalization
    from lamina.network.layers.image_tone import RandomBrightness as RandomBrightness
    from lamina.network.layers.image_tone import RandomContrast as RandomContrast
    from lamina.network.layers.image_tone import RandomInvert as RandomInvert
    from lamina.network.layers.image_tone import RandomPosterization as RandomPosterization
    from lamina.network.layers.image_tone import Solarization as Solarization
    from lamina.network.layers.image_tone import Toned as Toned
    from lamina.network.layers.local import LocallyConnected1d as LocallyConnected1d
    from lamina.network.layers.local import LocallyConnected2d as LocallyConnected2d
    from lamina.network.layers.local_response import LocalResponseNorm as LocalResponseNorm
    from lamina.network.layers.lookup import Discretize as Discretize
    from lamina.network.layers.lookup import FromTokens as FromTokens
    from lamina.network.layers.lookup import HashedCrossing as HashedCrossing
    from lamina.network.layers.lookup import Hashing as Hashing
    from lamina.network.layers.lookup import IntegerLookup as IntegerLookup
    from lamina.network.layers.mask import ApplyMask as ApplyMask
    from lamina.network.layers.mask import HoldSteps as HoldSteps
    from lamina.network.layers.mask import MaskSteps as MaskSteps
    from lamina.network.layers.maxout import Maxout as Maxout
    from lamina.network.layers.module import Module as Module
    from lamina.network.layers.nested import Nested as Nested
    from lamina.network.layers.nested import Repeat as Repeat
    from lamina.network.layers.nested import Residual as Residual
    from lamina.network.layers.nested import TimeDistributed as TimeDistributed
    from lamina.network.layers.normalization import BatchNorm as BatchNorm
    from lamina.network.layers.normalization import LayerNorm as LayerNorm
    from lamina.network.layers.normed_weights import NormedWeights as NormedWeights
    from lamina.network.layers.normed_weights import SpectralNorm as SpectralNorm
    from lamina.network.layers.normed_weights import WeightNorm as WeightNorm
    from lamina.network.layers.one_class import OneClassOutput as OneClassOutput
    from lamina.network.layers.one_hot import OneHot as OneHot
    from lamina.network.layers.ordinal import OrdinalOutput as OrdinalOutput
    from lamina.network.layers.output import LossLayer as LossLayer
    from lamina.network.layers.output import Output as Output
    from lamina.network.layers.output import OutputMixin as OutputMixin
    from lamina.network.layers.patches import Fold as Fold
    from lamina.network.layers.patches import Unfold as Unfold
    from lamina.network.layers.pooling import AvgPool1d as AvgPool1d
    from lamina.network.layers.pooling import AvgPool2d as AvgPool2d
    from lamina.network.layers.pooling import AvgPool3d as AvgPool3d
    from lamina.network.layers.pooling import MaxPool1d as MaxPool1d
    from lamina.network.layers.pooling import MaxPool2d as MaxPool2d
    from lamina.network.layers.pooling import MaxPool3d as MaxPool3d
    from lamina.network.layers.positions import PositionEmbedding as PositionEmbedding
    from lamina.network.layers.positions import SinusoidalPositions as SinusoidalPositions
    from lamina.network.layers.positions import TokenEmbedding as TokenEmbedding
    from lamina.network.layers.power_pooling import PNormPool1d as PNormPool1d
    from lamina.network.layers.power_pooling import PNormPool2d as PNormPool2d
    from lamina.network.layers.power_pooling import PNormPool3d as PNormPool3d
    from lamina.network.layers.power_pooling import SumPool1d as SumPool1d
    from lamina.network.layers.power_pooling import SumPool2d as SumPool2d
    from lamina.network.layers.power_pooling import SumPool3d as SumPool3d
    from lamina.network.layers.pretrainable import Pretrainable as Pretrainable
    from lamina.network.layers.rbm import RBM as RBM
    from lamina.network.layers.recurrent import GRU as GRU
    from lamina.network.layers.recurrent import LSTM as LSTM
    from lamina.network.layers.recurrent import LastStep as LastStep
    from lamina.network.layers.recurrent import Recurrent as Recurrent
    from lamina.network.layers.recurrent import SimpleRNN as SimpleRNN
    from lamina.network.layers.repeat_vector import RepeatVector as RepeatVector
    from lamina.network.layers.rms_norm import RMSNorm as RMSNorm
    from lamina.network.layers.rms_norm import UnitNorm as UnitNorm
    from lamina.network.layers.scored_attention import AdditiveAttention as AdditiveAttention
    from lamina.network.layers.scored_attention import AttentionPooling as AttentionPooling
    from lamina.network.layers.scored_attention import DotProductAttention as DotProductAttention
    from lamina.network.layers.scored_attention import ScoredAttention as ScoredAttention
    from lamina.network.layers.shaping import Flatten as Flatten
    from lamina.network.layers.shaping import Permute as Permute
    from lamina.network.layers.shaping import Reshape as Reshape
    from lamina.network.layers.shared import Shared as Shared
    from lamina.network.layers.squeeze_excite import SqueezeExcite as SqueezeExcite
    from lamina.network.layers.tied import TiedOutput as TiedOutput
    from lamina.network.layers.token import ClassToken as ClassToken
    from lamina.network.layers.token import FirstStep as FirstStep
    from lamina.network.layers.transformer import Transformer as Transformer
    from lamina.network.layers.transformer import TransformerDecoder as TransformerDecoder
    from lamina.network.layers.transformer import TransformerEncoder as TransformerEncoder
    from lamina.network.layers.transposed import ConvTranspose1d as ConvTranspose1d
    from lamina.network.layers.transposed import ConvTranspose2d as ConvTranspose2d
    from lamina.network.layers.transposed import ConvTranspose3d as ConvTranspose3d
    from lamina.network.layers.unpooling import MaxUnpool1d as MaxUnpool1d
    from lamina.network.layers.unpooling import MaxUnpool2d as MaxUnpool2d
    from lamina.network.layers.unpooling import MaxUnpool3d as MaxUnpool3d
    from lamina.network.layers.upsampling import Upsampling1d as Upsampling1d
    from lamina.network.layers.upsampling import Upsampling2d as Upsampling2d
    from lamina.network.layers.upsampling import Upsampling3d as Upsampling3d
    from lamina.network.layers.variational import VariationalAutoencoder as VariationalAutoencoder
    from lamina.network.layers.yolo import YoloOutput as YoloOutput

_LAYERS: dict[str, str] = {
    "activity_penalty": "ActivityPenalty=activity_penalty",
    "audio": "Spectrogram STFTSpectrogram=stft_spectrogram MelSpectrogram=mel_spectrogram",
    "einsum_dense": "EinsumDense=einsum_dense",
    "embedding_bag": "EmbeddingBag=embedding_bag",
    "glu": "GLU=glu GatedLinearUnit=gated_linear_unit",
    "graph_convolution": "GraphLayer GraphConv=graph_conv SageConv=sage_conv GraphAttention=graph_attention",
    "activation": "ActivationLayer=activation IdentityLayer=identity PReLU=prelu",
    "adaptive_pooling": (
        "AdaptiveAvgPool1d=adaptive_avg_pool1d AdaptiveAvgPool2d=adaptive_avg_pool2d AdaptiveAvgPool3d=adaptive_avg_pool3d"
        " AdaptiveMaxPool1d=adaptive_max_pool1d AdaptiveMaxPool2d=adaptive_max_pool2d AdaptiveMaxPool3d=adaptive_max_pool3d"
    ),
    "attention": "Attention Positioned MultiHeadAttention=multi_head_attention",
    "autoencoder": "AutoEncoder=autoencoder",
    "bidirectional": "Bidirectional=bidirectional",
    "blocks": (
        "SpaceToDepth=space_to_depth DepthToSpace=depth_to_space PixelShuffle=pixel_shuffle PixelUnshuffle=pixel_unshuffle"
        " SpaceToSteps=space_to_steps StepsToSpace=steps_to_space ChannelShuffle=channel_shuffle"
    ),
    "borders": (
        "ZeroPadding1d=zero_padding1d ZeroPadding2d=zero_padding2d ZeroPadding3d=zero_padding3d Padding1d=padding1d"
        " Padding2d=padding2d Padding3d=padding3d Cropping1d=cropping1d Cropping2d=cropping2d Cropping3d=cropping3d"
    ),
    "capsules": "PrimaryCapsules=primary_capsules Capsule=capsule CapsuleStrength=capsule_strength",
    "center_loss": "CenterLossOutput=center_loss_output",
    "classic_attention": (
        "ClassicAttention SelfAttention=self_attention LearnedSelfAttention=learned_self_attention RecurrentAttention=recurrent_attention"
    ),
    "container": "Container",
    "continued": "Continued ContinuedLSTM=continued_lstm ContinuedRNN=continued_rnn",
    "control": "Conditional=conditional Loop=loop",
    "conv_lstm": "ConvLSTM ConvLSTM1d=conv_lstm1d ConvLSTM2d=conv_lstm2d ConvLSTM3d=conv_lstm3d",
    "convolution": "Convolution Conv1d=conv1d Conv2d=conv2d Conv3d=conv3d",
    "deformable": "DeformableConv2d=deformable_conv2d",
    "dense": "Dense=dense",
    "depthwise": (
        "DepthwiseConv1d=depthwise_conv1d DepthwiseConv2d=depthwise_conv2d SeparableConv1d=separable_conv1d"
        " SeparableConv2d=separable_conv2d"
    ),
    "dropout": "Dropout=dropout",
    "embedding": "Embedding=embedding",
    "fractional_pooling": "FractionalMaxPool2d=fractional_max_pool2d FractionalMaxPool3d=fractional_max_pool3d",
    "gain": "ElementwiseMultiplication=elementwise_multiplication",
    "experts": "MixtureOfExperts=mixture_of_experts",
    "gated": "PeepholeLSTM=peephole_lstm MinimalGatedUnit=minimal_gated_unit IndRNN=indrnn",
    "global_pooling": (
        "GlobalAvgPool=global_avg_pool GlobalMaxPool=global_max_pool GlobalSumPool=global_sum_pool GlobalPNormPool=global_p_norm_pool"
    ),
    "group_norm": "GroupNorm=group_norm InstanceNorm=instance_norm",
    "highway": "Highway=highway",
    "image": "ImageLayer RandomImageLayer",
    "image_augment": "Augmenting RandAugment=rand_augment AugMix=aug_mix",
    "image_colour": (
        "RandomColours Grayscale=grayscale ImageStandardize=image_standardize RandomSaturation=random_saturation RandomHue=random_hue"
        " RandomColorDegeneration=random_color_degeneration RandomGrayscale=random_grayscale RandomColorJitter=random_color_jitter"
    ),
    "image_filter": "RandomSharpness=random_sharpness RandomBlur=random_blur RandomErasing=random_erasing",
    "image_geometry": (
        "Warped RandomFlip=random_flip RandomRotation=random_rotation RandomTranslation=random_translation RandomShear=random_shear"
        " RandomZoom=random_zoom RandomPerspective=random_perspective RandomElastic=random_elastic"
    ),
    "image_size": "Sized Resizing=resizing CenterCrop=center_crop RandomCrop=random_crop",
    "image_tone": (
        "Toned RandomBrightness=random_brightness RandomContrast=random_contrast RandomInvert=random_invert"
        " RandomPosterization=random_posterization Solarization=solarization AutoContrast=auto_contrast Equalization=equalization"
        " Clahe=clahe"
    ),
    "local": "LocallyConnected1d=locally_connected1d LocallyConnected2d=locally_connected2d",
    "local_response": "LocalResponseNorm=local_response_norm",
    "lookup": "Discretize=discretize FromTokens IntegerLookup=integer_lookup Hashing=hashing HashedCrossing=hashed_crossing",
    "mask": "ApplyMask=apply_mask HoldSteps=hold_steps MaskSteps=mask_steps",
    "maxout": "Maxout=maxout",
    "module": "Module",
    "nested": "Nested=nested Repeat=repeat Residual=residual TimeDistributed=time_distributed",
    "normalization": "BatchNorm=batch_norm LayerNorm=layer_norm",
    "normed_weights": "NormedWeights SpectralNorm=spectral_norm WeightNorm=weight_norm",
    "one_class": "OneClassOutput=one_class_output",
    "one_hot": "OneHot=one_hot",
    "ordinal": "OrdinalOutput=ordinal_output",
    "output": "OutputMixin Output=output LossLayer=loss",
    "patches": "Unfold=unfold Fold=fold",
    "pooling": (
        "MaxPool1d=max_pool1d MaxPool2d=max_pool2d MaxPool3d=max_pool3d AvgPool1d=avg_pool1d AvgPool2d=avg_pool2d AvgPool3d=avg_pool3d"
    ),
    "positions": ("PositionEmbedding=position_embedding SinusoidalPositions=sinusoidal_positions TokenEmbedding=token_embedding"),
    "power_pooling": (
        "SumPool1d=sum_pool1d SumPool2d=sum_pool2d SumPool3d=sum_pool3d PNormPool1d=p_norm_pool1d PNormPool2d=p_norm_pool2d"
        " PNormPool3d=p_norm_pool3d"
    ),
    "pretrainable": "Pretrainable",
    "rbm": "RBM=rbm",
    "recurrent": "Recurrent LSTM=lstm GRU=gru SimpleRNN=simple_rnn LastStep=last_step",
    "repeat_vector": "RepeatVector=repeat_vector",
    "rms_norm": "RMSNorm=rms_norm UnitNorm=unit_norm",
    "scored_attention": (
        "ScoredAttention DotProductAttention=dot_product_attention AdditiveAttention=additive_attention AttentionPooling=attention_pooling"
    ),
    "shaping": "Flatten=flatten Reshape=reshape Permute=permute",
    "shared": "Shared=shared",
    "squeeze_excite": "SqueezeExcite=squeeze_excite",
    "tied": "TiedOutput=tied_output",
    "token": "ClassToken=class_token FirstStep=first_step",
    "transformer": "Transformer TransformerEncoder=transformer_encoder TransformerDecoder=transformer_decoder",
    "transposed": "ConvTranspose1d=conv_transpose1d ConvTranspose2d=conv_transpose2d ConvTranspose3d=conv_transpose3d",
    "unpooling": "MaxUnpool1d=max_unpool1d MaxUnpool2d=max_unpool2d MaxUnpool3d=max_unpool3d",
    "upsampling": "Upsampling1d=upsampling1d Upsampling2d=upsampling2d Upsampling3d=upsampling3d",
    "variational": "VariationalAutoencoder=variational_autoencoder",
    "yolo": "YoloOutput=yolo_output",
}
"""Module of this package to its public classes, each with the type it is registered as, if it is."""

_HOME = {word.partition("=")[0]: f"{__name__}.{module}" for module, words in _LAYERS.items() for word in words.split()}

registry.announce(
    "layer",
    {word.partition("=")[2]: f"{__name__}.{module}" for module, words in _LAYERS.items() for word in words.split() if "=" in word},
)

__all__ = sorted([*_HOME, "Layer", "Parameter", "ParametricLayer"])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name)
    found: Any = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
