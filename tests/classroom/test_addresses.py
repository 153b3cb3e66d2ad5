"""Which address a class is given: one that it can reach, or a sentence that says what to do."""

from __future__ import annotations

from types import SimpleNamespace

import ifaddr
import pytest

from chat.classroom import addresses
from chat.classroom.addresses import Address, chosen, own_addresses
from chat.errors import BadSetting

WIFI, DOCKER = Address("192.168.0.5", "Wi-Fi"), Address("172.17.0.1", "docker0")


@pytest.mark.parametrize(
    ("host", "found"),
    [
        (None, ("192.168.0.5", "192.168.0.5")),
        ("172.17.0.1", ("172.17.0.1", "172.17.0.1")),
        ("0.0.0.0", ("0.0.0.0", "192.168.0.5")),  # nobody can type that one in
        ("127.0.0.1", ("127.0.0.1", "127.0.0.1")),
    ],
)
def test_the_likeliest_address_is_chosen_or_the_one_that_is_said(host: str | None, found: tuple[str, str]) -> None:
    assert chosen(host, [WIFI, DOCKER]) == found


@pytest.mark.parametrize("host", [None, "0.0.0.0"])
def test_a_machine_in_no_network_is_told_what_to_do(host: str | None) -> None:
    with pytest.raises(BadSetting, match="Connect it to the Wi-Fi, or open a hotspot"):
        chosen(host, [])
    assert chosen("127.0.0.1", []) == ("127.0.0.1", "127.0.0.1")


def test_an_address_of_another_machine_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadSetting, match=r"10\.0\.0\.9 is no address of this machine's.*192\.168\.0\.5 \(Wi-Fi\)"):
        chosen("10.0.0.9", [WIFI])


def test_the_way_to_the_internet_comes_first_then_private_networks_and_what_nobody_reaches_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = ["127.0.0.1", "8.8.4.4", "169.254.3.4", "10.0.0.2", "192.168.0.5"]
    ips = [SimpleNamespace(ip=ip, is_IPv4=True) for ip in found]
    ips.append(SimpleNamespace(ip=("fe80::1", 0, 2), is_IPv4=False))
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: [SimpleNamespace(nice_name="card", ips=ips)])
    monkeypatch.setattr(addresses, "_outward", lambda: "192.168.0.5")
    assert [one.ip for one in own_addresses()] == ["192.168.0.5", "10.0.0.2", "8.8.4.4"]


def test_this_machine_is_looked_at_without_a_fault() -> None:
    assert all(one.card for one in own_addresses())
