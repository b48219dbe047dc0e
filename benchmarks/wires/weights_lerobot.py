"""LeRobot 0.6.1's way of weights by its own code: torch.save, its service, chunks of 2 MB, a queue, torch.load.

Its pause of seconds between two pushes, and its wait for the end of an episode, are left out.
usage: weights_lerobot.py MEGABYTES TIMES; prints JSON.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import sys
import threading
import time
from concurrent import futures
from queue import Empty

import grpc
import torch
from lerobot.rl.learner_service import MAX_WORKERS, LearnerService
from lerobot.transport import services_pb2, services_pb2_grpc
from lerobot.transport.utils import (
    MAX_MESSAGE_SIZE,
    bytes_to_state_dict,
    grpc_channel_options,
    receive_bytes_in_chunks,
    state_to_bytes,
)
from torch.multiprocessing import Event, Queue

MEGABYTES, TIMES = int(sys.argv[1]), int(sys.argv[2])


def network() -> torch.nn.ParameterDict:
    """Ten layers."""
    return torch.nn.ParameterDict({f"layer{i}": torch.rand(25_000 * MEGABYTES) for i in range(10)})


def act(port: int, into: int) -> None:
    """The actor: a thread receives, its control thread asks between two steps."""
    mine, arrived = network(), Queue()
    stub = services_pb2_grpc.LearnerServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}", grpc_channel_options()))
    stub.Ready(services_pb2.Empty(), wait_for_ready=True)
    stream = stub.StreamParameters(services_pb2.Empty())
    threading.Thread(target=receive_bytes_in_chunks, args=(stream, arrived, Event()), daemon=True).start()
    while True:
        try:
            raw = arrived.get_nowait()
        except Empty:
            time.sleep(0.0005)
            continue
        mine.load_state_dict(bytes_to_state_dict(raw))
        os.write(into, (json.dumps(time.monotonic()) + "\n").encode())


def learn(address: str) -> tuple[grpc.Server, Queue, int]:
    """The learner's server."""
    parameters = Queue()
    service = LearnerService(
        shutdown_event=Event(), parameters_queue=parameters, seconds_between_pushes=0, transition_queue=Queue(),
        interaction_message_queue=Queue(),
    )  # fmt: skip
    options = [(f"grpc.max_{way}_message_length", MAX_MESSAGE_SIZE) for way in ("receive", "send")]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=MAX_WORKERS), options=options)
    services_pb2_grpc.add_LearnerServiceServicer_to_server(service, server)
    port = server.add_insecure_port(address)
    server.start()
    return server, parameters, port


def main() -> None:
    """The actor is a process of its own, started before gRPC is."""
    torch.set_num_threads(1)
    (out, into), (hear, tell) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        act(int(os.read(hear, 10)), into)
    server, parameters, port = learn("127.0.0.1:0")
    os.write(tell, str(port).encode())
    weights, applied = network(), []
    time.sleep(2.0)
    with os.fdopen(out) as lines:
        for _ in range(TIMES):
            started = time.monotonic()
            parameters.put(state_to_bytes(weights.state_dict()))
            applied.append(json.loads(lines.readline()) - started)
            time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    figures = {"ms": statistics.median(applied) * 1e3, "best_ms": min(applied) * 1e3}
    print(json.dumps({f"applied_{MEGABYTES}mb_{name}": round(value, 2) for name, value in figures.items()}), flush=True)
    server.stop(0)
    os._exit(0)


main()
