// The stored form of an entry's vector: a row of the `vectors` family (FORMAT.md in this folder).
//
// A row is named by the embedder's fingerprint and by the entry, so that vectors of two embedders
// can stand side by side while one takes the other's place. Threads: any. Errors: kCorrupt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "server/semantic/packed_vector.h"
#include "storage/engine/namespace_id.h"

namespace reprise::semantic {

struct VectorRow {
  std::uint64_t id = 0;  // of the entry that it was made for
  PackedVector vector;
};

// FNV-1a: the same on every machine and in every version, for what is kept on disk.
std::uint64_t StableHash(std::string_view text);

std::string FormatVectorRow(const VectorRow& row);
base::Result<VectorRow> ParseVectorRow(std::string_view value);

// In front of an entry's name in the key of its row.
std::string VectorPrefix(std::string_view fingerprint);
// What the names of a namespace's entries begin with.
std::string EntryPrefix(storage::NamespaceId id);
// The snapshot of the index of an embedder's vectors.
std::string FileNameOf(std::string_view fingerprint);

}  // namespace reprise::semantic
