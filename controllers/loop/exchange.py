"""Shared memory between the process that runs the arm and its bridge: neither ever waits for the other.

State: a seqlock, the newest snapshot of one instant. Commands: three slots and an atomic swap, the newest wins.
Requests (reset, stop, halt) and heartbeats: words of their own, each on its own cache line. One file in ``/dev/shm``.
"""

from __future__ import annotations

import json
import mmap
import os
import time
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controllers.loop.words import HOLD, LINE, WORDS, Word
from controllers.numeric.atomics import (
    add_word,
    exchange_word,
    load_word,
    put_slot,
    read_locked,
    set_bits,
    store_word,
    take_slot,
    write_locked,
)
from robot_rl.core.errors import ConnectionLostError, StaleDataError

Values = NDArray[np.float64]
MAGIC = 0x524C4558_00000002
"""Written last, so that a reader never sees a half-made file; its low half is the layout's version."""
_INFO = 4096
_REASON = 256
_PATIENCE = 0.2
"""How long a writer may be off the processor half-way through its copy [s]."""


def shared_path(name: str) -> Path:
    """The file that holds the exchange ``name``."""
    folder = Path("/dev/shm")
    return (folder if folder.is_dir() else Path(gettempdir())) / f"robot_rl.{name}"


class Exchange:
    """One mapped file. ``create`` in the arm process, ``attach`` in the bridge and in the launcher.

    Args:
        path: The file.
        sizes: Number of float64 of one snapshot and of one command.
    """

    def __init__(self, path: Path, sizes: tuple[int, int]) -> None:
        self.path = path
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._words = np.frombuffer(self._map, np.int64, WORDS * LINE // 8)
        start, (state, command) = WORDS * LINE, sizes
        self._reason = np.frombuffer(self._map, np.uint8, _REASON, start)
        start += _REASON + _INFO
        self.shared = np.frombuffer(self._map, np.float64, state, start)
        self.slots = np.frombuffer(self._map, np.float64, 3 * command, start + 8 * state).reshape(3, command)
        self._address = [self._words.ctypes.data + LINE * word for word in range(WORDS)]
        self.words = self._address[0]
        """Address of the first shared word; with ``shared`` (n,) and ``slots`` (3, m) it is for compiled code."""
        self._resets_seen = self._word(Word.RESET_ASKED)

    @classmethod
    def create(cls, name: str, sizes: tuple[int, int], info: dict[str, Any], *, ready: bool = True) -> Exchange:
        """Make the file anew; ``info`` tells the readers what the numbers mean. Not ``ready``: ``open`` it later."""
        path = shared_path(name)
        path.unlink(missing_ok=True)
        text = json.dumps({**info, "sizes": list(sizes), "pid": os.getpid()}).encode()
        if len(text) > _INFO:
            raise ConnectionLostError(f"the arm has too many tracked objects to describe in {_INFO} bytes: track fewer")
        head = bytes(WORDS * LINE + _REASON) + text.ljust(_INFO, b" ")
        path.write_bytes(head + bytes(8 * (sizes[0] + 3 * sizes[1])))
        path.chmod(0o600)
        made = cls(path, sizes)
        for word, value in ((Word.WRITER, 0), (Word.MIDDLE, 1), (Word.READER, 2)):
            made._store(word, value)
        if ready:
            made.open()
        return made

    def open(self) -> None:
        """Arm: let the others attach."""
        self._store(Word.READY, MAGIC)

    @classmethod
    def attach(cls, name: str, timeout: float, *, writer: bool = False) -> Exchange:
        """Open what the arm process made, waiting for it at most ``timeout`` [s]. One ``writer`` may send commands."""
        path, end = shared_path(name), time.monotonic() + timeout
        while True:
            ready = path.exists() and path.stat().st_size > WORDS * LINE and _magic(path) == MAGIC
            if ready:
                made = cls(path, _sizes(path))
                if writer:
                    made._claim_writer()
                return made
            if time.monotonic() > end:
                raise ConnectionLostError(f"the arm process {name!r} is not there after {timeout:g} s: start the graph")
            time.sleep(0.02)

    @property
    def info(self) -> dict[str, Any]:
        """What the creator said of itself."""
        return _info(self.path)

    def _word(self, word: Word) -> int:
        return int(load_word(self._address[word]))

    def _store(self, word: Word, value: int) -> None:
        store_word(self._address[word], value)

    def _claim_writer(self) -> None:
        """After a crash of the last bridge its slot is the one that neither the middle nor the reader holds."""
        held = {self._word(Word.MIDDLE) & 3, self._word(Word.READER)}
        if self._word(Word.WRITER) in held:
            self._store(Word.WRITER, min({0, 1, 2} - held))

    def publish(self, snapshot: Values) -> None:
        """Arm: make ``snapshot`` (n,) the newest state."""
        write_locked(self._address[Word.SEQLOCK], snapshot, self.shared)

    def read(self, out: Values) -> int:
        """Bridge: copy the newest snapshot into ``out`` (n,); returns its count, which grows with every new one."""
        end = time.monotonic() + _PATIENCE
        while True:
            count = int(read_locked(self._address[Word.SEQLOCK], self.shared, out, 1000))
            if count >= 0:
                return count // 2
            if time.monotonic() > end:
                raise StaleDataError("the arm process stopped while it wrote its state: restart the graph")
            time.sleep(0.0002)

    def put_command(self, command: Values) -> None:
        """Bridge: make ``command`` (m,) the one that the arm takes next; one that was not taken is replaced."""
        put_slot(self._address[Word.MIDDLE], self._address[Word.WRITER], command, self.slots)

    def take_command(self, out: Values) -> bool:
        """Arm: copy a command that came since the last call into ``out`` (m,); False when none came."""
        return bool(take_slot(self._address[Word.MIDDLE], self._address[Word.READER], self.slots, out))

    def beat(self, now: float) -> None:
        """Bridge: I live, at monotonic time ``now`` [s]."""
        self._store(Word.BRIDGE_BEAT, int(now * 1e9))

    def held_at(self) -> float:
        """Anyone: when the first torque after the last thing asked was applied, monotonic [s]."""
        return self._word(Word.HELD_AT) * 1e-9

    def advance_to(self, tick: int) -> None:
        """Anyone, in lockstep: let the arm run until it has made ``tick`` ticks in all."""
        self._store(Word.ADVANCE_TO, tick)

    @property
    def total(self) -> int:
        """Ticks that the arm has made since it started."""
        return self._word(Word.TOTAL)

    @property
    def arm_beat(self) -> int:
        """When the arm's loop last finished a round, monotonic [ns]; 0 while it is parked or has not begun."""
        return self._word(Word.ARM_BEAT)

    def bridge_age(self, now: float) -> float:
        """Arm: time since the bridge last gave a sign of life [s]."""
        return now - self._word(Word.BRIDGE_BEAT) * 1e-9

    def ask_reset(self, seed: int) -> int:
        """Bridge: ask for a reset; returns the number to give to ``reset_done``."""
        self._store(Word.RESET_SEED, seed)
        return int(add_word(self._address[Word.RESET_ASKED], 1))

    def reset_done(self, number: int) -> bool:
        """Bridge: whether that reset has happened."""
        return self._word(Word.RESET_DONE) >= number

    def take_reset(self) -> int | None:
        """Arm: the seed of a reset that was asked for since the last call."""
        asked = self._word(Word.RESET_ASKED)
        if asked == self._resets_seen:
            return None
        self._resets_seen = asked
        return self._word(Word.RESET_SEED)

    def confirm_reset(self) -> None:
        """Arm: the reset that was taken is done."""
        self._store(Word.RESET_DONE, self._resets_seen)

    def refuse_reset(self) -> None:
        """Arm: the reset that was taken will not be done."""
        self._store(Word.RESET_REFUSED, self._resets_seen)

    def reset_refused(self, number: int) -> bool:
        """Bridge: whether that reset, and no later one, was refused."""
        return self._word(Word.RESET_REFUSED) >= number > self._word(Word.RESET_DONE)

    def ask(self, bits: int) -> None:
        """Anyone: have these granted in the arm's next tick."""
        set_bits(self._address[Word.ASKED], bits)

    def ask_stop(self) -> None:
        """Anyone: hold now."""
        self.ask(HOLD)

    def take_stop(self) -> bool:
        """Arm: whether anything was asked for since the last call; an arm without a guard holds for all of it."""
        return int(exchange_word(self._address[Word.ASKED], 0)) != 0

    def halt(self, reason: str) -> None:
        """Anyone: hold until the graph is started anew; the first reason stays."""
        if not self.halted:
            self._reason[:] = np.frombuffer(reason.encode()[:_REASON].ljust(_REASON, b"\0"), np.uint8)
            self._store(Word.HALTED, 1)

    @property
    def halted(self) -> bool:
        """Whether the arm must hold until the graph is started anew."""
        return self._word(Word.HALTED) != 0

    @property
    def reason(self) -> str:
        """Why the arm was halted."""
        return self._reason.tobytes().rstrip(b"\0").decode(errors="replace")

    def unlink(self) -> None:
        """Remove the file; who has it open keeps it."""
        self.path.unlink(missing_ok=True)


def _magic(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[:8], "little")


def _info(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        file.seek(WORDS * LINE + _REASON)
        return json.loads(file.read(_INFO))


def _sizes(path: Path) -> tuple[int, int]:
    return int(_info(path)["sizes"][0]), int(_info(path)["sizes"][1])
