from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.errors import DescriptionError
from lamina.spec import format_path, parse_path, set_value

keys = st.text(st.characters(categories=["L", "N"], include_characters="_-@/ "), min_size=1, max_size=8)


@given(keys, st.lists(keys | st.integers(0, 99), max_size=6))
def test_a_path_reads_back_as_it_was_written(first: str, rest: list[str | int]) -> None:
    path = (first, *rest)
    assert parse_path(format_path(path)) == path


@pytest.mark.parametrize("text", ["", ".", "a..b", "a[", "a[1", "a]", "a[b]", "a.", "a[1.5]", "[1]]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_path(text)
    assert caught.value.code == "SP007"
    assert "network.layers[2].units" in caught.value.problems[0].fix


def test_set_value_gives_the_path_counted_from_the_front() -> None:
    data = {"layers": [{"units": 1}, {"units": 2}]}
    assert set_value(data, ("layers", -1, "units"), 5) == ("layers", 1, "units")
    assert set_value(data, ("layers", 0), "flatten") == ("layers", 0)
    assert data == {"layers": ["flatten", {"units": 5}]}


def test_set_value_does_not_run_through_plain_values() -> None:
    with pytest.raises(DescriptionError) as caught:
        set_value({"layers": []}, ("layers", 0, "units"), 5)
    assert caught.value.problems[0].fix == "add an element to the list first"
