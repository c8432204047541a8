#include "server/access/registry.h"

#include <algorithm>
#include <charconv>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "protocol/base/ensure.h"
#include "protocol/base/limits.h"
#include "protocol/base/random.h"
#include "server/access/rows.h"

namespace reprise::access {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr std::string_view kKeyStart = "rk_";
constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kSecretBytes = 32;

std::array<std::uint8_t, 32> Sha256(std::string_view text) {
  std::array<std::uint8_t, 32> digest{};
  ENSURE(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return digest;
}

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text.push_back(kDigits[static_cast<std::uint8_t>(byte) >> 4U]);
    text.push_back(kDigits[static_cast<std::uint8_t>(byte) & 15U]);
  }
  return text;
}

// The id in `rk_<id>_<secret>`; 0, which no key has, when the text has another form.
std::uint64_t IdOf(std::string_view key) {
  if (key.size() != kKeyStart.size() + kIdDigits + 1 + 2 * kSecretBytes ||
      !key.starts_with(kKeyStart)) {
    return 0;
  }
  const char* first = key.data() + kKeyStart.size();
  std::uint64_t id = 0;
  const auto parsed = std::from_chars(first, first + kIdDigits, id, 16);
  return parsed.ec == std::errc() && parsed.ptr == first + kIdDigits ? id : 0;
}

// Keys without one that may administer would lock everyone out of administration for good.
template <typename Keys>
base::Status CheckAdministrable(const Keys& keys) {
  const bool somebody = keys.empty() || std::any_of(keys.begin(), keys.end(), [](const auto& item) {
                          return (item.second.permissions & kMayAdminister) != 0;
                        });
  if (!somebody) {
    return Error{Code::kBadRequest,
                 "this would leave access keys of which none has the permission 'admin'; make or "
                 "keep one: KEY.CREATE default {permissions: [\"read\", \"write\", \"admin\"]}"};
  }
  return base::Ok{};
}

}  // namespace

std::vector<std::string_view> NamesOf(std::uint8_t permissions) {
  std::vector<std::string_view> names;
  if ((permissions & kMayRead) != 0) {
    names.emplace_back("read");
  }
  if ((permissions & kMayWrite) != 0) {
    names.emplace_back("write");
  }
  if ((permissions & kMayAdminister) != 0) {
    names.emplace_back("admin");
  }
  return names;
}

base::Result<Permission> PermissionNamed(std::string_view name) {
  if (name == "read") {
    return kMayRead;
  }
  if (name == "write") {
    return kMayWrite;
  }
  if (name == "admin") {
    return kMayAdminister;
  }
  return Error{Code::kBadRequest, "a permission is read, write or admin"};
}

std::string KeyIdText(std::uint64_t id) {
  std::array<char, kIdDigits> digits{};
  digits.fill('0');
  std::array<char, kIdDigits> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), id, 16);
  const auto count = written.ptr - text.data();
  std::copy(text.data(), written.ptr, digits.end() - count);
  return {digits.data(), digits.size()};
}

base::Result<std::uint64_t> KeyIdFrom(std::string_view text) {
  std::uint64_t id = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, id, 16);
  if (text.size() != kIdDigits || parsed.ec != std::errc() || parsed.ptr != end) {
    return Error{Code::kBadRequest, "the id of an access key has 16 hexadecimal digits"};
  }
  return id;
}

base::Status CheckName(std::string_view what, std::string_view name) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool fits = !name.empty() && letter_or_digit(name.front()) &&
                    name.size() <= static_cast<std::size_t>(base::limits::kNameBytes.value) &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return letter_or_digit(c) || c == '.' || c == '_' || c == '-';
                    });
  if (!fits) {
    return Error{Code::kBadRequest,
                 std::string(what) +
                     ": a name has 1 to 64 letters, digits, '.', '_' or '-' and begins with a "
                     "letter or digit"};
  }
  return base::Ok{};
}

base::Result<std::unique_ptr<Registry>> Registry::Load(storage::Store& store) {
  auto tables = std::make_shared<Tables>();
  base::Status bad = base::Ok{};
  const auto read_row = [&](const storage::ScanRow& row) {
    if (row.key.starts_with(kNamespaceRows)) {
      auto parsed = ParseNamespace(row.key, row.value);
      if (!parsed.ok()) {
        bad = parsed.error();
        return false;
      }
      tables->namespaces.emplace(static_cast<std::uint32_t>(parsed.value().id), parsed.value());
    } else if (row.key.starts_with(kAccessKeyRows)) {
      auto parsed = ParseAccessKey(row.key, row.value);
      if (!parsed.ok()) {
        bad = parsed.error();
        return false;
      }
      tables->keys.emplace(parsed.value().id, parsed.value());
    }
    return true;
  };
  storage::ScanRequest all{.family = Family::kMeta, .prefix = "", .after = ""};
  RETURN_IF_ERROR(store.Scan(all, storage::kNever, read_row));
  RETURN_IF_ERROR(std::move(bad));
  std::unique_ptr<Registry> registry(new Registry());
  registry->Install(std::move(tables));
  if (!registry->Find("default").ok()) {
    const auto make_default = [&](storage::Transaction& transaction) -> base::Status {
      RETURN_IF_ERROR(registry->CreateNamespace("default", transaction));
      return base::Ok{};
    };
    RETURN_IF_ERROR(store.Run(make_default));
  }
  return registry;
}

std::shared_ptr<const Registry::Tables> Registry::Get() const {
  base::MutexLock lock(mutex_);
  return tables_;
}

void Registry::Install(std::shared_ptr<const Tables> tables) {
  requires_key_.store(!tables->keys.empty(), std::memory_order_release);
  {
    base::MutexLock lock(mutex_);
    tables_ = std::move(tables);
  }
  version_.fetch_add(1, std::memory_order_acq_rel);
}

void Registry::Publish(std::shared_ptr<const Tables> changed, storage::Transaction& transaction) {
  transaction.RequireSync();
  transaction.OnAbort([this, before = Get()] { Install(before); });
  Install(std::move(changed));
}

base::Result<Principal> Registry::Authenticate(std::string_view key) const {
  const auto tables = Get();
  const auto digest = Sha256(key);
  const auto found = tables->keys.find(IdOf(key));
  const AccessKey unknown;
  const AccessKey& access_key = found == tables->keys.end() ? unknown : found->second;
  const bool equal = CRYPTO_memcmp(digest.data(), access_key.digest.data(), digest.size()) == 0;
  const auto home = tables->namespaces.find(static_cast<std::uint32_t>(access_key.namespace_id));
  if (!equal || found == tables->keys.end() || home == tables->namespaces.end()) {
    return Error{Code::kUnauthenticated, "the access key is not valid"};
  }
  return Principal{access_key.namespace_id, home->second.name, access_key.permissions,
                   access_key.id, access_key.label};
}

std::optional<Principal> Registry::Revalidate(const Principal& principal) const {
  const auto tables = Get();
  if (principal.key_id == 0) {
    return tables->keys.empty() ? std::optional(principal) : std::nullopt;
  }
  const bool home = tables->namespaces.contains(static_cast<std::uint32_t>(principal.namespace_id));
  return home && tables->keys.contains(principal.key_id) ? std::optional(principal) : std::nullopt;
}

base::Result<NamespaceId> Registry::Find(std::string_view name) const {
  for (const auto& [id, entry] : Get()->namespaces) {
    if (entry.name == name) {
      return entry.id;
    }
  }
  return Error{Code::kNotFound, "there is no namespace '" + std::string(name) + "'"};
}

std::vector<Namespace> Registry::Namespaces() const {
  std::vector<Namespace> all;
  for (const auto& [id, entry] : Get()->namespaces) {
    all.push_back(entry);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

std::vector<AccessKey> Registry::Keys() const {
  std::vector<AccessKey> all;
  for (const auto& [id, entry] : Get()->keys) {
    all.push_back(entry);
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.created_at < b.created_at; });
  return all;
}

std::string Registry::NameOf(NamespaceId id) const {
  const auto tables = Get();
  const auto found = tables->namespaces.find(static_cast<std::uint32_t>(id));
  return found == tables->namespaces.end() ? std::string() : found->second.name;
}

base::Result<Namespace> Registry::CreateNamespace(std::string_view name,
                                                  storage::Transaction& transaction) {
  RETURN_IF_ERROR(CheckName("namespace", name));
  if (Find(name).ok()) {
    return Error{Code::kExists, "the namespace '" + std::string(name) + "' exists already"};
  }
  auto changed = std::make_shared<Tables>(*Get());
  if (changed->namespaces.size() >= static_cast<std::size_t>(base::limits::kNamespaces.value)) {
    return Error{Code::kTooLarge, "namespaces: the limit of 1024 is reached"};
  }
  ASSIGN_OR_RETURN(const NamespaceId id, TakeNamespaceId(transaction));
  const Namespace made{id, std::string(name), transaction.now()};
  transaction.Put(Family::kMeta, NamespaceRowKey(id), FormatNamespace(made), storage::kNever);
  changed->namespaces.emplace(static_cast<std::uint32_t>(id), made);
  Publish(std::move(changed), transaction);
  return made;
}

base::Result<Namespace> Registry::DeleteNamespace(std::string_view name,
                                                  storage::Transaction& transaction) {
  ASSIGN_OR_RETURN(const NamespaceId id, Find(name));
  if (id == kDefaultNamespace) {
    return Error{Code::kBadRequest, "the namespace 'default' cannot be removed; FLUSH empties it"};
  }
  auto changed = std::make_shared<Tables>(*Get());
  const Namespace removed = changed->namespaces.at(static_cast<std::uint32_t>(id));
  changed->namespaces.erase(static_cast<std::uint32_t>(id));
  std::vector<std::uint64_t> keys;
  for (const auto& [key_id, entry] : changed->keys) {
    if (entry.namespace_id == id) {
      keys.push_back(key_id);
    }
  }
  for (const std::uint64_t key_id : keys) {
    changed->keys.erase(key_id);
    transaction.Delete(Family::kMeta, AccessKeyRowKey(key_id));
  }
  RETURN_IF_ERROR(CheckAdministrable(changed->keys));
  const auto prefix = PrefixOf(id);
  for (const Family family : {Family::kKeys, Family::kEntries, Family::kVectors,
                              Family::kConversations, Family::kJobs, Family::kLedger}) {
    transaction.DeletePrefix(family, {prefix.data(), prefix.size()});
  }
  transaction.Delete(Family::kMeta, NamespaceRowKey(id));
  Publish(std::move(changed), transaction);
  return removed;
}

base::Result<NewKey> Registry::CreateKey(std::string_view namespace_name, std::uint8_t permissions,
                                         std::string_view label,
                                         storage::Transaction& transaction) {
  ASSIGN_OR_RETURN(const NamespaceId id, Find(namespace_name));
  if (!label.empty()) {
    RETURN_IF_ERROR(CheckName("label", label));
  }
  auto changed = std::make_shared<Tables>(*Get());
  if (changed->keys.size() >= static_cast<std::size_t>(base::limits::kAccessKeys.value)) {
    return Error{Code::kTooLarge, "access_keys: the limit of 16384 is reached"};
  }
  std::string random = base::RandomBytes(8 + kSecretBytes);
  random[0] = static_cast<char>(random[0] | 0x80);  // An id is never 0.
  NewKey made;
  made.text = std::string(kKeyStart) + Hex(random.substr(0, 8)) + "_" + Hex(random.substr(8));
  made.id = IdOf(made.text);
  const AccessKey access_key{
      made.id, id, permissions, std::string(label), transaction.now(), Sha256(made.text)};
  changed->keys.emplace(made.id, access_key);
  RETURN_IF_ERROR(CheckAdministrable(changed->keys));
  transaction.Put(Family::kMeta, AccessKeyRowKey(made.id), FormatAccessKey(access_key),
                  storage::kNever);
  Publish(std::move(changed), transaction);
  return made;
}

base::Status Registry::DeleteKey(std::uint64_t id, storage::Transaction& transaction) {
  auto changed = std::make_shared<Tables>(*Get());
  if (changed->keys.erase(id) == 0) {
    return Error{Code::kNotFound, "there is no access key with this id; KEY.LIST shows them"};
  }
  RETURN_IF_ERROR(CheckAdministrable(changed->keys));
  transaction.Delete(Family::kMeta, AccessKeyRowKey(id));
  Publish(std::move(changed), transaction);
  return base::Ok{};
}

}  // namespace reprise::access
