"""LeRobot 0.6.1's wire by its own code: a torch.save per episode, float32 images, gRPC chunks of 2 MB, an mp queue."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from workload import Observation, Tally, run


def learner(port: int, tally: Tally) -> None:
    """As ``lerobot.rl.learner`` starts its server and empties its queue, without the replay buffer."""
    from concurrent import futures

    import grpc
    import torch
    from lerobot.rl.learner_service import MAX_WORKERS, LearnerService
    from lerobot.transport import services_pb2_grpc
    from lerobot.transport.utils import MAX_MESSAGE_SIZE, bytes_to_transitions
    from torch.multiprocessing import Event, Queue

    torch.set_num_threads(1)
    transitions = Queue()
    service = LearnerService(
        shutdown_event=Event(), parameters_queue=Queue(), seconds_between_pushes=4, transition_queue=transitions,
        interaction_message_queue=Queue(), queue_get_timeout=2,
    )  # fmt: skip
    options = [(f"grpc.max_{way}_message_length", MAX_MESSAGE_SIZE) for way in ("receive", "send")]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=MAX_WORKERS), options=options)
    services_pb2_grpc.add_LearnerServiceServicer_to_server(service, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    while True:
        tally.add(len(bytes_to_transitions(transitions.get())))


class Actor:
    """As ``lerobot.rl.actor``: tensors are made per step, an episode is serialised at its end on the control thread."""

    def __init__(self, port: int) -> None:
        import grpc
        import torch
        from lerobot.transport import services_pb2, services_pb2_grpc
        from lerobot.transport.utils import grpc_channel_options, send_bytes_in_chunks, transitions_to_bytes
        from lerobot.utils.transition import Transition, move_transition_to_device
        from torch.multiprocessing import Queue

        torch.set_num_threads(1)
        self.torch, self.transition, self.move = torch, Transition, move_transition_to_device
        self.to_bytes, self.queue, self.sent, self.steps, self.last = transitions_to_bytes, Queue(), 0, [], None
        self.action = torch.zeros(4)
        stub = services_pb2_grpc.LearnerServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}", grpc_channel_options()))
        stub.Ready(services_pb2.Empty(), wait_for_ready=True)

        def stream() -> Iterator[object]:
            while True:
                yield from send_bytes_in_chunks(self.queue.get(), services_pb2.Transition)

        threading.Thread(target=lambda: stub.SendTransitions(stream()), daemon=True).start()

    def tensors(self, obs: Observation) -> dict[str, object]:
        """Images as float32 in [0, 1], channels first, with a leading 1, as its processors make them."""
        made = {"observation.state": self.torch.from_numpy(obs["state"])[None]}
        for name in ("front", "wrist"):
            image = self.torch.from_numpy(obs[name]).permute(2, 0, 1).contiguous()[None]
            made[f"observation.images.{name}"] = image.to(self.torch.float32) / 255
        return made

    def begin(self) -> None:
        """A new list."""
        self.steps, self.last = [], None

    def add(self, obs: Observation, next_obs: Observation) -> None:
        """Append; the next observation's tensors serve the next step too."""
        state = self.last or self.tensors(obs)
        self.last = self.tensors(next_obs)
        self.steps.append(
            self.transition(
                state=state, action=self.action, reward=0.0, next_state=self.last, done=False, truncated=False,
                complementary_info={},
            )
        )  # fmt: skip

    def end(self, obs: Observation) -> None:  # noqa: ARG002
        """``push_transitions_to_transport_queue``."""
        sending = []
        for step in self.steps:
            moved = self.move(transition=step, device="cpu")
            for value in moved["state"].values():
                self.torch.isnan(value).any()
            sending.append(moved)
        message = self.to_bytes(sending)
        self.sent += len(message)
        self.queue.put(message)

    def close(self) -> None:
        """Nothing."""


run(learner, Actor)
