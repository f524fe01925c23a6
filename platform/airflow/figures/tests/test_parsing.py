"""What is parsed for a figure are DAGs, as many as were asked for."""

from pathlib import Path

import pytest
from parsing import seconds_to_parse, write_datakits


def test_every_datakit_that_is_written_is_a_dag(tmp_path: Path) -> None:
    write_datakits(tmp_path, 3)
    assert seconds_to_parse(tmp_path, 3) > 0
    with pytest.raises(RuntimeError, match="4 DAGs were written, and 3 were parsed"):
        seconds_to_parse(tmp_path, 4)


def test_a_folder_that_cannot_be_parsed_has_no_figure(tmp_path: Path) -> None:
    write_datakits(tmp_path, 1)
    (tmp_path / "warehouses" / "kit0000.json").write_text("{}")
    with pytest.raises(RuntimeError, match="kit0000.json"):
        seconds_to_parse(tmp_path, 1)
