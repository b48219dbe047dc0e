"""A person at her page: what a browser says to it, and what she sees of it."""

import asyncio
import json
import threading
import time

import aiohttp


def visit(url, person):
    """A thread in which ``person``, a coroutine function of a ``Page``, is at the page of that address."""
    thread = threading.Thread(target=lambda: asyncio.run(_visit(url, person)), daemon=True)
    thread.start()
    return thread


async def _visit(url, person):
    async with aiohttp.ClientSession() as browser, browser.ws_connect(f"{url}link") as link:
        await person(Page(link))


async def take_over(page):
    """Watch the policy, take the arm from it for a moment, give it back, and say that it failed."""
    await page.say(drive=True)
    await page.phase("policy")
    await page.hold(0.3)
    await page.phase("human", keys=["w"])
    await page.hold(0.5, "w")
    await page.phase("policy")
    await page.hold(0.3)
    await page.say(event="failure")
    await page.hold(0.3)


class Page:
    """What a page does with its websocket."""

    def __init__(self, link):
        self.link = link

    async def say(self, **message):
        await self.link.send_json(message)

    async def phase(self, *wanted, keys=()):
        """Wait for one of these phases; meanwhile hold ``keys``."""
        while await self._shown(keys) not in wanted:
            pass

    async def hold(self, seconds, *keys):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await self.say(keys=list(keys))
            await asyncio.sleep(0.03)

    async def watch(self, seconds):
        """The phases that are shown in the next ``seconds``."""
        end, phases = time.monotonic() + seconds, set()
        while time.monotonic() < end:
            phases.add(await self._shown())
        return phases - {None}

    async def _shown(self, keys=()):
        """Say which keys are down; the phase that the page shows next, None when that takes longer than a moment."""
        await self.say(keys=list(keys))
        try:
            message = await self.link.receive(timeout=0.03)
        except TimeoutError:
            return None
        return json.loads(message.data).get("phase") if message.type is aiohttp.WSMsgType.TEXT else None
