#include "server/telemetry/logger.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdlib.h>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <catch2/catch.hpp>

#include "server/telemetry/escape.h"

namespace reprise::telemetry {
namespace {

using namespace std::string_literals;

class TempDir {
 public:
  TempDir() {
    const char* root = getenv("TMPDIR");
    path_ = std::string(root == nullptr ? "/tmp" : root) + "/reprise_log_XXXXXX";
    REQUIRE(mkdtemp(path_.data()) != nullptr);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  TempDir(TempDir&&) = delete;
  TempDir& operator=(TempDir&&) = delete;

  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string Content(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  return bytes.str();
}

std::unique_ptr<Logger> OpenLogger(const LoggerOptions& options, const base::Clock& clock) {
  base::Result<std::unique_ptr<Logger>> logger = Logger::Open(options, clock);
  REQUIRE(logger.ok());
  return std::move(logger).value();
}

std::string Escaped(std::string_view value) {
  std::string out;
  AppendTextValue(value, out);
  return out;
}

std::string Json(std::string_view value) {
  std::string out;
  AppendJsonString(value, out);
  return out;
}

}  // namespace

TEST_CASE("readable is what no terminal acts on") {
  CHECK(IsReadable(""));
  CHECK(IsReadable("Grüße an 漢字 \"1.0\""));
  for (const std::string_view bad :
       {"a\nb", "\x1b[31m", "\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xff"}) {
    CHECK_FALSE(IsReadable(bad));
  }
}

TEST_CASE("a text line has time, level, event and the fields in order") {
  const TempDir dir;
  const base::FakeClock clock(base::UnixMillis{1'700'000'000'007});
  const auto logger = OpenLogger({Level::kInfo, false, dir.File("log")}, clock);
  logger->Log(Level::kWarn, "accept_failed",
              {{"error", "too many files"},
               {"peer", "127.0.0.1:80"s},
               {"pause_ms", 100},
               {"depth", std::int64_t{-5}},
               {"most", UINT64_MAX},
               {"share", 0.25},
               {"is_open", true},
               {"empty", ""}});
  CHECK(Content(dir.File("log")) ==
        "2023-11-14T22:13:20.007Z warn accept_failed error=\"too many files\" peer=127.0.0.1:80 "
        "pause_ms=100 depth=-5 most=18446744073709551615 share=0.25 is_open=true empty=\"\"\n");
}

TEST_CASE("a JSON line is one object with the same fields") {
  const TempDir dir;
  const base::FakeClock clock;
  const auto logger = OpenLogger({Level::kTrace, true, dir.File("log")}, clock);
  logger->Log(Level::kTrace, "start", {{"a", "x\"y"}, {"n", 1}, {"d", 1.0 / 0.0}, {"b", false}});
  CHECK(Content(dir.File("log")) ==
        "{\"time\":\"2023-11-14T22:13:20.000Z\",\"level\":\"trace\",\"event\":\"start\","
        "\"a\":\"x\\\"y\",\"n\":1,\"d\":null,\"b\":false}\n");
}

TEST_CASE("lines below the level are not written, and the level can change") {
  const TempDir dir;
  const base::FakeClock clock;
  const auto logger = OpenLogger({Level::kWarn, false, dir.File("log")}, clock);
  logger->Log(Level::kInfo, "quiet");
  CHECK(Content(dir.File("log")).empty());
  CHECK_FALSE(logger->IsOn(Level::kInfo));
  logger->SetLevel(Level::kDebug);
  logger->Log(Level::kDebug, "loud");
  logger->SetJson(true);
  logger->Log(Level::kError, "louder");
  CHECK(Content(dir.File("log")) ==
        "2023-11-14T22:13:20.000Z debug loud\n"
        "{\"time\":\"2023-11-14T22:13:20.000Z\",\"level\":\"error\",\"event\":\"louder\"}\n");
}

TEST_CASE("no value can begin a line or drive a terminal") {
  CHECK(Escaped("plain-word_1.2:/x") == "plain-word_1.2:/x");
  CHECK(Escaped("a b") == "\"a b\"");
  CHECK(Escaped("k=v") == "\"k=v\"");
  CHECK(Escaped("a\nb\r\t\"\\") == "\"a\\nb\\r\\t\\\"\\\\\"");
  CHECK(Escaped("\x1B[2J\0\x7F"s) == "\"\\x1b[2J\\x00\\x7f\"");
  CHECK(Escaped("\u0085\u009B31m") == "\"\\u{85}\\u{9b}31m\"");
  CHECK(Escaped("\u202Eevil\u2028\u200B\uFEFF") == "\"\\u{202e}evil\\u{2028}\\u{200b}\\u{feff}\"");
  CHECK(Escaped("\xFF\xC3\x28") == "\"\\xff\\xc3(\"");
  CHECK(Escaped("\u00E9\U0001F600") == "\"\u00E9\U0001F600\"");

  CHECK(Json("a\n\"\\\x01\x7F") == "\"a\\n\\\"\\\\\\u0001\\u007f\"");
  CHECK(Json("\u202E\xFF\u00E9") == "\"\\u202e\\ufffd\u00E9\"");

  const TempDir dir;
  const base::FakeClock clock;
  const auto logger = OpenLogger({Level::kInfo, false, dir.File("log")}, clock);
  logger->Log(Level::kInfo, "event\nforged", {{"key\nforged", "value\nforged"}});
  CHECK(Content(dir.File("log")) ==
        "2023-11-14T22:13:20.000Z info \"event\\nforged\" \"key\\nforged\"=\"value\\nforged\"\n");
}

TEST_CASE("a long value is cut between two code points") {
  CHECK(CutAt("abc", 3) == "abc");
  CHECK(CutAt("abcd", 3) == "abc");
  CHECK(CutAt("ab\u00E9", 3) == "ab");
  CHECK(CutAt("\U0001F600\U0001F600", 7) == "\U0001F600");
  CHECK(CutAt("\x80\x80\x80\x80\x80\x80", 5).size() == 5);

  const TempDir dir;
  const base::FakeClock clock;
  const auto logger = OpenLogger({Level::kInfo, false, dir.File("log")}, clock);
  logger->Log(Level::kInfo, "e",
              {{"exact", std::string(256, 'x')}, {"over", std::string(257, 'y')}});
  CHECK(Content(dir.File("log")) ==
        "2023-11-14T22:13:20.000Z info e exact=" + std::string(256, 'x') +
            " over=" + std::string(256, 'y') + "...\n");
}

TEST_CASE("after the file was moved away, Reopen begins a new one") {
  const TempDir dir;
  const base::FakeClock clock;
  const auto logger = OpenLogger({Level::kInfo, false, dir.File("log")}, clock);
  logger->Log(Level::kInfo, "one");
  std::filesystem::rename(dir.File("log"), dir.File("log.1"));
  logger->Log(Level::kInfo, "two");
  REQUIRE(logger->Reopen(dir.File("log")).ok());
  logger->Log(Level::kInfo, "three");
  CHECK(Content(dir.File("log.1")).find("two\n") != std::string::npos);
  CHECK(Content(dir.File("log")) == "2023-11-14T22:13:20.000Z info three\n");
}

TEST_CASE("a file is appended to, and one that cannot be opened is an error") {
  const TempDir dir;
  const base::FakeClock clock;
  OpenLogger({Level::kInfo, false, dir.File("log")}, clock)->Log(Level::kInfo, "one");
  const auto logger = OpenLogger({Level::kInfo, false, dir.File("log")}, clock);
  CHECK(Content(dir.File("log")).find("one\n") != std::string::npos);

  std::filesystem::create_directory(dir.File("folder"));
  const base::Status failed = logger->Reopen(dir.File("folder"));
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().code == base::Code::kIo);
  CHECK(failed.error().detail.find(dir.File("folder")) != std::string::npos);
  logger->Log(Level::kInfo, "two");  // still goes to the old file
  CHECK(Content(dir.File("log")).find("two\n") != std::string::npos);

  const auto opened = Logger::Open({Level::kInfo, false, dir.File("folder")}, clock);
  CHECK_FALSE(opened.ok());
}

TEST_CASE("a line that cannot be written is counted and hurts nobody") {
  const base::FakeClock clock;
  const auto logger = OpenLogger({Level::kInfo, false, "/dev/full"}, clock);
  logger->Log(Level::kInfo, "lost", {{"filler", std::string(200, 'x')}});
  CHECK(logger->failed() >= 1);
}

TEST_CASE("lines of many threads stay whole, also while the file is reopened") {
  const TempDir dir;
  const base::FakeClock clock;
  const auto logger = OpenLogger({Level::kInfo, false, dir.File("log")}, clock);
  std::vector<std::thread> writers;
  writers.reserve(4);
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&logger] {
      for (int i = 0; i < 250; ++i) {
        logger->Log(Level::kInfo, "line", {{"filler", std::string(100, 'x')}});
      }
    });
  }
  bool all_opened = true;
  for (int i = 0; i < 20; ++i) {
    all_opened = logger->Reopen(dir.File("log")).ok() && all_opened;
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  CHECK(all_opened);
  std::ifstream stream(dir.File("log"));
  const std::string whole = "2023-11-14T22:13:20.000Z info line filler=" + std::string(100, 'x');
  int lines = 0;
  int broken = 0;
  for (std::string line; std::getline(stream, line);) {
    ++lines;
    broken += line == whole ? 0 : 1;
  }
  CHECK(lines == 1'000);
  CHECK(broken == 0);
}

TEST_CASE("levels have names, and only these") {
  for (const Level level :
       {Level::kTrace, Level::kDebug, Level::kInfo, Level::kWarn, Level::kError}) {
    CHECK(LevelNamed(NameOf(level)) == level);
  }
  CHECK_FALSE(LevelNamed("INFO").has_value());
  CHECK_FALSE(LevelNamed("").has_value());
}

TEST_CASE("a repeated event passes once in its time and says how many it held back") {
  base::FakeClock clock;
  Every every(1'000);
  CHECK(every.Pass(clock.Elapsed()) == 0U);
  CHECK_FALSE(every.Pass(clock.Elapsed()).has_value());
  clock.Advance(999);
  CHECK_FALSE(every.Pass(clock.Elapsed()).has_value());
  clock.Advance(1);
  CHECK(every.Pass(clock.Elapsed()) == 2U);
  CHECK_FALSE(every.Pass(clock.Elapsed()).has_value());
}

}  // namespace reprise::telemetry
