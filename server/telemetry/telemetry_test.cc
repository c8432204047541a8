#include "server/telemetry/telemetry.h"

#include <atomic>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "protocol/base/clock.h"
#include "server/telemetry/slow_log.h"

namespace reprise::telemetry {
namespace {

std::size_t CountOf(const std::string& page, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = page.find(part); at != std::string::npos; at = page.find(part, at + 1)) {
    ++count;
  }
  return count;
}

bool IsInItsBucket(std::uint64_t value) {
  const std::size_t bucket = LatencyHistogram::BucketOf(value);
  const bool is_last = bucket == LatencyHistogram::kBuckets - 1;
  const bool is_below = is_last || value < LatencyHistogram::UpperMicros(bucket);
  const bool is_above = bucket == 0 || value >= LatencyHistogram::UpperMicros(bucket - 1);
  return bucket < LatencyHistogram::kBuckets && is_below && is_above;
}

}  // namespace

TEST_CASE("every value lies below the bound of its bucket and not below the one before") {
  std::vector<std::uint64_t> values;
  for (std::uint64_t value = 0; value < 5'000; ++value) {
    values.push_back(value);
  }
  for (unsigned power = 12; power < 64; ++power) {
    const std::uint64_t edge = std::uint64_t{1} << power;
    values.insert(values.end(), {edge - 1, edge, edge + 1, edge + edge / 2 - 1, edge + edge / 2});
  }
  for (const std::uint64_t value : values) {
    CAPTURE(value);
    REQUIRE(IsInItsBucket(value));
  }
  CHECK(LatencyHistogram::BucketOf(std::numeric_limits<std::uint64_t>::max()) ==
        LatencyHistogram::kBuckets - 1);
  CHECK(LatencyHistogram::UpperMicros(51) == 67'108'864);
}

TEST_CASE("a quantile is the bound of the bucket where its share falls") {
  LatencyHistogram histogram;
  CHECK(histogram.Read().Quantile(0.5) == 0);
  for (int i = 0; i < 90; ++i) {
    histogram.Record(10);
  }
  for (int i = 0; i < 10; ++i) {
    histogram.Record(1'000);
  }
  const LatencyHistogram::Reading reading = histogram.Read();
  CHECK(reading.count == 100);
  CHECK(reading.sum_micros == 10'900);
  CHECK(reading.Quantile(0) == 12);
  CHECK(reading.Quantile(0.5) == 12);
  CHECK(reading.Quantile(0.9) == 12);
  CHECK(reading.Quantile(0.91) == 1'024);
  CHECK(reading.Quantile(1) == 1'024);
  histogram.Record(std::numeric_limits<std::uint64_t>::max() / 2);
  CHECK(histogram.Read().Quantile(1) == 100'663'296);
}

TEST_CASE("the shards of all threads add up while they are written") {
  constexpr std::size_t kShards = 3;
  constexpr std::uint64_t kCalls = 20'000;
  Telemetry telemetry(kShards, 2);
  std::vector<std::thread> writers;
  writers.reserve(4);
  for (std::size_t shard = 0; shard < kShards; ++shard) {
    writers.emplace_back([&telemetry, shard] {
      for (std::uint64_t i = 0; i < kCalls; ++i) {
        telemetry.shard(shard).Record(1, i % 100, i % 10 == 0);
      }
    });
  }
  std::uint64_t before = 0;
  bool grows = true;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t calls = telemetry.Collect(1).calls;
    grows = grows && calls >= before;
    before = calls;
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  CHECK(grows);
  CHECK(telemetry.Collect(0).calls == 0);
  const CommandReading reading = telemetry.Collect(1);
  CHECK(reading.calls == kShards * kCalls);
  CHECK(reading.errors == kShards * kCalls / 10);
  CHECK(reading.latency.count == kShards * kCalls);
  CHECK(reading.latency.sum_micros == kShards * (kCalls / 100) * (99 * 100 / 2));
}

TEST_CASE("samples of one name stand together under one head") {
  MetricsText metrics;
  metrics.Counter("reprise_calls_total", "Calls.", 1, {{"command", "GET"}});
  metrics.Gauge("reprise_connections", "Open connections.", 3);
  metrics.Counter("reprise_calls_total", "Calls.", 2.5, {{"command", "SET"}, {"loop", "1"}});
  CHECK(metrics.Take() ==
        "# HELP reprise_calls_total Calls.\n"
        "# TYPE reprise_calls_total counter\n"
        "reprise_calls_total{command=\"GET\"} 1\n"
        "reprise_calls_total{command=\"SET\",loop=\"1\"} 2.5\n"
        "# HELP reprise_connections Open connections.\n"
        "# TYPE reprise_connections gauge\n"
        "reprise_connections 3\n");
  CHECK(metrics.Take().empty());
}

TEST_CASE("help and label values are escaped, and what is not UTF-8 is replaced") {
  MetricsText metrics;
  metrics.Gauge("g", "one\\two\nthree \"four\"", 0, {{"name", "a\\b\n\"c\" \xC3\xA9 \xFF"}});
  CHECK(metrics.Take() ==
        "# HELP g one\\\\two\\nthree \"four\"\n"
        "# TYPE g gauge\n"
        "g{name=\"a\\\\b\\n\\\"c\\\" \xC3\xA9 \xEF\xBF\xBD\"} 0\n");
}

TEST_CASE("numbers keep their value, and those that are none have their names") {
  MetricsText metrics;
  metrics.Gauge("a", "h", 9'007'199'254'740'991.0);
  metrics.Gauge("b", "h", 0.1);
  metrics.Gauge("c", "h", std::numeric_limits<double>::infinity());
  metrics.Gauge("d", "h", -std::numeric_limits<double>::infinity());
  metrics.Gauge("e", "h", std::numeric_limits<double>::quiet_NaN());
  const std::string page = metrics.Take();
  CHECK(page.find("\na 9007199254740991\n") != std::string::npos);
  CHECK(page.find("\nb 0.1\n") != std::string::npos);
  CHECK(page.find("\nc +Inf\n") != std::string::npos);
  CHECK(page.find("\nd -Inf\n") != std::string::npos);
  CHECK(page.find("\ne NaN\n") != std::string::npos);
}

TEST_CASE("a histogram is cumulative, in seconds, and ends with +Inf, sum and count") {
  LatencyHistogram histogram;
  histogram.Record(0);
  histogram.Record(3);
  histogram.Record(5);
  histogram.Record(200'000'000);  // above the last bound
  MetricsText metrics;
  metrics.Histogram("t_seconds", "Time.", histogram.Read(), {{"command", "GET"}});
  metrics.Histogram("t_seconds", "Time.", histogram.Read(), {{"command", "SET"}});
  const std::string page = metrics.Take();
  CHECK(CountOf(page, "# TYPE t_seconds histogram\n") == 1);
  CHECK(page.find("t_seconds_bucket{command=\"GET\",le=\"2e-06\"} 1\n") != std::string::npos);
  CHECK(page.find("t_seconds_bucket{command=\"GET\",le=\"4e-06\"} 2\n") != std::string::npos);
  CHECK(page.find("t_seconds_bucket{command=\"GET\",le=\"8e-06\"} 3\n") != std::string::npos);
  CHECK(page.find("t_seconds_bucket{command=\"GET\",le=\"67.108864\"} 3\n") != std::string::npos);
  CHECK(page.find("t_seconds_bucket{command=\"GET\",le=\"+Inf\"} 4\n"
                  "t_seconds_sum{command=\"GET\"} 200.000008\n"
                  "t_seconds_count{command=\"GET\"} 4\n"
                  "t_seconds_bucket{command=\"SET\",le=\"2e-06\"} 1\n") != std::string::npos);
  CHECK(CountOf(page, "_bucket{command=\"GET\"") == 27);
}

TEST_CASE("the system says of this process what is true") {
  const ProcessReading before = ReadProcess();
  CHECK(before.resident_bytes > 1'000'000);
  CHECK(before.open_files >= 3);
  CHECK(before.open_files_max >= before.open_files);
  CHECK(before.threads >= 1);
  CHECK(before.cpu_user_seconds + before.cpu_system_seconds > 0);

  std::atomic<bool> is_done{false};
  std::thread other([&is_done] { is_done.wait(false); });
  std::FILE* file = std::fopen("/dev/null", "r");
  const ProcessReading during = ReadProcess();
  is_done = true;
  is_done.notify_all();
  other.join();
  REQUIRE(file != nullptr);
  CHECK(std::fclose(file) == 0);
  CHECK(during.open_files == before.open_files + 1);
  CHECK(during.threads == before.threads + 1);
}

TEST_CASE("the slow log keeps the newest and gives them first") {
  SlowLog log(3);
  for (int i = 1; i <= 5; ++i) {
    SlowCommand command;
    command.command = "C" + std::to_string(i);
    command.time = base::UnixMillis{i};
    log.Add(command);
  }
  const std::vector<SlowCommand> newest = log.Newest(10);
  REQUIRE(newest.size() == 3);
  CHECK(newest[0].command == "C5");
  CHECK(newest[0].id == 5);
  CHECK(newest[2].command == "C3");
  CHECK(log.Newest(1).size() == 1);
  CHECK(log.Newest(0).empty());
  CHECK(log.total() == 5);
}

TEST_CASE("the slow log forgets on Reset and shrinks with its capacity, but counts on") {
  SlowLog log(3);
  for (int i = 1; i <= 5; ++i) {
    SlowCommand command;
    command.command = "C" + std::to_string(i);
    log.Add(command);
  }
  log.SetCapacity(1);
  CHECK(log.size() == 1);
  CHECK(log.Newest(9)[0].command == "C5");
  log.Reset();
  CHECK(log.size() == 0);
  log.Add({});
  CHECK(log.Newest(1)[0].id == 6);
  log.SetCapacity(0);
  log.Add({});
  CHECK(log.size() == 0);
}

TEST_CASE("a slow command with an endless name takes bounded room") {
  SlowLog log(1);
  SlowCommand command;
  command.command.assign(10'000, 'x');
  command.name_space.assign(10'000, 'x');
  command.peer.assign(10'000, 'x');
  log.Add(std::move(command));
  const SlowCommand kept = log.Newest(1).at(0);
  CHECK(kept.command.size() == 128);
  CHECK(kept.name_space.size() == 128);
  CHECK(kept.peer.size() == 128);
}

TEST_CASE("the slow log takes commands from many threads") {
  SlowLog log(64);
  std::vector<std::thread> writers;
  writers.reserve(4);
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&log] {
      for (int i = 0; i < 1'000; ++i) {
        log.Add({});
        if (i % 100 == 0) {
          (void)log.Newest(8);
        }
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  CHECK(log.total() == 4'000);
  CHECK(log.size() == 64);
  CHECK(log.Newest(1)[0].id == 4'000);
}

// Hidden: run with the tag [bench].
TEST_CASE("time of one record", "[.][bench]") {
  Telemetry telemetry(1, 64);
  const base::SystemClock clock;
  constexpr std::int64_t kRounds = 20'000'000;
  const base::Nanos start = clock.Elapsed();
  for (std::int64_t i = 0; i < kRounds; ++i) {
    telemetry.shard(0).Record(static_cast<std::size_t>(i % 64), static_cast<std::uint64_t>(i % 999),
                              false);
  }
  const double nanos = static_cast<double>(clock.Elapsed() - start) / kRounds;
  WARN("nanos=" << nanos);
  CHECK(telemetry.Collect(0).calls > 0);
}

}  // namespace reprise::telemetry
