// reprise-semantic: what the semantic tier of a running server costs over the wire.
//
// `--mode questions`: stores questions in one partition, then times single CACHE.FETCH calls on one
// connection: hits in other words, and misses with nothing near, each for the first time and again.
// `--mode vectors`: stores vectors (semantic.embedder must be client), then asks for the nearest of
// vectors that nothing is near to, over the wire and, in turns, of an index in this process.
//
// Prints one line of name=value for each phase. A figure is a measurement, not a verdict.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bench/load/process.h"
#include "bench/semantic/peer.h"
#include "bench/semantic/questions.h"
#include "bench/vector/sentences.h"
#include "protocol/base/ensure.h"
#include "protocol/wire/writer.h"
#include "storage/vector/index.h"

namespace reprise::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Settings {
  std::string address = "127.0.0.1:7377";
  std::string mode = "questions";
  std::size_t entries = 100'000;
  std::size_t samples = 1'000;
  std::size_t hot = 50;
  std::size_t rounds = 5;
  std::size_t connections = 4;
  std::size_t threads = 2;  // of the search in process: as many as the server's storage threads
  std::size_t width = 512;
  std::uint64_t seed = 1;
  int pid = 0;
  bool filled = false;
};

double MicrosSince(SteadyClock::time_point start) {
  return std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count();
}

double PercentileOf(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  return values.empty() ? 0 : values[static_cast<std::size_t>(share * last)];
}

double CpuOf(int pid) {
  const auto use = pid > 0 ? ReadProcess(pid) : std::nullopt;
  return use.has_value() ? use->cpu_s * 1e6 : 0;
}

// Sends what `next` gives, so many at a time, until it has sent `count`.
template <typename Next>
void Pour(Peer& peer, std::size_t count, const Next& next) {
  constexpr std::size_t kAtOnce = 64;
  for (std::size_t i = 0; i < count; i += kAtOnce) {
    const std::size_t end = std::min(i + kAtOnce, count);
    std::string frames;
    for (std::size_t j = i; j < end; ++j) {
      frames += next(j);
    }
    peer.Send(frames);
    for (std::size_t j = i; j < end; ++j) {
      (void)peer.Receive();
    }
  }
}

// Ends the program when it comes no further: the server holds fewer entries.
void AwaitIndex(Peer& peer, std::size_t entries) {
  constexpr int kStill = 50;  // looks without progress, once nothing waits
  std::size_t most = 0;
  int still = 0;
  const std::string info = EncodeCall("INFO", [](wire::Writer& writer) {
    writer.Array(1);
    writer.Str("semantic");
  });
  for (;;) {
    const std::string_view told = peer.Call(info);
    const std::size_t vectors = ReadInner(told, "vectors");
    const bool waits = ReadInner(told, "queued") != 0;
    if (vectors >= entries && !waits) {
      return;
    }
    still = waits || vectors > most ? 0 : still + 1;
    most = std::max(most, vectors);
    if (still == kStill) {
      std::fprintf(stderr,
                   "reprise-semantic: the server keeps %zu of %zu entries; start it with "
                   "--set cache.entries_max=%zu\n",
                   vectors, entries, 2 * entries);
      std::exit(1);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

class Questions {
 public:
  Questions(const Settings& settings, const Address& address)
      : settings_(settings), peer_(address) {}

  void Run() {
    Fill();
    Teach();
    const auto stored = [](std::uint64_t number) { return StoredQuestion(number); };
    const auto rephrased = [](std::uint64_t number) { return Rephrased(number, 0); };
    const auto unrelated = [](std::uint64_t number) { return Unrelated(number); };
    Choose(settings_.samples);
    Measure("exact", stored);
    Measure("near_unknown", rephrased);
    Measure("near_known", rephrased);
    Measure("far_unknown", unrelated);
    Measure("far_known", unrelated);
    Choose(settings_.hot);  // Few enough that nothing of them is pushed out.
    Measure("near_hot_first", rephrased);
    for (std::size_t i = 0; i < settings_.rounds; ++i) {
      Measure("near_hot", rephrased);
    }
    // New wordings of questions whose words are known.
    Measure("near_hot_unknown", [](std::uint64_t number) { return Rephrased(number, 1); });
    Measure("near_hot_unknown", [](std::uint64_t number) { return Rephrased(number, 2); });
  }

 private:
  void Fill() {
    const auto start = SteadyClock::now();
    const std::size_t left = settings_.filled ? 0 : settings_.entries;
    Pour(peer_, left, [](std::size_t i) {
      return StoreCall(StoredQuestion(i), "Answer " + std::to_string(i) + std::string(500, '.'),
                       {});
    });
    const double stored = MicrosSince(start);
    AwaitIndex(peer_, settings_.entries);
    std::printf("fill entries=%zu store_s=%.1f index_s=%.1f\n", settings_.entries, stored / 1e6,
                MicrosSince(start) / 1e6);
  }

  // Evidence enough that what is likely enough is served.
  void Teach() {
    constexpr std::size_t kPairs = 1'500;
    (void)peer_.Call(EncodeCall("CACHE.CALIBRATE", [](wire::Writer& writer) {
      writer.Array(1);
      writer.Array(kPairs);
      for (std::size_t i = 0; i < kPairs; ++i) {
        writer.Array(3);
        writer.Str(StoredQuestion(i));
        writer.Str(Rephrased(i, 0));
        writer.Bool(true);
      }
    }));
  }

  void Choose(std::size_t count) {
    numbers_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      numbers_.push_back(random_() % settings_.entries);
    }
  }

  template <typename Ask>
  void Measure(const char* name, const Ask& ask) {
    std::vector<double> took;
    std::size_t hits = 0;
    const double cpu = CpuOf(settings_.pid);
    for (const std::uint64_t number : numbers_) {
      const std::string call = FetchCall(ask(number), {});
      const auto start = SteadyClock::now();
      const std::string_view result = peer_.Call(call);
      took.push_back(MicrosSince(start));
      hits += ReadCacheAnswer(result).status == "hit" ? 1 : 0;
    }
    const auto count = static_cast<double>(numbers_.size());
    std::printf(
        "%s calls=%zu hits=%zu p10_us=%.0f p50_us=%.0f p90_us=%.0f p99_us=%.0f "
        "server_cpu_us=%.0f\n",
        name, numbers_.size(), hits, PercentileOf(took, 0.1), PercentileOf(took, 0.5),
        PercentileOf(took, 0.9), PercentileOf(took, 0.99), (CpuOf(settings_.pid) - cpu) / count);
  }

  const Settings& settings_;
  Peer peer_;
  std::mt19937_64 random_{settings_.seed + 1};
  std::vector<std::uint64_t> numbers_;
};

class Vectors {
 public:
  Vectors(const Settings& settings, const Address& address)
      : settings_(settings), index_(IndexOptionsOf(settings)) {
    for (std::size_t i = 0; i < settings.connections; ++i) {
      peers_.emplace_back(address);
    }
  }

  void Run() {
    Fill();
    MakeQueries();
    std::vector<double> ratios;
    std::vector<double> cpu_ratios;
    for (std::size_t round = 0; round < settings_.rounds; ++round) {
      const bool wire_first = round % 2 == 0;
      const Rate first = wire_first ? OverTheWire() : InProcess();
      const Rate second = wire_first ? InProcess() : OverTheWire();
      const Rate& wire = wire_first ? first : second;
      const Rate& process = wire_first ? second : first;
      ratios.push_back(wire.per_second / process.per_second);
      cpu_ratios.push_back(process.cpu_us / wire.cpu_us);
      std::printf("round wire_per_s=%.0f process_per_s=%.0f wire_cpu_us=%.1f process_cpu_us=%.1f\n",
                  wire.per_second, process.per_second, wire.cpu_us, process.cpu_us);
    }
    std::printf(
        "nearest entries=%zu connections=%zu threads=%zu throughput_ratio=%.2f "
        "cpu_ratio=%.2f\n",
        settings_.entries, settings_.connections, settings_.threads, PercentileOf(ratios, 0.5),
        PercentileOf(cpu_ratios, 0.5));
  }

 private:
  struct Rate {
    double per_second = 0;
    double cpu_us = 0;
  };
  static constexpr vector::PartitionId kPartition{1, 2};
  static constexpr std::size_t kNearest = 8;  // as the server asks for

  static vector::IndexOptions IndexOptionsOf(const Settings& settings) {
    vector::IndexOptions options;
    options.width = static_cast<std::uint32_t>(settings.width);
    return options;
  }

  // The server's index and ours get the same vectors, at the same time.
  void Fill() {
    Sentences sentences({settings_.width, 64, settings_.entries / 1'000 + 10,
                         settings_.entries / 20 + 10, settings_.seed});
    const auto start = SteadyClock::now();
    const auto next = [&](std::size_t i) {
      std::vector<float> vector = sentences.VectorOf(sentences.Next());
      ENSURE(index_.Add(kPartition, i + 1, vector, i + 1).ok());
      return vector;
    };
    if (settings_.filled) {
      for (std::size_t i = 0; i < settings_.entries; ++i) {
        (void)next(i);
      }
    } else {
      Pour(peers_.front(), settings_.entries, [&](std::size_t i) {
        return StoreCall(StoredQuestion(i), "Answer " + std::to_string(i), next(i));
      });
    }
    while (index_.Maintain(1'000)) {
    }
    AwaitIndex(peers_.front(), settings_.entries);
    std::printf("fill entries=%zu index_s=%.1f\n", settings_.entries, MicrosSince(start) / 1e6);
  }

  // Directions of their own: what is nearest is too far to be looked at.
  void MakeQueries() {
    std::mt19937_64 random(settings_.seed + 2);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < settings_.samples; ++i) {
      std::vector<float> query(settings_.width);
      double square = 0;
      for (float& number : query) {
        number = normal(random);
        square += static_cast<double>(number) * static_cast<double>(number);
      }
      const auto length = static_cast<float>(std::sqrt(square));
      std::for_each(query.begin(), query.end(), [length](float& number) { number /= length; });
      calls_.push_back(FetchCall(Unrelated(i), query));
      queries_.push_back(std::move(query));
    }
  }

  // Each connection sends its share, a few at a time.
  Rate OverTheWire() {
    const double cpu = CpuOf(settings_.pid);
    const auto start = SteadyClock::now();
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < peers_.size(); ++t) {
      threads.emplace_back([this, t] {
        constexpr std::size_t kAhead = 8;
        std::size_t received = 0;
        std::size_t sent = 0;
        const std::size_t share = (calls_.size() - t + peers_.size() - 1) / peers_.size();
        while (received < share) {
          for (; sent < share && sent < received + kAhead; ++sent) {
            peers_[t].Send(calls_[t + sent * peers_.size()]);
          }
          (void)peers_[t].Receive();
          ++received;
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    return RateOf(MicrosSince(start), CpuOf(settings_.pid) - cpu);
  }

  Rate InProcess() {
    const double cpu = OwnCpuSeconds();
    const auto start = SteadyClock::now();
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < settings_.threads; ++t) {
      threads.emplace_back([this, t] {
        for (std::size_t i = t; i < queries_.size(); i += settings_.threads) {
          const auto found = index_.Search(kPartition, queries_[i], kNearest);
          ENSURE(found.ok() && found.value().size() == kNearest);
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    return RateOf(MicrosSince(start), (OwnCpuSeconds() - cpu) * 1e6);
  }

  Rate RateOf(double micros, double cpu_micros) const {
    const auto count = static_cast<double>(queries_.size());
    return {count / micros * 1e6, cpu_micros / count};
  }

  const Settings& settings_;
  vector::VectorIndex index_;
  std::vector<Peer> peers_;
  std::vector<std::vector<float>> queries_;
  std::vector<std::string> calls_;
};

int Main(const Settings& settings) {
  const auto address = ParseAddress(settings.address);
  if (!address.ok()) {
    std::fprintf(stderr, "reprise-semantic: %s\n", address.error().detail.c_str());
    return 2;
  }
  if (settings.mode == "vectors") {
    Vectors(settings, address.value()).Run();
  } else {
    Questions(settings, address.value()).Run();
  }
  return 0;
}

}  // namespace
}  // namespace reprise::bench

int main(int argc, char** argv) {
  CLI::App app("What the semantic tier of a running server costs over the wire");
  reprise::bench::Settings settings;
  app.add_option("--address", settings.address, "host:port, or the path of a Unix socket")
      ->capture_default_str();
  app.add_option("--mode", settings.mode)
      ->check(CLI::IsMember({"questions", "vectors"}))
      ->capture_default_str();
  app.add_option("--entries", settings.entries)
      ->check(CLI::Range(1'600, 300'000))
      ->capture_default_str();
  app.add_option("--samples", settings.samples, "Calls of each kind")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--hot", settings.hot, "Questions that come again and again")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--rounds", settings.rounds)->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--connections", settings.connections)
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--threads", settings.threads, "Of the search in process")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--width", settings.width, "As semantic.client_width")
      ->check(CLI::Range(2, 4'096))
      ->capture_default_str();
  app.add_option("--seed", settings.seed)->capture_default_str();
  app.add_flag("--filled", settings.filled, "The questions are stored already, by an earlier run");
  app.add_option("--pid", settings.pid, "The server's, for its CPU time");
  CLI11_PARSE(app, argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return reprise::bench::Main(settings);
}
