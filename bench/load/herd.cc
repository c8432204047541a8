// reprise-herd: how soon all who wait for one answer have it.
//
// Many equal CACHE.FETCH over many connections; the first gets the lease, computes for a while (it
// sleeps) and fills. Measured is the time from the fill's send to the arrival of each other answer.
// One thread reads all connections, so that little of what is measured is the reader's own.
//
// It prints one line of figures and ends with 0 when exactly one computed and all were answered.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <vector>

#include "bench/load/address.h"
#include "protocol/base/ensure.h"
#include "protocol/base/limits.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/message.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct HerdSettings {
  std::string address = "127.0.0.1:7377";
  int connections = 100;
  int requests = 1'000;
  int upstream_ms = 2'000;
  int rounds = 5;
};

struct Peer {
  Descriptor socket;
  std::string read;
};

void SendAll(const Descriptor& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    pollfd wait{socket.number(), POLLOUT, 0};
    ENSURE(::poll(&wait, 1, 5'000) == 1);
  }
}

std::string Fetch(std::uint32_t msgid, std::string_view prompt) {
  base::Buffer out;
  wire::BeginRequest(msgid, "CACHE.FETCH", out);
  wire::Writer writer(out);
  writer.Array(1);
  writer.Str(prompt);
  return std::string(out.view());
}

std::string Fill(std::uint32_t msgid, std::string_view lease) {
  base::Buffer out;
  wire::BeginRequest(msgid, "CACHE.FILL", out);
  wire::Writer writer(out);
  writer.Array(2);
  writer.Str(lease);
  writer.Str("The answer that everybody waited for, as long as answers are: " +
             std::string(1'000, 'x'));
  return std::string(out.view());
}

// What one CACHE.FETCH was answered.
struct Answer {
  std::string status;
  std::string lease;
};

Answer Read(std::string_view result) {
  wire::Reader reader(result);
  const auto pairs = reader.Map();
  Answer answer;
  for (std::uint32_t i = 0; pairs.ok() && i < pairs.value(); ++i) {
    const auto name = reader.Str();
    if (name.ok() && (name.value() == "status" || name.value() == "lease")) {
      const auto text = reader.Str();
      ENSURE(text.ok());
      (name.value() == "status" ? answer.status : answer.lease) = text.value();
    } else {
      ENSURE(name.ok() && reader.Raw().ok());
    }
  }
  return answer;
}

class Herd {
 public:
  Herd(const HerdSettings& settings, const Address& address) : settings_(settings) {
    for (int i = 0; i < settings.connections; ++i) {
      auto socket = Connect(address);
      if (!socket.ok()) {
        std::fprintf(stderr, "reprise-herd: %s\n", socket.error().detail.c_str());
        std::exit(1);  // NOLINT(concurrency-mt-unsafe): one thread
      }
      peers_.push_back({std::move(socket).value(), {}});
    }
  }

  // True when exactly one computed and every other was answered with a hit.
  bool Round(int number) {
    const std::string prompt = "What is the question of the hour, round " + std::to_string(number) +
                               " of " +
                               std::to_string(SteadyClock::now().time_since_epoch().count()) + "?";
    const int each = settings_.requests / settings_.connections;
    for (const Peer& peer : peers_) {
      std::string requests;
      for (int i = 0; i < each; ++i) {
        requests += Fetch(static_cast<std::uint32_t>(i + 1), prompt);
      }
      SendAll(peer.socket, requests);
    }
    leases_ = 0;
    late_ms_.clear();
    std::string lease;
    while (lease.empty()) {
      Poll([&](const Answer& answer) { lease = answer.lease; });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(settings_.upstream_ms));
    const auto filled = SteadyClock::now();
    SendAll(peers_.front().socket, Fill(kFillId, lease));
    const int others = each * settings_.connections - 1;
    while (hits_ < others && SteadyClock::now() - filled < std::chrono::seconds(10)) {
      Poll([&](const Answer& answer) {
        if (answer.status == "hit") {
          const std::chrono::duration<double, std::milli> late = SteadyClock::now() - filled;
          late_ms_.push_back(late.count());
        }
      });
    }
    const bool good = leases_ == 1 && hits_ == others;
    hits_ = 0;
    return good;
  }

  double Median() {
    std::sort(late_ms_.begin(), late_ms_.end());
    return late_ms_.empty() ? 0 : late_ms_[late_ms_.size() / 2];
  }
  double Worst() const { return late_ms_.empty() ? 0 : late_ms_.back(); }

 private:
  static constexpr std::uint32_t kFillId = 1'000'000;

  template <typename Taker>
  void Poll(const Taker& take) {
    std::vector<pollfd> waits;
    for (const Peer& peer : peers_) {
      waits.push_back({peer.socket.number(), POLLIN, 0});
    }
    ENSURE(::poll(waits.data(), waits.size(), 1'000) >= 0);
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      if ((waits[i].revents & POLLIN) != 0) {
        Drain(peers_[i], take);
      }
    }
  }

  template <typename Taker>
  void Drain(Peer& peer, const Taker& take) {
    char bytes[64 * 1024];
    const ssize_t got = ::recv(peer.socket.number(), bytes, sizeof(bytes), 0);
    ENSURE(got > 0);
    peer.read.append(bytes, static_cast<std::size_t>(got));
    std::string_view rest = peer.read;
    for (;;) {
      wire::FrameScanner scanner;
      const auto size = scanner.Scan(rest, base::limits::kFrameBytes.value);
      ENSURE(size.ok());
      if (!size.value().has_value()) {
        break;
      }
      const auto response = wire::ParseResponse(rest.substr(0, *size.value()));
      ENSURE(response.ok());
      if (response.value().msgid != kFillId) {
        const Answer answer = Read(response.value().result);
        leases_ += answer.status == "lease" ? 1 : 0;
        hits_ += answer.status == "hit" ? 1 : 0;
        take(answer);
      }
      rest.remove_prefix(*size.value());
    }
    peer.read.erase(0, peer.read.size() - rest.size());
  }

  const HerdSettings& settings_;
  std::vector<Peer> peers_;
  std::vector<double> late_ms_;
  int leases_ = 0;
  int hits_ = 0;
};

int Main(const HerdSettings& settings) {
  const auto address = ParseAddress(settings.address);
  if (!address.ok()) {
    std::fprintf(stderr, "reprise-herd: %s\n", address.error().detail.c_str());
    return 2;
  }
  Herd herd(settings, address.value());
  bool good = true;
  std::vector<double> medians;
  std::vector<double> worst;
  for (int round = 0; round < settings.rounds; ++round) {
    good = herd.Round(round) && good;
    medians.push_back(herd.Median());
    worst.push_back(herd.Worst());
  }
  std::sort(medians.begin(), medians.end());
  std::sort(worst.begin(), worst.end());
  std::printf(
      "herd: requests=%d connections=%d rounds=%d one_computed=%s after_fill_ms_p50=%.2f "
      "after_fill_ms_max=%.2f worst_round=%.2f\n",
      settings.requests, settings.connections, settings.rounds, good ? "yes" : "no",
      medians[medians.size() / 2], worst[worst.size() / 2], worst.back());
  return good ? 0 : 1;
}

}  // namespace
}  // namespace reprise::bench

int main(int argc, char** argv) {
  CLI::App app("How soon all who wait for one answer have it");
  reprise::bench::HerdSettings settings;
  app.add_option("--address", settings.address, "host:port, or the path of a Unix socket")
      ->capture_default_str();
  app.add_option("--connections", settings.connections)
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--requests", settings.requests, "All connections together")
      ->check(CLI::Range(2, 100'000))
      ->capture_default_str();
  app.add_option("--upstream-ms", settings.upstream_ms, "How long the answer takes to compute")
      ->check(CLI::Range(0, 60'000))
      ->capture_default_str();
  app.add_option("--rounds", settings.rounds)->check(CLI::Range(1, 1'000))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return reprise::bench::Main(settings);
}
