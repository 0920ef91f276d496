"""Make the two models of other systems that the examples start from: with Keras and with plain PyTorch, nothing of Lamina.

Both have learned to tell the digits 0 to 4 apart (scikit-learn's 8 by 8 digits, without the samples of every fifth row). It takes Keras 3,
onnx, onnxscript and scikit-learn: ``KERAS_BACKEND=torch python examples/models/make.py``.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

HERE = Path(__file__).parent


def data() -> tuple[np.ndarray, np.ndarray]:
    """Images of the first five digits, in 0 to 1."""
    digits = load_digits()
    chosen = (digits.target < 5) & (np.arange(len(digits.target)) % 5 != 0)
    return digits.images[chosen].astype("float32") / 16, digits.target[chosen]


def lenet(x: np.ndarray, y: np.ndarray) -> None:
    """A LeNet of Keras, channels last, as `model.save` writes it."""
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu", name="conv1"),
            keras.layers.MaxPooling2D(2, name="pool1"),
            keras.layers.Conv2D(32, 3, activation="relu", name="conv2"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(64, activation="relu", name="dense"),
            keras.layers.Dense(5, activation="softmax", name="head"),
        ],
        name="lenet",
    )
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[..., None], y, epochs=15, batch_size=32, verbose=0)
    print("Keras LeNet, accuracy on what it learned from:", model.evaluate(x[..., None], y, verbose=0)[1])
    model.save(HERE / "lenet_five_digits.keras")


class Block(nn.Module):
    """A residual block."""

    def __init__(self, given: int, made: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, made, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(made)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(made, made, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(made)
        short = (nn.Conv2d(given, made, 1, stride, bias=False), nn.BatchNorm2d(made)) if stride != 1 or given != made else ()
        self.downsample = nn.Sequential(*short)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Two convolutions beside a way around them."""
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + self.downsample(x))


class ResNet(nn.Module):
    """A small ResNet, built as torchvision builds its own."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.layer1 = nn.Sequential(Block(8, 8, 1))
        self.layer2 = nn.Sequential(Block(8, 16, 2))
        self.layer3 = nn.Sequential(Block(16, 32, 2))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(32, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of the classes."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def resnet(x: np.ndarray, y: np.ndarray) -> None:
    """A ResNet of PyTorch, as `torch.onnx.export` writes it."""
    torch.manual_seed(7)
    model, images, labels = ResNet(5), torch.from_numpy(x)[:, None], torch.from_numpy(y)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(15):
        for rows in torch.randperm(len(images)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        print("ResNet, accuracy on what it learned from:", float((model(images).argmax(1) == labels).float().mean()))
    batch = torch.export.Dim("batch")
    file = str(HERE / "resnet_five_digits.onnx")
    torch.onnx.export(
        model, (images[:2],), file, input_names=["image"], output_names=["scores"], dynamic_shapes=({0: batch},), external_data=False
    )


if __name__ == "__main__":
    lenet(*data())
    resnet(*data())
