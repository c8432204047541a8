// Reading the members of a reply, and writing option maps, for the typed commands.
//
// Internal to client/cpp. A member that an older or newer server leaves out reads as its zero; a
// reply of the wrong kind is kCorrupt. Threads: any. Complexity: O(members).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

std::string TextOf(const base::Value& map, std::string_view name);
std::int64_t IntOf(const base::Value& map, std::string_view name);
std::uint64_t UintOf(const base::Value& map, std::string_view name);
bool BoolOf(const base::Value& map, std::string_view name);
std::vector<std::string> TextsOf(const base::Value& map, std::string_view name);

// The whole reply as one kind; `method` names it in the error.
base::Result<bool> ExpectBool(const base::Value& reply, std::string_view method);
base::Result<std::int64_t> ExpectInt(const base::Value& reply, std::string_view method);
base::Result<std::uint64_t> ExpectUint(const base::Value& reply, std::string_view method);
base::Result<const base::Value::Array*> ExpectArray(const base::Value& reply,
                                                    std::string_view method);
base::Result<const base::Value::Map*> ExpectMap(const base::Value& reply, std::string_view method);
base::Result<std::vector<std::string>> ExpectTexts(const base::Value& reply,
                                                   std::string_view method);

// Appends the map of options to `params` when there is one.
class OptionMap {
 public:
  void Add(std::string_view name, base::Value value) {
    pairs_.emplace_back(base::Value(name), std::move(value));
  }
  // Only when it says something.
  void AddIfSet(std::string_view name, std::int64_t number) {
    if (number != 0) {
      Add(name, number);
    }
  }
  void AddIfSet(std::string_view name, std::uint64_t number) {
    if (number != 0) {
      Add(name, number);
    }
  }
  void AddIfSet(std::string_view name, const std::string& text) {
    if (!text.empty()) {
      Add(name, text);
    }
  }
  void AddIfSet(std::string_view name, const std::vector<std::string>& texts);
  void AppendTo(base::Value::Array& params) &&;

 private:
  base::Value::Map pairs_;
};

}  // namespace reprise::client
