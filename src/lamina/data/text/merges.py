"""Byte-pair encoding: learned by putting the most frequent pair together, again and again; used in the order in which it was learned."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

Pair = tuple[int, int]
Rules = Mapping[Pair, tuple[int, int]]
"""Two tokens in a row: when they are put together, and what becomes of them."""
SHORT = 40
"""Words of at most so many tokens are searched through; longer ones take a heap."""


def learn_pairs(
    words: Sequence[tuple[Sequence[int], int]],
    tokens: list[str],
    join: Callable[[str, str], str],
    *,
    size: int,
    least: int,
    forbidden: frozenset[str] = frozenset(),
) -> list[Pair]:
    """Find the pairs to put together; ``tokens`` grows by what becomes of them.

    Of equally frequent pairs that with the lower numbers comes first, so the outcome is a function of the counts alone.

    Args:
        words: Tokens of each word, and how often it is there.
        tokens: Names by number.
        join: The name of two in a row.
        size: Tokens there shall be at most.
        least: Pairs that are there less often stay apart.
        forbidden: Names that nothing may get.

    Example:
        >>> tokens = ["a", "b"]
        >>> learn_pairs([([0, 1, 0, 1], 3), ([1, 0], 2)], tokens, str.__add__, size=4, least=2), tokens
        ([(0, 1), (2, 2)], ['a', 'b', 'ab', 'abab'])
    """
    numbers = {token: number for number, token in enumerate(tokens)}
    rows = [list(row) for row, _ in words]
    counts: dict[Pair, int] = defaultdict(int)
    where: dict[Pair, set[int]] = defaultdict(set)
    for place, row in enumerate(rows):
        for pair in zip(row, row[1:], strict=False):
            counts[pair] += words[place][1]
            where[pair].add(place)
    heap = [(-count, pair) for pair, count in counts.items()]
    heapq.heapify(heap)
    merges: list[Pair] = []
    while heap and len(tokens) < size:
        count, pair = heapq.heappop(heap)
        if -count != counts.get(pair, 0):
            # Something else was put together since; as often as it is there now it stands in the heap too.
            continue
        if -count < max(least, 1):
            break
        name = join(tokens[pair[0]], tokens[pair[1]])
        if name in forbidden:
            continue
        number = numbers.setdefault(name, len(tokens))
        if number == len(tokens):
            tokens.append(name)
        merges.append(pair)
        changed: set[Pair] = set()
        for place in where.pop(pair):
            changed |= _put_together(rows, place, words[place][1], pair, number, counts, where)
        counts.pop(pair, None)
        for other in changed - {pair}:
            if counts[other] > 0:
                heapq.heappush(heap, (-counts[other], other))
    return merges


def _put_together(
    rows: list[list[int]], place: int, times: int, pair: Pair, number: int, counts: dict[Pair, int], where: dict[Pair, set[int]]
) -> set[Pair]:
    """Put a pair together in one word; the pairs that are there more or less often now."""
    old, new = rows[place], _merged(rows[place], pair, number)
    before, after = list(zip(old, old[1:], strict=False)), list(zip(new, new[1:], strict=False))
    change: dict[Pair, int] = defaultdict(int)
    for one in before:
        change[one] -= times
    for one in after:
        change[one] += times
        where[one].add(place)
    for one, much in change.items():
        counts[one] += much
    rows[place] = new
    return {one for one, much in change.items() if much}


def _merged(row: list[int], pair: Pair, number: int) -> list[int]:
    new: list[int] = []
    at = 0
    while at < len(row):
        if row[at] == pair[0] and at + 1 < len(row) and row[at + 1] == pair[1]:
            new.append(number)
            at += 2
        else:
            new.append(row[at])
            at += 1
    return new


def put_together(row: Sequence[int], rules: Rules) -> list[int]:
    """The tokens of a word after all rules: always the earliest one, of several places the first.

    Example:
        >>> put_together([0, 1, 0, 1, 0], {(0, 1): (0, 2), (2, 2): (1, 3)})
        [3, 0]
    """
    return _searched(list(row), rules) if len(row) <= SHORT else _heaped(list(row), rules)


def _searched(row: list[int], rules: Rules) -> list[int]:
    while len(row) > 1:
        best, place = None, 0
        for at in range(len(row) - 1):
            rule = rules.get((row[at], row[at + 1]))
            if rule is not None and (best is None or rule[0] < best[0]):
                best, place = rule, at
        if best is None:
            break
        row[place : place + 2] = [best[1]]
    return row


def _heaped(row: list[int], rules: Rules) -> list[int]:
    """As `_searched`, in n log n: words can be millions of letters long."""
    count = len(row)
    following, before = [*range(1, count), -1], [*range(-1, count - 1)]
    heap = [(rules[pair][0], at, pair) for at, pair in enumerate(zip(row, row[1:], strict=False)) if pair in rules]
    heapq.heapify(heap)
    while heap:
        _, at, pair = heapq.heappop(heap)
        other = following[at]
        if row[at] != pair[0] or other == -1 or row[other] != pair[1]:
            continue
        row[at], row[other] = rules[pair][1], -1
        following[at] = following[other]
        if following[at] != -1:
            before[following[at]] = at
        for left in (before[at], at):
            right = following[left] if left != -1 else -1
            if right != -1 and (row[left], row[right]) in rules:
                heapq.heappush(heap, (rules[row[left], row[right]][0], left, (row[left], row[right])))
    return [token for token in row if token != -1]
