#include "server/loop/tls.h"

#include <array>
#include <atomic>
#include <fstream>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <optional>
#include <signal.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "server/loop/listener.h"
#include "server/loop/loop.h"
#include "server/loop/test_kit.h"

namespace reprise::loop {

using test::Client;
using test::Journal;
using test::LoopThread;
using test::TemporaryFolder;

namespace {

// A blocking TLS client that trusts everyone.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int version_max = TLS1_3_VERSION)
      : client_(Client::Tcp(port)), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    if (!client_.connected()) {
      return;
    }
    sigset_t pipe_only;  // OpenSSL writes to a socket that the server may have closed.
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, nullptr);
    const timeval deadline{test::kDeadlineMs / 1000, 0};
    setsockopt(client_.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
    setsockopt(client_.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), version_max);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), client_.descriptor());
    ERR_clear_error();
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  bool connected() const { return connected_; }
  SSL* ssl() const { return ssl_.get(); }
  const Client& raw() const { return client_; }

  bool Send(std::string_view bytes) const {
    ERR_clear_error();
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
           static_cast<int>(bytes.size());
  }
  std::string Receive(std::size_t bytes) const {
    std::string received(bytes, '\0');
    std::size_t size = 0;
    while (size < bytes) {
      ERR_clear_error();
      const int got = SSL_read(ssl_.get(), received.data() + size, static_cast<int>(bytes - size));
      if (got <= 0) {
        break;
      }
      size += static_cast<std::size_t>(got);
    }
    received.resize(size);
    return received;
  }
  bool Echoes(std::string_view bytes) const {
    return Send(bytes) && Receive(bytes.size()) == bytes;
  }
  // Whether the server said that it has finished, rather than vanish.
  bool EndedCleanly() const {
    char byte = 0;
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), &byte, 1);
    return got <= 0 && SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN;
  }
  std::string Serial() const {
    const std::unique_ptr<X509, decltype(&X509_free)> peer(SSL_get1_peer_certificate(ssl_.get()),
                                                           X509_free);
    const ASN1_INTEGER* number = X509_get0_serialNumber(peer.get());
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(number)),
            static_cast<std::size_t>(ASN1_STRING_length(number))};
  }

 private:
  Client client_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  bool connected_ = false;
};

// A TLS listener with its own certificate on a loop of its own. Start() begins.
struct TlsServer {
  explicit TlsServer(test::HandlerFactory factory, const base::Clock* clock = nullptr)
      : thread(clock) {
    REQUIRE(MakeSelfSigned(certificate, key).ok());
    auto loaded = TlsContext::Load(certificate, key);
    REQUIRE(loaded.ok());
    context = std::move(loaded).value();
    ListenOptions options = test::OnLoopback(std::move(factory));
    options.tls = context.get();
    options.budget = &budget;
    auto listening = Listener::Listen(thread.loop(), std::move(options));
    REQUIRE(listening.ok());
    listener = std::move(listening).value();
  }
  std::uint16_t port() const { return listener->BoundPort(); }

  TemporaryFolder folder;
  std::string certificate = folder.File("certificate.pem");
  std::string key = folder.File("key.pem");
  std::unique_ptr<TlsContext> context;
  ConnectionBudget budget{1000};
  LoopThread thread;
  std::unique_ptr<Listener> listener;
};

}  // namespace

TEST_CASE("TLS carries small and large messages and says which transport it is") {
  Journal journal;
  TlsServer server([&journal](base::Stream& stream) {
    base::kLoop.AssertHeld();
    journal.Write(std::string(stream.Transport()));
    return std::make_unique<test::EchoHandler>(stream, &journal);
  });
  server.thread.Start();
  const TlsClient client(server.port());
  REQUIRE(client.connected());
  CHECK(std::string(SSL_get_version(client.ssl())) == "TLSv1.3");
  for (const std::size_t bytes : {1UL, 100UL, 16'384UL, 16'385UL, 200'000UL}) {
    const std::string message = test::Pattern(bytes);
    REQUIRE(client.Send(message));
    REQUIRE(client.Receive(bytes) == message);
  }
  CHECK(journal.Lines().front() == "tls");
}

TEST_CASE("eight mebibytes pass over TLS in both directions at the same time") {
  TlsServer server(test::Echo());
  server.thread.Start();
  const TlsClient client(server.port());
  REQUIRE(client.connected());
  // One record at a time in turn: a blocking client must not fill both directions.
  const std::string message = test::Pattern(std::size_t{8} << 20U);
  std::string received;
  constexpr std::size_t kPart = 60'000;
  for (std::size_t at = 0; at < message.size(); at += kPart) {
    const std::string_view part = std::string_view(message).substr(at, kPart);
    REQUIRE(client.Send(part));
    received += client.Receive(part.size());
  }
  CHECK(received == message);
}

TEST_CASE("a slow TLS reader gets a large answer whole, then a clean end") {
  Journal journal;
  const std::string answer = test::Pattern(std::size_t{8} << 20U);
  class Handler final : public test::QuietHandler {
   public:
    Handler(base::Stream& stream, Journal* journal, const std::string& answer)
        : QuietHandler(stream, journal), answer_(answer) {}
    void OnBytes(std::string_view /*bytes*/) ON_LOOP_THREAD override {
      stream().Output().Append(answer_);
      stream().CloseAfterFlush();
      Note(stream().Unsent() > 0 ? "unsent" : "sent");
    }

   private:
    const std::string& answer_;
  };
  TlsServer server(
      [&](base::Stream& stream) { return std::make_unique<Handler>(stream, &journal, answer); });
  server.thread.Start();
  const TlsClient client(server.port());
  REQUIRE(client.Send("x"));
  REQUIRE(journal.Await("unsent"));
  CHECK(client.Receive(answer.size()) == answer);
  CHECK(client.EndedCleanly());
  CHECK(journal.Await("closed"));
}

TEST_CASE("last words reach a TLS peer that is still sending") {
  Journal journal;
  class Handler final : public test::QuietHandler {
   public:
    using QuietHandler::QuietHandler;
    void OnBytes(std::string_view /*bytes*/) ON_LOOP_THREAD override {
      Note("bytes");
      stream().Output().Append("last words");
      stream().CloseAfterFlush();
    }
  };
  const base::FakeClock clock;  // Stands still: the peer may take its time.
  TlsServer server(
      [&](base::Stream& stream) { return std::make_unique<Handler>(stream, &journal); }, &clock);
  server.thread.Start();
  const TlsClient client(server.port());
  REQUIRE(client.connected());
  for (int i = 0; i < 50; ++i) {
    REQUIRE(client.Send(test::Pattern(20'000)));
  }
  CHECK(client.Receive(100) == "last words");
  CHECK(client.EndedCleanly());
  client.raw().EndOutput();
  CHECK(journal.Await("closed"));
  CHECK(journal.Count("bytes") == 1);
}

TEST_CASE("a TLS peer that ends its output gets its answers first") {
  Journal journal;
  TlsServer server(test::Echo(&journal));
  server.thread.Start();
  const TlsClient client(server.port());
  const std::string message = test::Pattern(50'000);
  REQUIRE(client.Send(message));
  SSL_shutdown(client.ssl());
  CHECK(client.Receive(message.size()) == message);
  CHECK(client.EndedCleanly());
  CHECK(journal.Await("closed"));
}

TEST_CASE("TLS 1.2 is served and anything older is refused") {
  TlsServer server(test::Echo());
  server.thread.Start();
  const TlsClient twelve(server.port(), TLS1_2_VERSION);
  REQUIRE(twelve.connected());
  CHECK(twelve.Echoes("x"));
  CHECK_FALSE(TlsClient(server.port(), TLS1_1_VERSION).connected());
  // Renegotiation is refused: the request gets no new handshake.
  ERR_clear_error();
  CHECK(SSL_renegotiate(twelve.ssl()) == 1);
  SSL_do_handshake(twelve.ssl());
  CHECK(twelve.Receive(1).empty());
}

TEST_CASE("records that wait inside TLS are delivered after a pause without new input") {
  Journal journal;
  std::atomic<base::Stream*> stream_of_handler{nullptr};
  class Handler final : public test::QuietHandler {
   public:
    Handler(base::Stream& stream, Journal* journal) : QuietHandler(stream, journal) {}
    void OnBytes(std::string_view bytes) ON_LOOP_THREAD override {
      Note(std::string(bytes));
      if (bytes == "pause") {
        stream().PauseReading();
      } else if (bytes == "yield") {
        stream().YieldTurn();
      } else if (bytes == "close") {
        stream().PauseReading();
        stream().ResumeReading();  // On the list of the next turn ...
        stream().Close();          // ... and off it again.
      }
    }
    void OnResume() ON_LOOP_THREAD override { Note("resumed"); }
  };
  TlsServer server([&](base::Stream& stream) {
    stream_of_handler = &stream;
    return std::make_unique<Handler>(stream, &journal);
  });
  server.thread.Start();
  const TlsClient client(server.port());
  REQUIRE(client.connected());
  // One segment for several records, so that TLS holds what the socket no longer tells of.
  BIO* memory = BIO_new(BIO_s_mem());
  BIO* socket = SSL_get_wbio(client.ssl());
  BIO_up_ref(socket);
  SSL_set0_wbio(client.ssl(), memory);
  for (const char* record : {"pause", "second", "yield", "third", "close", "never"}) {
    REQUIRE(client.Send(record));
  }
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  const std::string flight(bytes, static_cast<std::size_t>(size));
  SSL_set0_wbio(client.ssl(), socket);
  REQUIRE(client.raw().Send(flight));
  REQUIRE(journal.Await("pause"));
  CHECK(journal.Count("second") == 0);
  server.thread.Do([&]() {
    base::kLoop.AssertHeld();
    stream_of_handler.load()->ResumeReading();
  });
  CHECK(journal.Await("closed"));
  CHECK(journal.Lines() == std::vector<std::string>{"pause", "second", "yield", "resumed", "third",
                                                    "close", "closed"});
}

TEST_CASE("bad TLS clients cost good ones nothing") {
  TlsServer server(test::Echo());
  server.thread.Start();
  const std::uint16_t port = server.port();
  std::atomic<bool> stop{false};
  std::atomic<int> bad_done{0};
  const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  std::thread bad([&]() {
    for (int i = 0; !stop; ++i) {
      Client client = Client::Tcp(port);
      switch (i % 5) {
        case 0:
          client.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
          client.ReceiveToEnd();
          break;
        case 1:
          client.Send(test::Pattern(20'000));
          client.ReceiveToEnd();
          break;
        case 2:
          client.Send(hello);  // a handshake that never goes on
          client.Reset();
          break;
        case 3:
          client.Reset();
          break;
        default: {
          const TlsClient old(port, TLS1_1_VERSION);
          break;
        }
      }
      ++bad_done;
    }
  });
  int failed = 0;
  const TlsClient lasting(port);
  constexpr int kGood = 60;
  for (int i = 0; i < kGood || bad_done < 50; ++i) {
    const TlsClient good(port, i % 2 == 0 ? TLS1_3_VERSION : TLS1_2_VERSION);
    const bool served = good.connected() && good.Echoes("good") && lasting.Echoes("lasting");
    failed += served ? 0 : 1;
  }
  stop = true;
  bad.join();
  WARN("tls good_fail=" << failed << " bad=" << bad_done);
  CHECK(failed == 0);
}

TEST_CASE("bytes that are not TLS on an open connection end it and no other") {
  Journal journal;
  TlsServer server(test::Echo(&journal));
  server.thread.Start();
  TlsClient bad(server.port());
  const TlsClient good(server.port());
  REQUIRE(bad.connected());
  REQUIRE(bad.raw().Send("this is no record at all, and long enough to be seen as one"));
  CHECK(bad.Receive(1).empty());
  CHECK(journal.Await("closed"));
  CHECK(good.Echoes("x"));
}

TEST_CASE("a TLS handshake has a deadline and a silent peer keeps no place") {
  base::FakeClock clock;
  Journal journal;
  TlsServer server(test::Echo(&journal), &clock);
  server.thread.Start();
  const Client silent = Client::Tcp(server.port());
  const TlsClient good(server.port());  // Accepted after the silent one.
  REQUIRE(good.connected());
  CHECK(server.budget.open() == 2);
  server.thread.Do([&clock]() { clock.Advance(5'001); });
  CHECK(silent.ReceiveToEnd().empty());
  CHECK(server.budget.open() == 1);
  CHECK(journal.Count("closed") == 0);  // It never had a handler.
  CHECK(good.Echoes("x"));
}

TEST_CASE("too many handshakes at a time hold up the next, not the open connections") {
  base::FakeClock clock;
  TlsServer server(test::Echo(), &clock);
  server.thread.Start();
  const TlsClient open(server.port());
  REQUIRE(open.connected());
  constexpr std::size_t kHandshakes = 256;
  std::vector<Client> silent;
  for (std::size_t i = 0; i < kHandshakes + 10; ++i) {
    silent.push_back(Client::Tcp(server.port()));
  }
  while (server.listener->accepted() < 1 + kHandshakes) {
    REQUIRE(open.Echoes("x"));
  }
  for (int i = 0; i < 20; ++i) {
    REQUIRE(open.Echoes("x"));
  }
  CHECK(server.listener->accepted() == 1 + kHandshakes);
  silent.clear();  // Those places are free again, and a good client gets one.
  const TlsClient good(server.port());
  CHECK(good.connected());
}

TEST_CASE("a certificate is replaced under load without a failed connection") {
  TlsServer server(test::Echo());
  server.thread.Start();
  const TlsClient lasting(server.port());
  REQUIRE(lasting.connected());
  const std::string first_serial = lasting.Serial();
  std::atomic<bool> stop{false};
  std::atomic<int> failed{0};
  std::atomic<int> served{0};
  std::thread load([&]() {
    while (!stop) {
      const TlsClient client(server.port());
      const bool good = client.connected() && client.Send("x") && client.Receive(1) == "x";
      ++(good ? served : failed);
    }
  });
  int reload_failures = 0;
  for (int i = 0; i < 20; ++i) {
    reload_failures += MakeSelfSigned(server.certificate, server.key).ok() ? 0 : 1;
    reload_failures += server.context->Reload().ok() ? 0 : 1;
  }
  while (served < 20 && failed == 0) {
    std::this_thread::yield();
  }
  stop = true;
  load.join();
  CHECK(failed == 0);
  CHECK(reload_failures == 0);
  CHECK(TlsClient(server.port()).Serial() != first_serial);
  CHECK(lasting.Echoes("still"));
}

TEST_CASE("a reload that fails says why and keeps the old certificate") {
  TlsServer server(test::Echo());
  server.thread.Start();
  const std::string serial = TlsClient(server.port()).Serial();
  std::ofstream(server.certificate) << "not a certificate";
  const auto broken = server.context->Reload();
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().code == base::Code::kBadRequest);
  CHECK(broken.error().detail.find(server.certificate) != std::string::npos);
  CHECK(TlsClient(server.port()).Serial() == serial);

  const std::string other_key = server.folder.File("other.pem");
  REQUIRE(MakeSelfSigned(server.certificate, other_key).ok());
  const auto mismatch = server.context->Reload();
  REQUIRE_FALSE(mismatch.ok());
  CHECK(mismatch.error().detail.find("key values mismatch") != std::string::npos);

  const auto absent = TlsContext::Load(server.folder.File("absent"), server.key);
  REQUIRE_FALSE(absent.ok());
  CHECK(absent.error().code == base::Code::kIo);
}

TEST_CASE("a self-signed certificate is for localhost by every name and its key is private") {
  TlsServer server(test::Echo());
  server.thread.Start();
  const TlsClient client(server.port());
  X509* peer = SSL_get1_peer_certificate(client.ssl());
  CHECK(X509_check_host(peer, "localhost", 0, 0, nullptr) == 1);
  CHECK(X509_check_ip_asc(peer, "127.0.0.1", 0) == 1);
  CHECK(X509_check_ip_asc(peer, "::1", 0) == 1);
  CHECK(X509_check_host(peer, "example.org", 0, 0, nullptr) == 0);
  CHECK(EVP_PKEY_is_a(X509_get0_pubkey(peer), "EC") == 1);
  X509_free(peer);
  struct stat status {};
  REQUIRE(stat(server.key.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
}

}  // namespace reprise::loop
