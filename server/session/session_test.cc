#include "server/session/session.h"

#include <utility>

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "protocol/wire/message.h"
#include "protocol/wire/writer.h"
#include "server/commands/all.h"
#include "server/dispatch/test_mailbox.h"

namespace reprise::session {
namespace {

using base::Value;

// The byte side: what was sent is in `sent`; a peer that does not read is `stuck`.
class FakeStream final : public base::Stream {
 public:
  base::Buffer& Output() override { return output; }
  void Flush() override {
    if (!stuck) {
      sent += output.view();
      output.Clear();
    }
  }
  std::size_t Unsent() const override { return output.size(); }
  void PauseReading() override { paused = true; }
  void ResumeReading() override { paused = false; }
  void Close() override { closed = true; }
  void CloseAfterFlush() override { closed_after_flush = true; }
  void YieldTurn() override { yielded = true; }
  std::string_view Peer() const override { return "127.0.0.1:1"; }
  std::string_view Transport() const override { return "tcp"; }

  base::Buffer output;
  std::string sent;
  bool stuck = false;
  bool paused = false;
  bool closed = false;
  bool closed_after_flush = false;
  bool yielded = false;
};

config::Config MemoryConfig() {
  config::Config config;
  config.store.engine = storage::EngineKind::kMemory;
  return config;
}

std::string Frame(std::uint32_t msgid, std::string_view method, std::string_view params_json) {
  base::Buffer frame;
  wire::BeginRequest(msgid, method, frame);
  frame.Append(wire::Encode(wire::FromJson(params_json).value()));
  return std::string(frame.view());
}

struct Bench {
  Bench() : holder(MemoryConfig()), telemetry(1, commands::AllCommands().size()), slow_log(8) {
    base::kLoop.Adopt();
    base::kLoop.AssertHeld();
    log = telemetry::Logger::Open({telemetry::Level::kError, false, "/dev/null"}, clock).value();
    instance = instance::Instance::OpenWithClock(*holder.Get(), clock).value();
    state = std::make_unique<commands::ServerState>(commands::ServerState{
        holder, telemetry, slow_log, events, clients, clock.Now(), [] {}, [] {}});
    host = std::make_unique<SessionHost>(
        SessionHost::Parts{*instance, *state, mailbox, telemetry.shard(0), *log});
    session = std::make_unique<Session>(stream, *host);
  }
  ~Bench() {
    base::kLoop.AssertHeld();
    session->OnClosed();
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  Bench(Bench&&) = delete;
  Bench& operator=(Bench&&) = delete;

  // As the loop does: into the session's own space when it has some.
  void Receive(std::string_view bytes) const {
    base::kLoop.AssertHeld();
    while (!bytes.empty()) {
      const std::span<char> space = session->ReadSpace();
      if (space.empty()) {
        session->OnBytes(bytes);
        return;
      }
      const std::size_t count = std::min(space.size(), bytes.size());
      std::copy_n(bytes.data(), count, space.data());
      session->OnBytes({space.data(), count});
      bytes.remove_prefix(count);
    }
  }
  void EndTurn() const {
    base::kLoop.AssertHeld();
    host->EndTurn();
  }
  // Turns until `count` replies have come.
  void TurnUntil(std::size_t count) {
    EndTurn();
    while (Replies().size() < count) {
      REQUIRE(mailbox.RunOne());
      EndTurn();
    }
  }
  // "msgid result" of everything that was sent.
  std::vector<std::string> Replies() const {
    std::vector<std::string> replies;
    std::string_view rest = stream.sent;
    wire::FrameScanner scanner;
    while (!rest.empty()) {
      const auto size = scanner.Scan(rest, 1U << 26U);
      REQUIRE(size.ok());
      REQUIRE(size.value().has_value());
      const auto response = wire::ParseResponse(rest.substr(0, *size.value()));
      REQUIRE(response.ok());
      const Value error = wire::Decode(response.value().error).value();
      replies.push_back(std::to_string(response.value().msgid) + " " +
                        (error.IsNil() ? wire::ToJson(wire::Decode(response.value().result).value())
                                       : std::string(*(*error.AsArray())[0].AsText())));
      rest.remove_prefix(*size.value());
    }
    return replies;
  }
  void Tick() const {
    base::kLoop.AssertHeld();
    session->OnTick();
  }

  base::FakeClock clock;
  config::ConfigHolder holder;
  telemetry::Telemetry telemetry;
  telemetry::SlowLog slow_log;
  telemetry::EventHub events;
  commands::ClientRegistry clients;
  dispatch::TestMailbox mailbox;
  FakeStream stream;
  std::unique_ptr<telemetry::Logger> log;
  std::unique_ptr<commands::ServerState> state;
  std::unique_ptr<SessionHost> host;
  std::unique_ptr<Session> session;
  std::unique_ptr<instance::Instance> instance;
};

TEST_CASE("requests are answered however their bytes are cut") {
  Bench bench;
  const std::string all = Frame(1, "PING", "[]") + Frame(2, "ECHO", R"(["two"])");
  for (const char byte : all) {
    bench.Receive({&byte, 1});
  }
  CHECK(bench.Replies() == std::vector<std::string>{"1 \"PONG\"", "2 \"two\""});
}

TEST_CASE("a connection sees its own writes in one packet, and all replies come in order") {
  Bench bench;
  bench.Receive(Frame(1, "SET", R"(["k", 1])") + Frame(2, "GET", R"(["k"])") +
                Frame(3, "PING", "[]") + Frame(4, "INCRBY", R"(["k", 5])") +
                Frame(5, "GET", R"(["k"])"));
  bench.TurnUntil(5);
  CHECK(bench.Replies() == std::vector<std::string>{"1 true", "2 1", "3 \"PONG\"", "4 6", "5 6"});
}

TEST_CASE("writes of one packet share a turn and keep their order") {
  Bench bench;
  std::string packet;
  for (std::uint32_t i = 1; i <= 40; ++i) {
    packet += Frame(i, "INCRBY", R"(["n", 1])");
  }
  bench.Receive(packet);
  bench.TurnUntil(40);
  for (std::uint32_t i = 1; i <= 40; ++i) {
    CHECK(bench.Replies()[i - 1] == std::to_string(i) + " " + std::to_string(i));
  }
}

TEST_CASE("a refusal does not overtake what waits before it") {
  Bench bench;
  bench.Receive(Frame(1, "SET", R"(["k", 1])") + Frame(2, "GET", R"(["k"])") +
                Frame(3, "NO.SUCH", "[]"));
  bench.TurnUntil(3);
  CHECK(bench.Replies() == std::vector<std::string>{"1 true", "2 1", "3 unknown_command"});
}

TEST_CASE("large replies that leave at once do not stop the connection") {
  Bench bench;
  const std::string big = Frame(1, "ECHO", R"([")" + std::string(600'000, 'x') + R"("])");
  bench.Receive(big + big + big + big + big);
  for (int i = 0; i < 8 && std::exchange(bench.stream.yielded, false); ++i) {
    base::kLoop.AssertHeld();
    bench.session->OnResume();
  }
  CHECK(bench.Replies().size() == 5);
  CHECK(!bench.stream.paused);
}

TEST_CASE("an error is a reply, and the connection goes on") {
  Bench bench;
  bench.Receive(Frame(1, "NOSUCH", "[]") + Frame(2, "GET", "[]") + Frame(3, "SET", R"(["k"])") +
                Frame(4, "PING", "[]"));
  bench.EndTurn();
  CHECK(bench.Replies() == std::vector<std::string>{"1 unknown_command", "2 bad_request",
                                                    "3 bad_request", "4 \"PONG\""});
  CHECK(!bench.stream.closed);
}

TEST_CASE("a notification is run and not answered") {
  Bench bench;
  base::Buffer frame;
  wire::BeginNotification("SET", frame);
  frame.Append(wire::Encode(wire::FromJson(R"(["k", 9])").value()));
  bench.Receive(std::string(frame.view()) + Frame(1, "GET", R"(["k"])"));
  bench.TurnUntil(1);
  CHECK(bench.Replies() == std::vector<std::string>{"1 9"});
}

TEST_CASE("bytes that are not our protocol end the connection at the first one") {
  Bench http;
  http.Receive("POST / HTTP/1.1\r\n\r\n" + Frame(1, "SET", R"(["k", 1])"));
  CHECK(http.stream.closed);
  CHECK(http.stream.sent.empty());
  Bench other;
  other.Receive("\x91\x01");
  CHECK(other.stream.closed_after_flush);
  CHECK(other.Replies() == std::vector<std::string>{"0 bad_request"});
  other.Receive(Frame(1, "PING", "[]"));
  CHECK(other.Replies().size() == 1);
}

TEST_CASE("a request over a limit is refused under its own number, and ends the connection") {
  Bench bench;
  const std::string deep =
      std::string(
          "\x94\x00\x05\xa4"
          "ECHO\x91",
          9) +
      std::string(static_cast<std::size_t>(base::limits::kDepth.value), '\x91');
  bench.Receive(Frame(1, "SET", R"(["k", 1])") + deep);
  bench.TurnUntil(2);
  CHECK(bench.Replies() == std::vector<std::string>{"1 true", "5 too_large"});
  CHECK(bench.stream.closed_after_flush);
  Bench other;
  other.Receive(
      std::string("\x93\x02\xa4"
                  "ECHO\xdd\xff\xff\xff\xff",
                  12));
  CHECK(other.Replies() == std::vector<std::string>{"0 too_large"});
}

TEST_CASE("QUIT answers what came before it, then closes; nothing after it runs") {
  Bench bench;
  bench.Receive(Frame(1, "SET", R"(["k", 1])") + Frame(2, "QUIT", "[]") +
                Frame(3, "SET", R"(["k", 2])"));
  bench.TurnUntil(2);
  CHECK(bench.Replies() == std::vector<std::string>{"1 true", "2 true"});
  CHECK(bench.stream.closed_after_flush);
}

TEST_CASE("a peer that ends its input still gets its answers") {
  Bench bench;
  bench.Receive(Frame(1, "SET", R"(["k", 1])") + Frame(2, "GET", R"(["k"])"));
  {
    base::kLoop.AssertHeld();
    bench.session->OnEndOfInput();
  }
  CHECK(!bench.stream.closed_after_flush);
  bench.TurnUntil(2);
  CHECK(bench.stream.closed_after_flush);
}

TEST_CASE("one connection does not keep a turn to itself") {
  Bench bench;
  std::string packet;
  for (std::uint32_t i = 0; i < 100; ++i) {
    packet += Frame(i, "PING", "[]");
  }
  bench.Receive(packet);
  CHECK(bench.Replies().size() == 64);
  CHECK(bench.stream.yielded);
  {
    base::kLoop.AssertHeld();
    bench.session->OnResume();
  }
  CHECK(bench.Replies().size() == 100);
}

TEST_CASE("a client that does not read is paused, and cut at the hard limit") {
  Bench bench;
  bench.stream.stuck = true;
  REQUIRE(bench.holder.SetLive("network.output_soft_bytes", "1MiB").ok());
  REQUIRE(bench.holder.SetLive("network.output_hard_bytes", "2MiB").ok());
  const std::string big = Frame(1, "ECHO", R"([")" + std::string(700'000, 'x') + R"("])");
  bench.Receive(big);
  bench.Receive(big);
  CHECK(!bench.stream.paused);
  bench.Receive(big);
  CHECK(bench.stream.paused);
  CHECK(bench.stream.output.size() < 2U << 20U);
  bench.stream.stuck = false;
  bench.stream.Flush();
  {
    base::kLoop.AssertHeld();
    bench.session->OnWritable();
  }
  CHECK(!bench.stream.paused);
  CHECK(bench.Replies().size() == 3);
}

TEST_CASE("a client that stays above the soft limit too long is cut") {
  Bench bench;
  bench.stream.stuck = true;
  REQUIRE(bench.holder.SetLive("network.output_soft_bytes", "256KiB").ok());
  bench.Receive(Frame(1, "ECHO", R"([")" + std::string(700'000, 'x') + R"("])"));
  bench.clock.Advance(30'000);
  bench.Tick();
  CHECK(!bench.stream.closed);
  bench.clock.Advance(1'001);
  bench.Tick();
  CHECK(bench.stream.closed);
}

TEST_CASE("an idle connection, and one that never finishes a frame, are closed in time") {
  Bench idle;
  idle.clock.Advance(600'000);
  idle.Tick();
  CHECK(!idle.stream.closed);
  idle.clock.Advance(1);
  idle.Tick();
  CHECK(idle.stream.closed);

  Bench slow;
  slow.Receive(Frame(1, "PING", "[]").substr(0, 3));
  slow.clock.Advance(5'000);
  slow.Receive(Frame(1, "PING", "[]").substr(3, 1));  // a byte now and then does not help
  slow.clock.Advance(5'001);
  slow.Tick();
  CHECK(slow.stream.closed);
}

TEST_CASE("before AUTH there are small frames and little time") {
  Bench bench;
  bench.Receive(Frame(1, "KEY.CREATE", R"(["default", {"permissions": ["admin"]}])"));
  bench.TurnUntil(1);
  bench.Receive(Frame(2, "GET", R"(["k"])"));
  CHECK(bench.Replies()[1] == "2 unauthenticated");
  bench.clock.Advance(10'001);
  bench.Tick();
  CHECK(bench.stream.closed);

  FakeStream stream;
  base::kLoop.AssertHeld();
  Session late(stream, *bench.host);
  late.OnBytes(Frame(1, "PING", R"([")" + std::string(9000, 'x') + R"("])"));
  CHECK(stream.closed_after_flush);
  late.OnClosed();
}

TEST_CASE("three wrong keys close the connection") {
  Bench bench;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    CHECK(!bench.stream.closed_after_flush);
    bench.Receive(Frame(i, "AUTH", R"(["rk_wrong"])"));
  }
  CHECK(bench.stream.closed_after_flush);
  CHECK(bench.Replies().size() == 3);
}

TEST_CASE("what a client subscribed to arrives as notifications, until it unsubscribes") {
  Bench bench;
  bench.Receive(Frame(1, "SUBSCRIBE", R"(["config"])") + Frame(2, "SUBSCRIBE", R"(["nothing"])"));
  CHECK(bench.Replies() == std::vector<std::string>{"1 true", "2 not_found"});
  bench.stream.sent.clear();
  REQUIRE(bench.events.Publish("config", wire::Encode(Value(5))).ok());
  REQUIRE(bench.mailbox.RunOne());
  const auto event = wire::ParseResponse(bench.stream.sent);
  REQUIRE(event.ok());
  CHECK(event.value().is_notification);
  CHECK(event.value().method == "EVENT");
  CHECK(wire::ToJson(wire::Decode(event.value().result).value()) == R"(["config",5])");
  bench.stream.sent.clear();
  bench.Receive(Frame(3, "UNSUBSCRIBE", R"(["config"])") +
                Frame(4, "UNSUBSCRIBE", R"(["config"])"));
  CHECK(bench.Replies() == std::vector<std::string>{"3 true", "4 false"});
}

TEST_CASE("a killed connection closes, and a reply to one that has gone is dropped") {
  Bench bench;
  const auto records = bench.clients.List();
  REQUIRE(records.size() == 1);
  records[0]->kill();
  REQUIRE(bench.mailbox.RunOne());
  CHECK(bench.stream.closed);

  FakeStream stream;
  base::kLoop.AssertHeld();
  {
    Session other(stream, *bench.host);
    other.OnBytes(Frame(1, "SET", R"(["k", 1])"));
    bench.EndTurn();
    other.OnClosed();
  }
  REQUIRE(bench.mailbox.RunOne());  // the reply; nobody is there
  CHECK(stream.sent.empty());
}

TEST_CASE("draining answers what came and closes") {
  Bench bench;
  bench.Receive(Frame(1, "SET", R"(["k", 1])"));
  {
    base::kLoop.AssertHeld();
    bench.host->Drain();
  }
  CHECK(!bench.stream.closed_after_flush);
  bench.TurnUntil(1);
  CHECK(bench.stream.closed_after_flush);
}

TEST_CASE("more unanswered requests than the limit are not taken yet") {
  constexpr std::uint32_t kRequests = 1500;
  Bench bench;
  std::string packet;
  base::Buffer expected;
  for (std::uint32_t i = 0; i < kRequests; ++i) {
    packet += Frame(i, "INCRBY", R"(["n", 1])");
    wire::BeginResponse(i, expected);
    wire::Writer(expected).Uint(i + 1);
  }
  bench.Receive(packet);
  bool was_paused = false;
  while (bench.stream.sent.size() < expected.size()) {
    base::kLoop.AssertHeld();
    was_paused = was_paused || bench.stream.paused;
    if (std::exchange(bench.stream.yielded, false)) {
      bench.session->OnResume();
      continue;
    }
    bench.EndTurn();
    if (bench.stream.sent.size() < expected.size()) {
      REQUIRE(bench.mailbox.RunOne());
    }
    bench.EndTurn();
  }
  CHECK(was_paused);
  CHECK((bench.stream.sent == expected.view()));
}

}  // namespace
}  // namespace reprise::session
