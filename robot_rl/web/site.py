"""What a server answers: files, questions, and the websocket."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from robot_rl.core.errors import RobotRLError
from robot_rl.web.access import Door

COMMON = Path(__file__).with_name("pages")
"""What every page may use: ``page.js``, ``link.js`` and ``base.css``."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer to a question."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200


Question = Callable[[Mapping[str, str]], Reply]
"""Answers a GET from its query parameters; runs in a thread of its own, and may raise ``RobotRLError``."""


def files_of(folders: Sequence[Path]) -> dict[str, Path]:
    """Address -> file; a file in an earlier folder hides those of the same name in later ones."""
    found = {}
    for folder in (COMMON, *reversed(folders)):
        found |= {f"/{p.relative_to(folder).as_posix()}": p for p in folder.rglob("*") if p.is_file()}
    if "/index.html" in found:
        found["/"] = found["/index.html"]
    return found


def application(
    door: Door,
    files: Mapping[str, Path],
    questions: Mapping[str, Question],
    link: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> web.Application:
    """The site: ``files`` and ``questions`` by address, the websocket at /link."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path in questions:
            return await _ask(questions[request.path], dict(request.query))
        if request.path not in files:
            return web.Response(status=404, text=f"there is no {request.path} here\n")
        kind = mimetypes.guess_type(request.path if request.path != "/" else "index.html")[0]
        body = await asyncio.to_thread(files[request.path].read_bytes)
        return web.Response(body=body, content_type=kind, headers={"Cache-Control": "no-cache"})

    app = web.Application(middlewares=[door.middleware()], client_max_size=1 << 16)
    app.router.add_get("/link", link)
    app.router.add_get("/{path:.*}", answer)
    return app


async def _ask(question: Question, query: Mapping[str, str]) -> web.Response:
    try:
        reply = await asyncio.to_thread(question, query)
    except RobotRLError as error:
        return web.Response(status=400, text=f"{error}\n")
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=reply.body, status=reply.status, content_type=reply.content_type, headers=headers)
