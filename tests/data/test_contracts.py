"""Every registered source, split, way of sampling and normalizer, in every example, keeps its contract."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import lamina.data.config  # noqa: F401 (fills the registry)
from lamina.data.audio.wav import write_wav
from lamina.data.normalizers import Standardize
from lamina.data.splits import RandomSplit
from lamina.errors import DataError
from lamina.spec import registry
from lamina.testing.data import check_normalizer, check_sampling, check_source, check_split


def examples(family: str) -> list:
    return [pytest.param(e, id=f"{name}-{i}") for name, kind in registry.components(family) for i, e in enumerate(kind.examples())]


@pytest.fixture(autouse=True)
def _local(tmp_path, monkeypatch, shared_data, example_tables) -> None:
    """Data sets come from the shared folder, and nothing is downloaded; the files of csv examples are written."""
    monkeypatch.setenv("LAMINA_DATA", str(shared_data))
    monkeypatch.setenv("LAMINA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LAMINA_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    example_tables(tmp_path)
    (tmp_path / "flowers.csv").write_text("size,colour,species\n1,red,rose\n2.5,blue,iris\n3,red,iris\n")
    (tmp_path / "rows.dat").write_text("1.5rose\n 22iris\n")
    (tmp_path / "server.log").write_text("INFO 12\nWARN 7\n")
    film = '{"year": %d, "rating": {"stars": %d}}'
    films = [film % (1990 + i, i % 3) for i in range(9)]
    (tmp_path / "films.jsonl").write_text("\n".join(films))
    (tmp_path / "flat.jsonl").write_text("".join(f'{{"size": {i}, "kind": "{"ab"[i % 2]}"}}\n' for i in range(9)))
    (tmp_path / "films.json").write_text(f'{{"films": [{", ".join(films)}]}}')
    (tmp_path / "films.yaml").write_text("".join(f"- {film}\n" for film in films))
    elements = "".join(f'<film year="{1990 + i}"><rating><stars>{i % 3}</stars></rating></film>' for i in range(9))
    (tmp_path / "films.xml").write_text(f"<films>{elements}</films>")
    (tmp_path / "flowers.tsv").write_text("size\tcolour\tspecies\n1\tred\trose\n2.5\tblue\tiris\n3\tred\tiris\n")
    (tmp_path / "films.csv").write_text("review,liked\na good film,1\na bad one,0\ngood,1\n")
    (tmp_path / "rows.txt").write_text("1 2\n3   4\n")
    for name in ("cats/a_0", "dogs/b_1", "dogs/c_2"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30, 24), "red").save(tmp_path / "photos" / f"{name}.png")
    (tmp_path / "photos" / "labels.csv").write_text("path,kinds\ncats/a_0.png,soft|small\ndogs/b_1.png,small\n")
    box = "<object><name>x</name><bndbox><xmin>3</xmin><ymin>4</ymin><xmax>20</xmax><ymax>15</ymax></bndbox></object>"
    things = {"images": [{"id": 1, "file_name": "cats/a_0.png"}], "categories": [{"id": 1, "name": "x"}]}
    for name in ("boxes/cats", "masks/cats", "masks/dogs", "coco"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "boxes" / "cats" / "a_0.xml").write_text(f"<annotation>{box}</annotation>")
    (tmp_path / "coco" / "things.json").write_text(
        json.dumps({**things, "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 9, 9]}]})
    )
    for name in ("cats/a_0", "dogs/b_1", "dogs/c_2"):
        Image.new("L", (30, 24), 1).save(tmp_path / "masks" / f"{name}.png")
    for number, name in enumerate(("up/up_ann_0", "up/up_bob_1", "down/down_ann_0")):
        (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clips" / f"{name}.wav").write_bytes(write_wav(np.sin(np.arange(300 + 100 * number) / 3), 4000))
    (tmp_path / "clips" / "list.csv").write_text("path,word\nup/up_ann_0.wav,up\ndown/down_ann_0.wav,down\n")
    (tmp_path / "films").mkdir()
    for name in ("up_1", "down_2"):
        Image.new("L", (9, 9), 3).save(tmp_path / "films" / f"{name}.gif", save_all=True, append_images=[Image.new("L", (9, 9), 80)] * 3)
    for name, text in {
        "runs/up_1.csv": "x,y,alarm\n1,2,no\n3,4,yes\n",
        "runs/down_2.csv": "x,y,alarm\n5,6,no\n",
        "answers/up_1.csv": "z\n1\n",
        "answers/down_2.csv": "z\n0\n",
        "engines.txt": "1 1 5.5 9\n1 2 5.0 8\n2 1 4 7\n",
        "letters/friend/ann_1.txt": "Dear you,\n\nhow are you?\n",
        "letters/office/bob_1.txt": "Dear Sir,\nwe regret.\n",
        "letters/office/ann_2.txt": "Dear Madam\n",
        "tagged.txt": "# one\nthe\tD\ndog\tN\n\nthe\tD\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "poem.txt").write_text("There was an old man with a beard,\nWho said, it is just as I feared!\n" * 2)


@pytest.mark.parametrize("source", examples("source"))
def test_source(source) -> None:
    try:
        source.schema(), source.read()
    except DataError as error:
        if error.code != "DA030":
            raise
        pytest.skip(f"{source.type_name}: its files are not all here ({error.problems[0].where})")
    check_source(source)


@pytest.mark.parametrize("split", examples("split"))
def test_split(split) -> None:
    check_split(split)


@pytest.mark.parametrize("sampling", examples("sampling"))
def test_sampling(sampling) -> None:
    check_sampling(sampling)


@pytest.mark.parametrize("normalizer", examples("normalizer"))
def test_normalizer(normalizer) -> None:
    check_normalizer(normalizer)


def test_all_are_registered() -> None:
    assert {
        "blood_cells",
        "arrays",
        "arrow",
        "audio_folder",
        "breast_cancer",
        "characters",
        "cifar10",
        "csv",
        "detection",
        "diabetes",
        "digits",
        "excel",
        "fashion_mnist",
        "image_folder",
        "hdf5",
        "iris",
        "matlab",
        "mnist",
        "numpy",
        "parquet",
        "sequence_files",
        "sql",
        "svmlight",
        "segmentation",
        "synthetic_control",
        "text_folder",
        "tiny_shakespeare",
        "video_folder",
        "wine",
    } <= set(registry.names("source"))
    assert {"random", "grouped", "by_time", "predefined"} <= set(registry.names("split"))
    assert {"standardize", "min_max", "robust", "scale"} <= set(registry.names("normalizer"))


def test_the_suite_notices_a_lost_sample(monkeypatch) -> None:
    real = RandomSplit.parts

    def losing(self, dataset, seed):
        parts = real(self, dataset, seed)
        return type(parts)(parts.train[1:], parts.validation, parts.test)

    monkeypatch.setattr(RandomSplit, "parts", losing)
    with pytest.raises(AssertionError, match="exactly one part"):
        check_split(RandomSplit(validation=0.1))


def test_the_suite_notices_a_scale_that_is_no_inverse(monkeypatch) -> None:
    monkeypatch.setattr(Standardize, "_numbers", lambda self, seen: (seen.moments.mean() * float("nan"), seen.moments.mean()))
    with pytest.raises(AssertionError, match="NaN"):
        check_normalizer(Standardize())
