"""Sequences made by whole models: the same as predicting for the whole sequence again after every token."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.errors import DataError, LaminaError, TrainingError

V = 7


def spread(model: lm.Model) -> lm.Model:
    """First values are small; larger ones make what is likely depend on what was read."""
    generator = np.random.default_rng(0)
    model.load_parameters({name: generator.normal(size=array.shape).astype(array.dtype) for name, array in model.parameters().items()})
    return model


def decoder_only() -> lm.Model:
    layers = [lm.Embedding(5), lm.LSTM(6, layers=2), lm.Dense(8, activation="tanh"), lm.Output(V)]
    return spread(lm.Model(lm.Sequential(lm.tokens(None, V), layers), seed=2))


def encoder_decoder() -> lm.Model:
    nodes = {
        "read": lm.Embedding(4, inputs=["source"]),
        "encoder": lm.Bidirectional(lm.GRU(3, output="last"), inputs=["read"]),
        "write": lm.Embedding(4, inputs=["target"]),
        "decoder": lm.GRU(6, inputs=["write", "encoder"]),
        "next": lm.Output(V, inputs=["decoder"]),
    }
    return spread(lm.Model(lm.Graph({"source": lm.tokens(None, 9), "target": lm.tokens(None, V)}, nodes, ["next"]), seed=2))


def greedy_again(model: lm.Model, prompt: list[int], steps: int, given: dict[str, Any] | None = None, name: str = "target") -> list[int]:
    tokens = list(prompt)
    for _ in range(steps):
        x = np.array([tokens])
        p = model.predict({**given, name: x} if given else x)
        tokens.append(int(p[0, -1].argmax()))
    return tokens[len(prompt) :]


def test_greedy_is_the_most_probable_token_of_the_whole_sequence_read_again() -> None:
    model = decoder_only()
    made = model.generate([[1, 2, 3], [4], [6, 0, 5, 5]], steps=6)
    for prompt, tokens in zip([[1, 2, 3], [4], [6, 0, 5, 5]], made, strict=True):
        assert tokens.tolist() == greedy_again(model, prompt, 6)
    assert not made.stopped.any()
    assert model.generate(np.array([1, 2, 3]), steps=6)[0].tolist() == made[0].tolist()
    assert model.generate(np.array([[1, 2, 3]]), steps=6)[0].tolist() == made[0].tolist()
    assert model.generate([2, 3], steps=6, start=1)[0].tolist() == made[0].tolist()


def test_log_probabilities_are_those_of_the_predictions() -> None:
    model = decoder_only()
    made = model.generate([[1, 2]], steps=4, method={"type": "beam", "width": 3})
    p = model.predict(np.array([[1, 2, *made[0]]]))[0]
    total = sum(np.log(p[1 + place, token]) for place, token in enumerate(made[0]))
    assert made.log_probabilities[0] == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("method", ["greedy", lm.generation.Sampling(seed=5), lm.generation.Beam(3)])
def test_what_a_sample_gets_does_not_depend_on_its_batch(method: Any) -> None:
    model, prompts = decoder_only(), [[1, 2, 3], [4], [6, 0, 5, 5], [2, 2], [3]]
    whole = model.generate(prompts, steps=5, method=method, stop=0)
    small = model.generate(prompts, steps=5, method=method, stop=0, batch_size=2)
    assert [tokens.tolist() for tokens in whole] == [tokens.tolist() for tokens in small]


def test_an_encoder_is_read_once_and_its_padding_never() -> None:
    model = encoder_decoder()
    sources = [[1, 2, 3, 4], [8], [5, 5, 7]]
    made = model.generate({"source": sources}, steps=5, start=2)
    padded = model.generate(
        {"source": np.array([[1, 2, 3, 4], [8, 3, 3, 3], [5, 5, 7, 1]])},
        steps=5,
        start=2,
        masks={"source": np.array([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0]])},
    )
    for source, tokens, again in zip(sources, made, padded, strict=True):
        assert tokens.tolist() == again.tolist() == greedy_again(model, [2], 5, {"source": np.array([source])})
    beams = model.generate({"source": sources}, steps=5, start=2, stop=0, method=lm.generation.Beam(4))
    assert bool((beams.log_probabilities >= model.generate({"source": sources}, steps=5, start=2, stop=0).log_probabilities - 1e-9).all())
    prompted = model.generate({"source": sources, "target": [[2, 1], [2], [2, 0, 3]]}, decoder="target", steps=3)
    assert prompted[2].tolist() == greedy_again(model, [2, 0, 3], 3, {"source": np.array([[5, 5, 7]])})


def test_attention_remembers_what_it_has_read() -> None:
    model = spread(lm.Model(lm.zoo.gpt(lm.tokens(None, V), units=16, heads=2, blocks=2, length=20, dropout=0.0), seed=1))
    prompts = [[1, 2, 3], [4], [6, 0, 5, 5]]
    for prompt, tokens in zip(prompts, model.generate(prompts, steps=6), strict=True):
        assert tokens.tolist() == greedy_again(model, prompt, 6)


@pytest.mark.parametrize("method", ["greedy", lm.generation.Sampling(seed=5), lm.generation.Beam(3)])
def test_attention_to_what_an_encoder_has_read(method: Any) -> None:
    vocabulary = lm.tokens(None, V)
    model, sources = spread(lm.Model(lm.zoo.seq2seq(vocabulary, vocabulary, units=8, embedding=6), seed=1)), [[1, 2, 3, 4], [6], [5, 5, 2]]
    made = model.generate({"read": sources}, steps=5, start=2, stop=0, method=method)
    alone = model.generate({"read": sources}, steps=5, start=2, stop=0, method=method, batch_size=1)
    assert [tokens.tolist() for tokens in made] == [tokens.tolist() for tokens in alone]
    if method == "greedy":
        for source, tokens in zip(sources, model.generate({"read": sources}, steps=5, start=2), strict=True):
            assert tokens.tolist() == greedy_again(model, [2], 5, {"read": np.array([source])}, name="write")


def test_characters_are_read_and_written() -> None:
    text = "abcabcabcabc" * 4
    data = lm.Dataset.from_arrays(
        np.array([["abc".index(c) for c in text[:-1]]]), np.array([list(text[1:])]), ["a", "b", "c"], shape=lm.tokens(None, 3)
    )
    model = lm.Model(lm.Sequential(lm.tokens(None, 3), [lm.Embedding(4), lm.GRU(8), lm.Output(3)]), seed=1)
    model.fit(data, epochs=60, optimizer=lm.Adam(0.05), progress=False)
    made = model.generate("ab", steps=7)
    assert made.texts == ["cabcabc"]
    assert model.generate(["a", "bc"], steps=3, stop="a").texts == ["bc", ""]
    with pytest.raises(DataError, match="EN081"):
        model.generate("axb", steps=2)


def test_a_network_that_gives_one_step_only_can_go_on_too() -> None:
    layers = [lm.Embedding(5), lm.LSTM(6, return_sequences=False), lm.Output(V)]
    model = spread(lm.Model(lm.Sequential(lm.tokens(None, V), layers)))
    tokens = [1, 2]
    for _ in range(4):
        tokens.append(int(model.predict(np.array([tokens]))[0].argmax()))
    assert model.generate([[1, 2]], steps=4)[0].tolist() == tokens[2:]


WRONG: list[tuple[Any, dict[str, Any], str, str]] = [
    (lm.Sequential(lm.sequence(None, 3), [lm.GRU(4), lm.Output(3)]), {}, "EN080", "type: tokens"),
    (lm.Sequential(lm.tokens(None, 5), [lm.Embedding(3), lm.GRU(4), lm.Output(4)]), {"start": 0}, "EN080", "5 units"),
    (lm.Sequential(lm.tokens(None, 1), [lm.Embedding(3), lm.GRU(4), lm.Output(1, loss="mse")]), {"start": 0}, "EN080", "cross_entropy"),
    (lm.Sequential(lm.tokens(None, 5), [lm.Embedding(3), lm.Bidirectional(lm.GRU(4)), lm.Output(5)]), {"start": 0}, "EN041", "causal"),
    (lm.Sequential(lm.tokens(None, 5), [lm.Embedding(3), lm.GRU(4), lm.Output(5)]), {}, "EN081", "start=TOKEN"),
    (lm.Sequential(lm.tokens(None, 5), [lm.Embedding(3), lm.GRU(4), lm.Output(5)]), {"start": 5}, "EN081", "vocabulary"),
    (lm.Sequential(lm.tokens(None, 5), [lm.Embedding(3), lm.GRU(4), lm.Output(5)]), {"inputs": "abc"}, "EN081", "tokens"),
    (lm.Sequential(lm.tokens(None, 5), [lm.Embedding(3), lm.GRU(4), lm.Output(5)]), {"start": 0, "steps": 0}, "EN081", "steps=1"),
]


@pytest.mark.parametrize(("network", "settings", "code", "fix"), WRONG)
def test_what_can_not_be_generated_is_refused_with_the_fix(network: Any, settings: dict[str, Any], code: str, fix: str) -> None:
    with pytest.raises(LaminaError) as caught:
        lm.Model(network).generate(**{"steps": 3, **settings})
    assert caught.value.code == code
    assert fix in caught.value.problems[0].fix


def test_a_layer_that_can_not_be_stepped_is_named() -> None:
    network = lm.Sequential(lm.tokens(None, 5), [lm.Embedding(3), lm.GRU(4, reverse=True, name="back"), lm.Output(5)])
    with pytest.raises(TrainingError, match="'back'"):
        lm.Model(network).generate([1], steps=3)


def test_of_several_free_inputs_one_must_be_named() -> None:
    model = encoder_decoder()
    with pytest.raises(TrainingError) as caught:
        model.generate(steps=3, start=1)
    assert "decoder=" in caught.value.problems[0].fix
    with pytest.raises(DataError, match="DA008"):
        model.generate({"sauce": [[1]]}, steps=3, start=1)
    with pytest.raises(DataError, match="EN081"):
        model.generate({"source": [[1], [2]], "target": [[1]]}, decoder="target", steps=3)
