// The shape of a command row. README.md in this folder shows how to add a command.
//
// From the rows come: argument checks (args.h), gates, COMMAND.DOCS, COMMANDS.md,
// client/commands.json, metric labels, the clients' typed methods and the fuzz dictionary. Threads:
// constants. Errors: none.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "protocol/base/limits.h"
#include "protocol/base/result.h"

namespace reprise::wire {
class Writer;
}

namespace reprise::commands {

struct Context;
class Args;

enum class ArgKind : std::uint8_t {
  kKey,     // str or bin, 1 to kKeyBytes bytes
  kText,    // str (bin is taken too), min to max bytes
  kInt,     // integer, min to max
  kMillis,  // integer, milliseconds, min to max
  kBool,    // bool
  kValue,   // any MessagePack value, kept as its bytes
  kTexts,   // array of str
  kShare,   // number from 0 to 1; min and max in millionths, and so it is kept
};
std::string_view NameOf(ArgKind kind);

// A positional argument or an option.
struct ArgSpec {
  std::string_view name;
  ArgKind kind;
  std::string_view doc;
  bool required = true;   // of positional arguments; options never are
  bool nullable = false;  // a positional argument that may be nil; an option that is nil is absent
  std::int64_t min = 0;   // of the number, or of the bytes of a text
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

struct Example {
  std::string_view request;  // JSON spelling of [method, params]
  std::string_view reply;    // JSON of the result, or of the code name of the error; see README.md
};

enum Flag : std::uint32_t {
  kRead = 1U << 0U,   // reads data; runs on the loop, on a storage thread when the disk is needed
  kWrite = 1U << 1U,  // runs on the writer thread, inside a transaction
  kBlocking = 1U << 2U,    // always runs on a storage thread
  kWaits = 1U << 3U,       // replies when it is ready and does not hold up later requests
  kAdmin = 1U << 4U,       // needs the permission `admin`
  kNoAuth = 1U << 5U,      // allowed before AUTH
  kDurable = 1U << 6U,     // replies only when it is on the medium, whatever store.durability says
  kSession = 1U << 7U,     // is about the connection itself; runs on the loop
  kIdempotent = 1U << 8U,  // a client may send it again when it does not know whether it arrived
  kInMemory = 1U << 9U     // changes memory, on the loop; it is saved behind the reply
};

enum class Family : std::uint8_t {
  kConnection,
  kKeys,
  kCache,
  kRouting,
  kJobs,
  kSpend,
  kControl,
  kServer
};
std::string_view NameOf(Family family);

using Handler = base::Status (*)(Context& context, const Args& args, wire::Writer& reply);

struct CommandSpec {
  std::string_view name;
  Family family;
  std::string_view summary;
  std::string_view complexity;
  std::string_view since;
  std::uint32_t flags;
  std::span<const ArgSpec> args;
  // Arguments from this index on may be given again and again, as a group; kNoRepeat: none.
  std::size_t repeat_from;
  std::span<const ArgSpec> options;
  std::string_view result;
  std::span<const base::Code> errors;
  std::span<const Example> examples;
  Handler run;
};

inline constexpr std::size_t kNoRepeat = std::numeric_limits<std::size_t>::max();

// Rows of arguments that many commands share.
inline constexpr ArgSpec kKeyArg{.name = "key",
                                 .kind = ArgKind::kKey,
                                 .doc = "the key: str or bin, the same by its bytes",
                                 .min = 1,
                                 .max = base::limits::kKeyBytes.value};
inline constexpr ArgSpec kValueArg{.name = "value",
                                   .kind = ArgKind::kValue,
                                   .doc = "any MessagePack value; it is given back as it came",
                                   .max = base::limits::kValueBytes.ceiling};
inline constexpr ArgSpec kTtlOption{.name = "ttl_ms",
                                    .kind = ArgKind::kMillis,
                                    .doc = "time to live",
                                    .min = base::limits::kTtlMs.floor,
                                    .max = base::limits::kTtlMs.ceiling};
// The name of a namespace, access key or backup.
constexpr ArgSpec NameArg(std::string_view name, std::string_view doc) {
  return {.name = name,
          .kind = ArgKind::kText,
          .doc = doc,
          .min = 1,
          .max = base::limits::kNameBytes.value};
}
// Every command takes this one; it stands in no row.
inline constexpr ArgSpec kTimeoutOption{
    .name = "timeout_ms",
    .kind = ArgKind::kMillis,
    .doc = "answer `timeout` instead of starting later than this after arrival",
    .min = base::limits::kTimeoutMs.floor,
    .max = base::limits::kTimeoutMs.ceiling};

}  // namespace reprise::commands
