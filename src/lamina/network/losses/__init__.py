"""Losses: what each measures, and which targets it needs; `lamina.engine.losses` says how torch computes them.

A module of losses is imported when one of its classes, or one of its types in a file, is first named. A new one gets a line in `_LOSSES`
and its imports below ``TYPE_CHECKING``; a test holds that both are complete.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lamina.network.losses.loss import Loss as Loss
from lamina.network.losses.loss import Misfit as Misfit
from lamina.network.losses.loss import TargetKind as TargetKind
from lamina.network.losses.loss import Weighted as Weighted
from lamina.spec import registry

if TYPE_CHECKING:
    from lamina.network.losses.classification import BinaryCrossEntropy as BinaryCrossEntropy
    from lamina.network.losses.classification import BinaryFocal as BinaryFocal
    from lamina.network.losses.classification import CategoricalHinge as CategoricalHinge
    from lamina.network.losses.classification import ClassHinge as ClassHinge
    from lamina.network.losses.classification import CrossEntropy as CrossEntropy
    from lamina.network.losses.classification import FMeasure as FMeasure
    from lamina.network.losses.classification import Focal as Focal
    from lamina.network.losses.classification import GeneralizedCrossEntropy as GeneralizedCrossEntropy
    from lamina.network.losses.classification import Hinge as Hinge
    from lamina.network.losses.classification import MultiLabel as MultiLabel
    from lamina.network.losses.classification import NegativeLogLikelihood as NegativeLogLikelihood
    from lamina.network.losses.classification import Ordinal as Ordinal
    from lamina.network.losses.classification import SparseCrossEntropy as SparseCrossEntropy
    from lamina.network.losses.classification import SquaredHinge as SquaredHinge
    from lamina.network.losses.detection import Yolo as Yolo
    from lamina.network.losses.detection import YoloBoxes as YoloBoxes
    from lamina.network.losses.distribution import GaussianNll as GaussianNll
    from lamina.network.losses.distribution import KlDivergence as KlDivergence
    from lamina.network.losses.distribution import MixtureDensity as MixtureDensity
    from lamina.network.losses.distribution import NegativeBinomial as NegativeBinomial
    from lamina.network.losses.distribution import Poisson as Poisson
    from lamina.network.losses.distribution import Wasserstein as Wasserstein
    from lamina.network.losses.embedding import Circle as Circle
    from lamina.network.losses.embedding import InfoNce as InfoNce
    from lamina.network.losses.embedding import Triplet as Triplet
    from lamina.network.losses.margin import CapsuleMargin as CapsuleMargin
    from lamina.network.losses.margin import Contrastive as Contrastive
    from lamina.network.losses.margin import CosineEmbedding as CosineEmbedding
    from lamina.network.losses.margin import HingeEmbedding as HingeEmbedding
    from lamina.network.losses.margin import MarginRanking as MarginRanking
    from lamina.network.losses.margin import MultiLabelMargin as MultiLabelMargin
    from lamina.network.losses.margin import MultiMargin as MultiMargin
    from lamina.network.losses.margin import OneClass as OneClass
    from lamina.network.losses.margin import SoftMargin as SoftMargin
    from lamina.network.losses.overlap import CategoricalDice as CategoricalDice
    from lamina.network.losses.overlap import CategoricalIou as CategoricalIou
    from lamina.network.losses.overlap import CategoricalTversky as CategoricalTversky
    from lamina.network.losses.overlap import Dice as Dice
    from lamina.network.losses.overlap import Iou as Iou
    from lamina.network.losses.overlap import Tversky as Tversky
    from lamina.network.losses.regression import CosineProximity as CosineProximity
    from lamina.network.losses.regression import Huber as Huber
    from lamina.network.losses.regression import LogCosh as LogCosh
    from lamina.network.losses.regression import MeanAbsoluteError as MeanAbsoluteError
    from lamina.network.losses.regression import MeanAbsolutePercentageError as MeanAbsolutePercentageError
    from lamina.network.losses.regression import MeanSquaredError as MeanSquaredError
    from lamina.network.losses.regression import MeanSquaredLogError as MeanSquaredLogError
    from lamina.network.losses.regression import Quantile as Quantile
    from lamina.network.losses.regression import SmoothL1 as SmoothL1
    from lamina.network.losses.regression import SumAbsoluteError as SumAbsoluteError
    from lamina.network.losses.regression import SumSquaredError as SumSquaredError
    from lamina.network.losses.sequence import Ctc as Ctc
    from lamina.network.losses.survival import Cox as Cox

_LOSSES: dict[str, str] = {
    "classification": (
        "BinaryCrossEntropy=binary_cross_entropy BinaryFocal=binary_focal CategoricalHinge=categorical_hinge ClassHinge=class_hinge"
        " CrossEntropy=cross_entropy FMeasure=f_measure Focal=focal GeneralizedCrossEntropy=generalized_cross_entropy"
        " Hinge=hinge MultiLabel=multi_label NegativeLogLikelihood=negative_log_likelihood Ordinal=ordinal"
        " SparseCrossEntropy=sparse_cross_entropy SquaredHinge=squared_hinge"
    ),
    "detection": "Yolo=yolo YoloBoxes",
    "distribution": (
        "GaussianNll=gaussian_nll KlDivergence=kl_divergence MixtureDensity=mixture_density"
        " NegativeBinomial=negative_binomial Poisson=poisson Wasserstein=wasserstein"
    ),
    "embedding": "Circle=circle InfoNce=info_nce Triplet=triplet",
    "margin": (
        "CapsuleMargin=capsule_margin Contrastive=contrastive CosineEmbedding=cosine_embedding HingeEmbedding=hinge_embedding"
        " MarginRanking=margin_ranking MultiLabelMargin=multi_label_margin MultiMargin=multi_margin OneClass=one_class"
        " SoftMargin=soft_margin"
    ),
    "overlap": (
        "CategoricalDice=categorical_dice CategoricalIou=categorical_iou CategoricalTversky=categorical_tversky Dice=dice"
        " Iou=iou Tversky=tversky"
    ),
    "regression": (
        "CosineProximity=cosine_proximity Huber=huber LogCosh=log_cosh MeanAbsoluteError=mae"
        " MeanAbsolutePercentageError=mape MeanSquaredError=mse MeanSquaredLogError=msle Quantile=quantile"
        " SmoothL1=smooth_l1 SumAbsoluteError=l1 SumSquaredError=l2"
    ),
    "sequence": "Ctc=ctc",
    "survival": "Cox=cox",
}
"""Module of this package to its public classes, each with the type it is registered as, if it is."""

_HOME = {word.partition("=")[0]: f"{__name__}.{module}" for module, words in _LOSSES.items() for word in words.split()}

registry.announce(
    "loss",
    {word.partition("=")[2]: f"{__name__}.{module}" for module, words in _LOSSES.items() for word in words.split() if "=" in word},
)

__all__ = sorted([*_HOME, "Loss", "Misfit", "TargetKind", "Weighted"])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name)
    found: Any = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
