// OutcomeRow: a prompt, as its features, and what models made of it; one row in the store.
//
// Threads: values. Errors: kCorrupt. Format: FORMAT.md. Limits: kModelsMax labels,
// kExcerptBytesMax.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/routing/features.h"
#include "storage/engine/namespace_id.h"

namespace reprise::routing {

inline constexpr std::size_t kExcerptBytesMax = 120;
inline constexpr std::string_view kOutcomeRows = "routing_outcome/";

// What feedback said of one model.
struct Label {
  std::string model;
  float quality = 0;
  float strength = 0.5F;    // of the model among the others then
  std::uint64_t event = 0;  // the order in which the namespace learned

  bool operator==(const Label&) const = default;
};

struct OutcomeRow {
  base::UnixMillis at{0};
  std::string type;
  std::string excerpt;  // the beginning of the prompt, whole code points
  Features features;
  std::vector<Label> labels;

  bool operator==(const OutcomeRow&) const = default;

  std::string Format() const;
  static base::Result<OutcomeRow> Parse(std::string_view row);
};

// The beginning of a prompt, cut between code points.
std::string ExcerptOf(std::string_view prompt);

std::string OutcomesPrefix(storage::NamespaceId id);
std::string OutcomeKey(storage::NamespaceId id, std::uint64_t number);
// Of a whole key. Errors: kCorrupt.
base::Result<std::uint64_t> NumberOfOutcome(std::string_view key);

}  // namespace reprise::routing
