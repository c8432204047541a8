// Server: wires loops, sessions, admin HTTP and the instance together, and takes them apart in
// order.
//
// Threads: main only. Errors of Start: exit_code.h says which end code each becomes. Order of
// stopping: leases may be filled, then listeners close, sessions finish what they accepted (at most
// network.shutdown_ms), loops end, the store is synced and closed.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/app/flags.h"
#include "server/commands/server_state.h"
#include "server/config/config.h"
#include "server/http/admin_handler.h"
#include "server/instance/instance.h"
#include "server/loop/listener.h"
#include "server/loop/loop.h"
#include "server/loop/tls.h"
#include "server/session/host.h"
#include "server/telemetry/logger.h"

namespace reprise::app {

// What Start could not do, and the end code for it.
struct StartFailure {
  int exit_code = 0;
  std::string message;
};

class Server {
 public:
  // Null when it cannot start; `failure` says why.
  static std::unique_ptr<Server> Start(config::Config config, const Flags& flags,
                                       StartFailure& failure);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  Server(Server&&) = delete;
  Server& operator=(Server&&) = delete;

  // "tcp=127.0.0.1:7377 unix=... tls=... http=...", the parts that exist.
  std::string Addresses() const;
  const base::Clock& clock() const { return clock_; }
  telemetry::Logger& log() { return *log_; }

  // Periodic work; several times a second.
  void Tick();
  // SIGHUP: live settings from the file, certificates, log file.
  void Reload();
  // Before stopping: who computes an answer may still fill it, but nobody begins. Landed() turns
  // true when the last one has.
  void CloseFlights();
  bool Landed() const;
  // The two halves of stopping; between them Drained() turns true or the deadline passes.
  void BeginDrain();
  bool Drained() const;
  void Stop();

 private:
  // One event loop with all that lives on it.
  struct LoopParts {
    std::unique_ptr<loop::Loop> loop;
    std::unique_ptr<session::SessionHost> host;
    std::vector<std::unique_ptr<loop::Listener>> listeners;
    std::thread thread;
  };

  Server(config::Config config, const Flags& flags);
  base::Status OpenLog();
  base::Status LoadPrices();
  base::Status Listen();
  base::Status ListenOn(LoopParts& parts, const config::Config& config);
  base::Status ListenHttp(const config::Config& config);
  base::Result<loop::Listener*> AddListener(LoopParts& parts, loop::ListenOptions options);
  loop::ListenOptions SessionListener(LoopParts& parts);
  base::Status MakeLoops(std::int64_t count);
  void ApplyConfig();
  void TellOf(const control::Event& event);
  std::string MetricsPage();

  base::SystemClock clock_;
  config::ConfigHolder config_;
  std::string config_file_;
  std::unique_ptr<telemetry::Logger> log_;
  std::unique_ptr<loop::TlsContext> tls_;
  loop::ConnectionBudget budget_;
  loop::ConnectionBudget http_budget_;
  telemetry::SlowLog slow_log_;
  telemetry::EventHub events_;
  commands::ClientRegistry clients_;
  std::unique_ptr<telemetry::Telemetry> telemetry_;
  std::unique_ptr<commands::ServerState> state_;
  http::AdminOptions admin_;
  http::AdminRoom admin_room_;
  std::vector<LoopParts> loops_;
  // Declared behind the loops: its writer still posts replies to them while it closes.
  std::unique_ptr<instance::Instance> instance_;
  std::uint16_t tcp_port_ = 0;
  std::uint16_t tls_port_ = 0;
  std::uint16_t http_port_ = 0;
  std::atomic<bool> draining_{false};
};

}  // namespace reprise::app
