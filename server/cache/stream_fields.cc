#include "server/cache/stream_fields.h"

#include <algorithm>
#include <optional>

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;
using base::Value;

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

bool IsGrowing(std::string_view name) {
  return std::find(kGrowingFields.begin(), kGrowingFields.end(), name) != kGrowingFields.end();
}

bool IsEmptyValue(const Value& value) {
  const auto text = value.AsText();
  return value.IsNil() || (text.has_value() && text->empty()) ||
         (value.AsArray() != nullptr && value.AsArray()->empty()) ||
         (value.AsMap() != nullptr && value.AsMap()->empty());
}

Error ChangesKind(std::string_view name) {
  return Error{Code::kBadRequest, "'" + std::string(name) + "' changes from one kind to another"};
}

}  // namespace

Fields::Content* Fields::Find(std::string_view name) {
  const auto found = places_.find(name);
  return found != places_.end() ? &fields_[found->second].content : nullptr;
}

const Fields::Content* Fields::Find(std::string_view name) const {
  const auto found = places_.find(name);
  return found != places_.end() ? &fields_[found->second].content : nullptr;
}

Fields::Content& Fields::Put(std::string_view name, Content content) {
  if (Content* there = Find(name); there != nullptr) {
    return *there = std::move(content);
  }
  places_.emplace(name, fields_.size());
  return fields_.emplace_back(Field{std::string(name), std::move(content)}).content;
}

bool Fields::IsEmpty(const Content& content) {
  return std::visit(Overloaded{[](const Value& value) { return IsEmptyValue(value); },
                               [](const std::string& text) { return text.empty(); },
                               [](const Value::Array& items) { return items.empty(); },
                               [](const std::unique_ptr<Fields>& map) { return map->empty(); }},
                    content);
}

void Fields::Set(std::string_view name, Value value) {
  Put(name, Content(std::move(value)));
}

void Fields::Update(std::string_view name, const Value& value) {
  const auto text = value.AsText();
  const bool says_nothing = value.IsNil() || (text.has_value() && text->empty());
  if (!says_nothing || !Has(name)) {
    Put(name, Content(value));
  }
}

base::Result<Fields::Content> Fields::Begin(const Value& piece) {
  if (const auto text = piece.AsText(); text.has_value()) {
    return Content(std::string(*text));
  }
  if (piece.AsArray() != nullptr) {
    return Content(*piece.AsArray());
  }
  if (piece.AsMap() != nullptr) {
    auto map = std::make_unique<Fields>();
    RETURN_IF_ERROR(map->Merge(*piece.AsMap()));
    return Content(std::move(map));
  }
  return Content(piece);
}

base::Status Fields::Grow(std::string_view name, const Value& piece) {
  Content* there = Find(name);
  const auto* whole = there != nullptr ? std::get_if<Value>(there) : nullptr;
  if (there == nullptr || (whole != nullptr && whole->IsNil())) {
    ASSIGN_OR_RETURN(Content begun, Begin(piece));
    Put(name, std::move(begun));
    return base::Ok{};
  }
  if (piece.IsNil()) {
    return base::Ok{};
  }
  if (whole != nullptr) {  // It was given whole at first.
    ASSIGN_OR_RETURN(*there, Begin(Value(*whole)));
  }
  if (auto* text = std::get_if<std::string>(there); text != nullptr && piece.AsText().has_value()) {
    text->append(*piece.AsText());
    return base::Ok{};
  }
  if (auto* items = std::get_if<Value::Array>(there);
      items != nullptr && piece.AsArray() != nullptr) {
    items->insert(items->end(), piece.AsArray()->begin(), piece.AsArray()->end());
    return base::Ok{};
  }
  if (auto* map = std::get_if<std::unique_ptr<Fields>>(there);
      map != nullptr && piece.AsMap() != nullptr) {
    return (*map)->Merge(*piece.AsMap());
  }
  if (std::holds_alternative<Value>(*there)) {  // Numbers have no pieces.
    *there = Content(piece);
    return base::Ok{};
  }
  return ChangesKind(name);
}

base::Status Fields::Merge(const Value::Map& delta) {
  for (const auto& [key, value] : delta) {
    const auto name = key.AsText();
    if (!name.has_value()) {
      return Error{Code::kBadRequest, "a key is no text"};
    }
    if (IsGrowing(*name)) {
      RETURN_IF_ERROR(Grow(*name, value));
    } else {
      Update(*name, value);
    }
  }
  return base::Ok{};
}

bool Fields::HasContent(std::string_view name) const {
  const Content* there = Find(name);
  return there != nullptr && !IsEmpty(*there);
}

std::string_view Fields::Text(std::string_view name) const {
  const Content* there = Find(name);
  if (there == nullptr) {
    return {};
  }
  if (const auto* text = std::get_if<std::string>(there)) {
    return *text;
  }
  const auto* whole = std::get_if<Value>(there);
  return whole != nullptr ? whole->AsText().value_or("") : "";
}

Value::Map Fields::Take() {
  Value::Map map;
  map.reserve(fields_.size());
  for (Field& field : fields_) {
    Value value =
        std::visit(Overloaded{[](std::unique_ptr<Fields>& child) { return Value(child->Take()); },
                              [](auto& whole) { return Value(std::move(whole)); }},
                   field.content);
    map.emplace_back(Value(std::move(field.name)), std::move(value));
  }
  fields_.clear();
  places_.clear();
  return map;
}

base::Result<std::size_t> GrowingList::PlaceOf(const Value& item) const {
  if (HasAt(item, "index")) {
    return IndexAt(item, "index");
  }
  const std::string_view id = TextAt(item, "id");
  const std::size_t next = items_.empty() ? 0 : items_.rbegin()->first + 1;
  if (id.empty()) {
    return next == 0 ? next : next - 1;
  }
  for (const auto& [place, fields] : items_) {
    if (fields.Text("id") == id) {
      return place;
    }
  }
  if (next > kStreamIndexMax) {
    return Error{Code::kBadRequest,
                 "a list has more than " + std::to_string(kStreamIndexMax + 1) + " items"};
  }
  return next;
}

base::Status GrowingList::Merge(const Value& items) {
  if (items.IsNil()) {
    return base::Ok{};
  }
  if (items.AsArray() == nullptr) {
    return Error{Code::kBadRequest, "a list of pieces is no array"};
  }
  for (const Value& item : *items.AsArray()) {
    if (item.AsMap() == nullptr) {
      return Error{Code::kBadRequest, "an item of a list of pieces is no map"};
    }
    ASSIGN_OR_RETURN(const std::size_t place, PlaceOf(item));
    RETURN_IF_ERROR(items_[place].Merge(*item.AsMap()));
  }
  return base::Ok{};
}

Value::Array GrowingList::Take() {
  Value::Array items;
  items.reserve(items_.size());
  for (auto& [place, fields] : items_) {
    items.emplace_back(fields.Take());
  }
  items_.clear();
  return items;
}

base::Result<std::size_t> IndexAt(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  const std::optional<std::uint64_t> index = found != nullptr ? found->AsUint() : std::nullopt;
  if (!index.has_value()) {
    return Error{Code::kBadRequest, "'" + std::string(name) + "' is no number of a place"};
  }
  if (*index > kStreamIndexMax) {
    return Error{Code::kBadRequest, "'" + std::string(name) + "' is " + std::to_string(*index) +
                                        ", the highest is " + std::to_string(kStreamIndexMax)};
  }
  return static_cast<std::size_t>(*index);
}

std::string_view TextAt(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return found != nullptr ? found->AsText().value_or("") : "";
}

bool HasAt(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  return found != nullptr && !found->IsNil();
}

base::Result<const Value*> MapAt(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  if (found == nullptr || found->AsMap() == nullptr) {
    return Error{Code::kBadRequest, "'" + std::string(name) + "' is missing, or no map"};
  }
  return found;
}

}  // namespace reprise::cache
