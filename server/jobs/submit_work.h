// SubmitWork: one call of Submit on its way to the commit.
//
// Private to Jobs. Threads: the writer.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "server/jobs/jobs.h"

namespace reprise::jobs {

struct Jobs::SubmitWork {
  NamespaceId home{0};
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  std::int64_t now_ms = 0;
  Strategies strategies;
  std::vector<std::pair<std::size_t, NewTask>> made;  // with their indexes in the call
  std::vector<GroupHash> hashes;                      // of their groups
  std::vector<Slot> held;
  std::vector<std::pair<Slot, RowState>> rows_before;      // of groups whose row was written
  std::vector<std::pair<std::size_t, std::size_t>> edges;  // index waits for index
  std::map<std::size_t, std::size_t> same_as;              // duplicates within the call

  // Turns indexes into tickets, and puts who is waited for first: the engine ties a task to those
  // that it knows already. Errors: kBadRequest for a cycle, with the tasks on it.
  base::Status TieTogether(const std::vector<Submitted>& submitted);

 private:
  // Indexes in an order in which each comes behind those that it waits for.
  base::Result<std::vector<std::size_t>> Order() const;
};

}  // namespace reprise::jobs
