// Conversations: which model each conversation talks to, and how much of it the provider's prompt
// cache has.
//
// Threads: any; one mutex, a leaf. Errors: none. Complexity: O(log n). Limits: kConversationsMax a
// namespace, kConversationsTotalMax in all (shares.h); the one not used for longest goes. They do
// not outlive a restart: the next turn is then chosen as a first one.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "server/routing/shares.h"
#include "storage/engine/namespace_id.h"

namespace reprise::routing {

inline constexpr std::size_t kConversationsMax = 10'000;
inline constexpr std::size_t kConversationsTotalMax = 200'000;

struct Turn {
  std::string model;
  std::int64_t tokens = 0;  // that the provider has seen
  base::UnixMillis at{0};
};

class Conversations {
 public:
  std::optional<Turn> Find(storage::NamespaceId id, std::string_view name) const;
  void Note(storage::NamespaceId id, std::string_view name, Turn turn);
  void DropNamespace(storage::NamespaceId id);

 private:
  struct Entry {
    std::string name;
    Turn turn;
  };
  using Entries = std::list<Entry>;  // the last used in front
  struct Home {
    Entries entries;
    std::map<std::string_view, Entries::iterator, std::less<>> by_name;  // names of `entries`
  };

  mutable base::Mutex mutex_;
  std::map<storage::NamespaceId, Home> homes_ GUARDED_BY(mutex_);
  Shares shares_ GUARDED_BY(mutex_){{kConversationsMax, kConversationsTotalMax}};
};

}  // namespace reprise::routing
