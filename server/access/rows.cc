#include "server/access/rows.h"

#include <algorithm>
#include <charconv>

#include "protocol/wire/decode.h"

namespace reprise::access {
namespace {

using base::Value;

constexpr std::string_view kNextNamespaceRow = "next_namespace";

base::Error Corrupt(std::string_view key) {
  return {base::Code::kCorrupt, "the meta row '" + std::string(key) + "' cannot be read"};
}

std::string Number(std::uint64_t number) {
  return std::to_string(number);
}

// The number behind the prefix of a row's key.
base::Result<std::uint64_t> NumberIn(std::string_view key, std::string_view prefix) {
  std::uint64_t number = 0;
  const std::string_view digits = key.substr(prefix.size());
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) {
    return Corrupt(key);
  }
  return number;
}

}  // namespace

std::string NamespaceRowKey(NamespaceId id) {
  return std::string(kNamespaceRows) + Number(static_cast<std::uint32_t>(id));
}

std::string AccessKeyRowKey(std::uint64_t id) {
  return std::string(kAccessKeyRows) + Number(id);
}

std::string FormatNamespace(const Namespace& row) {
  return wire::Encode(Value::Map{{"name", row.name}, {"created_at", base::ToInt(row.created_at)}});
}

base::Result<Namespace> ParseNamespace(std::string_view key, std::string_view value) {
  ASSIGN_OR_RETURN(const std::uint64_t id, NumberIn(key, kNamespaceRows));
  const auto map = wire::Decode(value);
  if (!map.ok()) {
    return Corrupt(key);
  }
  const Value* name = map.value().Find("name");
  const Value* created = map.value().Find("created_at");
  if (name == nullptr || !name->AsText() || created == nullptr || !created->AsInt()) {
    return Corrupt(key);
  }
  return Namespace{NamespaceId{static_cast<std::uint32_t>(id)}, std::string(*name->AsText()),
                   base::UnixMillis{*created->AsInt()}};
}

std::string FormatAccessKey(const AccessKey& row) {
  const std::string digest(row.digest.begin(), row.digest.end());
  return wire::Encode(Value::Map{{"namespace", static_cast<std::uint32_t>(row.namespace_id)},
                                 {"permissions", row.permissions},
                                 {"label", row.label},
                                 {"created_at", base::ToInt(row.created_at)},
                                 {"sha256", base::Binary{digest}}});
}

base::Result<AccessKey> ParseAccessKey(std::string_view key, std::string_view value) {
  AccessKey row;
  ASSIGN_OR_RETURN(row.id, NumberIn(key, kAccessKeyRows));
  const auto map = wire::Decode(value);
  if (!map.ok()) {
    return Corrupt(key);
  }
  const Value* home = map.value().Find("namespace");
  const Value* permissions = map.value().Find("permissions");
  const Value* label = map.value().Find("label");
  const Value* created = map.value().Find("created_at");
  const Value* digest = map.value().Find("sha256");
  if (home == nullptr || !home->AsUint() || permissions == nullptr || !permissions->AsUint() ||
      label == nullptr || !label->AsText() || created == nullptr || !created->AsInt() ||
      digest == nullptr || !digest->AsText() || digest->AsText()->size() != row.digest.size()) {
    return Corrupt(key);
  }
  row.namespace_id = NamespaceId{static_cast<std::uint32_t>(*home->AsUint())};
  row.permissions = static_cast<std::uint8_t>(*permissions->AsUint());
  row.label = *label->AsText();
  row.created_at = base::UnixMillis{*created->AsInt()};
  std::copy(digest->AsText()->begin(), digest->AsText()->end(), row.digest.begin());
  return row;
}

base::Result<NamespaceId> TakeNamespaceId(storage::Transaction& transaction) {
  ASSIGN_OR_RETURN(const auto stored, transaction.Get(storage::Family::kMeta, kNextNamespaceRow));
  std::uint64_t next = static_cast<std::uint64_t>(kDefaultNamespace);
  if (stored.has_value()) {
    const auto value = wire::Decode(stored->value());
    if (!value.ok() || !value.value().AsUint()) {
      return Corrupt(kNextNamespaceRow);
    }
    next = *value.value().AsUint();
  }
  transaction.Put(storage::Family::kMeta, kNextNamespaceRow, wire::Encode(Value(next + 1)),
                  storage::kNever);
  return NamespaceId{static_cast<std::uint32_t>(next)};
}

}  // namespace reprise::access
