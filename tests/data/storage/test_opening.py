"""Which files a path means, and in which order."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.data.storage import Storage, absolute, open_file, open_files
from lamina.data.storage.paths import matcher, natural, parse, shown
from lamina.errors import DataError, DescriptionError

TREE = ("a/1.csv", "a/2.csv", "a/10.csv", "a/b/3.csv", "a/b/c/4.csv", "a/_SUCCESS", "a/.hidden.csv", "z.csv", "odd[1].csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for name in TREE:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def names(path, folder: Path) -> list[str]:
    return [str(Path(file.name).relative_to(folder)) for file in open_files(path, base=folder)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("z.csv", ["z.csv"]),
        ("a/*.csv", ["a/1.csv", "a/2.csv", "a/10.csv"]),
        ("a/[12].csv", ["a/1.csv", "a/2.csv"]),
        ("a/[!2].csv", ["a/1.csv"]),
        ("a/?.csv", ["a/1.csv", "a/2.csv"]),
        ("a/**/*.csv", ["a/1.csv", "a/2.csv", "a/10.csv", "a/b/3.csv", "a/b/c/4.csv"]),
        ("**/4.csv", ["a/b/c/4.csv"]),
        ("a/b/**", ["a/b/3.csv", "a/b/c/4.csv"]),
        ("*/b/*.csv", ["a/b/3.csv"]),
        ("a/.*.csv", ["a/.hidden.csv"]),
        ("a", ["a/1.csv", "a/2.csv", "a/10.csv", "a/b/3.csv", "a/b/c/4.csv"]),
        ("odd[1].csv", ["odd[1].csv"]),
        (["z.csv", "a/2.csv", "a/b"], ["z.csv", "a/2.csv", "a/b/3.csv", "a/b/c/4.csv"]),
    ],
)
def test_paths(folder: Path, path, expected: list[str]) -> None:
    assert sorted(names(path, folder), key=natural) == sorted(expected, key=natural)
    assert names(path, folder) == expected


def test_where_files_lie_below_the_pattern(folder: Path) -> None:
    found = {str(file.relative): file.read().decode() for file in open_files("a/**/*.csv", base=folder)}
    assert found == {"1.csv": "a/1.csv", "2.csv": "a/2.csv", "10.csv": "a/10.csv", "b/3.csv": "a/b/3.csv", "b/c/4.csv": "a/b/c/4.csv"}
    assert [str(file.relative) for file in open_files(folder / "a" / "b")] == ["3.csv", "c/4.csv"]
    assert str(open_file("z.csv", base=folder).relative) == "z.csv"


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("y.csv", "DA031", "did you mean 'z.csv'?"),
        ("b/*.csv", "DA041", "no folder"),
        ("a/*.txt", "DA041", "none"),
        ("", "DA040", "a path"),
        ([], "DA040", "empty list"),
        ("z.csv!x", "DA031", "did you mean 'z.csv'?"),
        ("s4://bucket/a", "DA040", "did you mean s3://?"),
        ("pickle://x", "DA040", "not known"),
        ("simplecache::s3://bucket/a", "DA031", ""),
        ("http://host/*.csv", "DA040", "a pattern"),
        (["z.csv", "*.csv"], "DA040", "each file once"),
        ("${LAMINA_NOT_SET}/a.csv", "DA040", "export LAMINA_NOT_SET"),
        ("https://me:secret@host/a.csv", "DA040", "a password"),
        ("https://host/a.csv?X-Amz-Signature=secret", "DA040", "X-Amz-Signature"),
        ("a\0b", "DA040", "a path"),
    ],
)
def test_paths_that_mean_nothing(folder: Path, path, code: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        open_files(path, base=folder)
    assert caught.value.code == code
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_empty_folder_is_no_data(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="DA031.*\n.*\n.*folder without files"):
        open_files("empty", base=tmp_path)


def test_several_where_one_is_wanted(folder: Path) -> None:
    with pytest.raises(DataError, match="DA040"):
        open_file("a/*.csv", base=folder)


def test_environment_variables_hold_what_must_not_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", str(folder))
    assert len(open_files("${PLACE}/a/*.csv")) == 3
    monkeypatch.setenv("URL", "https://me:secret@host/a.csv?sig=secret")
    assert parse("${URL}").shown == "https://host/a.csv"
    assert absolute("${URL}", folder) == "${URL}"
    assert absolute("x.csv", folder) == str(folder / "x.csv")
    assert absolute("/x.csv", folder) == "/x.csv"
    assert absolute("s3://b/x.csv", folder) == "s3://b/x.csv"
    assert shown("s3://b/x.csv") == "s3://b/x.csv"


def test_file_urls(folder: Path) -> None:
    assert open_file(f"file://{folder}/z.csv").read() == b"z.csv"


def test_fingerprints_follow_the_file(folder: Path) -> None:
    first = open_file("z.csv", base=folder).fingerprint
    assert open_file("z.csv", base=folder).fingerprint == first
    (folder / "z.csv").write_text("other")
    assert open_file("z.csv", base=folder).fingerprint != first
    assert open_file("a/1.csv", base=folder).fingerprint != open_file("a/2.csv", base=folder).fingerprint


def test_a_file_that_changes_while_it_is_read(folder: Path) -> None:
    path = folder / "z.csv"
    path.write_bytes(b"x" * 3_000_000)
    file = open_file(path)
    with file.open() as stream:
        stream.read(10)
        with path.open("ab") as more:
            more.write(b"more")
        with pytest.raises(DataError, match="DA043") as caught:
            stream.read()
    assert "z.csv" in str(caught.value)
    with pytest.raises(DataError, match="DA043"):
        file.verify()
    with pytest.raises(DataError, match="DA043"):
        file.open()


def test_settings_that_would_do_nothing_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in ({"region": "x"}, {"attempts": 2}, {"options": {"a": 1}}, {"anonymous": True}):
        with pytest.raises(DataError, match="DA048"):
            open_files("z.csv", folder, Storage(**settings))
    with pytest.raises(DataError, match="DA048.*account"):
        open_files("s3://bucket/a.csv", folder, Storage(account="x"))
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(DataError, match="export NOT_SET"):
        open_files("memory://a.csv", storage=Storage(secrets={"key": "NOT_SET"}))


@pytest.mark.parametrize(
    "name", ["secret", "key", "aws_secret_access_key", "token", "password", "sas_token", "connection_string", "account_key"]
)
def test_credentials_never_stand_in_a_description(name: str) -> None:
    with pytest.raises(DescriptionError, match="environment variable") as caught:
        Storage(options={name: "hush"})
    assert "secrets:" in str(caught.value)


def test_storage_reads_back() -> None:
    for example in Storage.examples():
        assert Storage.from_yaml(example.to_yaml()) == example


@given(st.text("ab*?.", min_size=1, max_size=6), st.text("ab.", min_size=1, max_size=6))
def test_patterns_within_a_name_are_those_of_shells(pattern: str, name: str) -> None:
    if "**" in pattern:
        return
    shell = fnmatch.fnmatchcase(name, pattern) and (not name.startswith(".") or pattern.startswith("."))
    assert matcher(pattern)(name) == shell


@given(st.lists(st.text("ab01/", max_size=6)))
def test_the_order_is_total(paths: list[str]) -> None:
    assert sorted(paths, key=natural) == sorted(reversed(paths), key=natural) or len(set(map(natural, paths))) < len(set(paths))
