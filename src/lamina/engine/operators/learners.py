"""Operators of ``ai.onnx.ml``: scalers, linear models, support vectors and nearest neighbours' parts."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from lamina.engine.operators.registry import Context, operator

ML = "ai.onnx.ml"
Floats = list[float] | None
Ints = list[int] | None
Words = list[str] | None


def real(x: Tensor, context: Context) -> Tensor:
    """Numbers with a fraction, of the network's type."""
    return x if x.dtype.is_floating_point else x.to(context.real)


def row(values: Any, x: Tensor) -> Tensor:
    """An attribute's numbers as a tensor beside another."""
    return torch.tensor([float(value) for value in values], dtype=x.dtype, device=x.device)


def transformed(scores: Tensor, post_transform: str) -> Tensor:
    """Scores as probabilities, as a model says."""
    if post_transform == "SOFTMAX":
        return torch.softmax(scores, -1)
    if post_transform == "SOFTMAX_ZERO":
        kept = torch.where(scores == 0, torch.full_like(scores, float("-inf")), scores)
        return torch.where(scores == 0, scores, torch.nan_to_num(torch.softmax(kept, -1)))
    if post_transform == "LOGISTIC":
        return torch.sigmoid(scores)
    if post_transform == "PROBIT":
        return torch.erfinv(2 * scores - 1) * math.sqrt(2)
    return scores


def labels(places: Tensor, words: Words, numbers: Ints) -> Any:
    """The labels at some places: words, or whole numbers."""
    if words:
        import numpy as np

        return np.array(words, dtype=object)[places.cpu().numpy()]
    known = torch.tensor(list(numbers) if numbers else range(int(places.max()) + 1 if places.numel() else 1), device=places.device)
    return known[places]


@operator("Scaler", domain=ML)
def scaler(x: Tensor, *, offset: Floats = None, scale: Floats = None, context: Context) -> Tensor:
    """Moved and stretched, each feature by itself."""
    y = real(x, context)
    y = y - row(offset or [0.0], y)
    return y * row(scale or [1.0], y)


@operator("Normalizer", domain=ML)
def normalizer(x: Tensor, *, norm: str = "MAX", context: Context) -> Tensor:
    """Each row with a norm of 1."""
    y = real(x, context)
    size = {"MAX": lambda: y.abs().amax(-1, True), "L1": lambda: y.abs().sum(-1, True), "L2": lambda: (y * y).sum(-1, True).sqrt()}[norm]()
    return torch.where(size == 0, y, y / torch.where(size == 0, torch.ones_like(size), size))


@operator("Binarizer", domain=ML)
def binarizer(x: Tensor, *, threshold: float = 0.0) -> Tensor:
    """1 above a number, 0 elsewhere."""
    return (x > threshold).to(x.dtype)


@operator("Imputer", domain=ML)
def imputer(
    x: Tensor,
    *,
    imputed_value_floats: Floats = None,
    imputed_value_int64s: Ints = None,
    replaced_value_float: float = 0.0,
    replaced_value_int64: int = 0,
) -> Tensor:
    """Numbers in place of those that are missing."""
    if x.dtype.is_floating_point:
        missing = torch.isnan(x) if math.isnan(float(replaced_value_float)) else x == float(replaced_value_float)
        return torch.where(missing, row(imputed_value_floats or [0.0], x), x)
    return torch.where(x == replaced_value_int64, torch.tensor(list(imputed_value_int64s or [0]), dtype=x.dtype, device=x.device), x)


@operator("ArrayFeatureExtractor", domain=ML)
def array_feature_extractor(x: Any, places: Tensor) -> Any:
    """Some features."""
    if not isinstance(x, Tensor):
        found = x[..., places.reshape(-1).cpu().numpy()]
        return found.reshape(1, -1) if x.ndim == 1 else found
    found = x.index_select(-1, places.reshape(-1).to(torch.int64))
    return found.reshape(1, -1) if x.dim() == 1 else found


@operator("FeatureVectorizer", domain=ML)
def feature_vectorizer(*values: Tensor, inputdimensions: Ints = None, context: Context) -> Tensor:
    """Features one beside the other."""
    flat = [real(value, context).reshape(value.shape[0], -1) for value in values]
    sizes = inputdimensions or [value.shape[1] for value in flat]
    return torch.cat([value[:, :size] for value, size in zip(flat, sizes, strict=True)], 1)


@operator("OneHotEncoder", domain=ML)
def one_hot_encoder(x: Any, *, cats_int64s: Ints = None, cats_strings: Words = None, zeros: int = 1, context: Context) -> Tensor:
    """A 1 for each category."""
    if not isinstance(x, Tensor):
        import numpy as np

        flags = np.stack([x == word for word in cats_strings or ()], -1)
        return torch.from_numpy(flags.astype("float32")).to(context.real).to(context.device)
    known = torch.tensor(list(cats_int64s or ()), device=x.device)
    return (x.unsqueeze(-1).to(torch.int64) == known).to(context.real)


def _table(attributes: dict[str, Any], side: str) -> list[Any]:
    for kind in ("strings", "int64s", "floats", "tensor"):
        found = attributes.get(f"{side}_{kind}")
        if found is not None:
            return list(found["values"]) if isinstance(found, dict) else list(found)
    return []


@operator("LabelEncoder", domain=ML)
def label_encoder(
    x: Any,
    *,
    default_float: float = -0.0,
    default_int64: int = -1,
    default_string: str = "_Unused",
    default_tensor: Any = None,
    keys_floats: Floats = None,
    keys_int64s: Ints = None,
    keys_strings: Words = None,
    keys_tensor: Any = None,
    values_floats: Floats = None,
    values_int64s: Ints = None,
    values_strings: Words = None,
    values_tensor: Any = None,
    context: Context,
) -> Any:
    """A value for each key."""
    import numpy as np

    given = {"keys_floats": keys_floats, "keys_int64s": keys_int64s, "keys_strings": keys_strings, "keys_tensor": keys_tensor}
    found = {
        "values_floats": values_floats,
        "values_int64s": values_int64s,
        "values_strings": values_strings,
        "values_tensor": values_tensor,
    }
    keys, values = _table(given, "keys"), _table(found, "values")
    kind = (
        values_tensor["kind"]
        if values_tensor
        else "string"
        if values_strings is not None
        else "int64"
        if values_int64s is not None
        else "float32"
    )
    default: Any = {"string": default_string, "int64": default_int64}.get(kind, default_float)
    if default_tensor is not None:
        default = default_tensor["values"][0]

    def norm(key: Any) -> Any:
        if isinstance(key, str) and not isinstance(x, Tensor):
            return key
        number = float(key)
        return "nan" if math.isnan(number) else float(np.float32(number)) if isinstance(x, Tensor) and x.dtype == torch.float32 else number

    known = {norm(key): value for key, value in zip(keys, values, strict=True)}
    flat = x.reshape(-1).tolist()
    mapped = [known.get(norm(key), default) for key in flat]
    if kind == "string":
        return np.array(mapped, dtype=object).reshape(x.shape)
    return torch.tensor([float(v) if isinstance(v, str) else v for v in mapped], dtype=context.dtype(kind), device=context.device).reshape(
        tuple(x.shape)
    )


@operator("CategoryMapper", domain=ML)
def category_mapper(
    x: Any,
    *,
    cats_int64s: Ints = None,
    cats_strings: Words = None,
    default_int64: int = -1,
    default_string: str = "_Unused",
    context: Context,
) -> Any:
    """Words as numbers, or back."""
    if isinstance(x, Tensor):
        return label_encoder(x, keys_int64s=cats_int64s, values_strings=cats_strings, default_string=default_string, context=context)
    return label_encoder(x, keys_strings=cats_strings, values_int64s=cats_int64s, default_int64=default_int64, context=context)


@operator("LinearRegressor", domain=ML)
def linear_regressor(
    x: Tensor, *, coefficients: list[float], intercepts: Floats = None, post_transform: str = "NONE", targets: int = 1, context: Context
) -> Tensor:
    """A sum of features, weighted."""
    y = real(x, context)
    scores = y @ row(coefficients, y).reshape(targets, -1).T
    return transformed(scores if not intercepts else scores + row(intercepts, y), post_transform)


def both_classes(scores: Tensor, post_transform: str) -> Tensor:
    """One score of two classes as two."""
    if post_transform == "LOGISTIC":
        return torch.cat([-scores, scores], 1)
    return torch.cat([1 - scores, scores], 1) if post_transform == "PROBIT" else torch.cat([-scores, scores], 1)


@operator("LinearClassifier", domain=ML)
def linear_classifier(
    x: Tensor,
    *,
    classlabels_ints: Ints = None,
    classlabels_strings: Words = None,
    coefficients: list[float],
    intercepts: Floats = None,
    multi_class: int = 0,
    post_transform: str = "NONE",
    context: Context,
) -> Any:
    """The class of the largest weighted sum, and all sums."""
    y = real(x, context)
    count = len(classlabels_ints or classlabels_strings or ())
    rows = len(intercepts) if intercepts else max(len(coefficients) // y.shape[-1], 1)
    scores = y @ row(coefficients, y).reshape(rows, -1).T
    if intercepts:
        scores = scores + row(intercepts, y)
    if rows == 1 and count == 2:
        places = (scores[:, 0] > (0.5 if post_transform == "PROBIT" else 0)).long()
        scores = both_classes(scores, post_transform)
    else:
        places = scores.argmax(-1)
    return labels(places, classlabels_strings, classlabels_ints), transformed(scores, post_transform)


def kernel(x: Tensor, vectors: Tensor, kind: str, parameters: Floats) -> Tensor:
    """How alike rows and support vectors are."""
    gamma, coef0, degree = ([float(value) for value in parameters or ()] + [0.0, 0.0, 0.0])[:3]
    if kind == "RBF":
        gap = (x[:, None] - vectors[None]).square().sum(-1)
        return torch.exp(-gamma * gap)
    product = x @ vectors.T
    if kind == "POLY":
        return (gamma * product + coef0) ** degree
    return torch.tanh(gamma * product + coef0) if kind == "SIGMOID" else product


@operator("SVMRegressor", domain=ML)
def svm_regressor(
    x: Tensor,
    *,
    coefficients: list[float],
    kernel_params: Floats = None,
    kernel_type: str = "LINEAR",
    n_supports: int = 0,
    one_class: int = 0,
    post_transform: str = "NONE",
    rho: Floats = None,
    support_vectors: Floats = None,
    context: Context,
) -> Tensor:
    """A sum over support vectors."""
    y = real(x, context)
    if n_supports:
        vectors = row(support_vectors or [], y).reshape(n_supports, -1)
        scores = kernel(y, vectors, kernel_type, kernel_params) @ row(coefficients, y)[:, None]
    else:
        scores = y @ row(coefficients, y)[:, None]
    scores = scores + float((rho or [0.0])[0])
    if one_class:
        return torch.where(scores > 0, torch.ones_like(scores), -torch.ones_like(scores))
    return transformed(scores, post_transform)


@operator("SVMClassifier", domain=ML)
def svm_classifier(
    x: Tensor,
    *,
    classlabels_ints: Ints = None,
    classlabels_strings: Words = None,
    coefficients: list[float],
    kernel_params: Floats = None,
    kernel_type: str = "LINEAR",
    post_transform: str = "NONE",
    prob_a: Floats = None,
    prob_b: Floats = None,
    rho: Floats = None,
    support_vectors: Floats = None,
    vectors_per_class: Ints = None,
    context: Context,
) -> Any:
    """Votes of support vectors between each pair of classes, or linear scores."""
    y = real(x, context)
    classes = len(classlabels_ints or classlabels_strings or ())
    shifts = [float(value) for value in rho or [0.0]]
    if not vectors_per_class:
        scores = y @ row(coefficients, y).reshape(classes, -1).T + shifts[0]
        return labels(scores.argmax(-1), classlabels_strings, classlabels_ints), transformed(scores, post_transform)
    counts = list(vectors_per_class)
    starts = [sum(counts[:number]) for number in range(classes)]
    total = sum(counts)
    alike = kernel(y, row(support_vectors or [], y).reshape(total, -1), kernel_type, kernel_params)
    weights = row(coefficients, y).reshape(classes - 1, total)
    votes, pairs = y.new_zeros(y.shape[0], classes), list[Tensor]()
    for first in range(classes):
        for second in range(first + 1, classes):
            own, other = slice(starts[first], starts[first] + counts[first]), slice(starts[second], starts[second] + counts[second])
            score = alike[:, own] @ weights[second - 1, own] + alike[:, other] @ weights[first, other] + shifts[len(pairs)]
            pairs.append(score)
            votes[:, first] += (score > 0).to(y.dtype)
            votes[:, second] += (score <= 0).to(y.dtype)
    places = votes.argmax(-1)
    if not prob_a:
        margins = torch.stack(pairs, 1)
        if classes == 2 and post_transform != "NONE":
            margins = both_classes(-margins, post_transform)
        return labels(places, classlabels_strings, classlabels_ints), transformed(margins, post_transform)
    found = coupled(pairs, [float(v) for v in prob_a], [float(v) for v in prob_b or ()], classes)
    places = found.argmax(-1)
    return labels(places, classlabels_strings, classlabels_ints), found


def coupled(pairs: list[Tensor], slopes: list[float], offsets: list[float], classes: int) -> Tensor:
    """Probabilities of classes from those of pairs, as libsvm couples them."""
    size = pairs[0].shape[0]
    table = pairs[0].new_full((size, classes, classes), 0.5)
    number = 0
    for first in range(classes):
        for second in range(first + 1, classes):
            share = torch.sigmoid(-(pairs[number] * slopes[number] + offsets[number])).clamp(1e-7, 1 - 1e-7)
            table[:, first, second], table[:, second, first] = share, 1 - share
            number += 1
    q = torch.zeros_like(table)
    for place in range(classes):
        others = [other for other in range(classes) if other != place]
        q[:, place, place] = (table[:, others, place] ** 2).sum(1)
        for other in others:
            q[:, place, other] = -table[:, other, place] * table[:, place, other]
    p = pairs[0].new_full((size, classes), 1 / classes)
    for _ in range(max(100, classes)):
        products = (q @ p[:, :, None])[..., 0]
        whole = (p * products).sum(1)
        if not size or float((products - whole[:, None]).abs().max()) < 0.005 / classes:
            break
        for place in range(classes):
            step = (whole - products[:, place]) / q[:, place, place]
            p[:, place] += step
            whole = (whole + step * (step * q[:, place, place] + 2 * products[:, place])) / (1 + step) ** 2
            products = (products + step[:, None] * q[:, place]) / (1 + step)[:, None]
            p = p / (1 + step)[:, None]
    return p
