// The stored form of namespaces and access keys: rows of the `meta` family (FORMAT.md in this
// folder).
//
// Threads: any. Errors: kCorrupt when a row cannot be read.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "server/access/registry.h"

namespace reprise::access {

inline constexpr std::string_view kNamespaceRows = "namespace/";
inline constexpr std::string_view kAccessKeyRows = "access_key/";

std::string NamespaceRowKey(NamespaceId id);
std::string AccessKeyRowKey(std::uint64_t id);

std::string FormatNamespace(const Namespace& row);
base::Result<Namespace> ParseNamespace(std::string_view key, std::string_view value);
std::string FormatAccessKey(const AccessKey& row);
base::Result<AccessKey> ParseAccessKey(std::string_view key, std::string_view value);

// The next id; ids are never used twice, so that what a removed namespace left cannot come back.
base::Result<NamespaceId> TakeNamespaceId(storage::Transaction& transaction);

}  // namespace reprise::access
