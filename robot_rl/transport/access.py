"""How learner and actors prove to each other who they are: a folder of certificates, or of a token.

| file            | learner                                      | actor                                         |
|-----------------|----------------------------------------------|-----------------------------------------------|
| ca.pem          | whose actors it serves                       | whose learner it trusts                       |
| certificate.pem | its own, for its host names                  | its own; none when it has a token             |
| key.pem         | belongs to the certificate                   | belongs to the certificate                    |
| token           | if there is one, it replaces certificates of actors | the same                               |

Either way everything is encrypted, and the actor knows that it speaks to its learner. ``certificates.py`` makes them.
"""

from __future__ import annotations

import datetime
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509

from robot_rl.core.errors import ConfigError

REMEDY = "make them by robot-rl certificates"
AUTHORITY, CERTIFICATE, KEY, TOKEN = "ca.pem", "certificate.pem", "key.pem", "token"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What one side shows, and whom it trusts."""

    folder: Path
    authority: bytes
    """PEM."""
    certificate: bytes | None
    """PEM."""
    key: bytes | None
    """PEM."""
    token: str
    """Empty: actors show a certificate."""

    @staticmethod
    def load(folder: Path) -> Credentials:
        """What a folder holds; ``ConfigError`` if something is missing, has ended, or can be read by others."""
        if not folder.is_dir():
            raise ConfigError(f"there is no folder of credentials {folder}: {REMEDY}")
        authority = _read(folder / AUTHORITY)
        if authority is None:
            raise ConfigError(f"{folder} holds no {AUTHORITY}: {REMEDY}, and copy the whole folder")
        certificate, key, token = _read(folder / CERTIFICATE), _secret(folder / KEY), _secret(folder / TOKEN)
        if (certificate is None) != (key is None):
            raise ConfigError(f"{folder} needs both {CERTIFICATE} and {KEY}: copy the whole folder")
        if certificate is None and token is None:
            raise ConfigError(f"{folder} holds neither {CERTIFICATE} nor {TOKEN}: {REMEDY}, and copy the whole folder")
        for name, pem in ((AUTHORITY, authority), (CERTIFICATE, certificate)):
            _check_date(folder / name, pem)
        text = (token or b"").decode("ascii", "replace").strip()
        return Credentials(folder=folder, authority=authority, certificate=certificate, key=key, token=text)

    def of_server(self) -> grpc.ServerCredentials:
        """Of a learner; ``ConfigError`` without a certificate."""
        if self.certificate is None or self.key is None:
            raise ConfigError(f"{self.folder} is an actor's: give the learner the folder learner beside it")
        pair = [(self.key, self.certificate)]
        return grpc.ssl_server_credentials(pair, self.authority, require_client_auth=not self.token)

    def of_channel(self) -> grpc.ChannelCredentials:
        """Of an actor."""
        shown = (None, None) if self.token else (self.key, self.certificate)
        secure = grpc.ssl_channel_credentials(self.authority, *shown)
        if not self.token:
            return secure
        return grpc.composite_channel_credentials(secure, grpc.access_token_call_credentials(self.token))


class Doorkeeper(grpc.ServerInterceptor):
    """Lets calls through that bring the token."""

    def __init__(self, token: str) -> None:
        self._wanted = f"Bearer {token}".encode()
        self._refuse = grpc.unary_unary_rpc_method_handler(_refuse)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """The call's handler, or one that refuses it."""
        brought = dict(handler_call_details.invocation_metadata).get("authorization", "")
        if hmac.compare_digest(str(brought).encode(), self._wanted):
            return continuation(handler_call_details)
        return self._refuse


def _refuse(request: bytes, context: grpc.ServicerContext) -> None:  # noqa: ARG001
    line = "the learner does not know this actor's token: copy the folder actor beside the learner's credentials again"
    context.abort(grpc.StatusCode.UNAUTHENTICATED, line)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def _secret(path: Path) -> bytes | None:
    data = _read(path)
    if data is not None and path.stat().st_mode & 0o077:
        raise ConfigError(f"others on this machine can read {path}: chmod 600 {path}")
    return data


def _check_date(path: Path, pem: bytes | None) -> None:
    if pem is None:
        return
    try:
        end = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError as error:
        raise ConfigError(f"{path} is no certificate: {REMEDY}") from error
    if end < datetime.datetime.now(datetime.UTC):
        raise ConfigError(f"{path} ended on {end:%Y-%m-%d}: {REMEDY} again")
