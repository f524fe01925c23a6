import pytest
from sqlmodel_framework.engines.mariadb.types import formatted_type


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        ("BIGINT", "BIGINT(20)"),
        ("INTEGER", "INT(11)"),
        ("BOOL", "TINYINT(1)"),
        ("BOOLEAN", "tinyint(1)"),
        ("JSON", "json"),
        ("NUMERIC(10, 2)", "DECIMAL(10,2)"),
        ("NUMERIC(10)", "decimal(10,0)"),
        ("NUMERIC", "decimal(10,0)"),
        ("DOUBLE PRECISION", "double"),
        ("FLOAT(53)", "double"),
        ("CHAR", "char(1)"),
        ("INTEGER UNSIGNED", "int(10) unsigned"),
        ("VARCHAR(3) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "varchar(3) collate utf8mb4_bin"),
        ("LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "longtext collate utf8mb4_bin"),
        ("ENUM('a', 'It''s (b), c')", "enum('a','It''s (b), c')"),
        ("DATETIME", "DATETIME"),
        ("DATETIME(0)", "datetime"),
    ],
)
def test_a_declared_type_has_the_name_of_the_one_that_is_found(declared: str, found: str) -> None:
    assert formatted_type(declared) == formatted_type(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("VARCHAR(3)", "VARCHAR(4)"),
        ("INTEGER", "BIGINT"),
        ("DATETIME", "DATETIME(6)"),
        ("TEXT", "LONGTEXT"),
        ("JSON", "LONGTEXT"),
        ("BOOL", "TINYINT"),
        ("INT", "INT UNSIGNED"),
        ("ENUM('a','b')", "ENUM('a','B')"),
        ("VARCHAR(3)", "VARCHAR(3) COLLATE utf8mb4_general_ci"),
    ],
)
def test_types_that_differ_have_different_names(one: str, other: str) -> None:
    assert formatted_type(one) != formatted_type(other)
