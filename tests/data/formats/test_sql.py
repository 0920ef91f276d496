"""Databases: a real SQLite and a real PostgreSQL; types, streaming, secrets, refusals, connections that end."""

from __future__ import annotations

import contextlib
import datetime as dt
import pickle
import sqlite3
import threading
import traceback
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.config import DataConfig, prepare
from lamina.data.formats.sql import Request, read_sql
from lamina.data.formats.sql.address import Address, masked, secret_in
from lamina.data.formats.sql.reader import Database
from lamina.data.formats.sql.statement import escaped, first_word, guessed_position, named_parameters, only_reads, spot
from lamina.data.formats.sql.values import seen_kind, series
from lamina.data.sources import Sql
from lamina.errors import DataError, DescriptionError, LaminaError

UTC = dt.UTC


def rows_of(url: str, **settings) -> pl.DataFrame:
    return read_sql(Request(url=url, **settings)).collect()


@pytest.fixture
def shop(tmp_path) -> str:
    """Address of a file of SQLite with some tables."""
    with contextlib.closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.executescript(
            """
            create table people(id integer primary key, name text, age int, height real, ok boolean, born date, seen timestamp,
                                price decimal(10, 2), photo blob, note text);
            insert into people values
                (1, 'ann', 31, 1.7, 1, '2024-02-29', '2024-02-29 12:00:00', 1.25, x'00ff', null),
                (3, 'bob', 5, 2, 0, '1999-01-01', '1999-01-01 00:00:01.5', 3, x'', null),
                (2, null, null, null, null, null, null, null, null, null);
            create table odd(a integer, b);
            insert into odd values (1, 1), (2, 2), ('zz', 'x');
            create table "a name with "" and ."("select" integer);
            insert into "a name with "" and ." values (7);
            create view adults as select name, age from people where age > 17;
            create table empty(a integer, b text);
            """
        )
        database.commit()
    return f"sqlite:///{tmp_path / 'shop.db'}"


class TestSqlite:
    def test_types(self, shop) -> None:
        rows = rows_of(shop, table="people")
        assert rows.schema == {
            "id": pl.Int64,
            "name": pl.String,
            "age": pl.Int64,
            "height": pl.Float64,
            "ok": pl.Boolean,
            "born": pl.Date,
            "seen": pl.Datetime("us"),
            "price": pl.Float64,
            "photo": pl.Binary,
            "note": pl.String,
        }
        # In the order of the key, not of the inserts.
        assert rows.row(0) == (1, "ann", 31, 1.7, True, dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 12), 1.25, b"\x00\xff", None)
        assert rows.row(1) == (2, *[None] * 9)
        assert rows.row(2)[6] == dt.datetime(1999, 1, 1, 0, 0, 1, 500_000)

    def test_statements(self, shop) -> None:
        rows = rows_of(shop, query="select name, count(*) as n, avg(age) / 2 as h, '12:30' as t from people group by name order by name")
        assert rows.rows() == [(None, 1, None, "12:30"), ("ann", 1, 15.5, "12:30"), ("bob", 1, 2.5, "12:30")]

    @pytest.mark.parametrize(
        ("query", "parameters", "ids"),
        [
            ("select id from people where age > :low", {"low": 5}, [1]),
            ("select id from people where name in :names order by id", {"names": ["ann", "bob", "eve"]}, [1, 3]),
            ("select id from people where name = :name", {"name": "x' or '1'='1"}, []),
            ("select id from people where name is :name and ':no' = ':no' -- :nor\n", {"name": None}, [2]),
            ("select id from people where ok = :ok;", {"ok": True}, [1]),
        ],
    )
    def test_parameters_are_bound(self, shop, query, parameters, ids) -> None:
        assert rows_of(shop, query=query, parameters=parameters)["id"].to_list() == ids

    def test_tables_and_views(self, shop) -> None:
        assert rows_of(shop, table="adults").rows() == [("ann", 31)]
        assert rows_of(shop, table='a name with " and .').rows() == [(7,)]
        assert rows_of(shop, table="empty").schema == {"a": pl.Int64, "b": pl.String}

    def test_only_what_is_asked_for(self, shop) -> None:
        frame = read_sql(Request(url=shop, table="people"))
        assert frame.filter(pl.col("id") > 1).select("name").collect()["name"].to_list() == [None, "bob"]
        assert frame.select(pl.len()).collect().item() == 3
        assert frame.head(1).collect()["id"].to_list() == [1]

    @pytest.mark.parametrize("chunk", [1, 2, 7])
    def test_chunks(self, shop, chunk) -> None:
        assert rows_of(shop, table="people", chunk=chunk)["id"].to_list() == [1, 2, 3]

    def test_kinds_that_are_known(self, shop) -> None:
        assert rows_of(shop, query="select null as a", columns={"a": "Int64"}).schema == {"a": pl.Int64}
        assert rows_of(shop, query="select b from odd", columns={"b": "String"})["b"].to_list() == ["1", "2", "x"]

    @pytest.mark.parametrize(
        ("settings", "code", "words"),
        [
            ({"query": "select nam\nfrom people"}, "DA066", ["line 1, column 8 of the statement (select nam)", "no such column: nam"]),
            ({"query": "select name\nfrom peple"}, "DA066", ["line 2, column 6", "did you mean 'people'"]),
            ({"query": "select name frm people where"}, "DA066", ["syntax error"]),
            ({"query": "selct name from people"}, "DA069", ["'selct'", "did you mean 'select'"]),
            ({"query": "delete from people"}, "DA069", ["'delete'", "write a select"]),
            ({"query": "  -- hm\n"}, "DA069", ["an empty statement"]),
            ({"query": "with x as (select 1) delete from people"}, "DA069", ["readonly"]),
            ({"query": "select 1; delete from people"}, "DA066", ["one statement at a time"]),
            ({"query": "select 1 as a, 2 as a"}, "DA017", ["'a' twice"]),
            ({"query": "select :low", "parameters": {"lwo": 1}}, "DA066", ["a value for :low", "did you mean 'lwo'"]),
            ({"query": "select 1", "parameters": {"low": 1}}, "DA066", ["it has none", "remove low"]),
            ({"table": "peple"}, "DA061", ["did you mean 'people'"]),
            ({"table": "odd", "columns": {"b": "Int64"}}, "DA063", ["row 3, column 'a'", "'zz' (str)", "cast(a as ...)"]),
            ({"query": "select b from odd"}, "DA063", ["column 'b'", "several kinds", "cast(b as text)"]),
        ],
    )
    def test_refused(self, shop, refused, settings, code, words) -> None:
        with refused(code, *words):
            rows_of(shop, **settings)

    def test_nothing_is_changed(self, shop, tmp_path) -> None:
        before = (tmp_path / "shop.db").read_bytes()
        with pytest.raises(DataError):
            rows_of(shop, query="with x as (select 1) insert into people(id) values (9)")
        rows_of(shop, table="people")
        assert (tmp_path / "shop.db").read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["shop.db"]

    def test_no_file_is_made(self, tmp_path, refused) -> None:
        with refused("DA031", "shop.db"):
            rows_of(f"sqlite:///{tmp_path}/shop.db", table="people")
        assert list(tmp_path.iterdir()) == []

    def test_damaged_files(self, shop, tmp_path, refused) -> None:
        (tmp_path / "junk.db").write_bytes(b"hello" * 100)
        with refused("DA060", "an SQLite database"):
            rows_of(f"sqlite:///{tmp_path}/junk.db", table="people")
        whole = (tmp_path / "shop.db").read_bytes()
        (tmp_path / "shop.db").write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
        with pytest.raises(LaminaError):
            rows_of(shop, table="people")

    @given(
        st.lists(
            st.tuples(
                st.none() | st.integers(-(2**63), 2**63 - 1),
                st.none() | st.floats(allow_nan=False),
                st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
                st.none() | st.binary(),
            ),
            max_size=12,
        )
    )
    @settings(max_examples=40, deadline=None)
    def test_round_trip(self, tmp_path_factory, rows) -> None:
        path = tmp_path_factory.mktemp("q") / "a.db"
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("create table t(i integer, f real, s text, b blob)")
            database.executemany("insert into t values (?, ?, ?, ?)", rows)
            database.commit()
        made = rows_of(f"sqlite:///{path}", query="select * from t order by rowid", chunk=5)
        assert made.rows() == rows

    def test_other_libraries_of_tables_say_the_same(self, shop) -> None:
        pandas = pytest.importorskip("pandas")
        with contextlib.closing(sqlite3.connect(shop.removeprefix("sqlite:///"))) as database:
            expected = pandas.read_sql("select id, name, height from people order by id", database)
        made = rows_of(shop, query="select id, name, height from people order by id")
        assert made["id"].to_list() == expected["id"].tolist()
        assert np.array_equal(made["height"].to_numpy(), expected["height"].to_numpy(), equal_nan=True)


class TestConnectorX:
    def test_sqlite(self, shop) -> None:
        pytest.importorskip("connectorx")
        assert rows_of(shop, table="people", engine="connectorx").select("id", "name", "height").rows() == [
            (1, "ann", 1.7),
            (2, None, None),
            (3, "bob", 2.0),
        ]
        rows = rows_of(shop, query="select id, age from people", engine="connectorx", partition="id", parts=2)
        assert sorted(rows.rows()) == [(1, 31), (2, None), (3, 5)]

    def test_refused(self, shop, refused) -> None:
        pytest.importorskip("connectorx")
        with refused("DA066", "line 1, column 8"):
            rows_of(shop, query="select nam from people", engine="connectorx")
        with refused("DA066", "divided by 'nix'"):
            rows_of(shop, query="select name from people", engine="connectorx", partition="nix")


ALL_TYPES = """
    create type mood as enum ('ok', 'bad');
    create table everything(
        id bigint primary key, name text, age smallint, height real, ok boolean, born date, seen timestamp, seen_there timestamptz,
        price numeric(10, 2), whole numeric(12, 0), photo bytea, note text, tags text[], numbers float8[], document jsonb, key uuid,
        mood mood, span interval, clock time, letters char(3));
    insert into everything values
        (3, 'bob', 5, 2, false, '1999-01-01', '1999-01-01 00:00:01.5', '1999-01-01 00:00:01.5+02', 3.25, 12345678901, '\\x00ff', null,
         '{a,b}', '{1,2.5}', '{"a": [1]}', '12345678-1234-5678-1234-567812345678', 'ok', '1 day 2 hours', '01:02:03', 'ab'),
        (1, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);
    create table many(id int primary key, word text, number double precision);
    insert into many select i, 'w' || (i % 7), i / 3.0 from generate_series(1, 5000) i;
    create sequence counter; create schema other; create table other.thing(a int); insert into other.thing values (42);
"""


@pytest.fixture(scope="module")
def database(postgresql):
    """The server with tables in it."""
    with postgresql.connect() as connection:
        connection.execute(ALL_TYPES)
    return postgresql


@pytest.fixture
def url(database, monkeypatch) -> str:
    """Its address."""
    monkeypatch.setenv("SHOP_PASSWORD", database.password)
    return database.url("SHOP_PASSWORD")


class TestPostgresql:
    def test_types(self, url) -> None:
        rows = rows_of(url, table="everything")
        assert {name: str(dtype) for name, dtype in rows.schema.items()} == {
            "id": "Int64",
            "name": "String",
            "age": "Int64",
            "height": "Float64",
            "ok": "Boolean",
            "born": "Date",
            "seen": "Datetime(time_unit='us', time_zone=None)",
            "seen_there": "Datetime(time_unit='us', time_zone='UTC')",
            "price": "Float64",
            "whole": "Int64",
            "photo": "Binary",
            "note": "String",
            "tags": "List(String)",
            "numbers": "List(Float64)",
            "document": "String",
            "key": "String",
            "mood": "String",
            "span": "Float64",
            "clock": "Float64",
            "letters": "String",
        }
        assert rows.row(0) == (1, *[None] * 19)
        assert rows.row(1) == (
            3,
            "bob",
            5,
            2.0,
            False,
            dt.date(1999, 1, 1),
            dt.datetime(1999, 1, 1, 0, 0, 1, 500_000),
            dt.datetime(1998, 12, 31, 22, 0, 1, 500_000, tzinfo=UTC),
            3.25,
            12_345_678_901,
            b"\x00\xff",
            None,
            ["a", "b"],
            [1.0, 2.5],
            '{"a": [1]}',
            "12345678-1234-5678-1234-567812345678",
            "ok",
            93_600.0,
            3_723.0,
            "ab ",
        )

    def test_kinds_do_not_depend_on_the_rows(self, url) -> None:
        none = rows_of(url, query="select * from everything where false")
        assert none.schema == rows_of(url, table="everything").select(none.columns).schema

    def test_tables_and_statements(self, url) -> None:
        assert rows_of(url, table="other.thing").rows() == [(42,)]
        assert rows_of(url, table="public.many")["id"].to_list() == list(range(1, 5001))
        query = "select id, age::text as age, '50%' as share, ':x' as mark from everything where id = :id"
        assert rows_of(url, query=query, parameters={"id": 3}).rows() == [(3, "5", "50%", ":x")]
        query = "select id from many where word in :words and id < 9 order by id"
        assert rows_of(url, query=query, parameters={"words": ["w1", "w2"]})["id"].to_list() == [1, 2, 8]

    def test_results_larger_than_memory_are_streamed(self, url) -> None:
        # In the list of a select the server makes rows one by one.
        endless = read_sql(Request(url=url, query="select generate_series(1, 2000000000) as i, repeat('x', 100) as t", chunk=1000))
        assert endless.head(3).collect()["i"].to_list() == [1, 2, 3]
        some = read_sql(Request(url=url, query="select i::bigint as i from generate_series(1, 200000) i", chunk=5000))
        assert some.select(pl.col("i").sum()).collect(engine="streaming").item() == 20_000_100_000

    def test_connectorx(self, url) -> None:
        pytest.importorskip("connectorx")
        whole = rows_of(url, table="many", engine="connectorx")
        parts = rows_of(url, query="select id, word, number from many", engine="connectorx", partition="id", parts=3)
        plain = rows_of(url, table="many")
        assert whole.equals(plain)
        assert parts.sort("id").equals(plain)

    @pytest.mark.parametrize(
        ("settings", "code", "words"),
        [
            (
                {"query": "select id, nam\nfrom everything"},
                "DA066",
                ["line 1, column 12 of the statement (select id, nam)", "everything.name"],
            ),
            ({"query": "select id\nfrom everthing"}, "DA066", ["line 2, column 6", "did you mean 'everything'"]),
            ({"query": "select 1 +\n frm"}, "DA066", ["line 2, column 2", '"frm"']),
            ({"query": "select nam from everything where id = :i", "parameters": {"i": 1}}, "DA066", ["line 1, column 8"]),
            ({"query": "select 1 / (id - 5) as a from many order by id", "chunk": 2}, "DA066", ["division by zero"]),
            ({"query": "with x as (delete from many returning 1) select * from x"}, "DA069", ["data-modifying"]),
            ({"query": "select setval('s', 1)"}, "DA066", ["does not exist"]),
            ({"query": "select nextval('counter')"}, "DA069", ["read-only transaction"]),
            ({"query": "select 1; drop table many"}, "DA066", ["multiple commands"]),
            ({"table": "everythin"}, "DA061", ["did you mean 'everything'"]),
            ({"table": "other.thin"}, "DA061", ["did you mean 'other.thing'"]),
            ({"query": "select 'infinity'::timestamp as t"}, "DA066", ["infinity"]),
        ],
    )
    def test_refused(self, url, refused, settings, code, words) -> None:
        with refused(code, "postgresql://tester:${SHOP_PASSWORD}@127.0.0.1", *words):
            rows_of(url, **settings)

    def test_a_connection_that_ends_in_the_middle(self, url, database, refused) -> None:
        request = Request(url=url, query="select generate_series(1, 3000000) as i, pg_backend_pid() as own", chunk=100)
        source, seen = Database(request), 0
        with refused("DA067", "rows", "try again"):
            for batch in source.batches(source.kinds(), ["i", "own"]):
                if not seen:
                    with database.connect() as other:
                        other.execute("select pg_terminate_backend(%s)", [batch["own"][0]])
                seen += len(batch)
        assert 0 < seen < 3_000_000

    def test_nothing_stays_open(self, url, database) -> None:
        frame = read_sql(Request(url=url, table="many", chunk=10))
        next(iter(frame.collect_batches(chunk_size=10)))
        with contextlib.suppress(DataError):
            rows_of(url, query="select nix")
        del frame
        with database.connect() as other:
            for _ in range(50):
                others = "select count(*) from pg_stat_activity where datname = 'shop' and pid <> pg_backend_pid()"
                if (left := other.execute(others).fetchone()[0]) == 0:
                    break
                threading.Event().wait(0.1)
        assert left == 0

    @pytest.mark.parametrize(
        ("change", "code", "words"),
        [
            (lambda url: url.replace("/shop", "/shap"), "DA065", ["no such database"]),
            (lambda url: url.replace("tester", "teser"), "DA065", ["the user's name or password"]),
            (lambda url: "postgresql://tester:${SHOP_PASSWORD}@127.0.0.1:1/shop", "DA065", ["isn't running"]),
            (lambda url: url.replace("SHOP_PASSWORD", "SHOP_PASSWRD"), "DA068", ["export SHOP_PASSWRD"]),
            (lambda url: url.replace("postgresql", "postgresql+nix"), "DA068", ["SQLAlchemy knows"]),
            (lambda url: url.replace("postgresql", "oracle"), "DA059", ["oracledb"]),
        ],
    )
    def test_no_connection(self, url, change, code, words) -> None:
        with pytest.raises(LaminaError) as caught:
            rows_of(change(url), table="many")
        assert caught.value.code == code
        for word in words:
            assert word in str(caught.value)

    def test_the_password_is_nowhere(self, url, database, monkeypatch, tmp_path) -> None:
        secret = "wrong/pass@word"
        monkeypatch.setenv("OTHER", secret)
        with pytest.raises(DataError) as caught:
            rows_of(url.replace("SHOP_PASSWORD", "OTHER"), table="many")
        told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(caught.value.to_json())
        for own in (secret, "wrong%2Fpass%40word", database.password):
            assert own not in told
        source = Sql(url=url, table="many", target="word")
        assert database.password not in repr(source) + source.to_yaml() + source.to_json() + source.place()
        assert database.password not in repr(Request(url=url)) + repr(Address.of(url))
        config = DataConfig(source=source, split={"test": 0.2})
        parts = prepare(config, seed=1)
        data, _ = parts.preprocessing.to_archive()
        kept = pickle.dumps(data) + source.to_yaml().encode()  # only to look into all of it
        assert database.password.encode() not in kept
        assert b"SHOP_PASSWORD" in kept
        assert len(parts.train) == 4000

    def test_a_whole_address_in_a_variable(self, database, monkeypatch, refused) -> None:
        from urllib.parse import quote

        address = f"postgres://tester:{quote(database.password, safe='')}@127.0.0.1:{database.port}/shop"
        monkeypatch.setenv("DATABASE_URL", address)
        assert len(rows_of("${DATABASE_URL}", table="many")) == 5000
        with pytest.raises(DataError) as caught:
            rows_of("${DATABASE_URL}", query="select nix")
        assert caught.value.problems[0].where.startswith("${DATABASE_URL}, line 1")
        assert quote(database.password, safe="") not in str(caught.value)


class TestDescriptions:
    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"url": "postgresql://anna:geheim@db/shop", "table": "t"}, ["password", "'postgresql://anna:***@db/shop'", "${DB_PASSWORD}"]),
            ({"url": "mysql://db/shop?password=geheim", "table": "t"}, ["password", "password=***"]),
            ({"url": "postgresql://anna:pre${X}geheim@db/s", "table": "t"}, ["password"]),
            ({"url": "sqlite:///a.db"}, ["query or table", "neither"]),
            ({"url": "sqlite:///a.db", "table": "t", "query": "select 1"}, ["both"]),
            ({"url": "sqlite:///a.db", "query": "select :a", "parameters": {"a": 1}, "engine": "connectorx"}, ["without parameters"]),
            ({"url": "sqlite:///a.db", "table": "t", "chunk": 100, "engine": "connectorx"}, ["without chunk"]),
            ({"url": "sqlite:///a.db", "table": "t", "partition": {"column": "id"}}, ["partition beside engine"]),
        ],
    )
    def test_refused(self, settings, words) -> None:
        with pytest.raises(DescriptionError) as caught:
            Sql(**settings)
        told = str(caught.value) + repr(caught.value) + "".join(traceback.format_exception(caught.value))
        assert "geheim" not in told
        for word in words:
            assert word in told

    def test_files_are_relative_to_the_recipe(self) -> None:
        assert Sql(url="sqlite:///a.db", table="t").resolve_paths(Path("/data")).url == "sqlite:////data/a.db"
        for url in ("sqlite:////b/a.db", "sqlite:///:memory:", "postgresql://host/db"):
            assert Sql(url=url, table="t").resolve_paths(Path("/data")).url == url

    def test_from_a_recipe(self, shop, tmp_path) -> None:
        config = DataConfig.from_yaml(
            "{source: {type: sql, url: 'sqlite:///shop.db', query: 'select age, height, name from people where id in :ids order by id',"
            " parameters: {ids: [1, 3]}, target: name}}"
        )
        assert len(config.resolve_paths(tmp_path).source.read().train) == 2


class TestAddresses:
    @pytest.mark.parametrize(
        ("url", "secret", "shown"),
        [
            ("postgresql://anna:${PW}@db:5432/s", None, "postgresql://anna:${PW}@db:5432/s"),
            ("postgresql://anna:a@b:c/@db/s", "password", "postgresql://anna:***@db/s"),
            ("postgresql://anna@db/s", None, "postgresql://anna@db/s"),
            ("postgresql://db/s?sslmode=require&sslkey=/a", None, "postgresql://db/s?sslmode=require&sslkey=/a"),
            ("snowflake://db/s?token=x&role=y", "token", "snowflake://db/s?token=***&role=y"),
            ("sqlite:///a.db", None, "sqlite:///a.db"),
            ("${DATABASE_URL}", None, "${DATABASE_URL}"),
            ("nonsense", None, "nonsense"),
        ],
    )
    def test_secrets(self, url, secret, shown) -> None:
        assert secret_in(url) == secret
        assert masked(url) == shown

    @given(st.text(st.characters(min_codepoint=33, max_codepoint=0x17F), min_size=3, max_size=20))
    @settings(max_examples=60, deadline=None)
    def test_any_password_arrives_whole_and_is_scrubbed(self, password) -> None:
        import os

        from sqlalchemy import make_url

        os.environ["LAMINA_TEST_SECRET"] = password
        try:
            address = Address.of("postgresql://anna:${LAMINA_TEST_SECRET}@db/s")
        finally:
            del os.environ["LAMINA_TEST_SECRET"]
        assert make_url(address.url).password == password
        assert address.scrub(f"can't connect to {address.url}") == f"can't connect to {address.shown}"
        assert password not in address.scrub(f"no: {password}!").replace("***", "") or password in "no: !"

    def test_no_address(self, monkeypatch) -> None:
        monkeypatch.setenv("HM", "nonsense")
        with pytest.raises(DataError, match="DA068"):
            Address.of("${HM}")


class TestStatements:
    @pytest.mark.parametrize(
        ("query", "word", "reads"),
        [
            ("select 1", "select", True),
            ("\n -- a\n /* b */ ( With x as (select 1) select * from x)", "with", True),
            ("TABLE t", "table", True),
            ("/* select */ update t set a = 1", "update", False),
            ("", "", False),
            ("-- only a comment", "", False),
        ],
    )
    def test_first_words(self, query, word, reads) -> None:
        assert first_word(query) == word
        assert only_reads(query) is reads

    def test_parameters(self) -> None:
        query = "select a::int, ':b', \":c\" /* :d */ from t -- :e\nwhere x = :f and y=:f and z > :g"
        assert named_parameters(query) == ["f", "g"]
        assert escaped("select ':b' where x = :f") == "select '\\:b' where x = :f"

    def test_places(self) -> None:
        assert spot("select a\nfrom b", 14) == "line 2, column 6 of the statement (from b)"
        assert guessed_position("select a.nam from a", "no such column: a.nam") == 9
        assert guessed_position("select 1", "something else") is None


class TestValues:
    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            ([None, None], None),
            ([1, None], "Int64"),
            ([1, Decimal("1.5")], "Float64"),
            ([True], "Boolean"),
            (["a", 1], "String"),
            ([b"a"], "Binary"),
            ([b"a", 1], "mixed"),
            ([dt.date(2024, 1, 1)], "Date"),
            ([dt.datetime(2024, 1, 1)], "Datetime"),
            ([dt.datetime(2024, 1, 1, tzinfo=UTC)], "Moment"),
            ([[1, 2]], "List:Int64"),
            ([[1.5]], "List:Float64"),
            ([dt.time(1)], "Float64"),
            ([{"a": 1}], "String"),
        ],
    )
    def test_kinds(self, values, kind) -> None:
        assert seen_kind(values) == kind
        if kind not in (None, "mixed"):
            assert len(series("a", kind, values, "here", 0, "")) == len(values)

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("Int64", 2**63),
            ("Int64", 1.5),
            ("Int64", "1"),
            ("Float64", "x"),
            ("Boolean", 2),
            ("Date", 5),
            ("String", b"x"),
            ("List:Int64", ["x"]),
        ],
    )
    def test_others(self, refused, kind, value) -> None:
        with refused("DA063", "here, row 12, column 'a'", type(value).__name__, "do this"):
            series("a", kind, [None, value], "here", 10, "do this")
