"""What was done to raw numbers before the network, as plain code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.interop.python.source import identifier

if TYPE_CHECKING:
    from lamina.interop.exporting import Subject


def functions_of(subject: Subject) -> list[str]:
    """A function for each input whose numbers are shifted and stretched, ``scale_NAME``; one for targets, ``restore_NAME``."""
    found = []
    for name, offset, factor in linear_inputs(subject):
        found.append(
            _function(
                f"scale_{identifier(name)}",
                f"Raw numbers of {name!r} as the network takes them.",
                offset,
                factor,
                "(x - {offset}) * {factor}",
            )
        )
    for name, offset, factor in linear_targets(subject):
        found.append(
            _function(
                f"restore_{identifier(name)}",
                f"What {name!r} predicts, in the numbers of the data.",
                offset,
                factor,
                "x / {factor} + {offset}",
            )
        )
    return found


def linear_inputs(subject: Subject) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Name, offset and factor of each input that is scaled so, shaped to be spread over a batch."""
    preprocessing = subject.model.preprocessing
    if preprocessing is None:
        return []
    shapes = subject.plan.inputs
    found = []
    for name, fitted in preprocessing.input_scales.items():
        target = name if name in shapes else next(iter(shapes))
        if _is_linear(fitted) and target in shapes:
            found.append((target, *_spread(fitted, 1 + len(shapes[target].dims))))
    return found


def linear_targets(subject: Subject) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """The same of targets, by the output that predicts them."""
    from lamina.train.metrics import pair_outputs

    model = subject.model
    if model.preprocessing is None or model.schema is None:
        return []
    pairs = pair_outputs(subject.plan.outputs, model.schema)
    shapes = subject.plan.output_shapes
    scales = {output: model.preprocessing.target_scales.get(target) for output, target in pairs.items()}
    return [
        (name, *_spread(fitted, 1 + len(shapes[name].dims))) for name, fitted in scales.items() if fitted is not None and _is_linear(fitted)
    ]


def others(subject: Subject) -> list[str]:
    """What of the preprocessing can't be written as such a function, in words."""
    preprocessing = subject.model.preprocessing
    if preprocessing is None:
        return []
    found = [
        f"the {type(fitted).__name__} scaling of {name!r}"
        for scales in (preprocessing.input_scales, preprocessing.target_scales)
        for name, fitted in scales.items()
        if not _is_linear(fitted)
    ]
    if preprocessing.columns is not None:
        found.append("how columns of a table become inputs")
    return found


def _is_linear(fitted: Any) -> bool:
    from lamina.data.normalizers.fitted import Linear

    return type(fitted) is Linear


def _spread(fitted: Any, rank: int) -> tuple[np.ndarray, np.ndarray]:
    parts = []
    for numbers in (fitted.offset, fitted.factor):
        numbers = np.asarray(numbers, np.float64)
        if fitted.axis is not None and numbers.ndim:
            shape = [1] * rank
            shape[fitted.axis] = -1
            numbers = numbers.reshape(shape)
        parts.append(numbers)
    return parts[0], parts[1]


def _function(name: str, about: str, offset: np.ndarray, factor: np.ndarray, formula: str) -> str:
    lines = ["", f"def {name}(x: Tensor) -> Tensor:", f'    """{about}"""']
    words = {}
    for word, numbers in (("offset", offset), ("factor", factor)):
        if numbers.ndim == 0:
            words[word] = repr(float(numbers))
            continue
        words[word] = word
        items = [repr(float(item)) for item in numbers.reshape(-1)]
        shape = ", ".join(map(str, numbers.shape[1:]))
        lines += [
            f"    {word} = x.new_tensor([",
            *(f"        {', '.join(items[at : at + 5])}," for at in range(0, len(items), 5)),
            f"    ]).reshape(1, {shape})",
        ]
    return "\n".join([*lines, f"    return {formula.format(**words)}"])
