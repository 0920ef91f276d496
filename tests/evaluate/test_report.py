"""Suites, reports, and the HTML page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from lamina.errors import EvaluationError
from lamina.evaluate import Calibration, Classification, Report, Roc, Suite, default_evaluation, default_report, report_metric_names

RNG = np.random.default_rng(3)
EVIL = '<script>alert("1")</script>&'
TARGETS = {
    "classes": SimpleNamespace(kind="classes", labels=("cat", EVIL, "emu")),
    "multilabel": SimpleNamespace(kind="multilabel", labels=("cat", EVIL, "emu")),
    "numbers": SimpleNamespace(kind="numbers", labels=("cat", EVIL, "emu")),
}
DATA = {
    "classes": (RNG.dirichlet(np.ones(3), 90), RNG.integers(0, 3, 90)),
    "multilabel": (RNG.random((90, 3)), RNG.integers(0, 2, (90, 3))),
    "numbers": (RNG.normal(size=(90, 3)), RNG.normal(size=(90, 3))),
}


def suite(kind: str, rows=slice(None)) -> Suite:
    made = Suite.start(default_report(kind), TARGETS[kind], width=3)
    made.update(DATA[kind][0][rows], DATA[kind][1][rows])
    return made


@pytest.mark.parametrize("kind", DATA)
def test_the_full_report(kind) -> None:
    report = suite(kind).result()
    assert list(report.metrics) == report_metric_names(default_report(kind), TARGETS[kind], width=3)
    assert json.loads(report.to_json())["metrics"] == report.metrics
    assert all(word in str(report) for word in ("cat", "emu", *report.results))
    assert default_evaluation(kind).type_name in report.results


def test_suites_merge_and_resume() -> None:
    merged = suite("classes", slice(50, None)).merge(suite("classes", slice(0, 50)))
    assert merged.result().metrics == suite("classes").result().metrics
    again = Suite.start(default_report("classes"), TARGETS["classes"]).load_state_dict(merged.state_dict())
    assert again.result().metrics == merged.result().metrics
    with pytest.raises(EvaluationError, match="start every shard from the same evaluations"):
        merged.merge(suite("numbers"))


def test_names_that_clash_are_prefixed() -> None:
    rules = [Roc(), Roc(bins=100), Calibration()]
    made = Suite.start(rules)
    made.update(*DATA["classes"])
    metrics = made.result().metrics
    assert list(metrics) == report_metric_names(rules)
    assert {"roc/roc_auc", "roc_2/roc_auc", "ece"} <= set(metrics)


def test_no_default_for_an_unknown_kind() -> None:
    with pytest.raises(EvaluationError, match="name an evaluation") as caught:
        default_evaluation("melodies")  # type: ignore[arg-type]
    assert caught.value.code == "EV008"


class Page(HTMLParser):
    """Tags and attributes of a page, and whether all tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "path", "polyline", "circle"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("kind", DATA)
def test_the_page_is_whole_safe_and_self_contained(kind, tmp_path) -> None:
    file = tmp_path / "evaluation.html"
    suite(kind).result().to_html(file, title=f"Judged {EVIL}")
    text = file.read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert "script" not in page.tags
    assert not {name for name, _ in page.attributes} & {"src", "href", "onload", "onclick", "xlink:href"}
    assert "http:" not in text
    assert "https:" not in text
    assert "default-src 'none'" in text
    assert "@import" not in text
    assert "url(" not in text
    assert "&lt;script&gt;" in text
    assert "prefers-color-scheme: dark" in text
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert drawings
    for drawing in drawings:
        root = ET.fromstring(drawing)
        assert root.get("aria-label") or root.get("aria-hidden")
    assert "nan" not in " ".join(re.findall(r'(?:d|points|x|y|cx|cy)="([^"]*)"', text)).lower()


def test_an_undefined_report_still_draws(tmp_path) -> None:
    made = Suite.start(default_report("classes"), width=3)
    made.update([[0.2, 0.3, 0.5]], [2])
    report = made.result(quiet=True)
    report.to_html(tmp_path / "one.html")
    assert json.loads(report.to_json())["metrics"]["roc_auc"] is None
    assert "EV012" in (tmp_path / "one.html").read_text(encoding="utf-8")


def test_a_hundred_classes_print_shortly() -> None:
    made = Classification().start()
    made.update(np.eye(100)[RNG.integers(0, 100, 300)], RNG.integers(0, 100, 300))
    text = str(Report({"classification": made.result(quiet=True)}))
    assert "more rows" in text
    assert "weighted average" in text
    assert "Confusion" not in text


def test_evaluation_never_loads_torch() -> None:
    code = "import sys, lamina.evaluate; sys.exit(any(name in sys.modules for name in ('torch', 'sklearn', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
