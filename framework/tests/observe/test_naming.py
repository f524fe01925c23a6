from pathlib import Path

import pytest
from sqlmodel_framework import CsvSource, DatabaseSource, ParquetSource, RowSource, Target
from sqlmodel_framework.loading.sources import Source
from sqlmodel_framework.observe.naming import source_name, table_name

HERE = Target("postgresql://me@db.example/shop")


@pytest.mark.parametrize(
    ("url", "schema", "namespace", "name"),
    [
        ("postgresql://me@db.example/shop", "s", "postgres://db.example:5432", "shop.s.t"),
        ("postgresql://me@[::1]:5433/shop", None, "postgres://[::1]:5433", "shop.public.t"),
        ("postgresql://me@/shop?host=/run/socket", "s", "postgres://localhost:5432", "shop.s.t"),
        ("mariadb://me@db.example/shop", None, "mysql://db.example:3306", "shop.t"),
        ("mariadb://me@db.example/shop", "other", "mysql://db.example:3306", "other.t"),
        ("mssql://me@db.example/shop", None, "mssql://db.example:1433", "shop.dbo.t"),
    ],
)
def test_a_table_is_called_as_the_specification_says(
    url: str, schema: str | None, namespace: str, name: str
) -> None:
    assert table_name(Target(url), "t", schema) == (namespace, name)


@pytest.mark.parametrize(
    ("source", "namespace", "name"),
    [
        (CsvSource(open=lambda: None, name="items.csv"), "file", "items.csv"),  # type: ignore[arg-type, return-value]
        (CsvSource(open=lambda: None, name="/a/b.csv", host="h"), "file://h", "/a/b.csv"),  # type: ignore[arg-type, return-value]
        (CsvSource(open=lambda: None, name="s3://bucket/a/b.csv"), "s3://bucket", "a/b.csv"),  # type: ignore[arg-type, return-value]
        (ParquetSource(path=Path("/data/a.parquet")), "file", "/data/a.parquet"),
        (RowSource(rows=list, name="orders", system="shop", extraction_method="api"), "shop", "orders"),
        (
            DatabaseSource(target=Target("postgresql://you@other:1/erp"), table="sales.orders"),
            "postgres://other:1",
            "erp.sales.orders",
        ),
    ],
)
def test_a_source_is_called_as_the_specification_says(source: Source, namespace: str, name: str) -> None:
    assert [found for found, _ in source_name(source, HERE)] == [(namespace, name)]
