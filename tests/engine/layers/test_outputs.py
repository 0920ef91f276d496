"""Output layers that do more than a product: against formulas written out, and in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import lamina as lm
from lamina.engine.build import build
from lamina.engine.losses import loss_function
from lamina.errors import LaminaError
from lamina.network import losses as L
from lamina.network.checks import run_checks
from lamina.network.layers import CenterLossOutput, OneClassOutput, OrdinalOutput, TiedOutput, YoloOutput

RNG = np.random.default_rng(0)


def built(shape: object, *layers: object):
    return build(lm.Sequential(shape, list(layers)).resolve(), 7, dtype=torch.float64)


# -- centres ---------------------------------------------------------------------------------------------------------------


def test_center_loss_adds_distances_and_moves_centres() -> None:
    network = built(lm.features(4), CenterLossOutput(3, center_weight=0.2, center_rate=0.5))
    module = network.modules_of_nodes[0]
    start = torch.tensor(RNG.normal(size=(3, 4)))
    module.centers.copy_(start)
    x, t = torch.tensor(RNG.normal(size=(6, 4))), torch.tensor([0, 1, 1, 0, 1, 0])
    scores = F.linear(x, module.weight, module.bias)
    distance = ((x - start[t]) ** 2).sum(1)
    expected = F.cross_entropy(scores, t, reduction="none") + 0.1 * distance
    network.eval()
    given = network(x)
    torch.testing.assert_close(network.per_sample_loss(given, t), expected)
    torch.testing.assert_close(module.centers, start)
    network.train()
    torch.testing.assert_close(network.loss(x, t), expected.mean())
    moved = start.clone()
    for j in range(3):
        chosen = x[t == j]
        moved[j] += 0.5 * (chosen - start[j]).sum(0) / (1 + len(chosen))
    torch.testing.assert_close(module.centers, moved)


def test_center_loss_pulls_on_what_comes_in() -> None:
    network = built(lm.features(4), lm.Dense(2, name="below"), CenterLossOutput(3, center_weight=1.0, center_rate=0.0))
    x, t = torch.tensor(RNG.normal(size=(5, 4))), torch.tensor([0, 1, 2, 1, 0])
    one_hot = F.one_hot(t, 3).double()
    for target in (t, one_hot):
        network.zero_grad()
        network.loss(x, target).backward()
        gradient = network.modules_of_nodes[0].weight.grad.clone()
        network.zero_grad()
        below, head = network.modules_of_nodes
        inner = F.linear(x, below.weight, below.bias)
        (F.cross_entropy(F.linear(inner, head.weight, head.bias), t) + inner.square().sum(1).mean() / 2).backward()
        torch.testing.assert_close(below.weight.grad, gradient)


def test_center_loss_of_other_scores_is_refused() -> None:
    network = built(lm.features(4), CenterLossOutput(3))
    x, t = torch.zeros(2, 4, dtype=torch.float64), torch.tensor([0, 1])
    scores = network(x)
    network(x)
    with pytest.raises(LaminaError) as caught:
        network.loss_of(scores, t)
    assert caught.value.code == "EN071"
    assert "'center_loss_output" in str(caught.value)


def test_center_loss_is_learnt_and_judged_like_any_output() -> None:
    x = RNG.normal(size=(120, 5)).astype("float32")
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    model = lm.Model(lm.Sequential(lm.features(5), [lm.Dense(8, activation="tanh"), CenterLossOutput(3, center_weight=0.01)]), seed=1)
    model.fit(x, y, epochs=30, batch_size=20, optimizer=lm.Adam(0.02), validation=(x, y))
    assert model.evaluate(x, y)["accuracy"] > 0.9
    assert float(np.abs(model.network.named_arrays()["center_loss_output_1/centers"]).sum()) > 0


# -- one class -------------------------------------------------------------------------------------------------------------


def test_one_class_follows_the_quantile_of_the_last_samples() -> None:
    network = built(lm.features(3), OneClassOutput(4, hidden_activation="sigmoid", loss=L.OneClass(0.2), window=10))
    module, seen = network.modules_of_nodes[0], []
    radius = 0.1
    network.train()
    for size in (3, 1, 4, 5, 12):
        x = torch.tensor(RNG.normal(size=(size, 3)))
        values = (torch.sigmoid(x @ module.weight.T) @ module.projection.T).flatten()
        torch.testing.assert_close(network(x)["one_class_output_1"].flatten(), values - radius)
        seen += values.tolist()
        radius = np.quantile(seen[-10:], 0.2)
        np.testing.assert_allclose(float(module.radius), radius)
    network.eval()
    network(torch.zeros(5, 3, dtype=torch.float64))
    np.testing.assert_allclose(float(module.radius), radius)


def test_one_class_tells_the_unusual_from_usual_samples_alone() -> None:
    usual = (RNG.normal(size=(400, 4)) * 0.3 + [2, 0, 1, -1]).astype("float32")
    other = (RNG.normal(size=(100, 4)) * 0.3).astype("float32")
    net = lm.Sequential(lm.features(4), [OneClassOutput(8, hidden_activation="sigmoid", loss=L.OneClass(0.05), l2=0.01)])
    model = lm.Model(net, seed=3)
    train = lm.Dataset.from_arrays(usual, np.ones(400, dtype=int), labels=["other", "usual"])
    model.fit(train, epochs=30, batch_size=50, optimizer=lm.Adam(0.01))
    x, y = np.concatenate([usual, other]), np.array([1] * 400 + [0] * 100)
    assert model.evaluate(lm.Dataset.from_arrays(x, y, labels=["other", "usual"]))["accuracy"] > 0.9


def test_one_class_needs_its_loss() -> None:
    with pytest.raises(LaminaError, match="one_class"):
        OneClassOutput(4, loss="mse")


# -- order -----------------------------------------------------------------------------------------------------------------


def test_ordinal_scores_are_logarithms_of_the_odds_model() -> None:
    network = built(lm.features(3), OrdinalOutput(4, loss="ordinal"))
    module = network.modules_of_nodes[0]
    with torch.no_grad():
        module.borders.copy_(torch.tensor([-1.0, 0.5, -0.5]))
    x, t = torch.tensor(RNG.normal(size=(6, 3)) * 3), torch.tensor([0, 1, 2, 3, 3, 0])
    place = (x.numpy() @ module.weight.detach().numpy().T)[:, 0]
    borders = np.cumsum([-1.0, np.log1p(np.exp(0.5)), np.log1p(np.exp(-0.5))])
    up_to = 1 / (1 + np.exp(-(borders[None] - place[:, None])))
    p = np.diff(np.concatenate([np.zeros((6, 1)), up_to, np.ones((6, 1))], 1))
    given = network(x)
    np.testing.assert_allclose(given["ordinal_output_1"].exp().detach(), p)
    np.testing.assert_allclose(network.activate(given)["ordinal_output_1"].detach(), p)
    # CORAL: a logistic regression for each border.
    beyond = (t.numpy()[:, None] > np.arange(3)).astype(float)
    coral = -(beyond * np.log(1 - up_to) + (1 - beyond) * np.log(up_to)).mean()
    np.testing.assert_allclose(network.loss(x, t).item(), coral)


def test_ordinal_output_starts_in_the_middle_and_far_scores_stay_finite() -> None:
    network = built(lm.features(1), OrdinalOutput(5))
    middle = network(torch.zeros(1, 1, dtype=torch.float64))["ordinal_output_1"].exp()
    torch.testing.assert_close(middle, middle.flip(1))
    far = torch.tensor([[1e4], [-1e4]], dtype=torch.float64, requires_grad=True)
    value = network.loss(far, torch.tensor([2, 2]))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(far.grad).all()


# -- tied ------------------------------------------------------------------------------------------------------------------


def test_a_tied_output_uses_and_trains_the_embedding() -> None:
    network = built(lm.tokens(5, vocabulary=7), lm.Embedding(3, name="words"), TiedOutput(7, of="words", name="next"))
    weight, bias = network.modules_of_nodes[0].weight, network.modules_of_nodes[1].bias
    x, t = torch.randint(0, 7, (2, 5)), torch.randint(0, 7, (2, 5))
    torch.testing.assert_close(network(x)["next"], F.embedding(x, weight) @ weight.T + bias)
    network.loss(x, t).backward()
    own = weight.detach().clone().requires_grad_()
    F.cross_entropy((F.embedding(x, own) @ own.T + bias.detach()).flatten(0, 1), t.flatten()).backward()
    torch.testing.assert_close(weight.grad, own.grad)
    assert sum(p.numel() for p in network.parameters()) == 7 * 3 + 7
    assert set(network.named_arrays()) == {"words/weight", "next/bias"}


@pytest.mark.parametrize(("layer", "words"), [(TiedOutput(8, of="words"), "shape [8, 3]"), (TiedOutput(7, of="word"), "'words'")])
def test_a_tied_output_of_other_sizes_is_refused(layer, words) -> None:
    with pytest.raises(LaminaError) as caught:
        lm.Sequential(lm.tokens(5, vocabulary=7), [lm.Embedding(3, name="words"), layer]).resolve()
    assert caught.value.code == "NN013"
    assert words in str(caught.value)


# -- boxes -----------------------------------------------------------------------------------------------------------------


def yolo_by_hand(scores: np.ndarray, target: np.ndarray, priors: list[tuple[float, float]]) -> float:
    """Cell by cell, as the paper says it."""
    _, height, width = scores.shape
    boxes, total = scores.reshape(len(priors), -1, height, width), 0.0
    for row in range(height):
        for column in range(width):
            label = target[:, row, column]
            found = []
            for (prior_width, prior_height), raw in zip(priors, boxes[:, :, row, column], strict=True):
                x, y, sure = (1 / (1 + np.exp(-raw[i])) for i in (0, 1, 4))
                w, h = prior_width * np.exp(raw[2]), prior_height * np.exp(raw[3])
                shares = np.exp(raw[5:]) / np.exp(raw[5:]).sum()
                wide = max(0.0, min(column + x + w / 2, label[2]) - max(column + x - w / 2, label[0]))
                high = max(0.0, min(row + y + h / 2, label[3]) - max(row + y - h / 2, label[1]))
                both = wide * high
                union = w * h + (label[2] - label[0]) * (label[3] - label[1]) - both
                found.append((both / union, x, y, w, h, sure, shares))
            there = label[4:].sum() > 0
            best = int(np.argmax([f[0] for f in found]))
            for number, (overlap, x, y, w, h, sure, shares) in enumerate(found):
                if not (there and number == best):
                    total += 0.5 * sure**2
                    continue
                middle_x, middle_y = (label[0] + label[2]) / 2, (label[1] + label[3]) / 2
                total += 5 * ((x - middle_x % 1) ** 2 + (y - middle_y % 1) ** 2)
                total += 5 * ((w**0.5 - (label[2] - label[0]) ** 0.5) ** 2 + (h**0.5 - (label[3] - label[1]) ** 0.5) ** 2)
                total += (sure - overlap) ** 2 + ((shares - label[4:]) ** 2).sum()
    return total


def test_yolo_is_the_loss_of_the_paper() -> None:
    from lamina.evaluate.detection import box_targets

    priors = [(1.0, 1.5), (2.0, 1.0)]
    scores = RNG.normal(size=(2, 2 * 8, 4, 5))
    target = box_targets([[((0.2, 0.5, 2.5, 1.9), 2), ((3.0, 2.2, 3.9, 3.9), 0)], [((1.1, 1.1, 1.8, 1.9), 1)]], grid=(4, 5), classes=3)
    loss = L.Yolo(priors)
    found = loss_function(loss, loss.natural()).per_sample(torch.tensor(scores), torch.tensor(target))
    np.testing.assert_allclose(found, [yolo_by_hand(s, t.astype(float), priors) for s, t in zip(scores, target, strict=True)], rtol=1e-6)


def test_yolo_learns_where_a_square_is() -> None:
    from lamina.evaluate.detection import box_targets, detections, overlaps

    rng, pictures, boxes = np.random.default_rng(1), [], []
    for _ in range(64):
        picture, (left, top), size = np.zeros((1, 16, 16), dtype="float32"), rng.integers(0, 11, 2), int(rng.integers(3, 6))
        picture[0, top : top + size, left : left + size] = 1
        pictures.append(picture)
        boxes.append([((left / 4, top / 4, (left + size) / 4, (top + size) / 4), 0)])
    x, y = np.stack(pictures), box_targets(boxes, grid=(4, 4), classes=1)
    net = lm.Sequential(
        lm.image(1, 16, 16),
        [
            lm.Conv2d(16, kernel=3, padding="same", activation="relu"),
            lm.MaxPool2d(2),
            lm.Conv2d(32, kernel=3, padding="same", activation="relu"),
            lm.MaxPool2d(2),
            lm.Conv2d(32, kernel=3, padding="same", activation="relu"),
            YoloOutput(1, loss=L.Yolo([(1.0, 1.0)], nothing=0.05)),
        ],
    )
    model = lm.Model(net, seed=1)
    model.fit(x, y, epochs=40, batch_size=16, optimizer=lm.Adam(0.003), threads=1)
    found = detections(model.outputs(x)["yolo_output_1"], 1, least_score=0.3)
    hits = [overlaps(np.array([things[0].box]), np.array([b[0][0]]))[0, 0] for things, b in zip(found, boxes, strict=True) if things]
    assert len(hits) > 55
    assert np.median(hits) > 0.7


def test_yolo_needs_its_loss_and_whole_boxes() -> None:
    with pytest.raises(LaminaError, match="yolo"):
        YoloOutput(2, loss="mse")
    net = lm.Sequential(lm.image(3, 4, 4), [lm.Conv2d(9, kernel=1), lm.layers.LossLayer(L.Yolo([(1.0, 1.0), (2.0, 2.0)]))])
    assert [f.problem.code for f in run_checks(net.resolve()) if f.severity == "error"] == ["CK005"]
