import pytest

from gateway.sessions import COOKIE, Sessions
from tests.gateway.running import KEY, running_gateway

KEYS = {"default": KEY, "shop": "another"}
ASKED = "/api/search/statistics"


async def test_a_key_is_exchanged_for_a_cookie_that_pages_cannot_read() -> None:
    async with running_gateway(api_key=KEY) as gateway:
        assert (await gateway.http.get("/session")).json() == {"needed": True, "valid": False}
        begun = await gateway.http.post("/session", data={"key": KEY})
        assert begun.status_code == 204
        told = begun.headers["Set-Cookie"].lower()
        assert "httponly" in told
        assert "samesite=strict" in told
        assert KEY not in told
        assert (await gateway.http.get("/session")).json() == {"needed": True, "valid": True}
        assert (await gateway.http.get(ASKED)).status_code == 200
        assert (await gateway.http.delete("/session")).status_code == 204
        assert (await gateway.http.get(ASKED)).status_code == 401


@pytest.mark.parametrize(("data", "status"), [({"key": "wrong"}, 401), ({}, 400)])
async def test_nothing_else_is(data: dict[str, str], status: int) -> None:
    async with running_gateway(api_key=KEY) as gateway:
        answer = await gateway.http.post("/session", data=data)
    assert answer.status_code == status
    assert "Set-Cookie" not in answer.headers
    assert "key" in answer.json()["fields"]


async def test_a_key_with_letters_of_any_alphabet() -> None:
    async with running_gateway(api_key="ключ") as gateway:
        assert (await gateway.http.post("/session", data={"key": "ключ"})).status_code == 204
        gateway.http.cookies.clear()
        sent = {b"X-API-Key": "ключ".encode()}
        assert (await gateway.http.get(ASKED, headers=sent)).status_code == 200


async def test_over_https_the_cookie_is_for_https_alone() -> None:
    async with running_gateway(api_key=KEY, public_base_url="https://facet.example") as gateway:
        begun = await gateway.http.post("/session", data={"key": KEY})
    assert "secure" in begun.headers["Set-Cookie"].lower()


async def test_without_keys_no_session_is_needed() -> None:
    async with running_gateway() as gateway:
        assert (await gateway.http.get("/session")).json() == {"needed": False, "valid": False}
        assert (await gateway.http.post("/session", data={"key": "any"})).status_code == 401


async def test_a_session_opens_the_admin_route() -> None:
    async with running_gateway(api_key=KEY) as gateway:
        await gateway.http.post("/session", data={"key": KEY})
        assert (await gateway.http.post("/api/admin/reset-cache")).status_code == 200


def test_a_cookie_is_good_for_the_keys_it_was_signed_with() -> None:
    sessions = Sessions(KEYS)
    cookie = sessions.issue("shop")
    assert sessions.name_of(cookie) == "shop"
    assert Sessions(KEYS).name_of(cookie) == "shop"
    assert Sessions({**KEYS, "default": "changed"}).name_of(cookie) is None
    assert Sessions({"default": KEY}).name_of(cookie) is None


@pytest.mark.parametrize("cookie", ["", "shop", "shop.a.b", "\ud800", "x" * 5000])
def test_a_cookie_of_another_making_is_none(cookie: str) -> None:
    assert Sessions(KEYS).name_of(cookie) is None


def test_a_cookie_cannot_be_changed() -> None:
    cookie = Sessions(KEYS).issue("shop")
    assert Sessions(KEYS).name_of(cookie.replace("shop", "default")) is None
    assert COOKIE == "facet_session"
