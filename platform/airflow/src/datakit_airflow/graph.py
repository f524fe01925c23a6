"""From a datakit's description and a declaration to steps and what each waits for; nothing of Airflow yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from pydantic import JsonValue
from sqlmodel_framework.runs.description import DescribedLoad, Description

from .configuration import ConfigurationError, Problem
from .declaration import DbtStep, Declaration, PodTemplate, RunnerStep, StepKind

__all__ = ["Graph", "Step", "TaskKind", "build_graph"]

TaskKind = Literal["pin", "approve", "step"] | StepKind
"""What a task does; `pin` and `approve` need no container, and a `step` is one that the declaration adds."""

DEFAULT_ROLE = "sqlmodel"
KINDS: tuple[StepKind, ...] = ("deploy", "plan", "load", "dbt", "check", "verify")

_NO_KEY = re.compile(r"[^A-Za-z0-9_\-]+")
_DBT_POD: PodTemplate = "dbt"
_DEFAULT_POD: PodTemplate = "default"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One task.

    Attributes:
        name: the task's name within its group.
        kind: what it does.
        upstream: ids of the steps that it waits for.
        group: the task group that it is in, or None.
        runner_step: what the runner calls it, or None for what needs no container.
        datakit: what the run specification calls the datakit.
        role: the role of its image.
        loads: ids of the loads that it carries out.
        tables: the tables that it writes.
        source: the connection that it reads from, when it is the only one.
        sources: the connections that it reads from, by what the datakit's sources call the databases.
        windowed: whether it loads the rows of a span of time.
        pod: its pod template.
        parameters: what else the runner is told.
    """

    name: str
    kind: TaskKind
    upstream: tuple[str, ...] = ()
    group: str | None = None
    runner_step: str | None = None
    datakit: str = ""
    role: str = DEFAULT_ROLE
    loads: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    source: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    windowed: bool = False
    pod: PodTemplate = "default"
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The step's id: its group and its name."""
        return f"{self.group}.{self.name}" if self.group else self.name


@dataclass(frozen=True)
class Graph:
    """Every step, each after those that it waits for."""

    steps: tuple[Step, ...]

    def step(self, id: str) -> Step:  # noqa: A002
        """The step of this id."""
        return next(step for step in self.steps if step.id == id)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of images that the steps need."""
        return tuple(sorted({step.role for step in self.steps if step.runner_step}))


def build_graph(description: Description, declaration: Declaration, place: str = "") -> Graph:
    """The steps of a datakit's DAG.

    Args:
        description: the datakit's description.
        declaration: how it runs.
        place: what messages call the declaration; by default the DAG's id.

    Raises:
        ConfigurationError: the two do not fit together; every mistake is a problem.
    """
    return _Builder(description, declaration, place or declaration.dag_id).build()


@dataclass(frozen=True)
class _Container:
    """Loads that run together."""

    name: str
    group: str | None
    loads: tuple[DescribedLoad, ...]

    @property
    def id(self) -> str:
        return f"{self.group}.{self.name}" if self.group else self.name


class _Builder:
    def __init__(self, description: Description, declaration: Declaration, place: str) -> None:
        self.description = description
        self.declaration = declaration
        self.place = place
        self.problems: list[Problem] = []
        self.loads = {load.id: load for load in description.loads}
        self.layers = tuple(dict.fromkeys(load.layer for load in description.loads))

    def build(self) -> Graph:
        self._check_names()
        containers = self._containers()
        self._raise()
        by_id = {container.id: container for container in containers}
        for name in by_id.keys() & self.declaration.steps.keys():
            self._problem(f"steps.{name}", f"two tasks would be called {name!r}", "rename the step")
        self._raise()
        upstream = self._upstream(containers)
        before = self._before()
        steps = [Step(name="pin", kind="pin"), *before]
        last = steps[-1].id
        done: list[Step] = []
        for name in self._ordered(upstream):
            waits = tuple(sorted(upstream[name])) or (last,)
            done.append(self._load(by_id[name], waits) if name in by_id else self._added(name, waits))
        steps += done
        after = self._dbt(done, last)
        steps += after
        ends = _ends([*done, *after]) or (last,)
        if self.declaration.check and self.description.checks:
            steps.append(self._step("check", "check", ends))
        if verified := self._verified():
            waits = tuple(step.id for step in done if set(step.loads) & set(verified)) or ends
            reads = [load for load in self.loads.values() if load.id in verified]
            steps.append(
                self._step("verify", "verify", waits, reads=reads, parameters={"loads": list(verified)})
            )
        self._raise()
        self._check_unique(steps)
        return Graph(tuple(steps))

    def _check_names(self) -> None:
        """Everything that names a load, a layer or a kind of step names one that is there."""
        known = {*self.loads, *self.layers}
        databases = {load.database for load in self.description.loads if load.database}
        for name in self.declaration.sources:
            self._known(f"sources.{name}", name, {*known, *databases}, "load, layer or database")
        for name in self.declaration.runners:
            self._known(f"runners.{name}", name, {*known, *KINDS}, "kind of step, layer or load")
        for name in self.declaration.pods:
            self._known(f"pods.{name}", name, {*known, *KINDS}, "kind of step, layer or load")
        for step, added in self.declaration.steps.items():
            for name in added.after:
                others = known | (self.declaration.steps.keys() - {step})
                self._known(f"steps.{step}.after", name, others, "load, layer or other step")
        if self.declaration.dbt is not None:
            for name in self.declaration.dbt.after:
                self._known("dbt.after", name, known | self.declaration.steps.keys(), "load, layer or step")
            for name in {table.name for table in self.description.tables} & {*self.declaration.dbt.tables}:
                self._problem(
                    "dbt.tables",
                    f"{name!r} is a table of the datakit {self.description.name!r}, which its loads fill",
                    "list what dbt makes, or give its models another schema",
                )
        elif self.declaration.parameters.get("dbt"):
            self._problem("parameters.dbt", "there is no dbt step", "declare one under dbt, or take this out")
        if isinstance(self.declaration.verify, tuple):
            for name in self.declaration.verify:
                self._known("verify", name, set(self.loads), "load")

    def _known(self, where: str, name: str, known: Iterable[str], what: str) -> None:
        if name not in (names := sorted(known)):
            hint = f"there are: {', '.join(names)}" if names else "the datakit has none"
            self._problem(where, f"{name!r} is no {what} of the datakit {self.description.name!r}", hint)

    def _containers(self) -> list[_Container]:
        groups = self.declaration.groups
        if groups == "layer":
            return [
                _Container(_key(layer), None, tuple(one for one in self.loads.values() if one.layer == layer))
                for layer in self.layers
            ]
        listed: dict[str, str] = {}
        containers: list[_Container] = []
        for name, members in groups.items() if isinstance(groups, dict) else ():
            if not members:
                self._problem(f"groups.{name}", "it has no load in it", "list loads, or take it out")
            for member in members:
                self._known(f"groups.{name}", member, self.loads, "load")
                if member in listed:
                    self._problem(
                        f"groups.{name}", f"{member!r} is in {listed[member]!r} as well", "keep one of them"
                    )
                listed[member] = name
            together = tuple(load for load in self.loads.values() if load.id in members)
            containers.append(_Container(_key(name), None, together))
        for load in self.loads.values():
            if load.id not in listed:
                containers.append(_Container(_key(load.name), _key(load.layer), (load,)))
        return containers

    def _upstream(self, containers: list[_Container]) -> dict[str, set[str]]:
        """What each container and each step that the declaration adds waits for."""
        where = {load.id: container.id for container in containers for load in container.loads}
        added = self.declaration.steps
        found: dict[str, set[str]] = {}
        for container in containers:
            reads = {table for load in container.loads for table in load.reads}
            loads = {
                where[before] for load in container.loads for before in self.description.upstream_of(load.id)
            }
            steps = {name for name, step in added.items() if reads & set(step.tables)}
            found[container.id] = (loads | steps) - {container.id}
        for name, step in added.items():
            loads = {
                where[load.id] for load in self.loads.values() if {load.id, load.layer} & set(step.after)
            }
            found[name] = loads | (set(step.after) & added.keys())
        return found

    def _ordered(self, upstream: dict[str, set[str]]) -> list[str]:
        sorter = TopologicalSorter({name: sorted(before) for name, before in upstream.items()})
        try:
            return [*sorter.static_order()]
        except CycleError as error:
            way = " -> ".join(error.args[1])
            self._problem(
                "steps" if self.declaration.steps.keys() & set(error.args[1]) else "groups",
                f"these wait for each other: {way}",
                "put loads into one group only when none of the others lies between them, "
                "and let no step wait for a load that reads its tables",
            )
        self._raise()
        raise AssertionError("a cycle is a problem")

    def _before(self) -> list[Step]:
        if self.declaration.deploy == "none":
            return []
        if self.declaration.deploy == "plain":
            return [self._step("deploy", "deploy", ("pin",))]
        return [
            self._step("plan", "plan", ("pin",)),
            Step(name="approve", kind="approve", upstream=("plan",), datakit=self.description.name),
            self._step("deploy", "deploy", ("approve",)),
        ]

    def _load(self, container: _Container, upstream: tuple[str, ...]) -> Step:
        loads = container.loads
        ids = tuple(load.id for load in loads)
        names = [name for load in loads for name in (load.id, load.layer)]
        return self._step(
            container.name,
            "load",
            upstream,
            group=container.group,
            names=names,
            loads=ids,
            tables=tuple(dict.fromkeys(load.table for load in loads)),
            reads=loads,
            windowed=any(load.windowed for load in loads),
            parameters={"loads": list(ids)},
        )

    def _added(self, name: str, upstream: tuple[str, ...]) -> Step:
        added: RunnerStep = self.declaration.steps[name]
        return Step(
            name=name,
            kind="step",
            upstream=upstream,
            runner_step=added.step,
            datakit=self.description.name,
            role=added.image,
            tables=tuple(dict.fromkeys(added.tables)),
            source=added.source,
            windowed=added.windowed,
            pod=added.pod,
            parameters=added.parameters,
        )

    def _dbt(self, done: list[Step], last: str) -> list[Step]:
        dbt = self.declaration.dbt
        if dbt is None:
            return []
        after = {load.id for load in self.loads.values() if {load.id, load.layer} & set(dbt.after)}
        chosen = [step for step in done if not dbt.after or set(step.loads) & after or step.name in dbt.after]
        return [self._dbt_step(dbt, _ends(chosen) or (last,))]

    def _dbt_step(self, dbt: DbtStep, upstream: tuple[str, ...]) -> Step:
        parameters: dict[str, JsonValue] = {} if dbt.project is None else {"project": dbt.project}
        return Step(
            name=f"dbt_{dbt.step}",
            kind="dbt",
            upstream=upstream,
            runner_step=dbt.step,
            datakit=dbt.name or self.description.name,
            role=self.declaration.runners.get("dbt", dbt.image),
            tables=tuple(dict.fromkeys(dbt.tables)),
            pod=self._pod("dbt", ()),
            parameters={**parameters, **self.declaration.parameters.get("dbt", {}), **dbt.parameters},
        )

    def _step(
        self,
        name: str,
        kind: StepKind,
        upstream: tuple[str, ...],
        *,
        group: str | None = None,
        names: Iterable[str] = (),
        loads: tuple[str, ...] = (),
        tables: tuple[str, ...] = (),
        reads: Iterable[DescribedLoad] = (),
        windowed: bool = False,
        parameters: Mapping[str, JsonValue] | None = None,
    ) -> Step:
        names = (*names, kind)
        source, sources = self._sources(name if group is None else f"{group}.{name}", reads)
        return Step(
            name=name,
            kind=kind,
            upstream=upstream,
            group=group,
            runner_step=kind,
            datakit=self.description.name,
            role=next(filter(None, map(self.declaration.runners.get, names)), DEFAULT_ROLE),
            loads=loads,
            tables=tables,
            source=source,
            sources=sources,
            windowed=windowed,
            pod=self._pod(kind, names),
            parameters={**self.declaration.parameters.get(kind, {}), **(parameters or {})},
        )

    def _sources(self, step: str, loads: Iterable[DescribedLoad]) -> tuple[str | None, dict[str, str]]:
        """The connection that loads read from, and those of the databases that their sources name."""
        source: str | None = None
        sources: dict[str, str] = {}
        for load in loads:
            declared = map(self.declaration.sources.get, (load.id, load.layer, load.database or load.id))
            connection = next(filter(None, declared), None)
            if connection is None:
                continue
            before = source if load.database is None else sources.get(load.database)
            if before not in (None, connection):
                self._problem(
                    "sources",
                    f"the loads of {step!r} read {load.database or 'their source'} from several connections: "
                    f"{before}, {connection}",
                    "a container reads a source from one; put the loads into groups by their connection",
                )
            if load.database is None:
                source = connection
            else:
                sources[load.database] = connection
        return source, sources

    def _pod(self, kind: StepKind, names: Iterable[str]) -> PodTemplate:
        for name in (*names, kind):
            if name in self.declaration.pods:
                return self.declaration.pods[name]
        return _DBT_POD if kind == "dbt" else _DEFAULT_POD

    def _verified(self) -> tuple[str, ...]:
        verify = self.declaration.verify
        if isinstance(verify, tuple):
            return verify
        if not verify:
            return ()
        found = tuple(load.id for load in self.loads.values() if load.kind == "database")
        if not found:
            self._problem(
                "verify",
                f"no load of the datakit {self.description.name!r} reads another database",
                "list the loads to compare with their sources, or take it out",
            )
        return found

    def _check_unique(self, steps: list[Step]) -> None:
        groups = {step.group for step in steps if step.group}
        seen: dict[str, Step] = {}
        for step in steps:
            if step.id in seen or step.id in groups:
                self._problem(
                    "groups",
                    f"two tasks would be called {step.id!r}",
                    "rename the group, the layer or the step",
                )
            seen[step.id] = step
        self._raise()

    def _problem(self, where: str, message: str, hint: str) -> None:
        self.problems.append(Problem(self.place, where, message, hint))

    def _raise(self) -> None:
        if self.problems:
            raise ConfigurationError(self.problems)


def _ends(steps: list[Step]) -> tuple[str, ...]:
    """Those that no other one waits for."""
    waited = {id for step in steps for id in step.upstream}  # noqa: A001
    return tuple(step.id for step in steps if step.id not in waited)


def _key(text: str) -> str:
    """A text as Airflow lets a task be called."""
    return _NO_KEY.sub("_", text) or "_"
