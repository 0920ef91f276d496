"""Trees of ``ai.onnx.ml``, all rows going down at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.operators.learners import ML, both_classes, labels, real, transformed
from lamina.engine.operators.registry import Context, operator

Floats = list[float] | None
Ints = list[int] | None
Words = list[str] | None
_MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "MEMBER")
_MOST_LEVELS = 10_000


class Forest:
    """Trees as arrays: for each node its test and where it leads.

    Args:
        modes: Kind of test, by its place in ONNX's list; -1 for a leaf.
        features: Which feature is tested.
        values: What it is compared with.
        yes: Node to go to if the test holds.
        no: Node to go to if it doesn't.
        roots: Where trees begin.
        missing: Whether a missing number counts as passing.
        members: Sets of numbers, by node.
    """

    def __init__(
        self,
        modes: list[int],
        features: list[int],
        values: list[float],
        yes: list[int],
        no: list[int],
        roots: list[int],
        missing: list[int],
        members: dict[int, list[float]],
    ) -> None:
        self.modes, self.features = torch.tensor(modes), torch.tensor(features)
        self.values = torch.tensor(values, dtype=torch.float64)
        self.yes, self.no, self.roots = torch.tensor(yes), torch.tensor(no), torch.tensor(roots)
        self.missing, self.members = torch.tensor(missing, dtype=torch.bool), members

    def leaves(self, x: Tensor, context: Context) -> Tensor:
        """The leaf that each row ends in, in each tree: ``[rows, trees]``."""
        place = self.roots[None].expand(x.shape[0], -1).clone()
        rows = torch.arange(x.shape[0])[:, None]
        for _ in range(_MOST_LEVELS):
            kinds = self.modes[place]
            inner = kinds >= 0
            if not inner.any():
                return place
            value = x[rows, self.features[place].clamp(max=x.shape[1] - 1)].cpu()
            limit = self.values[place].to(value.dtype)
            tests = [value <= limit, value < limit, value >= limit, value > limit, value == limit, value != limit]
            passed = torch.zeros_like(inner)
            for number, test in enumerate(tests):
                passed |= (kinds == number) & test
            for node, known in self.members.items():
                here = place == node
                passed |= here & torch.isin(value, torch.tensor(known, dtype=value.dtype))
            passed |= torch.isnan(value) & self.missing[place]
            place = torch.where(inner, torch.where(passed, self.yes[place], self.no[place]), place)
        raise context.refused(expected=f"trees of at most {_MOST_LEVELS:,} levels", got="more, or a circle", fix="the model is damaged")


def _classic(options: dict[str, Any], context: Context) -> tuple[Forest, dict[tuple[int, int], int]]:
    trees, nodes = options["nodes_treeids"] or [], options["nodes_nodeids"] or []
    numbers = {key: place for place, key in enumerate(zip(trees, nodes, strict=True))}
    words = options["nodes_modes"] or []
    modes = [-1 if word == "LEAF" else _MODES.index(word) for word in words]

    def target(tree: int, node: int, place: int) -> int:
        found = numbers.get((tree, node), place if modes[place] < 0 else -1)
        if found < 0:
            raise context.refused(expected=f"a node {node} of tree {tree}", got="none", fix="the model is damaged")
        return found

    yes = [target(tree, node, place) for place, (tree, node) in enumerate(zip(trees, options["nodes_truenodeids"], strict=True))]
    no = [target(tree, node, place) for place, (tree, node) in enumerate(zip(trees, options["nodes_falsenodeids"], strict=True))]
    inner = {child for place, pair in enumerate(zip(yes, no, strict=True)) if modes[place] >= 0 for child in pair}
    roots = [place for place in range(len(modes)) if place not in inner]
    missing = list(options["nodes_missing_value_tracks_true"] or [0] * len(modes))
    values = [float(value) for value in options["nodes_values"]]
    return Forest(modes, list(options["nodes_featureids"]), values, yes, no, roots, missing, {}), numbers


def _summed(
    forest: Forest,
    numbers: dict[tuple[int, int], int],
    x: Tensor,
    table: tuple[Ints, Ints, Ints, Floats],
    width: int,
    how: str,
    context: Context,
) -> Tensor:
    """What the leaves of all trees say together, ``[rows, width]``."""
    trees, nodes, columns, weights = table
    count = len(forest.modes)
    votes = torch.zeros(count, width, dtype=torch.float64)
    voted = torch.zeros(count, width, dtype=torch.bool)
    for tree, node, column, weight in zip(trees or (), nodes or (), columns or (), weights or (), strict=True):
        votes[numbers[tree, node], column] += float(weight)
        voted[numbers[tree, node], column] = True
    leaves = forest.leaves(x, context)
    return gathered(votes, voted, leaves, how).to(x.dtype).to(x.device)


def gathered(votes: Tensor, voted: Tensor, leaves: Tensor, how: str) -> Tensor:
    """Votes of leaves put together: ``SUM``, ``AVERAGE``, ``MIN`` or ``MAX``."""
    found = votes[leaves]
    if how in ("SUM", "AVERAGE"):
        return found.sum(1) / (leaves.shape[1] if how == "AVERAGE" else 1)
    limit = float("inf") if how == "MIN" else float("-inf")
    found = torch.where(voted[leaves], found, torch.full_like(found, limit))
    found = found.amin(1) if how == "MIN" else found.amax(1)
    return torch.where(torch.isinf(found), torch.zeros_like(found), found)


@operator("TreeEnsembleRegressor", domain=ML)
def tree_regressor(
    x: Tensor,
    *,
    aggregate_function: str = "SUM",
    base_values: Floats = None,
    n_targets: int = 1,
    nodes_falsenodeids: Ints = None,
    nodes_featureids: Ints = None,
    nodes_hitrates: Floats = None,
    nodes_missing_value_tracks_true: Ints = None,
    nodes_modes: Words = None,
    nodes_nodeids: Ints = None,
    nodes_treeids: Ints = None,
    nodes_truenodeids: Ints = None,
    nodes_values: Floats = None,
    post_transform: str = "NONE",
    target_ids: Ints = None,
    target_nodeids: Ints = None,
    target_treeids: Ints = None,
    target_weights: Floats = None,
    context: Context,
) -> Tensor:
    """Numbers that trees agree on."""
    y = real(x, context)
    forest, numbers = _classic(locals(), context)
    table = (target_treeids, target_nodeids, target_ids, target_weights)
    found = _summed(forest, numbers, y, table, n_targets, aggregate_function, context)
    if base_values:
        found = found + torch.tensor([float(value) for value in base_values], dtype=found.dtype, device=found.device)
    return transformed(found, post_transform)


@operator("TreeEnsembleClassifier", domain=ML)
def tree_classifier(
    x: Tensor,
    *,
    base_values: Floats = None,
    class_ids: Ints = None,
    class_nodeids: Ints = None,
    class_treeids: Ints = None,
    class_weights: Floats = None,
    classlabels_int64s: Ints = None,
    classlabels_strings: Words = None,
    nodes_falsenodeids: Ints = None,
    nodes_featureids: Ints = None,
    nodes_hitrates: Floats = None,
    nodes_missing_value_tracks_true: Ints = None,
    nodes_modes: Words = None,
    nodes_nodeids: Ints = None,
    nodes_treeids: Ints = None,
    nodes_truenodeids: Ints = None,
    nodes_values: Floats = None,
    post_transform: str = "NONE",
    context: Context,
) -> Any:
    """The class that trees agree on, and all votes."""
    y = real(x, context)
    forest, numbers = _classic(locals(), context)
    classes = len(classlabels_int64s or classlabels_strings or ())
    used = sorted(set(class_ids or ()))
    found = _summed(forest, numbers, y, (class_treeids, class_nodeids, class_ids, class_weights), max(classes, 1), "SUM", context)
    if base_values:
        base = torch.tensor([float(value) for value in base_values], dtype=found.dtype, device=found.device)
        found = found + (base if len(base) == found.shape[1] else torch.nn.functional.pad(base, (found.shape[1] - len(base), 0)))
    if classes == 2 and len(used) == 1:
        score = found[:, used[0] : used[0] + 1]
        whole = all(float(weight) >= 0 for weight in class_weights or ()) and post_transform == "NONE"
        places = (score[:, 0] > (0.5 if whole else 0)).long()
        found = torch.cat([1 - score, score], 1) if whole else both_classes(score, post_transform)
    else:
        places = found.argmax(-1)
    return labels(places, classlabels_strings, classlabels_int64s), transformed(found, post_transform)


@operator("TreeEnsemble", domain=ML)
def tree_ensemble(
    x: Tensor,
    *,
    aggregate_function: int = 1,
    leaf_targetids: list[int],
    leaf_weights: Any,
    membership_values: Any = None,
    n_targets: int = 1,
    nodes_falseleafs: list[int],
    nodes_falsenodeids: list[int],
    nodes_featureids: list[int],
    nodes_hitrates: Any = None,
    nodes_missing_value_tracks_true: Ints = None,
    nodes_modes: Any,
    nodes_splits: Any,
    nodes_trueleafs: list[int],
    nodes_truenodeids: list[int],
    post_transform: int = 0,
    tree_roots: list[int],
    context: Context,
) -> Tensor:
    """Numbers that trees agree on, in the newest form."""
    y = real(x, context)
    count, leaves = len(nodes_featureids), len(leaf_targetids)
    modes = [int(mode) for mode in nodes_modes["values"]] + [-1] * leaves
    splits = [float(value) for value in nodes_splits["values"]] + [0.0] * leaves
    yes = [place + (count if leaf else 0) for place, leaf in zip(nodes_truenodeids, nodes_trueleafs, strict=True)]
    no = [place + (count if leaf else 0) for place, leaf in zip(nodes_falsenodeids, nodes_falseleafs, strict=True)]
    ends = list(range(count, count + leaves))
    members: dict[int, list[float]] = {}
    given = iter(float(value) for value in (membership_values or {"values": []})["values"])
    for place, mode in enumerate(modes):
        if mode == 6:
            members[place] = []
            for value in given:
                if value != value:  # noqa: PLR0124 - a number that is none ends the set
                    break
                members[place].append(value)
    missing = list(nodes_missing_value_tracks_true or [0] * count) + [0] * leaves
    forest = Forest(modes, list(nodes_featureids) + [0] * leaves, splits, yes + ends, no + ends, list(tree_roots), missing, members)
    votes = torch.zeros(count + leaves, n_targets, dtype=torch.float64)
    voted = torch.zeros(count + leaves, n_targets, dtype=torch.bool)
    for number, (target, weight) in enumerate(zip(leaf_targetids, leaf_weights["values"], strict=True)):
        votes[count + number, target] = float(weight)
        voted[count + number, target] = True
    how = ("AVERAGE", "SUM", "MIN", "MAX")[aggregate_function]
    found = gathered(votes, voted, forest.leaves(y, context), how).to(y.dtype).to(y.device)
    return transformed(found, ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")[post_transform])
