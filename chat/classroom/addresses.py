"""Owns the choice among this machine's addresses, by which a class is to reach it."""

import ipaddress
import socket
from typing import NamedTuple

from chat.errors import BadSetting

ALL = "0.0.0.0"
ELSEWHERE = ("192.0.2.1", 9)  # an address for documents (RFC 5737): nothing is sent there, only the way is looked up
NOBODY_REACHES = (
    "This machine has no address in a network. Connect it to the Wi-Fi, or open a hotspot on it. "
    "--host 127.0.0.1 serves this machine alone."
)


class Address(NamedTuple):
    """An IPv4 address, and what the system calls its network card."""

    ip: str
    card: str


def own_addresses() -> list[Address]:
    """Return the addresses that others may reach, the likeliest first: that by which this machine reaches the Internet."""
    import ifaddr  # not needed without class mode

    found = [Address(str(one.ip), card.nice_name) for card in ifaddr.get_adapters() for one in card.ips if one.is_IPv4]
    outward = _outward()
    return sorted(
        filter(_is_reached, found), key=lambda one: (one.ip != outward, not ipaddress.ip_address(one.ip).is_private)
    )


def chosen(host: str | None, own: list[Address]) -> tuple[str, str]:
    """Return where to listen, and the address for the link. `host`: as it was said; None: choose.

    Raises BadSetting: nobody could reach it, or the address is not this machine's.
    """
    if not own and host in (None, ALL):
        raise BadSetting(NOBODY_REACHES)
    if host is None:
        return own[0].ip, own[0].ip
    if host == ALL:
        return ALL, own[0].ip
    if host not in [one.ip for one in own] and not host.startswith("127."):
        known = ", ".join(f"{one.ip} ({one.card})" for one in own) or "none"
        raise BadSetting(f"--host: {host} is no address of this machine's. It has: {known}.")
    return host, host


def _outward() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(ELSEWHERE)
        except OSError:  # no way out: a hotspot, or a switch alone
            return ""
        return str(sock.getsockname()[0])


def _is_reached(address: Address) -> bool:
    ip = ipaddress.ip_address(address.ip)
    return not ip.is_loopback and not ip.is_link_local
