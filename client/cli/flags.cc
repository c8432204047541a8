#include "client/cli/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <sstream>

#include "client/cli/built_in_rows.h"

namespace reprise::client {
namespace {

constexpr const char* kFooter = R"(
Examples:
  reprise-cli SET greeting hello ttl_ms=60000
  reprise-cli GET greeting
  reprise-cli CACHE.LOOKUP "What is 2+2?" '{"identity": {"model": "m"}}'
  reprise-cli --json INFO | jq .store
  reprise-cli --pipe entries.jsonl
  reprise-cli stat --count 10
  reprise-cli strategies --bot support
  reprise-cli export entries.jsonl
  reprise-cli import entries.jsonl --resume

Arguments: keys and texts are taken as they stand. A value is JSON when it reads as an
object, array, number, true, false, null or "string"; else it is text. Behind the required
arguments, name=value or a JSON object are options. --json-args: every argument is JSON.

Bulk load (--pipe), one JSON text a line:
  {"key": ..., "value": ..., "ttl_ms": ...}             SET
  {"prompt": ..., "response": ..., "type": ..., ...}    CACHE.STORE
  ["METHOD", [params]]                                  anything

Exit codes: 0 done; 1 the server answered an error; 2 wrong usage, nothing was sent;
3 no connection; 4 no reply in time; 5 a bulk load in which some lines failed, an export
or import that was interrupted. An import in which entries were refused ends with 1.)";

// Where the server is, before it becomes an address.
struct Place {
  std::string address;
  std::string socket;
  int port = 0;
  bool tls = false;
  std::string key_file;
};

Leave Mistake(const std::string& text) {
  return {ExitCode::kUsage, "error: " + text + "\nhint: reprise-cli --help"};
}

std::optional<Leave> TakePlace(const Place& place, Flags& flags) {
  const int given = (place.address.empty() ? 0 : 1) + (place.socket.empty() ? 0 : 1);
  if (given > 1) {
    return Mistake("give one of --address and --socket");
  }
  std::string address = place.address.empty() ? "127.0.0.1" : place.address;
  if (!place.socket.empty()) {
    address = "unix:" + place.socket;
  }
  if (place.tls && !address.starts_with("tls://")) {
    address = "tls://" + address;
  }
  auto parsed = ParseAddress(address);
  if (!parsed.ok()) {
    return Mistake(parsed.error().detail);
  }
  if (place.port != 0) {
    parsed.value().port = static_cast<std::uint16_t>(place.port);
  }
  flags.options.address = ToString(parsed.value());
  return std::nullopt;
}

std::optional<Leave> TakeKey(const Place& place, const std::string& environment, Flags& flags) {
  flags.options.access_key = environment;
  if (place.key_file.empty()) {
    return std::nullopt;
  }
  std::ifstream file(place.key_file);
  if (!std::getline(file, flags.options.access_key) || flags.options.access_key.empty()) {
    return Mistake("cannot read an access key from the first line of " + place.key_file);
  }
  return std::nullopt;
}

void DescribeConnection(CLI::App& app, Place& place, Flags& flags) {
  app.add_option("-a,--address", place.address,
                 "host:port, unix:/path or tls://host:port (127.0.0.1:7377)");
  app.add_option("-s,--socket", place.socket, "path of a Unix socket");
  app.add_option("-p,--port", place.port, "port, when it is not 7377")->check(CLI::Range(1, 65535));
  app.add_option("--key-file", place.key_file,
                 "file whose first line is the access key (else REPRISE_KEY)");
  app.add_flag("--tls", place.tls, "use TLS");
  app.add_option("--tls-ca", flags.options.tls.ca_file, "PEM file of trusted authorities");
  app.add_option("--tls-pin", flags.options.tls.pinned_sha256,
                 "SHA-256 of the server's certificate, hex");
  app.add_option("--tls-name", flags.options.tls.server_name, "name to verify instead of the host");
  app.add_flag("--tls-insecure", flags.options.tls.insecure, "do not verify the server");
  app.add_option("--name", flags.options.client_name, "name shown in CLIENT.LIST");
  app.add_option("--timeout", flags.options.request_timeout_ms, "milliseconds to wait for a reply")
      ->check(CLI::Range(1, 3'600'000));
}

// CLI11 reports by exceptions; none leaves this function.
template <typename Action>
std::optional<Leave> Parse(const CLI::App& app, Action action) {
  try {
    action();
    return std::nullopt;
  } catch (const CLI::Success& done) {  // --help, --version
    std::ostringstream text;
    app.exit(done, text, text);
    std::string shown = text.str();
    while (shown.ends_with('\n')) {
      shown.pop_back();
    }
    return Leave{ExitCode::kOk, shown};
  } catch (const CLI::ParseError& mistake) {
    return Mistake(mistake.what());
  }
}

void DescribeUse(CLI::App& app, bool& json, bool& pretty, Flags& flags) {
  app.add_flag("--json", json, "replies as JSON on one line");
  app.add_flag("--pretty", pretty, "replies as indented JSON");
  app.add_flag("--json-args", flags.json_args, "every argument is JSON and is sent as it is");
  app.add_option("--pipe", flags.pipe_file, "load JSON lines from a file, or from - (see below)");
  app.add_option("--window", flags.pipe_window, "requests under way during --pipe")
      ->check(CLI::Range(1, 1'000'000));
  app.add_flag("--stop-on-error", flags.stop_on_error, "end --pipe at the first bad line");
}

// The flags of the live view, which stand behind its name.
std::optional<Leave> TakeStatFlags(std::vector<std::string> words, Flags& flags) {
  CLI::App app("One line a second about what the server does.", "reprise-cli stat");
  app.add_option("--interval", flags.interval_seconds, "seconds between two lines")
      ->check(CLI::Range(0.01, 3600.0));
  app.add_option("--count", flags.count, "lines to show; 0: until interrupted")
      ->check(CLI::NonNegativeNumber);
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back.
  words.pop_back();
  flags.stat = true;
  return Parse(app, [&] { app.parse(words); });
}

// The flags of the table of strategies, which stand behind its name.
std::optional<Leave> TakeStrategiesFlags(std::vector<std::string> words, Flags& flags) {
  StrategiesOptions& options = flags.strategies.emplace();
  CLI::App app("Which strategies are in force, and what their guardrails see.",
               "reprise-cli strategies");
  app.add_option("--bot", options.bot, "whose decision is shown; this connection's when not given");
  app.add_option("--conversation", options.conversation, "of this conversation");
  app.add_option("--namespace", options.name_space, "another namespace (needs `admin`)");
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back.
  words.pop_back();
  return Parse(app, [&] { app.parse(words); });
}

// The modes that have flags of their own behind their names.
std::optional<Leave> TakeMode(Flags& flags) {
  const std::string mode = flags.command.empty() ? "" : flags.command.front();
  if (mode != "stat" && mode != "strategies") {
    return std::nullopt;
  }
  std::vector<std::string> words = std::move(flags.command);
  flags.command.clear();
  return mode == "stat" ? TakeStatFlags(std::move(words), flags)
                        : TakeStrategiesFlags(std::move(words), flags);
}

}  // namespace

ParsedFlags ParseFlags(int argc, const char* const* argv, const std::string& access_key) {
  ParsedFlags parsed;
  Place place;
  bool json = false;
  bool pretty = false;
  CLI::App app(
      "Command line of Reprise, the response-cache server for LLM bots.\n\n"
      "  reprise-cli [flags]                     a prompt, or commands from standard input\n"
      "  reprise-cli [flags] COMMAND ARG...      one command\n"
      "  reprise-cli [flags] stat [--interval S] [--count N]    live view\n"
      "  reprise-cli [flags] strategies          what is in force, and what guardrails see\n"
      "  reprise-cli [flags] --pipe FILE         bulk load\n"
      "  reprise-cli [flags] export FILE         all entries of the cache into a file\n"
      "  reprise-cli [flags] import FILE         and back (each has its own --help)\n"
      "  reprise-cli [flags] spend | budget      money, as tables in dollars\n"
      "  reprise-cli [flags] route               the mix of models, and what routing saved\n"
      "  reprise-cli [flags] prices FILE         a price file into the server\n"
      "  reprise-cli [flags] jobs                queues, live; also jobs show, jobs dead\n",
      "reprise-cli");
  app.set_version_flag("--version", "reprise-cli " REPRISE_VERSION);
  app.footer(kFooter);
  DescribeConnection(app, place, parsed.flags);
  DescribeUse(app, json, pretty, parsed.flags);
  app.prefix_command();  // What follows the command belongs to it.
  parsed.leave = Parse(app, [&] { app.parse(argc, argv); });
  if (parsed.leave.has_value()) {
    return parsed;
  }
  Flags& flags = parsed.flags;
  flags.command = app.remaining();
  if (!flags.command.empty() && flags.command.front().starts_with('-')) {
    parsed.leave = Mistake("unknown flag " + flags.command.front());
    return parsed;
  }
  parsed.leave = TakeMode(flags);
  if (parsed.leave.has_value()) {
    return parsed;
  }
  if (!flags.pipe_file.empty() &&
      (flags.stat || flags.strategies.has_value() || !flags.command.empty())) {
    parsed.leave = Mistake("--pipe takes no command");
    return parsed;
  }
  flags.style = pretty ? Style::kPretty : json ? Style::kJson : Style::kReadable;
  parsed.leave = TakePlace(place, flags);
  if (!parsed.leave.has_value()) {
    parsed.leave = TakeKey(place, access_key, flags);
  }
  if (!parsed.leave.has_value()) {
    if (const auto status = flags.options.Check(); !status.ok()) {
      parsed.leave = Mistake(status.error().detail);
    }
  }
  return parsed;
}

}  // namespace reprise::client
