"""Cases whose samples are files: images, annotated images, masks, sounds, texts, sequences; and arrays in files."""

from __future__ import annotations

import io
import json
import math
import struct
import wave
from collections.abc import Callable
from typing import Any

import numpy as np
import soundfile
from hypothesis import strategies as st
from PIL import Image

from .chain import serve_raw, settings, use
from .damage import PIECES, damaged
from .steps import odd
from .tables import rare, tables
from .watch import Case
from .written import numpy, text_of

WORDS = ("low", "high", "é x")


def folder_case(draw: st.DrawFn, case: Case, reader: str) -> None:
    """Some files, one of them damaged now and then; read, prepared and fed; and one of them asked about."""
    files, source = KINDS[reader](draw)
    names = list(files)
    for name in names:
        if rare(draw, 7):
            way = draw(st.sampled_from(("damaged", "damaged", "damaged", "empty", "other", "pieces")))
            if way == "damaged":
                files[name] = draw(damaged(files[name], tuple(files.values())))
            elif way == "other":
                files[name] = files[draw(st.sampled_from(names))]
            else:
                files[name] = b"".join(draw(st.lists(st.sampled_from(PIECES), max_size=5 if way == "pieces" else 0)))
    if rare(draw, 11):
        files["more/" + draw(st.sampled_from(("x.txt", "Thumbs.db", "y.png", "z.wav", ".hidden")))] = b"\0"
    for name, content in files.items():
        case.write(f"data/{name}", content)
    (case.folder / "data").mkdir(exist_ok=True)
    from lamina.spec import registry

    component = registry.get("source", reader)
    if rare(draw, 9):
        source = odd(draw, source, tuple(component.model_fields) if component else ())
    source = {"type": reader, **_below(case, source)}
    config = {"source": source, **settings(draw)}
    if reader in ("arrays", "image_folder") and rare(draw, 5):
        config["augment"] = draw(st.sampled_from(IMAGE_STEPS))
    if rare(draw, 14):
        config = odd(draw, config)
    prepared = use(draw, case, config)
    serve_raw(draw, case, prepared, [str(case.folder / "data" / name) for name in files], [*files.values()])


PATHS = ("path", "annotations", "masks", "manifest", "labels", "inputs", "targets", "subset", "quarantine")


def _below(case: Case, source: dict[str, Any]) -> dict[str, Any]:
    """What is read lies in the folder of the case, whatever it is called."""
    made = dict(source)
    for key in PATHS:
        if isinstance(made.get(key), str):
            made[key] = str(case.folder / "data" / made[key].lstrip("/").replace("..", "__").replace("\0", ""))
    return made


# -- images -----------------------------------------------------------------------------------------------------------

IMAGE_STEPS: tuple[Any, ...] = (
    *(
        "random_flip",
        ["random_flip", {"type": "random_rotate", "degrees": 30}],
        {"type": "random_crop", "size": 4},
        {"type": "crop", "size": 3},
    ),
    *(
        {"type": "resize", "size": 5},
        {"type": "pad", "size": 20},
        ["normalize"],
        "rand_augment",
        {"type": "blur"},
        "equalize",
        "mosaic",
        "cutout",
    ),
    *(
        {"type": "random_affine"},
        {"type": "random_perspective"},
        {"type": "noise"},
        {"type": "resize", "size": 100_000},
        {"type": "crop", "size": 0},
    ),
)


def picture(draw: st.DrawFn, size: tuple[int, int] | None = None, kind: str | None = None) -> bytes:
    """A small picture, in one of the formats and modes that there are."""
    kind = kind or draw(st.sampled_from(("PNG", "JPEG", "PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")))
    modes = {"PNG": ("RGB", "L", "RGBA", "P", "1", "I;16", "LA"), "JPEG": ("RGB", "L", "CMYK"), "GIF": ("P",), "BMP": ("RGB", "L")}
    mode = draw(st.sampled_from(modes.get(kind, ("RGB",))))
    width, height = size or (draw(st.sampled_from((8, 8, 9, 1, 40))), draw(st.sampled_from((8, 8, 7, 1))))
    pixels = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 256, (height, width, 4), dtype=np.uint8)
    grey = mode == "I;16"
    made = Image.fromarray(pixels[..., 0].astype(np.uint16) * 250) if grey else Image.fromarray(pixels).convert(mode)
    buffer, more = io.BytesIO(), {}
    if kind == "JPEG" and rare(draw, 3):
        exif = Image.Exif()
        exif[0x0112] = draw(st.sampled_from((1, 3, 6, 8, 99)))
        more = {"exif": exif}
    made.save(buffer, kind, **more)
    return buffer.getvalue()


def _photos(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"size": draw(st.sampled_from((8, [6, 5], 4)))} if not rare(draw, 5) else {}
    optional = {
        "channels": st.sampled_from((1, 3, 4)),
        "prepare": st.sampled_from(IMAGE_STEPS),
        "augment": st.sampled_from(IMAGE_STEPS),
        "unreadable": st.sampled_from(("drop", "error")),
        "decode": st.sampled_from(({"depth": 16}, {"orient": False}, {"max_pixels": 10})),
    }
    for name, strategy in optional.items():
        if rare(draw, 4):
            made[name] = draw(strategy)
    return made


def image_folder(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Pictures in folders, or with a list."""
    names = [
        f"{draw(st.sampled_from(WORDS))}/{place}_{draw(st.sampled_from('ab'))}.{draw(st.sampled_from(('png', 'jpg', 'bmp')))}"
        for place in range(draw(st.integers(1, 4)))
    ]
    files = {name: picture(draw) for name in names}
    source = {"path": "", **_photos(draw)}
    way = draw(st.sampled_from(("folder", "folder", "none", "pattern", "manifest")))
    if way == "pattern":
        source["pattern"] = draw(st.sampled_from((r"_([ab])", r"(?P<label>\d)_", "(", "nothing", r"(x)?")))
    elif way == "manifest":
        rows = [
            "path,label,who",
            *(f"{name},{draw(st.sampled_from(('x', 'y', '1', '', '0.5')))},{draw(st.sampled_from('uv'))}" for name in names),
        ]
        files["list.csv"] = "\n".join(rows).encode()
        source["manifest"] = "list.csv"
        source |= draw(
            st.sampled_from(({}, {"group": "who"}, {"part": "who"}, {"separator": "|"}, {"kind": "numbers"}, {"target": ["label", "who"]}))
        )
    else:
        source["label"] = way
    return files, source


def detection(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Pictures with boxes, as the usual tools write them."""
    count, tool = draw(st.integers(1, 3)), draw(st.sampled_from(("voc", "coco", "yolo")))
    files = {f"photos/p{place}.png": picture(draw, (12, 10), "PNG") for place in range(count)}
    numbers = st.sampled_from((0, 1, 2, 4, 5, 8, 10, 12, 3.5, -1, 50, math.nan, 1e300, 0))
    boxes = [
        [
            [
                draw(st.sampled_from(("cat", "dog", "")) if rare(draw, 9) else st.sampled_from(("cat", "dog"))),
                *(draw(numbers) if rare(draw, 5) else edge for edge in (1, 2, 8, 9)),
            ]
            for _ in range(draw(st.integers(0, 3)))
        ]
        for _ in range(count)
    ]
    if tool == "voc":
        for place, own in enumerate(boxes):
            things = "".join(
                f"<object><name>{kind}</name><difficult>0</difficult><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
                for kind, a, b, c, d in own
            )
            files[f"boxes/p{place}.xml"] = (
                f"<annotation><filename>p{place}.png</filename><size><width>12</width><height>10</height><depth>3</depth></size>{things}</annotation>".encode()
            )
    elif tool == "yolo":
        for place, own in enumerate(boxes):
            files[f"boxes/p{place}.txt"] = "\n".join(
                f"{('cat', 'dog', '').index(kind)} {a / 12} {b / 10} {c / 24} {d / 20}" for kind, a, b, c, d in own
            ).encode()
    else:
        things = [
            {
                "id": 10 * place + number,
                "image_id": place,
                "category_id": ("cat", "dog", "").index(kind) + 1,
                "bbox": [a, b, c, d],
                "iscrowd": 0,
            }
            for place, own in enumerate(boxes)
            for number, (kind, a, b, c, d) in enumerate(own)
        ]
        images = [{"id": place, "file_name": f"p{place}.png", "width": 12, "height": 10} for place in range(count)]
        files["boxes/all.json"] = json.dumps(
            {"images": images, "annotations": things, "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]}
        ).encode()
    form = draw(
        st.sampled_from(({"form": "list"}, {"form": "list", "most": 2}, {"form": "grid", "grid": 2}, {"form": "crops", "margin": 0.1}))
    )
    source = {"path": "photos", "annotations": "boxes/all.json" if tool == "coco" else "boxes", **form, **_photos(draw)}
    if tool == "yolo":
        source["classes"] = ["cat", "dog"]
    return files, source | draw(st.sampled_from(({}, {}, {"invalid": "drop"}, {"classes": ["cat"], "only": True}, {"difficult": False})))


def segmentation(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Pictures with the class of every pixel."""
    files = {}
    for place in range(draw(st.integers(1, 3))):
        files[f"photos/p{place}.png"] = picture(draw, (8, 6), "PNG")
        codes = np.random.default_rng(place).integers(0, draw(st.sampled_from((2, 2, 2, 3))), (6, 8), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(codes).save(buffer, "PNG")
        files[f"masks/p{place}.png"] = buffer.getvalue()
    classes = draw(st.sampled_from((["a", "b"], {"a": 0, "b": 1}, {"a": [0, 0, 0], "b": [1, 1, 1]}, ["a", "a"], [])))
    return files, {
        "path": "photos",
        "masks": "masks",
        "classes": classes,
        **_photos(draw),
        **draw(st.sampled_from(({}, {"other": "rest"}, {"mask_name": "{name}_m"}))),
    }


# -- sounds, texts, sequences -----------------------------------------------------------------------------------------


def sound(draw: st.DrawFn) -> tuple[str, bytes]:
    """The ending and the bytes of a short clip."""
    kind, rate = draw(st.sampled_from(("wav", "wav", "wav", "flac", "ogg", "mp3"))), draw(st.sampled_from((4000, 8000)))
    count = draw(st.sampled_from((400, 400, 200, 1, 0, 50)))
    values = np.random.default_rng(draw(st.integers(0, 99))).uniform(-1, 1, (count, draw(st.sampled_from((1, 1, 2)))))
    buffer = io.BytesIO()
    if kind == "wav" and draw(st.booleans()):
        width = draw(st.sampled_from((1, 2, 4)))
        with wave.open(buffer, "wb") as file:
            file.setnchannels(values.shape[1])
            file.setsampwidth(width)
            file.setframerate(rate)
            file.writeframes(
                (values * 100).astype({1: "<u1", 2: "<i2", 4: "<i4"}[width], casting="unsafe").tobytes()
                if width > 1
                else bytes(values.size)
            )
        return kind, buffer.getvalue()
    subtype = {
        "wav": draw(st.sampled_from(("FLOAT", "DOUBLE", "PCM_24", "ULAW", "IMA_ADPCM"))),
        "flac": "PCM_16",
        "ogg": "VORBIS",
        "mp3": "MPEG_LAYER_III",
    }[kind]
    soundfile.write(buffer, values, max(rate, 8000) if kind in ("ogg", "mp3") else rate, format=kind.upper(), subtype=subtype)
    content = buffer.getvalue()
    if kind == "wav" and rare(draw, 5):
        content = content[:24] + struct.pack("<I", draw(st.sampled_from((0, 1, 2**31, 2**32 - 1)))) + content[28:]
    return kind, content


def audio_folder(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Clips in folders."""
    files = {}
    for place in range(draw(st.integers(1, 4))):
        kind, content = sound(draw)
        files[f"{draw(st.sampled_from(WORDS))}/{place}.{kind}"] = content
    source: dict[str, Any] = {"path": "", "label": draw(st.sampled_from(("folder", "folder", "none")))}
    features = (
        *(
            {"type": "mfcc", "count": 3, "bands": 5},
            {"type": "mel", "bands": 4},
            {"type": "spectrogram"},
            {"type": "waveform"},
            {"type": "statistics"},
            "mfcc",
        ),
        *(
            {"type": "mfcc", "count": 30, "bands": 4},
            {"type": "spectrogram", "window": 1e-9},
            {"type": "spectrogram", "window": 1e9},
            "nope",
        ),
    )
    optional = {
        "rate": st.sampled_from((4000, 4000, 8000, 1, 768_000)),
        "seconds": st.sampled_from((0.05, 0.05, 0.001, 2.0)),
        "features": st.sampled_from(features),
        "trim": st.sampled_from((20.0, 0.1)),
        "level": st.sampled_from(("peak", "rms")),
        "layout": st.sampled_from(("image", "sequence")),
        "fill": st.sampled_from(("silence", "mask")),
        "keep": st.sampled_from(("start", "middle", "end")),
        "unreadable": st.just("drop"),
        "channels": st.none(),
        "augment": st.sampled_from(("gain", ["gain", "spec_augment"], "noise", "shift", "speed")),
    }
    for name, strategy in optional.items():
        if not rare(draw, 1) and name == "rate" or rare(draw, 2):
            source[name] = draw(strategy)
    return files, source


SENTENCES = (
    "a cat sat on the mat",
    "no",
    "",
    "dogs  bark\n\nloud",
    "é\u0301 ß 😀",
    "x" * 300,
    "\ufeffa\r\nb",
    "buy now !!!",
    "\0",
    "the the the",
)


def _vectorize(draw: st.DrawFn) -> dict[str, Any]:
    tokenizer = draw(
        st.sampled_from(
            (
                "words",
                "characters",
                {"type": "byte_pair", "size": 270},
                {"type": "word_piece", "size": 60},
                {"type": "words", "ngrams": 2},
                "bytes",
                "nope",
            )
        )
    )
    more = ({}, {"begin": True, "end": True}, {"max_tokens": 5}, {"min_count": 2})
    return {"tokenizer": tokenizer, **draw(st.sampled_from(more))}


def text_folder(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Texts in folders."""
    files = {
        f"{draw(st.sampled_from(WORDS))}/{place}.txt": draw(st.sampled_from(SENTENCES)).encode() for place in range(draw(st.integers(1, 5)))
    }
    source: dict[str, Any] = {"path": "", "each": draw(st.sampled_from(("file", "line", "paragraph")))}
    source["vectorize"] = {
        **_vectorize(draw),
        **draw(st.sampled_from(({}, {"output": "counts"}, {"output": "tf_idf"}, {"length": 4}, {"output": "binary"}))),
    }
    source |= draw(
        st.sampled_from(
            ({}, {"label": "none"}, {"label": "file"}, {"label": "first_folder"}, {"pattern": r"(?P<label>\d)"}, {"unlabelled": "missing"})
        )
    )
    return files, source


def running(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Running text."""
    text = "\n".join(draw(st.lists(st.sampled_from(SENTENCES), min_size=3, max_size=20))).encode()
    source: dict[str, Any] = {"path": "poem.txt", "steps": draw(st.sampled_from((2, 3, 8, 64)))}
    if not rare(draw, 4):
        source["vectorize"] = _vectorize(draw)
    optional = {"stride": st.integers(1, 3), "validation": st.sampled_from((0.0, 0.3, 0.9)), "test": st.sampled_from((0.2, 0.5))}
    return {"poem.txt": text}, {**source, **draw(st.fixed_dictionaries({}, optional=optional))}


def masked(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Running text of which tokens are hidden."""
    files, source = running(draw)
    more = (
        {},
        {"unit": "lines"},
        {"masking": {"share": 0.5, "whole_words": True}},
        {"masking": {"share": 0.0}},
        {"masking": {"share": 1.0}},
    )
    return files, {**source, **draw(st.sampled_from(more))}


def sequence_files(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, Any]]:
    """A file for each sequence, and perhaps another for its labels."""
    table = draw(tables(kinds=("integer", "float")))
    names = [name for name in table.names if name and not {*name} & {*',"\n\r'}] or ["a"]
    files = {}
    for place in range(draw(st.integers(1, 3))):
        rows = table.rows()[: draw(st.sampled_from((1, 2, 5, 12)))]
        lines = [",".join(names), *(",".join(text_of(row.get(name)).replace(",", "").replace("\n", "") for name in names) for row in rows)]
        files[f"runs/{draw(st.sampled_from(WORDS))}{place}.csv"] = "\n".join(lines).encode("utf-8", "replace")
    source: dict[str, Any] = {"path": draw(st.sampled_from(("runs", "runs/*.csv")))}
    way = draw(st.sampled_from(("target", "target", "labels", "pattern", "none")))
    if way == "target":
        source["target"] = draw(st.sampled_from(names))
    elif way == "labels":
        for name in [*files]:
            files[name.replace("runs", "answers")] = b"y\n" + b"\n".join(
                draw(st.lists(st.sampled_from((b"1", b"2", b"x", b"")), min_size=1, max_size=5))
            )
        source["labels"] = "answers"
    elif way == "pattern":
        source["pattern"] = "(low|high)"
    formats = (
        {},
        {"each": "lines", "count": 2},
        {"each": "window", "count": 2, "stride": 1, "partial": True},
        {"each": "key", "key": names[0]},
        {"each": "row"},
        {"each": "blank"},
        {"each": "marker", "marker": "x"},
        {"header": False},
        {"delimiter": "whitespace"},
    )
    optional = {
        "align": st.sampled_from(("start", "end", "equal")),
        "target_of": st.sampled_from(("step", "sequence", "last")),
        "missing": st.sampled_from(("zero", "previous")),
        "tokens": st.booleans(),
        "kind": st.sampled_from(("classes", "numbers")),
        "categorical": st.just(names[:1]),
        "unreadable": st.just("drop"),
        "pair": st.just("order"),
        "features": st.just(names[:1]),
        "rows": st.sampled_from(formats),
    }
    for name, strategy in optional.items():
        if rare(draw, 3):
            source[name] = draw(strategy)
    return files, source


def array_files(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Arrays as inputs and targets."""
    way = draw(st.sampled_from(("plain", "plain", "table")))
    if way == "table":
        written = numpy(draw, draw(tables()))
        return {f"a{written.ending}": written.content}, {"inputs": f"a{written.ending}", **draw(st.sampled_from(({}, {"samples": "last"})))}
    count, buffer = draw(st.sampled_from((4, 6, 1))), io.BytesIO()
    shape = draw(st.sampled_from(((3,), (2, 3), (1, 4, 4), (4, 4, 3), (), (0,), (2, 2, 2, 2), (1, 1, 1, 1, 1))))
    dtype = draw(st.sampled_from(("f8", "f4", "u1", "i8", "?", "c16", "f2", "<U2", "M8[s]")))
    x = (
        (np.random.default_rng(0).uniform(0, 9, (count, *shape)) * 10)
        .astype(dtype if dtype not in ("<U2", "M8[s]") else "i8")
        .astype(dtype)
    )
    if x.size and dtype in ("f8", "f4") and rare(draw, 4):
        x.reshape(-1)[0] = draw(st.sampled_from((math.nan, math.inf, 1e30)))
    y = np.array(draw(st.lists(st.sampled_from((0, 1, 2)), min_size=count, max_size=count)))
    y = y.astype(draw(st.sampled_from(("i8", "f8", "<U1", "?"))))
    np.savez(buffer, x=x, y=y[:-1] if rare(draw, 9) else y, m=np.ones((count, 2)))
    optional = {
        "weight": st.just("a.npz:y"),
        "kind": st.sampled_from(("classes", "numbers", "multilabel")),
        "channels": st.just("last"),
        "masks": st.just({"input": "a.npz:m"}),
        "labels": st.just(["u", "v", "w"]),
    }
    source: dict[str, Any] = {"inputs": "a.npz:x", "targets": "a.npz:y"}
    for name, strategy in optional.items():
        if rare(draw, 4):
            source[name] = draw(strategy)
    return {"a.npz": buffer.getvalue()}, source


KINDS: dict[str, Callable[[st.DrawFn], tuple[dict[str, bytes], dict[str, Any]]]] = {
    "image_folder": image_folder,
    "detection": detection,
    "segmentation": segmentation,
    "audio_folder": audio_folder,
    "text_folder": text_folder,
    "running_text": running,
    "masked_text": masked,
    "sequence_files": sequence_files,
    "arrays": array_files,
}
"""What writes the files for each reader of folders."""
