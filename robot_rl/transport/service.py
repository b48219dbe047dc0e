"""The service of ``experience.proto`` for gRPC. Batches and weights pass as bytes: they are encoded already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import grpc

from robot_rl.transport.experience_pb2 import Ack, Header, HelloReply, WatchRequest

NAME = "robot_rl.transport.Experience"


class Service(Protocol):
    """What a learner answers; see ``experience.proto``."""

    def hello(self, request: Header, context: grpc.ServicerContext) -> HelloReply: ...
    def push(self, batches: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[Ack]: ...
    def watch(self, requests: Iterator[WatchRequest], context: grpc.ServicerContext) -> Iterator[bytes]: ...


class Stub:
    """The calls of an actor."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.hello = channel.unary_unary(f"/{NAME}/Hello", Header.SerializeToString, HelloReply.FromString)
        self.push = channel.stream_stream(f"/{NAME}/Push", None, Ack.FromString)
        self.watch = channel.stream_stream(f"/{NAME}/Watch", WatchRequest.SerializeToString, None)


def handler(service: Service) -> grpc.GenericRpcHandler:
    """What a gRPC server needs to serve it."""
    methods = {
        "Hello": grpc.unary_unary_rpc_method_handler(service.hello, Header.FromString, HelloReply.SerializeToString),
        "Push": grpc.stream_stream_rpc_method_handler(service.push, None, Ack.SerializeToString),
        "Watch": grpc.stream_stream_rpc_method_handler(service.watch, WatchRequest.FromString, None),
    }
    return grpc.method_handlers_generic_handler(NAME, methods)
