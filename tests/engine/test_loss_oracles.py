"""The losses that torch has, against torch's; the others against their formulas, written out in NumPy float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lamina.engine.losses import check_targets, loss_function
from lamina.errors import LaminaError
from lamina.network import activations as A
from lamina.network import losses as L
from lamina.shapes import Features, Image, Sequence

RNG = np.random.default_rng(0)
SCORES = torch.tensor(RNG.normal(size=(6, 4)))
CLASSES = torch.tensor([0, 3, 1, 1, 2, 0])
BINARY = torch.tensor((RNG.random((6, 4)) > 0.5).astype(float))
SIGNS = 2 * BINARY - 1
NUMBERS = torch.tensor(RNG.random((6, 4)) + 0.2)
WEIGHTS = [0.5, 2.0, 1.0, 1.5]


def found(loss: L.Loss, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return loss_function(loss, loss.natural()).mean(scores, target)


def indices(binary: torch.Tensor) -> torch.Tensor:
    """The ones of each row first, as torch wants labels, then -1."""
    rows = [[i for i, there in enumerate(row) if there] for row in binary.tolist()]
    return torch.tensor([row + [-1] * (binary.shape[1] - len(row)) for row in rows])


TORCH = [
    (L.MultiMargin(), SCORES, CLASSES, F.multi_margin_loss(SCORES, CLASSES)),
    (
        L.MultiMargin(margin=0.5, power=2, weights=WEIGHTS),
        SCORES,
        CLASSES,
        F.multi_margin_loss(SCORES, CLASSES, p=2, margin=0.5, weight=torch.tensor(WEIGHTS).double()),
    ),
    (L.MultiLabelMargin(), SCORES, BINARY, F.multilabel_margin_loss(SCORES, indices(BINARY))),
    (L.SoftMargin(), SCORES, SIGNS, F.soft_margin_loss(SCORES, SIGNS)),
    (L.MarginRanking(0.3), SCORES[:, :2], SIGNS[:, 0], F.margin_ranking_loss(SCORES[:, 0], SCORES[:, 1], SIGNS[:, 0], margin=0.3)),
    (L.HingeEmbedding(0.8), SCORES, SIGNS, F.hinge_embedding_loss(SCORES, SIGNS, margin=0.8)),
    (
        L.CosineEmbedding(0.2),
        F.cosine_similarity(SCORES, NUMBERS).unsqueeze(1),
        SIGNS[:, 0],
        F.cosine_embedding_loss(SCORES, NUMBERS, SIGNS[:, 0], margin=0.2),
    ),
    (
        L.MarginRanking(1.0),
        torch.stack([(SCORES - NUMBERS).norm(dim=1), (SCORES - BINARY).norm(dim=1)], 1),
        -torch.ones(6),
        F.triplet_margin_loss(SCORES, NUMBERS, BINARY, eps=0),
    ),
    (L.GaussianNll(), SCORES, NUMBERS[:, :2], F.gaussian_nll_loss(SCORES[:, :2], NUMBERS[:, :2], SCORES[:, 2:].exp(), eps=0)),
    (
        L.GaussianNll(full=True),
        SCORES,
        NUMBERS[:, :2],
        F.gaussian_nll_loss(SCORES[:, :2], NUMBERS[:, :2], SCORES[:, 2:].exp(), full=True, eps=0),
    ),
]


@pytest.mark.parametrize(("loss", "scores", "target", "expected"), TORCH, ids=[f"{t[0].type_name}-{i}" for i, t in enumerate(TORCH)])
def test_it_is_torchs(loss, scores, target, expected) -> None:
    torch.testing.assert_close(found(loss, scores, target), expected, check_dtype=False)


def test_contrastive_pulls_and_pushes_distances() -> None:
    y, t = NUMBERS.numpy(), BINARY.numpy()
    expected = (t * y**2 + (1 - t) * np.maximum(0, 0.7 - y) ** 2).mean() / 2
    np.testing.assert_allclose(found(L.Contrastive(0.7), NUMBERS, BINARY), expected)


def test_generalized_cross_entropy_lies_between_cross_entropy_and_the_absolute_error() -> None:
    p = torch.softmax(SCORES, 1)[torch.arange(6), CLASSES]
    torch.testing.assert_close(found(L.GeneralizedCrossEntropy(0.7), SCORES, CLASSES), ((1 - p**0.7) / 0.7).mean())
    torch.testing.assert_close(found(L.GeneralizedCrossEntropy(1e-9), SCORES, CLASSES), F.cross_entropy(SCORES, CLASSES))
    torch.testing.assert_close(found(L.GeneralizedCrossEntropy(1.0), SCORES, CLASSES), (1 - p).mean())


@pytest.mark.parametrize("dispersion", [None, 0.4])
def test_negative_binomial_is_that_of_torch_distributions(dispersion) -> None:
    scores, counts = SCORES[:, : 4 if dispersion is None else 2], torch.tensor(RNG.integers(0, 9, (6, 2))).double()
    mean, a = scores[:, :2].exp(), scores[:, 2:].exp() if dispersion is None else torch.full((6, 2), 0.4).double()
    oracle = torch.distributions.NegativeBinomial(total_count=1 / a, logits=(mean * a).log())
    torch.testing.assert_close(found(L.NegativeBinomial(dispersion), scores, counts), -oracle.log_prob(counts).mean())
    # With next to no dispersion it is Poisson's, also in float32.
    scores = torch.cat([scores[:, :2], torch.full((6, 2), -15.0)], 1)
    poisson = -torch.distributions.Poisson(mean).log_prob(counts).mean()
    torch.testing.assert_close(found(L.NegativeBinomial(), scores.float(), counts), poisson.float(), atol=1e-4, rtol=1e-4)


def test_ordinal_judges_every_cut() -> None:
    p, expected = torch.softmax(SCORES, 1).numpy(), []
    for row, t in zip(p, CLASSES.tolist(), strict=True):
        cuts = [np.log(row[c + 1 :].sum()) if t > c else np.log(row[: c + 1].sum()) for c in range(3)]
        expected.append(-WEIGHTS[t] * np.mean(cuts))
    np.testing.assert_allclose(found(L.Ordinal(weights=WEIGHTS), SCORES, CLASSES), np.mean(expected))
    near, far = (found(L.Ordinal(), torch.eye(4)[[i]] * 5, torch.tensor([0])) for i in (1, 3))
    assert near < far
    extreme = torch.tensor([[200.0, -200.0, 0.0, 100.0]], requires_grad=True)
    found(L.Ordinal(), extreme, torch.tensor([1])).backward()
    assert torch.isfinite(extreme.grad).all()


# -- regions -------------------------------------------------------------------------------------------------------------

PIXELS, REGION = torch.tensor(RNG.normal(size=(3, 2, 4, 5))), torch.tensor((RNG.random((3, 2, 4, 5)) > 0.6).astype(float))


@pytest.mark.parametrize(
    ("loss", "missing"),
    [
        (L.Dice(smooth=0.5), lambda i, t, y: 1 - (2 * i + 0.5) / (t + y + 0.5)),
        (L.Iou(smooth=0.5), lambda i, t, y: 1 - (i + 0.5) / (t + y - i + 0.5)),
        (L.Tversky(0.3, 0.7, smooth=0.5, gamma=0.75), lambda i, t, y: (1 - (i + 0.5) / (i + 0.3 * (y - i) + 0.7 * (t - i) + 0.5)) ** 0.75),
    ],
)
def test_overlaps_are_their_formulas(loss, missing) -> None:
    y, t = torch.sigmoid(PIXELS).numpy(), REGION.numpy()
    each = [[missing((t[n, c] * y[n, c]).sum(), t[n, c].sum(), y[n, c].sum()) for c in range(2)] for n in range(3)]
    function = loss_function(loss, A.Sigmoid())
    np.testing.assert_allclose(function.per_sample(PIXELS, REGION), np.mean(each, 1))


def test_categorical_overlaps_take_indices_and_shares() -> None:
    scores, target = PIXELS.repeat(1, 2, 1, 1)[:, :3] * torch.tensor([1.0, 0.5, -2.0]).reshape(3, 1, 1), torch.randint(0, 3, (3, 4, 5))
    shares, y = F.one_hot(target, 3).movedim(-1, 1).double(), torch.softmax(scores, 1)
    i, t, p = (shares * y).sum((2, 3)), shares.sum((2, 3)), y.sum((2, 3))
    for loss, expected in [
        (L.CategoricalDice(), 1 - (2 * i + 1) / (t + p + 1)),
        (L.CategoricalIou(), 1 - (i + 1) / (t + p - i + 1)),
        (L.CategoricalTversky(0.2, 0.9), 1 - (i + 1) / (i + 0.2 * (p - i) + 0.9 * (t - i) + 1)),
    ]:
        function = loss_function(loss, A.Softmax())
        torch.testing.assert_close(function.per_sample(scores, target), expected.mean(1))
        torch.testing.assert_close(function.per_sample(scores, shares), expected.mean(1))


# -- sequences -----------------------------------------------------------------------------------------------------------


def spelled(path: tuple[int, ...], blank: int) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


def test_ctc_is_the_sum_over_all_paths() -> None:
    scores = torch.tensor(RNG.normal(size=(2, 4, 3)))
    p, targets = torch.softmax(scores, 2).numpy(), [(1, 1), (0,)]
    for row, target in enumerate(targets):
        total = sum(
            np.prod([p[row, step, label] for step, label in enumerate(path)])
            for path in itertools.product(range(3), repeat=4)
            if spelled(path, 2) == target
        )
        given = torch.tensor([[*target, *[-1] * (3 - len(target))]])
        np.testing.assert_allclose(found(L.Ctc(blank=2), scores[[row]], given), -np.log(total))


def test_ctc_is_torchs_with_lengths_of_both_kinds() -> None:
    scores, targets = torch.tensor(RNG.normal(size=(3, 9, 5))), torch.tensor([[1, 2, 2, -1], [4, -1, -1, -1], [3, 1, 4, 1]])
    steps, lengths = torch.tensor([9, 4, 7]), torch.tensor([3, 1, 4])
    logs = scores.log_softmax(2).transpose(0, 1)
    mask = torch.arange(9) < steps.unsqueeze(1)
    each = F.ctc_loss(logs, targets.clamp_min(0), steps, lengths, reduction="none")
    torch.testing.assert_close(loss_function(L.Ctc(), A.Softmax()).per_sample(scores, targets, mask), each)
    per_label = F.ctc_loss(logs, targets.clamp_min(0), steps, lengths)
    torch.testing.assert_close(loss_function(L.Ctc(per_label=True), A.Softmax()).mean(scores, targets, mask=mask), per_label)
    # Steps that are left out count nowhere, at the beginning or between others either.
    late = torch.cat([torch.full((3, 2, 5), 7.0).double(), scores], 1)
    hidden = torch.cat([torch.zeros(3, 2).bool(), mask], 1)
    torch.testing.assert_close(loss_function(L.Ctc(), A.Softmax()).per_sample(late, targets, hidden), each)


def test_ctc_of_too_few_steps() -> None:
    scores, target = torch.zeros(1, 2, 3), torch.tensor([[1, 1]])  # 1, blank, 1 needs three
    assert found(L.Ctc(), scores, target) == torch.inf
    assert found(L.Ctc(skip_impossible=True), scores, target) == 0


# -- placing samples -----------------------------------------------------------------------------------------------------

GROUPS = [0, 1, 0, 2, 1, 0]


def euclidean(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x[:, None] - x[None], axis=2)


def cosines(x: np.ndarray) -> np.ndarray:
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    return unit @ unit.T


def pairs(a: int) -> tuple[list[int], list[int]]:
    return [p for p in range(6) if p != a and GROUPS[p] == GROUPS[a]], [n for n in range(6) if GROUPS[n] != GROUPS[a]]


def triplets(d: np.ndarray, mining: str, margin: float) -> float:
    values = []
    for a in range(6):
        near, far = pairs(a)
        if mining == "hard" and near:
            values.append(max(d[a, p] for p in near) - min(d[a, n] for n in far))
        for p in near if mining == "semi_hard" else []:
            beyond = [d[a, n] for n in far if d[a, n] > d[a, p]]
            values.append(d[a, p] - (min(beyond) if beyond else max(d[a, n] for n in far)))
        values += [d[a, p] - d[a, n] for p in near for n in far] if mining == "all" else []
    return float(np.mean(np.maximum(0, np.array(values) + margin)))


@pytest.mark.parametrize("mining", ["hard", "semi_hard", "all"])
@pytest.mark.parametrize("distance", ["euclidean", "squared", "cosine"])
def test_triplets_are_mined_as_told(mining, distance) -> None:
    x = SCORES.numpy()
    d = {"euclidean": euclidean(x), "squared": euclidean(x) ** 2, "cosine": 1 - cosines(x)}[distance]
    loss = L.Triplet(0.6, mining=mining, distance=distance)
    np.testing.assert_allclose(found(loss, SCORES, torch.tensor(GROUPS)), triplets(d, mining, 0.6))


def test_info_nce_is_a_softmax_over_the_others() -> None:
    s, values = cosines(SCORES.numpy()) / 0.3, []
    for a in range(6):
        near, _ = pairs(a)
        if near:
            total = np.log(sum(np.exp(s[a, j]) for j in range(6) if j != a))
            values.append(np.mean([total - s[a, p] for p in near]))
    np.testing.assert_allclose(found(L.InfoNce(0.3), SCORES, torch.tensor(GROUPS)), np.mean(values))
    # Two views of one thing, of three things: cross entropy over the five others.
    views = torch.tensor([0, 1, 2, 0, 1, 2])
    logits = (F.normalize(SCORES) @ F.normalize(SCORES).T / 0.5).masked_fill(torch.eye(6).bool(), -torch.inf)
    torch.testing.assert_close(found(L.InfoNce(0.5), SCORES, views), F.cross_entropy(logits, torch.tensor([3, 4, 5, 0, 1, 2])))


def test_circle_is_its_formula_and_its_weights_have_no_gradient() -> None:
    gamma, m = 8.0, 0.25
    leaf = SCORES.clone().requires_grad_()
    unit = leaf / leaf.norm(dim=1, keepdim=True)
    s, values = unit @ unit.T, []
    for a in range(6):
        near, far = pairs(a)
        if near:
            p = sum(torch.exp(-gamma * max(0.0, 1 + m - s[a, j].item()) * (s[a, j] - 1 + m)) for j in near)
            n = sum(torch.exp(gamma * max(0.0, s[a, j].item() + m) * (s[a, j] - m)) for j in far)
            values.append(torch.log(1 + p * n))
    expected = torch.stack(values).mean()
    other = SCORES.clone().requires_grad_()
    value = found(L.Circle(gamma, m), other, torch.tensor(GROUPS))
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(torch.autograd.grad(value, other)[0], torch.autograd.grad(expected, leaf)[0])


@pytest.mark.parametrize("loss", [L.Triplet(mining="hard"), L.Triplet(), L.Triplet(mining="all"), L.Circle(), L.InfoNce()], ids=repr)
def test_a_batch_with_nothing_to_compare_moves_nothing(loss) -> None:
    for groups in ([0, 1, 2, 3, 4, 5], [0] * 6):
        scores = SCORES.clone().requires_grad_()
        value = found(loss, scores, torch.tensor(groups))
        if value.requires_grad:
            value.backward()
            assert torch.isfinite(scores.grad).all()
        assert value == 0 or (isinstance(loss, L.InfoNce) and torch.isfinite(value))


# -- survival ------------------------------------------------------------------------------------------------------------

TIMES = np.array([5.0, 3, 3, 8, 3, 1, 8, 2, 3])
EVENTS = np.array([1.0, 1, 1, 0, 0, 1, 1, 0, 1])
RISKS = RNG.normal(size=9)


def partial_likelihood(risk: np.ndarray, ties: str) -> float:
    total = 0.0
    for time in np.unique(TIMES[EVENTS == 1]):
        died = [i for i in range(9) if TIMES[i] == time and EVENTS[i] == 1]
        at_risk = sum(np.exp(risk[j]) for j in range(9) if TIMES[j] >= time)
        together = sum(np.exp(risk[i]) for i in died)
        for place, i in enumerate(died):
            total += np.log(at_risk - (place / len(died) * together if ties == "efron" else 0)) - risk[i]
    return total / EVENTS.sum()


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_is_the_partial_likelihood(ties) -> None:
    target, scores = torch.tensor(np.stack([TIMES, EVENTS], 1)), torch.tensor(RISKS).unsqueeze(1)
    np.testing.assert_allclose(found(L.Cox(ties), scores, target), partial_likelihood(RISKS, ties))
    # Risks of e^300 and more are no problem, and a common factor changes nothing.
    np.testing.assert_allclose(found(L.Cox(ties), scores + 1000, target), partial_likelihood(RISKS, ties))
    order = torch.randperm(9)
    np.testing.assert_allclose(found(L.Cox(ties), scores[order], target[order]), partial_likelihood(RISKS, ties))


def test_a_sample_that_weighs_twice_pulls_like_two_under_breslow() -> None:
    target, scores = torch.tensor(np.stack([TIMES, EVENTS], 1)), torch.tensor(RISKS).unsqueeze(1).requires_grad_()
    twice = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 3])
    function, weight = loss_function(L.Cox("breslow"), A.Identity()), torch.tensor([1, 1, 2, 2, 1, 1, 1, 1, 1.0])
    (expected,) = torch.autograd.grad(function.mean(scores[twice], target[twice]), scores)
    (gradient,) = torch.autograd.grad(function.mean(scores, target, weight), scores)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_without_an_event_nothing_is_learnt(ties) -> None:
    scores = torch.zeros(3, 1, requires_grad=True)
    value = found(L.Cox(ties), scores, torch.tensor([[1.0, 0], [2, 0], [3, 0]]))
    value.backward()
    assert value == 0
    assert (scores.grad == 0).all()


# -- what can't be judged ------------------------------------------------------------------------------------------------

BAD = [
    (L.Cox(), Features(1), np.array([[1.0, 2.0]]), "EN035", "event happened"),
    (L.Cox(), Features(2), np.zeros((3, 2)), "EN037", "units: 1"),
    (L.Cox(), Features(1), np.zeros(3), "EN033", ""),
    (L.Cox(), Sequence(3, 1), np.zeros((3, 2)), "EN037", "another loss"),
    (L.Dice(), Features(2), np.zeros((3, 2)), "EN037", "another loss"),
    (L.Ctc(), Features(2), np.zeros((3, 2)), "EN037", "another loss"),
    (L.Ctc(), Sequence(3, 4), np.zeros((3, 2), dtype=int), "EN035", "blank"),
    (L.Ctc(), Sequence(3, 4), np.array([[1, 4]]), "EN035", "0 to 3"),
    (L.Ctc(), Sequence(3, 4), np.array([[1.5, 2.0]]), "EN035", "int64"),
    (L.Ctc(), Sequence(3, 4), np.array([1, 2]), "EN033", "length"),
    (L.Ctc(blank=7), Sequence(3, 4), np.array([[1, 2]]), "EN037", "units: 8"),
    (L.Triplet(), Features(4), np.array([0.5, 1.0]), "EN035", "int64"),
    (L.Triplet(), Features(4), np.zeros((3, 2), dtype=int), "EN033", "samples"),
    (L.Triplet(), Features(1), np.array([0, 1]), "EN037", "64"),
    (L.Circle(), Image(2, 3, 3), np.array([0, 1]), "EN037", "another loss"),
    (L.GaussianNll(), Features(3), np.zeros((2, 1)), "EN037", "units: 6"),
    (L.NegativeBinomial(), Features(2), np.array([-1.0]), "EN035", "counts"),
    (L.MarginRanking(), Features(3), np.array([1.0, -1.0]), "EN037", "2 units"),
    (L.MultiMargin(), Features(1), np.array([0, 0]), "EN037", "units: 2"),
    (L.Ordinal(), Features(1), np.array([0, 0]), "EN037", "units: 2"),
]


@pytest.mark.parametrize(("loss", "output", "targets", "code", "words"), BAD, ids=[f"{b[0].type_name}-{i}" for i, b in enumerate(BAD)])
def test_what_a_loss_cannot_judge_is_refused_before_training(loss, output, targets, code, words) -> None:
    with pytest.raises(LaminaError) as caught:
        check_targets(loss, output, targets, "answers")
    assert caught.value.code == code
    assert words in str(caught.value)


def test_what_these_losses_judge_passes() -> None:
    check_targets(L.Cox(), Features(1), np.array([[2.0, 1.0], [0.5, 0.0]]), "answers")
    check_targets(L.Ctc(), Sequence(None, 4), np.array([[1, 3, 3], [2, -1, -1]]), "answers")
    check_targets(L.Triplet(), Features(4), np.array([7, -3, 7]), "answers")
    check_targets(L.GaussianNll(), Features(6), np.zeros((2, 3)), "answers")
    check_targets(L.NegativeBinomial(0.5), Features(3), np.zeros((2, 3)), "answers")
