#include "server/control/control.h"

#include <algorithm>
#include <utility>

#include "protocol/base/random.h"
#include "server/control/home.h"

namespace reprise::control {
namespace {

using storage::Family;

constexpr std::int64_t kPpmPerPercent = 10'000;

std::int64_t HoldOutOf(const Switch& now, Strategy strategy, const config::Config& config) {
  if (now.is_set() && now.hold_out_ppm().has_value()) {
    return *now.hold_out_ppm();
  }
  return config::IsCache(strategy) ? 0 : config.control.hold_out_percent * kPpmPerPercent;
}

base::Result<std::string> LoadSecret(storage::Store& store) {
  ASSIGN_OR_RETURN(const auto stored,
                   store.Get(Family::kMeta, kSecretRow, storage::kNever, storage::ReadMode::kDisk));
  if (stored.has_value()) {
    return std::string(stored->value());
  }
  const std::string secret = base::RandomBytes(Draw::kSecretBytes);
  RETURN_IF_ERROR(store.Run([&](storage::Transaction& transaction) -> base::Status {
    transaction.RequireSync();
    transaction.Put(Family::kMeta, kSecretRow, secret, storage::kNever);
    return base::Ok{};
  }));
  return secret;
}

}  // namespace

Mode ModeIn(const config::Config& config, Strategy strategy) {
  switch (strategy) {
    case Strategy::kCacheExact:
      return config.cache.exact;
    case Strategy::kCacheNormalized:
      return config.cache.normalized;
    case Strategy::kCacheSemantic:
      return config.cache.semantic;
    case Strategy::kRouting:
      return config.control.routing;
    case Strategy::kBatching:
      return config.control.batching;
    case Strategy::kDeferral:
      return config.control.deferral;
    case Strategy::kContext:
      return config.control.context;
    case Strategy::kCompression:
      return config.control.compression;
    case Strategy::kTools:
      break;
  }
  return config.control.tools;
}

Drawn DrawnOf(const Switch& now, const Asker& asker) {
  if (now.is_set() && now.unit_is_bot()) {
    return {asker.bot, true};
  }
  return asker.conversation.empty() ? Drawn{asker.bot, false} : Drawn{asker.conversation, true};
}

Control::Control(std::string_view secret) : draw_(secret) {}
Control::~Control() = default;

base::Result<std::unique_ptr<Control>> Control::Load(storage::Store& store,
                                                     const config::ControlOptions& options) {
  ASSIGN_OR_RETURN(const std::string secret, LoadSecret(store));
  std::unique_ptr<Control> control(new Control(secret));
  control->Configure(options);
  std::unordered_map<std::uint32_t, Book> books;
  std::vector<std::pair<storage::NamespaceId, std::vector<SavedMonitor>>> evidence;
  base::Status bad = base::Ok{};
  const storage::ScanRequest all{.family = Family::kMeta, .prefix = kControlRows, .after = ""};
  RETURN_IF_ERROR(store.Scan(all, storage::kNever, [&](const storage::ScanRow& stored) {
    auto parsed = ParseRow(stored.key, stored.value);
    if (!parsed.ok()) {
      bad = parsed.error();
      return false;
    }
    Row& row = parsed.value();
    Book& book = books[static_cast<std::uint32_t>(row.namespace_id)];
    if (const auto* setting = std::get_if<SettingRow>(&row.content)) {
      book.settings[config::IndexOf(setting->strategy)] = setting->setting;
    } else if (auto* item = std::get_if<OverrideRow>(&row.content)) {
      book.overrides.emplace(std::move(item->key), item->item);
    } else if (auto* guardrail = std::get_if<NamespaceGuardrail>(&row.content)) {
      book.guardrails.push_back(std::move(*guardrail));
    } else if (auto* trip = std::get_if<Trip>(&row.content)) {
      book.trips.push_back(std::move(*trip));
    } else if (auto* saved = std::get_if<std::vector<SavedMonitor>>(&row.content)) {
      evidence.emplace_back(row.namespace_id, std::move(*saved));
    }
    return true;
  }));
  RETURN_IF_ERROR(std::move(bad));
  for (auto& [id, book] : books) {
    control->Install(control->FindOrMake(storage::NamespaceId{id}),
                     std::make_shared<const Book>(std::move(book)));
  }
  const auto defaults = control->GetDefaults();
  for (const auto& [id, monitors] : evidence) {
    Home& home = control->FindOrMake(id);
    base::MutexLock lock(home.mutex);
    home.Refresh(defaults);
    for (const SavedMonitor& saved : monitors) {
      home.watches.Load(saved.rule, saved.strategy, saved.state);
    }
  }
  return control;
}

void Control::Configure(const config::ControlOptions& options) {
  auto defaults = std::make_shared<Defaults>();
  for (const std::string& text : options.guardrails) {
    if (auto rule = config::ParseGuardrail(text)) {
      defaults->rules.push_back(*std::move(rule));
    }
  }
  defaults->terms = Terms::Of(options.slice_ms, options.false_trip_days);
  defaults->cool_down_ms = options.cool_down_ms;
  base::MutexLock lock(mutex_);
  defaults_ = std::move(defaults);
}

std::shared_ptr<const Control::Defaults> Control::GetDefaults() const {
  base::MutexLock lock(mutex_);
  return defaults_;
}

Control::Home* Control::Find(storage::NamespaceId id) const {
  return homes_.Find(id);
}

Control::Home& Control::FindOrMake(storage::NamespaceId id) {
  return *homes_.FindOrMake(id, [&] { return std::make_unique<Home>(id); }).first;
}

Decision Control::Decide(Strategy strategy, const Asker& asker,
                         const config::Config& config) const {
  const Home* home = Find(asker.namespace_id);
  const Switch now =
      home == nullptr
          ? Switch()
          : Switch(home->switches[config::IndexOf(strategy)].load(std::memory_order_acquire));
  if (now.has_overrides()) {
    if (const auto mode = OverrideOf(*home, strategy, asker)) {
      return {*mode, Group::kNone, Reason::kOverride};
    }
  }
  if (now.is_tripped()) {
    return {Mode::kOff, Group::kNone, Reason::kTripped};
  }
  const Mode mode = now.is_set() ? now.mode() : ModeIn(config, strategy);
  const Reason reason = now.is_set() ? Reason::kSetting : Reason::kConfiguration;
  if (mode == Mode::kOff) {
    return {Mode::kOff, Group::kNone, reason};
  }
  const bool is_on = mode == Mode::kOn;
  const Drawn drawn = DrawnOf(now, asker);
  const std::int64_t rollout = now.is_set() ? now.rollout_ppm() : kAllPpm;
  const std::int64_t held_out =
      is_on && drawn.may_be_held_out ? HoldOutOf(now, strategy, config) : 0;
  const std::int64_t reached = std::min(rollout, kAllPpm - held_out);
  if (reached == kAllPpm) {
    return {mode, is_on ? Group::kTreated : Group::kNone, reason};
  }
  const std::int64_t place = Draw::PlaceOf(draw_.HashOf(strategy, asker.namespace_id, drawn.unit));
  if (place < reached) {
    return {mode, is_on ? Group::kTreated : Group::kNone, Reason::kInside, true};
  }
  return {Mode::kOff, is_on ? Group::kControl : Group::kNone,
          place < rollout ? Reason::kHeldOut : Reason::kOutside, true};
}

Setting Control::SettingOf(storage::NamespaceId id, Strategy strategy,
                           const config::Config& config) const {
  const auto book = BookOf(id);
  Setting setting = book->settings[config::IndexOf(strategy)].value_or(
      Setting{ModeIn(config, strategy), kAllPpm, {}, {}});
  setting.hold_out_ppm = HoldOutOf(Switch::Of(*book, strategy), strategy, config);
  return setting;
}

std::optional<Mode> Control::OverrideOf(const Home& home, Strategy strategy, const Asker& asker) {
  const auto book = home.Get();
  const Override* found = book->FindOverride(strategy, asker);
  return found == nullptr ? std::nullopt : std::optional(found->mode);
}

bool Control::MayRun(Strategy strategy, storage::NamespaceId id,
                     const config::Config& config) const {
  const Home* home = Find(id);
  const Switch now =
      home == nullptr
          ? Switch()
          : Switch(home->switches[config::IndexOf(strategy)].load(std::memory_order_acquire));
  const Mode mode = now.is_set() ? now.mode() : ModeIn(config, strategy);
  if (mode != Mode::kOff || !now.has_overrides()) {
    return mode != Mode::kOff;
  }
  const auto book = home->Get();
  return std::any_of(book->overrides.begin(), book->overrides.end(), [strategy](const auto& item) {
    return item.first.strategy == strategy && item.second.mode != Mode::kOff;
  });
}

bool Control::MayRunSomewhere(Strategy strategy, const config::Config& config) const {
  if (ModeIn(config, strategy) != Mode::kOff) {
    return true;
  }
  const auto homes = homes_.All();
  return std::any_of(homes.begin(), homes.end(),
                     [&](const auto& home) { return MayRun(strategy, home.first, config); });
}

void Control::Install(Home& home, const std::shared_ptr<const Book>& book) {
  const std::shared_ptr<const Book> before = home.Get();
  overrides_.fetch_add(book->overrides.size() - before->overrides.size(),
                       std::memory_order_relaxed);
  {
    base::MutexLock lock(home.mutex);
    home.book = book;
  }
  for (const Strategy strategy : config::kStrategies) {
    home.switches[config::IndexOf(strategy)].store(Switch::Of(*book, strategy).word(),
                                                   std::memory_order_release);
  }
}

void Control::Publish(Home& home, const std::shared_ptr<const Book>& book,
                      storage::Transaction& transaction) {
  transaction.RequireSync();
  transaction.OnAbort([this, &home, before = home.Get()] { Install(home, before); });
  Install(home, book);
}

}  // namespace reprise::control
