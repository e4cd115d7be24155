"""Which IP addresses are refused, in every form in which they can be written."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from indexer.images.networks import parse_networks, parse_ports, refusal

REFUSED = [
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("0.0.0.0", "this host"),
    ("10.0.0.1", "private"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.168.1.1", "private"),
    ("100.64.0.1", "carrier-grade NAT"),
    ("100.127.255.255", "carrier-grade NAT"),
    ("169.254.1.1", "link-local"),
    ("169.254.169.254", "cloud metadata"),
    ("168.63.129.16", "cloud metadata"),
    ("100.100.100.200", "cloud metadata"),
    ("192.0.0.192", "cloud metadata"),
    ("fd00:ec2::254", "cloud metadata"),
    ("::ffff:169.254.169.254", "cloud metadata"),
    ("64:ff9b::a9fe:a9fe", "cloud metadata"),
    ("198.18.0.1", "benchmarking"),
    ("203.0.113.7", "documentation"),
    ("224.0.0.1", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("::", "reserved"),
    ("::1", "loopback"),
    ("::127.0.0.1", "reserved"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:10.0.0.1", "private"),
    ("::ffff:0:192.168.0.1", "private"),
    ("64:ff9b::7f00:1", "loopback"),
    ("64:ff9b:1::1", "reserved"),
    ("2002:7f00:1::", "loopback"),
    ("2002:a00:1::1", "private"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "reserved"),
    ("2001:db8::1", "documentation"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("fec0::1", "reserved"),
    ("fc00::1", "private"),
    ("fd12:3456::1", "private"),
    ("ff02::1", "multicast"),
    ("5f00::1", "reserved"),
]
REACHED = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


@pytest.mark.parametrize(("address", "meaning"), REFUSED, ids=[row[0] for row in REFUSED])
def test_special_address_is_refused_by_its_meaning(address, meaning):
    assert refusal(address) == meaning


@pytest.mark.parametrize("address", REACHED)
def test_public_address_may_be_reached(address):
    assert refusal(address) is None


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "::ffff:10.1.2.3", "2002:a01:203::1", "64:ff9b::a01:203"]
)
def test_allowed_network_opens_every_form_of_its_addresses(address):
    assert refusal(address, parse_networks("10.1.0.0/16")) is None
    assert refusal(address, parse_networks("10.2.0.0/16")) == "private"


def test_allowed_network_of_one_version_says_nothing_of_the_other():
    assert refusal("::1", parse_networks("0.0.0.0/0")) == "loopback"
    assert refusal("127.0.0.1", parse_networks("::/0")) == "loopback"


@pytest.mark.parametrize("wide", ["0.0.0.0/0", "169.254.0.0/16", "169.254.169.254/31"])
def test_wide_network_does_not_open_the_metadata(wide):
    networks = parse_networks(wide)
    assert refusal("169.254.169.254", networks) == "cloud metadata"
    assert refusal("::ffff:169.254.169.254", networks) == "cloud metadata"


def test_metadata_named_by_itself_is_reached():
    assert refusal("169.254.169.254", parse_networks("169.254.169.254/32")) is None
    assert refusal("169.254.169.254", parse_networks("169.254.169.253/32")) == "cloud metadata"


def test_networks_are_read_from_text():
    expected = (ip_network("10.0.0.0/8"), ip_network("fd12::/48"), ip_network("127.0.0.1/32"))
    assert parse_networks(" 10.0.0.0/8,fd12::/48 , 127.0.0.1 ") == expected
    assert parse_networks("") == ()


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "intranet", "10.0.0.0/8;::1"])
def test_what_is_no_network_is_named(text):
    with pytest.raises(ValueError, match="divided by commas, got"):
        parse_networks(text)


def test_ports_are_read_from_text():
    assert parse_ports("80, 443,8080") == {80, 443, 8080}


@pytest.mark.parametrize("text", ["", "0", "65536", "http", "80,", "-1", "²"])
def test_what_is_no_port_is_named(text):
    with pytest.raises(ValueError, match="ports from 1 to 65535"):
        parse_ports(text)
