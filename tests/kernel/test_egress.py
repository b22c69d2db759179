# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which addresses are public, and how the list of openings is read."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codexos.kernel.egress import (
    EgressAllowInvalid,
    EgressPolicy,
    EgressRefused,
    is_public,
    parse_egress_allow,
    read_host,
)

CLOSED = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 100.100.100.200 127.0.0.1 127.255.255.254
    169.254.169.254 169.254.170.2 168.63.129.16 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1
    192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
    64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:10::1 2001:20::1 2001:db8::1
    2002:7f00:1:: 2002:808:808:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 4000::1 8000::1
"""
PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 169.253.255.255
    172.15.255.255 172.32.0.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1 223.255.255.255
    2001:4860:4860::8888 2606:4700:4700::1111 2a00:1450::1 2001:200::1 2003::1
"""


@pytest.mark.parametrize("text", CLOSED.split())
def test_closed_addresses(text):
    assert not is_public(ip_address(text))
    assert EgressPolicy().reason_against(ip_address(text), 443) is not None
    assert EgressPolicy(allow=parse_egress_allow(text)).reason_against(ip_address(text), 443) is None


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public_addresses(text):
    assert is_public(ip_address(text))
    assert EgressPolicy().reason_against(ip_address(text), 443) is None


@given(st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(0, 2**128 - 1).map(IPv6Address))
def test_we_call_nothing_public_that_python_calls_private(address):
    if address.is_private or address.is_multicast or address.is_reserved or address.is_loopback:
        assert not is_public(address)


def test_an_opening_of_everything_does_not_open_the_metadata_of_a_cloud():
    policy = EgressPolicy(allow=parse_egress_allow("0.0.0.0/0, ::/0"))
    for text in ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"):
        assert policy.reason_against(ip_address(text), 80) is not None
        by_name = EgressPolicy(allow=parse_egress_allow(text))
        assert by_name.reason_against(ip_address(text), 80) is None
    assert policy.reason_against(ip_address("10.0.0.1"), 80) is None


@pytest.mark.parametrize(
    ("text", "address", "port", "is_open"),
    [
        ("127.0.0.1", "127.0.0.1", 9000, True),
        ("127.0.0.1", "127.0.0.2", 9000, False),
        ("127.0.0.1:9000", "127.0.0.1", 9000, True),
        ("127.0.0.1:9000", "127.0.0.1", 9001, False),
        ("10.1.0.0/16", "10.1.255.1", 80, True),
        ("10.1.0.0/16", "10.2.0.1", 80, False),
        ("10.1.0.0/16:8080", "10.1.0.1", 8080, True),
        ("10.1.0.0/16:8080", "10.1.0.1", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:9000", "::1", 9000, True),
        ("[::1]:9000", "::1", 80, False),
        ("fd00::/8", "fd12::1", 80, True),
        ("[fd00::/8]:80", "fd12::1", 81, False),
        (" 10.0.0.1 ,, 10.0.0.2:80 ,", "10.0.0.2", 80, True),
        ("", "127.0.0.1", 80, False),
        ("127.0.0.1", "::ffff:127.0.0.1", 80, False),
    ],
)
def test_openings_are_read(text, address, port, is_open):
    assert EgressPolicy(allow=parse_egress_allow(text)).opens(ip_address(address), port) is is_open


@pytest.mark.parametrize(
    "text",
    """localhost example.com 127.0.0.1:0 127.0.0.1:65536 127.0.0.1:http 10.1.2.3/16 10.0.0.0/33 127.1 300.0.0.1
    ::1:9000:::: [::1 [::1]:x 0x7f.0.0.1 * 127.0.0.1;10.0.0.1 http://127.0.0.1 127.0.0.01""".split(),  # noqa: SIM905
)
def test_openings_that_cannot_be_read_say_so(text):
    with pytest.raises(EgressAllowInvalid) as raised:
        parse_egress_allow(f"127.0.0.1,{text}")
    assert text in str(raised.value)
    assert "127.0.0.1:9000" in str(raised.value)


@given(st.text(max_size=40))
@example("1" * 300)
@example("a" * 63 + ".example")
def test_a_host_is_an_address_a_name_or_refused(text):
    try:
        host = read_host(text)
    except EgressRefused:
        return
    assert host.isascii()
    assert host == host.lower()
    assert not set(host) & set("/@?#%\\ \r\n\0")
    assert read_host(host) == host


@pytest.mark.parametrize(
    "name", ["localhost", "a", "a-b.example", "_dmarc.example", "xn--bcher-kva.example", "1.example", "3com"]
)
def test_names_are_let_through(name):
    assert read_host(name) == name


def test_what_carries_secrets_goes_plain_only_where_it_was_opened():
    policy = EgressPolicy(allow=parse_egress_allow("127.0.0.1:8080"), sealed_only=True)
    policy.check_target("https", "maker.example", port=443)
    policy.check_target("http", "127.0.0.1", port=8080)
    for host, port in (("maker.example", 80), ("127.0.0.1", 8081), ("8.8.8.8", 80)):
        with pytest.raises(EgressRefused, match="use https"):
            policy.check_target("http", host, port=port)
    EgressPolicy().check_target("http", "maker.example", port=80)
