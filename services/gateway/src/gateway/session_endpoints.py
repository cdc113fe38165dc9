"""/session: pages sign in with an API key."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Request, Response
from pydantic import BaseModel, Field

from facetkit.errors import Unauthenticated
from gateway.field_errors import parsed
from gateway.forms import FormReader
from gateway.security import ApiKeys
from gateway.sessions import COOKIE, LASTS_S, Sessions

_MAX_KEY_CHARS = 1000


class SessionAnswer(BaseModel):
    """Whether the data routes want a key, and whether the caller's session will do."""

    needed: bool
    valid: bool


class SessionForm(BaseModel):
    """The form of POST /session."""

    key: str = Field(min_length=1, max_length=_MAX_KEY_CHARS)


class SessionEndpoints:
    """GET, POST and DELETE /session; `secure` cookies come back over https alone."""

    def __init__(
        self, keys: ApiKeys, sessions: Sessions, forms: FormReader, *, secure: bool
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._forms = forms
        self._secure = secure
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/session", self.show, methods=["GET"])
        self.router.add_api_route("/session", self.begin, methods=["POST"], status_code=204)
        self.router.add_api_route("/session", self.end, methods=["DELETE"], status_code=204)

    async def show(
        self, response: Response, cookie: Annotated[str, Cookie(alias=COOKIE)] = ""
    ) -> SessionAnswer:
        """Whether a key is needed, and whether the cookie stands for one."""
        response.headers["Cache-Control"] = "no-store"
        needed = bool(self._keys)
        return SessionAnswer(needed=needed, valid=self._sessions.name_of(cookie) is not None)

    async def begin(self, request: Request) -> Response:
        """Exchanges the form's `key` for a cookie."""
        form = parsed(SessionForm, (await self._forms.read(request)).single_texts())
        name = self._keys.name_of(form.key)
        if name is None:
            raise Unauthenticated("this is not an API key of the mesh", fields={"key": "not valid"})
        response = Response(status_code=204)
        response.set_cookie(
            COOKIE,
            self._sessions.issue(name),
            max_age=LASTS_S,
            httponly=True,
            secure=self._secure,
            samesite="strict",
        )
        return response

    async def end(self) -> Response:
        """Forgets the cookie."""
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, httponly=True, secure=self._secure, samesite="strict")
        return response
