// reprise-jobs: the jobs of a server over the wire.
//
//   submit   so many connections hand in single tasks, 16 pipelined; beside it SET of the same
//            payload, for the share of plain writes
//   flow     submitters, workers that take and complete, until all tasks have ended
//   delayed  a million tasks that wait; ten thousand of another category fire over ten seconds, and
//            how late a waiting worker has them
//
// Prints lines of name=value; exit code 1 when a reply was wrong or a task was lost. A figure is a
// measurement, not a verdict. Start the server with the durability that is to be measured.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "client/cpp/client.h"
#include "client/cpp/jobs.h"

namespace reprise::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using base::Value;
using client::Client;

struct Settings {
  std::string address = "127.0.0.1:7377";
  std::string mode = "submit";
  int connections = 4;
  int workers = 8;
  int pipeline = 16;
  double seconds = 5;
  std::uint64_t tasks = 200'000;
  std::uint64_t call = 100;  // tasks in a call of flow and delayed
  std::size_t payload_bytes = 100;
};

std::unique_ptr<Client> Open(const Settings& settings) {
  auto made = Client::Create({.address = settings.address, .request_timeout_ms = 60'000});
  return made.ok() ? std::move(made).value() : nullptr;
}

double Since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

std::int64_t WallMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

double Percentile(std::vector<double>& values, double part) {
  if (values.empty()) {
    return 0;
  }
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

void InThreads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    threads.emplace_back(work, i);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

// One method again and again; `params_of` makes the params of a call.
bool Pipelined(const Settings& settings, const char* name, const char* method,
               const std::function<Value::Array(int, std::uint64_t)>& params_of) {
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> errors{0};
  const auto start = SteadyClock::now();
  InThreads(settings.connections, [&](int connection) {
    const auto rpc = Open(settings);
    std::uint64_t number = 0;
    while (Since(start) < settings.seconds) {
      client::Pipeline pipeline;
      for (int i = 0; i < settings.pipeline; ++i) {
        pipeline.Add(method, params_of(connection, number++));
      }
      const auto replies = rpc->RunRaw(pipeline);
      if (!replies.ok()) {
        ++errors;
        return;
      }
      for (const auto& reply : replies.value()) {
        ++(reply.ok() ? done : errors);
      }
    }
  });
  const double seconds = Since(start);
  std::printf("%s connections=%d pipeline=%d done=%llu per_second=%.0f errors=%llu\n", name,
              settings.connections, settings.pipeline, static_cast<unsigned long long>(done.load()),
              static_cast<double>(done.load()) / seconds,
              static_cast<unsigned long long>(errors.load()));
  std::fflush(stdout);
  return errors == 0;
}

bool Submit(const Settings& settings) {
  const std::string payload(settings.payload_bytes, 'p');
  const auto task_of = [&](int connection, std::uint64_t number) {
    return Value::Array{Value::Map{{"payload", payload},
                                   {"category", "c" + std::to_string(number % 20)},
                                   {"model", "m"},
                                   {"delay_ms", 3'600'000 + connection}}};
  };
  const auto set_of = [&](int connection, std::uint64_t number) {
    return Value::Array{std::to_string(connection) + ":" + std::to_string(number), payload};
  };
  bool is_right = true;
  for (int round = 0; round < 3; ++round) {  // Alternating: drift hits both.
    is_right &= Pipelined(settings, "set", "SET", set_of);
    is_right &= Pipelined(settings, "submit", "BATCH.SUBMIT", task_of);
  }
  return is_right;
}

bool HandIn(const Settings& settings, std::uint64_t first, std::uint64_t count,
            const std::function<Value(std::uint64_t)>& task_of) {
  const auto rpc = Open(settings);
  for (std::uint64_t number = first; number < first + count; number += settings.call) {
    Value::Array tasks;
    const std::uint64_t end = std::min(number + settings.call, first + count);
    for (std::uint64_t each = number; each < end; ++each) {
      tasks.push_back(task_of(each));
    }
    const auto made = rpc->Call("BATCH.SUBMIT", {Value(std::move(tasks))});
    if (!made.ok()) {
      std::fprintf(stderr, "BATCH.SUBMIT: %s\n", made.error().detail.c_str());
      return false;
    }
  }
  return true;
}

bool Flow(const Settings& settings) {
  const std::string payload(settings.payload_bytes, 'p');
  const std::uint64_t part = settings.tasks / static_cast<std::uint64_t>(settings.connections);
  const std::uint64_t all = part * static_cast<std::uint64_t>(settings.connections);
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> batches{0};
  std::atomic<bool> is_right{true};
  const auto start = SteadyClock::now();
  std::thread submitters([&] {
    InThreads(settings.connections, [&](int connection) {
      is_right = HandIn(settings, part * static_cast<std::uint64_t>(connection), part,
                        [&](std::uint64_t number) {
                          return Value::Map{{"payload", payload},
                                            {"category", "c" + std::to_string(number % 20)},
                                            {"model", "m"},
                                            {"max_wait_ms", 50}};
                        }) &&
                 is_right;
    });
  });
  InThreads(settings.workers, [&](int worker) {
    const auto rpc = Open(settings);
    client::JobCommands jobs = rpc->Jobs();
    while (done < all && is_right) {
      const auto batch = jobs.Take("w" + std::to_string(worker), {.wait_ms = 200});
      if (!batch.ok()) {
        is_right = false;
        return;
      }
      if (!batch.value().has_value()) {
        continue;
      }
      std::vector<client::JobDone> items;
      for (const client::BatchItem& item : batch.value()->items) {
        items.push_back({.ticket = item.ticket, .result = payload});
      }
      if (!jobs.Complete(batch.value()->lease, items).ok()) {
        is_right = false;
        return;
      }
      done += items.size();
      ++batches;
    }
  });
  const double seconds = Since(start);
  submitters.join();
  std::printf("flow submitters=%d workers=%d tasks=%llu per_second=%.0f batch=%.1f lost=%lld\n",
              settings.connections, settings.workers, static_cast<unsigned long long>(done.load()),
              static_cast<double>(done.load()) / seconds,
              static_cast<double>(done.load()) /
                  static_cast<double>(std::max<std::uint64_t>(batches.load(), 1)),
              static_cast<long long>(all) - static_cast<long long>(done.load()));
  return is_right && done == all;
}

bool Delayed(const Settings& settings) {
  constexpr std::uint64_t kFire = 10'000;
  constexpr std::int64_t kSpanMs = 10'000;
  constexpr std::int64_t kFarMs = 3'600'000;
  const std::string payload(settings.payload_bytes, 'p');
  const std::uint64_t part = settings.tasks / static_cast<std::uint64_t>(settings.connections);
  std::atomic<bool> is_right{true};
  const auto start = SteadyClock::now();
  InThreads(settings.connections, [&](int connection) {
    is_right = HandIn(settings, part * static_cast<std::uint64_t>(connection), part,
                      [&](std::uint64_t number) {
                        return Value::Map{
                            {"payload", payload},
                            {"category", "c" + std::to_string(number % 20)},
                            {"delay_ms", kFarMs + static_cast<std::int64_t>(number % kFarMs)}};
                      }) &&
               is_right;
  });
  std::printf("waiting tasks=%llu handed_in_s=%.1f\n",
              static_cast<unsigned long long>(settings.tasks), Since(start));
  std::fflush(stdout);
  const std::int64_t first_ms = WallMs() + 3'000;
  is_right =
      HandIn(
          settings, 0, kFire,
          [&](std::uint64_t number) {
            return Value::Map{
                {"payload", first_ms + static_cast<std::int64_t>(number * kSpanMs / kFire)},
                {"category", "fire"},
                {"max_wait_ms", 0},
                {"not_before_ms", first_ms + static_cast<std::int64_t>(number * kSpanMs / kFire)}};
          }) &&
      is_right;
  std::vector<std::vector<double>> late(static_cast<std::size_t>(settings.workers));
  std::atomic<std::uint64_t> fired{0};
  InThreads(settings.workers, [&](int worker) {
    const auto rpc = Open(settings);
    while (fired < kFire && WallMs() < first_ms + 3 * kSpanMs) {
      const auto batch =
          rpc->Jobs().Take("w", {.categories = {"fire"}, .max_items = 1, .wait_ms = 500});
      const std::int64_t now_ms = WallMs();
      if (!batch.ok() || !batch.value().has_value()) {
        continue;
      }
      for (const client::BatchItem& item : batch.value()->items) {
        late[static_cast<std::size_t>(worker)].push_back(
            static_cast<double>(now_ms - item.payload.AsInt().value_or(0)));
        ++fired;
      }
    }
  });
  std::vector<double> all;
  for (const auto& each : late) {
    all.insert(all.end(), each.begin(), each.end());
  }
  const double earliest = all.empty() ? 0 : *std::min_element(all.begin(), all.end());
  std::printf("fire tasks=%zu error_ms p50=%.0f p99=%.0f max=%.0f earliest=%.0f\n", all.size(),
              Percentile(all, 0.5), Percentile(all, 0.99), Percentile(all, 1.0), earliest);
  return is_right && all.size() == kFire;
}

int Main(const Settings& settings) {
  if (settings.mode == "submit") {
    return Submit(settings) ? 0 : 1;
  }
  if (settings.mode == "flow") {
    return Flow(settings) ? 0 : 1;
  }
  return Delayed(settings) ? 0 : 1;
}

}  // namespace
}  // namespace reprise::bench

int main(int argc, char** argv) {
  reprise::bench::Settings settings;
  CLI::App app("The jobs of a server over the wire");
  app.add_option("mode", settings.mode, "submit, flow or delayed")
      ->check(CLI::IsMember({"submit", "flow", "delayed"}));
  app.add_option("--address", settings.address, "Of the server")->capture_default_str();
  app.add_option("--connections", settings.connections, "That hand in")->capture_default_str();
  app.add_option("--workers", settings.workers, "That take")->capture_default_str();
  app.add_option("--pipeline", settings.pipeline, "Calls of submit in one go")
      ->capture_default_str();
  app.add_option("--seconds", settings.seconds, "Of each phase of submit")->capture_default_str();
  app.add_option("--tasks", settings.tasks, "Of flow and delayed")->capture_default_str();
  app.add_option("--call", settings.call, "Tasks in a call of flow and delayed")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--payload-bytes", settings.payload_bytes, "Of a task")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return reprise::bench::Main(settings);
}
