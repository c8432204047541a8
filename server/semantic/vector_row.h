// The stored form of an entry's vector: a row of the `vectors` family (FORMAT.md in this folder).
//
// A row is named by the embedder's fingerprint and by the entry, so that vectors of two embedders
// can stand side by side while one takes the other's place. Threads: any. Errors: kCorrupt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "server/semantic/fingerprint.h"
#include "server/semantic/packed_vector.h"
#include "storage/engine/namespace_id.h"

namespace reprise::semantic {

struct VectorRow {
  std::uint64_t id = 0;  // of the entry that it was made for
  PackedVector vector;
};

std::string FormatVectorRow(const VectorRow& row);
base::Result<VectorRow> ParseVectorRow(std::string_view value);

// In front of an entry's name in the key of its row.
std::string VectorPrefix(FingerprintHash embedder);
inline constexpr std::size_t kVectorPrefixBytes = 9;
// What the names of a namespace's entries begin with.
std::string EntryPrefix(storage::NamespaceId id);
// Whose entry has this name.
storage::NamespaceId NamespaceOf(std::string_view entry_name);
// The snapshot of the index of an embedder's vectors.
std::string FileNameOf(FingerprintHash embedder);

}  // namespace reprise::semantic
