#include "server/cache/stream_responses.h"

#include <utility>

#include "server/cache/stream_fields.h"

namespace reprise::cache {

using base::Value;

base::Status ResponsesJoin::Take(const Value& event) {
  const std::string_view type = TextAt(event, "type");
  if (type == "response.output_item.done") {
    ASSIGN_OR_RETURN(const std::size_t index, IndexAt(event, "output_index"));
    ASSIGN_OR_RETURN(const Value* item, MapAt(event, "item"));
    items_.insert_or_assign(index, *item);
    return base::Ok{};
  }
  has_failed_ = has_failed_ || type == "response.failed";
  is_cancelled_ = is_cancelled_ || type == "response.cancelled";
  if (type != "response.completed" && type != "response.incomplete") {
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(const Value* response, MapAt(event, "response"));
  has_failed_ = has_failed_ || HasAt(*response, "error") || TextAt(*response, "status") == "failed";
  response_ = *response;
  return base::Ok{};
}

StreamEnding ResponsesJoin::Ending() const {
  if (has_failed_) {
    return {StreamEnd::kUpstreamError, "the response has failed"};
  }
  if (is_cancelled_) {
    return {StreamEnd::kCut, "the response was cancelled"};
  }
  if (!response_.has_value()) {
    return {StreamEnd::kCut, "it has no response.completed"};
  }
  const Value* output = response_->Find("output");
  const bool has_output = output != nullptr && output->AsArray() != nullptr;
  return has_output || !items_.empty()
             ? StreamEnding{StreamEnd::kComplete}
             : StreamEnding{StreamEnd::kCut, "neither its last event nor one before has an output"};
}

Value ResponsesJoin::Answer() && {
  const Value* output = response_->Find("output");
  const bool has_output =
      output != nullptr && output->AsArray() != nullptr && !output->AsArray()->empty();
  if (has_output || items_.empty()) {
    return *std::move(response_);
  }
  Value::Array items;
  for (auto& [index, item] : items_) {
    items.push_back(std::move(item));
  }
  Fields fields;
  for (const auto& [key, value] : *response_->AsMap()) {
    fields.Set(key.AsText().value_or(""), value);
  }
  fields.Set("output", Value(std::move(items)));
  return Value(fields.Take());
}

}  // namespace reprise::cache
