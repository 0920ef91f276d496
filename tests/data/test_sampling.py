"""What is drawn has the frequencies that were asked for, is a function of (seed, epoch), and is refused where it has no ground."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import lamina as lm
from lamina.data.dataset import Dataset
from lamina.data.lazy import Address, LazyArray
from lamina.data.loader import Loader
from lamina.data.sampling import Balanced, Mixture, Oversample, RandomSamples, Sampling, Undersample, Weighted
from lamina.data.sampling.weighted import ByWeight
from lamina.errors import DataError, LaminaError
from lamina.train.recipe import Recipe
from lamina.train.trainer import Trainer

CLASSES = np.repeat([0, 1, 2], [70, 25, 5])
X = np.arange(100.0)[:, None]


def data(**changes) -> Dataset:
    return Dataset.from_arrays(X, CLASSES, ["a", "b", "c"], **changes)


def drawn(sampling: Sampling, dataset: Dataset | None = None, epoch: int = 0, **settings) -> np.ndarray:
    loader = Loader(dataset or data(), 8, seed=1, sampling=sampling, **settings)
    return np.concatenate([batch.indices.numpy() for batch in loader.epoch(epoch)])


def test_balanced_draws_every_class_equally_often() -> None:
    for epoch in range(5):
        found = drawn(Balanced(), epoch=epoch)
        counts = np.bincount(CLASSES[found], minlength=3)
        assert len(found) == 100
        assert abs(counts - 100 / 3).max() < 2
        each = np.bincount(found, minlength=100)
        assert each[95:].min() >= 5  # 33 draws among 5 samples
        assert each[:70].max() <= 2
    assert not np.array_equal(drawn(Balanced(), epoch=0), drawn(Balanced(), epoch=1))
    mixed = np.random.default_rng(0).permutation(100)
    own = Dataset.from_arrays(X, CLASSES[mixed])
    for epoch in range(5):
        assert abs(np.bincount(CLASSES[mixed][drawn(Balanced(), own, epoch)]) - 100 / 3).max() < 2
    assert len(drawn(Balanced(samples=0.3))) == 30


def test_weights_are_frequencies() -> None:
    weights = np.random.default_rng(0).random(100) * (np.arange(100) % 7 > 0)
    drawing = ByWeight(weights, 100, seed=4)
    counts = sum(np.bincount(drawing.epoch(e).whole(), minlength=100) for e in range(2000))
    expected = weights / weights.sum() * 100 * 2000
    assert (counts[weights == 0] == 0).all()
    some = weights > 0
    # The draws of an epoch are more even than independent ones; so a test for those passes by far.
    assert stats.chisquare(counts[some], expected[some]).pvalue > 0.5
    for epoch in range(20):
        once = np.bincount(drawing.epoch(epoch).whole(), minlength=100)
        assert (abs(once - weights / weights.sum() * 100) < 2).all()


def test_weights_that_are_drawn_by_count_no_more_in_the_loss() -> None:
    weighted = data(weight=np.where(CLASSES == 2, 10.0, 1.0))
    loader = Loader(weighted, 8, sampling=Weighted())
    assert all(batch.weight is None and batch.total_weight == batch.size for batch in loader)
    assert 30 <= (CLASSES[drawn(Weighted(), weighted)] == 2).sum() <= 37
    kept = Loader(weighted, 8, sampling=Weighted(classes={"c": 2.0}))
    assert all(batch.weight is not None for batch in kept)
    only = drawn(Weighted(classes={"a": 0.0, "b": 0.0}))
    assert set(CLASSES[only].tolist()) == {2}


def test_over_and_undersampling() -> None:
    over = drawn(Oversample())
    assert np.bincount(CLASSES[over]).tolist() == [70, 70, 70]
    each = np.bincount(over, minlength=100)
    assert (each[:70] == 1).all()
    assert set(each[70:95].tolist()) == {2, 3}
    assert set(each[95:].tolist()) == {14}
    assert np.bincount(CLASSES[drawn(Oversample(ratio=0.5))]).tolist() == [70, 35, 35]
    under = drawn(Undersample())
    assert np.bincount(CLASSES[under]).tolist() == [5, 5, 5]
    assert len(set(under.tolist())) == 15
    assert np.bincount(CLASSES[drawn(Undersample(ratio=0.25))]).tolist() == [20, 20, 5]
    seen = {int(i) for epoch in range(60) for i in drawn(Undersample(), epoch=epoch)}
    assert len(seen) > 95


def test_some_samples_and_a_bootstrap() -> None:
    assert len(set(drawn(RandomSamples(30)).tolist())) == 30
    assert set(drawn(RandomSamples(30)).tolist()) != set(drawn(RandomSamples(30), epoch=1).tolist())
    assert drawn(RandomSamples(5), shuffle=False).tolist() == sorted(drawn(RandomSamples(5)).tolist())
    distinct = [len(set(drawn(RandomSamples(1.0, replacement=True), epoch=e).tolist())) for e in range(100)]
    assert np.mean(distinct) == pytest.approx(100 * (1 - 0.99**100), abs=1.5)
    with pytest.raises(DataError, match="(?s)DA186.*samples: 100 or less") as caught:
        drawn(RandomSamples(101))
    assert "data.sampling.samples" in caught.value.problems[0].where


def test_a_mixture_of_data_sets() -> None:
    both = Dataset.joined({"many": data(), "few": data().take(np.arange(10))})
    assert (len(both), both.groups[[0, 99, 100]].tolist()) == (110, ["many", "many", "few"])
    found = drawn(Mixture({"many": 1, "few": 1}), both)
    assert (found >= 100).sum() == 55
    assert (drawn(Mixture({"few": 1.0}), both) >= 100).all()
    for sampling, dataset, said in ((Mixture({"fe": 1.0}), both, "did you mean 'few'"), (Mixture({"few": 1.0}), data(), "joint")):
        with pytest.raises(DataError, match="DA186") as caught:
            drawn(sampling, dataset)
        assert said in str(caught.value)


SAMPLINGS = [
    Balanced(),
    Weighted(classes={"c": 9.0}),
    Oversample(),
    Undersample(),
    RandomSamples(0.5),
    RandomSamples(2.0, replacement=True),
]


class Noise(LazyArray):
    """A random number for each sample, at an address."""

    shape, dtype = (100, 1), np.dtype("float64")

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        return np.zeros((len(indices), 1)) if address is None else address.draws(indices, "noise")[:, None] / 2.0**64


def fed(loader: Loader, epoch: int) -> list:
    return [(b.indices.tolist(), b.inputs["input"].tolist()) for b in loader.epoch(epoch)]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=lambda s: s.type_name)
@pytest.mark.parametrize("lazy", [False, True])
def test_workers_and_resuming_change_nothing(sampling, lazy) -> None:
    own = data().replace(inputs={"input": Noise() if lazy else X})
    ways = [{"workers": n, "resident_bytes": r} for n, r in ((0, 0), (2, 0), (4, 0), (0, 1 << 20))]
    first, *others = (fed(Loader(own, 8, seed=2, sampling=sampling, **way), 3) for way in ways)
    assert all(other == first for other in others)
    loader = Loader(own, 8, seed=2, sampling=sampling)
    loader.load_state_dict({"epoch": 3, "position": 4})
    assert fed(loader, 3) == first[4:]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=lambda s: s.type_name)
def test_a_sample_that_comes_again_is_drawn_again(sampling) -> None:
    own = data().replace(inputs={"input": Noise()})
    values = [value for _, batch in fed(Loader(own, 8, sampling=sampling), 0) for value in batch]
    assert len({v[0] for v in values}) == len(values)


def test_an_epoch_need_not_be_a_pass() -> None:
    for steps, resident in ((5, 0), (5, 1 << 20), (30, 0), (30, 1 << 20)):
        loader = Loader(data(), 8, seed=1, steps_per_epoch=steps, resident_bytes=resident)
        assert len(loader) == steps
        epochs = [[batch.indices.tolist() for batch in loader.epoch(e)] for e in range(6)]
        assert [len(epoch) for epoch in epochs] == [steps] * 6
        whole = Loader(data(), 8, seed=1)
        passes = [batch.indices.tolist() for e in range(15) for batch in whole.epoch(e)]
        assert [batch for epoch in epochs for batch in epoch] == passes[: 6 * steps]
        again = Loader(data(), 8, seed=1, steps_per_epoch=steps, resident_bytes=resident)
        again.load_state_dict({"epoch": 4, "position": 3})
        assert [batch.indices.tolist() for batch in again.epoch(4)] == epochs[4][3:]
        assert loader.order(2).tolist() == [i for batch in epochs[2] for i in batch]


def test_what_has_no_ground_is_refused() -> None:
    two = Dataset.from_arrays(X, {"age": X[:, 0] / 7, "sex": CLASSES})
    steps = Dataset.from_arrays(X, np.zeros((100, 4), int))
    for sampling, dataset, said in (
        (Balanced(), two, "target: sex"),
        (Balanced(target="height"), two, "'height'"),
        (Oversample(), Dataset.from_arrays(X, X / 3), "leave sampling out"),
        (Undersample(), steps, "class for each sample"),
        (Weighted(), data(), "weight column"),
        (Weighted(classes={"d": 2.0}), data(), "labels: a, b, c"),
        (Weighted(classes={"a": 0, "b": 0, "c": 0}), data(), "above 0"),
    ):
        with pytest.raises(DataError) as caught:
            drawn(sampling, dataset)
        assert caught.value.code == "DA186"
        assert said in str(caught.value), str(caught.value)
    assert np.bincount(CLASSES[drawn(Balanced(target="sex"), two)]).min() >= 33


RECIPE = """
data: {{source: {{type: iris}}, batch_size: 16, {data}}}
network: {{type: sequential, layers: [{{type: output, units: 3}}]}}
train: {{epochs: 2, {train}}}
"""


def test_a_recipe_says_it(tmp_path) -> None:
    from lamina.launch import train_recipe

    text = RECIPE.format(data="sampling: {type: weighted, classes: {setosa: 3}}, steps_per_epoch: 4", train="progress: false")
    run = train_recipe(Recipe.from_yaml(text), run_dir=tmp_path / "run")
    assert [row["step"] for row in run.history] == [4, 8]
    for data_, train, said in (
        ("sampling: balanced", "class_weights: balanced", "twice"),
        ("sampling: {type: weighted, classes: {satosa: 3}}", "", "did you mean 'setosa'"),
        ("bucketing: 10", "", "any length"),
    ):
        with pytest.raises(LaminaError) as caught:
            Recipe.from_yaml(RECIPE.format(data=data_, train=train)).check()
        assert said in str(caught.value)


def test_a_killed_run_goes_on(tmp_path, monkeypatch) -> None:
    class Killed(Exception):
        pass

    def run(folder, *, dies=None, **settings):
        model = lm.Model(lm.Sequential(lm.features(1), [lm.Output(3)]), seed=3)
        given = {"sampling": "balanced", "steps_per_epoch": 7, "epochs": 4, "batch_size": 8, "optimizer": lm.Sgd(1e-4), "progress": False}
        with monkeypatch.context() as patch:
            if dies is not None:
                real = Trainer.update

                def update(trainer, batch):
                    if trainer.step == dies:
                        raise Killed
                    real(trainer, batch)

                patch.setattr(Trainer, "update", update)
            return model.fit(data(), run_dir=tmp_path / folder, callbacks=[lm.Checkpoint(lm.every(3, "steps"))], **given, **settings)

    whole = run("whole")
    for step, resume in ((5, False), (11, True), (17, True)):
        with pytest.raises(Killed):
            run("killed", dies=step, resume=resume)
    again = run("killed", resume=True)
    assert list(again.history) == list(whole.history)
    for name, array in whole.model.parameters().items():
        np.testing.assert_array_equal(array, again.model.parameters()[name])
