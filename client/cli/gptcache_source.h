// GptCacheSource: lists of questions and answers as people have them from GPTCache.
//
// A JSON array, or JSON lines, of {"question": ..., "answer": ...} or [question, answer]. What the
// list does not say (type, identity) is the same for all. Part of entry_source.h, whose contract it
// has.
#pragma once

#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include "client/cli/chunks.h"
#include "client/cli/element.h"
#include "client/cli/entry_source.h"

namespace reprise::client {

class GptCacheSource final : public EntrySource {
 public:
  GptCacheSource(std::istream& stream, const Position& start, base::Value::Map defaults);
  base::Result<std::optional<Item>> Next() override;
  Position position() const override { return {chunks_.offset(), line_, in_list_}; }

 private:
  void SkipSpace();
  bool OpensList();
  base::Result<std::optional<Item>> NextOfList();
  base::Result<std::optional<Item>> NextLine();
  Line ReadElementText();
  Item ToItem(const Line& element, std::uint64_t line) const;
  base::Result<std::string> ToEntry(const base::Value& element) const;
  std::string Place() const { return "line " + std::to_string(line_ + 1); }

  Chunks chunks_;
  std::uint64_t line_;  // line ends so far
  bool in_list_;
  bool list_ended_ = false;
  bool begun_;
  base::Value::Map defaults_;
};

}  // namespace reprise::client
