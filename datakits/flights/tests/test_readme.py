"""The README's questions are run, and what it prints as answers is what comes out."""

import re
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest


def readme() -> str:
    """The file when it is here, else its copy in the metadata of the installed package."""
    file = Path(__file__).parents[1] / "README.md"
    if file.exists():
        return file.read_text(encoding="utf-8")
    return metadata("flights-datakit")["Description"]


QUESTIONS = re.findall(r"\n([^\n]+)\n\n```sql\n(.*?)\n```\n\n```text\n(.*?)```", readme(), re.DOTALL)


def table(rows: list[dict[str, Any]]) -> list[list[str]]:
    """The header and the cells as text."""
    return [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]


def test_the_readme_asks_questions() -> None:
    assert len(QUESTIONS) == 5


@pytest.mark.parametrize(("statement", "printed"), [question[1:] for question in QUESTIONS])
def test_a_question_of_the_readme_has_the_answer_that_it_prints(
    query: Any, statement: str, printed: str
) -> None:
    lines = [line for line in printed.splitlines() if not set(line) <= {"-", "+"}]
    assert [[cell.strip() for cell in line.split("|")] for line in lines] == table(query(statement))
