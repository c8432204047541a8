// reprise-server: starts, waits for signals, stops in order.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <sys/resource.h>
#include <unistd.h>

#include "server/app/dump.h"
#include "server/app/exit_code.h"
#include "server/app/flags.h"
#include "server/app/notify.h"
#include "server/app/server.h"
#include "server/commands/version.h"

namespace reprise::app {
namespace {

constexpr std::int64_t kFilesBeside = 128;  // standard streams, listeners, /proc, loops ...

int Fail(int exit_code, const std::string& message) {
  std::fprintf(stderr, "reprise-server: %s\n", message.c_str());
  return exit_code;
}

// RocksDB must never meet EMFILE: idle connections could kill the database (a flush that cannot
// open a file is fatal). So the descriptors of all parts together have to fit before anything is
// opened.
base::Status FitFiles(config::Config& config) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const std::int64_t fixed = storage::RequiredFiles(config.store) + kFilesBeside;
  const std::int64_t wanted = fixed + config.network.connections_max;
  if (static_cast<rlim_t>(wanted) > limit.rlim_cur) {
    limit.rlim_cur = std::min(static_cast<rlim_t>(wanted), limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= static_cast<rlim_t>(wanted)) {
    return base::Ok{};
  }
  constexpr std::int64_t kFewest = 16;
  const std::int64_t fits = static_cast<std::int64_t>(limit.rlim_cur) - fixed;
  const bool by_default = config.network.connections_max == base::limits::kConnections.value;
  if (!by_default || fits < kFewest) {
    return base::Error{base::Code::kBadRequest,
                       "the limit of open files (" + std::to_string(limit.rlim_cur) +
                           ") is too low: " + std::to_string(wanted) +
                           " are needed; raise `ulimit -n`, or lower network.connections_max (" +
                           std::to_string(config.network.connections_max) +
                           ") or store.open_files_max (" +
                           std::to_string(config.store.open_files_max) + ")"};
  }
  std::fprintf(stderr,
               "reprise-server: the limit of open files (%llu) allows %lld connections, not %lld\n",
               static_cast<unsigned long long>(limit.rlim_cur), static_cast<long long>(fits),
               static_cast<long long>(config.network.connections_max));
  config.network.connections_max = fits;
  return base::Ok{};
}

// The signals that main waits for; blocked before any thread starts, so that all threads inherit
// it.
sigset_t BlockSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&set, signal_number);
  }
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

// The signal that came within `ms`, or 0.
int WaitSignal(const sigset_t& set, std::int64_t ms) {
  const timespec timeout{ms / 1000, (ms % 1000) * 1'000'000};
  const int signal_number = sigtimedwait(&set, nullptr, &timeout);
  return std::max(signal_number, 0);
}

void RunUntilStopped(Server& server, const sigset_t& signals) {
  constexpr std::int64_t kTickMs = 200;
  while (true) {
    const int signal_number = WaitSignal(signals, kTickMs);
    if (signal_number == SIGTERM || signal_number == SIGINT) {
      return;
    }
    if (signal_number == SIGHUP) {
      server.Reload();
    }
    server.Tick();
  }
}

void StopInOrder(Server& server, const sigset_t& signals, std::int64_t shutdown_ms) {
  constexpr std::int64_t kPollMs = 10;
  NotifySystemd("STOPPING=1");
  server.log().Log(telemetry::Level::kInfo, "stopping");
  const base::Nanos begin = server.clock().Elapsed();
  const auto within = [&](std::int64_t ms) {
    return server.clock().Elapsed() - begin < ms * base::kNanosPerMilli;
  };
  server.CloseFlights();
  while (!server.Landed() && within(shutdown_ms / 2)) {  // Answers that were paid for are kept.
    WaitSignal(signals, kPollMs);
  }
  server.BeginDrain();
  while (!server.Drained() && within(shutdown_ms)) {
    WaitSignal(signals, kPollMs);
  }
  server.Stop();
  server.log().Log(telemetry::Level::kInfo, "stopped");
}

int Main(int argc, char** argv) {
  const Flags flags = ParseFlags(argc, argv);
  if (flags.exit_code.has_value()) {
    return *flags.exit_code;
  }
  if (!flags.dump_root.empty()) {
    const base::Status dumped = Dump(flags.dump_root);
    return dumped.ok() ? kStopped : Fail(kStartFailed, dumped.error().detail);
  }
  auto config = LoadConfig(flags);
  if (!config.ok()) {
    return Fail(kBadConfiguration, config.error().detail);
  }
  if (const base::Status fits = FitFiles(config.value()); !fits.ok()) {
    return Fail(kBadConfiguration, fits.error().detail);
  }
  const sigset_t signals = BlockSignals();
  const std::int64_t shutdown_ms = config.value().network.shutdown_ms;
  const std::string dir = config.value().store.dir;
  StartFailure failure;
  const auto server = Server::Start(std::move(config).value(), flags, failure);
  if (server == nullptr) {
    return Fail(failure.exit_code, failure.message);
  }
  std::printf("reprise-server %s ready: %s dir=%s pid=%d\n",
              std::string(commands::kServerVersion).c_str(), server->Addresses().c_str(),
              dir.c_str(), getpid());
  std::fflush(stdout);
  NotifySystemd("READY=1");
  RunUntilStopped(*server, signals);
  StopInOrder(*server, signals, shutdown_ms);
  return kStopped;
}

}  // namespace
}  // namespace reprise::app

int main(int argc, char** argv) {
  return reprise::app::Main(argc, argv);
}
