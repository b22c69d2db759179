# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Connecting to a pinned address leaves the name in charge of TLS: server name sent, certificate checked against it."""

import ssl

import pytest

from codexos.kernel import http
from codexos.kernel.egress import EgressRefused
from codexos.kernel.http import Unreachable
from tests.kernel.asking import opened
from tests.kernel.certificates import certificate_for
from tests.kernel.local_server import LocalServer, redirect

OPEN = opened("127.0.0.0/8")
LOOKUPS = {"resolver": lambda host, port: ["127.0.0.1"]}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return certificate_for("good.example", tmp_path_factory.mktemp("tls"))


@pytest.fixture
def asked_names():
    return []


@pytest.fixture
def secure_server(certificate, asked_names):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    tls.sni_callback = lambda stream, name, context: asked_names.append(name)
    with LocalServer(tls=tls) as server:
        yield server


@pytest.fixture
def trusting(certificate):
    return {"tls": ssl.create_default_context(cafile=certificate), **LOOKUPS}


def test_the_name_is_sent_and_checked_although_the_address_is_pinned(ask, secure_server, trusting, asked_names):
    url = secure_server.url(host="good.example", scheme="https")
    assert ask(OPEN, url, client=trusting).body == b"reached"
    assert asked_names == ["good.example"]
    assert secure_server.asked[0].headers["host"] == f"good.example:{secure_server.port}"


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
def test_a_certificate_for_another_name_is_not_believed(ask, secure_server, trusting, host):
    with pytest.raises(Unreachable, match="certificate"):
        ask(OPEN, secure_server.url(host=host, scheme="https"), client=trusting)
    assert secure_server.asked == []


def test_a_certificate_nobody_vouches_for_is_not_believed(ask, secure_server, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    http._tls.cache_clear()
    with pytest.raises(Unreachable, match="certificate"):
        ask(OPEN, secure_server.url(host="good.example", scheme="https"), client=LOOKUPS)
    assert secure_server.asked == []


def test_a_redirect_does_not_lead_from_https_to_plain_http(ask, certificate, trusting):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with LocalServer() as plain, LocalServer(lambda asked: [redirect(plain.url())], tls=tls) as secure:
        with pytest.raises(EgressRefused, match="from https to plain http"):
            ask(OPEN, secure.url(host="good.example", scheme="https"), client=trusting)
        assert len(secure.asked) == 1
        assert plain.connections == 0
