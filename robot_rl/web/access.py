"""Who may speak to a server of ours: this machine's browsers, and elsewhere those that bring the token."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' ws: wss:",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
"""A page asks nothing of any other server, whatever is written into it."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def own_addresses(host: str) -> list[str]:
    """Names and addresses under which a server bound to ``host`` is reached, the best one first."""
    if host not in ("0.0.0.0", "::", ""):
        return [host] if host == "localhost" or not is_loopback(host) else [host, "localhost"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: asks only which interface leads outside
            outside = [probe.getsockname()[0]]
        except OSError:
            outside = []
    return list(dict.fromkeys([*outside, socket.gethostname(), "localhost", "127.0.0.1"]))


@dataclass(frozen=True, kw_only=True)
class Door:
    """The rules of one server."""

    token: str
    """What a browser must bring, in the address or as a cookie; empty: only this machine can reach the server."""
    cookie: str
    """Its name; cookies know no ports, so each server has its own."""
    secure: bool
    """Whether the server speaks HTTPS."""

    @staticmethod
    def of(host: str, port: int, token: str, secure: bool) -> Door:
        """The door of a server at ``host``; a token is made when there must be one."""
        if not token and not is_loopback(host):
            token = secrets.token_urlsafe(24)
        return Door(token=token, cookie=f"robot_rl_{port}", secure=secure)

    def refuses(self, request: web.Request) -> str:
        """Why a request is turned away; empty: it may come in."""
        host = urlsplit(f"//{request.host}").hostname or ""
        if not self.token and not is_loopback(host):
            return "this server is for this machine only"  # else any page could reach it under a name of its own
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return "another page may not speak to this server"
        if self.token and not self._has_token(request):
            return "open the address that robot-rl printed, with its token"
        return ""

    def _has_token(self, request: web.Request) -> bool:
        brought = request.query.get("token") or request.cookies.get(self.cookie, "")
        return hmac.compare_digest(brought.encode(), self.token.encode())

    def middleware(self) -> Middleware:
        """Turns away who may not come in; keeps the token as a cookie and takes it out of the address."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if reason := self.refuses(request):
                return web.Response(status=403, text=f"{reason}\n", headers=HEADERS)
            if self.token and "token" in request.query and request.method == "GET":
                response: web.StreamResponse = web.Response(status=303, headers={"Location": request.path})
                options = {"httponly": True, "samesite": "Strict", "secure": self.secure}
                response.set_cookie(self.cookie, self.token, **options)  # pyright: ignore[reportArgumentType]
            else:
                response = await handler(request)
            if not response.prepared:
                response.headers.update(HEADERS)
            return response

        return guard
