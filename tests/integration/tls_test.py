"""TLS: a listener beside the plain one, reload of certificates by SIGHUP, bad clients."""

import os
import signal
import socket
import ssl
import subprocess

import harness


class TlsTest(harness.Case):
    def setUp(self):
        super().setUp()
        harness.need_tool("tls", "openssl")
        self.certificate = os.path.join(self.temp, "cert.pem")
        self.key = os.path.join(self.temp, "key.pem")
        self.make_certificate("first")

    def make_certificate(self, name):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key, "-out",
             self.certificate], check=True, capture_output=True)

    def settings(self):
        return {"network.tls_port": 0, "network.tls_certificate": self.certificate,
                "network.tls_key": self.key}

    def context(self):
        context = ssl.create_default_context(cafile=self.certificate)
        context.check_hostname = True
        return context

    def open(self, server):
        connection = harness.Connection(server.tls_address, tls=self.context())
        self.addCleanup(connection.close)
        return connection

    def common_name(self, server):
        pem = ssl.get_server_certificate(server.tls_address)
        done = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, text=True,
                              capture_output=True, check=True)
        return done.stdout.strip()

    def test_calls_pipelines_and_large_values_work_over_tls(self):
        server = self.server(settings=self.settings())
        rpc = self.open(server)
        self.assertGreaterEqual(rpc.socket.version(), "TLSv1.2")
        self.assertEqual(rpc.call("PING"), "PONG")
        value = os.urandom(900_000)
        self.assertIs(rpc.call("SET", "big", value), True)
        self.assertEqual(rpc.call("GET", "big"), value)
        self.assertEqual(rpc.pipeline([("INCRBY", ["n", 1])] * 1000), list(range(1, 1001)))
        results = rpc.pipeline([("GET", ["big"])] * 8)
        self.assertTrue(all(result == value for result in results))
        with server.connect() as plain:
            self.assertEqual(plain.call("GET", "n"), 1000)

    def test_sighup_reloads_the_certificate_and_keeps_open_connections(self):
        server = self.server(settings=self.settings())
        before = self.open(server)
        self.assertIn("first", self.common_name(server))
        self.make_certificate("second")
        server.signal(signal.SIGHUP)
        harness.wait_until(lambda: "second" in self.common_name(server), 5, "the new certificate")
        self.assertEqual(before.call("PING"), "PONG")
        self.assertEqual(self.open(server).call("PING"), "PONG")

    def test_a_broken_new_certificate_keeps_the_old_one(self):
        server = self.server(settings=self.settings())
        with open(self.certificate, "w", encoding="ascii") as file:
            file.write("no certificate\n")
        server.signal(signal.SIGHUP)
        harness.wait_until(lambda: "cert.pem" in server.log(), 5, "a complaint in the log")
        self.assertIn("first", self.common_name(server))

    def test_start_is_refused_without_a_usable_certificate(self):
        for changed in ({"network.tls_key": "/nowhere/key.pem"}, {"network.tls_key": ""},
                        {"network.tls_certificate": self.key}):
            failure = self.prepared(settings={**self.settings(), **changed}).expect_refusal()
            self.assertIn(failure.code, (2, 4, 5), failure.log)
            self.assertGreater(len(failure.log.strip()), 20)

    def test_plain_bytes_and_half_handshakes_on_the_tls_port_harm_nobody(self):
        server = self.server(settings={**self.settings(), "network.tls_handshake_ms": 500})
        good = self.open(server)
        half_open = [socket.create_connection(server.tls_address) for _ in range(20)]
        for sock in half_open:
            self.addCleanup(sock.close)
            sock.sendall(b"\x16\x03\x01\x02\x00\x01")
        for payload in (harness.request(1, "SET", ["evil", 1]), b"GET / HTTP/1.1\r\n\r\n",
                        os.urandom(500)):
            with harness.Connection(server.tls_address) as rude:
                rude.send_bytes(payload)
                rude.read_until_closed()
            self.assertEqual(good.call("PING"), "PONG")
        for sock in half_open:
            sock.settimeout(5)
            try:
                while sock.recv(4096):
                    pass
            except ConnectionResetError:
                pass
        self.assertIsNone(good.call("GET", "evil"))
        self.assertEqual(self.open(server).call("PING"), "PONG")

    def test_old_protocol_versions_are_refused(self):
        server = self.server(settings=self.settings())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            harness.Connection(server.tls_address, tls=context)


if __name__ == "__main__":
    harness.main()
