// Fields: a map of an answer that grows as the events of its stream bring pieces of it.
//
// Each API sends some fields in pieces and others whole. Those of kGrowingFields grow: text is
// joined, arrays are appended, maps grow by the same rule. All others are whole: the last one wins,
// but nil and empty text do not replace what is there (an id that comes again as "" stays).
//
// Threads: one owner. Errors: kBadRequest. Complexity: O(log fields) for each piece, plus its
// bytes. Limits: kStreamIndexMax.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::cache {

// The highest index of a choice, a tool call, a content block, an output item. An event with a
// higher one is refused before anything is taken for it.
inline constexpr std::size_t kStreamIndexMax = 1023;

// Fields of a delta of Chat Completions that come in pieces, at any level.
inline constexpr std::array<std::string_view, 18> kGrowingFields{
    "annotations", "arguments",         "audio",   "citations",     "content", "custom",
    "data",        "function",          "images",  "function_call", "input",   "logprobs",
    "reasoning",   "reasoning_content", "refusal", "summary",       "text",    "transcript",
};

class Fields {
 public:
  // In place of what is there.
  void Set(std::string_view name, base::Value value);
  // Whole: as said above.
  void Update(std::string_view name, const base::Value& value);
  // In pieces: as said above, whatever the name. An error when a piece is of another kind than
  // those before it.
  base::Status Grow(std::string_view name, const base::Value& piece);
  // Each field of a map by its name: Grow or Update.
  base::Status Merge(const base::Value::Map& delta);

  bool empty() const { return fields_.empty(); }
  bool Has(std::string_view name) const { return places_.contains(name); }
  // The field is there and is neither nil nor an empty text, array or map.
  bool HasContent(std::string_view name) const;
  // Text of a field; empty when there is none.
  std::string_view Text(std::string_view name) const;
  // The map in the order in which its fields came. Leaves nothing behind.
  base::Value::Map Take();

 private:
  using Content = std::variant<base::Value, std::string, base::Value::Array,
                               std::unique_ptr<Fields>>;  // a whole one, or what it grows by
  struct Field {
    std::string name;
    Content content;
  };

  Content* Find(std::string_view name);
  const Content* Find(std::string_view name) const;
  Content& Put(std::string_view name, Content content);
  static bool IsEmpty(const Content& content);
  static base::Result<Content> Begin(const base::Value& piece);

  std::vector<Field> fields_;
  std::map<std::string, std::size_t, std::less<>> places_;
};

// A list whose items come in pieces that name their place: tool calls, details of the reasoning.
class GrowingList {
 public:
  // Items of one delta: maps with `index`. Without one, an `id` that is new begins an item, and
  // whatever else belongs to the item of that id or to the last one.
  base::Status Merge(const base::Value& items);
  bool empty() const { return items_.empty(); }
  base::Value::Array Take();

 private:
  base::Result<std::size_t> PlaceOf(const base::Value& item) const;

  std::map<std::size_t, Fields> items_;
};

// `name` of a map as a place in a list. Errors: it is missing, no number, or above kStreamIndexMax.
base::Result<std::size_t> IndexAt(const base::Value& map, std::string_view name);
// Text of a map's field; empty when there is none. Borrows from the map.
std::string_view TextAt(const base::Value& map, std::string_view name);
// The field is there and is not nil.
bool HasAt(const base::Value& map, std::string_view name);
// A map's field that must be a map.
base::Result<const base::Value*> MapAt(const base::Value& map, std::string_view name);

}  // namespace reprise::cache
