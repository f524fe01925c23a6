"""A step in a pod of its own, by digest; the task waits for it without keeping a worker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import models as k8s  # type: ignore[import-untyped]
from kubernetes.client.exceptions import ApiException  # type: ignore[import-untyped]
from pydantic import ValidationError
from sqlmodel_framework.runs.report import RunReport

from ..environment import KubernetesSettings
from ..progress import readable
from ..secrets import SPEC_FILE
from .pod_template import checked
from .step import CONTAINER_FOLDER, Prepared, StepCore, Work

__all__ = ["DatakitPodOperator", "secret_name"]

_BASE = "base"
_VOLUME = "datakit-run"
_SCRATCH = "datakit-tmp"
_TEMPLATES = Path(__file__).parent.parent / "pods"


def secret_name(prepared: Prepared) -> str:
    """What the Secret of a run is called; a retry of the run replaces it."""
    return f"datakit-{prepared.spec.run_id}"


class DatakitPodOperator(StepCore, KubernetesPodOperator):
    """Runs a runner's image in a pod: read-only, as an ordinary user, without capabilities.

    Its specification and its passwords are a Secret of this run, which belongs to the pod and goes with it.

    Args:
        work: what is to be done.
        settings: where pods run, and as whom.
        stop_grace: how many seconds a step may take to stop in order.
    """

    ui_color = "#dcd8f0"
    labels: dict[str, str]
    # Which image, which files and which variables it gets is known only when it runs.
    template_fields: Sequence[str] = ()

    def __init__(
        self,
        *,
        work: Work,
        settings: KubernetesSettings | None = None,
        stop_grace: float = 30.0,
        **kwargs: Any,
    ) -> None:
        settings = KubernetesSettings() if settings is None else settings
        super().__init__(
            kubernetes_conn_id=settings.connection or "kubernetes_default",
            in_cluster=settings.in_cluster,
            namespace=settings.namespace,
            service_account_name=settings.service_account,
            pod_template_file=str(_template(settings, work.step.pod)),
            arguments=["run", "--spec", str(CONTAINER_FOLDER / SPEC_FILE)],
            base_container_name=_BASE,
            env_vars=dict(settings.environment),
            name=f"datakit-{work.step.id}".replace("_", "-").replace(".", "-").lower()[:50].rstrip("-"),
            labels={"app.kubernetes.io/managed-by": "datakit-airflow"},
            startup_timeout_seconds=settings.startup_timeout,
            termination_grace_period=int(stop_grace),
            automount_service_account_token=False,
            container_security_context=_locked_down(),
            security_context={"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            deferrable=settings.deferrable,
            do_xcom_push=True,
            on_finish_action="delete_pod",
            log_formatter=lambda _container, line: readable(line)[1],
            log_pod_spec_on_failure=False,
            **kwargs,
        )
        self.work = work
        self._prepared: Prepared | None = None
        self._report: Any = None
        self._exit_code: int | None = None

    def execute(self, context: Any) -> Any:
        """Carry the step out, or begin it and wait without a worker; returns its report."""
        self._use(self.prepare(context, CONTAINER_FOLDER, image_needed=True))
        return self._concluded(context, lambda: super(DatakitPodOperator, self).execute(context))

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> Any:
        """Go on when the pod is done; returns the step's report."""
        self._use(self.prepare(context, CONTAINER_FOLDER, image_needed=True))
        return self._concluded(
            context, lambda: super(DatakitPodOperator, self).trigger_reentry(context, event)
        )

    def get_or_create_pod(self, pod_request_obj: k8s.V1Pod, context: Any) -> k8s.V1Pod:
        """Make the pod, and the Secret that belongs to it."""
        namespace = pod_request_obj.metadata.namespace
        self._write_secret(namespace)
        try:
            pod = super().get_or_create_pod(pod_request_obj, context)
            found = self.find_pod(namespace, context=context)
            if found is None:
                raise AirflowException(f"the pod {pod.metadata.name} went away as soon as it was made")
            self._give_secret_to(found)
        except BaseException:
            self._remove_secret(namespace)
            raise
        return pod

    def cleanup(self, pod: k8s.V1Pod, remote_pod: k8s.V1Pod, *args: Any, **kwargs: Any) -> None:
        """Keep what the pod tells before it is gone."""
        self._report = kwargs.get("xcom_result", args[0] if args else None)
        self._exit_code = _exit_code(remote_pod)
        super().cleanup(pod, remote_pod, *args, **kwargs)

    def _concluded(self, context: Any, work: Any) -> dict[str, Any]:
        failure: AirflowException | None = None
        try:
            # What a pod leaves as its result is the report; when it defers, nothing comes back here.
            self._report = work() or self._report
        except AirflowException as error:
            failure = error
        assert self._prepared is not None
        report = _read(self._report)
        if failure is not None and report is None and self._exit_code is None:
            raise failure
        return self.finish(context, self._prepared.spec, report, self._exit_code)

    def _use(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self.image = prepared.image
        self.labels = {**self.labels, "datakit.io/run-id": str(prepared.spec.run_id)}
        self.volumes = [
            k8s.V1Volume(
                name=_VOLUME,
                secret=k8s.V1SecretVolumeSource(secret_name=secret_name(prepared), default_mode=0o444),
            ),
            k8s.V1Volume(name=_SCRATCH, empty_dir=k8s.V1EmptyDirVolumeSource()),
        ]
        self.volume_mounts = [
            k8s.V1VolumeMount(name=_VOLUME, mount_path=str(CONTAINER_FOLDER), read_only=True),
            k8s.V1VolumeMount(name=_SCRATCH, mount_path="/tmp"),  # noqa: S108
        ]

    def _secret(self) -> k8s.V1Secret:
        assert self._prepared is not None
        return k8s.V1Secret(
            metadata=k8s.V1ObjectMeta(
                name=secret_name(self._prepared), labels={"app.kubernetes.io/managed-by": "datakit-airflow"}
            ),
            string_data=dict(self._prepared.files),
        )

    def _write_secret(self, namespace: str) -> None:
        secret = self._secret()
        try:
            self.client.create_namespaced_secret(namespace, secret)
        except ApiException as error:
            if error.status != 409:
                raise AirflowException(
                    f"the Secret of the run could not be made: {error.status} {error.reason}"
                ) from None
            self.client.replace_namespaced_secret(secret.metadata.name, namespace, secret)

    def _give_secret_to(self, pod: k8s.V1Pod) -> None:
        owner = k8s.V1OwnerReference(
            api_version="v1", kind="Pod", name=pod.metadata.name, uid=pod.metadata.uid
        )
        self.client.patch_namespaced_secret(
            self._secret().metadata.name,
            pod.metadata.namespace,
            {"metadata": {"ownerReferences": [self.client.api_client.sanitize_for_serialization(owner)]}},
        )

    def _remove_secret(self, namespace: str) -> None:
        try:
            self.client.delete_namespaced_secret(self._secret().metadata.name, namespace)
        except ApiException as error:
            if error.status != 404:
                self.log.warning("The Secret of the run was not removed: %s %s", error.status, error.reason)


def _template(settings: KubernetesSettings, name: str) -> Path:
    own = settings.templates / f"{name}.yaml" if settings.templates is not None else None
    return checked(own) if own is not None and own.is_file() else _TEMPLATES / f"{name}.yaml"


def _locked_down() -> k8s.V1SecurityContext:
    return k8s.V1SecurityContext(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        run_as_non_root=True,
        capabilities=k8s.V1Capabilities(drop=["ALL"]),
    )


def _exit_code(pod: Any) -> int | None:
    statuses = (pod.status.container_statuses if pod is not None and pod.status else None) or []
    for status in statuses:
        if status.name == _BASE and status.state and status.state.terminated:
            return int(status.state.terminated.exit_code)
    return None


def _read(content: Any) -> RunReport | None:
    try:
        return RunReport.model_validate(content)
    except ValidationError:
        return None
