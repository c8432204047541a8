// Jobs: `reprise-cli jobs`, `jobs show` and `jobs dead`: the queues as a table, live on a terminal,
// one task, the dead letters.
//
// From BATCH.STATS, BATCH.RESULT and BATCH.DEAD. Threads: one. Errors: in the exit code, told on
// `report`. Units: as the header says. Complexity: one round trip a table.
#pragma once

#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/exit_code.h"
#include "client/cli/flags.h"
#include "client/cpp/caller.h"

namespace reprise::client {

bool IsJobs(const std::string& word);

struct JobsFlags {
  std::string command;               // empty (the table), show, list, replay or purge
  std::vector<std::string> tickets;  // of show one
  double interval_seconds = 2;
  std::int64_t count = -1;  // tables; 0: until interrupted; -1: that on a terminal, else one
  bool json = false;
  std::optional<Leave> leave;  // do not go on
};
// `words`: from the command's name on.
JobsFlags ParseJobsFlags(const std::vector<std::string>& words);

// Where it is shown.
struct JobsScreen {
  bool is_terminal = false;
  const std::atomic<bool>* interrupted = nullptr;
};
ExitCode RunJobs(Caller& client, const JobsFlags& flags, const JobsScreen& screen,
                 std::ostream& out, std::ostream& report);

// "1.5 s" of 1,500 ms; "-" of nil.
std::string Span(const base::Value& ms);

}  // namespace reprise::client
