#include "server/embed/embeddings_json.h"

#include <cmath>
#include <utility>

#include "protocol/base/value.h"
#include "protocol/wire/json.h"
#include "protocol/wire/plain_json.h"

namespace reprise::embed {
namespace {

using base::Error;
using base::Result;
using base::Value;

constexpr std::size_t kAnswerDepth = 16;

Error Wrong(std::string detail) {
  return {base::Code::kUnavailable, "embeddings endpoint: " + std::move(detail)};
}

Result<Vector> ReadVector(const Value& embedding, std::size_t width) {
  const Value::Array* numbers = embedding.AsArray();
  if (numbers == nullptr) {
    return Wrong("an embedding is no array");
  }
  if (numbers->size() != width) {
    return Wrong("an embedding has " + std::to_string(numbers->size()) + " numbers, " +
                 std::to_string(width) + " are configured");
  }
  std::vector<double> values;
  values.reserve(width);
  double squares = 0;
  for (const Value& number : *numbers) {
    const auto value = number.AsDouble();
    if (!value.has_value()) {
      return Wrong("an embedding holds what is no number");
    }
    values.push_back(*value);
    squares += *value * *value;
  }
  const double length = std::sqrt(squares);
  if (!std::isfinite(length) || length < 1e-20) {
    return Wrong("an embedding has no direction");
  }
  Vector vector;
  vector.reserve(width);
  for (const double value : values) {
    vector.push_back(static_cast<float>(value / length));
  }
  return vector;
}

}  // namespace

std::string EmbeddingsRequest(std::string_view model, std::span<const std::string_view> texts) {
  Value::Array input;
  input.reserve(texts.size());
  for (const std::string_view text : texts) {
    input.emplace_back(text);
  }
  return wire::ToJson(
      Value::Map{{"model", model}, {"input", std::move(input)}, {"encoding_format", "float"}});
}

Result<std::vector<Vector>> ReadEmbeddings(std::string_view body, const ExpectedVectors& expected) {
  const auto answer = wire::FromPlainJson(body, kAnswerDepth);
  if (!answer.ok()) {
    return Wrong("the answer is no JSON");
  }
  const Value* data = answer.value().Find("data");
  const Value::Array* items = data != nullptr ? data->AsArray() : nullptr;
  if (items == nullptr || items->size() != expected.count) {
    return Wrong("the answer has not one embedding for each of " + std::to_string(expected.count) +
                 " texts");
  }
  std::vector<Vector> vectors(expected.count);
  for (std::size_t i = 0; i < items->size(); ++i) {
    const Value& item = (*items)[i];
    const Value* stated = item.Find("index");  // some leave it out: then the order says it
    const auto index = stated != nullptr ? stated->AsUint() : i;
    const Value* embedding = item.Find("embedding");
    if (!index.has_value() || *index >= vectors.size() || embedding == nullptr ||
        !vectors[*index].empty()) {
      return Wrong("the embeddings are not numbered 0 to " + std::to_string(expected.count - 1));
    }
    ASSIGN_OR_RETURN(vectors[*index], ReadVector(*embedding, expected.width));
  }
  return vectors;
}

}  // namespace reprise::embed
