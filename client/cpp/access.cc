#include "client/cpp/access.h"

#include "client/cpp/fields.h"

namespace reprise::client {
namespace {

using base::Value;

AccessKey KeyOf(const Value& map) {
  return AccessKey{TextOf(map, "id"), TextOf(map, "key"), TextOf(map, "namespace"),
                   TextsOf(map, "permissions"), TextOf(map, "label")};
}

}  // namespace

base::Status AccessCommands::CreateNamespace(std::string_view name, const CallOptions& call) {
  RETURN_IF_ERROR(caller_.Call("NAMESPACE.CREATE", {name}, call));
  return base::Ok{};
}

base::Result<std::vector<std::string>> AccessCommands::ListNamespaces(const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("NAMESPACE.LIST", {}, call));
  ASSIGN_OR_RETURN(const Value::Array* items, ExpectArray(reply, "NAMESPACE.LIST"));
  std::vector<std::string> names;
  for (const Value& item : *items) {  // A name, or a map that carries it.
    names.push_back(item.AsMap() != nullptr ? TextOf(item, "name")
                                            : std::string(item.AsText().value_or("")));
  }
  return names;
}

base::Result<Value> AccessCommands::DeleteNamespace(std::string_view name,
                                                    const CallOptions& call) {
  return caller_.Call("NAMESPACE.DEL", {name}, call);
}

base::Result<AccessKey> AccessCommands::CreateKey(std::string_view name_space,
                                                  const KeyOptions& options,
                                                  const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("permissions", options.permissions);
  map.AddIfSet("label", options.label);
  Value::Array params{name_space};
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("KEY.CREATE", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "KEY.CREATE"));
  return KeyOf(reply);
}

base::Result<std::vector<AccessKey>> AccessCommands::ListKeys(const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("KEY.LIST", {}, call));
  ASSIGN_OR_RETURN(const Value::Array* items, ExpectArray(reply, "KEY.LIST"));
  std::vector<AccessKey> keys;
  for (const Value& item : *items) {
    keys.push_back(KeyOf(item));
  }
  return keys;
}

base::Result<bool> AccessCommands::DeleteKey(std::string_view id, const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("KEY.DEL", {id}, call));
  return ExpectBool(reply, "KEY.DEL");
}

}  // namespace reprise::client
