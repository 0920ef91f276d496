"""Whether the samples that a network takes can be mixed; known before the first step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina.errors import Problem
from lamina.learning.mixing import CutMix
from lamina.shapes import Image, Sequence, Tokens, Volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamina.learning.mixing import Mix
    from lamina.shapes import Shape

WHERE = "train.mix"


def mixing_problems(mix: Mix, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape], *, masked: bool) -> list[Problem]:
    """All that keeps samples from being mixed: TR110.

    Args:
        mix: How.
        inputs: What the data hold.
        outputs: What the network gives, as far as it is known.
        masked: Whether the data have masks.
    """
    problems = []
    if masked:
        problems.append(
            _problem(
                WHERE,
                expected="sequences of one length",
                got="data with masks",
                cause="where one of two samples has ended, there is nothing to mix, and no share that would be right for both losses",
                fix="remove mix, or cut the sequences to one length",
            )
        )
    problems += [
        _problem(
            f"{WHERE}, input {name!r}",
            expected="numbers, which can be mixed",
            got=str(shape),
            cause="half a token is no token",
            fix="remove mix; dropout in the embedding layer has a similar effect",
        )
        for name, shape in inputs.items()
        if isinstance(shape, Tokens)
    ]
    return problems + (_uncut(inputs, outputs) if isinstance(mix, CutMix) else [])


def _uncut(inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> list[Problem]:
    shapes = list(inputs.values())
    if len(shapes) != 1 or not isinstance(shapes[0], Image | Volume | Sequence | Tokens):
        return [
            _problem(
                WHERE,
                expected="one input of images, volumes or sequences, out of which a box can be cut",
                got=", ".join(map(str, shapes)),
                cause="cutmix pastes a part of one sample over another",
                fix="write mix: mixup, which mixes numbers of any shape",
            )
        ]
    return [
        _problem(
            f"{WHERE}, output {name!r}",
            expected="one answer for a whole sample",
            got=str(shape),
            cause="cutmix mixes the losses by area, which is wrong for single places: some are of one sample, some of the other",
            fix="write mix: mixup, or remove mix",
        )
        for name, shape in outputs.items()
        if len(shape.dims) > 1
    ]


def _problem(where: str, *, expected: str, got: str, cause: str, fix: str) -> Problem:
    return Problem(code="TR110", where=where, expected=expected, got=got, cause=cause, fix=fix)
