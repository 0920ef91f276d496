"""Making sequences with a model: what `lamina.Model.generate` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.arrays import check_lengths, to_array
from lamina.data.dataset import as_inputs
from lamina.data.masks import pad
from lamina.errors import DataError
from lamina.generation.generated import Generated
from lamina.generation.methods import Method
from lamina.generation.prompts import Alphabet, read_prompts
from lamina.spec import Description

if TYPE_CHECKING:
    from lamina.data.vectorization import TextVectorization
    from lamina.model import Model


class Generation(Description):
    """A method by name, as mapping or as itself."""

    method: Method


def generate(
    model: Model,
    inputs: Any = None,
    *,
    steps: int,
    method: Method | str | Mapping[str, Any] = "greedy",
    start: int | str | None = None,
    stop: int | str | None = None,
    masks: Mapping[str, Any] | None = None,
    decoder: str | None = None,
    output: str | None = None,
    batch_size: int = 64,
    device: str = "auto",
) -> Generated:
    """Make sequences of tokens.

    A network with one input goes on with a prompt. One with several is given all inputs but one, the decoder's, for which a
    sequence is made; what follows from the given inputs alone, an encoder, is computed once. Each token that is made becomes the
    next input; what was read before is remembered in the network's state, not read again.

    Args:
        model: A trained model.
        inputs: A prompt (text, where tokens are characters or came from texts; a list of tokens), a list of prompts, or an integer array
            ``[samples, steps]``. For several inputs a mapping by name: arrays, or lists of arrays of different lengths; prompts for
            the decoder may be among them, under its name, if ``decoder`` says it.
        steps: Most tokens to make for each sample.
        method: A `lamina.generation.Greedy`, ``Sampling`` or ``Beam``, or its name.
        start: Token that every sequence begins with, before its prompt; number or name.
        stop: Token that ends a sequence.
        masks: Which steps of the given inputs are real, by name, where they are padded arrays.
        decoder: Name of the input that sequences are made for, where it isn't plain.
        output: Name of the output that gives the next token, of several.
        batch_size: Samples computed at once.
        device: Where to compute.

    Returns:
        The tokens made, without prompt, start and stop.

    Raises:
        TrainingError: EN080, if the network is not one that makes sequences; EN041, if a layer has to see all steps at once.
        DataError: EN081, if a prompt or token can't be used.

    Example:
        >>> import lamina as lm
        >>> net = lm.Sequential(lm.tokens(None, 5), [lm.Embedding(4), lm.GRU(4), lm.Output(5)])
        >>> lm.Model(net, seed=1).generate([[1, 2], [3]], steps=4, method=lm.generation.Sampling(0.8)).sequences[0].shape
        (4,)
    """
    import torch

    from lamina.engine.device import choose_device
    from lamina.generation.decoder import Decoder
    from lamina.generation.search import search

    _check_count("steps", steps)
    _check_count("batch_size", batch_size)
    chosen = Generation(method=method).method
    network = model.network.to(choose_device(device)).eval()
    on = next((p.device for p in network.parameters()), torch.device("cpu"))
    given, prompts = _apart(inputs, decoder)
    _check_names(given, network.input_shapes)
    made = Decoder(network, given, decoder=decoder, output=output)
    target = model.targets.get(made.output) if model.schema is not None else None
    alphabet = Alphabet(made.vocabulary, target.labels if target is not None else None, _reader(model, made.vocabulary))
    arrays, known = _given(model, given, masks or {}, network.input_shapes)
    samples = len(next(iter(arrays.values()))) if arrays else None
    tokens = read_prompts(prompts, alphabet, samples=samples, start=start)
    end = None if stop is None else alphabet.number(stop, "stop")
    found: list[tuple[list[int], float]] = []
    with torch.inference_mode():
        for first in range(0, len(tokens), batch_size):
            rows = slice(first, first + batch_size)
            own, mask = pad(tokens[rows], "the prompts")
            whole = {name: torch.from_numpy(array[rows]).to(on) for name, array in arrays.items()}
            real = {name: torch.from_numpy(array[rows]).to(on) for name, array in known.items()}
            begun = torch.from_numpy(own).to(on), None if mask.all() else torch.from_numpy(mask).to(on)
            log_p, state = made.begin(*begun, whole, real)
            found += search(made, log_p, state, chosen, steps=steps, stop=end, first=first)
    stopped = np.array([bool(own) and own[-1] == end for own, _ in found])
    sequences = [np.array(own[:-1] if done else own, dtype=np.int64) for (own, _), done in zip(found, stopped, strict=True)]
    return Generated(sequences, np.array([total for _, total in found]), stopped, alphabet)


def _reader(model: Model, vocabulary: int) -> TextVectorization | None:
    """How the texts of training became the tokens that are made."""
    columns = None if model.preprocessing is None else model.preprocessing.columns
    text = None if columns is None or columns.only is None else columns.only.text
    return text if text is not None and text.output == "tokens" and len(text.tokens) == vocabulary else None


def _apart(inputs: Any, decoder: str | None) -> tuple[dict[str, Any], Any]:
    """What is given whole, by name, and the prompts."""
    if not isinstance(inputs, Mapping):
        return {}, inputs
    given = dict(inputs)
    return given, given.pop(decoder, None) if decoder is not None else None


def _given(
    model: Model, given: Mapping[str, Any], masks: Mapping[str, Any], shapes: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Arrays of what is given whole, checked, and which of their steps are real."""
    arrays: dict[str, np.ndarray] = {}
    known = {name: to_array(mask, f"the mask of input {name!r}").astype(bool) for name, mask in masks.items()}
    for name, value in given.items():
        if isinstance(value, list | tuple) and shapes[name].has_steps and len({len(one) for one in value}) > 1:
            value, known[name] = pad(value, f"input {name!r}")
        arrays[name] = as_inputs({name: value}, shapes={name: opened(shapes[name])}, dtype=model.dtype)[name]
    if model.preprocessing is not None:
        arrays = model.preprocessing.scaled(arrays)
    if arrays:
        check_lengths({f"input {name!r}": len(array) for name, array in arrays.items()})
    return arrays, known


def _check_names(given: Mapping[str, Any], shapes: Mapping[str, Any]) -> None:
    unknown = [name for name in given if name not in shapes]
    if unknown:
        raise DataError(
            "DA008",
            where=f"inputs {', '.join(map(str, given))}",
            expected=f"names of inputs: {', '.join(shapes)}",
            got=f"{unknown[0]!r}, which nobody takes",
            cause="inputs are matched by name",
            fix=f"call it by the name of its input: {', '.join(shapes)}",
        )


def opened(shape: Any) -> Any:
    """The shape for any number of steps."""
    return shape.replace(steps=None) if shape.has_steps else shape


def _check_count(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise DataError(
            "EN081",
            where=name,
            expected="a whole number of at least 1",
            got=repr(value),
            cause="nothing would be made",
            fix=f"write {name}=1 or more",
        )
