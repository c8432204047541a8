// Registry: namespaces (tenants) and access keys; who a connection is and what it may do.
//
// An access key reads `rk_<id>_<secret>`: 64 bit of id, 256 random bit of secret. Only the SHA-256
// of the whole key is stored. Rows stand in the `meta` family (FORMAT.md). While no key exists at
// all, every client is in namespace `default` with every permission; with the first key, each
// connection must AUTH.
//
// Threads: reads from any thread (a mutex that is a leaf); changes inside a transaction. A change
// is in force when its command replies. Errors: kUnauthenticated, kNotFound, kExists, kTooLarge,
// kBadRequest. Complexity: O(1) each; List* are linear. Limits: kNamespaces, kAccessKeys,
// kNameBytes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "storage/engine/namespace_id.h"
#include "storage/engine/store.h"

namespace reprise::access {

using storage::kDefaultNamespace;
using storage::NamespaceId;
using storage::PrefixOf;

// Bits of a permission set.
enum Permission : std::uint8_t {
  kMayRead = 1U << 0U,
  kMayWrite = 1U << 1U,
  kMayAdminister = 1U << 2U,  // server commands, namespaces, keys, configuration
};
inline constexpr std::uint8_t kAllPermissions = kMayRead | kMayWrite | kMayAdminister;

// "read", "write", "admin" for the bits that are set.
std::vector<std::string_view> NamesOf(std::uint8_t permissions);
base::Result<Permission> PermissionNamed(std::string_view name);

// Letters, digits, '.', '_' and '-', at most kNameBytes, beginning with a letter or digit.
base::Status CheckName(std::string_view what, std::string_view name);

// Ids of access keys as people see them: 16 hexadecimal digits.
std::string KeyIdText(std::uint64_t id);
base::Result<std::uint64_t> KeyIdFrom(std::string_view text);

// Who a connection acts as.
struct Principal {
  NamespaceId namespace_id = kDefaultNamespace;
  std::string namespace_name = "default";
  std::uint8_t permissions = kAllPermissions;
  std::uint64_t key_id = 0;  // 0: no access key was needed
  std::string key_label{};   // may be empty
};

struct Namespace {
  NamespaceId id;
  std::string name;
  base::UnixMillis created_at;
};

struct AccessKey {
  std::uint64_t id = 0;
  NamespaceId namespace_id = kDefaultNamespace;
  std::uint8_t permissions = 0;
  std::string label;
  base::UnixMillis created_at{0};
  std::array<std::uint8_t, 32> digest{};  // SHA-256 of the key
};

// A new key; the only time that its text exists.
struct NewKey {
  std::uint64_t id = 0;
  std::string text;
};

class Registry {
 public:
  // Reads the rows of a store that was just opened; makes `default` when there is none.
  static base::Result<std::unique_ptr<Registry>> Load(storage::Store& store);

  // True once any access key exists.
  bool RequiresKey() const { return requires_key_.load(std::memory_order_acquire); }
  // Grows with every change; a session whose copy is older asks Revalidate.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // Takes the same time for an unknown key as for a wrong one.
  base::Result<Principal> Authenticate(std::string_view key) const;
  // The principal as it is now, or nothing when its key or namespace has gone.
  std::optional<Principal> Revalidate(const Principal& principal) const;

  base::Result<NamespaceId> Find(std::string_view name) const;
  std::vector<Namespace> Namespaces() const;
  std::vector<AccessKey> Keys() const;
  std::string NameOf(NamespaceId id) const;

  base::Result<Namespace> CreateNamespace(std::string_view name, storage::Transaction& transaction);
  // Removes the namespace, its access keys and its rows in every family. `default` cannot be
  // removed.
  base::Result<Namespace> DeleteNamespace(std::string_view name, storage::Transaction& transaction);
  base::Result<NewKey> CreateKey(std::string_view namespace_name, std::uint8_t permissions,
                                 std::string_view label, storage::Transaction& transaction);
  base::Status DeleteKey(std::uint64_t id, storage::Transaction& transaction);

 private:
  using NamespaceTable = std::unordered_map<std::uint32_t, Namespace>;
  using KeyTable = std::unordered_map<std::uint64_t, AccessKey>;
  struct Tables {
    NamespaceTable namespaces;
    KeyTable keys;
  };

  Registry() = default;
  std::shared_ptr<const Tables> Get() const;
  // Publishes `changed`, and takes it back when the transaction's commit fails.
  void Publish(std::shared_ptr<const Tables> changed, storage::Transaction& transaction);
  void Install(std::shared_ptr<const Tables> tables);

  mutable base::Mutex mutex_;
  std::shared_ptr<const Tables> tables_ GUARDED_BY(mutex_);
  std::atomic<bool> requires_key_{false};
  std::atomic<std::uint64_t> version_{1};
};

}  // namespace reprise::access
