"""Photos from disk to batches: Lamina's `image_folder` against ``torch.utils.data.DataLoader`` with Pillow.

2,000 JPEGs of 500 by 375, made of real photos in the same way each time, become batches of 64 of 224 by 224: decoded, a part of any size
cut out anywhere and brought to one size, mirrored by chance, as float32, standardised channel by channel. Both sides draw the same kind of
parts, shuffle, have two workers (processes there, threads here) and give every batch to a loop that looks at its shape. They take
turns within one process; a round is an epoch.

Prediction, written before the first run: DataLoader spends per photo about 0.9 ms on decoding, 0.8 on Pillow's resizing of four
bytes a pixel, 0.4 on float conversion, scaling and collating, and pickles batches through shared memory; Lamina 0.7 (simplejpeg
gives arrays without Pillow's copy), 0.2 (integer kernels with vector instructions) and 0.2 (once, in place of the batch). So 2 to 1 with
simplejpeg on two cores, 1.6 to 1 without. Threads may lose some of it to the interpreter's lock.

Run with ``LAMINA_DATA=... python benchmarks/data/images.py [--rounds 5] [--photos 2000] [--workers 2] [--markdown]``.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from lamina.data.config import DataConfig, prepare
from lamina.data.images import decode
from lamina.data.loader import Loader

WIDTH, HEIGHT, SIDE, BATCH = 500, 375, 224, 64
AREA, RATIO = (0.08, 1.0), (0.75, 4 / 3)


def make_photos(folder: Path, count: int) -> None:
    """Parts of real photos, each another one, as JPEGs of the quality that cameras write; two classes."""
    data = Path(os.environ["LAMINA_DATA"])
    sources = [*sorted((data / "test-images").glob("*.jpg")), *sorted((data / "bccd" / "BCCD" / "JPEGImages").glob("*.jpg"))[:12]]
    pictures = [Image.open(path).convert("RGB") for path in sources]
    rng = np.random.default_rng(1)
    for number in range(count):
        picture = pictures[number % len(pictures)]
        scale = rng.uniform(0.6, 1.0) * min(picture.width / WIDTH, picture.height / HEIGHT)
        width, height = int(WIDTH * scale), int(HEIGHT * scale)
        left, top = int(rng.integers(0, picture.width - width + 1)), int(rng.integers(0, picture.height - height + 1))
        part = picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))
        target = folder / ("even", "odd")[number % 2] / f"{number:05}.jpg"
        target.parent.mkdir(exist_ok=True)
        part.save(target, quality=90)


class Photos(Dataset):
    """What one writes by hand, operation by operation as torchvision's transforms on Pillow's pictures do it."""

    def __init__(self, folder: Path, mean: np.ndarray, deviation: np.ndarray) -> None:
        self.files = sorted(folder.rglob("*.jpg"))
        self.mean, self.deviation = (torch.tensor(numbers, dtype=torch.float32)[:, None, None] for numbers in (mean, deviation))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with self.files[index].open("rb") as file:
            picture = Image.open(file).convert("RGB")
        left, top, width, height = self.part(*picture.size)
        picture = picture.crop((left, top, left + width, top + height)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        if torch.rand(1) < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        tensor = torch.from_numpy(np.array(picture, copy=True)).permute(2, 0, 1).contiguous().to(torch.float32).div(255)
        return tensor.sub_(self.mean).div_(self.deviation), index % 2

    @staticmethod
    def part(width: int, height: int) -> tuple[int, int, int, int]:
        for _ in range(10):
            room = width * height * torch.empty(1).uniform_(*AREA).item()
            ratio = math.exp(torch.empty(1).uniform_(math.log(RATIO[0]), math.log(RATIO[1])).item())
            own_width, own_height = round(math.sqrt(room * ratio)), round(math.sqrt(room / ratio))
            if 0 < own_width <= width and 0 < own_height <= height:
                top, left = torch.randint(0, height - own_height + 1, (1,)).item(), torch.randint(0, width - own_width + 1, (1,)).item()
                return int(left), int(top), own_width, own_height
        return 0, 0, width, height


def described(folder: Path, workers: int) -> Loader:
    config = DataConfig.from_dict(
        {
            "source": {
                "type": "image_folder",
                "path": str(folder),
                "prepare": [{"type": "random_resized_crop", "size": SIDE}],
                "augment": ["random_flip"],
            },
            "normalize": "standardize",
        }
    )
    return Loader(prepare(config, seed=7).train, BATCH, seed=7, workers=workers)


def epoch(batches: object) -> int:
    seen = 0
    for batch in batches:  # type: ignore[attr-defined]
        inputs = batch.inputs["input"] if hasattr(batch, "inputs") else batch[0]
        assert inputs.dtype == torch.float32
        assert tuple(inputs.shape[1:]) == (3, SIDE, SIDE)
        seen += len(inputs)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_photos(folder, options.photos)
        loader = described(folder, options.workers)
        sample = loader.dataset.preprocessing.input_scales["input"]
        by_hand = DataLoader(
            Photos(folder, sample.offset / 255, 1 / sample.factor / 255),
            BATCH,
            shuffle=True,
            num_workers=options.workers,
            persistent_workers=options.workers > 0,
        )
        contenders: dict[str, Callable[[], int]] = {
            "DataLoader + Pillow": lambda: epoch(by_hand),
            "Lamina, simplejpeg": lambda: epoch(loader),
        }
        real = decode.simplejpeg

        def without() -> int:
            decode.simplejpeg = lambda: None
            try:
                return epoch(loader)
            finally:
                decode.simplejpeg = real

        contenders["Lamina, Pillow"] = without
        times: dict[str, list[float]] = {who: [] for who in contenders}
        for turn in range(options.rounds + 1):
            for who, run in contenders.items():
                started = time.perf_counter()
                assert run() == options.photos
                if turn:
                    times[who].append(time.perf_counter() - started)
    report(times, options.photos, markdown=options.markdown)


def report(times: dict[str, list[float]], photos: int, *, markdown: bool) -> None:
    base = times["DataLoader + Pillow"]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, Pillow {Image.__version__}")
    rows = []
    for who, own in times.items():
        pairs = statistics.median(one / other for one, other in zip(base, own, strict=True))
        rate = [photos / seconds for seconds in own]
        rows.append((who, f"{statistics.median(rate):,.0f}", f"{min(rate):,.0f} to {max(rate):,.0f}", f"{pairs:.2f}"))
    head = ("", "photos a second", "spread", "times as fast")
    if markdown:
        print(*(f"| {' | '.join(row)} |" for row in (head, ("---",) * 4, *rows)), sep="\n")
        return
    for row in (head, *rows):
        print(f"{row[0]:<22}{row[1]:>17}{row[2]:>18}{row[3]:>15}")


if __name__ == "__main__":
    main()
