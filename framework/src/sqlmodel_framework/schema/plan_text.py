"""A plan for people: as text, as Markdown for a pull request, and as SQL."""

from __future__ import annotations

from collections.abc import Iterator

from .change import Change
from .plan import Plan

__all__ = ["as_markdown", "as_sql", "as_text", "change_lines"]


def as_text(plan: Plan) -> str:
    """One line for each change, those first that need somebody's word."""
    lines = [_headline(plan)]
    lines += [f"  {line}" for line in change_lines(plan)]
    lines += [f"  . {each} is not declared, and left alone" for each in plan.undeclared]
    return "\n".join(lines) + "\n"


def change_lines(plan: Plan) -> list[str]:
    """Each change in a line: what kind it is, what it does, and what it costs."""
    return [f"{_mark(change)} {change.id}{_more(change)}" for change in plan.changes]


def as_markdown(plan: Plan) -> str:
    """A table of the changes, what they cost, and the statements below."""
    lines = [f"### {_headline(plan)}", ""]
    if plan.changes:
        lines += ["| | change | of | how | cost |", "| --- | --- | --- | --- | --- |"]
        lines += [
            f"| {_sign(change)} | {change.action} | `{_cell(change.name)}` | {_cell(change.detail)} "
            f"| {_cell(_cost(change))} |"
            for change in plan.changes
        ]
        lines += [
            "",
            "<details><summary>SQL</summary>",
            "",
            "```sql",
            as_sql(plan).rstrip(),
            "```",
            "",
            "</details>",
        ]
    if plan.undeclared:
        lines += ["", "Not declared, and left alone:", ""]
        lines += [f"- {each}" for each in plan.undeclared]
    lines += ["", f"Plan `{plan.hash[:16]}` against the state `{plan.base[:16] or 'as declared'}`.", ""]
    return "\n".join(lines)


def as_sql(plan: Plan) -> str:
    """The statements in their order, with the transactions around them."""
    return "\n".join(_statements(plan)) + "\n"


def _statements(plan: Plan) -> Iterator[str]:
    yield f"-- {_headline(plan)}"
    for change in plan.refusals:
        yield f"-- refused unless allowed: {change.id}: {_cost(change)}"
    for segment in plan.segments():
        alone = segment[0].alone
        if not alone:
            yield "BEGIN;"
        for step in segment:
            yield f"{step.sql};"
        if not alone:
            yield "COMMIT;"


def _headline(plan: Plan) -> str:
    number = len(plan.changes)
    what = "nothing to do" if not number else f"{number} change{'' if number == 1 else 's'}"
    refused = f", {len(plan.refusals)} of them refused" if plan.refusals else ""
    return f"{plan.datakit} {plan.version} to {plan.target}: {what}{refused}"


def _mark(change: Change) -> str:
    if change.loss or change.blocked:
        return "!"
    return {"create": "+", "add": "+", "drop": "-"}.get(change.action.split()[0], "~")


def _sign(change: Change) -> str:
    return {"!": "❗", "+": "new", "-": "gone"}.get(_mark(change), "")


def _more(change: Change) -> str:
    words = [*([change.detail] if change.detail else []), *([_cost(change)] if _cost(change) else [])]
    return f" ({'; '.join(words)})" if words else ""


def _cost(change: Change) -> str:
    words = [
        f"cannot be done: {change.blocked}" if change.blocked else "",
        f"loses {change.loss}" if change.loss else "",
        change.effect,
    ]
    return "; ".join(filter(None, words))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
