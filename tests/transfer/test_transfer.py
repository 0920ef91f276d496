"""Starting from a trained model: what stays, what is new, what learns, and what is said when a change can't be made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import lamina as lm
from lamina.errors import DescriptionError, LaminaError
from lamina.network.layers import Nested, Residual

RNG = np.random.default_rng(5)
X = RNG.normal(size=(64, 4)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[lm.Model, Path]:
    net = lm.Sequential(
        lm.features(4), [lm.Dense(8, activation="relu"), lm.BatchNorm(), lm.Dense(6, activation="tanh", name="top"), lm.Output(2)]
    )
    model = lm.Model(net, seed=3)
    model.fit(X, Y, epochs=3, progress=False)
    file = tmp_path_factory.mktemp("base") / "base.lamina"
    model.save(file)
    return model, file


def names(network: lm.Sequential) -> list[str]:
    return [step.name for step in network.steps()]


def test_a_new_head_starts_anew_and_the_rest_stays(base: Any) -> None:
    model, file = base
    new = lm.start_from(file, replacements={"output_1": lm.Output(2)}, freeze_to="top", seed=9)
    own, old = new.parameters(), model.parameters()
    for name in ("dense_1/weight", "batch_norm_1/running_mean", "top/bias"):
        assert (own[name] == old[name]).all()
    assert (own["output_1/weight"] != old["output_1/weight"]).any(), "a replaced layer starts anew though its shape is the same"
    assert set(new.taken.started) == {"output_1/weight", "output_1/bias"}
    before = new.parameters()
    new.fit(X, 1 - Y, epochs=2, progress=False)
    after = new.parameters()
    changed = {name for name in before if (before[name] != after[name]).any()}
    assert changed == {"output_1/weight", "output_1/bias"}, "frozen weights and statistics keep their values"


def test_another_number_of_units_starts_what_it_touches(base: Any) -> None:
    new = lm.start_from(base[0], replacements={"top": {"units": 5}})
    assert new.taken.started == {
        "top/weight": "[6, 8] before, [5, 8] now",
        "top/bias": "[6] before, [5] now",
        "output_1/weight": "[2, 6] before, [2, 5] now",
    }
    assert "dense_1/weight" in new.taken.kept
    assert new.predict(X).shape == (64, 2)


def test_layers_are_removed_kept_up_to_and_appended(base: Any) -> None:
    changed = lm.Transfer(remove="batch_norm_1").apply(base[0].description)
    assert names(changed) == ["dense_1", "top", "output_1"]
    changed = lm.Transfer(remove_after="dense_1", append=[lm.Dense(3), lm.Output(4)]).apply(base[0].description)
    assert names(changed) == ["dense_1", "dense_2", "output_1"]
    assert base[0].description.layers[0].name is None, "the trained description stays as it was"


def test_settings_reach_layers_by_pattern(base: Any) -> None:
    changed = lm.Transfer(settings={"dense*": {"learning_rate_factor": 0.1}, "*": {"l2": 0.01}}, freeze="t?p").apply(base[0].description)
    layers = dict(zip(names(changed), changed.layers, strict=True))
    assert layers["dense_1"].learning_rate_factor == 0.1
    assert layers["top"].frozen
    assert layers["top"].learning_rate_factor == 1.0
    assert all(layers[name].l2 == 0.01 for name in ("dense_1", "top", "output_1"))


def test_layers_of_inner_networks_are_found_by_path() -> None:
    net = lm.Sequential(lm.features(4), [Nested([lm.Dense(4), Residual(lm.Dense(4, name="deep"))], name="block"), lm.Output(2)])
    changed = lm.Transfer(freeze="block/*/deep").apply(net)
    model = lm.Model(changed, seed=1)
    before = model.parameters()
    model.fit(X, Y, epochs=1, progress=False)
    after = model.parameters()
    still = {name for name in before if (before[name] == after[name]).all()}
    assert still == {"block/residual_1/deep/weight", "block/residual_1/deep/bias"}


def graph() -> lm.Graph:
    nodes = {
        "left": lm.Dense(3, inputs="x"),
        "right": lm.Dense(3, inputs="x"),
        "sum": lm.Add(inputs=["left", "right"]),
        "drop": lm.Dropout(0.5, inputs="sum"),
        "out": lm.Output(2, inputs="drop"),
    }
    return lm.Graph({"x": lm.features(4)}, nodes, "out")


def test_graphs_are_rewired_frozen_upward_and_extended() -> None:
    changed = lm.Transfer(remove="drop", freeze_to="sum", append=[lm.Output(5)], replacements={"out": lm.Dense(4)}).apply(graph())
    assert changed.nodes["out"].inputs == ("sum",)
    assert changed.nodes["left"].frozen
    assert changed.nodes["right"].frozen
    assert not changed.nodes["out"].frozen
    assert changed.outputs == ("output_1",)
    assert str(changed.resolve().output_shapes["output_1"]) == "[batch, 5]"
    more = lm.Transfer(add={"age": lm.Output(1, loss="mse", inputs="sum")}, outputs=["out", "age"]).apply(graph())
    assert set(more.resolve().output_shapes) == {"out", "age"}


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"freeze": "dens_1"}, "TR130", "did you mean 'dense_1'"),
        ({"freeze_to": "nobody"}, "TR130", "lamina summary"),
        ({"remove": "batch_norm"}, "TR130", "did you mean 'batch_norm_1'"),
        ({"replacements": {"outptu_1": {"units": 3}}}, "TR130", "did you mean 'output_1'"),
        ({"settings": {"dense_1": {"learning_rate_facto": 0.1}}}, "TR131", "did you mean 'learning_rate_factor'"),
        ({"settings": {"dense_1": {"l2": -1.0}}}, "SP004", "l2"),
        ({"add": {"x": {"type": "dense", "units": 2}}}, "TR132", "append"),
        ({"append": [lm.Output(3, name="top")]}, "TR132", "'top'"),
    ],
)
def test_a_change_that_cant_be_made_names_layer_and_fix(base: Any, changes: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(LaminaError) as caught:
        lm.Transfer(**changes).apply(base[0].description)
    assert caught.value.code == code
    assert said in str(caught.value)


def test_every_wrong_change_is_said_at_once(base: Any) -> None:
    with pytest.raises(DescriptionError) as caught:
        lm.Transfer(freeze=["one", "two"], remove="three").apply(base[0].description)
    assert len(caught.value.problems) == 3


def test_a_vertex_is_not_removed_and_an_own_module_not_changed() -> None:
    import torch

    with pytest.raises(DescriptionError, match="which joins left, right"):
        lm.Transfer(remove="sum").apply(graph())
    with pytest.raises(DescriptionError, match="own torch.nn.Module"):
        lm.start_from(lm.Model(torch.nn.Linear(2, 2), loss="mse"), freeze="x")


def write(folder: Path, **changes: Any) -> Path:
    np.savetxt(folder / "d.csv", np.c_[X, Y], delimiter=",", header="a,b,c,d,y", comments="", fmt="%.6g")
    recipe = {
        "seed": 4,
        "data": {"source": {"type": "csv", "path": "d.csv", "target": "y", "kind": "classes"}, "split": {"test": 0.25}},
        "transfer": {"model": "base.lamina", "freeze_to": "top", "replacements": {"output_1": {"type": "output", "units": 2}}, **changes},
        "train": {"epochs": 2, "progress": False},
    }
    file = folder / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe))
    return file


def test_a_recipe_starts_from_a_file(base: Any, tmp_path: Path) -> None:
    from lamina.launch import train_recipe
    from lamina.train.recipe import load_recipe

    (tmp_path / "base.lamina").write_bytes(base[1].read_bytes())
    recipe, document = load_recipe(write(tmp_path))
    run = train_recipe(recipe, run_dir=tmp_path / "run", document=document)
    own, old = run.model.parameters(), base[0].parameters()
    assert (own["top/weight"] == old["top/weight"]).all()
    assert (own["output_1/weight"] != old["output_1/weight"]).any()
    # The recipe in the run directory says the changed network, and starts the same run.
    again, document = load_recipe(tmp_path / "run" / "recipe.yaml")
    rerun = train_recipe(again, run_dir=tmp_path / "again", document=document)
    for name, array in run.model.parameters().items():
        assert (rerun.model.parameters()[name] == array).all()
    assert json.loads((tmp_path / "run" / "evaluation.json").read_text())


@pytest.mark.parametrize(("changes", "code"), [({"model": None}, "TR133"), ({"model": "none.lamina"}, "AR021"), ({"freeze": "x"}, "TR130")])
def test_a_recipe_whose_start_is_wrong_says_where(base: Any, tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    from lamina.train.recipe import load_recipe

    (tmp_path / "base.lamina").write_bytes(base[1].read_bytes())
    with pytest.raises(LaminaError) as caught:
        load_recipe(write(tmp_path, **changes))
    assert caught.value.code == code
    assert "recipe.yaml" in str(caught.value)


def test_freezing_a_layer_that_holds_others_freezes_them() -> None:
    net = lm.Sequential(lm.features(4), [Nested([lm.Dense(3), Residual(lm.Dense(3))], name="block"), lm.Output(2)])
    model = lm.start_from(lm.Model(net, seed=1), freeze="block", seed=2)
    before = model.parameters()
    model.fit(X, Y, epochs=1, progress=False)
    changed = {name for name, array in model.parameters().items() if (array != before[name]).any()}
    assert changed == {"output_1/weight", "output_1/bias"}


def test_weights_that_are_shared_are_frozen_where_they_belong() -> None:
    nodes = {
        "one": lm.Dense(3, inputs="x"),
        "two": lm.layers.Shared("one", inputs="one_more"),
        "one_more": lm.Dense(4, inputs="x"),
        "out": lm.Output(2, inputs="both"),
        "both": lm.Add(inputs=["one", "two"]),
    }
    net = lm.Graph({"x": lm.features(4)}, nodes, "out")
    changed = lm.Transfer(freeze_to="two").apply(net)
    assert {name for name, layer in changed.nodes.items() if getattr(layer, "frozen", False)} == {"one", "one_more"}
    with pytest.raises(DescriptionError, match="TR131") as caught:
        lm.Transfer(freeze="two").apply(net)
    assert "name one" in str(caught.value)


def test_settings_stand_on_top_of_changes(base: Any) -> None:
    model = lm.start_from(base[0], lm.Transfer(freeze="dense_1"), remove="batch_norm_1")
    assert [getattr(layer, "frozen", False) for layer in model.description.layers] == [True, False, False]


def test_a_node_that_is_there_is_not_written_over() -> None:
    net = lm.Graph({"x": lm.features(4)}, {"a": lm.Dense(3, inputs="x"), "out": lm.Output(2, inputs="a")}, "out")
    with pytest.raises(DescriptionError, match="TR132") as caught:
        lm.Transfer(add={"a": lm.Dense(3, inputs="x", activation="relu")}).apply(net)
    assert "write it under replacements" in str(caught.value)
