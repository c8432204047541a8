// ServerCommands: what an operator asks of a server.
//
// Units: times in milliseconds, sizes in bytes. Threads: those of the Caller, which must outlive
// this. Errors: those of caller.h; most of these need the admin permission (kForbidden). Repeating:
// Info, ConfigGet, CommandList, CommandDocs, Stats, SlowLog and Verify are repeated when a
// connection is lost, the others only when nothing had been sent. Save, Backup, Verify and Flush
// may take long: give them a timeout. Complexity: one round trip each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/caller.h"

namespace reprise::client {

struct BackupResult {
  std::string path{};
  std::uint64_t sequence = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};
struct VerifyResult {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bad_rows = 0;
  std::vector<std::string> problems{};
};

class ServerCommands {
 public:
  explicit ServerCommands(Caller& caller) : caller_(caller) {}

  // A map of sections, or of the one that is named.
  base::Result<base::Value> Info(std::string_view section = {}, const CallOptions& call = {});
  // Configuration names that begin with `prefix`, and their values.
  base::Result<std::map<std::string, base::Value>> ConfigGet(std::string_view prefix = {},
                                                             const CallOptions& call = {});
  // kBadRequest when the name is unknown, the value out of range, or a restart is needed.
  base::Status ConfigSet(std::string_view name, const base::Value& value,
                         const CallOptions& call = {});
  base::Result<std::vector<std::string>> CommandList(const CallOptions& call = {});
  // The rows of all commands, or of one, in the shape of client/commands.json.
  base::Result<base::Value> CommandDocs(std::string_view name = {}, const CallOptions& call = {});
  // Counts and latencies by command.
  base::Result<base::Value> Stats(const CallOptions& call = {});
  // The slowest recent calls, newest first. 0: the server's default limit.
  base::Result<base::Value> SlowLog(std::int64_t limit = 0, const CallOptions& call = {});

  // Makes everything acknowledged so far durable; the sequence that is now on disk.
  base::Result<std::uint64_t> Save(const CallOptions& call = {});
  // Writes a copy of the data under the server's backup directory. kExists when the name is taken.
  base::Result<BackupResult> Backup(std::string_view name, const CallOptions& call = {});
  // Reads and checks everything that is stored.
  base::Result<VerifyResult> Verify(const CallOptions& call = {});
  // Removes the namespace's data: keys and cache entries. The server's counts of what was removed.
  base::Result<base::Value> Flush(const CallOptions& call = {});
  // Stops the server in good order.
  base::Status Shutdown(const CallOptions& call = {});

 private:
  Caller& caller_;
};

}  // namespace reprise::client
