#include "server/cache/chat_request_content.h"

#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/base/ensure.h"
#include "server/cache/chat_request_json.h"

namespace reprise::cache {
namespace {

constexpr std::string_view kText = "text";

bool IsTextPart(const Node& part) {
  const std::string_view type = part.TextAt("type");
  return type == "text" || type == "input_text" || type == "output_text";
}

constexpr std::uint8_t kNoDigit = 64;

// The value of each letter in base64; its two alphabets differ in the last two letters.
constexpr std::array<std::uint8_t, 256> Base64Digits() {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  digits['-'] = digits['+'];
  digits['_'] = digits['/'];
  return digits;
}

// Base64 in either alphabet, with or without padding and line breaks; absent when it is neither.
std::optional<std::string> FromBase64(std::string_view text) {
  static constexpr std::array<std::uint8_t, 256> kDigits = Base64Digits();
  while (!text.empty() && (text.back() == '=' || text.back() == '\n' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char letter : text) {
    if (letter == '\n' || letter == '\r') {
      continue;
    }
    const std::uint8_t digit = kDigits[static_cast<std::uint8_t>(letter)];
    if (digit == kNoDigit) {
      return std::nullopt;
    }
    group = group << 6U | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>(group >> bits & 255U));
    }
  }
  return bits == 6 || (group & ((1U << bits) - 1U)) != 0 ? std::nullopt
                                                         : std::optional(std::move(bytes));
}

// What was hashed is part of the name: an address and a text that spells it stay two things.
Node Hash(std::string_view what, std::string_view bytes) {
  return Node::Map({{"sha256_of_" + std::string(what), Node::Bin(Sha256(bytes))}});
}

Node HashBase64(std::string_view text) {
  const std::optional<std::string> bytes = FromBase64(text);
  return bytes.has_value() ? Hash("bytes", *bytes) : Hash("text", text);
}

// data:image/png;base64,iVBOR... or the address of something elsewhere.
Node HashAddress(std::string_view address) {
  constexpr std::string_view kData = "data:";
  constexpr std::string_view kBase64 = ";base64";
  const std::size_t comma = address.find(',');
  if (!address.starts_with(kData) || comma == std::string_view::npos) {
    return Hash("url", address);
  }
  std::string_view head = address.substr(kData.size(), comma - kData.size());
  if (!head.ends_with(kBase64)) {
    return Hash("url", address);
  }
  head.remove_suffix(kBase64.size());
  Node hashed = HashBase64(address.substr(comma + 1));
  hashed.Set("media_type", Node::Str(head));
  return hashed;
}

void HashMember(Node& map, std::string_view key, Node (*hash)(std::string_view)) {
  Node* value = map.Find(key);
  if (value == nullptr) {
    return;
  }
  if (value->kind == wire::Kind::kBin) {
    *value = Hash("bytes", value->text);
  } else if (value->IsStr()) {
    *value = value->text.starts_with("data:") ? HashAddress(value->text) : hash(value->text);
  }
}

Node HashText(std::string_view text) {
  Node composed = Node::Str(text);
  ComposeText(composed);
  return Hash(kText, composed.text);
}

// Anthropic's {type: "base64" | "url" | "text" | "content" | "file", ...}.
base::Status HashSource(Node& source, const Path& path) {
  DropNulls(source);
  HashMember(source, "data", source.TextAt("type") == "base64" ? HashBase64 : HashText);
  HashMember(source, "url", HashAddress);
  if (Node* content = source.Find("content"); content != nullptr) {
    return NormalizeContent(*content, path["content"]);
  }
  return base::Ok{};
}

// Wherever the three shapes put bytes or addresses of attachments.
base::Status HashAttachments(Node& part, const Path& path) {
  HashMember(part, "image_url", HashAddress);
  HashMember(part, "file_url", HashAddress);
  HashMember(part, "file_data", HashBase64);
  for (const std::string_view holder : {"image_url", "video_url", "input_audio", "file"}) {
    if (Node* inner = part.Find(holder); inner != nullptr && inner->IsMap()) {
      DropNulls(*inner);
      HashMember(*inner, "url", HashAddress);
      HashMember(*inner, "data", HashBase64);
      HashMember(*inner, "file_data", HashBase64);
      if (inner->TextAt("detail") == "auto") {
        inner->Erase("detail");
      }
    }
  }
  if (part.TextAt("detail") == "auto") {
    part.Erase("detail");
  }
  if (Node* source = part.Find("source"); source != nullptr && source->IsMap()) {
    return HashSource(*source, path["source"]);
  }
  return base::Ok{};
}

base::Status NormalizePart(Node& part, const Path& path) {
  RETURN_IF_ERROR(ExpectMap(part, path));
  DropNulls(part);
  const Node* type = part.Find("type");
  if (type == nullptr) {
    return path["type"].Bad("missing; a content part is a map with a type");
  }
  if (!type->IsStr() || type->text.empty()) {
    return path["type"].Bad(FoundIn(*type) + ", the name of a type expected");
  }
  if (IsTextPart(part)) {
    const Node* text = part.Find(kText);
    if (text == nullptr) {
      return path["text"].Bad("missing");
    }
    if (!text->IsStr()) {
      return path["text"].Bad(FoundIn(*text) + ", text expected");
    }
    if (part.members.size() == 2) {
      part = Node::Str(std::string(text->text));
    }
    return base::Ok{};
  }
  if (part.TextAt("type") == "tool_result") {
    if (Node* content = part.Find("content"); content != nullptr) {
      RETURN_IF_ERROR(NormalizeContent(*content, path["content"]));
    }
    if (const Node* failed = part.Find("is_error");
        failed != nullptr && failed->kind == wire::Kind::kBool && !failed->IsTrue()) {
      part.Erase("is_error");
    }
  }
  return HashAttachments(part, path);
}

// The canonical form of a member that holds JSON as text.
base::Status NormalizeJsonText(Node& map, std::string_view key, const Path& path) {
  Node* json = map.Find(key);
  if (json == nullptr || !json->IsStr()) {
    return base::Ok{};
  }
  auto canonical = CanonicalJsonObject(json->text);
  if (!canonical.ok()) {
    return path[key].Bad(canonical.error().detail);
  }
  if (canonical.value().has_value()) {
    json->text = *std::move(canonical).value();
  }
  return base::Ok{};
}

base::Status NormalizeFunction(Node* function, const Path& path) {
  if (function == nullptr) {
    return base::Ok{};
  }
  RETURN_IF_ERROR(ExpectMap(*function, path));
  DropNulls(*function);
  return NormalizeJsonText(*function, "arguments", path);
}

base::Status NormalizeCalls(Node& message, const Path& path) {
  RETURN_IF_ERROR(NormalizeFunction(message.Find("function_call"), path["function_call"]));
  Node* calls = message.Find("tool_calls");
  if (calls == nullptr) {
    return base::Ok{};
  }
  const Path calls_path = path["tool_calls"];
  RETURN_IF_ERROR(ExpectArray(*calls, calls_path));
  for (std::size_t i = 0; i < calls->items.size(); ++i) {
    const Path call_path = calls_path[i];
    Node& call = calls->items[i];
    RETURN_IF_ERROR(ExpectMap(call, call_path));
    DropNulls(call);
    RETURN_IF_ERROR(NormalizeFunction(call.Find("function"), call_path["function"]));
  }
  return base::Ok{};
}

bool HasName(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::size_t comma = names.find(", ");
    if (names.substr(0, comma) == name) {
      return true;
    }
    names = comma == std::string_view::npos ? std::string_view() : names.substr(comma + 2);
  }
  return false;
}

base::Status CheckRole(const Node& message, std::string_view roles, const Path& path) {
  const Node* role = message.Find("role");
  if (role == nullptr) {
    return path["role"].Bad("missing; it is one of " + std::string(roles));
  }
  if (!role->IsStr()) {
    return path["role"].Bad(std::string(wire::NameOf(role->kind)) + " found, text expected");
  }
  if (!HasName(roles, role->text)) {
    return path["role"].Bad(Quoted(role->text) + " is not one of " + std::string(roles));
  }
  return base::Ok{};
}

}  // namespace

std::string Sha256(std::string_view bytes) {
  constexpr std::size_t kBytes = 32;
  std::array<unsigned char, kBytes> digest{};
  ENSURE(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) ==
         1);
  return {digest.begin(), digest.end()};
}

void DropNulls(Node& map) {
  std::erase_if(map.members, [](const Member& member) {
    return member.value.IsNil() || member.key == "cache_control";
  });
}

base::Status ExpectMap(const Node& node, const Path& path) {
  if (!node.IsMap()) {
    return path.Bad(std::string(wire::NameOf(node.kind)) + " found, a map expected");
  }
  return base::Ok{};
}

base::Status ExpectArray(const Node& node, const Path& path) {
  if (!node.IsArray()) {
    return path.Bad(std::string(wire::NameOf(node.kind)) + " found, an array expected");
  }
  return base::Ok{};
}

base::Status NormalizeContent(Node& content, const Path& path) {
  if (content.IsStr()) {
    return base::Ok{};
  }
  if (!content.IsArray()) {
    return path.Bad(std::string(wire::NameOf(content.kind)) +
                    " found, text or an array of parts expected");
  }
  for (std::size_t i = 0; i < content.items.size(); ++i) {
    RETURN_IF_ERROR(NormalizePart(content.items[i], path[i]));
  }
  if (content.items.size() == 1 && content.items.front().IsStr()) {
    content = Node::Str(std::string(content.items.front().text));
  }
  return base::Ok{};
}

base::Status NormalizeMessage(Node& message, std::string_view roles, const Path& path) {
  RETURN_IF_ERROR(ExpectMap(message, path));
  DropNulls(message);
  RETURN_IF_ERROR(CheckRole(message, roles, path));
  if (Node* content = message.Find("content"); content != nullptr) {
    RETURN_IF_ERROR(NormalizeContent(*content, path["content"]));
  }
  return NormalizeCalls(message, path);
}

base::Status NormalizeItem(Node& item, std::string_view roles, const Path& path) {
  RETURN_IF_ERROR(ExpectMap(item, path));
  DropNulls(item);
  const std::string_view type = item.TextAt("type");
  if (type == "message" || (type.empty() && item.Find("role") != nullptr)) {
    item.Erase("type");
    return NormalizeMessage(item, roles, path);
  }
  if (type.empty() && item.TextAt("id").empty()) {
    return path.Bad("no role and no type; an item is a message or says what else it is");
  }
  if (Node* output = item.Find("output"); output != nullptr && output->IsArray()) {
    RETURN_IF_ERROR(NormalizeContent(*output, path["output"]));
  } else if (output != nullptr && output->IsMap()) {
    RETURN_IF_ERROR(HashAttachments(*output, path["output"]));
  }
  return NormalizeJsonText(item, "arguments", path);
}

// The mark of the only text is `true`; of several texts, how many lines each has, so that ["a\nb",
// "c"] and ["a", "b\nc"], which join to the same prompt, stay different.
std::string TakeText(Node& message) {
  Node* content = message.Find("content");
  if (content == nullptr) {
    return {};
  }
  std::vector<Node*> texts;
  if (content->IsStr()) {
    texts.push_back(content);
  }
  for (Node& part : content->items) {
    Node* text = part.IsStr() ? &part : IsTextPart(part) ? part.Find(kText) : nullptr;
    if (text != nullptr) {
      texts.push_back(text);
    }
  }
  const bool has_text =
      std::any_of(texts.begin(), texts.end(), [](const Node* text) { return !text->text.empty(); });
  if (!has_text) {
    return {};
  }
  std::string joined;
  for (Node* text : texts) {
    if (text != texts.front()) {
      joined.push_back('\n');
    }
    joined.append(text->text);
    const auto breaks = std::count(text->text.begin(), text->text.end(), '\n');
    *text =
        texts.size() == 1 ? Node::Bool(true) : Node::Uint(static_cast<std::uint64_t>(breaks) + 1);
  }
  return joined;
}

}  // namespace reprise::cache
