"""The examples do what they say; those on embedded data in full, the others shortened and only where the data are."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from lamina.train.recipe import Recipe, load_recipe

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "examples").glob("*.yaml"))
EMBEDDED = {"digits": 0.985, "iris_csv": 0.90, "finetune_imported": 0.94, "finetune_imported_resnet": 0.97}
"""Examples whose data come with the installation or stand beside them, and the accuracy they must reach on the test part."""

FOLDERS = {
    "char_lstm": "tinyshakespeare",
    "fsdd_audio": "fsdd-500",
    "gpt_shakespeare": "tinyshakespeare",
    "sms_spam": "sms-spam",
    "synthetic_control_lstm": "synthetic-control",
    "bccd_images": "bccd",
    "california_housing": "california-housing",
    "ett_forecast": "ett-small",
    "unet_cells": "bccd",
}
"""Folders of data that are not called as the example begins."""


def data_for(name: str, shared_data: Path) -> None:
    folder = FOLDERS.get(name, name.partition("_")[0])
    if not (shared_data / folder).is_dir():
        pytest.skip(f"no folder {folder} in {shared_data}")


def lamina(*words: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    code = "from lamina.cli import main; raise SystemExit(main())"
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **(environment or {})}
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], env=variables, capture_output=True, text=True, timeout=280)


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_every_recipe_is_right_and_has_a_script_of_the_same_network(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe(file)[0]
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    script = runpy.run_path(str(file.with_suffix(".py")))
    network = script["network"]
    assert network == recipe.network or network.replace(input=None) == recipe.network


@pytest.mark.parametrize("name", EMBEDDED)
def test_recipes_on_embedded_data_train_and_reach_their_figure(name: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = lamina("train", ROOT / "examples" / f"{name}.yaml", "--run-dir", run, "--json")
    assert done.returncode == 0, done.stderr
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert accuracy(evaluation) >= EMBEDDED[name]
    for file in ("recipe.yaml", "environment.json", "metrics.jsonl", "model.lamina"):
        assert (run / file).stat().st_size > 0
    # What is kept has the network's defaults written into its layers.
    kept, given = (load_recipe(file)[0].network.to_dict(full=True) for file in (run / "recipe.yaml", ROOT / "examples" / f"{name}.yaml"))
    assert kept == given


@pytest.mark.parametrize("name", EMBEDDED)
def test_scripts_on_embedded_data_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script = runpy.run_path(str(ROOT / "examples" / f"{name}.py"))
    report = script["main"](epochs=3)
    assert 0.5 < next(value for key, value in report.metrics.items() if key.endswith("accuracy")) <= 1
    assert (tmp_path / f"{name}.lamina").is_file()


@pytest.mark.parametrize("name", [file.stem for file in RECIPES if file.stem not in EMBEDDED])
def test_recipes_on_other_data_train_a_few_steps(name: str, shared_data: Path, tmp_path: Path) -> None:
    data_for(name, shared_data)
    words = ("--run-dir", tmp_path / "run", "--set", "train.epochs=1", "--set", "train.max_steps=20")
    environment = {"LAMINA_DATA": str(shared_data), "LAMINA_OFFLINE": "1"}
    done = lamina("train", ROOT / "examples" / f"{name}.yaml", *words, environment=environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model.lamina").is_file()


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_changes_by_path_reach_the_recipe(file: Path) -> None:
    network = load_recipe(file)[0].network
    graph, output = network.type_name == "graph", network.output_names()[0]
    last = f"nodes.{output}" if graph else "layers[-1]"
    recipe, document = load_recipe(file, ["train.epochs=1", f"network.{last}.loss=mse"])
    assert recipe.train.epochs == 1
    assert (recipe.network.nodes[output] if graph else recipe.network.layers[-1]).loss.type_name == "mse"
    assert document.data["train"]["epochs"] == 1


def test_the_script_on_belief_networks_compares_both_ways(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data_for("mnist", shared_data)
    monkeypatch.setenv("LAMINA_DATA", str(shared_data))
    rows = runpy.run_path(str(ROOT / "examples" / "dbn_mnist.py"))["main"](seeds=1, unlabelled=3000, epochs=3)
    # One seed, few images, little training: less than the 4 points that all of it gains.
    ((plain, deep),) = rows
    assert deep > plain > 0.7
    assert "mean" in capsys.readouterr().out


def test_the_script_on_anomalies_tells_ones_from_the_rest(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_for("mnist", shared_data)
    monkeypatch.setenv("LAMINA_DATA", str(shared_data))
    found = runpy.run_path(str(ROOT / "examples" / "vae_anomaly_mnist.py"))["main"](digits=[1], epochs=2, samples=2)
    assert found[1] > 0.97


@pytest.mark.filterwarnings("ignore:.EV006:lamina.errors.LaminaWarning")  # few sentences don't show every grade
def test_the_script_on_trees_grades_whole_sentences(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_for("sst", shared_data)
    monkeypatch.setenv("LAMINA_DATA", str(shared_data))
    script = runpy.run_path(str(ROOT / "examples" / "tree_sentiment.py"))
    words, left, right, grades = script["parse"]("(3 (2 It) (4 (4 (2 's) (4 good)) (2 .)))")
    assert words == ["", "it", "", "", "'s", "good", "."]
    assert [left, right] == [[1, 0, 3, 4, 0, 0, 0], [2, 0, 6, 5, 0, 0, 0]]
    assert grades == [3, 2, 4, 4, 2, 4, 2]
    exact, sign = script["main"](epochs=1, limit=100, size=16, progress=False)
    assert 0 <= exact <= 1
    assert 0 <= sign <= 1


@pytest.mark.filterwarnings("ignore:.EV006:lamina.errors.LaminaWarning")  # after three epochs some kinds are not found yet
def test_the_script_on_clothes_starts_from_those_it_knows(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data_for("fashion-mnist", shared_data)
    monkeypatch.setenv("LAMINA_DATA", str(shared_data))
    script = runpy.run_path(str(ROOT / "examples" / "transfer_lenet_fashion.py"))
    found = script["main"](each=5, seeds=1, base_epochs=1, epochs=3, base_images=100)
    assert list(found) == ["new head, base frozen", "new head, base trained on", "a fresh start"]
    assert all(0.1 < accuracy < 0.9 for accuracy in found.values())
    assert "Kept 6 weights" in capsys.readouterr().out


def accuracy(evaluation: object) -> float:
    """The accuracy, wherever the evaluation has it."""
    if isinstance(evaluation, dict):
        if isinstance(evaluation.get("accuracy"), float):
            return float(evaluation["accuracy"])
        return max((accuracy(value) for value in evaluation.values()), default=-1.0)
    if isinstance(evaluation, list):
        return max((accuracy(value) for value in evaluation), default=-1.0)
    return -1.0


@pytest.mark.filterwarnings("ignore:.EV006:lamina.errors.LaminaWarning")  # after eight steps some kinds are not found yet
def test_the_script_on_cells_gives_the_overlap_of_each_kind(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_for("unet_cells", shared_data)
    monkeypatch.setenv("LAMINA_DATA", str(shared_data))
    monkeypatch.chdir(tmp_path)
    report, shares = runpy.run_path(str(ROOT / "examples" / "unet_cells.py"))["main"](epochs=1, max_steps=8)
    assert report.metrics["accuracy"] > 0.3
    assert list(shares) == ["background", "red cell", "white cell", "platelet"]
    assert all(0 <= share <= 1 for share in shares.values())


@pytest.mark.filterwarnings("ignore:.EV006:lamina.errors.LaminaWarning")  # after eight steps some kinds are not found yet
def test_the_script_on_boxes_of_cells(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data_for("bccd_images", shared_data)
    monkeypatch.setenv("LAMINA_DATA", str(shared_data))
    monkeypatch.chdir(tmp_path)
    report = runpy.run_path(str(ROOT / "examples" / "bccd_images.py"))["main"](epochs=1, max_steps=8)
    assert 0 <= report.metrics["accuracy"] <= 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last in ("['RBC']", "['WBC']", "['Platelets']")


@pytest.mark.filterwarnings("ignore:.EV006:lamina.errors.LaminaWarning")  # some characters are rare, and none is predicted yet
@pytest.mark.parametrize("name", ["char_lstm", "gpt_shakespeare"])
def test_the_script_on_shakespeare_writes(
    name: str, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data_for(name, shared_data)
    monkeypatch.setenv("LAMINA_DATA", str(shared_data))
    monkeypatch.chdir(tmp_path)
    report = runpy.run_path(str(ROOT / "examples" / f"{name}.py"))["main"](epochs=1, max_steps=30, threads=1, progress=False)
    assert report.metrics["loss"] < 3.5
    assert len(capsys.readouterr().out) > len("ROMEO:\n") + 300


def test_the_script_on_sums_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    right = runpy.run_path(str(ROOT / "examples" / "seq2seq_addition.py"))["main"](count=2000, epochs=3, progress=False)
    assert 0 <= right <= 1
    assert (tmp_path / "seq2seq_addition.lamina").is_file()
