"""Rows of typed tables are validated when they are made and when a field is set, and at no other time."""

import enum
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    BaseModel,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic import Field as PydanticField
from sqlalchemy import Engine, create_engine, func, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, Session, SQLModel, select
from sqlmodel_framework import BaseMixin, InvalidRowError, TransactionalTableMixin, column
from sqlmodel_framework.base import mixin
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.errors import ContractError


class Apart(BaseMixin, registry=registry()):
    """Tables of this module, apart from those of other tests."""


class Kind(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Port(TransactionalTableMixin, Apart, table=True):
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(max_length=3, schema_extra={"pattern": "^[A-Z]+$"})
    lat: float = Field(ge=-90, le=90)
    kind: Kind = column(values=Kind, default=Kind.SMALL)
    opened: datetime | None = None
    token: str | None = Field(default=None, max_length=30)
    berths: int = column(server_default="7")
    double: int | None = column(computed="berths * 2")
    old: str | None = Field(default=None, regex="^x")
    ships: list["Ship"] = Relationship(back_populates="port")


class Ship(Apart, table=True):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    name: str = Field(min_length=1, alias="shipName")
    tonnes: Decimal = Field(default=Decimal(0), max_digits=6, decimal_places=2)
    port_id: int | None = Field(default=None, foreign_key="port.id")
    port: Port | None = Relationship(back_populates="ships")


class Stay(Apart, table=True):
    id: int | None = Field(default=None, primary_key=True)
    starts: int
    ends: int
    days: int = 0
    _seen: list[str] = PrivateAttr(default_factory=list)

    @field_validator("starts")
    @classmethod
    def starts_late_enough(cls, value: int) -> int:
        if value < 0:
            raise ValueError(f"{value} is before the beginning")
        return value

    @model_validator(mode="after")
    def in_order(self) -> "Stay":
        if self.starts > self.ends:
            raise ValueError("a stay ends after it starts")
        self.days = self.ends - self.starts
        return self


@pytest.fixture
def engine() -> Engine:
    made = create_engine("sqlite://")
    Apart.metadata.create_all(made)
    return made


GOOD: dict[str, Any] = {"code": "ABC", "lat": 1.5}


def test_a_good_row_is_made_with_its_values_converted_and_its_defaults() -> None:
    port = Port(code="ABC", lat="1.5", kind="large")  # type: ignore[arg-type]
    assert (port.code, port.lat, port.kind) == ("ABC", 1.5, Kind.LARGE)
    assert port.model_fields_set == {"code", "lat", "kind"}
    assert Port(**GOOD).kind is Kind.SMALL


@pytest.mark.parametrize(
    ("values", "column", "reason"),
    [
        ({"code": "ABCD"}, "code", "at most 3 characters, not 'ABCD'"),
        ({"code": "abc"}, "code", "should match pattern"),
        ({"code": None}, "code", "valid string, not None"),
        ({"lat": 91}, "lat", "less than or equal to 90, not 91"),
        ({"lat": "north"}, "lat", "valid number.*not 'north'"),
        ({"kind": "huge"}, "kind", "'small' or 'large', not 'huge'"),
        ({"opened": "yesterday"}, "opened", "valid datetime"),
        ({"opened": datetime(2024, 1, 1)}, "opened", "has no time zone, so it is no instant"),
        ({"created_at": datetime(2024, 1, 1)}, "created_at", "has no time zone"),
        ({"double": 4}, "double", "is worked out by the database and cannot be set"),
        ({"old": "y"}, "old", r"does not match \^x"),
    ],
)  # fmt: skip
def test_a_bad_value_names_table_and_column_when_made_and_when_set(
    values: dict[str, Any], column: str, reason: str
) -> None:
    with pytest.raises(InvalidRowError, match=rf"^port\.{column}: .*{reason}") as made:
        Port(**{**GOOD, **values})
    assert (made.value.table, made.value.column) == ("port", column)
    port = Port(**GOOD)
    before = port.model_dump()
    with pytest.raises(InvalidRowError, match=rf"^port\.{column}: .*{reason}"):
        setattr(port, *values.popitem())
    assert port.model_dump() == before


def test_the_error_is_one_of_a_broken_contract_and_no_database_is_asked() -> None:
    with pytest.raises(ContractError) as caught:
        Port(code="abc", lat=100)
    assert caught.value.exit_code == 65
    assert isinstance(caught.value, InvalidRowError)
    assert [line.split(":")[0] for line in caught.value.problems] == ["port.code", "port.lat"]
    assert caught.value.__cause__ is None


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InvalidRowError, match=r"^port\.code: is missing; port\.lat: is missing$"):
        Port(**{})


def test_a_name_that_is_no_field_is_refused_rather_than_dropped() -> None:
    with pytest.raises(InvalidRowError, match=r"^port\.cod: there is no such field$"):
        Port(**{**GOOD, "cod": "ABC"})


def test_what_the_database_fills_in_is_none_until_it_is_flushed(engine: Engine) -> None:
    port: Any = Port(**{**GOOD, "id": None, "created_at": None, "berths": None})
    assert (port.id, port.created_at, port.berths, port.double) == (None, None, None, None)
    port.created_at = None
    with Session(engine) as session:
        session.add(port)
        session.commit()
        assert (port.id, port.berths, port.double) == (1, 7, 14)
        assert port.created_at is not None
        # A second one out of the dump of one that was not flushed.
        session.add(Port.model_validate(Port(**GOOD).model_dump(exclude={"double"})))
        session.commit()


def test_an_alias_and_a_name_both_mean_the_field_and_an_error_names_the_column() -> None:
    assert Ship(shipName="one").name == Ship(name="one").name == "one"  # type: ignore[call-arg]
    for values in ({"shipName": ""}, {"name": ""}):
        with pytest.raises(InvalidRowError, match=r"^ship\.name: "):
            Ship(**values)  # type: ignore[arg-type]
    with pytest.raises(InvalidRowError, match=r"^ship\.name: "):
        Ship(name="a").name = ""  # type: ignore[call-arg]


def test_any_of_several_aliases_is_taken() -> None:
    class Aliased(Apart, table=True):
        id: int = Field(primary_key=True)
        name: str = PydanticField(validation_alias=AliasChoices("label", "title"))

    assert [Aliased(id=1, **{key: "x"}).name for key in ("label", "title", "name")] == ["x"] * 3


def test_relationships_are_set_as_ever(engine: Engine) -> None:
    port = Port(ships=[Ship(name="one"), Ship(name="two")], **GOOD)  # type: ignore[call-arg]
    port.ships.append(Ship(name="three", port=port))  # type: ignore[call-arg]
    with Session(engine) as session:
        session.add(port)
        session.commit()
        assert sorted(ship.name for ship in session.exec(select(Ship))) == ["one", "three", "two"]
        ship = session.exec(select(Ship)).first()
        assert ship is not None
        ship.port = None
        session.commit()
        assert ship.port_id is None


class Berth(Apart, table=True):
    number: int = Field(primary_key=True)
    port_id: int = Field(foreign_key="port.id")
    port: Port = Relationship()


def test_a_key_that_a_relationship_fills_may_be_left_to_it(engine: Engine) -> None:
    make: Any = Berth
    berth = make(number=1, port=Port(**GOOD))
    assert berth.port_id is None
    assert not table_of(Berth).c.port_id.nullable
    with pytest.raises(InvalidRowError, match=r"^berth\.port_id: "):
        berth.port_id = "x"
    with Session(engine) as session:
        session.add(berth)
        session.commit()
        assert berth.port_id == berth.port.id
        session.add(make(number=2))
        with pytest.raises(IntegrityError, match="port_id"):
            session.commit()


def test_an_expression_is_for_the_database_to_work_out(engine: Engine) -> None:
    upper: dict[str, Any] = {"code": func.upper("abc")}
    with Session(engine) as session:
        port: Any = Port(**upper, lat=1, opened=datetime(2024, 1, 1, tzinfo=UTC))
        session.add(port)
        session.commit()
        assert port.code == "ABC"
        port.berths = Port.berths + 1
        session.commit()
        assert port.berths == 8
    with pytest.raises(InvalidRowError, match=r"^port\.lat: "):
        Port(**upper, lat=100)
    with pytest.raises(InvalidRowError, match=r"^port\.lat: is missing"):
        Port(**upper)


def test_rows_from_the_database_are_taken_as_they_are(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO port (code, lat, kind) VALUES ('too long', 999, 'small')"))
    asked: list[str] = []
    for name in ("construct", "assign", "without_nothing"):
        monkeypatch.setattr(mixin, name, lambda *_, name=name: asked.append(name))
    with Session(engine) as session:
        port = session.exec(select(Port)).one()
        session.refresh(port)
        assert (port.code, port.lat) == ("too long", 999)
    assert asked == []


def test_a_row_from_the_database_may_be_changed_but_not_for_the_worse(engine: Engine) -> None:
    with Session(engine) as session:
        session.add(Port(**GOOD))
        session.commit()
        # Nothing of it is loaded at this point.
        port = session.exec(select(Port)).one()
        session.expire(port)
        with pytest.raises(InvalidRowError):
            port.lat = 91
        port.lat = 89
        session.commit()
        assert port.lat == 89
        assert session.merge(Port(id=port.id, code="XYZ", lat=1)).code == "XYZ"


def test_a_validator_over_several_fields_is_asked_each_time_and_may_set_others(engine: Engine) -> None:
    stay = Stay(starts=1, ends=4)
    assert stay.days == 3
    stay.ends = 6
    assert stay.days == 5
    with pytest.raises(InvalidRowError, match=r"^stay: a stay ends after it starts$") as caught:
        stay.ends = 0
    assert (caught.value.table, caught.value.column) == ("stay", None)
    assert (stay.ends, stay.days) == (6, 5)
    with pytest.raises(InvalidRowError, match=r"^stay: a stay ends"):
        Stay(starts=2, ends=1)
    with pytest.raises(InvalidRowError, match=r"^stay\.starts: -1 is before the beginning, not -1$"):
        Stay(starts=-1, ends=1)
    with Session(engine) as session:
        session.add(stay)
        session.commit()
        stay.ends = 8
        session.commit()
        assert stay.days == 7


def test_model_validate_says_the_same_and_reads_objects_too() -> None:
    class Given(BaseModel):
        code: str = "ABC"
        lat: float = 2

    assert Port.model_validate(Given()).lat == 2
    assert Port.model_validate({"code": "ABC"}, update={"lat": 3}).lat == 3
    with pytest.raises(InvalidRowError, match=r"^port\.lat: "):
        Port.model_validate({**GOOD, "lat": 91})
    for bad in ({"opened": datetime(2024, 1, 1)}, {"old": "y"}, {"double": 2}):
        with pytest.raises(InvalidRowError, match=rf"^port\.{next(iter(bad))}: "):
            Port.model_validate({**GOOD, **bad})
    # What comes after is validated again.
    with pytest.raises(InvalidRowError):
        Port(code="abc", lat=1)


def test_a_class_that_is_no_table_is_pydantics_alone() -> None:
    class Plain(BaseMixin):
        code: str

    with pytest.raises(ValidationError):
        Plain(code=1)  # type: ignore[arg-type]
    assert Plain(code="a", more=1).code == "a"  # type: ignore[call-arg]


def test_inside_of_another_model_a_bad_row_is_pydantics_error() -> None:
    class Request(BaseModel):
        port: Port

    assert Request(port=GOOD).port.code == "ABC"  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=r"port\.lat"):
        Request(port={**GOOD, "lat": 91})  # type: ignore[arg-type]


def test_extra_fields_are_what_the_class_says_of_them() -> None:
    class Lenient(Apart, table=True):
        model_config = {"extra": "ignore"}
        id: int = Field(primary_key=True)

    assert Lenient(id=1, more=2).id == 1  # type: ignore[call-arg]


class Login(Apart, table=True):
    id: int = Field(primary_key=True)
    api_token: str | None = Field(default=None, max_length=4)
    password: str | None = None
    url: int | None = None

    @field_validator("password")
    @classmethod
    def long_enough(cls, value: str | None) -> str | None:
        if value is not None and len(value) < 12:
            raise ValueError(f"{value} is too short")
        return value


@given(secret=st.text(min_size=6, max_size=11, alphabet="qzjxkvw#%&"))
def test_a_secret_is_in_no_error(secret: str) -> None:
    with pytest.raises(InvalidRowError, match=r"^login\.api_token: ") as caught:
        Login(id=1, api_token=secret)
    assert secret not in f"{caught.value} {caught.value.problems} {caught.value.__cause__}"
    with pytest.raises(InvalidRowError, match=r"^login\.password: is not valid$"):
        Login(id=1, password=secret)
    with pytest.raises(InvalidRowError) as caught:
        Login(id=1, url=f"https://me:{secret}@host")  # type: ignore[arg-type]
    assert secret not in caught.value.message


@given(st.text(min_size=1000, max_size=3000) | st.integers(min_value=10**500) | st.binary(min_size=2000))
def test_an_error_is_short_however_long_the_value(value: Any) -> None:
    with pytest.raises(InvalidRowError) as caught:
        Port(code=value, lat=1)
    assert len(caught.value.message) < 400


@given(
    st.dictionaries(
        st.sampled_from(["code", "lat", "kind", "berths", "old"]), st.none() | st.text() | st.floats()
    )
)
def test_a_row_is_either_valid_or_refused_and_setting_agrees_with_making(values: dict[str, Any]) -> None:
    given_values = {**GOOD, **values}
    try:
        made: Port | None = Port(**given_values)
    except InvalidRowError as error:
        assert error.column in values
        made = None
    port, refused = Port(**GOOD), False
    for name, value in values.items():
        try:
            setattr(port, name, value)
        except InvalidRowError:
            refused = True
    assert refused == (made is None)
    if made is not None:
        assert re.fullmatch("[A-Z]{1,3}", made.code)
        assert made.model_dump() == port.model_dump()


def test_the_module_keeps_sqlmodels_own_rows_as_they_were() -> None:
    class Loose(SQLModel, table=True):
        __tablename__ = "validation_loose"
        id: int = Field(primary_key=True)

    assert Loose(id="no").id == "no"  # type: ignore[arg-type, comparison-overlap]
