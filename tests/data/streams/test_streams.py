"""Streams: every record once, in turn or as it comes, from the offsets that a run has kept."""

from __future__ import annotations

import json
import os
import threading
import time

import numpy as np
import polars as pl
import pytest

import lamina as lm
from lamina.data.dataset import Dataset
from lamina.data.streams import StreamFeed, Tail, Topic
from lamina.errors import DataError, LaminaError
from lamina.train.trainer import Trainer

RNG = np.random.default_rng(0)


def collate(values) -> Dataset:
    return Dataset.from_arrays(np.array([x for x, _ in values]), [y for _, y in values], kind="numbers")


def filled(partitions: int = 3, counts=(10, 4, 7), *, closed: bool = True) -> Topic:
    topic = Topic(partitions)
    for partition, count in enumerate(counts):
        for number in range(count):
            topic.append(([100.0 * partition + number], 0.5), partition)
    if closed:
        topic.close()
    return topic


def feed(topic: Topic, **settings) -> StreamFeed:
    return StreamFeed(topic, collate, collate([([0.0], 0.0)]), 4, **{"steps_per_epoch": 100, "ahead": 0, **settings})


def seen(batches) -> list[list[float]]:
    return [batch.inputs["input"][:, 0].tolist() for batch in batches]


@pytest.mark.parametrize("ahead", [0, 3])
def test_partitions_take_turns_until_all_have_ended(ahead) -> None:
    batches = seen(feed(filled(), ahead=ahead))
    assert batches[:2] == [[0, 100, 200, 1], [101, 201, 2, 102]]
    assert sorted(value for batch in batches for value in batch) == sorted([*range(10), *range(100, 104), *range(200, 207)])
    assert [len(batch) for batch in batches] == [4] * 5 + [1]


@pytest.mark.parametrize("ahead", [0, 3])
@pytest.mark.parametrize("order", ["turns", "arrival"])
def test_a_state_goes_on_exactly_where_it_was_taken(ahead, order) -> None:
    topic = filled()
    topic.order = order
    whole = seen(feed(topic, ahead=ahead))
    for done in range(len(whole)):
        first = feed(topic, ahead=ahead)
        batches = first.epoch(0)
        got = seen(next(batches) for _ in range(done))
        state = json.loads(json.dumps(first.state_dict()))
        batches.close()
        again = feed(topic, ahead=ahead)
        again.load_state_dict(state)
        assert got + seen(again.epoch(0)) == whole


def test_batches_do_not_depend_on_when_records_come() -> None:
    whole = seen(feed(filled()))
    topic = Topic(3)

    def write() -> None:
        for partition, count in reversed(list(enumerate((10, 4, 7)))):
            for number in range(count):
                topic.append(([100.0 * partition + number], 0.5), partition)
                time.sleep(0.001)
        topic.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert seen(feed(topic, ahead=2)) == whole
    writer.join()


def test_what_is_there_is_taken_where_order_is_arrival() -> None:
    topic = filled(counts=(0, 5, 0), closed=False)
    topic.order = "arrival"
    topic.patience = 0.4
    batches = feed(topic).epoch(0)
    assert seen([next(batches)]) == [[100, 101, 102, 103]]
    with pytest.raises(DataError, match="DA190") as caught:
        next(batches)
    assert "within 0.4 seconds" in str(caught.value)


def test_closing_early_stops_the_thread_though_nothing_comes() -> None:
    topic = filled(counts=(4, 4, 4), closed=False)
    batches = feed(topic, ahead=2, steps_per_epoch=50).epoch(0)
    next(batches)
    started = time.perf_counter()
    batches.close()
    assert time.perf_counter() - started < 2
    assert not [thread for thread in threading.enumerate() if thread.name == "lamina-stream"]


def test_epochs_go_on_and_shards_share_the_partitions() -> None:
    one = feed(filled(), steps_per_epoch=2)
    epochs = [seen(one.epoch(number)) for number in range(3)]
    assert [batch for epoch in epochs for batch in epoch] == seen(feed(filled()))
    assert len(one) == 2
    whole = feed(filled())
    parts = [seen(whole.shard(rank, 2)) for rank in range(2)]
    assert sorted(v for part in parts for batch in part for v in batch) == sorted(v for batch in seen(whole) for v in batch)
    with pytest.raises(DataError, match="DA191"):
        whole.shard(0, 4)
    with pytest.raises(DataError, match="DA191"):
        whole.load_state_dict({"epoch": 0, "position": 0, "offsets": {"0": 1}, "turn": 0})


def test_a_wrong_record_is_named_by_partition_and_offset() -> None:
    for value, said in ((([float("nan")], 1.0), "DA001"), (7, "pair"), (([1.0, 2.0], 0.0), "input")):
        topic = filled(1, (6,), closed=False)
        topic.append(value)
        topic.close()
        net = lm.Model(lm.Sequential(lm.features(1), [lm.Output(1, loss="mse")]))
        with pytest.raises(LaminaError) as caught:
            net.fit(topic, steps=5, batch_size=4, progress=False)
        assert said in str(caught.value)
        assert "partition '0', offset 6" in str(caught.value)


def rows(count: int) -> list[tuple[list[float], int]]:
    x = np.random.default_rng(4).normal(size=(count, 2))
    return [(row.tolist(), int(row.sum() > 0)) for row in x]


def topic_of(records, partitions: int = 2) -> Topic:
    topic = Topic(partitions)
    for number, record in enumerate(records):
        topic.append(record, number % partitions)
    topic.close()
    return topic


def network() -> lm.Model:
    return lm.Model(lm.Sequential(lm.features(2), [lm.Dense(4, activation="tanh"), lm.Output(2)]), seed=2)


@pytest.mark.parametrize("workers", [0, 1])
def test_fit_learns_as_from_the_same_data(workers) -> None:
    records = rows(96)
    streamed, plain = network(), network()
    run = streamed.fit(topic_of(records), steps=12, batch_size=8, workers=workers, optimizer=lm.Sgd(0.1), progress=False)
    assert [row["step"] for row in run.history] == [12]
    plain.fit(
        [x for x, _ in records], [y for _, y in records], shuffle=False, epochs=1, batch_size=8, optimizer=lm.Sgd(0.1), progress=False
    )
    for name, array in plain.parameters().items():
        np.testing.assert_array_equal(array, streamed.parameters()[name])


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_killed_run_goes_on_at_its_offsets(tmp_path, monkeypatch, accumulate) -> None:
    class Killed(Exception):
        pass

    def run(folder, *, dies=None, resume=False):
        with monkeypatch.context() as patch:
            if dies is not None:
                real = Trainer.updated

                def updated(trainer, *given):
                    if trainer.step == dies:
                        raise Killed
                    real(trainer, *given)

                patch.setattr(Trainer, "updated", updated)
            settings = {"batch_size": 4, "steps": 20, "steps_per_epoch": 6, "optimizer": lm.Adam(0.01), "progress": False, "workers": 1}
            if accumulate > 1:
                settings |= {"accumulate": accumulate, "steps": 7}
            callbacks = [lm.Checkpoint(lm.every(2, "steps"))]
            return network().fit(topic_of(rows(200)), run_dir=tmp_path / folder, callbacks=callbacks, resume=resume, **settings)

    whole = run("whole")
    with pytest.raises(Killed):
        run("killed", dies=3)
    with pytest.raises(Killed):
        run("killed", dies=5, resume=True)
    again = run("killed", resume=True)
    assert list(again.history) == list(whole.history)
    for name, array in whole.model.parameters().items():
        np.testing.assert_array_equal(array, again.model.parameters()[name])


def test_a_stream_that_ends_stops_the_run_and_more_of_it_goes_on(tmp_path) -> None:
    file = tmp_path / "rows.jsonl"
    lines = [json.dumps(record) + "\n" for record in rows(40)]
    file.write_text("".join(lines[:22]))
    settings = {"steps": 10, "batch_size": 4, "run_dir": tmp_path / "run", "progress": False, "validation": ([[1.0, 1.0]], [1])}
    first = network().fit(Tail([file], follow=False), **settings)
    assert (first.stop_reason, [row["step"] for row in first.history]) == ("the stream has ended", [6])
    with file.open("a") as more:
        more.write("".join(lines[22:]))
    second = network().fit(Tail([file], follow=False), resume=True, **settings)
    assert [row["step"] for row in second.history] == [6, 10]


def test_columns_go_through_the_preprocessing_of_the_model() -> None:
    frame = pl.DataFrame({"size": [1.0, 2.0, 3.0, 4.0] * 5, "colour": ["red", "blue"] * 10, "kind": ["x", "y", "y", "x"] * 5})
    model = lm.Model(lm.Sequential(lm.features(3), [lm.Output(2)]), seed=1)
    records = [{"kind": "y", "colour": "blue", "size": 2.5}, {"size": 0.5, "colour": "red", "kind": "x"}] * 8
    with pytest.raises(DataError, match="(?s)DA191.*table first"):
        model.fit(topic_of(records), steps=2, progress=False)
    model.fit(frame, target="kind", epochs=1, progress=False)
    run = model.fit(topic_of(records), steps=4, batch_size=4, progress=False)
    assert run.history[0]["step"] == 4
    with pytest.raises(LaminaError) as caught:
        model.fit(topic_of([*records, {"kind": "y", "colour": "green", "size": 2.5}], 1), steps=8, batch_size=4, progress=False)
    assert "offset 16" in str(caught.value)
    assert "green" in str(caught.value)


def test_what_needs_a_whole_is_refused() -> None:
    for settings, said in (
        ({}, "steps=1000"),
        ({"steps": 5, "sampling": "balanced"}, "sampling"),
        ({"steps": 5, "validation": 0.2}, "validation=(x, y)"),
        ({"steps": 5, "epochs": 3}, "one end"),
        ({"steps": 5, "class_weights": "balanced"}, "class_weights"),
    ):
        with pytest.raises(DataError, match="DA191") as caught:
            network().fit(topic_of(rows(20)), progress=False, **settings)
        assert said in str(caught.value)
    with pytest.raises(LaminaError, match="max_steps=5"):
        network().fit([[1.0, 2.0]], [1], steps=5, progress=False)
    empty = Topic()
    empty.close()
    with pytest.raises(DataError, match="DA191"):
        network().fit(empty, steps=3, progress=False)


def test_files_that_grow(tmp_path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"[[1.0], 0]\n[[2.0], 1")
    tail = Tail([file])
    (one,) = tail.read(str(file), 0, 9, timeout=0)
    assert (one.value, one.next) == (([1.0], 0), 11)
    assert not tail.ended(str(file), one.next)
    assert Tail([file], follow=False).ended(str(file), one.next)

    def write() -> None:
        time.sleep(0.1)
        with file.open("ab") as more:
            more.write(b"]\n")

    writer = threading.Thread(target=write)
    writer.start()
    assert [record.value for record in tail.read(str(file), one.next, 9, timeout=5)] == [([2.0], 1)]
    writer.join()
    os.truncate(file, 5)
    for path, offset in ((str(file), 11), (str(tmp_path / "none"), 0)):
        with pytest.raises(DataError, match="DA190"):
            Tail([path]).read(path, offset, 1, timeout=0)
    file.write_bytes(b"{oops}\n")
    with pytest.raises(DataError, match="(?s)DA190.*oops"):
        Tail([file]).read(str(file), 0, 1, timeout=0)


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("lamina.data.streams.tail.LONGEST_LINE", 1000)
    (tmp_path / "a").write_bytes(b"x" * 5000)
    with pytest.raises(DataError, match="at most 1000 bytes"):
        Tail([tmp_path / "a"]).read(str(tmp_path / "a"), 0, 1, timeout=0)
