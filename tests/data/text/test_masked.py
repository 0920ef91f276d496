"""What is hidden from a masked language model: as much as is asked, never what is no text, the same wherever it is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.lazy import Address
from lamina.data.text.masked import MaskedTokens
from lamina.data.text.masking import Masking
from lamina.errors import DescriptionError

SPECIAL = [0, 1, 2, 3, 4]
MASK = 4
RNG = np.random.default_rng(3)


def rows(samples: int = 400, steps: int = 40) -> np.ndarray:
    tokens = RNG.integers(5, 30, size=(samples, steps))
    tokens[:, 0] = 2
    for row in tokens:
        row[RNG.integers(6, steps) :] = 0
    return tokens


def group(tokens: np.ndarray, masking: Masking, **settings: object) -> MaskedTokens:
    return MaskedTokens(tokens, masking, mask_token=MASK, no_text=SPECIAL, vocabulary=30, **settings)  # type: ignore[arg-type]


def test_as_much_is_hidden_as_in_bert() -> None:
    tokens = rows(3000)
    drawn = group(tokens, Masking()).take(np.arange(3000), Address(7, 0))
    text = tokens >= 5
    assert np.array_equal(drawn["output"], tokens)
    assert np.array_equal(drawn["mask"].sum(1), np.maximum(1, np.rint(0.15 * text.sum(1))))
    assert not (drawn["mask"] & ~text).any()
    fed, told = drawn["input"][drawn["mask"]], tokens[drawn["mask"]]
    assert np.array_equal(drawn["input"][~drawn["mask"]], tokens[~drawn["mask"]])
    # 80 % hidden, 10 % by chance (which is the same token in one of 25 cases), 10 % as they were.
    assert abs((fed == MASK).mean() - 0.8) < 0.015
    assert abs((fed == told).mean() - (0.1 + 0.1 / 25)) < 0.015
    other = fed[(fed != MASK) & (fed != told)]
    assert other.min() >= 5
    assert len(np.unique(other)) == 25
    # Every place of a sample is as likely as any other.
    share = drawn["mask"][:, 1:6].mean(0)
    assert share.max() - share.min() < 0.06


@pytest.mark.parametrize(("hidden", "kinds"), [(1.0, {MASK}), (0.0, set())])
def test_shares_are_kept(hidden: float, kinds: set[int]) -> None:
    tokens = rows(50)
    drawn = group(tokens, Masking(0.5, hidden=hidden, random=0.0)).take(np.arange(50), Address(1, 1))
    assert {*drawn["input"][drawn["input"] != tokens].tolist()} == kinds


def test_what_is_drawn_depends_on_seed_epoch_and_sample_alone() -> None:
    tokens = rows(60)
    both = group(tokens, Masking())
    whole = both.take(np.arange(60), Address(7, 3))
    some = both.take(np.array([41, 3, 41]), Address(7, 3))
    for name, array in some.items():
        assert np.array_equal(array, whole[name][[41, 3, 41]])
    for other in (Address(7, 4), Address(8, 3), None):
        assert not np.array_equal(both.take(np.arange(60), other)["mask"], whole["mask"])
    # When judging, the same are hidden each time.
    assert np.array_equal(both.take(np.arange(60))["input"], both.take(np.arange(60))["input"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30), st.floats(0.05, 0.9))
def test_whole_words_stay_whole(seed: int, steps: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, 30, size=(12, steps))
    inside = np.arange(30) >= 18
    chosen = group(tokens, Masking(share, whole_words=True), inside=inside).take(np.arange(12), Address(seed % 100, 0))["mask"]
    for row, mask in zip(tokens, chosen, strict=True):
        text = row >= 5
        words: list[list[int]] = []
        for place, token in enumerate(row):
            if text[place] and inside[token] and place and text[place - 1]:
                words[-1].append(place)
            elif text[place]:
                words.append([place])
        taken = [word for word in words if mask[word].any()]
        assert all(mask[word].all() for word in taken)
        assert mask.sum() == sum(map(len, taken))
        wanted = max(1, round(share * text.sum()))
        assert bool(taken) == bool(words)
        assert len(taken) <= 1 or mask.sum() <= wanted + 1e-9 or np.isclose(share * text.sum() % 1, 0.5)


def test_a_sample_without_text_hides_nothing() -> None:
    drawn = group(np.array([[2, 3, 0]]), Masking(0.9)).take(np.array([0]), Address(0, 0))
    assert drawn["input"].tolist() == [[2, 3, 0]]
    assert not drawn["mask"].any()


def test_shares_above_one_are_refused() -> None:
    with pytest.raises(DescriptionError, match=r"random: 0.1"):
        Masking(hidden=0.8, random=0.3)
