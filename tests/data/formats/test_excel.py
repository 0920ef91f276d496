"""Spreadsheets against openpyxl, XlsxWriter and hand-made files: kinds of cells, places, ranges, bounds, damage."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lamina.data.formats.excel import Sheet, cell_name, parse_range, read_excel, write_excel
from lamina.data.formats.excel.cells import Range, column_number
from lamina.data.sources import Excel
from lamina.data.storage import open_file
from lamina.errors import DataError, DescriptionError, LaminaError

DAY, NOON = dt.datetime(2024, 2, 29), dt.datetime(2024, 2, 29, 12, 30)


def write(path: Path, rows: list[list[object]], *, at: tuple[int, int] = (0, 0), sheets: tuple[str, ...] = ("My data",)) -> Path:
    """A workbook whose last sheet holds these cells; text that begins with = is a formula with the value 42 or an error."""
    book = xlsxwriter.Workbook(path)
    for name in sheets:
        sheet = book.add_worksheet(name)
    day, clock, span = (book.add_format({"num_format": form}) for form in ("yyyy-mm-dd", "hh:mm:ss", "[h]:mm:ss"))
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            place = (at[0] + i, at[1] + j)
            if isinstance(value, dt.datetime):
                sheet.write_datetime(*place, value, day)
            elif isinstance(value, dt.time):
                sheet.write_datetime(*place, value, clock)
            elif isinstance(value, dt.timedelta):
                sheet.write_datetime(*place, value, span)
            elif isinstance(value, str) and value.startswith("="):
                sheet.write_formula(*place, value, None, "#DIV/0!" if "/0" in value else "#N/A" if "NA()" in value else 42)
            elif value is not None:
                sheet.write(*place, value)
    book.close()
    return path


def table(path: Path, **settings) -> pl.DataFrame:
    return read_excel(open_file(path), Sheet(**settings)).collect()


LETTERS = st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_characters="\x7f\x85\xa0")


class TestKinds:
    def test_columns(self, tmp_path) -> None:
        head = ["whole", "number", "text", "truth", "day", "moment", "clock", "span", "formula", "empty"]
        rows = [
            [1, 1.5, "a", True, DAY, NOON, dt.time(1, 2, 3), dt.timedelta(hours=30), "=A1*2", None],
            [None, 2, " ", None, None, DAY, None, None, "=A2*2", None],
            [3, None, "ü", False, DAY, None, dt.time(12), dt.timedelta(hours=1), "=A3*2", None],
        ]
        made = table(write(tmp_path / "a.xlsx", [head, *rows]))
        assert made.to_dict(as_series=False) == {
            "whole": [1, None, 3],
            "number": [1.5, 2.0, None],
            "text": ["a", None, "ü"],
            "truth": [True, None, False],
            "day": [DAY, None, DAY],
            "moment": [NOON, DAY, None],
            "clock": [3723.0, None, 43200.0],
            "span": [108000.0, None, 3600.0],
            "formula": [42, 42, 42],
            "empty": [None, None, None],
        }

    def test_openpyxl_writes_and_we_read(self, tmp_path) -> None:
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        book.active.append(["a", "b", "c"])
        for row in ([1, "x", DAY], [2, None, NOON]):
            book.active.append(row)
        book.save(tmp_path / "a.xlsx")
        assert table(tmp_path / "a.xlsx").rows() == [(1, "x", DAY), (2, None, NOON)]

    @given(
        st.lists(
            st.tuples(
                st.integers(-(2**53), 2**53),
                st.none() | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
                st.none() | st.text(LETTERS, min_size=1, max_size=9),
                st.none() | st.booleans(),
                st.none() | st.dates(dt.date(1901, 1, 1), dt.date(2200, 1, 1)),
            ),
            min_size=1,
            max_size=8,
        )
    )
    @settings(max_examples=40, deadline=None)
    def test_what_we_write_reads_back(self, tmp_path_factory, rows) -> None:
        path = tmp_path_factory.mktemp("x") / "a.xlsx"
        schema = {"i": pl.Int64, "f": pl.Float64, "s": pl.String, "b": pl.Boolean, "d": pl.Date}
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        write_excel(frame, path)
        made = table(path)
        filled = [name for name in schema if frame[name].null_count() < len(frame)]
        assert made.columns == list(schema)
        expected = frame.select(filled)
        assert_frame_equal(made.select(filled).cast({name: schema[name] for name in filled}), expected, rel_tol=1e-15)  # type: ignore[arg-type]


class TestCells:
    """Cells of another kind than the rest of their column are named as the spreadsheet does."""

    @pytest.mark.parametrize(
        ("column", "cell", "words"),
        [
            ([1, 2, "x", 4], "'My data'!C7", ["a number, as most", "text, 'x'", "columns: {a: string}"]),
            ([DAY, 3, DAY], "'My data'!C6", ["a date, as most", "a number, '3'"]),
            ([True, False, True, 1], "'My data'!C8", ["true or false", "a number, '1'"]),
            ([True, "no", True], "'My data'!C6", ["true or false", "text, 'no'"]),
            ([1, "=1/0", 3], "'My data'!C6", ["#DIV/0!", "error_cells: missing"]),
            ([1, "=NA()", 3], "'My data'!C6", ["#N/A"]),
            (["a", "=1/0", "b"], "'My data'!C6", ["#DIV/0!"]),
            ([1, "x", "=1/0", 3, 4], "'My data'!C6", ["text, 'x'"]),
        ],
    )
    def test_named(self, tmp_path, refused, column, cell, words) -> None:
        path = write(tmp_path / "a.xlsx", [["a", "b"], *([value, 1] for value in column)], at=(3, 2))
        with refused("DA063", f"a.xlsx, sheet 'My data', cell {cell}", *words):
            table(path)

    def test_text_that_is_mostly_text_is_text(self, tmp_path) -> None:
        path = write(tmp_path / "a.xlsx", [["code"], ["A1"], [7], ["B2"]])
        assert table(path)["code"].to_list() == ["A1", "7", "B2"]

    def test_marks_for_missing_values(self, tmp_path) -> None:
        path = write(tmp_path / "a.xlsx", [["a", "b"], [1, "x"], ["NA", "NA"], [3, "y"]])
        assert table(path, missing_values=("NA",)).to_dict(as_series=False) == {"a": [1, None, 3], "b": ["x", None, "y"]}

    def test_errors_as_missing(self, tmp_path) -> None:
        path = write(tmp_path / "a.xlsx", [["a"], [1], ["=1/0"], [3]])
        assert table(path, error_cells="missing")["a"].to_list() == [1, None, 3]

    def test_columns_read_as_text(self, tmp_path) -> None:
        path = write(tmp_path / "a.xlsx", [["a", "b"], [1, 2], ["x", 3]])
        assert table(path, texts=("a",)).rows() == [("1", 2), ("x", 3)]


class TestPlaces:
    ROWS = (["title"], ["a", "b", "c"], [1, 2, 3], [4, 5, 6], [7, 8, 9], ["sum", 15, 18])

    @pytest.mark.parametrize(
        ("settings", "columns", "rows"),
        [
            ({"range": parse_range("A2:C5")}, ["a", "b", "c"], [(1, 2, 3), (4, 5, 6), (7, 8, 9)]),
            ({"range": parse_range("B2:C4")}, ["b", "c"], [(2, 3), (5, 6)]),
            ({"range": parse_range("B2")}, ["b", "c"], [(2, 3), (5, 6), (8, 9), (15, 18)]),
            ({"range": parse_range("B3:C4"), "header": False}, ["column_1", "column_2"], [(2, 3), (5, 6)]),
            ({"range": parse_range("B3:C4"), "header": False, "names": ("p", "q")}, ["p", "q"], [(2, 3), (5, 6)]),
            ({"range": parse_range("A2:C5"), "skip_rows": 1, "names": ("p", "q", "r")}, ["p", "q", "r"], [(4, 5, 6), (7, 8, 9)]),
            ({"header_row": 2, "texts": ("a",)}, ["a", "b", "c"], [("1", 2, 3), ("4", 5, 6), ("7", 8, 9), ("sum", 15, 18)]),
        ],
    )
    def test_ranges_and_headers(self, tmp_path, settings, columns, rows) -> None:
        made = table(write(tmp_path / "a.xlsx", [*self.ROWS]), **settings)
        assert made.columns == columns
        assert made.rows() == rows

    def test_sheets(self, tmp_path, refused) -> None:
        path = write(tmp_path / "a.xlsx", [["a"], [1]], sheets=("First", "Sales 2024"))
        for sheet in ("Sales 2024", 2):
            assert table(path, sheet=sheet).rows() == [(1,)]
        with refused("DA061", "a sheet 'Sales 2042'", "did you mean 'Sales 2024'"):
            table(path, sheet="Sales 2042")
        with refused("DA061", "a sheet 3", "from 1 to 2"):
            table(path, sheet=3)
        with refused("DA006", "sheet 'First'"):
            table(path)

    @pytest.mark.parametrize(
        ("rows", "settings", "code", "words"),
        [
            ([["a", "a"], [1, 2]], {}, "DA017", ["'a' twice"]),
            ([["a", "b"]], {}, "DA006", ["no row"]),
            ([], {}, "DA006", ["no column"]),
            ([["a", "b"], [1, 2]], {"names": ("x",)}, "DA016", ["names for its 2 columns"]),
            ([["a"], [1]], {"range": Range(0, 5, 3, 8)}, "DA006", ["no column"]),
        ],
    )
    def test_refused(self, tmp_path, refused, rows, settings, code, words) -> None:
        path = write(tmp_path / "a.xlsx", rows)
        with refused(code, "sheet 'My data'", *words):
            table(path, **settings)

    def test_a_header_with_gaps(self, tmp_path) -> None:
        path = write(tmp_path / "a.xlsx", [["a", None, 3], [1, 2, 4]])
        assert table(path).columns == ["a", "column_2", "3"]

    @pytest.mark.parametrize(("row", "column", "name"), [(0, 0, "A1"), (6, 25, "Z7"), (0, 26, "AA1"), (1_048_575, 16_383, "XFD1048576")])
    def test_names_of_cells(self, row, column, name) -> None:
        assert cell_name(row, column) == name
        assert column_number(name.rstrip("0123456789")) == column

    @pytest.mark.parametrize("text", ["", "A", "x:y:z", "B2:A1", "A0", "A1:", "XFE1", "A1048577", "1-2"])
    def test_no_ranges(self, text) -> None:
        found = parse_range(text)
        assert found is None or text == "A"


class TestOds:
    def test_rows(self, tmp_path) -> None:
        ods = OPEN_DOCUMENT.format(rows=row(["a", "b"]) + row([1, "x"]) + row([2.5, None]))
        assert table(zipped(tmp_path / "a.ods", ods)).rows() == [(1.0, "x"), (2.5, None)]

    def test_repetitions_that_would_fill_the_memory(self, tmp_path, refused) -> None:
        many = '<table:table-row table:number-rows-repeated="1048576">' + cell(1, 16384) + "</table:table-row>"
        with refused("DA064", "1,048,576 rows and 16,384 columns"):
            table(zipped(tmp_path / "a.ods", OPEN_DOCUMENT.format(rows=many)))

    def test_empty_repetitions_are_nothing(self, tmp_path) -> None:
        tail = f'<table:table-row table:number-rows-repeated="1048000">{cell(None, 16000)}</table:table-row>'
        ods = OPEN_DOCUMENT.format(rows=row(["a"]) + row([1]) + tail)
        assert table(zipped(tmp_path / "a.ods", ods)).rows() == [(1,)]


OPEN_DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'office:version="1.2"><office:body><office:spreadsheet><table:table table:name="Sheet1">{rows}</table:table></office:spreadsheet>'
    "</office:body></office:document-content>"
)


def cell(value: object, times: int = 1) -> str:
    repeated = f' table:number-columns-repeated="{times}"' if times > 1 else ""
    if value is None:
        return f"<table:table-cell{repeated}/>"
    if isinstance(value, str):
        return f'<table:table-cell office:value-type="string"{repeated}><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{value}"{repeated}><text:p>{value}</text:p></table:table-cell>'


def row(values: list[object]) -> str:
    return f"<table:table-row>{''.join(map(cell, values))}</table:table-row>"


def zipped(path: Path, content: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", content)
    return path


def changed(path: Path, member: str, change) -> Path:
    """A workbook with one of its members changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[member] = change(members[member])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


class TestBad:
    def test_two_cells_far_apart(self, tmp_path, refused) -> None:
        path = changed(
            write(tmp_path / "a.xlsx", [["a"], [1]]),
            "xl/worksheets/sheet1.xml",
            lambda text: text.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'),
        )
        with refused("DA064", "a.xlsx, xl/worksheets/sheet1.xml", "1,048,576 rows and 16,384 columns", "most_cells"):
            table(path)

    def test_one_long_text_in_many_cells(self, tmp_path, refused, monkeypatch) -> None:
        monkeypatch.setattr("lamina.data.formats.excel.bounds.MOST_TEXT", 1_000_000)
        path = write(tmp_path / "a.xlsx", [["a"], *(["x" * 30_000] for _ in range(40))])
        with refused("DA064", "bytes of text"):
            table(path)

    def test_a_bomb(self, tmp_path, refused) -> None:
        path = changed(write(tmp_path / "a.xlsx", [["a"], [1]]), "xl/styles.xml", lambda text: text + b" " * (80 << 20))
        with refused("DA046", "xl/styles.xml", "max_ratio"):
            table(path)

    @pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK\x03\x04 no zip", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100])
    def test_other_kinds(self, tmp_path, refused, content) -> None:
        (tmp_path / "a.xlsx").write_bytes(content)
        with refused("DA060", "a.xlsx", "a spreadsheet"):
            table(tmp_path / "a.xlsx")

    @pytest.mark.parametrize(("member", "word"), [("a.txt", "another kind of zip"), ("xl/workbook.bin", "xlsb")])
    def test_other_archives(self, tmp_path, refused, member, word) -> None:
        with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
            archive.writestr(member, "hello")
        with refused("DA060", word):
            table(tmp_path / "a.xlsx")

    def test_damage_is_an_error_of_ours_or_harmless(self, tmp_path, damages) -> None:
        path = write(tmp_path / "a.xlsx", [["a", "b"], [1, "x"], [2, "y"]])
        whole, failed = path.read_bytes(), 0
        for content in damages(whole, 60):
            path.write_bytes(content)
            try:
                table(path)
            except LaminaError:
                failed += 1
        assert failed > 10

    def test_without_fastexcel(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "fastexcel", None)
        with pytest.raises(LaminaError, match=r"pip install 'lamina\[excel\]'"):
            table(write(tmp_path / "a.xlsx", [["a"], [1]]))


class TestWriting:
    @pytest.mark.parametrize(
        ("frame", "words"),
        [
            ({"a": [1.0, float("nan")]}, ["cell A3", "nan"]),
            ({"a": [1.0], "b": [float("inf")]}, ["cell B2", "inf"]),
            ({"a": [2**60]}, ["cell A2", "2**53"]),
            ({"a": ["x" * 40_000]}, ["cell A2", "40,000"]),
            ({"a": [[1, 2]]}, ["column 'a'", "List(Int64)"]),
            ({"a": [NOON.replace(tzinfo=dt.timezone(dt.timedelta(hours=2)))]}, []),
        ],
    )
    def test_refused(self, tmp_path, refused, frame, words) -> None:
        rows = pl.DataFrame(frame)
        if not words:
            rows = rows.with_columns(pl.col("a").dt.convert_time_zone("Europe/Zurich"))
        with refused("DA093", *words):
            write_excel(rows, tmp_path / "a.xlsx")
        assert list(tmp_path.iterdir()) == []

    def test_text_is_never_a_formula_or_a_link(self, tmp_path) -> None:
        texts = ["=1+1", "@x", "http://example.org", "007", "-5"]
        write_excel(pl.DataFrame({"a": texts}), tmp_path / "a.xlsx")
        assert table(tmp_path / "a.xlsx")["a"].to_list() == texts
        with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
            assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


class TestSource:
    def test_a_policy_sees_all_values(self, tmp_path) -> None:
        path = write(tmp_path / "a.xlsx", [["age", "ok"], [1, "y"], ["x", "n"], [3, "y"]])
        source = Excel(path=str(path), columns={"age": {"type": "integer"}}, target="ok", invalid="drop")
        with pytest.warns(UserWarning, match="1 rows"):
            assert len(source.read().train) == 2
        with pytest.raises(DataError, match="'My data'!A3"):
            source.replace(invalid="error").read()

    def test_categories_that_look_like_numbers(self, tmp_path) -> None:
        path = write(tmp_path / "a.xlsx", [["zip", "y"], [8001, "a"], ["CH-3000", "b"], [8002, "a"]])
        data = Excel(path=str(path), categorical="zip", target="y").read().train
        assert data.columns is not None
        assert data.columns.vocabularies["zip"] == ("8001", "8002", "CH-3000")

    @pytest.mark.parametrize(
        ("settings", "word"),
        [
            ({"range": "B2:A1"}, "a range such as"),
            ({"range": "A1:B2", "header_row": 2}, "not both"),
            ({"header": False, "header_row": 2}, "header: false"),
            ({"sheet": 0}, "sheet"),
        ],
    )
    def test_descriptions(self, settings, word) -> None:
        with pytest.raises(DescriptionError, match=word):
            Excel(path="a.xlsx", **settings)
