"""Forecasts by dense layers alone."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import Dense, Flatten, LossLayer
from lamina.network.vertices import Add, Subtract
from lamina.shapes import Sequence, Shape
from lamina.zoo.drawing import INPUT, Drawing

MONTHS = Sequence(steps=90, features=1)


def nbeats(horizon: int = 18, input: Shape = MONTHS, stacks: int = 30, units: int = 512) -> Graph:
    """N-BEATS, the generic kind: blocks of four dense layers, each of which explains a part of the past and adds to the forecast.

    Paper: Oreshkin, Carpov, Chapados, Bengio, "N-BEATS: neural basis expansion analysis for interpretable time series
    forecasting", ICLR 2020, arXiv:1905.10437, with the settings for monthly data of M4.

    Count: none was published; it follows from the paper's figure 1: 30 blocks, each of four layers of 512, and a layer to the
    forecast and one to the past.

    Differences: the last block has no layer to the past, since nobody uses what it gives. The paper's second kind, whose blocks
    hold polynomials and waves instead of learnt ones, is not here.

    Args:
        horizon: Steps to forecast.
        input: The past: a sequence of known length; the paper takes 2 to 7 times the horizon.
        stacks: Number of blocks.
        units: Width of the dense layers.

    Example:
        >>> nbeats(horizon=6, input=Sequence(steps=24, features=1), stacks=3, units=16).resolve().output_shapes
        {'output': Features(count=6)}
    """
    net = Drawing(input)
    size = input.size or 1  # a length that nobody knows is refused by the flatten
    past = net.add("past", Flatten, feeds=INPUT)
    forecasts = []
    for stack in range(1, stacks + 1):
        x = past
        for index in range(1, 5):
            x = net.add(f"block{stack}_dense{index}", Dense, units, feeds=x, activation="relu")
        forecasts.append(net.add(f"block{stack}_forecast", Dense, horizon, feeds=x))
        if stack < stacks:
            explained = net.add(f"block{stack}_backcast", Dense, size, feeds=x)
            past = net.add(f"block{stack}_rest", Subtract, feeds=(past, explained))
    x = net.add("forecast", Add, feeds=tuple(forecasts)) if len(forecasts) > 1 else forecasts[0]
    net.add("output", LossLayer, "mae", feeds=x)
    return net.graph("output", initializer="he_normal")
