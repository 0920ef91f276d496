"""A typo in every documented key of every component and section, and in every type name: found, placed and mended."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
import yaml

import lamina.train.recipe
from lamina.spec import registry

IRIS = {"source": {"type": "iris"}}
NETWORK = {"type": "sequential", "layers": [{"type": "output", "units": 3}]}


def recipe_with(**sections: Any) -> dict[str, Any]:
    return {"data": IRIS, "network": NETWORK, **sections}


def in_layers(*layers: Any) -> dict[str, Any]:
    return recipe_with(network={"type": "sequential", "layers": [*layers, {"type": "output", "units": 3}]})


def in_dense(**settings: Any) -> dict[str, Any]:
    return in_layers({"type": "dense", "units": 4, **settings})


# Where a member of each family can stand in a recipe, and the path to it.
PLACES: dict[str, tuple[Callable[[Any], dict[str, Any]], str]] = {
    "activation": (lambda x: in_dense(activation=x), "network.layers[0].activation"),
    "averaging": (lambda x: recipe_with(train={"averaging": x}), "train.averaging"),
    "cache": (lambda x: recipe_with(data={**IRIS, "cache": x}), "data.cache"),
    "callback": (lambda x: recipe_with(train={"callbacks": [x]}), "train.callbacks[0]"),
    "clip": (lambda x: recipe_with(train={"clip": x}), "train.clip"),
    "cluster": (lambda x: recipe_with(train={"cluster": x}), "train.cluster"),
    "column": (lambda x: recipe_with(data={"source": {"type": "csv", "path": "a.csv", "columns": {"x": x}}}), "data.source.columns.x"),
    "constraint": (lambda x: in_dense(constraints=[x]), "network.layers[0].constraints[0]"),
    "evaluation": (lambda x: recipe_with(evaluate=[x]), "evaluate[0]"),
    "exchange": (lambda x: recipe_with(train={"cluster": {"type": "local", "workers": 2}, "exchange": x}), "train.exchange"),
    "image_step": (
        lambda x: recipe_with(data={"source": {"type": "image_folder", "path": "photos", "prepare": [x]}}),
        "data.source.prepare[0]",
    ),
    "initializer": (lambda x: in_dense(initializer=x), "network.layers[0].initializer"),
    "layer": (lambda x: in_layers(x), "network.layers[0]"),
    "line_search": (
        lambda x: recipe_with(train={"optimizer": {"type": "lbfgs", "line_search": x}}),
        "train.optimizer.line_search",
    ),
    "loss": (
        lambda x: recipe_with(network={"layers": [{"type": "output", "units": 3, "loss": x}], "type": "sequential"}),
        "network.layers[0].loss",
    ),
    "mix": (lambda x: recipe_with(train={"mix": x}), "train.mix"),
    "network": (lambda x: recipe_with(network=x), "network"),
    "noise": (lambda x: in_dense(dropout=x), "network.layers[0].dropout"),
    "normalizer": (lambda x: recipe_with(data={**IRIS, "normalize": x}), "data.normalize"),
    "optimizer": (lambda x: recipe_with(train={"optimizer": x}), "train.optimizer"),
    "reconstruction": (
        lambda x: in_layers({"type": "variational_autoencoder", "units": 2, "reconstruction": x}),
        "network.layers[0].reconstruction",
    ),
    "sampling": (lambda x: recipe_with(data={**IRIS, "sampling": x}), "data.sampling"),
    "schedule": (
        lambda x: recipe_with(train={"optimizer": {"type": "adam", "learning_rate": x}}),
        "train.optimizer.learning_rate",
    ),
    "shape": (lambda x: recipe_with(network={"input": x, **NETWORK}), "network.input"),
    "sharpness": (lambda x: recipe_with(train={"sharpness": x}), "train.sharpness"),
    "sound_augmentation": (
        lambda x: recipe_with(data={"source": {"type": "audio_folder", "path": "clips", "augment": [x]}}),
        "data.source.augment[0]",
    ),
    "sound_features": (
        lambda x: recipe_with(data={"source": {"type": "audio_folder", "path": "clips", "features": x}}),
        "data.source.features",
    ),
    "source": (lambda x: recipe_with(data={"source": x}), "data.source"),
    "split": (lambda x: recipe_with(data={**IRIS, "split": x}), "data.split"),
    "step": (lambda x: recipe_with(data={"source": {"type": "csv", "path": "a.csv"}, "transform": [x]}), "data.transform[0]"),
    "tokenizer": (
        lambda x: recipe_with(data={"source": {"type": "csv", "path": "films.csv", "text": "review", "vectorize": {"tokenizer": x}}}),
        "data.source.vectorize.tokenizer",
    ),
    "trigger": (
        lambda x: recipe_with(train={"callbacks": [{"type": "checkpoint", "every": x}]}),
        "train.callbacks[0].every",
    ),
    "weight_noise": (lambda x: in_dense(weight_noise=x), "network.layers[0].weight_noise"),
}
PYTHON_ONLY = {("layer", "module")}
"""Components that no file can hold."""
ELSEWHERE = {"generation", "preparation"}
"""Families whose members are named when a model is asked, and stand in no recipe."""


def components() -> Iterator[tuple[str, str, type]]:
    for family in sorted({*registry.families()} - ELSEWHERE):
        for name, component in registry.components(family):
            if component.__module__.startswith("lamina.") and (family, name) not in PYTHON_ONLY:
                yield family, name, component


COMPONENTS = [pytest.param(*entry, id=f"{entry[0]}-{entry[1]}") for entry in components()]
WITH_SETTINGS = [entry for entry in COMPONENTS if entry.values[2].model_fields]
SECTIONS = {
    "recipe": (lamina.train.recipe.Recipe, lambda x: x, ""),
    "data": (lamina.data.config.DataConfig, lambda x: recipe_with(data=x), "data"),
    "train": (lamina.train.config.TrainConfig, lambda x: recipe_with(train=x), "train"),
    "defaults": (lamina.network.Defaults, lambda x: recipe_with(network={**NETWORK, "defaults": x}), "network.defaults"),
}


def misspelt(word: str, how: str, taken: set[str]) -> str:
    """The word with a letter missing, or two that changed places; never another word that means something."""
    middle = len(word) // 2
    for index in [*range(middle, len(word)), *range(middle)]:
        dropped = word[:index] + word[index + 1 :]
        swapped = word[:index] + word[index + 1 : index + 2] + word[index] + word[index + 2 :]
        found = dropped if how == "dropped" else swapped
        if found and found != word and found not in taken and word[index].isalpha():
            return found
    return word + "x"


def written(data: Any, path: Path) -> dict[str, tuple[int, int]]:
    """Write as YAML or JSON; gives line and column of each key that stands once."""
    is_json = path.suffix == ".json"
    text = json.dumps(data, indent=2) if is_json else yaml.safe_dump(data, sort_keys=False)
    path.write_text(text)
    places: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"^([\s-]*)([\"']?)([\w@]+)\2:", line)
        if match:
            places[match[3]] = (number, len(match[1]) + 1)
    return places


def suggested(fix: str) -> str | None:
    match = re.fullmatch(r"did you mean '([^']+)'\?", fix)
    return match[1] if match else None


def check_keys(refused: Callable[..., Any], file: Path, place: Callable[[Any], Any], own: dict[str, str], data: Any, where: str) -> None:
    """Feed ``data``, whose keys are all misspelt, and find each of them named, placed and mended."""
    places = written(place(data), file)
    problems = {problem.got: problem for problem in refused("check", file) if problem.code == "SP002"}
    for key, typo in own.items():
        problem = problems.get(repr(typo))
        assert problem is not None, f"{typo!r} for {key!r} was not reported; reported: {list(problems)}"
        assert problem.at(file, *places[typo]), f"{problem.head} should be at {places[typo]}"
        path = f"{where}.{typo}" if where else typo
        assert f": {path}: unknown setting" in problem.head
        # 'pat' may be 'part' or 'path', 'naem' 'name' or 'mean': either is a good guess.
        equal = {other for other in own if similarity(typo, other) >= similarity(typo, key)} | {key}
        assert suggested(problem.fix) in equal, f"{typo!r}: {problem.fix}, should be {key!r}"


def test_every_family_has_a_place_in_a_recipe() -> None:
    assert {family for family, _, _ in components()} <= set(PLACES)
    assert len(COMPONENTS) > 150


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
@pytest.mark.parametrize(("family", "name", "component"), WITH_SETTINGS)
def test_every_setting_of_every_component(
    refused: Callable[..., Any], tmp_path: Path, family: str, name: str, component: Any, suffix: str
) -> None:
    fields = set(component.model_fields)
    place, where = PLACES[family]
    typos = {key: misspelt(key, "dropped" if suffix == ".yaml" else "swapped", fields) for key in component.model_fields}
    check_keys(refused, tmp_path / f"recipe{suffix}", place, typos, {"type": name, **dict.fromkeys(typos.values(), 1)}, where)


@pytest.mark.parametrize("how", ["dropped", "swapped"])
@pytest.mark.parametrize("suffix", [".yaml", ".json"])
@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_every_section(refused: Callable[..., Any], tmp_path: Path, section: str, suffix: str, how: str) -> None:
    component, place, where = SECTIONS[section]
    fields = set(component.model_fields)
    typos = {key: misspelt(key, how, fields) for key in component.model_fields}
    check_keys(refused, tmp_path / f"recipe{suffix}", place, typos, dict.fromkeys(typos.values(), 1), where)


@pytest.mark.parametrize(("family", "name", "component"), COMPONENTS)
def test_every_type_name(refused: Callable[..., Any], recipe: Callable[..., Path], family: str, name: str, component: Any) -> None:
    known = set(registry.names(family))
    place, where = PLACES[family]
    typo = misspelt(name, "dropped" if len(name) > 3 else "swapped", known)
    file = recipe(yaml.safe_dump(place({"type": typo})))
    (problem,) = [problem for problem in refused("check", file) if problem.code == "SP003"]
    assert f"{where}: unknown type" in problem.head
    assert problem.got == repr(typo)
    line, text = next((number, text) for number, text in enumerate(file.read_text().splitlines(), 1) if f"type: {typo}" in text)
    assert problem.at(file, line, text.index("type") + 1), problem.head
    # Where a typo is as near to a sibling (conv1d, conv2d), either is a good guess.
    equal = {other for other in known if similarity(typo, other) >= similarity(typo, name)}
    assert suggested(problem.fix) in equal, problem.fix


def similarity(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other, one).ratio()  # in the order of difflib.get_close_matches


def literals() -> Iterator[tuple[str, str, str, str, tuple[str, ...]]]:
    """Settings that take one of some words."""
    for family, name, component in components():
        for key, field in component.model_fields.items():
            options = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else (field.annotation,)
            words = [option for option in options if get_origin(option) is Literal]
            if words and all(isinstance(word, str) for word in get_args(words[0])):
                yield family, name, key, component.__name__, get_args(words[0])


@pytest.mark.parametrize(("family", "name", "key", "owner", "words"), list(literals()))
def test_every_word_among_the_values(
    refused: Callable[..., Any], recipe: Callable[..., Path], family: str, name: str, key: str, owner: str, words: tuple[str, ...]
) -> None:
    place, where = PLACES[family]
    typo = misspelt(words[-1], "swapped", set(words))
    file = recipe(yaml.safe_dump(place({"type": name, key: typo})))
    found = [problem for problem in refused("check", file) if f"{where}.{key}:" in problem.head]
    assert found, "the wrong word was not reported"
    assert found[0].code == "SP004"
    assert suggested(found[0].fix) in words, found[0].fix


def test_all_typos_of_a_recipe_at_once(refused: Callable[..., Any], recipe: Callable[..., Path]) -> None:
    file = recipe(
        "sead: 1\n"
        "data: {source: {type: iris}, bach_size: 8}\n"
        "network:\n"
        "  type: sequential\n"
        "  layers:\n"
        "    - {type: dense, unitss: 8, activation: rleu}\n"
        "    - {type: outptu, units: 3}\n"
        "train:\n"
        "  optimizer: {type: adam, lerning_rate: 0.1}\n"
        "  early_stopping: {moniter: validation/loss}\n"
    )
    found = [(problem.code, problem.head.removeprefix(str(file)).split(": ")[0]) for problem in refused("train", file)]
    assert ("SP002", ":1:1") in found
    assert ("SP002", ":2:30") in found
    assert ("SP002", ":6:21") in found
    assert ("SP003", ":6:32") in found
    assert ("SP003", ":7:8") in found
    assert ("SP002", ":9:27") in found
    assert ("SP002", ":10:20") in found


@pytest.mark.parametrize("command", ["train", "check", "summary"])
def test_every_command_that_reads_a_recipe_says_the_same(refused: Callable[..., Any], recipe: Callable[..., Path], command: str) -> None:
    file = recipe("data: {source: {type: iris}}\nnetwork:\n  type: sequential\n  layers: [{type: dense, unit: 3}]\n")
    (typo,) = [problem for problem in refused(command, file) if problem.code == "SP002"]
    assert typo.at(file, 4, 26)
    assert typo.fix == "did you mean 'units'?"


def test_typos_in_python() -> None:
    import lamina as lm

    with pytest.raises(lm.LaminaError) as caught:
        lm.Dense(units=3, activaton="relu")
    assert caught.value.code == "SP002"
    assert caught.value.problems[0].fix == "did you mean 'activation'?"
