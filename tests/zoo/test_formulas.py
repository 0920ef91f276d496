"""Where nobody published a number: the parameters written out from the paper's configuration, and for other settings too."""

from __future__ import annotations

import pytest

import lamina as lm
from lamina.network import Network


def trained(network: Network) -> int:
    nodes = [node for node in network.resolve().nodes if not getattr(node.layer, "frozen", False)]
    return sum(parameter.size for node in nodes for parameter in node.parameters.values())


def dense(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


@pytest.mark.parametrize(("past", "horizon", "blocks", "width"), [(90, 18, 30, 512), (12, 6, 3, 7), (5, 1, 1, 4)])
def test_nbeats(past: int, horizon: int, blocks: int, width: int) -> None:
    block = dense(past, width) + 3 * dense(width, width) + dense(width, horizon)
    expected = blocks * block + (blocks - 1) * dense(width, past)
    assert trained(lm.zoo.nbeats(horizon, lm.sequence(past, 1), stacks=blocks, units=width)) == expected


@pytest.mark.parametrize(("levels", "r", "s", "layers", "repeats"), [(256, 32, 512, 10, 3), (16, 3, 5, 2, 2), (16, 3, 5, 1, 1)])
def test_wavenet(levels: int, r: int, s: int, layers: int, repeats: int) -> None:
    count = layers * repeats
    gated = 2 * (2 * r * r + r)
    expected = levels * r + count * (gated + dense(r, s)) + (count - 1) * dense(r, r) + dense(s, s) + dense(s, levels)
    network = lm.zoo.wavenet(lm.tokens(None, levels), filters=r, skip=s, layers=layers, repeats=repeats)
    assert trained(network) == expected
    assert {node.layer.dilation for node in network.resolve().nodes if node.name.endswith("_gate")} == {2**i for i in range(layers)}


@pytest.mark.parametrize(("words", "vector", "filters", "windows"), [(20_000, 300, 100, (3, 4, 5)), (50, 4, 3, (2,))])
def test_text_cnn(words: int, vector: int, filters: int, windows: tuple[int, ...]) -> None:
    expected = words * vector + sum(dense(vector * size, filters) for size in windows) + dense(len(windows) * filters, 2)
    assert trained(lm.zoo.text_cnn(2, lm.tokens(None, words), vector, filters, windows)) == expected


@pytest.mark.parametrize(("characters", "units", "layers"), [(65, 128, 2), (47, 256, 2), (9, 5, 3)])
def test_char_lstm(characters: int, units: int, layers: int) -> None:
    first, others = (4 * (dense(size, units) + dense(units, units)) for size in (characters, units))
    assert trained(lm.zoo.char_lstm(lm.tokens(None, characters), units, layers)) == first + (layers - 1) * others + dense(units, characters)


@pytest.mark.parametrize(("classes", "channels", "filters", "depth", "normalize"), [(1, 3, 64, 4, True), (3, 1, 4, 2, False)])
def test_unet(classes: int, channels: int, filters: int, depth: int, normalize: bool) -> None:
    def double(inputs: int, outputs: int) -> int:
        beside = 2 if normalize else 1  # gain and bias, or a bias
        return 9 * inputs * outputs + 9 * outputs * outputs + 2 * beside * outputs

    widths = [filters * 2**level for level in range(depth + 1)]
    down = double(channels, filters) + sum(double(a, b) for a, b in zip(widths, widths[1:], strict=False))
    up = sum(4 * b * a + a + double(2 * a, a) for a, b in zip(widths, widths[1:], strict=False))
    network = lm.zoo.unet(classes, lm.image(channels, 2**depth * 3, 2**depth), filters, depth, normalize)
    assert trained(network) == down + up + dense(filters, classes)


@pytest.mark.parametrize(("words", "units", "heads", "hidden", "blocks", "length"), [(20_000, 32, 2, 32, 1, 200), (9, 4, 3, 5, 2, 7)])
def test_transformer_classifier(words: int, units: int, heads: int, hidden: int, blocks: int, length: int) -> None:
    attention = 3 * dense(units, heads * units) + dense(heads * units, units)
    block = attention + dense(units, hidden) + dense(hidden, units) + 2 * 2 * units
    expected = (words + length) * units + blocks * block + dense(units, 20) + dense(20, 2)
    assert trained(lm.zoo.transformer_classifier(2, lm.tokens(length, words), units, heads, hidden, blocks, length)) == expected


@pytest.mark.parametrize(("words", "units", "heads", "blocks", "length"), [(50_257, 768, 12, 12, 1024), (9, 6, 2, 3, 5)])
def test_gpt(words: int, units: int, heads: int, blocks: int, length: int) -> None:
    block = 4 * dense(units, units) + dense(units, 4 * units) + dense(4 * units, units) + 2 * 2 * units
    expected = (words + length) * units + blocks * block + 2 * units
    assert trained(lm.zoo.gpt(lm.tokens(None, words), units, heads, blocks, length)) == expected


@pytest.mark.parametrize(("source", "target", "units", "vector"), [(10_000, 10_000, 256, 256), (7, 9, 4, 3)])
def test_seq2seq(source: int, target: int, units: int, vector: int) -> None:
    gru = 3 * (dense(vector, units) + dense(units, units))
    expected = (source + target) * vector + 2 * gru + 4 * dense(units, units) + 2 * units * units + dense(units, target)
    assert trained(lm.zoo.seq2seq(lm.tokens(None, source), lm.tokens(None, target), units, vector)) == expected
