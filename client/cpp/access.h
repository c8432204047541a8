// AccessCommands: namespaces, and the access keys that open them.
//
// Units: none. Threads: those of the Caller, which must outlive this. Errors: those of caller.h;
// kForbidden without the admin permission, kExists, kNotFound. Repeating: the lists are repeated
// when a connection is lost, the others only when nothing had been sent. Complexity: one round trip
// each. Limits: 1024 namespaces, 16384 access keys, names of 64 bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/caller.h"

namespace reprise::client {

struct KeyOptions {
  std::vector<std::string>
      permissions{};    // of "read", "write", "admin"; empty: the server's default
  std::string label{};  // for people
};
struct AccessKey {
  std::string id{};
  std::string key{};  // of CreateKey only: it is shown once and stored as a hash
  std::string name_space{};
  std::vector<std::string> permissions{};
  std::string label{};
};

class AccessCommands {
 public:
  explicit AccessCommands(Caller& caller) : caller_(caller) {}

  base::Status CreateNamespace(std::string_view name, const CallOptions& call = {});
  base::Result<std::vector<std::string>> ListNamespaces(const CallOptions& call = {});
  // Removes the namespace with its data. The server's answer.
  base::Result<base::Value> DeleteNamespace(std::string_view name, const CallOptions& call = {});

  base::Result<AccessKey> CreateKey(std::string_view name_space, const KeyOptions& options = {},
                                    const CallOptions& call = {});
  base::Result<std::vector<AccessKey>> ListKeys(const CallOptions& call = {});
  // False when there is no such key.
  base::Result<bool> DeleteKey(std::string_view id, const CallOptions& call = {});

 private:
  Caller& caller_;
};

}  // namespace reprise::client
