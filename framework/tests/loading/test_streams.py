import threading
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework.loading.streams import PushedStream


@given(st.lists(st.binary(max_size=300_000), max_size=4), st.integers(1, 100_000))
def test_everything_that_is_written_is_read_in_order(parts: list[bytes], size: int) -> None:
    def push(file: BinaryIO) -> None:
        for part in parts:
            file.write(part)

    with PushedStream(push) as stream:
        read = b"".join(iter(lambda: stream.read(size) or b"", b""))
    assert read == b"".join(parts)


def test_an_error_of_the_writer_is_raised_after_what_it_wrote() -> None:
    def push(file: BinaryIO) -> None:
        file.write(b"half")
        raise LookupError("gone")

    with PushedStream(push) as stream:
        assert stream.read(100) == b"half"
        with pytest.raises(LookupError, match="gone"):
            stream.read(100)


def test_a_reader_that_stops_early_ends_a_writer_that_writes() -> None:
    errors: list[BaseException] = []

    def push(file: BinaryIO) -> None:
        try:
            while True:
                file.write(b"x" * 10_000)
        except BaseException as error:
            errors.append(error)
            raise

    with PushedStream(push) as stream:
        assert stream.read(1) == b"x"
    assert isinstance(errors[0], BrokenPipeError)


def test_a_reader_that_stops_early_cancels_a_writer_that_waits() -> None:
    cancelled = threading.Event()

    def push(_file: BinaryIO) -> None:
        assert cancelled.wait(60)

    stream = PushedStream(push, cancelled.set)
    stream.close()
    assert cancelled.is_set()
