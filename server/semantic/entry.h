// Entry: a stored question as the semantic tier knows it, and what its owner is asked about it.
//
// Threads: values; the Owner is asked by the index writer alone. Errors: none.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/clock.h"
#include "storage/engine/namespace_id.h"

namespace reprise::semantic {

// Entries that may answer each other's questions: one namespace, one identity.
struct Partition {
  storage::NamespaceId namespace_id{0};
  std::uint64_t identity = 0;
};

// An entry as this tier knows it.
struct Entry {
  Partition partition;
  std::uint64_t id = 0;
  std::string name;                // stable for one question: what its rows are named by
  base::UnixMillis expires_at{0};  // of its vector row
};

// What the owner of the entries is asked by the index writer.
struct Owner {
  // The entry is there, and was not replaced or invalidated.
  std::function<bool(const Entry&)> is_live;
  // Its question; absent when it has gone.
  std::function<std::optional<std::string>(const Entry&)> prompt_of;
  // Entries that have gone since the last call: partition and id.
  std::function<std::vector<std::pair<Partition, std::uint64_t>>()> take_gone;
  // A page of all entries behind `cursor`, which it moves; false at the end.
  std::function<bool(std::uint64_t& cursor, std::vector<Entry>& page)> list;
};

}  // namespace reprise::semantic
