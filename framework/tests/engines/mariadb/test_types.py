import pytest
from sqlmodel_framework.engines.mariadb.types import formatted_type


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        ("BIGINT", "BIGINT(20)"),
        ("INTEGER", "INT(11)"),
        ("BOOL", "TINYINT(1)"),
        ("JSON", "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
        ("NUMERIC(10, 2)", "DECIMAL(10, 2)"),
        ("VARCHAR(3)", "VARCHAR(3) COLLATE utf8mb4_nopad_bin"),
        ("DATETIME", "DATETIME"),
    ],
)
def test_a_declared_type_has_the_name_of_the_one_that_is_found(declared: str, found: str) -> None:
    assert formatted_type(declared) == formatted_type(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [("VARCHAR(3)", "VARCHAR(4)"), ("INTEGER", "BIGINT"), ("DATETIME", "DATETIME(6)"), ("TEXT", "LONGTEXT")],
)
def test_types_that_differ_have_different_names(one: str, other: str) -> None:
    assert formatted_type(one) != formatted_type(other)
