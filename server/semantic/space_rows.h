// SpaceRow: what a data directory remembers of an embedder whose vectors stand in it.
//
// Threads: any but a loop (they read the disk). Errors: kCorrupt, those of the store. Complexity:
// O(embedders). Format: FORMAT.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "storage/engine/store.h"

namespace reprise::semantic {

struct SpaceRow {
  std::string fingerprint;
  std::string embedder;    // its name, by which it may be opened again
  std::uint64_t turn = 0;  // the larger, the later it was chosen
  bool is_filled = false;  // there was a time when all entries had vectors of it
};

base::Result<std::vector<SpaceRow>> ReadSpaceRows(const storage::Store& store);
void PutSpaceRow(const SpaceRow& row, storage::Transaction& transaction);
void DeleteSpaceRow(std::string_view fingerprint, storage::Transaction& transaction);
// What the keys of vector rows begin with: one for each embedder that has any.
base::Result<std::vector<std::string>> RowPrefixes(const storage::Store& store);
// Of others than `current`: the one that answers best for it meanwhile. Null: there is none.
const SpaceRow* ChooseRetiring(const std::vector<SpaceRow>& rows, std::string_view current);

}  // namespace reprise::semantic
