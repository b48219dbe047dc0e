"""Makes what ``access.py`` reads: an authority of one's own, a certificate for the learner, one for each actor."""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from robot_rl.core.errors import ConfigError
from robot_rl.transport.access import AUTHORITY, CERTIFICATE, KEY, TOKEN

OWN = "authority"
LEARNER = "learner"
ACTOR = "actor"
"""The folder that all actors share when they bring a token."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
HOST = re.compile(r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?)+")
EARLY = datetime.timedelta(minutes=5)
"""A certificate is good from so long ago on: clocks differ."""


@dataclass(frozen=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write(self, folder: Path, authority: x509.Certificate) -> None:
        private = serialization.PrivateFormat.PKCS8
        secret = self.key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
        _write(folder / KEY, secret)
        _write(folder / CERTIFICATE, self.certificate.public_bytes(serialization.Encoding.PEM))
        _write(folder / AUTHORITY, authority.public_bytes(serialization.Encoding.PEM))


def make(folder: Path, hosts: Sequence[str], actors: Sequence[str], days: int, *, token: bool = False) -> list[Path]:
    """Make the credentials of one learner and its actors; an authority that is there already is used again.

    Args:
        folder: Where ``authority``, ``learner`` and a folder per actor appear. ``authority`` stays at home.
        hosts: Names and addresses by which actors reach the learner; this machine's own are added.
        actors: Names of actors, each of which gets a certificate.
        days: How long certificates are good.
        token: Give all actors one token instead of a certificate each.

    Returns:
        The folders to copy, the learner's first.
    """
    _check(folder, hosts, actors, days, token=token)
    authority = _authority(folder / OWN, days)
    names = [_name(host) for host in dict.fromkeys([*hosts, "localhost", "127.0.0.1", "::1"])]
    server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    learner = folder / LEARNER
    _signed(authority, LEARNER, days, x509.ExtendedKeyUsage([server]), names).write(learner, authority.certificate)
    if token:
        secret = _read_token(learner / TOKEN)
        for place in (learner, folder / ACTOR):
            _write(place / TOKEN, secret)
        _write(folder / ACTOR / AUTHORITY, authority.certificate.public_bytes(serialization.Encoding.PEM))
        return [learner, folder / ACTOR]
    for actor in actors:
        pair = _signed(authority, actor, days, x509.ExtendedKeyUsage([client]), [x509.DNSName(actor)])
        pair.write(folder / actor, authority.certificate)
    return [learner, *(folder / actor for actor in actors)]


def _check(folder: Path, hosts: Sequence[str], actors: Sequence[str], days: int, *, token: bool) -> None:
    if not 1 <= days <= 3650:
        raise ConfigError(f"{days} days: certificates are good for 1 to 3650")
    _check_names(hosts, actors)
    if token and actors:
        raise ConfigError("with a token all actors are alike: leave out their names")
    if not (token or actors):
        raise ConfigError("no actor is named: name at least one, or give all of them a token by --token")
    if (folder / LEARNER).is_dir() and (folder / LEARNER / TOKEN).exists() != token:
        kind = "certificates" if token else "a token"
        raise ConfigError(f"{folder} is already made the other way, for {kind}: choose another folder")


def _check_names(hosts: Sequence[str], actors: Sequence[str]) -> None:
    for actor in actors:
        if not NAME.fullmatch(actor) or actor in (OWN, LEARNER):
            raise ConfigError(f"{actor!r} is no name for an actor: use letters, digits, - and _")
    for host in hosts:
        if not _is_address(host) and not HOST.fullmatch(host):
            raise ConfigError(f"{host!r} is neither a host name nor an address, for example learner.lab or 192.168.1.4")


def _authority(folder: Path, days: int) -> _Pair:
    try:
        certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
        key = serialization.load_pem_private_key((folder / KEY).read_bytes(), None)
    except FileNotFoundError:
        pair = _signed(None, "robot-rl authority", max(3650, days), None, [])
        pair.write(folder, pair.certificate)
        return pair
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{folder} holds no authority that can be used: choose another folder") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ConfigError(f"key and certificate in {folder} do not belong together: choose another folder")
    return _Pair(certificate, key)


def _signed(
    by: _Pair | None,
    name: str,
    days: int,
    usage: x509.ExtendedKeyUsage | None,
    hosts: Sequence[x509.GeneralName],
) -> _Pair:
    """A certificate signed by an authority; None: it is an authority, and signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = (by.certificate.subject, by.key) if by else (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - EARLY).not_valid_after(now + datetime.timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=by is None, path_length=None if by else 0), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = builder.add_extension(identifier, critical=False)
    issued = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(issued, critical=False)
    if usage is not None:
        builder = builder.add_extension(usage, critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    return _Pair(builder.sign(signer, hashes.SHA256()), key)


def _read_token(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else secrets.token_urlsafe(32).encode()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _name(host: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(host)) if _is_address(host) else x509.DNSName(host)


def _write(path: Path, content: bytes) -> None:
    """A file that only its owner reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    temporary.rename(path)
