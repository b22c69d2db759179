# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Nothing that is not public is reached; and each time the same request does arrive once the wall is opened for it."""

import socket

import pytest

from codexos.kernel.egress import EgressPolicy, EgressRefused
from codexos.kernel.errors import NotAllowed
from codexos.kernel.http import RequestInvalid, Unreachable
from tests.kernel.asking import CLOSED, opened
from tests.kernel.local_server import LocalServer, redirect


def names(**answers):
    return {"resolver": lambda host, port: answers[host.replace(".", "_")]}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "127.1.2.3", "0.0.0.0", "localhost", "api.localhost"])  # noqa: S104
def test_this_machine_is_closed_until_it_is_opened(ask, host):
    lookups = names(localhost=["::1", "127.0.0.1"], api_localhost=["127.0.0.1"])
    with LocalServer(host="0.0.0.0") as server:  # noqa: S104
        with pytest.raises(EgressRefused, match="private, local or reserved"):
            ask(CLOSED, server.url(host=host), client=lookups)
        assert server.connections == 0
        assert ask(opened("127.0.0.0/8,0.0.0.0"), server.url(host=host), client=lookups).body == b"reached"
        assert server.connections == 1


@pytest.mark.parametrize("host", ["[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]"])
def test_this_machine_is_closed_in_ipv6_too(ask, host):
    with LocalServer(host="::") as server:
        with pytest.raises(EgressRefused):
            ask(CLOSED, server.url(host=host))
        with pytest.raises(EgressRefused):
            ask(opened("127.0.0.1"), server.url(host=host))
        assert server.connections == 0
        assert ask(opened("::1,::ffff:127.0.0.1"), server.url(host=host)).body == b"reached"


def test_a_name_that_leads_inside_is_refused(ask, server):
    lookups = names(intranet_example=["127.0.0.1"])
    with pytest.raises(EgressRefused) as raised:
        ask(CLOSED, server.url(host="intranet.example"), client=lookups)
    assert isinstance(raised.value, NotAllowed)
    assert "127.0.0.1" not in str(raised.value)
    assert "127.0.0.1" not in str(raised.value.details)
    assert server.connections == 0
    assert ask(opened("127.0.0.1"), server.url(host="intranet.example"), client=lookups).status == 200
    assert server.asked[0].headers["host"] == f"intranet.example:{server.port}"


def test_one_private_answer_among_public_ones_closes_the_name(ask, server):
    lookups = names(mixed_example=["127.0.0.1", "127.0.0.2"])
    with pytest.raises(EgressRefused):
        ask(opened("127.0.0.1"), server.url(host="mixed.example"), client=lookups)
    assert server.connections == 0
    assert ask(opened("127.0.0.1,127.0.0.2"), server.url(host="mixed.example"), client=lookups).status == 200


def test_a_name_that_changes_its_mind_is_asked_once_and_held_to_it(ask, server):
    with LocalServer(host="127.0.0.2", speech=lambda asked: [b"HTTP/1.1 200 OK\r\n\r\nthe secret"]) as inside:
        answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]])
        lookups = {"resolver": lambda host, port: next(answers)}
        first = ask(opened("127.0.0.1"), server.url(host="rebind.example"), client=lookups)
        assert first.body == b"reached"
        with pytest.raises(EgressRefused):
            ask(opened("127.0.0.1"), server.url(host="rebind.example"), client=lookups)
        assert inside.connections == 0
        assert len(list(answers)) == 1, "two requests on two connections: two look-ups, not more"


@pytest.mark.parametrize("to_host", ["127.0.0.2", "inside.example"])
def test_a_redirect_passes_the_same_gate(ask, to_host):
    lookups = names(inside_example=["127.0.0.2"])
    with (
        LocalServer(host="127.0.0.2") as inside,
        LocalServer(lambda asked: [redirect(inside.url("/x", host=to_host))]) as outside,
    ):
        with pytest.raises(EgressRefused):
            ask(opened("127.0.0.1"), outside.url(), client=lookups)
        assert len(outside.asked) == 1
        assert inside.connections == 0
        reached = ask(opened("127.0.0.1,127.0.0.2"), outside.url(), client=lookups)
        assert reached.body == b"reached"
        assert reached.url == inside.url("/x", host=to_host)


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:6379/_FLUSHALL", "data:/,x"]
)
def test_a_redirect_cannot_leave_the_web(ask, to):
    with LocalServer(lambda asked: [redirect(to)]) as server:
        with pytest.raises(EgressRefused, match="only http and https"):
            ask(opened("127.0.0.1"), server.url())
        assert len(server.asked) == 1


DECEIVING = """
    2130706433 0x7f000001 0x7f.0.0.1 127.1 127.0.1 1.2.3.4.5 017700000001 127.0.0.1. localhost. user@127.0.0.1
    user:pass@127.0.0.1 127%2e0.0.1 ex%20ample a..b - [fe80::1%25lo]
"""


@pytest.mark.parametrize("spelling", DECEIVING.split())
def test_spellings_that_only_deceive_are_refused_even_where_the_address_is_open(ask, server, spelling):
    lookups = {"resolver": lambda host, port: ["127.0.0.1"]}
    with pytest.raises(EgressRefused):
        ask(opened("127.0.0.0/8,::1"), server.url(host=spelling), client=lookups)
    assert server.connections == 0
    assert ask(opened("127.0.0.0/8"), server.url(host="127.0.0.1"), client=lookups).status == 200


@pytest.mark.parametrize("spelling", ["127。0。0。1", "①②⑦.0.0.1", "0177.0.0.1", "127.0.0.01", "１２７.0.0.1"])
def test_addresses_in_disguise_do_not_get_past_a_closed_wall(ask, server, spelling):
    with pytest.raises((EgressRefused, RequestInvalid)):
        ask(CLOSED, server.url(host=spelling))
    assert server.connections == 0


def test_an_international_name_is_looked_up_in_its_ascii_form(ask, server):
    looked_up = []
    lookups = {"resolver": lambda host, port: looked_up.append(host) or ["127.0.0.1"]}
    assert ask(opened("127.0.0.1"), server.url(host="bücher.example"), client=lookups).status == 200
    assert looked_up == ["xn--bcher-kva.example"]


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "file:///etc/passwd", "/relative", "", "http://", "http://:80/", "https:x"]
)
def test_what_is_no_web_address_is_refused(ask, url):
    with pytest.raises((EgressRefused, RequestInvalid)):
        ask(opened("127.0.0.1"), url)


@pytest.mark.parametrize("port", [0, 65536, 99999])
def test_what_is_no_port_is_refused(ask, port):
    with pytest.raises((EgressRefused, RequestInvalid)):
        ask(opened("127.0.0.1"), f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("port", [1, 22, 25, 110, 5432, 6379, 11211])
def test_other_services_of_a_public_host_are_not_spoken_to(ask, port):
    public = {"resolver": lambda host, port: ["93.184.215.14"]}
    with pytest.raises(EgressRefused, match=f"port {port}"):
        ask(CLOSED, f"http://public.example:{port}/", client=public)


def test_an_opening_for_one_port_opens_no_other(ask, server):
    with LocalServer() as neighbor:
        with pytest.raises(EgressRefused):
            ask(opened(f"127.0.0.1:{server.port}"), neighbor.url())
        assert neighbor.connections == 0
        assert ask(opened(f"127.0.0.1:{server.port}"), server.url()).status == 200


def test_local_only_mode_reaches_what_is_local_and_open_and_nothing_else(ask, server):
    lookups = {"resolver": lambda host, port: ["93.184.215.14"]}
    policy = opened("127.0.0.1,93.184.215.14", local_only=True)
    with pytest.raises(EgressRefused, match="local-only"):
        ask(policy, "http://public.example/", client=lookups)
    with pytest.raises(EgressRefused):
        ask(EgressPolicy(local_only=True), server.url())
    assert server.connections == 0
    assert ask(policy, server.url()).status == 200


def test_a_policy_may_name_the_only_hosts(ask, server):
    lookups = {"resolver": lambda host, port: ["127.0.0.1"]}
    policy = opened("127.0.0.1", only_hosts=frozenset({"api.example", "*.cdn.example"}))
    for refused in ("example", "evil-api.example", "api.example.evil", "cdn.example"):
        with pytest.raises(EgressRefused, match="not among the hosts"):
            ask(policy, server.url(host=refused), client=lookups)
    assert server.connections == 0
    for allowed in ("api.example", "API.example", "eu.cdn.example", "a.b.cdn.example"):
        assert ask(policy, server.url(host=allowed), client=lookups).status == 200


def test_proxies_of_the_environment_are_ignored(ask, server, monkeypatch):
    with LocalServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        assert ask(opened("127.0.0.1"), server.url()).status == 200
        assert proxy.connections == 0
        assert len(server.asked) == 1


def test_a_netrc_file_gives_nothing_away(ask, server, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login alice password wonderland\n")
    monkeypatch.setenv("NETRC", str(netrc))
    ask(opened("127.0.0.1"), server.url())
    assert "authorization" not in server.asked[0].headers


def test_a_name_that_does_not_resolve_is_unreachable_not_refused(ask):
    def nowhere(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    for resolver in (nowhere, lambda host, port: []):
        with pytest.raises(Unreachable) as raised:
            ask(CLOSED, "http://nowhere.example/", client={"resolver": resolver})
        assert raised.value.retryable


def test_where_one_address_is_dead_the_next_is_tried(ask, server):
    lookups = {"resolver": lambda host, port: ["127.0.0.9", "127.0.0.1"]}
    assert ask(opened("127.0.0.0/8"), server.url(host="two.example"), client=lookups).body == b"reached"


def test_a_host_that_the_operator_names_is_reached_on_that_port_alone(ask, server):
    lookups = names(search_internal=["127.0.0.1"], other_internal=["127.0.0.1"], cloud_internal=["169.254.169.254"])
    hosts = ("search.internal", "cloud.internal")
    policy = EgressPolicy(named=frozenset({*((host, server.port) for host in hosts), ("search.internal", 1)}))
    assert ask(policy, server.url(host="search.internal"), client=lookups).body == b"reached"
    for url in (server.url(), server.url(host="other.internal"), server.url(host="cloud.internal")):
        with pytest.raises(EgressRefused):
            ask(policy, url, client=lookups)
    with LocalServer() as beside, pytest.raises(EgressRefused):
        ask(policy, beside.url(host="search.internal"), client=lookups)


def test_local_only_closes_public_hosts_that_the_operator_names_too(ask):
    policy = EgressPolicy(named=frozenset({("search.example", 80)}), local_only=True)
    with pytest.raises(EgressRefused, match="local-only"):
        ask(policy, "http://search.example/", client=names(search_example=["8.8.8.8"]))
