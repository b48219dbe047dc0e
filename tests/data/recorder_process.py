"""Records patterned episodes for ever and says on stdout what must survive; the kill test ends it with SIGKILL."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from make_episodes import SPEC, observation, step

from robot_rl.data.recorder import EpisodeWriter

LENGTHS = (3, 40, 1, 12)


def record(root: Path, first: int) -> None:
    writer = EpisodeWriter(root, SPEC)
    episode = first
    while True:
        writer.begin({"episode": episode})
        length = LENGTHS[episode % len(LENGTHS)]
        for row in range(length):
            writer.add(step(episode, row, terminated=row == length - 1))
            sys.stdout.write(f"row {episode} {writer.committed}\n")
        writer.end(observation(episode, length))
        sys.stdout.write(f"saved {episode} {length}\n")
        sys.stdout.flush()
        episode += 1


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    record(Path(sys.argv[1]), int(sys.argv[2]))
