#include "server/loop/listener.h"

#include <atomic>
#include <cerrno>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <catch2/catch.hpp>

#include "server/loop/loop.h"
#include "server/loop/test_kit.h"

namespace {

// Errors that the system is made to give: see accept4 below, which has no other way to be told.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): for a function of C.
std::atomic<int> injected_error{0};
std::atomic<int> accept_calls{0};
std::atomic<int> last_accepted{-1};
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

}  // namespace

// Stands before the C library's own for this program.
// NOLINTNEXTLINE(readability-identifier-naming): the name is the system's.
extern "C" int accept4(int listening, sockaddr* address, socklen_t* size, int flags) {
  ++accept_calls;
  if (const int error = injected_error; error != 0) {
    errno = error;
    return -1;
  }
  const auto accepted = static_cast<int>(syscall(SYS_accept4, listening, address, size, flags));
  if (accepted >= 0) {
    last_accepted = accepted;
  }
  return accepted;
}

namespace reprise::loop {

using test::Client;
using test::Journal;
using test::LoopThread;
using test::TemporaryFolder;

namespace {

ListenOptions OnUnix(const std::string& path, Journal* journal = nullptr) {
  ListenOptions options;
  options.address.kind = Address::Kind::kUnix;
  options.address.path = path;
  options.handler = test::Echo(journal);
  return options;
}

int IntOption(int descriptor, int level, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  getsockopt(descriptor, level, option, &value, &size);
  return value;
}

bool Exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

}  // namespace

TEST_CASE("several loops share one port and all of them serve") {
  LoopThread first;
  LoopThread second;
  auto one = Listener::Listen(first.loop(), test::OnLoopback(test::Echo()));
  REQUIRE(one.ok());
  ListenOptions same = test::OnLoopback(test::Echo());
  same.address.port = one.value()->BoundPort();
  auto two = Listener::Listen(second.loop(), std::move(same));
  REQUIRE(two.ok());
  CHECK(two.value()->BoundPort() == one.value()->BoundPort());
  first.Start();
  second.Start();
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(Client::Tcp(one.value()->BoundPort()));
    REQUIRE(clients.back().Echoes("x"));
  }
  CHECK(one.value()->accepted() > 0);
  CHECK(two.value()->accepted() > 0);
  CHECK(one.value()->accepted() + two.value()->accepted() == 100);
}

TEST_CASE("accepted sockets carry keepalive and no delay") {
  LoopThread server;
  auto listener = Listener::Listen(server.loop(), test::OnLoopback(test::Echo()));
  REQUIRE(listener.ok());
  server.Start();
  const Client client = Client::Tcp(listener.value()->BoundPort());
  REQUIRE(client.Echoes("x"));
  const int accepted = last_accepted;
  CHECK(IntOption(accepted, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(IntOption(accepted, IPPROTO_TCP, TCP_KEEPIDLE) == 60);
  CHECK(IntOption(accepted, IPPROTO_TCP, TCP_NODELAY) == 1);
}

TEST_CASE("IPv6 connections are served and named") {
  Journal journal;
  ListenOptions options = test::OnLoopback([&journal](base::Stream& stream) {
    base::kLoop.AssertHeld();
    journal.Write(std::string(stream.Peer().substr(0, 6)));
    journal.Write(std::string(stream.Transport()));
    return std::make_unique<test::EchoHandler>(stream);
  });
  options.address.host = "::1";
  LoopThread server;
  auto listener = Listener::Listen(server.loop(), std::move(options));
  if (!listener.ok()) {
    WARN("no IPv6 here: " << listener.error().detail);
    return;
  }
  server.Start();
  const Client client = Client::Tcp(listener.value()->BoundPort(), "::1");
  CHECK(client.Echoes("six"));
  CHECK(journal.Lines() == std::vector<std::string>{"[::1]:", "tcp"});
}

namespace {

std::string RefusalOf(const std::string& host, std::uint16_t port) {
  LoopThread server;
  ListenOptions options = test::OnLoopback(test::Echo());
  options.address.host = host;
  options.address.port = port;
  const auto listener = Listener::Listen(server.loop(), std::move(options));
  if (listener.ok() || listener.error().code != base::Code::kIo) {
    return "not refused";
  }
  return listener.error().detail;
}

// Another process that listens on a port until the object ends. It would share the port.
class OtherProcess {
 public:
  OtherProcess() {
    int to_parent[2] = {-1, -1};
    int to_child[2] = {-1, -1};
    if (pipe(to_parent) != 0 || pipe(to_child) != 0) {
      return;
    }
    child_ = fork();
    if (child_ == 0) {
      close(to_child[1]);
      const auto taken = ListenTcp("127.0.0.1", 0);
      const std::uint16_t bound = taken.ok() ? taken.value().port : 0;
      char byte = 0;
      const bool done = write(to_parent[1], &bound, sizeof(bound)) == sizeof(bound) &&
                        read(to_child[0], &byte, 1) == 0;  // Until the parent closes its end.
      _exit(done ? 0 : 1);
    }
    close(to_parent[1]);
    close(to_child[0]);
    alive_ = Descriptor(to_child[1]);
    const Descriptor told(to_parent[0]);
    if (read(told.number(), &port_, sizeof(port_)) != sizeof(port_)) {
      port_ = 0;
    }
  }
  ~OtherProcess() {
    alive_.Reset();
    waitpid(child_, nullptr, 0);
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;
  OtherProcess(OtherProcess&&) = delete;
  OtherProcess& operator=(OtherProcess&&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  pid_t child_ = -1;
  std::uint16_t port_ = 0;
  Descriptor alive_;
};

}  // namespace

TEST_CASE("an address that cannot be bound is refused with its name and the reason") {
  CHECK(RefusalOf("example", 0) ==
        "cannot listen on example:0: not a numeric IPv4 or IPv6 address");
  CHECK(RefusalOf("192.0.2.1", 0) ==
        "cannot listen on 192.0.2.1:0: the address is not one of this machine");
}

TEST_CASE("a port on which another process listens is refused, willing to share it or not") {
  const OtherProcess other;
  REQUIRE(other.port() != 0);
  CHECK(RefusalOf("127.0.0.1", other.port()) ==
        "cannot listen on 127.0.0.1:" + std::to_string(other.port()) + ": address already in use");
}

TEST_CASE("a Unix socket is private, serves, and its file goes with the listener") {
  const TemporaryFolder folder;
  const std::string path = folder.File("socket");
  LoopThread server;
  auto listener = Listener::Listen(server.loop(), OnUnix(path));
  REQUIRE(listener.ok());
  struct stat status {};
  REQUIRE(lstat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0700U);
  server.Start();
  const Client client = Client::Unix(path);
  const std::string message = test::Pattern(1'000'000);
  CHECK(client.Exchange(message, 10'000) == message);
  server.Stop();
  CHECK_FALSE(Exists(path));
}

TEST_CASE("a Unix path is taken over from the dead and from nobody else") {
  const TemporaryFolder folder;
  const std::string path = folder.File("socket");

  std::ofstream(path) << "precious";
  LoopThread server;
  auto on_file = Listener::Listen(server.loop(), OnUnix(path));
  REQUIRE_FALSE(on_file.ok());
  CHECK(on_file.error().detail == "cannot listen on " + path + ": it exists and is not a socket");
  CHECK(Exists(path));
  unlink(path.c_str());

  {
    auto dead = ListenUnix(path);
    REQUIRE(dead.ok());  // Its descriptor closes here, the file stays.
  }
  REQUIRE(Exists(path));
  auto live = Listener::Listen(server.loop(), OnUnix(path));
  REQUIRE(live.ok());

  auto second = Listener::Listen(server.loop(), OnUnix(path));
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().detail ==
        "cannot listen on " + path + ": address already in use by a live server");

  auto endless = Listener::Listen(server.loop(), OnUnix(std::string(108, 'p')));
  REQUIRE_FALSE(endless.ok());
  CHECK(endless.error().detail.find("1 to 107 bytes") != std::string::npos);
}

TEST_CASE("a listener leaves its successor's socket file alone") {
  const TemporaryFolder folder;
  const std::string path = folder.File("socket");
  auto mine = ListenUnix(path);
  REQUIRE(mine.ok());
  const std::string kept = folder.File("kept");  // Keeps the number of the file from being reused.
  REQUIRE(rename(path.c_str(), kept.c_str()) == 0);
  auto successor = ListenUnix(path);
  REQUIRE(successor.ok());
  RemoveUnixPath(mine.value());
  CHECK(Exists(path));
  RemoveUnixPath(successor.value());
  CHECK_FALSE(Exists(path));
}

TEST_CASE("a connection over the budget hears busy, and a freed place is given again") {
  Journal journal;
  ConnectionBudget budget(1);
  ListenOptions options = test::OnLoopback(test::Echo(&journal));
  options.budget = &budget;
  options.busy_reply = "busy";
  LoopThread server;
  auto listener = Listener::Listen(server.loop(), std::move(options));
  REQUIRE(listener.ok());
  const std::uint16_t port = listener.value()->BoundPort();
  server.Start();
  Client first = Client::Tcp(port);
  REQUIRE(first.Echoes("x"));
  bool reset = true;
  CHECK(Client::Tcp(port).ReceiveToEnd(&reset) == "busy");
  CHECK_FALSE(reset);
  CHECK(budget.open() == 1);
  CHECK(budget.refused() == 1);
  CHECK(listener.value()->accepted() == 1);
  first = Client();
  REQUIRE(journal.Await("closed"));
  const Client third = Client::Tcp(port);
  CHECK(third.Echoes("y"));
}

TEST_CASE("a connection over the budget takes the place of one that makes room") {
  Journal journal;
  ConnectionBudget budget(1);
  ListenOptions options = test::OnLoopback(test::Echo(&journal));
  base::Stream* open = nullptr;
  options.handler = [&open, echo = options.handler](base::Stream& stream) {
    open = &stream;
    return echo(stream);
  };
  options.budget = &budget;
  options.busy_reply = "busy";
  options.make_room = [&open]() {
    base::kLoop.AssertHeld();
    base::Stream* leaving = std::exchange(open, nullptr);
    if (leaving != nullptr) {
      leaving->Close();
    }
    return leaving != nullptr;
  };
  LoopThread server;
  auto listener = Listener::Listen(server.loop(), std::move(options));
  REQUIRE(listener.ok());
  const std::uint16_t port = listener.value()->BoundPort();
  server.Start();
  Client first = Client::Tcp(port);
  REQUIRE(first.Echoes("x"));
  const Client second = Client::Tcp(port);
  CHECK(second.Echoes("y"));
  CHECK(first.ReceiveToEnd().empty());
  REQUIRE(journal.Await("closed"));
  CHECK(second.Echoes("z"));
  CHECK(budget.open() == 1);
  CHECK(budget.refused() == 0);
  CHECK(listener.value()->accepted() == 2);
}

TEST_CASE("a listener that stops accepting keeps its connections") {
  LoopThread server;
  auto listener = Listener::Listen(server.loop(), test::OnLoopback(test::Echo()));
  REQUIRE(listener.ok());
  const std::uint16_t port = listener.value()->BoundPort();
  server.Start();
  const Client client = Client::Tcp(port);
  REQUIRE(client.Echoes("x"));
  server.Do([&listener]() {
    base::kLoop.AssertHeld();
    listener.value()->StopAccepting();
    listener.value()->StopAccepting();
  });
  CHECK_FALSE(Client::Tcp(port).connected());
  CHECK(client.Echoes("y"));
}

namespace {

// An echo server that tells of its ticks once accepting has failed.
struct FaultyServer {
  FaultyServer() {
    ListenOptions options = test::OnLoopback(test::Echo());
    options.log = [this](std::string_view line) { log.Write(std::string(line)); };
    auto listening = Listener::Listen(thread.loop(), std::move(options));
    REQUIRE(listening.ok());
    listener = std::move(listening).value();
    thread.loop().OnTick([this]() {
      if (listener->accept_errors() > 0) {
        ticks.Write("tick");
      }
    });
    thread.Start();
  }

  Journal ticks;
  Journal log;
  std::unique_ptr<Listener> listener;
  LoopThread thread;
};

}  // namespace

TEST_CASE("accept errors pause the listener: no spinning, ticks go on, service resumes") {
  const int error = GENERATE(ENOBUFS, ENOMEM, EPERM, ECONNABORTED, EMFILE);
  FaultyServer server;
  const Client before = Client::Tcp(server.listener->BoundPort());
  REQUIRE(before.Echoes("x"));

  injected_error = error;
  accept_calls = 0;
  const Client client = Client::Tcp(server.listener->BoundPort());
  const bool sent = client.Send("late");
  const bool ticked = server.ticks.Await("tick", 3);
  const int calls = accept_calls;
  const bool unnoticed = before.Echoes("y");
  injected_error = 0;

  CHECK(sent);
  CHECK(ticked);
  CHECK(unnoticed);
  CHECK(client.Receive(4) == "late");
  CHECK(calls >= 2);
  CHECK(calls <= 20);  // One in 100 ms; a loop that spins makes thousands.
  CHECK(server.listener->accept_errors() >= 2);
  CHECK(server.log.Lines().size() == 1);  // At most one line a minute.
}

}  // namespace reprise::loop
