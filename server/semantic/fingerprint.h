// FingerprintHash: short for an embedder's fingerprint, in the names of rows and of files.
//
// Whatever one embedder has made or judged carries it: vectors of two embedders are never compared,
// and evidence of one says nothing of another. Threads: any; values. Errors: none. Limits: 64 bits,
// which an operator's few embedders do not collide in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace reprise::semantic {

enum class FingerprintHash : std::uint64_t {};

// FNV-1a: the same on every machine and in every version, for what is kept on disk.
std::uint64_t StableHash(std::string_view text);
FingerprintHash HashOf(std::string_view fingerprint);
// 16 hexadecimal digits.
std::string HexOf(FingerprintHash hash);

}  // namespace reprise::semantic
