#include "server/routing/tallies.h"

#include <cmath>

#include "server/routing/catalogue.h"
#include "server/routing/row_bytes.h"

namespace reprise::routing {
namespace {

constexpr std::uint8_t kVersion = 1;

// The plain numbers in the order of the format; `Each` is given references.
template <typename Self, typename Each>
void VisitTotals(Self& tallies, const Each& each) {
  for (auto* number : {&tallies.decisions, &tallies.cheap, &tallies.mixed, &tallies.critical,
                       &tallies.explored, &tallies.stayed, &tallies.shadow, &tallies.degraded,
                       &tallies.strongest_cost_nano, &tallies.judged}) {
    each(*number);
  }
  for (auto& level : tallies.levels) {
    each(level);
  }
  each(tallies.judged_quality);
  for (auto& bin : tallies.scores) {
    each(bin.count);
    each(bin.score);
    each(bin.failed);
  }
}

template <typename Self, typename Each>
void VisitModel(Self& model, const Each& each) {
  for (auto* number : {&model.chosen, &model.judged, &model.errors, &model.cost_nano,
                       &model.tokens_in, &model.tokens_out, &model.timed, &model.latency_ms}) {
    each(*number);
  }
  each(model.quality);
  each(model.always_quality);
}

}  // namespace

ModelTally& Tallies::Of(std::string_view model) {
  if (const auto found = models.find(model); found != models.end()) {
    return found->second;
  }
  const bool is_full = models.size() >= kModelsMax;
  return models[std::string(is_full ? kOtherModel : model)];
}

double Tallies::CalibrationError() const {
  double error = 0;
  double count = 0;
  for (const ScoreBin& bin : scores) {
    error += std::abs(bin.score - static_cast<double>(bin.failed));
    count += static_cast<double>(bin.count);
  }
  return count > 0 ? error / count : 0;
}

std::string Tallies::Format() const {
  std::string row;
  AppendNumber(kVersion, row);
  VisitTotals(*this, [&row](const auto& number) { AppendNumber(number, row); });
  AppendNumber(static_cast<std::uint8_t>(models.size()), row);
  for (const auto& [name, model] : models) {
    AppendName(name, row);
    VisitModel(model, [&row](const auto& number) { AppendNumber(number, row); });
  }
  return row;
}

base::Result<Tallies> Tallies::Parse(std::string_view row) {
  Cursor cursor(row);
  const auto version = cursor.Take<std::uint8_t>();
  Tallies tallies;
  const auto take = [&cursor]<typename Number>(Number& number) { number = cursor.Take<Number>(); };
  VisitTotals(tallies, take);
  const std::size_t models = cursor.Take<std::uint8_t>();
  for (std::size_t i = 0; i < models && !cursor.failed(); ++i) {
    const std::string name(cursor.TakeName());
    VisitModel(tallies.models[name], take);
  }
  if (version != kVersion || !cursor.Complete()) {
    return base::Error{base::Code::kCorrupt, "a row of routing tallies cannot be read"};
  }
  return tallies;
}

}  // namespace reprise::routing
