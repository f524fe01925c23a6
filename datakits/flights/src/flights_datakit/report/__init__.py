"""The report: one HTML file that answers who is late, when, and whether weather explains it."""

from pathlib import Path

from sqlmodel_framework import ReportContext

FILE_NAME = "report.html"


def write_report(context: ReportContext) -> Path:
    """Write the report into the folder of the run and return its path.

    The same data gives the same bytes: the page holds no moment of writing, no run and no place.
    """
    # Imported when a report is written: these bring matplotlib and jinja2.
    from flights_datakit.report.figures import collect
    from flights_datakit.report.page import render

    path = context.folder / FILE_NAME
    path.write_text(render(collect(context.query), context.result), encoding="utf-8")
    return path
