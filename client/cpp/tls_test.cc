#include <array>
#include <cstdio>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <catch2/catch.hpp>

#include "client/cpp/async_client.h"
#include "client/cpp/client.h"
#include "client/cpp/fake_server.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Value;

struct Certificate {
  TlsFiles files;
  std::string sha256;  // hex
};

// A self-signed ECDSA certificate for `name`, written to `folder`.
Certificate MakeCertificate(const std::string& folder, const char* name) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  X509* x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_set_pubkey(x509, key.get());
  X509_NAME* subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(x509, subject);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name);
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(x509, key.get(), EVP_sha256());

  Certificate made{{folder + "/cert.pem", folder + "/key.pem"}, {}};
  std::FILE* file = std::fopen(made.files.certificate.c_str(), "w");
  PEM_write_X509(file, x509);
  std::fclose(file);
  file = std::fopen(made.files.key.c_str(), "w");
  PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  X509_digest(x509, EVP_sha256(), digest.data(), &size);
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const unsigned char byte : digest) {
    made.sha256.push_back(kDigits[byte >> 4U]);
    made.sha256.push_back(kDigits[byte & 15U]);
  }
  return made;
}

void Echo(Peer& peer) {
  while (const auto request = peer.Read()) {
    peer.Reply(request->msgid, request->params.empty() ? Value() : request->params[0]);
  }
}

base::Result<Value> CallWith(const std::string& address, const TlsOptions& tls) {
  Options options;
  options.address = address;
  options.tls = tls;
  options.reconnect = {.first_delay_ms = 1, .max_delay_ms = 2, .jitter_seed = 3};
  auto client = Client::Create(std::move(options));
  if (!client.ok()) {
    return client.error();
  }
  return client.value()->Call("ECHO", {"over TLS"});
}

TEST_CASE("A TLS server is recognised by its authority, its pin, or not at all when told so") {
  const TemporaryFolder folder;
  const Certificate certificate = MakeCertificate(folder.path(), "IP:127.0.0.1");
  FakeServer server(Echo, certificate.files);
  TlsOptions tls;
  SECTION("its authority") {
    tls.ca_file = certificate.files.certificate;
  }
  SECTION("its pin") {
    tls.pinned_sha256 = certificate.sha256;
  }
  SECTION("not at all") {
    tls.insecure = true;
  }
  const auto reply = CallWith(server.address(), tls);
  REQUIRE(reply.ok());
  CHECK(reply.value() == Value("over TLS"));
}

TEST_CASE("A TLS server that is not recognised gets no request and the error says why") {
  const TemporaryFolder folder;
  const Certificate certificate = MakeCertificate(folder.path(), "DNS:cache.example");
  std::atomic<int> requests{0};
  FakeServer server(
      [&](Peer& peer) {
        while (peer.Read().has_value()) {
          ++requests;
        }
      },
      certificate.files);
  TlsOptions tls;
  std::string expected;
  SECTION("no authority") {
    expected = "self-signed certificate";
  }
  SECTION("another name") {
    tls.ca_file = certificate.files.certificate;
    expected = "IP address mismatch";
  }
  SECTION("another pin") {
    tls.pinned_sha256 = std::string(64, '0');
    expected = "not the pinned one";
  }
  const auto reply = CallWith(server.address(), tls);
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kUnauthenticated);
  INFO(reply.error().detail);
  CHECK(reply.error().detail.find(expected) != std::string::npos);
  CHECK(requests == 0);
}

TEST_CASE("The name to verify can differ from the address") {
  const TemporaryFolder folder;
  const Certificate certificate = MakeCertificate(folder.path(), "DNS:cache.example");
  FakeServer server(Echo, certificate.files);
  TlsOptions tls;
  tls.ca_file = certificate.files.certificate;
  tls.server_name = "cache.example";
  CHECK(CallWith(server.address(), tls).ok());
}

TEST_CASE("A file of authorities that cannot be read is a wrong option") {
  const auto reply = CallWith("tls://127.0.0.1:1", {.ca_file = "/nonexistent/ca.pem"});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kBadRequest);
  CHECK(reply.error().detail.find("/nonexistent/ca.pem") != std::string::npos);
}

TEST_CASE("TLS to a server without it is unavailable") {
  FakeServer server(Echo);
  const auto reply = CallWith("tls://" + server.address(), {.insecure = true});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kUnavailable);
}

TEST_CASE("Pipelines of large values go through TLS both ways at once") {
  const TemporaryFolder folder;
  const Certificate certificate = MakeCertificate(folder.path(), "IP:127.0.0.1");
  FakeServer server(Echo, certificate.files);
  Options options;
  options.address = server.address();
  options.tls.pinned_sha256 = certificate.sha256;
  options.request_timeout_ms = 60'000;
  Pipeline pipeline;
  const Value value(std::string(std::size_t{1} << 20U, 'v'));
  for (int i = 0; i < 8; ++i) {
    pipeline.Add("ECHO", {value});
  }
  auto client = Client::Connect(options);
  REQUIRE(client.ok());
  const auto replies = client.value()->Run(pipeline);
  REQUIRE(replies.ok());
  for (const auto& reply : replies.value()) {
    CHECK(reply.value() == value);
  }
  auto async = AsyncClient::Create(options, {});
  REQUIRE(async.ok());
  CHECK(async.value()->Future("ECHO", {value}).get().value() == value);
}

}  // namespace
}  // namespace reprise::client
