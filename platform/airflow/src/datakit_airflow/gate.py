"""The gate before a deployment: a plan that would destroy something waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowFailException

__all__ = ["PlanApprovalOperator", "plan_details"]

_MOST_SHOWN = 200


class PlanApprovalOperator(ApprovalOperator):
    """Goes on by itself when a plan destroys nothing; else asks for the approval of exactly that plan.

    A plan that is rejected fails the task: nothing was deployed, so nothing after it is green.

    Args:
        plan_task: the task whose report tells the plan.
        datakit: the datakit's name.
        target: the connection to the database that would be changed.
        timeout: how long to wait for an answer; by default without end.
    """

    ui_color = "#f5e3c0"
    # The plan is known only when it runs, and what it says is no template.
    template_fields = ()

    def __init__(
        self, *, plan_task: str, datakit: str, target: str, timeout: timedelta | None = None, **kwargs: Any
    ) -> None:
        super().__init__(
            subject=f"Destructive changes by {datakit} to {target}",
            fail_on_reject=True,
            response_timeout=timeout,
            **kwargs,
        )
        self.plan_task = plan_task
        self.datakit = datakit
        self.target = target

    def execute(self, context: Any) -> Any:
        """Returns what was decided."""
        details = plan_details(context, self.plan_task)
        plan_hash = str(details["plan_hash"])
        if blocked := details.get("blocked"):
            raise AirflowFailException(
                f"the plan cannot be carried out, whoever approves it: {', '.join(blocked)}"
            )
        if details["destructive"] is False:
            self.log.info("The plan destroys nothing: it needs no approval")
            return {"plan_hash": plan_hash, "chosen_options": []}
        self.subject = f"{self.datakit} would destroy something in {self.target}: plan {plan_hash[:12]}"
        self.body = _body(plan_hash, details)
        return super().execute(context)


def plan_details(context: Mapping[str, Any], plan_task: str) -> dict[str, Any]:
    """What the report of a plan tells.

    Args:
        context: the task's context.
        plan_task: the task whose report it is.

    Raises:
        AirflowFailException: it tells no plan.
    """
    report = context["ti"].xcom_pull(task_ids=plan_task)
    details = report.get("details") if isinstance(report, dict) else None
    if not isinstance(details, dict) or not {"plan_hash", "destructive"} <= set(details):
        raise AirflowFailException(f"the task {plan_task!r} tells no plan: clear it, so that one is made")
    return details


def _body(plan_hash: str, details: Mapping[str, Any]) -> str:
    changes = [str(change) for change in details.get("changes") or ()]
    lines = [f"Plan `{plan_hash}`. Only exactly this plan will be carried out.", "", "```"]
    lines += [*changes[:_MOST_SHOWN], "```"]
    if len(changes) > _MOST_SHOWN:
        lines.append(f"And {len(changes) - _MOST_SHOWN} lines more: see the report of the plan's task.")
    return "\n".join(lines)
