"""A fence around what alerts may reach: public addresses, one host per message, the usual ports of mail and HTTPS.

It stands where names become addresses, which is where a connection is opened: what was looked up is what is connected
to, so that a name which changes its answer in between gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PORTS = frozenset({443, 465, 587, 2525, 8443})
INSIDE_OUT = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))
fence = threading.local()
lookup = socket.getaddrinfo


class Refused(OSError):
    """The address may not be reached from here."""


@contextmanager
def fenced(own_hosts: frozenset[str] = frozenset()) -> Iterator[None]:
    """Within, this thread reaches what alerts may reach; hosts of our own may be private, on any port."""
    install()
    fence.own, fence.host = own_hosts, None
    try:
        yield
    finally:
        del fence.own, fence.host


def install() -> None:
    if socket.getaddrinfo is not guarded:
        socket.getaddrinfo = guarded


def guarded(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
    found = lookup(host, port, *args, **kwargs)
    own = getattr(fence, "own", None)
    if own is None:
        return found
    name = text(host).lower().rstrip(".")
    if fence.host not in (None, name):
        raise Refused(f"sent on to another host ({name})")
    fence.host = name
    if name in own:
        return found
    for *_, address in found:
        if address[1] not in PORTS:
            raise Refused(f"port {address[1]!r} of {name} is none that alerts use")
        if not public(address[0]):
            raise Refused(f"{name} is {address[0]}, which is not a public address")
    return found


def text(host: str | bytes | None) -> str:
    return host.decode() if isinstance(host, bytes) else str(host or "")


def public(address_text: str) -> bool:
    """Neither private, loopback, link-local, shared nor a wrapping of such an address in IPv6."""
    address = ipaddress.ip_address(address_text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            address = address.ipv4_mapped
        elif any(address in net for net in INSIDE_OUT):
            return False
    return address.is_global and not address.is_multicast
