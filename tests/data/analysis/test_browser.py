"""The page in a real browser: nothing fails, nothing is fetched, nothing sticks out, and it looks as it did.

After a wanted change of its looks, see the page yourself, and write the reference anew::

    python tests/data/analysis/test_browser.py
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from lamina.data.analysis import analyze

REFERENCE = Path(__file__).with_name("reference.png")
BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
CELLS = (70, 120)
"""Of the picture that looks are compared by: coarse enough that another font is no difference."""
SIZE = (1400, 2400)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here to look at the page with (apt-get install chromium)")

PROBE = """
const wide = [...document.querySelectorAll("body *")].filter((element) => {
  const box = element.getBoundingClientRect();
  return !element.closest(".wide, .quiet, caption, .scroll") && box.right > document.documentElement.clientWidth + 1;
});
const table = document.querySelector("#columns table"), heads = [...table.tHead.rows[0].cells];
const names = () => [...table.tBodies[0].rows].map((row) => row.cells[0].innerText.split(/\\s/)[0]);
const before = names();
heads.find((head) => head.innerText.startsWith("missing")).querySelector("button").click();
const byMissing = names(), sorted = heads.map((head) => head.getAttribute("aria-sort"));
heads.find((head) => head.innerText.startsWith("column")).querySelector("button").click();
const found = {
  problems: window.problems, overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  wide: wide.slice(0, 5).map((element) => element.outerHTML.slice(0, 200)), before, byMissing, byName: names(), sorted,
  requests: performance.getEntriesByType("resource").map((entry) => entry.name),
  sections: [...document.querySelectorAll("section")].map((section) => [section.id, section.getBoundingClientRect().height]),
  empty: [...document.querySelectorAll("svg")].filter((svg) => svg.getBoundingClientRect().height < 8).length,
  cards: document.querySelectorAll("#each-column .card").length,
};
const place = document.createElement("script");
place.type = "application/json"; place.id = "probe"; place.textContent = JSON.stringify(found);
document.body.append(place);
"""


def table(seed: int, rows: int, shift: float) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.choice(["red", "green", "blue", "a rather long name of a category that is cut off"], rows, p=[0.5, 0.3, 0.15, 0.05])
    size = rng.normal(size=rows) + shift
    return pl.DataFrame(
        {
            "size": size,
            "price_of_the_thing_in_euro_with_a_very_long_name": np.exp(rng.normal(size=rows) * 2),
            "kind": kind,
            "age": [None if gap else int(age) for gap, age in zip(rng.random(rows) < 0.25, rng.integers(0, 90, rows), strict=True)],
            "mark": np.where(rng.random(rows) < 0.05, -999, rng.integers(0, 40, rows)),
            "when": [datetime(2024, 1, 1) + timedelta(hours=int(hour)) for hour in rng.integers(0, 9000, rows)],
            "name": [f"row {i}" for i in range(rows)],
            "text": [" ".join(rng.choice(["alpha", "beta", "gamma"], 12)) for _ in range(rows)],
            "flag": rng.random(rows) < 0.3,
            "copy": ["yes" if value > shift else "no" for value in size],
            "bought": ["yes" if value > shift else "no" for value in size + rng.normal(size=rows) * 0.02],
        }
    )


def made(path: Path) -> Path:
    analyze(table(1, 600, 0.0), "bought", compare_with=table(2, 400, 0.8), name="things.csv").to_html(path)
    return path


def browse(page: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert BROWSER is not None
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr"]
    command = [BROWSER, *quiet, f"--user-data-dir={folder / 'profile'}", *arguments, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def picture(page: Path, folder: Path, *arguments: str) -> tuple[Image.Image, str]:
    shot = folder / "shot.png"
    result = browse(page, folder, f"--screenshot={shot}", f"--window-size={SIZE[0]},{SIZE[1]}", *arguments)
    return Image.open(shot).convert("L"), result.stderr


def coarse(image: Image.Image) -> np.ndarray:
    return np.asarray(image.resize(CELLS, Image.Resampling.BOX), dtype=np.float64)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("page") / "page.html")


def probed(page: Path, folder: Path, width: int) -> dict[str, Any]:
    """What a script sees in the page; it must be let in where the page's own policy keeps it out."""
    text = page.read_text()
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    watch = "<script>window.problems = []; addEventListener('error', (event) => problems.push(event.message));</script>"
    text = text.replace("<head>", f"<head>{watch}").replace("</body>", f"<script>{PROBE}</script></body>")
    opened = folder / "probe.html"
    opened.write_text(text)
    dom = browse(opened, folder, "--dump-dom", f"--window-size={width},900", "--virtual-time-budget=3000").stdout
    found = re.search(r'<script type="application/json" id="probe">(.*?)</script>', dom, re.DOTALL)
    assert found is not None, "the probe did not run to its end"
    result: dict[str, Any] = json.loads(found[1])
    return result


@pytest.mark.parametrize("width", [360, 1400])
def test_it_is_whole_at_every_width(page: Path, tmp_path: Path, width: int) -> None:
    seen = probed(page, tmp_path, width)
    assert seen["problems"] == []
    assert seen["requests"] == []
    assert seen["overflow"] <= 0, seen["wide"]
    assert seen["wide"] == []
    assert [name for name, _ in seen["sections"]] == ["findings", "columns", "target", "drift", "each-column", "relations"]
    assert all(height > 60 for _, height in seen["sections"])
    assert seen["empty"] == 0
    assert seen["cards"] == 11
    # Sorting: the most missing first, then by name.
    assert seen["before"][0] == "size"
    assert seen["byMissing"][0] == "age"
    assert "descending" in seen["sorted"]
    assert seen["byName"] == sorted(seen["byName"])


def test_it_looks_as_it_did(page: Path, tmp_path: Path) -> None:
    image, log = picture(page, tmp_path)
    assert "CONSOLE" not in log, "the browser has something to say about the page"
    now, before = coarse(image), np.asarray(Image.open(REFERENCE).convert("L"), dtype=np.float64)
    off = np.abs(now - before)
    message = "look at the page; if the change is wanted: python tests/data/analysis/test_browser.py"
    assert off.mean() < 8, message
    assert (off > 60).mean() < 0.06, message


def test_it_is_dark_where_the_reader_wants_it(page: Path, tmp_path: Path) -> None:
    light = coarse(picture(page, tmp_path)[0])
    dark = coarse(picture(page, tmp_path, "--force-dark-mode", "--blink-settings=preferredColorScheme=0")[0])
    assert np.median(light) > 235
    assert np.median(dark) < 45
    # What is written stands out on either ground.
    assert dark.max() > 120
    assert light.min() < 140


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        shot = picture(made(Path(temporary) / "page.html"), Path(temporary))[0]
    Image.fromarray(coarse(shot).astype(np.uint8)).save(REFERENCE, optimize=True)
    sys.stdout.write(f"written: {REFERENCE}\n")
