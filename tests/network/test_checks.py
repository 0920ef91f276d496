"""Every check finds what it is for, says how to mend it, can be switched off, and leaves sane networks alone."""

from __future__ import annotations

import pytest

from lamina.codes import TITLES
from lamina.errors import LaminaError
from lamina.network import Graph, Sequential
from lamina.network.checks import Complaint, check, codes, run_checks
from lamina.network.checks.check import _CHECKS
from lamina.network.defaults import Defaults
from lamina.network.inference import resolve
from lamina.network.layers import (
    LSTM,
    ActivationLayer,
    AvgPool2d,
    BatchNorm,
    Bidirectional,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    Dropout,
    Embedding,
    Equalization,
    GlobalAvgPool,
    LossLayer,
    MaxPool2d,
    Output,
)
from lamina.network.vertices import Add, Multiply
from lamina.shapes import features, image, sequence, tokens


def found(network, *, training: bool = True) -> list[tuple[str, str]]:
    return [(f.problem.code, f.severity) for f in run_checks(resolve(network), network.ignore, training=training)]


def net(*layers, of=None, **settings) -> Sequential:
    return Sequential(of or features(4), list(layers), **settings)


HIDDEN = Dense(8, activation="relu")
CONV = Conv2d(2, kernel=3, activation="relu")
WRONG = [
    ("CK001", "error", net(Output(1)), "binary_cross_entropy"),
    ("CK001", "error", net(Dense(1, activation="softmax"), Output(1, loss="mse")), "2 or more units"),
    ("CK002", "error", net(Output(3, loss="cross_entropy", activation="relu")), "remove the activation (softmax"),
    ("CK002", "error", net(Output(1, loss="binary_cross_entropy", activation="tanh")), "remove the activation (sigmoid"),
    ("CK003", "error", net(Output(3, loss="binary_cross_entropy", activation="softmax")), "loss: cross_entropy"),
    ("CK004", "error", net(Output(3, loss="cross_entropy", activation="sigmoid")), "activation: softmax"),
    ("CK004", "error", net(Output(1, loss="cross_entropy", activation="sigmoid")), "loss: binary_cross_entropy"),
    ("CK005", "error", net(Output(3, loss={"type": "mixture_density", "mixtures": 2})), "units: 6"),
    ("CK005", "error", net(Output(3, loss={"type": "mse", "weights": [1.0, 2.0]})), "give 3 weights"),
    ("CK006", "error", net(HIDDEN, Dense(3)), "{type: output, units: 3, loss: cross_entropy}"),
    ("CK007", "error", net(Output(8, loss="mse"), Output(3)), "use dense in place of output"),
    ("CK008", "warning", net(HIDDEN, Dense(3), Dropout(0.5), LossLayer("mse")), "move it before"),
    ("CK009", "warning", net(Dense(8, activation="softmax"), Output(3)), "activation: relu"),
    ("CK010", "error", net(Dense(3, activation="softmax"), LossLayer("cross_entropy")), "remove the activation of 'dense_1'"),
    ("CK010", "error", net(Dense(1, activation="sigmoid"), LossLayer("binary_cross_entropy")), "activation: identity"),
    ("CK011", "warning", net(Output(2, loss="mse", activation="relu")), "softplus"),
    ("CK012", "error", net(Output(1, loss="hinge", activation="sigmoid")), "binary_cross_entropy"),
    ("CK013", "warning", net(Output(1, loss="poisson", activation="identity")), "exp is then used"),
    ("CK014", "warning", net(HIDDEN, ActivationLayer("tanh"), Output(3)), "remove this layer"),
    ("CK014", "warning", net(Dense(8), ActivationLayer("tanh"), Output(3), defaults=Defaults(activation="relu")), "'dense_1'"),
    ("CK015", "warning", net(Dense(8), BatchNorm(activation="relu"), Output(3)), "bias: false"),
    ("CK015", "warning", net(DepthwiseConv2d(3), BatchNorm(activation="relu"), Output(3), of=image(2, 6, 6)), "bias: false"),
    ("CK016", "warning", net(Dense(8), Output(3)), "activation: relu"),
    ("CK016", "warning", net(Conv2d(8, kernel=3), Dropout(0.1), Output(3), of=image(1, 6, 6)), "activation: relu"),
    ("CK017", "error", net(HIDDEN, Output(3), defaults=Defaults(frozen=True)), "remove frozen"),
    ("CK018", "warning", net(HIDDEN, Dropout(0.2), Output(3, dropout=0.3)), "remove 'dropout_1'"),
    ("CK019", "warning", net(Dense(8, activation="relu", initializer="zeros"), Output(3)), "he_normal"),
    ("CK020", "warning", net(HIDDEN, Dropout(0.9), Output(3)), "write 0.1"),
    ("CK085", "warning", net(CONV, Equalization(), Output(3), of=image(1, 6, 6)), "put 'equalization_1' before"),
    ("CK085", "warning", net(CONV, Equalization(), ActivationLayer("tanh"), Output(3), of=image(1, 6, 6)), "frozen: true"),
]


@pytest.mark.parametrize(("code", "severity", "network", "fix"), WRONG, ids=[f"{w[0]}-{i}" for i, w in enumerate(WRONG)])
def test_each_check_finds_its_mistake_and_can_be_switched_off(code, severity, network, fix) -> None:
    findings = run_checks(resolve(network), training=True)
    (finding,) = [f for f in findings if f.problem.code == code]
    assert finding.severity == severity
    assert fix in finding.problem.fix
    assert f"ignore: [{code}]" in finding.problem.fix
    assert finding.path[0] == "layers"
    assert str(finding.problem).startswith(f"[{code}] network.layers[")
    # Nothing else is said about the same mistake, but what is really another one.
    assert {f.problem.code for f in findings} <= {code, *ALSO.get(code, ())}
    assert code not in [c for c, _ in found(network.replace(ignore=[code]))]


ALSO = {"CK001": {"CK009"}}


def test_every_check_is_tried_and_has_a_title() -> None:
    assert set(codes()) == {wrong[0] for wrong in WRONG} == {code for code in TITLES if code.startswith("CK")}


def residual(**last) -> Graph:
    return Graph(
        inputs={"pixels": image(8, 6, 6)},
        nodes={
            "a": Conv2d(8, kernel=3, padding="same", bias=False, inputs=["pixels"]),
            "norm_a": BatchNorm(activation="relu", inputs=["a"]),
            "b": Conv2d(8, kernel=3, padding="same", bias=False, inputs=["norm_a"], **last),
            "sum": Add(inputs=["b", "pixels"]),
            "on": ActivationLayer("relu", inputs=["sum"]),
            "pool": GlobalAvgPool(inputs=["on"]),
            "label": Output(10, inputs=["pool"]),
        },
        outputs=["label"],
    )


SANE = [
    net(Output(3)),
    net(Output(1, loss="binary_cross_entropy")),
    net(Output(1, loss="mse")),
    net(Output(2, loss="mse", activation="sigmoid")),
    net(Output(2, loss={"type": "f_measure"}, activation="softmax")),
    net(HIDDEN, Dropout(0.5), Dense(8, activation="gelu"), Output(1, loss="poisson")),
    net(HIDDEN, Output(3, initializer="zeros")),
    net(HIDDEN, Output(3), defaults=Defaults(frozen=True)).replace(layers=[HIDDEN, Output(3, frozen=False)]),
    net(HIDDEN, Dense(3), LossLayer("cross_entropy")),
    net(HIDDEN, Dense(3, activation="log_softmax"), LossLayer("cross_entropy")),
    net(HIDDEN, Dense(3, activation="softmax"), LossLayer("cross_entropy", activation="identity")).replace(ignore=["CK002"]),
    net(
        Conv2d(20, kernel=5, activation="relu"),
        MaxPool2d(2),
        Conv2d(50, kernel=5, activation="relu"),
        MaxPool2d(2),
        Dense(500, activation="relu"),
        Output(10),
        of=image(1, 28, 28),
    ),
    net(
        Conv2d(8, kernel=3, bias=False),
        BatchNorm(activation="relu"),
        AvgPool2d(2),
        Conv2d(8, kernel=3, activation="relu"),
        BatchNorm(),
        Output(10),
        of=image(1, 12, 12),
    ),
    # MobileNet: a depthwise convolution and a linear bottleneck without activations between.
    net(
        Conv2d(24, kernel=1, activation="relu6"),
        DepthwiseConv2d(kernel=3),
        Conv2d(4, kernel=1),
        Conv2d(24, kernel=1, activation="relu6"),
        Output(10),
        of=image(8, 8, 8),
    ),
    # An autoencoder with a linear code.
    net(Dense(16, activation="relu"), Dense(2), Dense(16, activation="relu"), Output(4, loss="mse")),
    net(LSTM(8), LSTM(8, return_sequences=False), Output(6), of=sequence(60, 1)),
    net(Embedding(8), Bidirectional(LSTM(4)), Output(5, dropout=0.5), of=tokens(None, 100)),
    net(Conv2d(4, kernel=3, padding="same", activation="relu"), Conv2d(3, kernel=1), LossLayer("cross_entropy"), of=image(1, 6, 6)),
    residual(),
    residual(initializer="zeros"),
    # Attention: softmax that weighs something.
    Graph(
        inputs={"x": features(6)},
        nodes={
            "weights": Dense(6, activation="softmax", inputs=["x"]),
            "chosen": Multiply(inputs=["weights", "x"]),
            "label": Output(3, inputs=["chosen"]),
        },
        outputs=["label"],
    ),
]


@pytest.mark.parametrize("network", SANE, ids=range(len(SANE)))
def test_sane_networks_are_left_alone(network) -> None:
    assert found(network) == []


def test_a_network_for_prediction_needs_no_loss() -> None:
    assert found(net(HIDDEN, Dense(3)), training=False) == []


def test_errors_come_first() -> None:
    both = net(Dense(8), Output(1))
    assert found(both) == [("CK001", "error"), ("CK016", "warning")]


def test_an_unknown_code_can_not_be_ignored() -> None:
    with pytest.raises(LaminaError) as caught:
        run_checks(resolve(net(Output(3))), ["CK0016"])
    assert caught.value.code == "SP004"
    assert caught.value.problems[0].fix == "did you mean 'CK016'?"


def test_third_parties_can_add_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TITLES, "CK900", "too deep")
    monkeypatch.delitem(TITLES, "CK900")
    with pytest.raises(ValueError, match="no title"):
        check("CK900", severity="warning")
    before = dict(_CHECKS)
    try:

        @check("CK900", severity="warning", title="too wide")
        def wide(plan, near):
            for node in plan.nodes:
                yield Complaint(node, "less", "more", "greed", "take less")

        assert found(net(Output(3))) == [("CK900", "warning")]
        with pytest.raises(ValueError, match="both have the code"):
            check("CK900", severity="error")(found)
    finally:
        _CHECKS.clear()
        _CHECKS.update(before)
        TITLES.pop("CK900", None)
