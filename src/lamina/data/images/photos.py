"""Pictures of files as arrays: decoded and prepared when a batch asks for them, in the thread that asks."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lamina.data.groups import LazyGroup
from lamina.data.images.decode import decode, from_memory
from lamina.data.images.decoding import Decoding
from lamina.data.images.draws import Draws
from lamina.data.images.halfway import PIXELS, fixed_size, overlays, packed, unpacked
from lamina.data.images.picture import Picture
from lamina.data.images.step import ImageStep, run
from lamina.data.images.things import Things
from lamina.data.lazy import Address
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.caching.keeper import Keeper, Objects

OVERHEAD = 1024
"""Bytes that a kept picture takes beside its pixels, about."""


class Readable(Protocol):
    """Whatever has the bytes of an image, such as `lamina.data.storage.DataFile`.

    Attributes:
        name: For messages.
    """

    name: str

    def read(self) -> Any:
        """Its bytes; or a picture that is decoded already."""
        ...


@dataclass(frozen=True)
class Photo:
    """A picture to be.

    Attributes:
        file: Where its bytes are.
        things: What is to be found in it, in pixels of the whole picture.
        region: The part that counts: left, top, right, bottom in pixels of the whole picture; None: all.
        mask: Gives the class of each pixel; None where there is none.
        size: Height and width that whoever drew the boxes saw; None: not known.
        shares: Whether boxes and region are in shares of the picture, not in pixels.
        where: What says the boxes, for messages.
    """

    file: Readable
    things: Things | None = None
    region: tuple[float, float, float, float] | None = None
    mask: Callable[[], np.ndarray] | None = None
    size: tuple[int, int] | None = None
    shares: bool = False
    where: str = ""


@dataclass(frozen=True)
class Target:
    """An array made of each picture beside its pixels.

    Attributes:
        shape: For one picture.
        dtype: Of the array.
        make: Gives it for the prepared picture.
    """

    shape: tuple[int, ...]
    dtype: Any
    make: Callable[[Picture], np.ndarray]


class Photos(LazyGroup):
    """Pictures of one size and what belongs to them.

    Args:
        photos: The pictures to be.
        size: Height and width that they have at the end.
        channels: Of the files when they are read.
        decode: How they are read.
        prepare: Steps for each picture, always.
        augment: Steps after these, where an address is given: in training.
        deep: Channels at the end; as read unless steps change them.
        targets: Further arrays by name.
        threads: That share the pictures of one call; 0: the calling thread does it alone, as the threads of a loader do.
    """

    def __init__(
        self,
        photos: Sequence[Photo],
        size: tuple[int, int],
        *,
        channels: int = 3,
        decode: Decoding | None = None,
        prepare: Sequence[ImageStep] = (),
        augment: Sequence[ImageStep] = (),
        deep: int | None = None,
        targets: Mapping[str, Target] | None = None,
        threads: int = 0,
    ) -> None:
        self.photos, self.size, self.channels, self.decode = list(photos), size, channels, decode or Decoding()
        self.prepare, self.augment, self.targets, self.threads = tuple(prepare), tuple(augment), dict(targets or {}), threads
        # Whatever augment does, it does in training alone.
        self.draws = bool(self.augment) or any(step.varies for step in self.prepare)
        # Steps that do the same every time: what they give can be kept. (Before a first one that draws, decoding itself may differ.)
        self.steady_steps = next((place for place, step in enumerate(self.prepare) if step.varies), len(self.prepare))
        self._halfway: tuple[LazyGroup, int] | None = None
        self._objects: Objects | None = None
        own = {name: (target.shape, target.dtype) for name, target in self.targets.items()}
        super().__init__(len(self.photos), {PIXELS: ((deep or channels, *size), self.decode.dtype), **own})

    @property
    def fingerprint(self) -> str | None:
        """Of the files as they are now, and of all that is done to them; None, if not all of it is in files."""
        digest = hashlib.blake2b(digest_size=16)
        for photo in self.photos:
            own = getattr(photo.file, "fingerprint", None)
            mask = "" if photo.mask is None else getattr(photo.mask, "fingerprint", None)
            if own is None or mask is None:
                return None
            things = None if photo.things is None else (photo.things.boxes.tolist(), photo.things.kinds.tolist())
            digest.update(repr((own, mask, things, photo.region, photo.shares)).encode())
        steps = [step.to_dict(full=True) for step in (*self.prepare, *self.augment)]
        digest.update(repr((self.arrays, self.channels, self.decode.to_dict(full=True), steps)).encode())
        return digest.hexdigest()

    def keep(self, keeper: Keeper) -> LazyGroup:
        """With pictures kept as they are before the first step that draws: as arrays where they have one size there, else one by one."""
        if not self.draws:
            return keeper.group(self)
        if self.steady_steps == 0 and self.prepare:
            return self
        kept = copy.copy(self)
        found = fixed_size(self.prepare[: self.steady_steps], len(self.prepare), self.channels, self.size)
        if found is None:
            kept._objects = keeper.objects()
            return kept
        count, size, deep = found
        steps = self.prepare[:count]
        first = Halfway(self.photos, size, channels=self.channels, decode=self.decode, prepare=steps, deep=deep, threads=self.threads)
        kept._halfway = keeper.group(first), count
        return kept

    def take(self, indices: np.ndarray, address: Address | None = None) -> Mapping[str, np.ndarray]:
        arrays = {name: np.empty((len(indices), *shape), dtype) for name, (shape, dtype) in self.arrays.items()}
        seeds = [None] * len(indices) if address is None else address.draws(np.asarray(indices), "images").tolist()
        places = zip(range(len(indices)), np.asarray(indices).tolist(), seeds, strict=True)
        if self.threads < 2 or len(indices) < 2:
            for place in places:
                self._fill(arrays, *place)
        else:
            with ThreadPoolExecutor(self.threads, thread_name_prefix="lamina-photos") as pool:
                for _ in pool.map(lambda place: self._fill(arrays, *place), places):
                    pass
        return arrays

    def _fill(self, arrays: Mapping[str, np.ndarray], row: int, index: int, seed: int | None) -> None:
        picture = self.picture(index, None if seed is None else Draws(seed))
        shape = arrays[PIXELS].shape[1:]
        if (picture.channels, *picture.size) != shape:
            raise other_size(self.photos[index].file.name, (picture.channels, *picture.size), shape)
        arrays[PIXELS][row] = picture.pixels.transpose(2, 0, 1)
        self._write(picture, arrays, row)

    def _write(self, picture: Picture, arrays: Mapping[str, np.ndarray], row: int) -> None:
        """What is made of a picture beside its pixels."""
        for name, target in self.targets.items():
            arrays[name][row] = target.make(picture)

    def picture(self, index: int, draws: Draws | None = None) -> Picture:
        """A picture after all steps.

        Args:
            index: Number of the picture.
            draws: Its random numbers; None for a model that is judged or asked, when ``augment`` is left out too.
        """
        if draws is not None:
            draws.others = lambda other, theirs: self._prepared(other, theirs)
            draws.count = len(self.photos)
        picture = self._prepared(index, draws)
        return picture if draws is None else run(self.augment, picture, draws, len(self.prepare))

    def _prepared(self, index: int, draws: Draws | None) -> Picture:
        if self._halfway is not None:
            group, count = self._halfway
            return self._run(self.prepare[count:], unpacked(group.take(np.array([index])), 0), draws, index, count)
        if self._objects is None:
            return self._run(self.prepare, self._decoded(index, draws), draws, index, 0)
        picture: Picture | None = self._objects.get(index)
        if picture is None:
            picture = self._run(self.prepare[: self.steady_steps], self._decoded(index, draws), draws, index, 0)
            size = picture.pixels.nbytes + (0 if picture.mask is None else picture.mask.nbytes)
            self._objects.put(index, picture, size + OVERHEAD)
        return self._run(self.prepare[self.steady_steps :], picture, draws, index, self.steady_steps)

    def _run(self, steps: Sequence[ImageStep], picture: Picture, draws: Draws | None, index: int, first: int) -> Picture:
        try:
            return run(steps, picture, draws, first)
        except DataError as error:
            raise _named(error, self.photos[index].file.name) from error

    def _decoded(self, index: int, draws: Draws | None) -> Picture:
        photo = self.photos[index]
        name = photo.file.name
        whole = photo.region is None and photo.mask is None
        first = self.prepare[0] if self.prepare and whole else None
        least = None if first is None else lambda size: first.least(size, None if draws is None else draws.child(0))
        data = photo.file.read()
        how = self.channels, self.decode
        found = decode(data, name, *how, least) if isinstance(data, bytes) else from_memory(data, name, *how)
        picture = Picture(found.pixels, None if photo.mask is None else photo.mask(), None)
        if picture.mask is not None and picture.mask.shape != picture.size:
            raise _other_mask(name, picture)
        if photo.size is not None and photo.size != found.original:
            raise _other_picture(photo, name, found.original)
        seen = (1, 1) if photo.shares else found.original
        across, down = picture.size[1] / seen[1], picture.size[0] / seen[0]
        if photo.things is not None:
            picture = replace(picture, things=photo.things.moved(np.diag([across, down, 1.0]), picture.size))
        if photo.region is not None:
            left, top, right, bottom = photo.region
            picture = picture.cropped(*_region((left * across, top * down, right * across, bottom * down), picture.size, name))
        return picture


class Halfway(Photos):
    """Pictures before the first step that draws, with what lies over them as arrays."""

    def __init__(self, photos: Sequence[Photo], size: tuple[int, int], **settings: Any) -> None:
        super().__init__(photos, size, **settings)
        self.arrays |= {name: (shape, np.dtype(dtype)) for name, (shape, dtype) in overlays(photos, size).items()}

    def _write(self, picture: Picture, arrays: Mapping[str, np.ndarray], row: int) -> None:
        packed(picture, arrays, row)


def _region(edges: tuple[float, float, float, float], size: tuple[int, int], name: str) -> tuple[int, int, int, int]:
    """Top, left, height and width in whole pixels within the picture."""
    height, width = size
    left, right = (min(max(round(edge), 0), width) for edge in (edges[0], edges[2]))
    top, bottom = (min(max(round(edge), 0), height) for edge in (edges[1], edges[3]))
    if left >= right or top >= bottom:
        raise DataError(
            "DA136",
            where=name,
            expected=f"a box with an extent within {width} by {height} pixels",
            got=f"left {edges[0]:g}, top {edges[1]:g}, right {edges[2]:g}, bottom {edges[3]:g}",
            cause="the box belongs to another image, or its edges are given in another order",
            fix="correct the annotation, or write invalid: drop in the source",
        )
    return top, left, bottom - top, right - left


def _other_picture(photo: Photo, name: str, size: tuple[int, int]) -> DataError:
    wanted = photo.size or size
    turned = wanted == size[::-1]
    return DataError(
        "DA136",
        where=photo.where or name,
        expected=f"boxes in an image of {size[0]} by {size[1]} (height by width), as {name} is",
        got=f"boxes in one of {wanted[0]} by {wanted[1]}",
        cause="the boxes were drawn before EXIF turned the photo" if turned else "the image was made smaller, or is another one",
        fix="write decode: {orient: false} in the source" if turned else "annotate the image anew, or put back the one that was annotated",
    )


def _named(error: DataError, name: str) -> DataError:
    """A step's error, with the file that it happened to."""
    return DataError.of([replace(problem, where=f"{name}, {problem.where}") for problem in error.problems])


def other_size(name: str, got: tuple[int, ...], wanted: tuple[int, ...]) -> DataError:
    """A picture that does not come out as the others."""
    return DataError(
        "DA132",
        where=name,
        expected=f"an image of {wanted[1]} by {wanted[2]} (height by width) and {wanted[0]} channels, as the others",
        got=f"{got[1]} by {got[2]} and {got[0]} channels",
        cause="the files differ in size, and nothing brings them to one",
        fix="write size: [HEIGHT, WIDTH] in the source, or a step such as {type: resize, size: [224, 224], mode: cover} in prepare",
    )


def _other_mask(name: str, picture: Picture) -> DataError:
    mask = picture.mask if picture.mask is not None else np.empty((0, 0))
    return DataError(
        "DA139",
        where=name,
        expected=f"a mask of {picture.size[0]} by {picture.size[1]} (height by width), as its image",
        got=" by ".join(map(str, mask.shape)),
        cause="image and mask don't belong together, or one of them was made smaller",
        fix="look at the names by which both are paired, or make the masks anew",
    )
