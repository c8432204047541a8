#include "server/control/rows.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "protocol/base/value.h"
#include "protocol/wire/decode.h"

namespace reprise::control {
namespace {

using base::Value;

constexpr std::int64_t kEvidenceVersion = 1;

base::Error Corrupt(std::string_view key) {
  return {base::Code::kCorrupt, "the meta row '" + std::string(key) + "' cannot be read"};
}

// Reads members of a map; remembers when one was not what it has to be.
class Fields {
 public:
  explicit Fields(const Value& map) : map_(map) {}

  std::string Text(std::string_view name) {
    const Value* found = map_.Find(name);
    return std::string(Take(found == nullptr ? std::nullopt : found->AsText()));
  }
  std::int64_t Int(std::string_view name) {
    const Value* found = map_.Find(name);
    return Take(found == nullptr ? std::nullopt : found->AsInt());
  }
  double Number(std::string_view name) {
    const Value* found = map_.Find(name);
    return Take(found == nullptr ? std::nullopt : found->AsDouble());
  }
  base::UnixMillis Time(std::string_view name) { return base::UnixMillis{Int(name)}; }
  std::optional<std::int64_t> MaybeInt(std::string_view name) {
    return Has(name) ? std::optional(Int(name)) : std::nullopt;
  }
  std::optional<double> MaybeNumber(std::string_view name) {
    return Has(name) ? std::optional(Number(name)) : std::nullopt;
  }
  control::Mode Mode(std::string_view name) {
    const std::string text = Text(name);
    for (const auto mode : {control::Mode::kOn, control::Mode::kShadow, control::Mode::kOff}) {
      if (NameOf(mode) == text) {
        return mode;
      }
    }
    failed_ = true;
    return control::Mode::kOff;
  }
  Guardrail Rule(std::string_view name) {
    auto rule = config::ParseGuardrail(Text(name));
    failed_ = failed_ || !rule.has_value();
    return rule.value_or(Guardrail());
  }
  bool failed() const { return failed_; }

 private:
  bool Has(std::string_view name) const {
    const Value* found = map_.Find(name);
    return found != nullptr && !found->IsNil();
  }
  template <typename T>
  T Take(const std::optional<T>& value) {
    failed_ = failed_ || !value.has_value();
    return value.value_or(T{});
  }

  const Value& map_;
  bool failed_ = false;
};

template <typename T>
Value OrNil(const std::optional<T>& value) {
  return value.has_value() ? Value(*value) : Value();
}

// Evidence: numbers in a fixed order.

void Write(const Sums& sums, Value::Array& out) {
  for (const double number :
       {sums.calls, sums.value, sums.paired, sums.paired_cost, sums.baseline}) {
    out.emplace_back(number);
  }
}

void Write(const UnitSketch& units, Value::Array& out) {
  for (const std::uint64_t word : units.bits()) {
    out.emplace_back(word);
  }
}

void Write(const std::vector<float>& sample, Value::Array& out) {
  Value::Array items;
  for (const float item : sample) {
    items.emplace_back(static_cast<double>(item));
  }
  out.emplace_back(std::move(items));
}

Value::Array ArrayOf(const MonitorState& state) {
  Value::Array out;
  out.emplace_back(base::ToInt(state.slice.began));
  Write(state.slice.treated, out);
  Write(state.slice.control, out);
  Write(state.slice.treated_units, out);
  Write(state.slice.control_units, out);
  Write(state.slice.treated_ms, out);
  Write(state.slice.control_ms, out);
  for (const double wealth : state.bet.parts()) {
    out.emplace_back(wealth);
  }
  const Evidence& evidence = state.evidence;
  out.emplace_back(base::ToInt(evidence.since));
  out.emplace_back(evidence.slices);
  out.emplace_back(evidence.treated);
  out.emplace_back(evidence.control);
  Write(evidence.treated_units, out);
  Write(evidence.control_units, out);
  out.emplace_back(evidence.has_compared);
  out.emplace_back(evidence.mean);
  out.emplace_back(evidence.squares);
  Write(state.treated, out);
  Write(state.control, out);
  out.emplace_back(state.slices);
  out.emplace_back(state.treated_calls);
  out.emplace_back(state.control_calls);
  return out;
}

// Takes the numbers in the order in which they were written.
class Taker {
 public:
  explicit Taker(const Value::Array& items) : items_(items) {}

  double Number() { return Take(&Value::AsDouble); }
  std::uint64_t Count() { return Take(&Value::AsUint); }
  bool Flag() { return Take(&Value::AsBool); }
  base::UnixMillis Time() { return base::UnixMillis{Take(&Value::AsInt)}; }
  Sums TakeSums() {
    Sums sums;
    for (double* place :
         {&sums.calls, &sums.value, &sums.paired, &sums.paired_cost, &sums.baseline}) {
      *place = Number();
    }
    return sums;
  }
  UnitSketch Units() {
    std::array<std::uint64_t, UnitSketch::kWords> bits{};
    for (std::uint64_t& word : bits) {
      word = Count();
    }
    UnitSketch units;
    units.Load(bits);
    return units;
  }
  std::vector<float> Sample() {
    std::vector<float> sample;
    const Value::Array* items = next_ < items_.size() ? items_[next_++].AsArray() : nullptr;
    if (items == nullptr || items->size() > kSampled) {
      failed_ = true;
      return sample;
    }
    for (const Value& item : *items) {
      sample.push_back(static_cast<float>(item.AsDouble().value_or(1)));
    }
    return sample;
  }
  bool Complete() const { return !failed_ && next_ == items_.size(); }

 private:
  template <typename T>
  T Take(std::optional<T> (Value::*as)() const) {
    const std::optional<T> value =
        next_ < items_.size() ? (items_[next_++].*as)() : std::optional<T>();
    failed_ = failed_ || !value.has_value();
    return value.value_or(T{});
  }

  const Value::Array& items_;
  std::size_t next_ = 0;
  bool failed_ = false;
};

std::optional<MonitorState> StateFrom(const Value::Array& items) {
  Taker taker(items);
  MonitorState state;
  state.slice.began = taker.Time();
  state.slice.treated = taker.TakeSums();
  state.slice.control = taker.TakeSums();
  state.slice.treated_units = taker.Units();
  state.slice.control_units = taker.Units();
  state.slice.treated_ms = taker.Sample();
  state.slice.control_ms = taker.Sample();
  std::array<double, Bet::kBettors> wealth{};
  for (double& part : wealth) {
    part = taker.Number();
  }
  state.bet.Load(wealth);
  Evidence& evidence = state.evidence;
  evidence.since = taker.Time();
  evidence.slices = taker.Count();
  evidence.treated = taker.Count();
  evidence.control = taker.Count();
  evidence.treated_units = taker.Units();
  evidence.control_units = taker.Units();
  evidence.has_compared = taker.Flag();
  evidence.mean = taker.Number();
  evidence.squares = taker.Number();
  state.treated = taker.TakeSums();
  state.control = taker.TakeSums();
  state.slices = taker.Count();
  state.treated_calls = taker.Count();
  state.control_calls = taker.Count();
  return taker.Complete() ? std::optional(state) : std::nullopt;
}

std::optional<SavedMonitor> MonitorFrom(const Value& value) {
  Fields fields(value);
  SavedMonitor saved;
  saved.rule = fields.Rule("rule");
  const auto strategy = config::StrategyNamed(fields.Text("strategy"));
  const Value* numbers = value.Find("state");
  if (fields.failed() || !strategy.has_value() || numbers == nullptr ||
      numbers->AsArray() == nullptr) {
    return std::nullopt;
  }
  const auto state = StateFrom(*numbers->AsArray());
  if (!state.has_value()) {
    return std::nullopt;
  }
  saved.strategy = *strategy;
  saved.state = *state;
  return saved;
}

// Evidence is only a reading: what cannot be understood begins anew.
std::vector<SavedMonitor> EvidenceFrom(const Value& value) {
  std::vector<SavedMonitor> all;
  const Value* version = value.Find("version");
  const Value* monitors = value.Find("monitors");
  if (version == nullptr || version->AsInt() != kEvidenceVersion || monitors == nullptr ||
      monitors->AsArray() == nullptr) {
    return all;
  }
  for (const Value& item : *monitors->AsArray()) {
    if (auto saved = MonitorFrom(item)) {
      all.push_back(*std::move(saved));
    }
  }
  return all;
}

RowContent SettingFrom(std::string_view strategy, Fields& fields) {
  Setting setting;
  setting.mode = fields.Mode("mode");
  setting.rollout_ppm = fields.Int("rollout_ppm");
  setting.hold_out_ppm = fields.MaybeInt("hold_out_ppm");
  setting.unit = fields.Text("unit") == NameOf(Unit::kBot) ? Unit::kBot : Unit::kConversation;
  const auto known = config::StrategyNamed(strategy);
  return known.has_value() ? RowContent(SettingRow{*known, setting}) : RowContent();
}

// `place` is what stands behind "override/": strategy, '/', letter of the scope, name.
std::optional<RowContent> OverrideFrom(std::string_view place, Fields& fields) {
  const std::size_t slash = place.find('/');
  if (slash == std::string_view::npos || slash + 1 >= place.size()) {
    return std::nullopt;
  }
  OverrideRow row;
  row.item.mode = fields.Mode("mode");
  row.item.set_at = fields.Time("set_at");
  row.item.expires_at = fields.Time("expires_at");
  const char letter = place[slash + 1];
  const auto scope = std::find_if(kScopes.begin(), kScopes.end(), [letter](Scope known) {
    return NameOf(known).front() == letter;
  });
  if (scope == kScopes.end()) {
    return std::nullopt;
  }
  row.key.scope = *scope;
  row.key.name = place.substr(slash + 2);
  const auto known = config::StrategyNamed(place.substr(0, slash));
  if (!known.has_value()) {
    return RowContent();
  }
  row.key.strategy = *known;
  return RowContent(std::move(row));
}

RowContent GuardrailFrom(std::string_view name, const Value& value, Fields& fields) {
  NamespaceGuardrail item;
  const Value* off = value.Find("off");
  item.is_off = off != nullptr && off->AsBool().value_or(false);
  item.rule = fields.Rule("rule");
  item.rule.name = name;
  item.cool_down_ms = fields.MaybeInt("cool_down_ms");
  return item;
}

RowContent TripFrom(Fields& fields) {
  Trip trip;
  trip.rule = fields.Rule("rule");
  const auto strategy = config::StrategyNamed(fields.Text("strategy"));
  trip.at = fields.Time("at");
  trip.ends_at = fields.Time("ends_at");
  trip.finding.since = fields.Time("since");
  trip.finding.slices = static_cast<std::uint64_t>(fields.Int("slices"));
  trip.finding.treated = static_cast<std::uint64_t>(fields.Int("treated"));
  trip.finding.control = static_cast<std::uint64_t>(fields.Int("control"));
  trip.finding.figure = fields.Number("figure");
  trip.finding.bound = fields.MaybeNumber("bound");
  trip.finding.wealth = fields.Number("wealth");
  trip.finding.needed = fields.Number("needed");
  trip.strategy = strategy.value_or(Strategy::kCacheExact);
  return trip;
}

}  // namespace

std::string RowsPrefix(storage::NamespaceId id) {
  return std::string(kControlRows) + std::to_string(static_cast<std::uint32_t>(id)) + "/";
}

std::string SettingRowKey(storage::NamespaceId id, Strategy strategy) {
  return RowsPrefix(id) + "setting/" + std::string(config::NameOf(strategy));
}

std::string OverrideRowKey(storage::NamespaceId id, const OverrideView& key) {
  return RowsPrefix(id) + "override/" + std::string(config::NameOf(key.strategy)) + "/" +
         NameOf(key.scope).front() + std::string(key.name);
}

std::string GuardrailRowKey(storage::NamespaceId id, std::string_view name) {
  return RowsPrefix(id) + "guardrail/" + std::string(name);
}

std::string TripRowKey(storage::NamespaceId id, std::string_view rule) {
  return RowsPrefix(id) + "trip/" + std::string(rule);
}

std::string EvidenceRowKey(storage::NamespaceId id) {
  return RowsPrefix(id) + "evidence";
}

std::string FormatSetting(const Setting& setting) {
  return wire::Encode(Value::Map{{"mode", NameOf(setting.mode)},
                                 {"rollout_ppm", setting.rollout_ppm},
                                 {"hold_out_ppm", OrNil(setting.hold_out_ppm)},
                                 {"unit", NameOf(setting.unit)}});
}

std::string FormatOverride(const Override& item) {
  return wire::Encode(Value::Map{{"mode", NameOf(item.mode)},
                                 {"set_at", base::ToInt(item.set_at)},
                                 {"expires_at", base::ToInt(item.expires_at)}});
}

std::string FormatGuardrail(const NamespaceGuardrail& item) {
  return wire::Encode(Value::Map{{"off", item.is_off},
                                 {"cool_down_ms", OrNil(item.cool_down_ms)},
                                 {"rule", config::TextOf(item.rule)}});
}

std::string FormatTrip(const Trip& trip) {
  const Finding& finding = trip.finding;
  return wire::Encode(Value::Map{{"rule", config::TextOf(trip.rule)},
                                 {"strategy", config::NameOf(trip.strategy)},
                                 {"at", base::ToInt(trip.at)},
                                 {"ends_at", base::ToInt(trip.ends_at)},
                                 {"since", base::ToInt(finding.since)},
                                 {"slices", finding.slices},
                                 {"treated", finding.treated},
                                 {"control", finding.control},
                                 {"figure", finding.figure},
                                 {"bound", OrNil(finding.bound)},
                                 {"wealth", finding.wealth},
                                 {"needed", finding.needed}});
}

std::string FormatEvidence(const std::vector<Watches::Watch>& watches) {
  Value::Array monitors;
  for (const Watches::Watch& watch : watches) {
    for (const auto& [strategy, monitor] : watch.monitors) {
      if (monitor.state().treated_calls + monitor.state().control_calls > 0) {
        monitors.emplace_back(Value::Map{{"rule", config::TextOf(watch.rule)},
                                         {"strategy", config::NameOf(strategy)},
                                         {"state", ArrayOf(monitor.state())}});
      }
    }
  }
  return wire::Encode(Value::Map{{"version", kEvidenceVersion}, {"monitors", std::move(monitors)}});
}

base::Result<Row> ParseRow(std::string_view key, std::string_view value) {
  std::string_view place = key.substr(std::min(kControlRows.size(), key.size()));
  std::uint32_t id = 0;
  const auto parsed = std::from_chars(place.data(), place.data() + place.size(), id);
  if (parsed.ec != std::errc() || parsed.ptr == place.data() + place.size() || *parsed.ptr != '/') {
    return Corrupt(key);
  }
  place.remove_prefix(static_cast<std::size_t>(parsed.ptr - place.data()) + 1);
  const auto map = wire::Decode(value);
  if (!map.ok()) {
    return Corrupt(key);
  }
  Row row;
  row.namespace_id = storage::NamespaceId{id};
  if (place == "evidence") {
    row.content = EvidenceFrom(map.value());
    return row;
  }
  const std::size_t slash = std::min(place.find('/'), place.size() - 1);
  const std::string_view kind = place.substr(0, slash);
  const std::string_view name = place.substr(slash + 1);
  Fields fields(map.value());
  if (kind == "setting") {
    row.content = SettingFrom(name, fields);
  } else if (kind == "override") {
    auto content = OverrideFrom(name, fields);
    if (!content.has_value()) {
      return Corrupt(key);
    }
    row.content = *std::move(content);
  } else if (kind == "guardrail") {
    row.content = GuardrailFrom(name, map.value(), fields);
  } else if (kind == "trip") {
    row.content = TripFrom(fields);
  }
  if (fields.failed()) {
    return Corrupt(key);
  }
  return row;
}

}  // namespace reprise::control
