#include "server/cache/chat_request_tree.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

#include "protocol/base/buffer.h"
#include "protocol/base/ensure.h"
#include "protocol/base/limits.h"
#include "protocol/wire/reader.h"
#include "server/text/nfc.h"
#include "server/text/normalize.h"

namespace reprise::cache {
namespace {

using base::limits::kContainerItems;
using base::limits::kDepth;
using base::limits::kFrameItems;
using wire::Kind;

constexpr std::size_t kShownBytes = 64;

// As their canonical bytes: the header of a str holds its length, so the shorter key comes first.
bool KeyComesBefore(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

bool MemberComesBefore(const Member& a, const Member& b) {
  return KeyComesBefore(a.key, b.key);
}

// Cut between two code points, so that an error is UTF-8 as well.
std::string_view Shown(std::string_view text) {
  if (text.size() <= kShownBytes) {
    return text;
  }
  std::size_t end = kShownBytes;
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xc0U) == 0x80U) {
    --end;
  }
  return text.substr(0, end);
}

// A whole number has one form, whatever its type was: 2^53, 2^53 as a double, 2^53 in 64 bits.
void SetNumber(double number, Node& node) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (std::trunc(number) == number && number >= 0 && number < 2 * kTwoTo63) {
    node.kind = Kind::kUint;
    node.bits = static_cast<std::uint64_t>(number);
  } else if (std::trunc(number) == number && number < 0 && number >= -kTwoTo63) {
    node.kind = Kind::kInt;
    node.bits = static_cast<std::uint64_t>(static_cast<std::int64_t>(number));
  } else {
    node.kind = Kind::kFloat;
    node.bits = std::bit_cast<std::uint64_t>(number);
  }
}

// A float of 32 bits means the shortest decimal that it stands for: 0.7F is 0.7, not
// 0.699999988079071.
double Meant(const wire::Token& token) {
  constexpr std::uint8_t kFloat32HeaderBytes = 5;
  if (token.header_bytes != kFloat32HeaderBytes || !std::isfinite(token.AsDouble())) {
    return token.AsDouble();
  }
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), static_cast<float>(token.AsDouble()));
  double number = 0;
  std::from_chars(text.data(), end.ptr, number);
  return number;
}

class TreeReader {
 public:
  explicit TreeReader(std::string_view bytes) : reader_(bytes) {}

  base::Status Read(const Path& path, Node& node);
  bool AtEnd() const { return reader_.AtEnd(); }

 private:
  base::Status CheckRoom(const wire::Token& token, const Path& path);
  base::Status ReadItems(std::uint32_t count, const Path& path, Node& node);
  base::Status ReadMembers(std::uint32_t count, const Path& path, Node& node);

  wire::Reader reader_;
  std::int64_t values_ = 0;
  std::string scratch_;
};

base::Status TreeReader::CheckRoom(const wire::Token& token, const Path& path) {
  if (path.depth() >= kDepth.value) {
    return path.TooLarge("nested deeper than the limit of " + std::to_string(kDepth.value));
  }
  if (token.length > kContainerItems.value) {
    return path.TooLarge(std::to_string(token.length) + " items are more than the limit of " +
                         std::to_string(kContainerItems.value));
  }
  return base::Ok{};
}

base::Status TreeReader::ReadItems(std::uint32_t count, const Path& path, Node& node) {
  for (std::uint32_t i = 0; i < count; ++i) {
    RETURN_IF_ERROR(Read(path[std::size_t{i}], node.items.emplace_back()));
  }
  return base::Ok{};
}

base::Status TreeReader::ReadMembers(std::uint32_t count, const Path& path, Node& node) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto key = reader_.Str();
    if (!key.ok()) {
      return path.Bad("a key: " + key.error().detail);
    }
    const auto composed = text::Nfc(key.value(), scratch_);
    if (!composed.ok()) {
      return path.Bad("a key is not valid UTF-8");
    }
    Member& member = node.members.emplace_back();
    member.key = composed.value();
    RETURN_IF_ERROR(Read(path[key.value()], member.value));
  }
  std::sort(node.members.begin(), node.members.end(), MemberComesBefore);
  const auto twice =
      std::adjacent_find(node.members.begin(), node.members.end(),
                         [](const Member& a, const Member& b) { return a.key == b.key; });
  if (twice != node.members.end()) {
    return path[twice->key].Bad("the key stands twice in its map");
  }
  return base::Ok{};
}

base::Status TreeReader::Read(const Path& path, Node& node) {
  const std::string_view before = reader_.Rest();
  const auto next = reader_.Next();
  if (!next.ok()) {
    return path.Bad(next.error().detail);
  }
  const wire::Token& token = next.value();
  if (++values_ > kFrameItems.value) {
    return path.TooLarge("more values than the limit of " + std::to_string(kFrameItems.value));
  }
  node.kind = token.kind;
  node.bits = token.bits;
  switch (token.kind) {
    case Kind::kNil:
    case Kind::kBool:
    case Kind::kUint:
      return base::Ok{};
    case Kind::kInt:
      node.kind = token.AsInt() >= 0 ? Kind::kUint : Kind::kInt;
      return base::Ok{};
    case Kind::kFloat:
      if (!std::isfinite(token.AsDouble())) {
        return path.Bad("not a number that JSON has (NaN, or beyond what a double can hold)");
      }
      SetNumber(Meant(token), node);
      return base::Ok{};
    case Kind::kStr:
      node.text = before.substr(token.header_bytes, token.length);
      if (const auto valid = text::CheckUtf8(node.text); !valid.ok()) {
        return path.Bad(valid.error().detail);
      }
      return base::Ok{};
    case Kind::kBin:
      node.text = before.substr(token.header_bytes, token.length);
      return base::Ok{};
    case Kind::kExt:
      return path.Bad("an ext value has no meaning in a chat request");
    case Kind::kArray:
      RETURN_IF_ERROR(CheckRoom(token, path));
      return ReadItems(token.length, path, node);
    case Kind::kMap:
      RETURN_IF_ERROR(CheckRoom(token, path));
      return ReadMembers(token.length, path, node);
  }
  return base::Ok{};
}

}  // namespace

std::string Path::Text() const {
  if (parent_ == nullptr) {
    return std::string(key_);
  }
  if (key_.data() == nullptr) {
    return parent_->Text() + "[" + std::to_string(item_) + "]";
  }
  return parent_->Text() + "." + std::string(Shown(key_));
}

base::Error Path::Bad(std::string_view what) const {
  return {base::Code::kBadRequest, Text() + ": " + std::string(what)};
}

base::Error Path::TooLarge(std::string_view what) const {
  return {base::Code::kTooLarge, Text() + ": " + std::string(what)};
}

Node Node::Bool(bool value) {
  Node node;
  node.kind = Kind::kBool;
  node.bits = value ? 1 : 0;
  return node;
}

Node Node::Uint(std::uint64_t value) {
  Node node;
  node.kind = Kind::kUint;
  node.bits = value;
  return node;
}

Node Node::Str(std::string_view text) {
  Node node;
  node.kind = Kind::kStr;
  node.text = text;
  return node;
}

Node Node::Bin(std::string bytes) {
  Node node;
  node.kind = Kind::kBin;
  node.text = std::move(bytes);
  return node;
}

Node Node::Array(std::vector<Node> items) {
  Node node;
  node.kind = Kind::kArray;
  node.items = std::move(items);
  return node;
}

Node Node::Map(std::vector<Member> members) {
  Node node;
  node.kind = Kind::kMap;
  node.members = std::move(members);
  std::sort(node.members.begin(), node.members.end(), MemberComesBefore);
  return node;
}

bool Node::IsNumber(std::uint64_t value) const {
  return kind == Kind::kUint && bits == value;
}

std::string_view Node::TextAt(std::string_view key) const {
  const Node* found = Find(key);
  return found != nullptr && found->IsStr() ? std::string_view(found->text) : std::string_view();
}

const Node* Node::Find(std::string_view key) const {
  const auto at = std::lower_bound(members.begin(), members.end(), key,
                                   [](const Member& member, std::string_view wanted) {
                                     return KeyComesBefore(member.key, wanted);
                                   });
  return at != members.end() && at->key == key ? &at->value : nullptr;
}

Node* Node::Find(std::string_view key) {
  return const_cast<Node*>(std::as_const(*this).Find(key));
}

void Node::Set(std::string_view key, Node value) {
  ENSURE(IsMap());
  if (Node* found = Find(key); found != nullptr) {
    *found = std::move(value);
    return;
  }
  Member member{std::string(key), std::move(value)};
  members.insert(std::upper_bound(members.begin(), members.end(), member, MemberComesBefore),
                 std::move(member));
}

void Node::Erase(std::string_view key) {
  std::erase_if(members, [key](const Member& member) { return member.key == key; });
}

void Node::Write(wire::Writer& writer) const {
  switch (kind) {
    case Kind::kNil:
    case Kind::kExt:  // never read
      return writer.Nil();
    case Kind::kBool:
      return writer.Bool(bits == 1);
    case Kind::kUint:
      return writer.Uint(bits);
    case Kind::kInt:
      return writer.Int(static_cast<std::int64_t>(bits));
    case Kind::kFloat:
      return writer.Double(std::bit_cast<double>(bits));
    case Kind::kStr:
      return writer.Str(text);
    case Kind::kBin:
      return writer.Bin(text);
    case Kind::kArray:
      writer.Array(items.size());
      for (const Node& item : items) {
        item.Write(writer);
      }
      return;
    case Kind::kMap:
      writer.Map(members.size());
      for (const Member& member : members) {
        writer.Str(member.key);
        member.value.Write(writer);
      }
      return;
  }
}

std::string Node::Encoded() const {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  Write(writer);
  return std::string(buffer.view());
}

base::Result<Node> ReadTree(std::string_view bytes, const Path& path) {
  TreeReader reader(bytes);
  Node root;
  RETURN_IF_ERROR(reader.Read(path, root));
  if (!reader.AtEnd()) {
    return path.Bad("bytes follow the value");
  }
  return root;
}

void ComposeText(Node& node) {
  if (node.IsStr()) {
    std::string scratch;
    const auto composed = text::Nfc(node.text, scratch);
    ENSURE(composed.ok());
    if (composed.value().data() != node.text.data()) {
      node.text = std::move(scratch);
    }
  }
  for (Node& item : node.items) {
    ComposeText(item);
  }
  for (Member& member : node.members) {
    ComposeText(member.value);
  }
}

std::string FoundIn(const Node& node) {
  const bool is_empty = node.IsStr() && node.text.empty();
  return (is_empty ? "empty text" : std::string(wire::NameOf(node.kind))) + " found";
}

std::string Quoted(std::string_view name) {
  return "'" + std::string(Shown(name)) + "'";
}

}  // namespace reprise::cache
