"""The page: whole, safe against names and values made to break it, and free of anything from elsewhere."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from lamina.data.analysis import Analysis, analyze

EVIL = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\"'`"
BIDI = "a\u202eb\nc\0d"
VOID = {"meta", "img", "br", "hr", "link", "input"}
RNG = np.random.default_rng(13)
N = 150


class Page(HTMLParser):
    """Tags that are open at the end, all tags, attributes and identifiers."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def evil() -> pl.DataFrame:
    return pl.DataFrame(
        {
            EVIL: [EVIL, BIDI, "x"] * (N // 3),
            BIDI: RNG.normal(size=N),
            "": [" ", "", "\u2028"] * (N // 3),
            "time": [datetime(2020, 1, 1) + timedelta(days=i) for i in range(N)],
            "big": RNG.normal(size=N) * 1e300,
            "odd": [math.nan, math.inf, -math.inf] * (N // 3),
            "list": [[1.0, 2.0]] * N,
            "raw": [b"<b>"] * N,
            "none": [None] * N,
            "one": [7] * N,
            "flag": [True, False, None] * (N // 3),
            "y": ["<b>yes", "no&"] * (N // 2),
        }
    )


def parsed(analysis: Analysis, path) -> tuple[str, Page]:
    analysis.to_html(path)
    text = path.read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    return text, page


@pytest.fixture(scope="module")
def hostile() -> Analysis:
    changed = evil().with_columns(pl.col("y").str.replace("no&", "<i>new</i>"), pl.col(BIDI) + 5)
    return analyze(evil(), "y", compare_with=changed, name=EVIL)


def test_hostile_names_and_values_are_only_text(hostile, tmp_path) -> None:
    text, page = parsed(hostile, tmp_path / "page.html")
    assert text.count("<script>") == 1
    assert "alert(1)</script>" not in text
    assert not {"img", "iframe", "object", "link", "b", "form"} & page.tags
    names = {name for name, _ in page.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not {"src", "xlink:href", "action", "srcset"} & names
    assert all(value.startswith("#") for name, value in page.attributes if name == "href")
    assert "\u202e" not in text
    assert "\0" not in text
    assert "\\u202e" in text
    assert "alert(1)" in page.text
    for word in ("http:", "https:", "//", "@import", "url("):
        assert word not in text.replace("http-equiv", "")


def test_nothing_may_be_loaded_or_run_but_the_script_of_the_page(hostile, tmp_path) -> None:
    text, _ = parsed(hostile, tmp_path / "page.html")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/=]{44}'", rules["script-src"])


def test_every_link_leads_somewhere_and_ids_are_unique(hostile, tmp_path) -> None:
    _, page = parsed(hostile, tmp_path / "page.html")
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value.removeprefix("#") for name, value in page.attributes if name == "href"} <= set(ids)
    assert {"findings", "columns", "target", "drift", "each-column", "relations"} <= set(ids)
    assert {value for name, value in page.attributes if name == "aria-labelledby"} <= set(ids)


def test_every_drawing_is_read_aloud(hostile, tmp_path) -> None:
    text, _ = parsed(hostile, tmp_path / "page.html")
    drawings = re.findall(r"<svg[^>]*>", text)
    assert drawings
    assert all('role="img"' in drawing and "aria-label=" in drawing for drawing in drawings)
    assert "nan" not in re.sub(r"<title>.*?</title>|title=\"[^\"]*\"", "", " ".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL)))
    assert 'lang="en"' in text
    assert "prefers-color-scheme: dark" in text


def test_a_wide_table_stays_small_enough(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("lamina.data.analysis.page.columns.MOST_ROWS", 300)
    wide = pl.DataFrame({f"column {i}": RNG.normal(size=30) for i in range(400)})
    text, page = parsed(analyze(wide), tmp_path / "page.html")
    assert len(text) < 1_500_000
    assert "200 more columns are left out here." in page.text
    assert "100 more columns are left out here." in page.text


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_tables_of_hardly_any_rows(rows: int, tmp_path) -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}).head(rows)
    _, page = parsed(analyze(frame, "b"), tmp_path / "page.html")
    assert "Columns" in page.text


def test_plain_data_and_text_say_the_same(hostile) -> None:
    data = json.loads(hostile.to_json())
    assert data["rows"] == N
    assert data["columns"]["odd"]["nan"] == N // 3
    assert data["columns"]["one"]["most"] == [["7", N]]
    assert {finding["code"] for finding in data["findings"]} == {finding.code for finding in hostile.findings}
    assert "AN001" in str(hostile)
    assert data["drift"]["rows"] == [N, N]
