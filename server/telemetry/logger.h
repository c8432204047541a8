// Logger: structured log lines, one event a line, as text or JSON.
//
//   logger.Log(Level::kWarn, "accept_failed", {{"error", "EMFILE"}, {"pause_ms", 100}});
//   2026-11-20T16:06:44.123Z warn accept_failed error=EMFILE pause_ms=100
//   {"time":"2026-11-20T16:06:44.123Z","level":"warn","event":"accept_failed","error":"EMFILE",...}
//
// Prompts, values and access keys are never logged; that is the caller's to see to. Units: time in
// UTC, wall clock. Limits: a text value is cut at 256 bytes ("..." follows), control bytes and what
// is not UTF-8 are escaped. Errors: Open and Reopen give kIo; a line that cannot be written is
// counted in failed(). Threads: any; a line is written and flushed before Log returns. Lifetime:
// arguments are used during the call only; the clock outlives the logger.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"

namespace reprise::telemetry {

enum class Level : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError };

std::string_view NameOf(Level level);
// "trace", "debug", "info", "warn", "error"; absent for anything else.
std::optional<Level> LevelNamed(std::string_view name);

// One key and its value. Integers, bool, double and text convert by themselves.
class Field {
 public:
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  Field(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  Field(std::string_view key, const char* value) : key_(key), value_(std::string_view(value)) {}
  Field(std::string_view key, const std::string& value)
      : key_(key), value_(std::string_view(value)) {}
  Field(std::string_view key, bool value) : key_(key), value_(value) {}
  Field(std::string_view key, double value) : key_(key), value_(value) {}
  template <typename Integer>
  requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>)
      Field(std::string_view key, Integer value)
      : key_(key) {
    if constexpr (std::is_signed_v<Integer>) {
      value_ = static_cast<std::int64_t>(value);
    } else {
      value_ = static_cast<std::uint64_t>(value);
    }
  }

  std::string_view key() const { return key_; }
  const Value& value() const { return value_; }

 private:
  std::string_view key_;
  Value value_;
};

struct LoggerOptions {
  Level level = Level::kInfo;
  bool json = false;
  std::string file;  // empty: standard error
};

class Logger {
 public:
  static constexpr std::size_t kValueBytesMax = 256;

  static base::Result<std::unique_ptr<Logger>> Open(const LoggerOptions& options,
                                                    const base::Clock& clock);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;
  Logger(Logger&&) = delete;
  Logger& operator=(Logger&&) = delete;

  // `event` and keys are words of [a-z0-9_]; others are escaped like values.
  void Log(Level level, std::string_view event, std::initializer_list<Field> fields = {});

  bool IsOn(Level level) const { return level >= level_.load(std::memory_order_relaxed); }
  void SetLevel(Level level) { level_.store(level, std::memory_order_relaxed); }
  void SetJson(bool json) { json_.store(json, std::memory_order_relaxed); }
  // SIGHUP after the file was moved away, or a new `log.file`: later lines go to the file that now
  // has this name. On error the old one stays in use.
  base::Status Reopen(const std::string& file);

  // Lines since the start that could not be written.
  std::uint64_t failed() const;

 private:
  struct Output;

  Logger(const LoggerOptions& options, const base::Clock& clock);

  const base::Clock& clock_;
  std::atomic<Level> level_;
  std::atomic<bool> json_;
  std::unique_ptr<Output> output_;
};

// Lets an event that repeats through once in `ms`: `if (const auto skipped = every.Pass(now))
// Log(…,
// {{"skipped", *skipped}})`. Threads: any.
class Every {
 public:
  explicit Every(std::int64_t ms) : nanos_(ms * base::kNanosPerMilli) {}

  // How many were held back since the last that passed; absent when this one is held back.
  std::optional<std::uint64_t> Pass(base::Nanos now);

 private:
  static constexpr std::int64_t kNotYet = INT64_MIN;

  std::int64_t nanos_;
  std::atomic<std::int64_t> last_{kNotYet};
  std::atomic<std::uint64_t> held_back_{0};
};

}  // namespace reprise::telemetry
