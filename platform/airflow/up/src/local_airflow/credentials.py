"""Passwords and keys of a local Airflow: made anew each time, and files from the beginning."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from .folder import Folder

__all__ = ["CONTAINER_USER", "TARGET", "USER", "write_credentials"]

USER = "admin"
"""Who logs in."""

TARGET = "datakits"
"""The target's user, and its database."""

CONTAINER_USER = 10001
"""The user of the images."""


def write_credentials(folder: Folder) -> str:
    """Writes all of them, and returns the password to log in with."""
    metadata, target, password = (secrets.token_urlsafe(24) for _ in range(3))
    for path in (folder.secrets, folder.passwords):
        path.mkdir(mode=0o700)
        os.chown(path, CONTAINER_USER, CONTAINER_USER)
    connection = {
        "conn_type": "postgres",
        "host": "target",
        "port": 5432,
        "login": TARGET,
        "password": target,
        "schema": TARGET,
    }
    for name, text in {
        "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "api_key": secrets.token_urlsafe(32),
        "jwt_key": secrets.token_urlsafe(64),
        "metadata_password": metadata,
        "target_password": target,
        "database_url": f"postgresql://airflow:{metadata}@metadata:5432/airflow",
        "connections.json": json.dumps({"flights": connection}),
    }.items():
        _write(folder.secrets / name, text, CONTAINER_USER)
    _write(folder.passwords / "passwords.json", json.dumps({USER: password}), CONTAINER_USER)
    _write(folder.password, password, os.getuid())
    return password


def _write(path: Path, text: str, owner: int) -> None:
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(file, "w") as stream:
        stream.write(f"{text}\n")
        os.fchown(stream.fileno(), owner, owner)
