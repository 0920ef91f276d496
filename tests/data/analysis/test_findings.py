"""Every kind of finding: found where it is, not found where it isn't, and described where users look."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lamina.data.analysis import CATALOGUE, Analysis, analyze
from lamina.data.sources import Csv
from lamina.errors import DataError

RNG = np.random.default_rng(10)
N = 200
NOISE = RNG.normal(size=N)


def codes(table: dict, target: str | None = None, other: dict | None = None) -> dict[str, list]:
    found = analyze(pl.DataFrame(table), target, compare_with=None if other is None else pl.DataFrame(other)).findings
    result: dict[str, list] = {}
    for finding in found:
        result.setdefault(finding.code, []).append(finding)
    return result


def classes(*counts: int) -> list[str]:
    return [f"c{i}" for i, count in enumerate(counts) for _ in range(count)]


START = datetime(2020, 1, 1)
GAP = [START + timedelta(hours=i + (1000 if i > 100 else 0)) for i in range(N)]
CASES: dict[str, tuple[dict, str | None, dict | None]] = {
    "AN001": ({"x": ["a"] * N, "y": NOISE}, None, None),
    "AN002": ({"x": pl.Series([None] * N, dtype=pl.Float64)}, None, None),
    "AN003": ({"x": [None if i % 4 == 0 else float(i) for i in range(N)]}, None, None),
    "AN004": ({"x": [*NOISE[:-2], np.nan, np.inf]}, None, None),
    "AN005": ({"x": [f"row-{i}" for i in range(N)]}, None, None),
    "AN006": ({"x": [f"v{i % 1500}" for i in range(4000)]}, None, None),
    "AN007": ({"x": [*map(str, range(N)), "n/a", "n/a"]}, None, None),
    "AN008": ({"x": ["a", " a", "b"] * 50, "y": range(150)}, None, None),
    "AN009": ({"x": ["Yes", "yes", "no"] * 50}, None, None),
    "AN010": ({"x": [*range(N), *range(N // 2)]}, None, None),
    "AN011": ({"x": NOISE, "y": NOISE}, None, None),
    "AN012": ({"x": NOISE, "y": -2 * NOISE + 1e-3}, None, None),
    "AN013": ({"x": [*NOISE[:-1], 1e4]}, None, None),
    "AN014": ({"x": [*NOISE[:-9], *[-999.0] * 9]}, None, None),
    "AN015": ({"x": [*NOISE[:-20].tolist(), *[4.5] * 20]}, None, None),
    "AN016": ({"39": NOISE, "Private": classes(100, 100), "13": NOISE}, None, None),
    "AN020": ({"x": NOISE, "y": [None, *NOISE[1:]]}, "y", None),
    "AN021": ({"x": NOISE, "y": classes(185, 15)}, "y", None),
    "AN022": ({"x": NOISE, "y": classes(96, 96, 8)}, "y", None),
    "AN023": ({"x": classes(100, 100), "y": classes(100, 100)}, "y", None),
    "AN024": ({"x": [f"is {v}" for v in classes(100, 100)], "z": NOISE, "y": classes(100, 100)}, "y", None),
    "AN025": ({"x": NOISE, "y": classes(N)}, "y", None),
    "AN026": ({"x": NOISE, "y": [f"name {i}" for i in range(N)]}, "y", None),
    "AN030": ({"x": GAP, "z": NOISE}, None, None),
    "AN031": ({"x": GAP, "z": NOISE}, None, None),
    "AN040": ({"x": NOISE}, None, {"x": NOISE + 1}),
    "AN041": ({"x": classes(100, 100)}, None, {"x": classes(190, 10)}),
    "AN042": ({"x": classes(100, 100)}, None, {"x": [*classes(100, 99), "new"]}),
    "AN043": ({"x": NOISE}, None, {"z": NOISE}),
    "AN044": ({"x": NOISE}, None, {"x": [*NOISE[:20], *RNG.normal(size=N)]}),
    "AN045": ({"x": NOISE}, None, {"x": [None if i % 5 == 0 else v for i, v in enumerate(NOISE.tolist())]}),
}


def test_every_kind_has_a_case() -> None:
    assert set(CASES) == set(CATALOGUE)


@pytest.mark.parametrize("code", CASES)
def test_it_is_found(code: str) -> None:
    found = codes(*CASES[code])
    assert code in found
    for finding in found[code]:
        assert finding.severity == CATALOGUE[code].severity
        assert finding.found.endswith(".")
        assert f"[{code}]" in str(finding)
        assert set(finding.columns) <= {"x", "y", "z"}


def test_what_a_header_seems_to_be_is_said_where_a_column_is_missed(tmp_path: Path) -> None:
    def missed(text: str, **settings: Any) -> str:
        path = tmp_path / "a.csv"
        path.write_text(text)
        with pytest.raises(DataError) as found:
            Csv(path=str(path), target="quality", **settings).read()
        return str(found.value)

    assert "write header: false" in missed("7.4,0.7,red\n7.8,0.88,red\n")
    assert 'write delimiter: ";"' in missed("acidity;sugar;quality\n7.8;0.88;5\n")
    assert 'write delimiter: ";"' in missed('"acidity";"sugar";"quality"\n7.8;0.88;5\n')
    assert "write delimiter: whitespace" in missed("1 1 0.5 -0.2 100\n1 2 0.5 -0.2 100\n")
    assert "did you mean 'qualty'" in missed("acidity,qualty\n7.8,5\n")
    assert "name one of its columns" in missed("country,1990,1991\nCH,7.8,5\n")


def test_clean_data_have_no_findings() -> None:
    table = {
        "size": NOISE,
        "colour": [["red", "blue", "green"][i % 3] for i in range(N)],
        "y": [["a", "b"][int(v > 0)] for v in RNG.normal(size=N)],
    }
    rest = {"size": RNG.normal(size=N), "colour": table["colour"][::-1], "y": table["y"][::-1]}
    assert codes(table, "y", rest) == {}


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({"x": RNG.integers(0, 10**6, N)}, "AN005"),  # measurements of whole numbers can all differ
        ({"x": [f"a long text, number {i}, that says many things about nothing" for i in range(N)]}, "AN005"),
        ({"x": ["007", *[f"{i:03}" for i in range(100, 150)]]}, "AN007"),  # codes, not numbers
        ({"x": ["a1", "a2", *map(str, range(3))] * 20}, "AN007"),
        ({"x": [*NOISE[:-9], *[-3.5] * 9]}, "AN014"),
        ({"x": [0.0] * 100 + NOISE[:100].tolist()}, "AN015"),
        ({"x": NOISE.tolist(), "y": (NOISE + RNG.normal(size=N)).tolist()}, "AN012"),
        ({"x": [START + timedelta(hours=i) for i in range(N)]}, "AN031"),
    ],
)
def test_it_is_not_seen_where_it_is_not(table: dict, code: str) -> None:
    assert code not in codes(table)


def test_the_worst_comes_first_and_figures_are_right() -> None:
    found = codes(*CASES["AN014"])["AN014"][0]
    assert found.found.startswith("-999 is there 9 times (4.5%); the next value is -")
    analysis = analyze(pl.DataFrame(CASES["AN023"][0]), "y")
    assert isinstance(analysis, Analysis)
    severities = [finding.severity for finding in analysis.findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert analysis.to_dict()["findings"][0]["code"] == "AN023"
    assert "200 of 200 rows (100%)" in codes(*CASES["AN023"])["AN023"][0].found


def test_leaks_in_numbers_of_rows_and_scales() -> None:
    """A target that was scaled, and one that the order of the rows says."""
    price = np.exp(RNG.normal(size=3000) * 0.3)
    assert "AN012" not in codes({"euro": price * 0.9, "price": price}, "price")
    assert "AN024" in codes({"euro": price * 0.9, "price": price}, "price")
    assert "order of the target" in codes({"log": np.log(price), "price": price**4}, "price")["AN024"][0].found
    assert "AN024" in codes({"row": range(N), "y": classes(100, 100)}, "y")


def test_the_page_of_findings_lists_all(root: Path) -> None:
    page = (root / "docs" / "reference" / "findings.md").read_text()
    for code, entry in CATALOGUE.items():
        row = f"### {code}: {entry.title}\n\n*{entry.severity}* \u00b7 {entry.meaning}\n\n{entry.advice}\n"
        assert row in page, f"write in docs/reference/findings.md:\n{row}"
    assert page.count("### AN") == len(CATALOGUE)
