"""What a decoder reads and writes in training."""

from __future__ import annotations

import numpy as np
import pytest

import lamina as lm
from lamina.data.pairs import teacher_forcing
from lamina.errors import DataError


def test_input_and_target_are_the_sequence_shifted_by_one() -> None:
    data = teacher_forcing([[5, 2, 3], [4]], [[3], [2, 2, 2, 2]], vocabulary=6, start=0, stop=1)
    assert data.inputs["target"].tolist() == [[0, 5, 2, 3], [0, 4, 0, 0]]
    assert data.targets["output"].tolist() == [[5, 2, 3, 1], [4, 1, 0, 0]]
    for mask in (data.input_masks["target"], data.target_masks["output"]):
        assert mask.sum(1).tolist() == [4, 2]
    assert data.input_masks["source"].sum(1).tolist() == [1, 4]
    assert str(data.schema.inputs["source"]) == "[batch, ?]"


def test_sequences_of_one_length_need_no_masks() -> None:
    data = teacher_forcing(np.array([[2, 3], [3, 3]]), vocabulary=["<", ">", "a", "b"], start=0, stop=None, decoder="input")
    assert data.inputs["input"].tolist() == [[0, 2], [0, 3]]
    assert data.targets["output"].tolist() == [[2, 3], [3, 3]]
    assert data.input_masks == data.target_masks == {}
    assert data.schema.targets["output"].labels == ("<", ">", "a", "b")


def test_sources_may_be_anything() -> None:
    image = np.zeros((2, 1, 4, 4))
    data = teacher_forcing([[2], [3]], {"picture": image}, vocabulary=4, start=0, stop=1, shapes={"picture": lm.image(1, 4, 4)})
    assert data.inputs["picture"].shape == (2, 1, 4, 4)


@pytest.mark.parametrize(("settings", "code"), [({"start": 6}, "DA009"), ({"stop": -1}, "DA009"), ({"vocabulary": 5}, "DA009")])
def test_tokens_outside_the_vocabulary_are_refused(settings: dict[str, int], code: str) -> None:
    with pytest.raises(DataError, match=code):
        teacher_forcing([[5, 2]], **{"vocabulary": 6, "start": 0, "stop": 1, **settings})
    with pytest.raises(DataError, match="DA002"):
        teacher_forcing([[1], [1]], [[1]], vocabulary=6, start=0, stop=1)


def test_what_it_learns_can_be_written() -> None:
    generator = np.random.default_rng(0)
    sources = [generator.integers(2, 6, size=generator.integers(1, 4)).tolist() for _ in range(200)]
    nodes = {
        "read": lm.Embedding(8, inputs=["source"]),
        "encoder": lm.GRU(24, output="state", inputs=["read"]),
        "write": lm.Embedding(8, inputs=["target"]),
        "decoder": lm.GRU(24, inputs=["write", "encoder"]),
        "next": lm.Output(6, inputs=["decoder"]),
    }
    model = lm.Model(lm.Graph({"source": lm.tokens(None, 6), "target": lm.tokens(None, 6)}, nodes, ["next"]), seed=1)
    copies = teacher_forcing(sources, sources, vocabulary=6, start=0, stop=1)
    model.fit(copies, epochs=30, optimizer=lm.Adam(0.01), progress=False)
    made = model.generate({"source": sources}, steps=5, start=0, stop=1)
    assert np.mean([tokens.tolist() == source for tokens, source in zip(made, sources, strict=True)]) > 0.95
