// Identity and keys: which questions are the same question.
//
// The identity is everything besides the prompt that can change the answer. Its canonical form is
// one sequence of bytes for all spellings of the same value: maps sorted by key, numbers in one
// form, text in Unicode's form C. Keys are hashes of (namespace, identity, prompt); the canonical
// bytes are stored with the entry and compared on each hit, so a collision cannot serve a wrong
// answer.
//
// Threads: any. Errors: kBadRequest (duplicate key in a map, NaN, text that is not UTF-8).
// Complexity: O(bytes log items).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "storage/engine/namespace_id.h"

namespace reprise::cache {

// 128 bits of XXH3 under the directory's own secret.
struct KeyHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const KeyHash&) const = default;
  std::array<char, 16> Bytes() const;
  std::string Hex() const;                           // 32 digits
  static KeyHash FromBytes(std::string_view bytes);  // 16 of them
};

// Appends the canonical form of one MessagePack value to `out`.
//
// Same: {"a":1,"b":2} and {"b":2,"a":1}; 1, 1.0 and any width of 1; "é" as one code point and as
// two. Different: 1 and "1", str and bin; bin is compared byte by byte.
base::Status Canonicalize(std::string_view value, std::string& out);

// Makes key hashes. The secret is random for each data directory, so that nobody can choose prompts
// that collide.
class KeyHasher {
 public:
  static constexpr std::size_t kSecretBytes = 192;
  explicit KeyHasher(std::string_view secret);

  // `identity` is canonical. Not the same hash for the same text in the two tiers.
  KeyHash Exact(storage::NamespaceId id, std::string_view identity, std::string_view prompt) const;
  KeyHash Normalized(storage::NamespaceId id, std::string_view identity,
                     std::string_view normalized_prompt) const;
  // Of the identity alone; 0 when there is none.
  std::uint64_t Identity(storage::NamespaceId id, std::string_view identity) const;

 private:
  KeyHash Hash(char tier, storage::NamespaceId id, std::string_view identity,
               std::string_view text) const;

  std::array<char, kSecretBytes> secret_{};
};

}  // namespace reprise::cache
