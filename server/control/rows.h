// Rows: the stored form of server/control (FORMAT.md in this folder), all in the `meta` family.
//
// Threads: any. Errors: kCorrupt when a row cannot be read. Complexity: O(bytes).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/base/result.h"
#include "server/control/book.h"
#include "server/control/watches.h"
#include "storage/engine/namespace_id.h"

namespace reprise::control {

inline constexpr std::string_view kControlRows = "control/";
inline constexpr std::string_view kSecretRow = "control_secret";

// All rows of one namespace begin with it.
std::string RowsPrefix(storage::NamespaceId id);
std::string SettingRowKey(storage::NamespaceId id, Strategy strategy);
std::string OverrideRowKey(storage::NamespaceId id, const OverrideView& key);
std::string GuardrailRowKey(storage::NamespaceId id, std::string_view name);
std::string TripRowKey(storage::NamespaceId id, std::string_view rule);
std::string EvidenceRowKey(storage::NamespaceId id);

std::string FormatSetting(const Setting& setting);
std::string FormatOverride(const Override& item);
std::string FormatGuardrail(const NamespaceGuardrail& item);
std::string FormatTrip(const Trip& trip);
std::string FormatEvidence(const std::vector<Watches::Watch>& watches);

// One monitor of a saved row.
struct SavedMonitor {
  Guardrail rule;
  Strategy strategy = Strategy::kCacheExact;
  MonitorState state;
};

// What a row says. Of a strategy that this version does not know, nothing: std::monostate.
struct SettingRow {
  Strategy strategy = Strategy::kCacheExact;
  Setting setting;
};
struct OverrideRow {
  OverrideKey key;
  Override item;
};
using RowContent = std::variant<std::monostate, SettingRow, OverrideRow, NamespaceGuardrail, Trip,
                                std::vector<SavedMonitor>>;
struct Row {
  storage::NamespaceId namespace_id{0};
  RowContent content;
};
base::Result<Row> ParseRow(std::string_view key, std::string_view value);

}  // namespace reprise::control
