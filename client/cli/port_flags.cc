#include "client/cli/port_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <utility>

#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

Leave Mistake(const std::string& what, const std::string& command) {
  return {ExitCode::kUsage, "error: " + what + "\nhint: reprise-cli " + command + " --help"};
}

// What CLI11 fills in for either of the two.
struct Given {
  std::string file;
  std::string format;
  std::string type;
  std::string tag;
  std::string identity;
  bool resume = false;
  bool replace = false;
  bool new_expiry = false;
};

void Describe(CLI::App& app, bool imports, Given& given) {
  app.add_option(
         "file", given.file,
         imports ? "file to read; - is standard input" : "file to write; - is standard output")
      ->required();
  auto* format = app.add_option("--format", given.format,
                                "jsonl (the default) or msgpack (for a name that ends so)" +
                                    std::string(imports ? ", or gptcache" : ""));
  format->check(imports ? CLI::IsMember({"jsonl", "msgpack", "gptcache"})
                        : CLI::IsMember({"jsonl", "msgpack"}));
  app.add_flag("--resume", given.resume, "go on where an interrupted run has stopped");
  if (imports) {
    app.add_option("--type", given.type,
                   "query type of entries with none, or with one that the server does not know");
    app.add_option("--identity", given.identity, "identity of a gptcache list, JSON");
    app.add_flag("--replace", given.replace, "store also what is there and is not older");
    app.add_flag("--new-expiry", given.new_expiry,
                 "as if it were made now; else times of creation and expiry are kept");
  } else {
    app.add_option("--type", given.type, "only entries of this query type");
    app.add_option("--tag", given.tag, "only entries with this tag");
  }
}

// CLI11 reports by exceptions; none leaves this function.
std::optional<Leave> Parse(CLI::App& app, std::vector<std::string> words,
                           const std::string& command) {
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back.
  words.pop_back();
  try {
    app.parse(words);
    return std::nullopt;
  } catch (const CLI::Success& done) {
    std::ostringstream text;
    app.exit(done, text, text);
    std::string shown = text.str();
    while (shown.ends_with('\n')) {
      shown.pop_back();
    }
    return Leave{ExitCode::kOk, shown};
  } catch (const CLI::ParseError& mistake) {
    return Mistake(mistake.what(), command);
  }
}

FileFormat FormatOf(const Given& given) {
  if (const auto named = FormatNamed(given.format)) {
    return *named;
  }
  return given.file.ends_with(".msgpack") ? FileFormat::kMessagePack : FileFormat::kJsonLines;
}

}  // namespace

bool IsPort(const std::string& word) {
  return word == "export" || word == "import";
}

PortFlags ParsePortFlags(const std::vector<std::string>& words) {
  const std::string& command = words.front();
  const bool imports = command == "import";
  Given given;
  CLI::App app(imports ? "Stores the entries of a file in the cache."
                       : "Writes all entries of the cache into a file.",
               "reprise-cli " + command);
  Describe(app, imports, given);
  PortFlags flags;
  flags.leave = Parse(app, words, command);
  if (flags.leave.has_value()) {
    return flags;
  }
  const FileFormat format = FormatOf(given);
  if (given.resume && given.file == "-") {
    flags.leave = Mistake("--resume needs a file", command);
  } else if (!given.identity.empty() && format != FileFormat::kGptCache) {
    flags.leave = Mistake("--identity is for --format gptcache", command);
  } else if (!imports) {
    flags.to_file.emplace();
    flags.to_file->file = given.file;
    flags.to_file->format = format;
    flags.to_file->resume = given.resume;
    flags.to_file->type = given.type;
    flags.to_file->tag = given.tag;
  } else {
    flags.from_file.emplace();
    flags.from_file->file = given.file;
    flags.from_file->format = format;
    flags.from_file->resume = given.resume;
    flags.from_file->type = given.type;
    flags.from_file->replace = given.replace;
    flags.from_file->keep_expiry = !given.new_expiry;
  }
  if (!given.identity.empty() && flags.from_file.has_value()) {
    auto identity = wire::FromJson(given.identity);
    if (!identity.ok()) {
      flags.leave = Mistake("--identity: " + identity.error().detail, command);
    } else {
      flags.from_file->identity = std::move(identity).value();
    }
  }
  return flags;
}

}  // namespace reprise::client
