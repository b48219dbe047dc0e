"""Why no learner answers, in words: gRPC tries for ever and does not say."""

from __future__ import annotations

import socket
import ssl

from robot_rl.transport.access import CERTIFICATE, KEY, Credentials

PATIENCE = 2.0
"""Per attempt [s]."""


def diagnose(address: str, credentials: Credentials | None) -> str:
    """What is wrong with the connection and what mends it.

    Args:
        address: ``host:port``, or ``unix:path``.
        credentials: Of the actor.
    """
    unknown = "start it, or check the address"
    if address.startswith("unix:"):
        return unknown
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        with socket.create_connection((host, int(port)), PATIENCE) as connection:
            return _shake(connection, host, credentials) or unknown
    except socket.gaierror:
        return f"nobody knows the host {host}"
    except OSError:
        return unknown


def _shake(connection: socket.socket, host: str, credentials: Credentials | None) -> str:
    """Try a TLS handshake; empty if nothing is wrong with it."""
    context = _context(credentials)
    try:
        with context.wrap_socket(connection, server_hostname=host) as secure:
            if credentials is not None:
                return "" if secure.recv(1) else _alerted(credentials)
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not the one expected ({error.verify_message}): copy the credentials again"
    except ssl.SSLError as error:
        return _alerted(credentials) if "ALERT" in str(error.reason) else _plain(credentials)
    except OSError:
        return _plain(credentials)
    return _alerted(None)


def _alerted(credentials: Credentials | None) -> str:
    if credentials is None:
        return "it speaks TLS: give --credentials"
    return "it does not accept this certificate: copy the credentials that were made with the learner's"


def _plain(credentials: Credentials | None) -> str:
    return "it speaks without TLS: start it with --credentials too" if credentials else ""


def _context(credentials: Credentials | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    if credentials is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    context.load_verify_locations(cadata=credentials.authority.decode())
    if credentials.certificate and not credentials.token:
        context.load_cert_chain(credentials.folder / CERTIFICATE, credentials.folder / KEY)
    return context
