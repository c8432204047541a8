// Search: one lookup on its way through the tiers. Private to this folder.
#pragma once

#include <optional>
#include <string>

#include "server/cache/cache.h"
#include "server/cache/space.h"

namespace reprise::cache {

struct Cache::Search {
  const LookupLimits& limits;
  const config::CacheOptions& options;
  const storage::View& view;
  Space& space;
  Space::Visible visible;
  Wanted wanted;
  std::string& normalized;  // memory for wanted.normalized
  TierModes modes;
  Absent why = Absent::kUnknown;
  std::optional<Worth> shadow{};  // what a tier in shadow mode would have saved
};

// What the semantic tier calls an entry.
std::string NameOfEntry(storage::NamespaceId id, const KeyHash& exact);
// The canonical identity of a question. Absent and nil are the same: no identity.
base::Status CanonicalIdentity(std::string_view identity, std::string& out);

}  // namespace reprise::cache
