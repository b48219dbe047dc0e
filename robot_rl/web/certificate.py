"""A certificate that this machine makes for itself: browsers open sensors and WebXR only to HTTPS pages."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 365
"""How long a certificate is good; browsers refuse more than 398 days."""
SPARE = 7
"""A certificate that ends within so many days is made anew."""


def default_folder() -> Path:
    """Where this user's certificate is kept, so that a phone that trusts it once does so tomorrow."""
    state = os.environ.get("XDG_STATE_HOME", "") or str(Path.home() / ".local" / "state")
    return Path(state) / "robot-rl" / "tls"


def tls_context(hosts: Sequence[str], folder: Path | None = None) -> tuple[ssl.SSLContext, str]:
    """Context of a server that is reached under the names or addresses ``hosts``, and its fingerprint.

    The certificate in ``folder`` is used when it covers all of them, and made anew otherwise.
    """
    folder = folder or default_folder()
    certificate = _stored(folder, hosts) or _make(folder, hosts)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context, certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _stored(folder: Path, hosts: Sequence[str]) -> x509.Certificate | None:
    try:
        certificate = x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), None)
    except (OSError, ValueError, InvalidKey):
        return None
    end = certificate.not_valid_after_utc - datetime.timedelta(days=SPARE)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    fits = set(map(_name, hosts)) <= set(names) and end > datetime.datetime.now(datetime.UTC)
    return certificate if fits and key.public_key() == certificate.public_key() else None


def _make(folder: Path, hosts: Sequence[str]) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "robot-rl on this machine")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(minutes=5))
    builder = builder.not_valid_after(now + datetime.timedelta(days=DAYS))
    extensions = (
        x509.SubjectAlternativeName([_name(host) for host in hosts]),
        x509.BasicConstraints(ca=False, path_length=None),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(serialization.Encoding.PEM, pem, serialization.NoEncryption())
    _write(folder / "key.pem", secret)
    _write(folder / "certificate.pem", certificate.public_bytes(serialization.Encoding.PEM))
    return certificate


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(path: Path, content: bytes) -> None:
    """A file that only its owner reads."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
