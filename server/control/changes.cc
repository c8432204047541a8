// Owns what people change: settings, overrides, guardrails.
#include <algorithm>
#include <utility>

#include "protocol/base/limits.h"
#include "server/control/home.h"

namespace reprise::control {
namespace {

using base::Code;
using base::Error;
using storage::Family;

}  // namespace

Setting Control::Set(storage::NamespaceId id, Strategy strategy, const SettingChange& change,
                     const config::Config& config, storage::Transaction& transaction) {
  Home& home = FindOrMake(id);
  auto book = std::make_shared<Book>(*home.Get());
  auto& place = book->settings[config::IndexOf(strategy)];
  Setting setting = place.value_or(Setting{ModeIn(config, strategy), kAllPpm, {}, {}});
  const Mode before = setting.mode;
  setting.mode = change.mode.value_or(setting.mode);
  setting.rollout_ppm = change.rollout_ppm.value_or(setting.rollout_ppm);
  setting.unit = change.unit.value_or(setting.unit);
  if (change.hold_out_ppm.has_value()) {
    setting.hold_out_ppm = change.hold_out_ppm;
  }
  place = setting;
  transaction.Put(Family::kMeta, SettingRowKey(id, strategy), FormatSetting(setting),
                  storage::kNever);
  Publish(home, book, transaction);
  if (before != setting.mode) {
    base::MutexLock lock(home.mutex);
    home.watches.Forget(strategy);
  }
  return setting;
}

bool Control::Reset(storage::NamespaceId id, Strategy strategy, storage::Transaction& transaction) {
  Home& home = FindOrMake(id);
  auto book = std::make_shared<Book>(*home.Get());
  auto& place = book->settings[config::IndexOf(strategy)];
  if (!place.has_value()) {
    return false;
  }
  place.reset();
  transaction.Delete(Family::kMeta, SettingRowKey(id, strategy));
  Publish(home, book, transaction);
  return true;
}

base::Status Control::SetOverride(storage::NamespaceId id, const OverrideView& key,
                                  const Override& item, storage::Transaction& transaction) {
  Home& home = FindOrMake(id);
  auto book = std::make_shared<Book>(*home.Get());
  const auto found = book->overrides.find(key);
  if (found != book->overrides.end()) {
    found->second = item;
  } else {
    constexpr base::Limit kOwn = base::limits::kStrategyOverrides;
    constexpr base::Limit kTotal = base::limits::kStrategyOverridesTotal;
    if (book->overrides.size() >= static_cast<std::size_t>(kOwn.value) ||
        overrides_.load(std::memory_order_relaxed) >= static_cast<std::uint64_t>(kTotal.value)) {
      return Error{Code::kTooLarge,
                   "strategy_overrides: a namespace has at most " + std::to_string(kOwn.value) +
                       " overrides, all together at most " + std::to_string(kTotal.value) +
                       "; a rollout needs none, and `ttl_ms` ends one by itself"};
    }
    book->overrides.emplace(OverrideKey{key.strategy, key.scope, std::string(key.name)}, item);
  }
  transaction.Put(Family::kMeta, OverrideRowKey(id, key), FormatOverride(item), item.expires_at);
  Publish(home, book, transaction);
  return base::Ok{};
}

bool Control::RemoveOverride(storage::NamespaceId id, const OverrideView& key,
                             storage::Transaction& transaction) {
  Home& home = FindOrMake(id);
  auto book = std::make_shared<Book>(*home.Get());
  const auto found = book->overrides.find(key);
  if (found == book->overrides.end()) {
    return false;
  }
  book->overrides.erase(found);
  transaction.Delete(Family::kMeta, OverrideRowKey(id, key));
  Publish(home, book, transaction);
  return true;
}

base::Status Control::SetGuardrail(storage::NamespaceId id, const NamespaceGuardrail& item,
                                   storage::Transaction& transaction) {
  Home& home = FindOrMake(id);
  const auto defaults = GetDefaults();
  auto book = std::make_shared<Book>(*home.Get());
  std::erase_if(book->guardrails, [&item](const NamespaceGuardrail& known) {
    return known.rule.name == item.rule.name;
  });
  // What it would stand beside: the configuration's rules must not give way unseen.
  std::vector<Guardrail> rules = defaults->RulesWith(*book);
  std::erase_if(rules, [&item](const Guardrail& rule) { return rule.name == item.rule.name; });
  if (!item.is_off) {
    rules.push_back(item.rule);
  }
  if (const std::string contradiction = config::ContradictionIn(rules); !contradiction.empty()) {
    return Error{
        Code::kBadRequest,
        contradiction + "; change or turn off one of them (GUARDRAIL.SET name {off: true})"};
  }
  book->guardrails.push_back(item);
  if (book->guardrails.size() > static_cast<std::size_t>(base::limits::kGuardrails.value) ||
      rules.size() > static_cast<std::size_t>(base::limits::kGuardrails.value)) {
    return Error{Code::kTooLarge, "guardrails: a namespace has at most " +
                                      std::to_string(base::limits::kGuardrails.value)};
  }
  transaction.Put(Family::kMeta, GuardrailRowKey(id, item.rule.name), FormatGuardrail(item),
                  storage::kNever);
  Publish(home, book, transaction);
  return base::Ok{};
}

bool Control::ResetGuardrail(storage::NamespaceId id, std::string_view name,
                             storage::Transaction& transaction) {
  Home& home = FindOrMake(id);
  auto book = std::make_shared<Book>(*home.Get());
  const auto removed = std::erase_if(book->guardrails, [name](const NamespaceGuardrail& known) {
    return known.rule.name == name;
  });
  if (removed == 0) {
    return false;
  }
  transaction.Delete(Family::kMeta, GuardrailRowKey(id, name));
  Publish(home, book, transaction);
  return true;
}

}  // namespace reprise::control
