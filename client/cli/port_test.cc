// The file formats of export and import, and what goes wrong with files. The server's side is
// tested by tests/integration/import_export_test.py.
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include <catch2/catch.hpp>

#include "client/cli/entry_source.h"
#include "client/cli/export.h"
#include "client/cli/import.h"
#include "client/cli/port_flags.h"
#include "client/cpp/fake_server.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Value;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.is_open());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string Golden(const std::string& name) {
  return ReadFile(std::string(TESTDATA) + "/" + name);
}

// What a file reads as: an entry as exact JSON, or "place: reason"; at the end "end" or the error.
std::vector<std::string> Read(FileFormat format, const std::string& text,
                              const Position& start = {}) {
  std::istringstream stream(text.substr(start.offset));
  const auto source =
      OpenSource(format, stream, start, Value::Map{{"type", "general"}, {"identity", "me"}});
  std::vector<std::string> seen;
  while (true) {
    const auto item = source->Next();
    if (!item.ok()) {
      seen.push_back("error: " + item.error().detail);
      return seen;
    }
    if (!item.value().has_value()) {
      seen.emplace_back("end");
      return seen;
    }
    seen.push_back(item.value()->bad.has_value()
                       ? item.value()->place + ": " + item.value()->bad->detail
                       : wire::ToExactJson(wire::Decode(item.value()->entry).value()));
  }
}

TEST_CASE("The golden files hold the same entries, in both formats, byte by byte") {
  const std::string lines = Golden("entries.jsonl");
  std::string packed;
  for (const std::string& entry : Read(FileFormat::kJsonLines, lines)) {
    packed += entry == "end" ? "" : wire::Encode(wire::FromJson(entry).value());
  }
  CHECK(packed == Golden("entries.msgpack"));
  std::string text;
  for (const std::string& entry : Read(FileFormat::kMessagePack, Golden("entries.msgpack"))) {
    text += entry == "end" ? "" : entry + "\n";
  }
  CHECK(text == lines);
}

TEST_CASE("Every source goes on from each of its positions as if it had not stopped") {
  const std::vector<std::pair<FileFormat, std::string>> files{
      {FileFormat::kJsonLines, Golden("entries.jsonl")},
      {FileFormat::kMessagePack, Golden("entries.msgpack")},
      {FileFormat::kGptCache,
       "[\n[\"a\", 1],\n {\"question\": \"b]\", \"answer\": \"}\"}\n , oops\n]"},
      {FileFormat::kGptCache, "[\"a\", 1]\n\n[\"b\", 2]\n"}};
  for (const auto& [format, text] : files) {
    const auto whole = Read(format, text);
    std::istringstream stream(text);
    const auto source =
        OpenSource(format, stream, {}, Value::Map{{"type", "general"}, {"identity", "me"}});
    for (std::size_t done = 1; done < whole.size(); ++done) {
      REQUIRE(source->Next().ok());
      const auto rest = Read(format, text, source->position());
      CHECK(rest == std::vector<std::string>(whole.begin() + static_cast<std::ptrdiff_t>(done),
                                             whole.end()));
    }
  }
}

TEST_CASE("A bad line costs only itself, and is named by its number") {
  const auto seen = Read(FileFormat::kJsonLines,
                         "{\"prompt\": \"a\"}\n\n{\"prompt\"\n5\n{\"a\":1,\"a\":2}\n"
                         "{\"p\":\"\xff\"}\n{\"p\":\"\\ud800\"}\n99999999999999999999\r\n"
                         "{\"prompt\": \"b\"}");
  REQUIRE(seen.size() == 9);
  CHECK(seen[0] == R"({"prompt":"a"})");
  CHECK(seen[1].find("line 3: not JSON: parse error at column 10") == 0);
  CHECK(seen[2] == "line 4: expected an object with \"prompt\" and \"response\"");
  CHECK(seen[3] == "line 5: not JSON: the key \"a\" stands twice");
  CHECK(seen[4].find("line 6: not JSON: ") == 0);
  CHECK(seen[4].find("UTF-8") != std::string::npos);
  CHECK(seen[5].find("line 7: not JSON: ") == 0);
  CHECK(seen[5].find("surrogate") != std::string::npos);
  CHECK(seen[6].find("line 8: the integer 99999999999999999999 is beyond 64 bits") == 0);
  CHECK(seen[7] == R"({"prompt":"b"})");
  CHECK(seen[8] == "end");
}

TEST_CASE("A line and an entry longer than any request are read past") {
  const std::string longer(kEntryBytesMax + 1, 'x');
  const auto lines = Read(FileFormat::kJsonLines, "{}\n" + longer + "\n{}\n");
  REQUIRE(lines.size() == 4);
  CHECK(lines[1].find("line 2: the line has more than 67108864 bytes") == 0);
  CHECK(lines[2] == "{}");
  // A str of one byte more, in a map.
  const std::string entry = std::string("\x81\xa1p\xdb\x04\x00\x00\x01", 8) + longer;
  const auto entries = Read(FileFormat::kMessagePack, "\x80" + entry + "\x80");
  REQUIRE(entries.size() == 4);
  CHECK(entries[1].find("byte 1: the entry has more than 67108864 bytes") == 0);
  CHECK(entries[2] == "{}");
}

TEST_CASE("MessagePack that is cut off at any byte, or is none, says where") {
  const std::string file =
      wire::Encode(wire::FromJson(R"({"prompt": "a", "x": [1.5, {}]})").value());
  for (std::size_t size = 1; size < file.size(); ++size) {
    CHECK(Read(FileFormat::kMessagePack, file.substr(0, size)).back() ==
          "error: the file is cut off inside the entry that begins at byte 0");
  }
  CHECK(Read(FileFormat::kMessagePack, file + "\xc1").back() ==
        "error: byte " + std::to_string(file.size()) + " is not MessagePack (0xc1 is never used)");
  CHECK(Read(FileFormat::kMessagePack, "\x05").front() ==
        "byte 0: expected a map with \"prompt\" and \"response\", found uint");
  // Arrays that claim four thousand million items cost nothing.
  CHECK(Read(FileFormat::kMessagePack, "\xdd\xff\xff\xff\xff\x01").back().find("cut off") !=
        std::string::npos);
  CHECK(Read(FileFormat::kMessagePack, "") == std::vector<std::string>{"end"});
}

TEST_CASE("A GPTCache list is an array or lines, of objects or pairs") {
  const std::string a = R"({"prompt":"a","response":1,"type":"general","identity":"me"})";
  const std::string b = R"({"prompt":"b","response":"2","type":"general","identity":"me"})";
  const std::vector<std::string> both{a, b, "end"};
  for (const std::string text :
       {R"([{"question": "a", "answer": 1}, {"answer": "2", "question": "b"}])",
        "\xef\xbb\xbf [\n  [\"a\", 1],\n  [\"b\", \"2\"]\n]\n",
        "{\"question\": \"a\", \"answer\": 1}\n{\"question\": \"b\", \"answer\": \"2\"}\n",
        "[\"a\", 1]\n[\"b\", \"2\"]"}) {
    CHECK(Read(FileFormat::kGptCache, text) == both);
  }
  CHECK(Read(FileFormat::kGptCache, "[]") == std::vector<std::string>{"end"});
  CHECK(Read(FileFormat::kGptCache, "") == std::vector<std::string>{"end"});
}

TEST_CASE("A bad element of a GPTCache list costs only itself, unless it hides the next") {
  const auto seen = Read(FileFormat::kGptCache,
                         "[{\"question\": \"a\"},\n {\"question\": 5, \"answer\": 1},\n"
                         "[\"a\", \"b\", \"c\"], {\"question\": \"a\", \"answer\": 1, \"id\": 1},\n"
                         "}, {\"x\": }, [\"q\", 1]]");
  REQUIRE(seen.size() == 8);
  CHECK(seen[0].find("line 1: expected {\"question\"") == 0);
  CHECK(seen[1] == "line 2: the question must be a string");
  CHECK(seen[2].find("line 3: expected") == 0);
  CHECK(seen[3].find("line 3: unknown field \"id\"") == 0);
  CHECK(seen[4].find("line 4: not JSON") == 0);
  CHECK(seen[5].find("line 4: not JSON") == 0);
  CHECK(seen[6] == R"({"prompt":"q","response":1,"type":"general","identity":"me"})");
  CHECK(Read(FileFormat::kGptCache, "[[\"q\", 1], {\"question\": \"").back() ==
        "error: the list is cut off inside the element that begins in line 1");
  CHECK(Read(FileFormat::kGptCache, "[[\"q\", 1],").back() ==
        "error: line 1: the list is cut off: its ] is missing");
  CHECK(Read(FileFormat::kGptCache, "[]\n x").back() ==
        "error: line 2: something follows the end of the list");
}

TEST_CASE("The flags of export and import, and what they refuse") {
  const auto exported = ParsePortFlags({"export", "a.msgpack", "--tag", "t", "--resume"});
  REQUIRE(exported.to_file.has_value());
  CHECK(exported.to_file->format == FileFormat::kMessagePack);
  CHECK(exported.to_file->tag == "t");
  CHECK(exported.to_file->resume);
  const auto imported = ParsePortFlags({"import", "a.json", "--format", "gptcache", "--type",
                                        "general", "--identity", "{\"a\": 1}"});
  REQUIRE(imported.from_file.has_value());
  CHECK(imported.from_file->format == FileFormat::kGptCache);
  CHECK(imported.from_file->identity == Value(Value::Map{{"a", 1}}));
  CHECK(imported.from_file->keep_expiry);
  CHECK_FALSE(imported.leave.has_value());
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"export"},
        {"import", "a", "b"},
        {"export", "a", "--format", "gptcache"},
        {"import", "-", "--resume"},
        {"import", "a", "--identity", "{}"},
        {"export", "a", "--nonsense"},
        {"import", "a", "--format", "gptcache", "--identity", "{"}}) {
    const auto flags = ParsePortFlags(wrong);
    REQUIRE(flags.leave.has_value());
    CHECK(flags.leave->code == ExitCode::kUsage);
  }
  CHECK(ParsePortFlags({"import", "--help"}).leave->code == ExitCode::kOk);
}

Options OptionsFor(const std::string& address) {
  Options options;
  options.address = address;
  options.reconnect = {
      .first_delay_ms = 1, .max_delay_ms = 4, .failures_to_open = 3, .jitter_seed = 5};
  return options;
}

// Answers CACHE.IMPORT like a server that takes at most `entries_max` entries at a time.
FakeServer::Script Taking(std::size_t entries_max, std::vector<std::size_t>& batches) {
  return [entries_max, &batches](Peer& peer) {
    while (const auto request = peer.Read()) {
      const std::size_t count = request->params.at(0).AsArray()->size();
      if (count > entries_max) {
        peer.ReplyError(request->msgid, {base::Code::kTooLarge, "the frame is too large"});
        continue;
      }
      batches.push_back(count);
      peer.Reply(request->msgid,
                 Value(Value::Map{{"stored", count}, {"skipped", 0}, {"refused", Value::Array{}}}));
    }
  };
}

TEST_CASE("What is too large for a server goes in smaller batches, and alone is refused") {
  std::vector<std::size_t> batches;
  std::string text;
  for (int i = 0; i < 10; ++i) {
    text += R"({"prompt": "p)" + std::to_string(i) + R"(", "response": 1})" + "\n";
  }
  std::ostringstream out;
  std::ostringstream report;
  ImportOptions options;
  options.file = "-";
  {
    FakeServer server(Taking(3, batches));
    const auto client = Client::Create(OptionsFor(server.address())).value();
    std::istringstream input(text);
    CHECK(Import(*client, input, options, out, report) == ExitCode::kOk);
  }
  CHECK(batches == std::vector<std::size_t>{2, 3, 2, 3});
  CHECK(out.str().find("stored 10 of 10 entries") == 0);
  batches.clear();
  FakeServer server(Taking(0, batches));
  const auto client = Client::Create(OptionsFor(server.address())).value();
  std::istringstream input(text);
  CHECK(Import(*client, input, options, out, report) == ExitCode::kServerError);
  CHECK(report.str().find("standard input:1: the frame is too large") != std::string::npos);
}

TEST_CASE("Without a server an export and an import leave with their exit code") {
  TemporaryFolder folder;
  std::string address;
  {
    address = FakeServer([](Peer&) {}).address();
  }
  const auto client = Client::Create(OptionsFor(address)).value();
  std::ostringstream out;
  std::ostringstream report;
  ExportOptions to;
  to.file = folder.path() + "/a.jsonl";
  CHECK(Export(*client, to, out, report) == ExitCode::kNoConnection);
  std::istringstream input("{\"prompt\": \"p\", \"response\": 1}\n");
  ImportOptions from;
  from.file = "-";
  CHECK(Import(*client, input, from, out, report) == ExitCode::kNoConnection);
  CHECK(out.str().empty());
  to.file = folder.path() + "/missing/a.jsonl";
  CHECK(Export(*client, to, out, report) == ExitCode::kServerError);
  CHECK(report.str().find("/missing/a.jsonl.partial: No such file") != std::string::npos);
}

TEST_CASE("A file that cannot be written is not blamed on the server, nor to be gone on with") {
  TemporaryFolder folder;
  FakeServer server([](Peer& peer) {
    while (const auto request = peer.Read()) {
      peer.Reply(request->msgid, Value::Map{});
    }
  });
  const auto client = Client::Create(OptionsFor(server.address())).value();
  std::ostringstream out;
  std::ostringstream report;
  ExportOptions to;
  to.file = folder.path() + "/missing/a.jsonl";
  CHECK(Export(*client, to, out, report) == ExitCode::kServerError);
  CHECK(report.str().starts_with("error: cannot write "));
  CHECK(report.str().find("server") == std::string::npos);
  CHECK(report.str().find("--resume") == std::string::npos);
}

TEST_CASE("An import that stops at what cannot be read goes on there, and counts nothing twice") {
  TemporaryFolder folder;
  std::vector<std::size_t> batches;
  FakeServer server(Taking(1'000, batches));
  const auto client = Client::Create(OptionsFor(server.address())).value();
  ImportOptions options;
  options.file = folder.path() + "/a.msgpack";
  options.format = FileFormat::kMessagePack;
  const std::string entry = wire::Encode(Value(Value::Map{{"prompt", "p"}, {"response", 1}}));
  const std::string broken = entry + wire::Encode(Value(5)) + entry + "\xc1";
  std::ofstream(options.file, std::ios::binary) << broken;
  for (const bool resume : {false, true, true}) {
    options.resume = resume;
    std::ostringstream out;
    std::ostringstream report;
    std::ifstream input(options.file, std::ios::binary);
    CHECK(Import(*client, input, options, out, report) == ExitCode::kServerError);
    INFO(report.str());
    CHECK(report.str().find("stored 2 of 3 entries") != std::string::npos);
    CHECK(report.str().find("mend the file there and go on with --resume") != std::string::npos);
  }
  std::ofstream(options.file, std::ios::binary) << broken.substr(0, broken.size() - 1) + entry;
  std::ostringstream out;
  std::ostringstream report;
  std::ifstream input(options.file, std::ios::binary);
  CHECK(Import(*client, input, options, out, report) == ExitCode::kServerError);  // One is refused.
  CHECK(out.str().starts_with("stored 3 of 4 entries"));
}

}  // namespace
}  // namespace reprise::client
