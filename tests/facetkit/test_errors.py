import grpc
import pytest

from facetkit import errors
from facetkit.errors import (
    ERROR_KINDS,
    INTERNAL,
    ErrorKind,
    FacetError,
    NotFound,
    class_of,
    kind_of,
)


def family(cls: type[FacetError] = FacetError) -> list[type[FacetError]]:
    """Every class below `cls` that facetkit.errors defines."""
    below = [child for child in cls.__subclasses__() if child.__module__ == errors.__name__]
    return below + [leaf for child in below for leaf in family(child)]


def test_every_class_has_a_kind() -> None:
    assert len(family()) == 15
    assert set(ERROR_KINDS) == set(family())


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in (*ERROR_KINDS.values(), INTERNAL)]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", [*ERROR_KINDS.values(), INTERNAL], ids=lambda kind: kind.code)
def test_statuses_exist(kind: ErrorKind) -> None:
    assert grpc.StatusCode[kind.grpc_status] is not grpc.StatusCode.OK
    assert 400 <= kind.http_status <= 599
    assert (kind.http_status < 500) == (kind.grpc_status in CALLERS_FAULT)


CALLERS_FAULT = {
    "INVALID_ARGUMENT",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "ABORTED",
    "RESOURCE_EXHAUSTED",
}


@pytest.mark.parametrize("cls", family(), ids=lambda cls: cls.__name__)
def test_class_and_code_name_each_other(cls: type[FacetError]) -> None:
    assert class_of(kind_of(cls("message")).code) is cls


def test_a_class_outside_the_table_is_of_its_parents_kind() -> None:
    class NoSuchHat(NotFound):
        pass

    assert kind_of(NoSuchHat("gone")) == ERROR_KINDS[NotFound]


@pytest.mark.parametrize("error", [ValueError("x"), FacetError("x"), KeyboardInterrupt()])
def test_anything_else_is_internal(error: BaseException) -> None:
    assert kind_of(error) == INTERNAL


@pytest.mark.parametrize("code", ["internal", "", "of_a_later_version"])
def test_an_unknown_code_is_the_plain_class(code: str) -> None:
    assert class_of(code) is FacetError


def test_fields_are_copied() -> None:
    fields = {"texts[0]": "is empty"}
    error = errors.InvalidInput("bad", fields=fields)
    fields.clear()
    assert error.fields == {"texts[0]": "is empty"}
    assert (str(error), error.message, error.retry_after_s) == ("bad", "bad", None)
