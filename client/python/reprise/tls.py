"""TLS contexts and how the server of a tls:// address is recognised. TLS 1.2 and later."""

from __future__ import annotations

import hashlib
import hmac
import ssl

from .errors import Error
from .generated.codes import BadRequest, Unauthenticated, Unavailable
from .options import Address, TlsOptions, pin_bytes


def make_context(options: TlsOptions) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.ca_file or None)
    except (OSError, ssl.SSLError) as failure:
        raise BadRequest(f"tls.ca_file {options.ca_file}: {failure}") from failure
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if options.insecure or options.pinned_sha256:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def server_name(options: TlsOptions, address: Address) -> str:
    return options.server_name or address.host


def check_pin(options: TlsOptions, certificate: bytes | None) -> None:
    """Before any byte of a request is written. Unauthenticated when it is another certificate."""
    if not options.pinned_sha256 or options.insecure:
        return
    found = hashlib.sha256(certificate or b"").digest()
    if not hmac.compare_digest(found, pin_bytes(options.pinned_sha256)):
        raise Unauthenticated(
            f"the server's certificate is another one: its SHA-256 is {found.hex()}; "
            "compare tls.pinned_sha256")


def handshake_error(address: Address, failure: ssl.SSLError) -> Error:
    if isinstance(failure, ssl.SSLCertVerificationError):
        return Unauthenticated(f"the certificate of {address} is not trusted: "
                               f"{failure.verify_message}; see tls.ca_file and tls.server_name")
    return Unavailable(f"TLS with {address} failed: {failure.reason or failure}")
