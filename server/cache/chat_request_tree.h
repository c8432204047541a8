// Node: a chat request as a tree that can be changed, and Path, the way to a place in it.
//
// Reading checks what JSON and the cache ask of every value: text is UTF-8, keys are text and stand
// once in their map, numbers are finite. Members of a map are in the order of their canonical
// bytes, whole floats are integers, keys are in Unicode's form C. Text that is a value stays as it
// was given, for the prompt is taken from it, until ComposeText; then two spellings of one value
// have made equal trees, and Encoded is the canonical form of identity.h.
//
// Threads: values. Errors: kBadRequest, kTooLarge (depth, items), each with the path. Complexity:
// reading O(bytes log items), Find O(log members).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "protocol/wire/token.h"
#include "protocol/wire/writer.h"

namespace reprise::cache {

// Where a value stands: request.messages[2].role. Lives on the stack and borrows its parent and its
// key; the text is made only when an error needs it.
class Path {
 public:
  explicit Path(std::string_view root) : key_(root) {}
  // The path of a member, or of an item.
  Path operator[](std::string_view key) const { return Path(this, key, 0); }
  Path operator[](std::size_t item) const { return Path(this, {}, item); }

  int depth() const { return depth_; }
  std::string Text() const;
  base::Error Bad(std::string_view what) const;  // kBadRequest: "request.model: ..."
  base::Error TooLarge(std::string_view what) const;

 private:
  Path(const Path* parent, std::string_view key, std::size_t item)
      : parent_(parent), key_(key), item_(item), depth_(parent->depth_ + 1) {}

  const Path* parent_ = nullptr;
  std::string_view key_;  // empty data: an item
  std::size_t item_ = 0;
  int depth_ = 0;
};

struct Member;

struct Node {
  wire::Kind kind = wire::Kind::kNil;
  std::uint64_t bits = 0;       // kBool, kUint, kInt, kFloat: as in wire::Token
  std::string text;             // kStr, kBin
  std::vector<Node> items;      // kArray
  std::vector<Member> members;  // kMap

  static Node Bool(bool value);
  static Node Uint(std::uint64_t value);
  static Node Str(std::string_view text);
  static Node Bin(std::string bytes);
  static Node Array(std::vector<Node> items);
  static Node Map(std::vector<Member> members);  // in any order

  bool IsNil() const { return kind == wire::Kind::kNil; }
  bool IsStr() const { return kind == wire::Kind::kStr; }
  bool IsArray() const { return kind == wire::Kind::kArray; }
  bool IsMap() const { return kind == wire::Kind::kMap; }
  bool IsTrue() const { return kind == wire::Kind::kBool && bits == 1; }
  bool IsNumber(std::uint64_t value) const;
  // Text at a key of this map; empty when there is none.
  std::string_view TextAt(std::string_view key) const;

  // The member's value, or null when this is no map or has none.
  const Node* Find(std::string_view key) const;
  Node* Find(std::string_view key);
  // Puts a member in, or in place of the one that is there. This must be a map.
  void Set(std::string_view key, Node value);
  void Erase(std::string_view key);

  void Write(wire::Writer& writer) const;
  std::string Encoded() const;
};

struct Member {
  std::string key;
  Node value;
};

// All of `bytes` must be one value.
base::Result<Node> ReadTree(std::string_view bytes, const Path& path);

// Brings all text of the tree, which must be UTF-8, into form C (server/text/nfc.h).
void ComposeText(Node& node);

// For an error: "uint found".
std::string FoundIn(const Node& node);
// A name from the request for an error: in quotes, at most 64 bytes of it.
std::string Quoted(std::string_view name);

}  // namespace reprise::cache
