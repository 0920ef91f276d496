"""Sentiment of sentences as trees: a network that is built anew for every batch, as the sentences are.

The Stanford Sentiment Treebank gives a parse tree for each sentence and a grade, 0 to 4, for each of its phrases. A tree-structured
LSTM (Tai, Socher and Manning 2015, binary) reads a sentence from its words up; what it computes follows from the trees at hand, so it
is an own torch.nn.Module in the define-by-run style. Lamina's trainer, checkpoints, masks and figures take it as it is. All nodes of
one height, over the whole batch, are computed together: python examples/tree_sentiment.py
"""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import lamina as lm

FILE = Path(os.environ.get("LAMINA_DATA", "data")) / "sst" / "trainDevTestTrees_PTB.zip"
PARTS = {"train": "train", "validation": "dev", "test": "test"}


class TreeLSTM(nn.Module):
    """Grades every node of binary trees.

    A tree is three rows of numbers, a column for each node, children after their parents, so that the root comes first:
    ``word`` (0 for inner nodes), ``left`` and ``right`` (places of the children, 0 for leaves).
    """

    def __init__(self, words: int, size: int = 96, grades: int = 5) -> None:
        super().__init__()
        self.size = size
        self.embed = nn.Embedding(words, size)
        self.leaf = nn.Linear(size, 3 * size)
        self.inner = nn.Linear(2 * size, 5 * size)
        self.drop = nn.Dropout(0.4)
        self.grade = nn.Linear(size, grades)
        nn.init.uniform_(self.embed.weight, -0.1, 0.1)
        with torch.no_grad():
            self.inner.bias[size : 3 * size] += 1.0  # to remember both children, at first

    def forward(self, word: Tensor, left: Tensor, right: Tensor) -> Tensor:
        batch, nodes = word.shape
        memory = word.new_zeros((batch * nodes, self.size), dtype=self.embed.weight.dtype)
        hidden = memory.clone()
        start = torch.arange(batch, device=word.device)[:, None] * nodes
        left_of, right_of = (start + left).flatten(), (start + right).flatten()
        for level, places in enumerate(levels(word, left, right)):
            if level == 0:
                i, o, g = self.leaf(self.drop(self.embed(word.flatten()[places]))).chunk(3, 1)
                c = i.sigmoid() * g.tanh()
            else:
                one, two = left_of[places], right_of[places]
                i, f, s, o, g = self.inner(torch.cat([hidden[one], hidden[two]], 1)).chunk(5, 1)
                c = i.sigmoid() * g.tanh() + f.sigmoid() * memory[one] + s.sigmoid() * memory[two]
            memory = memory.index_copy(0, places, c)
            hidden = hidden.index_copy(0, places, o.sigmoid() * c.tanh())
        return self.grade(self.drop(hidden)).reshape(batch, nodes, -1)


def levels(word: Tensor, left: Tensor, right: Tensor) -> list[Tensor]:
    """Places, in the flattened batch, of all nodes of height 0, 1, 2 ...; filled up places are in none."""
    height = torch.where(word > 0, 0, -1)
    inner = left > 0
    # Children stand after their parents, so going backward meets them first.
    for node in range(word.shape[1] - 1, -1, -1):
        below = torch.maximum(height.gather(1, left[:, node : node + 1]), height.gather(1, right[:, node : node + 1]))[:, 0]
        height[:, node] = torch.where(inner[:, node], below + 1, height[:, node])
    flat = height.flatten()
    return [(flat == level).nonzero()[:, 0] for level in range(int(flat.max()) + 1)]


Tree = tuple[list[str], list[int], list[int], list[int]]
"""Words (empty for inner nodes), left and right children, grades."""


def parse(line: str) -> Tree:
    """A tree from its brackets: ``(3 (2 It) (4 works))``."""
    words: list[str] = []
    left: list[int] = []
    right: list[int] = []
    grades: list[int] = []
    open_nodes: list[list[int]] = []
    for token in re.findall(r"\((?=\d)|\d(?= [^)])|[^\s()]+|\)", line):
        if token == "(":
            node = len(words)
            for children in open_nodes[-1:]:
                children.append(node)
            words.append("")
            left.append(0)
            right.append(0)
            grades.append(-1)
            open_nodes.append([node])
        elif token == ")":
            node, *children = open_nodes.pop()
            if children:
                left[node], right[node] = children
        elif grades[open_nodes[-1][0]] < 0:
            grades[open_nodes[-1][0]] = int(token)
        else:
            words[open_nodes[-1][0]] = token.lower()
    return words, left, right, grades


def read(part: str, limit: int | None = None) -> list[Tree]:
    """The trees of ``train``, ``validation`` or ``test``."""
    with zipfile.ZipFile(FILE) as archive:
        lines = archive.read(f"trees/{PARTS[part]}.txt").decode().splitlines()
    return [parse(line) for line in lines[:limit]]


def dataset(trees: list[Tree], vocabulary: dict[str, int], nodes: int) -> lm.Dataset:
    """Trees as arrays; only real nodes are judged."""
    rows = {
        "word": [[vocabulary.get(word, 1) if word else 0 for word in tree[0]] for tree in trees],
        "left": [tree[1] for tree in trees],
        "right": [tree[2] for tree in trees],
    }
    real = np.arange(nodes)[None, :] < np.array([len(tree[0]) for tree in trees])[:, None]

    def filled(values: list[list[int]]) -> np.ndarray:
        return np.array([[*row, *[0] * (nodes - len(row))] for row in values])

    shapes = {"word": lm.tokens(None, len(vocabulary) + 2), "left": lm.tokens(None, nodes), "right": lm.tokens(None, nodes)}
    grades = filled([tree[3] for tree in trees])[:, :, None]
    inputs = {name: filled(row) for name, row in rows.items()}
    return lm.Dataset.from_arrays(inputs, {"output": grades}, list("01234"), shape=shapes, kind="classes", masks={"output": real})


def main(*, epochs: int = 8, limit: int | None = None, size: int = 96, **changes: Any) -> tuple[float, float]:
    """Train, and judge whole sentences.

    Args:
        epochs: Passes over the 8,544 sentences.
        limit: Sentences of each part to use; all by default.
        size: Of memory and word vectors.
        **changes: Settings of `Model.fit` to change.

    Returns:
        Share of test sentences whose grade is right; and, of those that are not neutral, whose sign is.
    """
    trees = {part: read(part, limit) for part in PARTS}
    words = sorted({word for tree in trees["train"] for word in tree[0] if word})
    vocabulary = {word: number + 2 for number, word in enumerate(words)}  # 0: none, 1: unknown
    nodes = max(len(tree[0]) for part in trees.values() for tree in part)
    data = {part: dataset(found, vocabulary, nodes) for part, found in trees.items()}
    model = lm.Model(TreeLSTM(len(vocabulary) + 2, size), loss="cross_entropy", input=data["train"].schema.inputs, seed=1)
    settings: dict[str, Any] = {"batch_size": 64, "optimizer": lm.AdamW(0.002, weight_decay=0.05), "clip": 5.0, "threads": 1}
    model.fit(data["train"], validation=data["validation"], epochs=epochs, **{**settings, **changes})
    scores = model.predict(data["test"])[:, 0]
    grades = data["test"].targets["output"][:, 0, 0]
    exact = float((scores.argmax(1) == grades).mean())
    positive = scores[:, 3:].sum(1) > scores[:, :2].sum(1)
    clear = grades != 2
    sign = float((positive == (grades > 2))[clear].mean())
    print(f"Test sentences: {exact:.1%} of the grades right, {sign:.1%} of the signs")
    return exact, sign


if __name__ == "__main__":
    main()
