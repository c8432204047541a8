#include "protocol/base/stream.h"

#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "server/loop/listener.h"
#include "server/loop/loop.h"
#include "server/loop/test_kit.h"

namespace reprise::loop {

using test::Client;
using test::Journal;
using test::LoopThread;

namespace {

std::unique_ptr<Listener> MustListen(LoopThread& server, test::HandlerFactory factory) {
  auto listener = Listener::Listen(server.loop(), test::OnLoopback(std::move(factory)));
  REQUIRE(listener.ok());
  return std::move(listener).value();
}

// Messages of a four-byte length and a body; each is answered with its length and last byte. Keeps
// partial messages in its own memory, as a session does.
class FramedHandler final : public test::QuietHandler {
 public:
  using QuietHandler::QuietHandler;
  std::span<char> ReadSpace() ON_LOOP_THREAD override {
    if (message_.empty()) {
      return {};
    }
    return std::span<char>(message_).subspan(filled_);
  }
  void OnBytes(std::string_view bytes) ON_LOOP_THREAD override {
    if (!message_.empty() && bytes.data() == message_.data() + filled_) {
      filled_ += bytes.size();
      FinishIfWhole();
      return;
    }
    while (!bytes.empty()) {
      if (message_.empty()) {
        std::uint32_t length = 0;
        std::memcpy(&length, bytes.data(), sizeof(length));  // The tests never cut the length.
        message_.resize(length);
        bytes.remove_prefix(sizeof(length));
      }
      const std::size_t part = std::min(bytes.size(), message_.size() - filled_);
      std::memcpy(message_.data() + filled_, bytes.data(), part);
      filled_ += part;
      bytes.remove_prefix(part);
      FinishIfWhole();
    }
  }

 private:
  void FinishIfWhole() ON_LOOP_THREAD {
    if (filled_ == message_.size()) {
      stream().Output().Append(std::to_string(filled_) + message_.back() + "\n");
      stream().Flush();
      message_.clear();
      filled_ = 0;
    }
  }

  std::vector<char> message_;
  std::size_t filled_ = 0;
};

// Answers the first bytes with `bytes` of output, then does as told.
class AnsweringHandler final : public test::QuietHandler {
 public:
  enum class Then { kStay, kCloseAfterFlush, kClose };
  AnsweringHandler(base::Stream& stream, Journal* journal, std::string answer, Then then)
      : QuietHandler(stream, journal), answer_(std::move(answer)), then_(then) {}
  void OnBytes(std::string_view /*bytes*/) ON_LOOP_THREAD override {
    Note("bytes");
    if (std::exchange(answered_, true)) {
      return;
    }
    stream().Output().Append(answer_);
    if (then_ == Then::kStay) {
      stream().Flush();
    } else if (then_ == Then::kClose) {
      stream().Flush();
      stream().Close();
      stream().Close();
      stream().Flush();
      stream().YieldTurn();
      stream().ResumeReading();
      stream().CloseAfterFlush();
    } else {
      stream().CloseAfterFlush();
      stream().CloseAfterFlush();
    }
    Note(stream().Unsent() > 0 ? "unsent" : "sent");
  }
  void OnWritable() ON_LOOP_THREAD override {
    if (stream().Unsent() == 0) {
      Note("all taken");
    }
  }

 private:
  std::string answer_;
  Then then_;
  bool answered_ = false;
};

std::string Framed(std::size_t bytes) {
  const auto length = static_cast<std::uint32_t>(bytes);
  std::string message(sizeof(length), '\0');
  std::memcpy(message.data(), &length, sizeof(length));
  return message + std::string(bytes - 1, 'm') + "!";
}

}  // namespace

TEST_CASE("small requests are answered one by one over one connection") {
  LoopThread server;
  const auto listener = MustListen(server, test::Echo());
  server.Start();
  const Client client = Client::Tcp(listener->BoundPort());
  for (int i = 0; i < 1000; ++i) {
    const std::string message = "request " + std::to_string(i);
    REQUIRE(client.Echoes(message));
  }
}

TEST_CASE("large messages pass in both directions with a reader that takes little at a time") {
  LoopThread server;
  const auto listener = MustListen(server, test::Echo());
  server.Start();
  const Client client = Client::Tcp(listener->BoundPort());
  for (const std::size_t bytes : {std::size_t{1} << 20U, std::size_t{8} << 20U}) {
    const std::string message = test::Pattern(bytes);
    CHECK(client.Exchange(message, 30'000) == message);
  }
}

TEST_CASE("a handler with a partial message has the rest read straight into its memory") {
  LoopThread server;
  const auto listener = MustListen(
      server, [](base::Stream& stream) { return std::make_unique<FramedHandler>(stream); });
  server.Start();
  const Client client = Client::Tcp(listener->BoundPort());
  for (const std::size_t bytes : {1UL, 100UL, 65'532UL, 65'536UL, 1UL << 20U, 8UL << 20U}) {
    REQUIRE(client.Send(Framed(bytes) + Framed(3)));
    const std::string expected = std::to_string(bytes) + "!\n3!\n";
    REQUIRE(client.Receive(expected.size()) == expected);
  }
}

TEST_CASE("output that the peer does not take waits, and the handler hears when it is taken") {
  Journal journal;
  const std::string answer = test::Pattern(std::size_t{16} << 20U);
  LoopThread server;
  const auto listener = MustListen(server, [&](base::Stream& stream) {
    return std::make_unique<AnsweringHandler>(stream, &journal, answer,
                                              AnsweringHandler::Then::kStay);
  });
  server.Start();
  const Client client = Client::Tcp(listener->BoundPort());
  REQUIRE(client.Send("x"));
  REQUIRE(journal.Await("unsent"));
  REQUIRE(client.Send("y"));  // Reading goes on while writing waits.
  REQUIRE(journal.Await("bytes", 2));
  CHECK(client.Receive(answer.size()) == answer);
  CHECK(journal.Await("all taken"));
}

TEST_CASE("a peer that ends its output gets its answers before the connection closes") {
  Journal journal;
  LoopThread server;
  const auto listener = MustListen(server, test::Echo(&journal));
  server.Start();
  const std::string message = test::Pattern(100'000);
  const Client client = Client::Tcp(listener->BoundPort());
  REQUIRE(client.Send(message));
  client.EndOutput();
  bool reset = true;
  CHECK(client.ReceiveToEnd(&reset) == message);
  CHECK_FALSE(reset);
  CHECK(journal.Await("closed"));
}

TEST_CASE("a reset ends the connection and nothing else") {
  Journal journal;
  LoopThread server;
  const auto listener = MustListen(server, test::Echo(&journal));
  server.Start();
  const Client good = Client::Tcp(listener->BoundPort());
  for (std::size_t i = 1; i <= 50; ++i) {
    Client bad = Client::Tcp(listener->BoundPort());
    REQUIRE(bad.Send("x"));
    bad.Reset();
    REQUIRE(journal.Await("closed", i));
    REQUIRE(good.Echoes("still here"));
  }
}

TEST_CASE("five hundred connections are served at the same time") {
  Journal journal;
  LoopThread server;
  const auto listener = MustListen(server, test::Echo(&journal));
  server.Start();
  std::vector<Client> clients;
  for (int i = 0; i < 500; ++i) {
    clients.push_back(Client::Tcp(listener->BoundPort()));
    REQUIRE(clients.back().connected());
  }
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      REQUIRE(clients[i].Send(std::string(100, static_cast<char>('a' + i % 26))));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      REQUIRE(clients[i].Receive(100) == std::string(100, static_cast<char>('a' + i % 26)));
    }
  }
  clients.clear();
  CHECK(journal.Await("closed", 500));
  CHECK(listener->accepted() == 500);
}

TEST_CASE("a paused connection hears nothing until it is resumed") {
  Journal journal;
  std::atomic<base::Stream*> first{nullptr};
  class Handler final : public test::QuietHandler {
   public:
    Handler(base::Stream& stream, Journal* journal) : QuietHandler(stream, journal) {}
    void OnBytes(std::string_view bytes) ON_LOOP_THREAD override {
      stream().PauseReading();
      Note(std::string(bytes));
    }
  };
  LoopThread server;
  const auto listener = MustListen(server, [&](base::Stream& stream) {
    base::Stream* none = nullptr;
    first.compare_exchange_strong(none, &stream);
    return std::make_unique<Handler>(stream, &journal);
  });
  server.Start();
  const Client client = Client::Tcp(listener->BoundPort());
  REQUIRE(client.Send("one"));
  REQUIRE(journal.Await("one"));
  REQUIRE(client.Send("two"));
  const Client other = Client::Tcp(listener->BoundPort());  // Turns pass; "two" is there by now.
  REQUIRE(other.Send("other"));
  REQUIRE(journal.Await("other"));
  CHECK(journal.Count("two") == 0);
  server.Do([&first]() {
    base::kLoop.AssertHeld();
    first.load()->ResumeReading();
  });
  CHECK(journal.Await("two"));
}

TEST_CASE("pausing and resuming within one call costs no input") {
  Journal journal;
  class Handler final : public test::EchoHandler {
   public:
    using EchoHandler::EchoHandler;
    void OnBytes(std::string_view bytes) ON_LOOP_THREAD override {
      stream().PauseReading();
      EchoHandler::OnBytes(bytes);
      stream().ResumeReading();
    }
  };
  LoopThread server;
  const auto listener =
      MustListen(server, [](base::Stream& stream) { return std::make_unique<Handler>(stream); });
  server.Start();
  const Client client = Client::Tcp(listener->BoundPort());
  for (int i = 0; i < 100; ++i) {
    REQUIRE(client.Echoes("message"));
  }
}

TEST_CASE("last words reach a peer that is still sending") {
  Journal journal;
  const base::FakeClock clock;  // Stands still: the peer may take its time.
  LoopThread server(&clock);
  const auto listener = MustListen(server, [&](base::Stream& stream) {
    return std::make_unique<AnsweringHandler>(stream, &journal, "last words",
                                              AnsweringHandler::Then::kCloseAfterFlush);
  });
  server.Start();
  const Client client = Client::Tcp(listener->BoundPort());
  REQUIRE(client.Send(std::string(std::size_t{4} << 20U, 'x')));
  bool reset = true;
  CHECK(client.ReceiveToEnd(&reset) == "last words");
  CHECK_FALSE(reset);
  client.EndOutput();
  CHECK(journal.Await("closed"));
  CHECK(journal.Count("bytes") == 1);  // What came after the decision to close is not heard.
}

TEST_CASE("a large answer is taken whole before the connection closes") {
  Journal journal;
  const std::string answer = test::Pattern(std::size_t{8} << 20U);
  LoopThread server;
  const auto listener = MustListen(server, [&](base::Stream& stream) {
    return std::make_unique<AnsweringHandler>(stream, &journal, answer,
                                              AnsweringHandler::Then::kCloseAfterFlush);
  });
  server.Start();
  const Client client = Client::Tcp(listener->BoundPort());
  REQUIRE(client.Send("x"));
  bool reset = true;
  CHECK(client.ReceiveToEnd(&reset) == answer);
  CHECK_FALSE(reset);
  CHECK(journal.Await("closed"));
}

TEST_CASE("closing after the flush gives up on a peer that takes nothing") {
  base::FakeClock clock;
  Journal journal;
  LoopThread server(&clock);
  const auto listener = MustListen(server, [&](base::Stream& stream) {
    return std::make_unique<AnsweringHandler>(stream, &journal,
                                              std::string(std::size_t{32} << 20U, 'x'),
                                              AnsweringHandler::Then::kCloseAfterFlush);
  });
  server.loop().OnTick([&journal]() { journal.Write("tick"); });
  server.Start();
  const Client client = Client::Tcp(listener->BoundPort());
  REQUIRE(client.Send("x"));
  REQUIRE(journal.Await("unsent"));
  server.Do([&clock]() { clock.Advance(9'000); });
  REQUIRE(journal.Await("tick", journal.Count("tick") + 2));
  CHECK(journal.Count("closed") == 0);
  server.Do([&clock]() { clock.Advance(2'000); });
  CHECK(journal.Await("closed"));
}

TEST_CASE("a lingering peer is let go after a second") {
  base::FakeClock clock;
  Journal journal;
  LoopThread server(&clock);
  const auto listener = MustListen(server, [&](base::Stream& stream) {
    return std::make_unique<AnsweringHandler>(stream, &journal, "bye",
                                              AnsweringHandler::Then::kCloseAfterFlush);
  });
  server.Start();
  const Client client = Client::Tcp(listener->BoundPort());
  REQUIRE(client.Send(std::string(std::size_t{1} << 20U, 'x')));
  CHECK(client.Receive(3) == "bye");
  server.Do([&clock]() { clock.Advance(1'500); });
  CHECK(journal.Await("closed"));
}

TEST_CASE("a handler may close from within its own callback, and calls after that do nothing") {
  Journal journal;
  LoopThread server;
  const auto listener = MustListen(server, [&](base::Stream& stream) {
    return std::make_unique<AnsweringHandler>(stream, &journal, "bye",
                                              AnsweringHandler::Then::kClose);
  });
  server.Start();
  const Client client = Client::Tcp(listener->BoundPort());
  REQUIRE(client.Send("x"));
  CHECK(client.ReceiveToEnd() == "bye");
  CHECK(journal.Await("closed"));
  CHECK(journal.Lines() == std::vector<std::string>{"bytes", "sent", "closed"});
}

TEST_CASE("a handler that is not made closes the connection") {
  LoopThread server;
  const auto listener =
      MustListen(server, [](base::Stream&) { return std::unique_ptr<base::StreamHandler>(); });
  server.Start();
  CHECK(Client::Tcp(listener->BoundPort()).ReceiveToEnd().empty());
}

}  // namespace reprise::loop
