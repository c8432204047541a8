// Errors: the closed set of ways an operation can fail, shared by wire, storage, server and
// clients.
//
// Units: none. Threads: values; share by copy. Errors: n/a. Limits: none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::base {

// Numbers are wire format: append, never renumber or reuse. Each has one row in kCodes.
enum class Code : std::uint8_t {
  kBadRequest = 1,
  kTooLarge = 2,
  kWrongType = 3,
  kUnknownCommand = 4,
  kUnauthenticated = 5,
  kForbidden = 6,
  kNotFound = 7,
  kExists = 8,
  kBusy = 16,
  kTimeout = 17,
  kReadOnly = 18,
  kShuttingDown = 19,
  kUnavailable = 20,
  kIo = 32,
  kCorrupt = 33,
  kUnknownOutcome = 34,
  kInternal = 35,
  kWouldBlock = 64,
};

// Who has to act: the caller mends its request, tries again later, or the operator looks.
enum class Blame : std::uint8_t { kCaller, kTransient, kServer };

struct CodeRow {
  Code code;
  std::string_view name;
  Blame blame;
  std::string_view meaning;
};

inline constexpr std::array kCodes{
    CodeRow{Code::kBadRequest, "bad_request", Blame::kCaller,
            "The request is malformed or an argument is invalid."},
    CodeRow{Code::kTooLarge, "too_large", Blame::kCaller,
            "A documented limit was exceeded; the message names it."},
    CodeRow{Code::kWrongType, "wrong_type", Blame::kCaller, "The key holds another kind of value."},
    CodeRow{Code::kUnknownCommand, "unknown_command", Blame::kCaller, "No command has this name."},
    CodeRow{Code::kUnauthenticated, "unauthenticated", Blame::kCaller,
            "The connection has not authenticated, or the access key is not valid."},
    CodeRow{Code::kForbidden, "forbidden", Blame::kCaller,
            "The access key lacks the permission that the command needs."},
    CodeRow{Code::kNotFound, "not_found", Blame::kCaller, "What the request names does not exist."},
    CodeRow{Code::kExists, "exists", Blame::kCaller, "What the request creates exists already."},
    CodeRow{Code::kBusy, "busy", Blame::kTransient, "A queue is full; retry with back-off."},
    CodeRow{Code::kTimeout, "timeout", Blame::kTransient,
            "The deadline passed before the work began; nothing was done."},
    CodeRow{Code::kReadOnly, "read_only", Blame::kTransient,
            "The store refuses writes (disk full or a failed write); reads work. Retry later."},
    CodeRow{Code::kShuttingDown, "shutting_down", Blame::kTransient,
            "The server is stopping; connect again to the next one."},
    CodeRow{Code::kUnavailable, "unavailable", Blame::kTransient,
            "The server cannot be reached or is not ready yet; retry with back-off."},
    CodeRow{Code::kIo, "io", Blame::kServer, "Storage failed to read or write."},
    CodeRow{Code::kCorrupt, "corrupt", Blame::kServer,
            "Stored bytes failed a check; nothing was returned."},
    CodeRow{Code::kUnknownOutcome, "unknown_outcome", Blame::kServer,
            "The write may or may not have been applied; read before you repeat it."},
    CodeRow{Code::kInternal, "internal", Blame::kServer, "The server broke a promise to itself."},
    CodeRow{Code::kWouldBlock, "would_block", Blame::kServer,
            "Inside the server only: the read needs the disk and must move to a storage thread."},
};

constexpr const CodeRow& RowOf(Code code) {
  for (const CodeRow& row : kCodes) {
    if (row.code == code) {
      return row;
    }
  }
  return kCodes[0];
}

constexpr std::string_view NameOf(Code code) {
  return RowOf(code).name;
}

// Absent when no code has this name, as when a client is older than its server.
constexpr std::optional<Code> CodeNamed(std::string_view name) {
  for (const CodeRow& row : kCodes) {
    if (row.name == name) {
      return row.code;
    }
  }
  return std::nullopt;
}

struct [[nodiscard]] Error {
  Code code;
  std::string detail;  // For people. Names the key, limit or file; never parsed by code.
};

}  // namespace reprise::base
