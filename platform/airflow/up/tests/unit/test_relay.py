"""Bytes arrive in both directions, and so does the end of each."""

from __future__ import annotations

import asyncio
import socket

import pytest
from local_airflow.relay import relay


async def reverse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers with what it got, backwards, once that has ended."""
    writer.write((await reader.read())[::-1])
    await writer.drain()
    writer.close()


async def ask(port: int, question: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(question)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def listening() -> tuple[socket.socket, int]:
    sock = socket.create_server(("127.0.0.1", 0))
    return sock, sock.getsockname()[1]


@pytest.mark.parametrize("size", [3, 5_000_000])
def test_an_answer_comes_after_the_question_has_ended(size: int) -> None:
    async def go() -> bytes:
        server = await asyncio.start_server(reverse, "127.0.0.1", 0)
        sock, port = listening()
        task = asyncio.create_task(relay({sock: server.sockets[0].getsockname()[1]}))
        answer = await ask(port, b"a" + bytes(size))
        task.cancel()
        server.close()
        return answer

    assert asyncio.run(go()) == bytes(size) + b"a"


def test_a_port_where_nobody_listens_closes_the_connection() -> None:
    async def go() -> bytes:
        closed, nobody = listening()
        closed.close()
        sock, port = listening()
        task = asyncio.create_task(relay({sock: nobody}))
        try:
            return await ask(port, b"hello")
        except ConnectionResetError:
            return b""
        finally:
            task.cancel()

    assert asyncio.run(go()) == b""
