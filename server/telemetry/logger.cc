// Owns the log's line format and its file. The only home of spdlog.
#include "server/telemetry/logger.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <utility>

#include "protocol/base/ensure.h"
#include "protocol/base/mutex.h"
#include "server/telemetry/escape.h"

namespace reprise::telemetry {
namespace {

constexpr std::array<std::string_view, 5> kLevelNames{"trace", "debug", "info", "warn", "error"};

std::string Timestamp(base::UnixMillis time) {
  const std::int64_t ms = base::ToInt(time);
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> date{};
  const std::size_t size = std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string text(date.data(), size);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(ms % 1000));
  return text + fraction.data();
}

// The longest text that is kept, and a sign that there was more.
std::string Bounded(std::string_view value) {
  std::string bounded(CutAt(value, Logger::kValueBytesMax));
  if (bounded.size() < value.size()) {
    bounded += "...";
  }
  return bounded;
}

template <typename Number>
void AppendNumber(Number number, std::string& out) {
  std::array<char, 32> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), result.ptr);
}

void AppendValue(const Field::Value& value, bool json, std::string& out) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    json ? AppendJsonString(Bounded(*text), out) : AppendTextValue(Bounded(*text), out);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (std::isfinite(*real)) {
      AppendNumber(*real, out);
    } else {
      out += json ? "null" : "nan";
    }
  } else if (const auto* signed_number = std::get_if<std::int64_t>(&value)) {
    AppendNumber(*signed_number, out);
  } else if (const auto* number = std::get_if<std::uint64_t>(&value)) {
    AppendNumber(*number, out);
  }
}

std::string TextLine(std::string_view time, Level level, std::string_view event,
                     std::initializer_list<Field> fields) {
  std::string line(time);
  line.append(" ").append(NameOf(level)).append(" ");
  AppendTextValue(Bounded(event), line);
  for (const Field& field : fields) {
    line += ' ';
    AppendTextValue(Bounded(field.key()), line);
    line += '=';
    AppendValue(field.value(), false, line);
  }
  return line;
}

std::string JsonLine(std::string_view time, Level level, std::string_view event,
                     std::initializer_list<Field> fields) {
  std::string line = "{\"time\":\"";
  line.append(time).append("\",\"level\":\"").append(NameOf(level)).append("\",\"event\":");
  AppendJsonString(Bounded(event), line);
  for (const Field& field : fields) {
    line += ',';
    AppendJsonString(Bounded(field.key()), line);
    line += ':';
    AppendValue(field.value(), true, line);
  }
  line += '}';
  return line;
}

}  // namespace

std::string_view NameOf(Level level) {
  return kLevelNames.at(static_cast<std::size_t>(level));
}

std::optional<Level> LevelNamed(std::string_view name) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames.at(i) == name) {
      return static_cast<Level>(i);
    }
  }
  return std::nullopt;
}

// spdlog 1.10 cannot reopen a file, so Reopen swaps the whole spdlog::logger; a line that is being
// written keeps the old one alive.
struct Logger::Output {
  base::Mutex mutex;
  std::shared_ptr<spdlog::logger> logger GUARDED_BY(mutex);
  std::atomic<std::uint64_t> failed{0};

  base::Result<std::shared_ptr<spdlog::logger>> Make(const std::string& file) {
    try {
      std::shared_ptr<spdlog::sinks::sink> sink;
      if (file.empty()) {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
      } else {
        sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
      }
      auto made = std::make_shared<spdlog::logger>("reprise", std::move(sink));
      made->set_pattern("%v");
      made->set_level(spdlog::level::trace);  // Logger::Log has decided already.
      made->flush_on(spdlog::level::trace);
      made->set_error_handler(
          [this](const std::string& /*why*/) { failed.fetch_add(1, std::memory_order_relaxed); });
      return made;
    } catch (const std::exception& problem) {
      return base::Error{base::Code::kIo,
                         "the log file " + file + " cannot be opened: " + problem.what()};
    }
  }

  std::shared_ptr<spdlog::logger> Current() {
    const base::MutexLock lock(mutex);
    return logger;
  }
};

Logger::Logger(const LoggerOptions& options, const base::Clock& clock)
    : clock_(clock),
      level_(options.level),
      json_(options.json),
      output_(std::make_unique<Output>()) {}

Logger::~Logger() = default;

base::Result<std::unique_ptr<Logger>> Logger::Open(const LoggerOptions& options,
                                                   const base::Clock& clock) {
  std::unique_ptr<Logger> logger(new Logger(options, clock));
  RETURN_IF_ERROR(logger->Reopen(options.file));
  return logger;
}

base::Status Logger::Reopen(const std::string& file) {
  ASSIGN_OR_RETURN(std::shared_ptr<spdlog::logger> made, output_->Make(file));
  const base::MutexLock lock(output_->mutex);
  std::swap(output_->logger, made);
  return base::Ok{};
}

void Logger::Log(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!IsOn(level)) {
    return;
  }
  const std::string time = Timestamp(clock_.Wall());
  const std::string line = json_.load(std::memory_order_relaxed)
                               ? JsonLine(time, level, event, fields)
                               : TextLine(time, level, event, fields);
  output_->Current()->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

std::uint64_t Logger::failed() const {
  return output_->failed.load(std::memory_order_relaxed);
}

std::optional<std::uint64_t> Every::Pass(base::Nanos now) {
  std::int64_t last = last_.load(std::memory_order_relaxed);
  const bool is_due = last == kNotYet || base::ToInt(now) - last >= nanos_;
  if (is_due && last_.compare_exchange_strong(last, base::ToInt(now), std::memory_order_relaxed)) {
    return held_back_.exchange(0, std::memory_order_relaxed);
  }
  held_back_.fetch_add(1, std::memory_order_relaxed);
  return std::nullopt;
}

}  // namespace reprise::telemetry
