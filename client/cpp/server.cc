#include "client/cpp/server.h"

#include "client/cpp/fields.h"

namespace reprise::client {
namespace {

using base::Value;

Value::Array OptionalText(std::string_view text) {
  return text.empty() ? Value::Array{} : Value::Array{text};
}

}  // namespace

base::Result<Value> ServerCommands::Info(std::string_view section, const CallOptions& call) {
  return caller_.Call("INFO", OptionalText(section), call);
}

base::Result<std::map<std::string, Value>> ServerCommands::ConfigGet(std::string_view prefix,
                                                                     const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CONFIG.GET", OptionalText(prefix), call));
  ASSIGN_OR_RETURN(const Value::Map* pairs, ExpectMap(reply, "CONFIG.GET"));
  std::map<std::string, Value> values;
  for (const auto& [name, value] : *pairs) {
    values.emplace(name.AsText().value_or(""), value);
  }
  return values;
}

base::Status ServerCommands::ConfigSet(std::string_view name, const Value& value,
                                       const CallOptions& call) {
  RETURN_IF_ERROR(caller_.Call("CONFIG.SET", {name, value}, call));
  return base::Ok{};
}

base::Result<std::vector<std::string>> ServerCommands::CommandList(const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("COMMAND.LIST", {}, call));
  return ExpectTexts(reply, "COMMAND.LIST");
}

base::Result<Value> ServerCommands::CommandDocs(std::string_view name, const CallOptions& call) {
  return caller_.Call("COMMAND.DOCS", OptionalText(name), call);
}

base::Result<Value> ServerCommands::Stats(const CallOptions& call) {
  return caller_.Call("STATS", {}, call);
}

base::Result<Value> ServerCommands::SlowLog(std::int64_t limit, const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("limit", limit);
  Value::Array params;
  std::move(map).AppendTo(params);
  return caller_.Call("SLOWLOG", params, call);
}

base::Result<std::uint64_t> ServerCommands::Save(const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("SAVE", {}, call));
  RETURN_IF_ERROR(ExpectMap(reply, "SAVE"));
  return UintOf(reply, "sequence");
}

base::Result<BackupResult> ServerCommands::Backup(std::string_view name, const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("BACKUP", {name}, call));
  RETURN_IF_ERROR(ExpectMap(reply, "BACKUP"));
  return BackupResult{TextOf(reply, "path"), UintOf(reply, "sequence"), UintOf(reply, "rows"),
                      UintOf(reply, "bytes")};
}

base::Result<VerifyResult> ServerCommands::Verify(const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("VERIFY", {}, call));
  RETURN_IF_ERROR(ExpectMap(reply, "VERIFY"));
  return VerifyResult{UintOf(reply, "rows"), UintOf(reply, "bytes"), UintOf(reply, "bad_rows"),
                      TextsOf(reply, "problems")};
}

base::Result<Value> ServerCommands::Flush(const CallOptions& call) {
  return caller_.Call("FLUSH", {}, call);
}

base::Status ServerCommands::Shutdown(const CallOptions& call) {
  RETURN_IF_ERROR(caller_.Call("SHUTDOWN", {}, call));
  return base::Ok{};
}

}  // namespace reprise::client
