"""Losses against torch's own, and against their formulas in NumPy float64."""

from __future__ import annotations

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
SCORES = RNG.normal(size=(5, 3))
CLASSES = np.array([0, 2, 1, 1, 2])
BINARY = (RNG.random((5, 3)) > 0.5).astype(float)
SIGNS = 2 * BINARY - 1
NUMBERS = RNG.random((5, 3)) + 0.2
SHARES = NUMBERS / NUMBERS.sum(1, keepdims=True)
WEIGHTS = np.array([0.5, 2.0, 1.5])


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


P, Q, E = softmax(SCORES), sigmoid(SCORES), SCORES - NUMBERS
RIGHT = P[np.arange(5), CLASSES]
SOFTPLUS = np.log1p(np.exp(SCORES))
PINBALL = np.maximum(np.array([0.1, 0.5, 0.9]) * (NUMBERS[:, :1] - SCORES), (np.array([0.1, 0.5, 0.9]) - 1) * (NUMBERS[:, :1] - SCORES))

FORMULAS = [
    (L.MeanSquaredError(), NUMBERS, (E**2).mean(1)),
    (L.MeanSquaredError(weights=list(WEIGHTS)), NUMBERS, (WEIGHTS * E**2).mean(1)),
    (L.SumSquaredError(), NUMBERS, (E**2).sum(1)),
    (L.MeanAbsoluteError(), NUMBERS, np.abs(E).mean(1)),
    (L.SumAbsoluteError(weights=list(WEIGHTS)), NUMBERS, (WEIGHTS * np.abs(E)).sum(1)),
    (L.MeanAbsolutePercentageError(), NUMBERS, 100 * (np.abs(E) / NUMBERS).mean(1)),
    (L.MeanSquaredLogError(), NUMBERS, ((np.log(1 + SOFTPLUS) - np.log(1 + NUMBERS)) ** 2).mean(1)),
    (L.Huber(0.5), NUMBERS, np.where(np.abs(E) < 0.5, E**2 / 2, 0.5 * (np.abs(E) - 0.25)).mean(1)),
    (L.SmoothL1(0.5), NUMBERS, np.where(np.abs(E) < 0.5, E**2, np.abs(E) - 0.25).mean(1)),
    (L.LogCosh(), NUMBERS, np.log(np.cosh(E)).mean(1)),
    (L.Quantile(0.9), NUMBERS, np.maximum(-0.9 * E, 0.1 * E).mean(1)),
    (L.Quantile([0.1, 0.5, 0.9]), NUMBERS[:, :1], PINBALL.mean(1)),
    (L.CosineProximity(), NUMBERS, -(SCORES * NUMBERS).sum(1) / np.linalg.norm(SCORES, axis=1) / np.linalg.norm(NUMBERS, axis=1)),
    (L.CrossEntropy(), CLASSES, -np.log(RIGHT)),
    (L.CrossEntropy(), SHARES, -(SHARES * np.log(P)).sum(1)),
    (L.CrossEntropy(weights=list(WEIGHTS)), CLASSES, -WEIGHTS[CLASSES] * np.log(RIGHT)),
    (L.CrossEntropy(label_smoothing=0.3), CLASSES, -0.7 * np.log(RIGHT) - 0.1 * np.log(P).sum(1)),
    (
        L.CrossEntropy(label_smoothing=0.3, weights=list(WEIGHTS)),
        CLASSES,
        -0.7 * WEIGHTS[CLASSES] * np.log(RIGHT) - 0.1 * (WEIGHTS * np.log(P)).sum(1),
    ),
    (L.SparseCrossEntropy(), CLASSES, -np.log(RIGHT)),
    (L.NegativeLogLikelihood(), CLASSES, -np.log(RIGHT)),
    (L.Focal(1.5), CLASSES, -((1 - RIGHT) ** 1.5) * np.log(RIGHT)),
    (L.KlDivergence(), SHARES, (SHARES * np.log(SHARES / P)).sum(1)),
    (L.KlDivergence(), np.eye(3)[CLASSES], -np.log(RIGHT)),
    (
        L.CategoricalHinge(),
        CLASSES,
        np.maximum(0, 1 + np.array([max(np.delete(s, c)) for s, c in zip(SCORES, CLASSES, strict=True)]) - SCORES[np.arange(5), CLASSES]),
    ),
    (L.BinaryCrossEntropy(), BINARY, -(BINARY * np.log(Q) + (1 - BINARY) * np.log(1 - Q)).mean(1)),
    (
        L.BinaryCrossEntropy(weights=list(WEIGHTS), label_smoothing=0.2),
        BINARY,
        -(WEIGHTS * ((0.8 * BINARY + 0.1) * np.log(Q) + (0.9 - 0.8 * BINARY) * np.log(1 - Q))).mean(1),
    ),
    (
        L.BinaryCrossEntropy(positive_weights=list(WEIGHTS)),
        BINARY,
        -(WEIGHTS * BINARY * np.log(Q) + (1 - BINARY) * np.log(1 - Q)).mean(1),
    ),
    (
        L.BinaryFocal(2.0, 0.25),
        BINARY,
        -(0.25 * BINARY * (1 - Q) ** 2 * np.log(Q) + 0.75 * (1 - BINARY) * Q**2 * np.log(1 - Q)).mean(1),
    ),
    (L.Hinge(), SIGNS, np.maximum(0, 1 - SIGNS * SCORES).mean(1)),
    (L.SquaredHinge(), SIGNS, (np.maximum(0, 1 - SIGNS * SCORES) ** 2).mean(1)),
    (L.Wasserstein(), SIGNS, (SIGNS * SCORES).mean(1)),
    (L.Poisson(), NUMBERS, (np.exp(SCORES) - NUMBERS * SCORES).mean(1)),
]


@pytest.mark.parametrize(("loss", "target", "expected"), FORMULAS, ids=[f"{f[0].type_name}-{i}" for i, f in enumerate(FORMULAS)])
def test_each_loss_is_its_formula(loss, target, expected) -> None:
    function = loss_function(loss, loss.natural())
    found = function.per_sample(torch.tensor(SCORES), torch.tensor(target))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)
    np.testing.assert_allclose(function.mean(torch.tensor(SCORES), torch.tensor(target)), expected.mean(), rtol=1e-9)


def test_multi_label_ranks_every_pair() -> None:
    targets = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0], [0, 1, 0]], dtype=float)
    expected = []
    for y, t in zip(Q, targets, strict=True):
        pairs = [np.exp(y[n] - y[p]) for p in range(3) for n in range(3) if t[p] == 1 and t[n] == 0]
        expected.append(np.mean(pairs) if pairs else 0.0)
    scores = torch.tensor(SCORES, requires_grad=True)
    found = loss_function(L.MultiLabel(), A.Sigmoid()).per_sample(scores, torch.tensor(targets))
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-9)
    found.sum().backward()
    assert torch.isfinite(scores.grad).all()
    assert (scores.grad[2:4] == 0).all()


def test_mixture_density_is_the_density_of_torch_distributions() -> None:
    from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

    out, target = torch.randn(6, 3 * 4, dtype=torch.float64), torch.randn(6, 2, dtype=torch.float64)
    mixture = MixtureSameFamily(
        Categorical(logits=out[:, :3]),
        Independent(Normal(out[:, 6:].reshape(6, 3, 2), out[:, 3:6].exp().unsqueeze(-1).expand(6, 3, 2)), 1),
    )
    found = loss_function(L.MixtureDensity(3, 2), A.Identity()).per_sample(out, target)
    torch.testing.assert_close(found, -mixture.log_prob(target))


def test_f_measure_belongs_to_a_batch() -> None:
    scores, target = torch.tensor([2.0, -1.0, 0.5, -3.0]), torch.tensor([1, 0, 0, 1])
    y = torch.sigmoid(scores)
    hits, missed, false = y[0] + y[3], 2 - y[0] - y[3], y[1] + y[2]
    function = loss_function(L.FMeasure(2.0), A.Sigmoid())
    torch.testing.assert_close(function.mean(scores.unsqueeze(1), target), 1 - 5 * hits / (5 * hits + 4 * missed + false))
    two = torch.stack([torch.zeros(4), scores], 1)  # softmax over [0, s] is sigmoid(s)
    soft = loss_function(L.FMeasure(2.0), A.Softmax())
    torch.testing.assert_close(soft.mean(two, target), function.mean(scores.unsqueeze(1), target))
    with pytest.raises(LaminaError) as caught:
        function.per_sample(scores.unsqueeze(1), target)
    assert caught.value.code == "EN036"
    assert float(function.mean(torch.full((2, 1), -1e4), torch.zeros(2))) == 0.0


@pytest.mark.parametrize("shape", [(4, 3), (4, 5, 3), (4, 3, 2, 2), (4, 3, 2, 2, 2)])
def test_cross_entropy_is_torchs_at_every_position(shape) -> None:
    scores = torch.randn(shape, dtype=torch.float64)
    classes_second = scores if len(shape) != 3 else scores.transpose(1, 2)
    target = torch.randint(0, 3, classes_second[:, 0].shape)
    function = loss_function(L.CrossEntropy(), A.Softmax())
    torch.testing.assert_close(function.mean(scores, target), F.cross_entropy(classes_second, target))


def test_fused_forms_survive_extreme_scores() -> None:
    scores = torch.tensor([[1000.0, -1000.0, 0.0]], requires_grad=True)
    loss = loss_function(L.CrossEntropy(), A.Softmax()).mean(scores, torch.tensor([1]))
    loss.backward()
    assert loss == 2000
    assert torch.isfinite(scores.grad).all()
    assert loss_function(L.BinaryCrossEntropy(), A.Sigmoid()).mean(torch.tensor([[-500.0]]), torch.ones(1, 1)) == 500
    # Any other activation is clipped where the description says.
    clipped = loss_function(L.BinaryCrossEntropy(), A.HardSigmoid()).mean(torch.tensor([[-500.0]]), torch.ones(1, 1))
    torch.testing.assert_close(clipped, torch.tensor(-np.log(1e-5), dtype=torch.float32))
    clipped = loss_function(L.CrossEntropy(), A.HardSigmoid()).mean(torch.tensor([[-500.0, 500.0]]), torch.tensor([0]))
    torch.testing.assert_close(clipped, torch.tensor(-np.log(1e-10), dtype=torch.float32))


def test_targets_without_their_axis_of_one_are_not_broadcast() -> None:
    scores, target = torch.arange(4.0).unsqueeze(1), torch.tensor([0, 1, 2, 4])
    assert loss_function(L.MeanSquaredError(), A.Identity()).mean(scores, target) == 0.25
    sequence = loss_function(L.MeanSquaredError(), A.Identity()).per_sample(torch.zeros(2, 3, 1), torch.ones(2, 3))
    assert sequence.tolist() == [1.0, 1.0]
    with pytest.raises(LaminaError) as caught:
        loss_function(L.MeanSquaredError(), A.Identity()).mean(torch.zeros(4, 3), torch.zeros(4, 1))
    assert caught.value.code == "EN033"


def test_whole_numbers_stand_for_signs() -> None:
    function = loss_function(L.Hinge(), A.Identity())
    scores = torch.tensor([[0.5], [0.5]])
    assert function.per_sample(scores, torch.tensor([0, 1])).tolist() == function.per_sample(scores, torch.tensor([-1.0, 1.0])).tolist()


X, S, IMAGE = Features, Sequence, Image
NAN = np.array([[0.0], [np.nan]])
BAD = [
    ("labels beyond the output", L.CrossEntropy(), X(2), np.array([0, 1, 2]), "EN034", "2 at sample 2", "units: 3"),
    ("labels from 1", L.CrossEntropy(), X(3), np.array([1, 2, 3]), "EN034", "3 at sample 2", "subtract 1"),
    ("a missing label", L.CrossEntropy(), X(3), np.array([0, -1, 2]), "EN034", "-1 at sample 1", "remove the samples"),
    ("a label of a step", L.CrossEntropy(), S(2, 3), np.array([[0, 1], [2, 7]]), "EN034", "7 at sample 1, position [1]", "units: 8"),
    ("another one-hot width", L.CrossEntropy(), X(3), np.eye(4), "EN033", "4 classes", "units: 4"),
    ("labels with fractions", L.CrossEntropy(), X(3), np.zeros(4), "EN035", "float64", "int64"),
    ("several labels", L.CrossEntropy(), X(3), np.array([[1.0, 1, 0]]), "EN035", "2 at sample 0", "binary_cross_entropy"),
    ("one-hot for sparse", L.SparseCrossEntropy(), X(3), np.eye(3), "EN035", "[3, 3]", "argmax"),
    ("classes for each step", L.CrossEntropy(), S(6, 3), np.array([0, 1]), "EN033", "[2]", "return_sequences: false"),
    ("three classes", L.BinaryCrossEntropy(), X(1), np.array([0, 1, 2]), "EN034", "2 at sample 2", "units: 3, loss: cross_entropy"),
    ("classes for binary", L.BinaryCrossEntropy(), X(3), np.array([0, 1, 2]), "EN033", "[3]", "cross_entropy"),
    ("no probability", L.BinaryCrossEntropy(), X(1), np.array([0.0, 1.5]), "EN035", "1.5 at sample 1", "correct or remove"),
    ("too few columns", L.MeanSquaredError(), X(3), np.zeros((4, 2)), "EN033", "[4, 2]", "units: 2"),
    ("another rank", L.MeanSquaredError(), IMAGE(1, 4, 4), np.zeros((4, 2)), "EN033", "[4, 2]", "reshape"),
    ("NaN", L.MeanSquaredError(), X(1), NAN, "EN035", "nan at sample 1", "correct or remove"),
    ("NaN in probabilities", L.BinaryCrossEntropy(), X(1), NAN, "EN035", "nan at sample 1", "correct or remove"),
    ("no signs", L.Hinge(), X(1), np.array([0.0, 1.0]), "EN035", "0.0 at sample 0", "0 and 1 (whole numbers)"),
    ("signs as whole numbers", L.Hinge(), X(1), np.array([-1, 1]), "EN035", "-1 at sample 0", "0 and 1 (whole numbers)"),
    ("a negative count", L.Poisson(), X(1), np.array([0.0, -2.0]), "EN035", "-2.0 at sample 1", "correct or remove"),
    ("no percentage", L.MeanAbsolutePercentageError(), X(1), np.array([1.0, 0.0]), "EN035", "0.0 at sample 1", "choose a loss"),
    ("units of a mixture", L.MixtureDensity(2), X(5), np.zeros(3), "EN037", "5 units", "units: 6"),
    ("positive weights", L.BinaryCrossEntropy(positive_weights=[1.0]), X(2), np.zeros((3, 2)), "EN037", "1 positive", "give 2 positive"),
    ("weights", L.MeanSquaredError(weights=[1.0]), X(2), np.zeros((3, 2)), "EN037", "1 weights", "give 2 weights"),
]


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize(("loss", "output", "targets", "code", "got", "fix"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_wrong_targets_are_refused_before_training(loss, output, targets, code, got, fix, as_tensor) -> None:
    with pytest.raises(LaminaError) as caught:
        check_targets(loss, output, torch.tensor(targets) if as_tensor else targets, "labels")
    (problem,) = caught.value.problems
    assert problem.code == code
    assert "'labels'" in problem.where
    assert fix in problem.fix
    assert as_tensor or got in problem.got


def test_known_labels_must_be_as_many_as_units() -> None:
    check_targets(L.CrossEntropy(), Features(3), np.array([0, 1]), "labels", classes=3)
    with pytest.raises(LaminaError) as caught:
        check_targets(L.CrossEntropy(), Features(10), np.array([0, 1]), "labels", classes=3)
    assert caught.value.code == "EN033"
    assert caught.value.problems[0].fix == "write units: 3"


@pytest.mark.parametrize(
    ("loss", "output", "targets"),
    [
        (L.CrossEntropy(), Features(3), np.array([0, 2], dtype=np.uint8)),
        (L.CrossEntropy(), Features(3), np.array([[0], [2]])),
        (L.CrossEntropy(), Sequence(None, 3), np.zeros((2, 9), dtype=np.int64)),
        (L.CrossEntropy(), Image(3, 2, 2), np.zeros((2, 2, 2), dtype=np.int64)),
        (L.CrossEntropy(), Features(3), np.eye(3, dtype=np.float32)),
        (L.BinaryCrossEntropy(), Features(1), np.array([True, False])),
        (L.BinaryCrossEntropy(), Features(2), np.array([[0, 1], [1, 1]])),
        (L.MeanSquaredError(), Features(1), np.array([0.5, 1.0])),
        (L.MeanSquaredError(), Features(1), np.array([3, 4])),
        (L.Hinge(), Features(1), np.array([0, 1])),
        (L.FMeasure(), Features(2), np.array([0, 1])),
        (L.Quantile([0.1, 0.9]), Features(2), np.array([0.5, 1.0])),
        (L.MixtureDensity(1, 2), Features(4), np.zeros((3, 2))),
        (L.MeanSquaredError(), Features(1), np.zeros((0, 1))),
    ],
)
def test_right_targets_pass_and_give_a_loss(loss, output, targets) -> None:
    check_targets(loss, output, targets, "labels")
    if len(targets) == 0:
        return
    dims = [3 if output.dims[0] is None else output.dims[0], *output.dims[1:]]
    if isinstance(output, Sequence):
        dims = [targets.shape[1], output.features]
    value = loss_function(loss, loss.natural()).mean(torch.zeros(len(targets), *dims), torch.tensor(targets))
    assert torch.isfinite(value)


@pytest.mark.parametrize("loss", [L.CrossEntropy(), L.MeanSquaredError(weights=[1.0, 2.0, 3.0]), L.FMeasure()], ids=repr)
def test_a_batch_in_which_no_sample_counts_moves_nothing(loss) -> None:
    scores = torch.randn(4, 1 if isinstance(loss, L.FMeasure) else 3, requires_grad=True)
    target = torch.zeros(4, dtype=torch.int64) if loss.target == "classes" else torch.ones(scores.shape)
    value = loss_function(loss, loss.natural()).mean(scores, target, torch.zeros(4))
    value.backward()
    assert value.item() == 0
    assert scores.grad is not None
    assert not scores.grad.any()


LENGTHS = [5, 2, 3, 0]
REAL = torch.arange(5) < torch.tensor(LENGTHS).unsqueeze(1)


@pytest.mark.parametrize("over", ["mean", "sum"])
def test_masked_cross_entropy_is_torchs_over_the_real_steps(over) -> None:
    scores, target = torch.randn(4, 5, 3, dtype=torch.float64), torch.randint(0, 3, (4, 5))
    each = torch.stack([F.cross_entropy(s[:n], t[:n], reduction=over) for s, t, n in zip(scores, target, LENGTHS, strict=True)])
    each[3] = 0  # of no step at all
    target[~REAL] = 99
    function = loss_function(L.CrossEntropy(over_positions=over), A.Softmax())
    torch.testing.assert_close(function.per_sample(scores, target, REAL), each)
    torch.testing.assert_close(function.mean(scores, target, mask=REAL), each.sum() / 4)
    weight = torch.tensor([1.0, 2.0, 0.0, 1.0])
    torch.testing.assert_close(function.mean(scores, target, weight, REAL), (each[0] + 2 * each[1]) / 4)


def test_masked_f_measure_counts_real_steps() -> None:
    scores, target, function = torch.randn(4, 5, 1), torch.randint(0, 2, (4, 5, 1)), loss_function(L.FMeasure(), A.Sigmoid())
    torch.testing.assert_close(function.mean(scores, target, mask=REAL), function.mean(scores[REAL], target[REAL]))


def test_deeplearning4j_sums_over_steps() -> None:
    # Its score of an output over sequences: the sum over samples and steps of the mean squared error, over the samples.
    scores, target = torch.randn(4, 5, 3, dtype=torch.float64), torch.randn(4, 5, 3, dtype=torch.float64)
    found = loss_function(L.MeanSquaredError(over_positions="sum"), A.Identity()).mean(scores, target)
    torch.testing.assert_close(found, ((scores - target) ** 2).sum() / 3 / 4)


def test_summing_positions_means_nothing_for_a_loss_of_a_batch() -> None:
    with pytest.raises(LaminaError, match="no use"):
        L.FMeasure(over_positions="sum")


@pytest.mark.parametrize(
    ("shape", "mask"), [((2, 5, 1), torch.ones(2, 4).bool()), ((2, 1), torch.ones(2, 1).bool()), ((2, 5, 1), torch.ones(2, 5))]
)
def test_a_mask_that_does_not_fit_is_refused(shape, mask) -> None:
    for loss in (L.MeanSquaredError(), L.FMeasure()):
        with pytest.raises(LaminaError) as caught:
            loss_function(loss, loss.natural()).mean(torch.zeros(shape), torch.ones(shape), mask=mask)
        assert caught.value.code == "EN070"


def test_padded_targets_are_not_looked_at() -> None:
    mask = np.array([[True, True, False], [True, False, False]])
    check_targets(L.CrossEntropy(), Sequence(3, 4), np.array([[0, 3, -1], [2, 9, 9]]), "labels", mask=mask)
    check_targets(L.MeanSquaredError(), Sequence(3, 1), np.where(mask, 1.0, np.nan), "labels", mask=mask)
    check_targets(L.CrossEntropy(), Sequence(3, 2), np.where(mask[..., None], 0.5, np.zeros((2, 3, 2))), "labels", mask=mask)
    check_targets(L.BinaryCrossEntropy(), Sequence(3, 1), np.where(mask, 1, 7)[..., None], "labels", mask=mask)
    with pytest.raises(LaminaError, match="-5 at sample 1, position \\[0\\]"):
        check_targets(L.CrossEntropy(), Sequence(3, 4), np.array([[0, 3, -1], [-5, 9, 9]]), "labels", mask=mask)
