#include "server/control/rows.h"

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"

namespace reprise::control {
namespace {

constexpr storage::NamespaceId kHome{7};

template <typename Content>
Content Parsed(const std::string& key, const std::string& value) {
  const auto row = ParseRow(key, value);
  REQUIRE(row.ok());
  CHECK(row.value().namespace_id == kHome);
  const auto* content = std::get_if<Content>(&row.value().content);
  REQUIRE(content != nullptr);
  return *content;
}

TEST_CASE("settings are found again as they were written") {
  const Setting setting{Mode::kShadow, 123'456, 50'000, Unit::kBot};
  const std::string key = SettingRowKey(kHome, Strategy::kCacheSemantic);
  CHECK(key == "control/7/setting/cache.semantic");
  const auto row = Parsed<SettingRow>(key, FormatSetting(setting));
  CHECK(row.strategy == Strategy::kCacheSemantic);
  CHECK(row.setting == setting);
  CHECK(Parsed<SettingRow>(key, FormatSetting({})).setting == Setting());
}

TEST_CASE("overrides keep scope and name, whatever is in the name") {
  for (const std::string name : {"bot-1", "a/b/c", "", "n\n\xff"}) {
    for (const Scope scope : kScopes) {
      const OverrideView view{Strategy::kTools, scope, name};
      const Override item{Mode::kOff, base::UnixMillis{5}, base::UnixMillis{0}};
      const auto row = Parsed<OverrideRow>(OverrideRowKey(kHome, view), FormatOverride(item));
      CHECK(row.key.view() == view);
      CHECK(row.item.mode == Mode::kOff);
      CHECK(row.item.set_at == base::UnixMillis{5});
      CHECK_FALSE(row.item.HasExpired(base::UnixMillis{1'000'000}));
    }
  }
}

TEST_CASE("guardrails and trips are found again as they were written") {
  const Guardrail rule = *config::ParseGuardrail("q: quality < 0.925: compression context");
  const auto own =
      Parsed<NamespaceGuardrail>(GuardrailRowKey(kHome, "q"), FormatGuardrail({rule, false, 99}));
  CHECK(own.rule == rule);
  CHECK(own.cool_down_ms == 99);
  const auto off =
      Parsed<NamespaceGuardrail>(GuardrailRowKey(kHome, "q"), FormatGuardrail({rule, true, {}}));
  CHECK(off.is_off);
  CHECK(off.rule == rule);

  Trip trip{rule, Strategy::kContext, base::UnixMillis{10}, base::UnixMillis{20}, {}};
  trip.finding = {base::UnixMillis{3}, 15, 450, 22, 0.875, std::nullopt, 1.5e7, 1.44e7};
  const Trip again = Parsed<Trip>(TripRowKey(kHome, "q"), FormatTrip(trip));
  CHECK(again.rule == rule);
  CHECK(again.strategy == Strategy::kContext);
  CHECK(again.ends_at == base::UnixMillis{20});
  CHECK(again.finding.treated == 450);
  CHECK(again.finding.figure == 0.875);
  CHECK_FALSE(again.finding.bound.has_value());
  CHECK(again.finding.wealth == 1.5e7);
}

TEST_CASE("evidence goes on where it was saved") {
  Watches watches;
  watches.Use({*config::ParseGuardrail("slow: response_time > 1.5: deferral tools")});
  CallFigures call;
  call.now = base::UnixMillis{1'700'000'000'000};
  const auto none = [](std::string_view /*rule*/) { return false; };
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    Places places{};
    const bool is_control = i % 4 == 0;
    places[config::IndexOf(Strategy::kDeferral)] = {is_control ? Group::kControl : Group::kTreated,
                                                    i * 0x9E3779B97F4A7C15, true};
    call.response_ms = is_control ? 100 : 400;
    call.now = call.now + 300;
    watches.Record(call, places, {60'000, 1e30}, none);
  }
  const Monitor& before = watches.all()[0].monitors[0].second;
  REQUIRE(before.state().slices > 5);
  const auto saved =
      Parsed<std::vector<SavedMonitor>>(EvidenceRowKey(kHome), FormatEvidence(watches.all()));
  REQUIRE(saved.size() == 1);  // tools have seen nothing
  CHECK(saved[0].strategy == Strategy::kDeferral);
  Watches again;
  again.Use({saved[0].rule});
  again.Load(saved[0].rule, saved[0].strategy, saved[0].state);
  const Monitor& after = again.all()[0].monitors[0].second;
  CHECK(after.state().bet.wealth() == before.state().bet.wealth());
  CHECK(after.state().slice.treated_ms == before.state().slice.treated_ms);
  CHECK(after.EvidenceFigure() == before.EvidenceFigure());
  CHECK(after.Bound() == before.Bound());
  CHECK(after.RollingFigure() == before.RollingFigure());
  CHECK(after.state().evidence.control_units.Count() ==
        before.state().evidence.control_units.Count());
  // Of another limit it says nothing.
  Watches other;
  other.Use({*config::ParseGuardrail("slow: response_time > 2: deferral tools")});
  other.Load(saved[0].rule, saved[0].strategy, saved[0].state);
  CHECK(other.all()[0].monitors[0].second.state().slices == 0);
}

// As in FORMAT.md: what was written once has to be read for ever.
TEST_CASE("rows of this version are read") {
  const auto json = [](std::string_view text) {
    return wire::Encode(wire::FromJson(text).value());
  };
  const auto setting = Parsed<SettingRow>(
      "control/7/setting/compression",
      json(
          R"({"mode": "on", "rollout_ppm": 100000, "hold_out_ppm": null, "unit": "bot", "new": 1})"));
  CHECK(setting.setting == Setting{Mode::kOn, 100'000, {}, Unit::kBot});
  const auto trip = Parsed<Trip>(
      "control/7/trip/errors",
      json(
          R"({"rule": "errors: error_rate > 0.03: all", "strategy": "tools", "at": 5, "ends_at": 0,
              "since": 1, "slices": 20, "treated": 600, "control": 0, "figure": 0.1, "bound": 0.05,
              "wealth": 2.0e7, "needed": 1.44e7})"));
  CHECK(trip.rule.strategies.IsAll());
  CHECK(trip.ends_at == base::UnixMillis{0});
}

TEST_CASE("a row that cannot be read is told, evidence of another version begins anew") {
  const auto is_corrupt = [](const std::string& key, const std::string& value) {
    const auto row = ParseRow(key, value);
    return !row.ok() && row.error().code == base::Code::kCorrupt &&
           row.error().detail.find("control/") != std::string::npos;
  };
  const std::string empty = wire::Encode(base::Value(base::Value::Map{}));
  for (const char* key :
       {"control/7/setting/tools", "control/7/override/tools/bx", "control/7/override/tools",
        "control/7/guardrail/q", "control/7/trip/q", "control/x/trip/q", "control/7", "control/"}) {
    CAPTURE(key);
    CHECK(is_corrupt(key, empty));
  }
  CHECK(is_corrupt("control/7/trip/q", "\xc1"));
  CHECK(std::holds_alternative<std::monostate>(
      ParseRow("control/7/setting/telepathy", FormatSetting({})).value().content));
  CHECK(Parsed<std::vector<SavedMonitor>>("control/7/evidence", empty).empty());
}

}  // namespace
}  // namespace reprise::control
