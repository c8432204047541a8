#include "server/app/server.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include "protocol/wire/message.h"
#include "protocol/wire/writer.h"
#include "server/app/exit_code.h"
#include "server/app/metrics.h"
#include "server/commands/all.h"
#include "server/commands/batch_common.h"
#include "server/commands/channels.h"
#include "server/commands/strategies.h"
#include "server/config/address.h"
#include "server/session/session.h"

namespace reprise::app {
namespace {

using base::Code;
using base::Error;

constexpr std::int64_t kLoopsMax = 8;

std::int64_t LoopCount(const config::NetworkOptions& options) {
  if (options.loops > 0) {
    return options.loops;
  }
  return std::clamp<std::int64_t>(std::thread::hardware_concurrency(), 1, kLoopsMax);
}

// Plain text never leaves the machine: with another bind address only TLS listens there.
std::string PlainHost(const config::NetworkOptions& options) {
  return config::IsLoopback(options.bind).value_or(false) ? options.bind : "127.0.0.1";
}

// Programs of a build tree stand in build/<preset>/bin, the file in conf. Empty: there is none.
std::string PricesFileOf(const config::SpendOptions& options) {
  if (!options.prices_file.empty()) {
    return options.prices_file == "none" ? "" : options.prices_file;
  }
  std::error_code failed;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto tree = program.parent_path().parent_path().parent_path().parent_path();
  for (const std::filesystem::path& path :
       {tree / "conf" / "prices.toml", std::filesystem::path("/usr/share/reprise/prices.toml")}) {
    if (std::filesystem::is_regular_file(path, failed)) {
      return path.string();
    }
  }
  return "";
}

std::string BusyReply() {
  base::Buffer reply;
  wire::AppendError(0,
                    {Code::kBusy,
                     "the server has as many connections as it may "
                     "(network.connections_max); retry with back-off"},
                    reply);
  return std::string(reply.view());
}

}  // namespace

Server::Server(config::Config config, const Flags& flags)
    : config_(std::move(config), flags.settings),
      config_file_(flags.config_file),
      budget_(config_.Get()->network.connections_max),
      http_budget_(base::limits::kHttpConnections.value),
      slow_log_(static_cast<std::size_t>(config_.Get()->log.slow_items)) {}

Server::~Server() = default;

base::Status Server::OpenLog() {
  const auto config = config_.Get();
  telemetry::LoggerOptions options;
  options.level = telemetry::LevelNamed(config->log.level).value_or(telemetry::Level::kInfo);
  options.json = config->log.format == "json";
  options.file = config->log.file;
  ASSIGN_OR_RETURN(log_, telemetry::Logger::Open(options, clock_));
  return base::Ok{};
}

std::unique_ptr<Server> Server::Start(config::Config config, const Flags& flags,
                                      StartFailure& failure) {
  std::unique_ptr<Server> server(new Server(std::move(config), flags));
  const auto in_force = server->config_.Get();
  const auto failed = [&failure](int exit_code, const Error& error) {
    failure = {exit_code, error.detail};
    return nullptr;
  };
  if (const base::Status opened = server->OpenLog(); !opened.ok()) {
    return failed(kBadConfiguration, opened.error());
  }
  config::Config with_log = *in_force;
  with_log.store.log = [log = server->log_.get()](storage::LogLevel level, std::string_view what) {
    log->Log(
        level == storage::LogLevel::kError ? telemetry::Level::kError : telemetry::Level::kWarn,
        "storage", {{"message", what}});
  };
  with_log.semantic.log = [log = server->log_.get()](std::string_view what) {
    log->Log(telemetry::Level::kInfo, "semantic", {{"message", what}});
  };
  auto instance = instance::Instance::Open(with_log, server->clock_);
  if (!instance.ok()) {
    return failed(kBadDirectory, instance.error());
  }
  server->instance_ = std::move(instance).value();
  server->instance_->control().Listen(
      [owner = server.get()](const control::Event& event) { owner->TellOf(event); });
  if (const std::string warning = server->instance_->semantic().Stats().warning; !warning.empty()) {
    server->log_->Log(telemetry::Level::kWarn, "embedder", {{"message", warning}});
  }
  if (const base::Status prices = server->LoadPrices(); !prices.ok()) {
    return failed(kBadConfiguration, prices.error());
  }
  const bool outside = !config::IsLoopback(in_force->network.bind).value_or(false);
  if (outside && !server->instance_->access().RequiresKey()) {
    return failed(kBadConfiguration,
                  {Code::kBadRequest,
                   "network.bind is not a loopback address, and there is no access key yet: start "
                   "on 127.0.0.1, run `reprise-cli KEY.CREATE default`, then bind outside"});
  }
  if (!in_force->network.tls_certificate.empty()) {
    auto tls = loop::TlsContext::Load(in_force->network.tls_certificate, in_force->network.tls_key);
    if (!tls.ok()) {
      return failed(kBadConfiguration, tls.error());
    }
    server->tls_ = std::move(tls).value();
  }
  if (const base::Status made = server->MakeLoops(LoopCount(in_force->network)); !made.ok()) {
    return failed(kStartFailed, made.error());
  }
  if (const base::Status listening = server->Listen(); !listening.ok()) {
    return failed(kBadAddress, listening.error());
  }
  for (LoopParts& parts : server->loops_) {
    parts.thread = std::thread([&parts] { parts.loop->Run(); });
  }
  return server;
}

base::Status Server::LoadPrices() {
  const std::string path = PricesFileOf(config_.Get()->spend);
  if (path.empty()) {
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(const std::size_t models, instance_->UsePriceFile(path));
  log_->Log(telemetry::Level::kInfo, "prices",
            {{"file", path}, {"models", std::to_string(models)}});
  return base::Ok{};
}

base::Status Server::MakeLoops(std::int64_t count) {
  telemetry_ = std::make_unique<telemetry::Telemetry>(static_cast<std::size_t>(count),
                                                      commands::AllCommands().size());
  state_ = std::make_unique<commands::ServerState>(
      commands::ServerState{config_, *telemetry_, slow_log_, events_, clients_, clock_.Now(),
                            [] { kill(getpid(), SIGTERM); }, [this] { ApplyConfig(); }});
  instance_->jobs().OnNotice(
      [this](const jobs::Notice& notice) { commands::PublishEnd(notice, events_); });
  loops_.resize(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    LoopParts& parts = loops_[i];
    ASSIGN_OR_RETURN(parts.loop, loop::Loop::Create(static_cast<int>(i), clock_));
    parts.host = std::make_unique<session::SessionHost>(
        session::SessionHost::Parts{*instance_, *state_, *parts.loop, telemetry_->shard(i), *log_});
    parts.loop->OnTurnEnd([host = parts.host.get()] {
      base::kLoop.AssertHeld();
      host->EndTurn();
    });
  }
  return base::Ok{};
}

base::Result<loop::Listener*> Server::AddListener(LoopParts& parts, loop::ListenOptions options) {
  options.log = [this](std::string_view what) {
    log_->Log(telemetry::Level::kError, "accept_failed", {{"reason", what}});
  };
  ASSIGN_OR_RETURN(auto listener, loop::Listener::Listen(*parts.loop, std::move(options)));
  parts.listeners.push_back(std::move(listener));
  return parts.listeners.back().get();
}

loop::ListenOptions Server::SessionListener(LoopParts& parts) {
  loop::ListenOptions options;
  options.budget = &budget_;
  options.busy_reply = BusyReply();
  options.handler = [host = parts.host.get()](base::Stream& stream) {
    base::kLoop.AssertHeld();
    return std::make_unique<session::Session>(stream, *host);
  };
  options.tls_handshake_ms = config_.Get()->network.tls_handshake_ms;
  return options;
}

base::Status Server::ListenOn(LoopParts& parts, const config::Config& config) {
  loop::ListenOptions plain = SessionListener(parts);
  plain.address.host = PlainHost(config.network);
  plain.address.port = tcp_port_ != 0 ? tcp_port_ : static_cast<std::uint16_t>(config.network.port);
  ASSIGN_OR_RETURN(const loop::Listener* tcp, AddListener(parts, std::move(plain)));
  tcp_port_ = tcp->BoundPort();
  if (config.network.tls_port >= 0 && tls_ != nullptr) {
    loop::ListenOptions secure = SessionListener(parts);
    secure.address.host = config.network.bind;
    secure.address.port =
        tls_port_ != 0 ? tls_port_ : static_cast<std::uint16_t>(config.network.tls_port);
    secure.tls = tls_.get();
    ASSIGN_OR_RETURN(const loop::Listener* tls, AddListener(parts, std::move(secure)));
    tls_port_ = tls->BoundPort();
  }
  return base::Ok{};
}

base::Status Server::ListenHttp(const config::Config& config) {
  admin_.health = [this] {
    const base::Status writable = instance_->store().Writable();
    return http::AdminAnswer{true,
                             writable.ok() ? "ok\n" : "ok, " + writable.error().detail + "\n"};
  };
  admin_.ready = [this] {
    if (draining_.load(std::memory_order_relaxed)) {
      return http::AdminAnswer{false, "stopping\n"};
    }
    const base::Status writable = instance_->store().Writable();
    return writable.ok() ? http::AdminAnswer{true, "ready\n"}
                         : http::AdminAnswer{false, writable.error().detail + "\n"};
  };
  admin_.metrics = [this] { return MetricsPage(); };
  admin_.allowed_hosts = config.http.allowed_hosts;
  admin_.clock = &clock_;
  if (config.http.port < 0) {
    return base::Ok{};
  }
  loop::ListenOptions options;
  options.address.host = config.http.bind;
  options.address.port = static_cast<std::uint16_t>(config.http.port);
  options.budget = &http_budget_;
  options.busy_reply = http::BusyReply();
  options.make_room = [this] {
    base::kLoop.AssertHeld();
    return admin_room_.Make();
  };
  options.handler = [this](base::Stream& stream) {
    base::kLoop.AssertHeld();
    return std::make_unique<http::AdminHandler>(stream, admin_, admin_room_);
  };
  ASSIGN_OR_RETURN(const loop::Listener* listener, AddListener(loops_.front(), std::move(options)));
  http_port_ = listener->BoundPort();
  return base::Ok{};
}

base::Status Server::Listen() {
  const auto config = config_.Get();
  for (LoopParts& parts : loops_) {
    RETURN_IF_ERROR(ListenOn(parts, *config));
  }
  if (!config->network.unix_socket.empty()) {
    loop::ListenOptions local = SessionListener(loops_.front());
    local.address.kind = loop::Address::Kind::kUnix;
    local.address.path = config->network.unix_socket;
    RETURN_IF_ERROR(AddListener(loops_.front(), std::move(local)));
  }
  return ListenHttp(*config);
}

std::string Server::Addresses() const {
  const auto config = config_.Get();
  const auto address = [](const std::string& host, std::uint16_t port) {
    const bool six = host.find(':') != std::string::npos;
    return (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
  };
  std::string text = "tcp=" + address(PlainHost(config->network), tcp_port_);
  if (!config->network.unix_socket.empty()) {
    text += " unix=" + config->network.unix_socket;
  }
  if (tls_port_ != 0) {
    text += " tls=" + address(config->network.bind, tls_port_);
  }
  if (http_port_ != 0) {
    text += " http=" + address(config->http.bind, http_port_);
  }
  return text;
}

std::string Server::MetricsPage() {
  MetricsSources sources{*instance_, *state_, budget_, {}, {}};
  for (LoopParts& parts : loops_) {
    sources.loops.push_back(parts.loop.get());
    for (auto& listener : parts.listeners) {
      sources.listeners.push_back(listener.get());
    }
  }
  return RenderMetrics(sources);
}

// A guardrail tripped, or its trip has ended. The writer thread.
void Server::TellOf(const control::Event& event) {
  const control::Trip& trip = event.trip;
  const std::string home = instance_->access().NameOf(event.namespace_id);
  const std::string turned_off = config::TextOf(trip.rule.strategies);
  const std::string rule = config::TextOf(trip.rule);
  log_->Log(telemetry::Level::kWarn, "guardrail",
            {{"what", control::NameOf(event.kind)},
             {"namespace", home},
             {"rule", rule},
             {"strategy", config::NameOf(trip.strategy)},
             {"strategies", turned_off},
             {"estimate", trip.finding.figure},
             {"samples", trip.finding.treated},
             {"slices", trip.finding.slices}});
  base::Buffer bytes;
  wire::Writer writer(bytes);
  commands::WriteEvent(event, writer);
  (void)events_
      .Publish(commands::HubChannel(commands::kGuardrailRow, event.namespace_id), bytes.view())
      .ok();
}

void Server::Tick() {
  instance_->Tick(*config_.Get());
}

// Hands the live settings to the parts that keep copies. Any thread.
void Server::ApplyConfig() {
  const auto config = config_.Get();
  instance_->store().SetDurability(config->store.durability, config->store.sync_interval_ms);
  instance_->store().SetHotTableBytes(config->store.hot_table_bytes);
  instance_->cache().SetLog(config->cache);
  instance_->control().Configure(config->control);
  instance_->ConfigureRate(config->rate);
  instance_->SetJobsOptions(config->jobs);
  slow_log_.SetCapacity(static_cast<std::size_t>(config->log.slow_items));
  budget_.SetLimit(config->network.connections_max);
  log_->SetLevel(telemetry::LevelNamed(config->log.level).value_or(telemetry::Level::kInfo));
  log_->SetJson(config->log.format == "json");
}

void Server::Reload() {
  if (!config_file_.empty()) {
    const auto reloaded = config_.Reload(config_file_);
    if (reloaded.ok()) {
      ApplyConfig();
      for (const std::string& note : reloaded.value()) {
        log_->Log(telemetry::Level::kInfo, "config_reloaded", {{"change", note}});
      }
    } else {
      log_->Log(telemetry::Level::kError, "config_not_reloaded",
                {{"reason", reloaded.error().detail}});
    }
  }
  if (const base::Status reopened = log_->Reopen(config_.Get()->log.file); !reopened.ok()) {
    log_->Log(telemetry::Level::kError, "log_not_reopened", {{"reason", reopened.error().detail}});
  }
  if (tls_ != nullptr) {
    const base::Status certificate = tls_->Reload();
    log_->Log(certificate.ok() ? telemetry::Level::kInfo : telemetry::Level::kError,
              "certificate_reload",
              {{"outcome", certificate.ok() ? "taken over" : certificate.error().detail}});
  }
}

void Server::CloseFlights() {
  draining_.store(true, std::memory_order_relaxed);  // Whoever asks /readyz sends nobody any more.
  instance_->cache().flights().Close();
}

bool Server::Landed() const {
  return instance_->cache().flights().Stats().flights == 0;
}

void Server::BeginDrain() {
  instance_->cache().flights().DropAll();  // Nobody waits for an answer that cannot come any more.
  instance_->jobs().StopAllWaiting();
  for (LoopParts& parts : loops_) {
    (void)parts.loop->Post(base::MakeTask([&parts] {
      base::kLoop.AssertHeld();
      for (auto& listener : parts.listeners) {
        listener->StopAccepting();
      }
      parts.host->Drain();
    }));
  }
}

bool Server::Drained() const {
  return clients_.size() == 0;
}

void Server::Stop() {
  for (LoopParts& parts : loops_) {
    parts.loop->Stop();
  }
  for (LoopParts& parts : loops_) {
    parts.thread.join();
  }
  instance_.reset();  // Syncs and closes the store.
}

}  // namespace reprise::app
