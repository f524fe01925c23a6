"""The page says what the tables say, in one file that needs nothing else."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flights_datakit.report.figures import Figures, collect
from flights_datakit.report.page import render
from sqlmodel_framework import RunResult, Target

# Elements that HTML and the charts write without an end tag.
VOID = {"meta", "br", "path", "use", "rect", "line", "circle", "ellipse", "polygon", "polyline"}


class Page(HTMLParser):
    """A page read strictly: every element that opens must close in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.table: list[list[str]] | None = None
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag in VOID:
            return
        self.open.append(tag)
        if tag == "table":
            self.table = self.tables[attributes["id"] or ""] = []
        elif tag == "tr" and self.table is not None:
            self.table.append([])
        elif tag in {"td", "th"} and self.table:
            self.table[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag
        if tag == "table":
            self.table = None

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            return
        self.text.append(data)
        if self.table and self.table[-1] and {"td", "th"} & set(self.open):
            self.table[-1][-1] += data


@pytest.fixture(scope="module")
def html(first_run: RunResult) -> str:
    assert first_run.report is not None
    return first_run.report.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def figures(query: Any) -> Figures:
    return collect(query)


def test_the_page_is_well_formed_and_no_identifier_comes_twice(page: Page) -> None:
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    used = [value for _, attributes in page.elements for value in attributes.values() if value]
    referred = {name for value in used for name in re.findall(r"(?:^|url\()#([\w-]+)\)?$", value)}
    assert referred
    assert referred - set(identifiers) <= {
        value.lstrip("#") for value in used if re.fullmatch("#[0-9a-f]{6}", value)
    }


def test_the_page_needs_no_network_and_runs_nothing(html: str, page: Page) -> None:
    assert "http" not in html
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []
    assert not {"script", "link", "img", "iframe", "object", "embed"} & {tag for tag, _ in page.elements}
    assert not any(name == "src" or name.startswith("on") for _, some in page.elements for name in some)


def test_the_page_has_four_charts_each_with_words_for_it(page: Page) -> None:
    assert sum(tag == "svg" for tag, _ in page.elements) == 4
    labels = [some["aria-label"] for _, some in page.elements if some.get("role") == "img"]
    assert len(labels) == 4
    assert all(labels)


def test_the_headline_is_what_the_tables_say(page: Page, query: Any) -> None:
    (row,) = query("""
        SELECT count(late) AS arrived, count(*) FILTER (WHERE late) AS late FROM gold.fact_flight""")
    assert (
        f"Of {row['arrived']:,} flights that left New York and arrived, {row['late']:,} came 15 minutes or "
        f"more behind schedule: {100 * row['late'] / row['arrived']:.1f} %."
    ) in "".join(page.text)


def test_the_table_of_airlines_is_what_the_tables_say(page: Page, query: Any) -> None:
    rows = query("""
        SELECT carrier, name, count(*) AS flights, count(late) AS arrived,
               count(*) FILTER (WHERE late) AS late,
               avg(arr_delay) AS mean, avg(CASE WHEN cancelled THEN 1 ELSE 0 END) AS cancelled
        FROM gold.fact_flight JOIN gold.dim_airline USING (carrier) GROUP BY carrier, name
        ORDER BY avg(late::integer) DESC""")
    minus = "\N{MINUS SIGN}"
    expected = [
        [
            f"{row['name']} {row['carrier']}",
            f"{row['flights']:,}",
            f"{row['arrived']:,}",
            f"{row['late']:,}",
            f"{100 * row['late'] / row['arrived']:.1f} %",
            f"{float(row['mean']):.1f}".replace("-", minus),
            f"{100 * float(row['cancelled']):.1f} %",
        ]
        for row in rows
    ]
    assert [line[:5] + line[6:] for line in page.tables["carriers"][1:]] == expected


def test_the_routes_are_the_ten_worst_and_the_ten_best_with_enough_arrivals(page: Page, query: Any) -> None:
    rows = query("""
        SELECT origin || ' to ' || dest AS route, count(late) AS arrived
        FROM gold.fact_flight GROUP BY origin, dest HAVING count(late) >= 365
        ORDER BY avg(late::integer) DESC, origin, dest""")
    expected = [(row["route"], f"{row['arrived']:,}") for row in rows]

    def shown(name: str) -> list[tuple[str, str]]:
        return [(line[0][: len("EWR to RIC")], line[1]) for line in page.tables[name][1:]]

    assert shown("worst-routes") == expected[:10]
    assert shown("best-routes") == expected[:-11:-1]


def test_the_loads_are_those_of_the_run(page: Page, first_run: RunResult) -> None:
    expected = [
        [
            load.layer,
            load.table,
            *(f"{rows:,}" for rows in (load.read, load.accepted, load.rejected, load.accepted)),
        ]
        for load in first_run.loads
    ]
    assert page.tables["loads"][1:] == expected


def test_every_kept_rule_and_every_reason_is_shown_with_its_rows(page: Page, first_run: RunResult) -> None:
    for name, attribute in (("kept", "kept"), ("reasons", "reasons")):
        expected = {
            (f"{load.layer} {load.table}", text, f"{rows:,}")
            for load in first_run.loads
            for text, rows in getattr(load, attribute).items()
        }
        assert {tuple(line) for line in page.tables[name][1:]} == expected


def test_both_numbers_of_planes_that_lead_nowhere_are_told(page: Page) -> None:
    text = " ".join("".join(page.text).split())
    assert "52,606 flights have a plane that is not in the plane list: 50,094 with" in text
    assert "and 2,512 with no tail number at all" in text


def test_another_time_zone_hash_seed_and_folder_give_the_same_bytes(
    html: str, first_run: RunResult, real_target: Target, tmp_path: Path
) -> None:
    program = """
import sys
from pathlib import Path
from flights_datakit import datakit
from sqlmodel_framework import Target, run_datakit
run_datakit(datakit, Target(sys.argv[1], lock_timeout=300), folder=Path(sys.argv[2]))
"""
    changed = {
        "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "4711",
        "LC_ALL": "C",
        "MPLCONFIGDIR": str(tmp_path / "mpl"),
    }
    url = real_target.secret_url().render_as_string(hide_password=False)
    folder = tmp_path / "elsewhere"
    subprocess.run(
        [sys.executable, "-c", program, url, str(folder)],
        check=True,
        env=os.environ | changed,
        cwd=tmp_path,
        umask=0o077,
    )
    assert (folder / "report.html").read_text(encoding="utf-8") == html


def test_text_from_the_data_is_escaped(figures: Figures, first_run: RunResult) -> None:
    name = "<script>alert('x')</script> & $a$ \"Sons\""
    carriers = [replace(one, name=name) for one in figures.carriers]
    routes = [replace(one, dest_name=name) for one in figures.routes]
    html = render(replace(figures, carriers=carriers, routes=routes), first_run)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert name in "".join(Page(html).text)


def test_data_without_an_arrival_gives_a_page_that_says_so(figures: Figures, first_run: RunResult) -> None:
    nothing = replace(figures, totals=replace(figures.totals, flights=0, arrived=0, late=0, first_day=None))
    page = Page(render(nothing, first_run))
    assert "No flight in this data arrived, so there is nothing to compare." in page.text
    assert not any(tag == "svg" for tag, _ in page.elements)
    assert len(page.tables["loads"]) == len(first_run.loads) + 1
