// Port: a namespace's entries page by page, for CACHE.EXPORT; what CACHE.IMPORT knows of an entry.
// The work is Cache::ReadPage (port.cc).
//
// Pages go through the stored rows in the order of their keys, which neither writes nor restarts
// change: an entry that is there from the first page to the last, and is not stored anew in
// between, is given once. Not given: what has expired (or is stale), what was invalidated, and an
// entry that is replaced in the very moment its page is read.
//
// Threads: storage threads (it reads the disk). Errors: kBadRequest (a cursor of another directory
// or namespace), and those of the store. Complexity: O(rows looked at). Limits: one page looks at
// kRowsPerPage rows and kBytesPerPage bytes and then ends, however few of them it wanted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "protocol/base/clock.h"
#include "server/cache/row.h"
#include "storage/engine/namespace_id.h"

namespace reprise::cache {

inline constexpr std::size_t kRowsPerPage = 10'000;
inline constexpr std::size_t kBytesPerPage = std::size_t{64} * 1024 * 1024;

struct PageRequest {
  storage::NamespaceId namespace_id = storage::kDefaultNamespace;
  std::string_view after;  // the cursor of the page before; empty: from the beginning
  std::string_view type;   // only these; empty: all
  std::string_view tag;
};

// Valid during the call that it is given to.
struct Portable {
  const Body& body;
  std::string_view type;
  base::UnixMillis created_at{0};
  base::UnixMillis expires_at{0};
  Worth worth;
};

// Answers false when there is no room for the entry: the page ends in front of it. A page has room
// for its first entry.
using PageVisitor = std::function<bool(const Portable&)>;

// When an entry that comes from elsewhere was made and when it ends.
struct Life {
  base::UnixMillis created_at{0};
  base::UnixMillis expires_at{0};
};

}  // namespace reprise::cache
