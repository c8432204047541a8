#include "server/semantic/prior.h"

#include <string_view>

namespace reprise::semantic {
namespace {

struct Row {
  std::size_t bin;
  std::uint32_t right;
  std::uint32_t wrong;
};

#include "server/semantic/prior.inc"

template <std::size_t kRows>
Tally TallyOf(const Row (&rows)[kRows]) {
  Tally tally;
  for (const Row& row : rows) {
    tally.right[row.bin] = row.right;
    tally.wrong[row.bin] = row.wrong;
  }
  return tally;
}

}  // namespace

const Tally& PriorOf(std::string_view fingerprint, Setting setting) {
  static const Tally alone = TallyOf(kUseLiteAloneRows);
  static const Tally in_crowd = TallyOf(kUseLiteInCrowdRows);
  static const Tally hash = TallyOf(kHashRows);
  static const Tally none;
  if (fingerprint.starts_with("use-lite")) {
    return setting == Setting::kAlone ? alone : in_crowd;
  }
  return fingerprint.starts_with("hash") ? hash : none;
}

}  // namespace reprise::semantic
