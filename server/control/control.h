// Control: which strategies are in force, for whom; and the guardrails that turn them off.
//
// What a person or a guardrail decided about a namespace goes before the configuration, which is
// the server-wide default. In this order: an override (of the conversation, the bot, the
// namespace) - a trip - the mode, for those whom the rollout has reached. An override that is
// older than a trip does not put on again what the trip turned off.
//
// Threads: Decide and all readers on any thread, Decide without a lock unless the strategy has
// overrides; changes and Record inside a transaction on the writer thread. A change is seen by all
// threads when its command replies; one whose commit fails is taken back. Errors: kBadRequest,
// kNotFound, kTooLarge; at Load kCorrupt. Complexity: Decide about 10 ns, O(log overrides) where
// there are any; Record O(guardrails x strategies). Limits: base::limits::kGuardrails,
// kStrategyOverrides, kStrategyOverridesTotal, kUnitBytes. Stored form: FORMAT.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/config/options.h"
#include "server/control/book.h"
#include "server/control/draw.h"
#include "server/control/rows.h"
#include "server/control/watches.h"
#include "storage/engine/by_namespace.h"
#include "storage/engine/store.h"

namespace reprise::control {

// What is not given stays as it was.
struct SettingChange {
  std::optional<Mode> mode;
  std::optional<std::int64_t> rollout_ppm;
  std::optional<std::int64_t> hold_out_ppm;
  std::optional<Unit> unit;
};

// One call as QUALITY.RECORD tells it.
struct Report {
  Asker asker;
  // Absent: as Decide says now. Else these were in force, and of the others those in `held_out`,
  // and those that Decide holds out, are the control group.
  std::optional<StrategySet> in_force{};
  StrategySet held_out{};
  CallFigures figures{};
};

// A guardrail with all that is known of it.
struct GuardrailReading {
  Guardrail rule;
  bool is_own = false;  // of the namespace, not of the configuration
  bool is_off = false;
  std::int64_t cool_down_ms = 0;
  std::optional<Trip> trip;
  std::vector<std::pair<Strategy, Monitor>> monitors;
};

struct Event {
  enum class Kind : std::uint8_t { kTripped, kRearmed, kCooledDown };
  Kind kind = Kind::kTripped;
  storage::NamespaceId namespace_id{0};
  Trip trip;
};
std::string_view NameOf(Event::Kind kind);

struct ControlStats {
  std::uint64_t trips = 0;      // since the start
  std::uint64_t tripped = 0;    // at this moment
  std::uint64_t overrides = 0;  // at this moment
  std::uint64_t recorded = 0;   // calls since the start
};

class Control {
 public:
  // Reads the rows of a store that was just opened.
  static base::Result<std::unique_ptr<Control>> Load(storage::Store& store,
                                                     const config::ControlOptions& options);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;
  Control(Control&&) = delete;
  Control& operator=(Control&&) = delete;

  // The guardrails of the configuration, and how evidence is weighed.
  void Configure(const config::ControlOptions& options);
  // Told of each trip and its end, behind the commit, on the writer thread. Set it before the
  // first change; it must not wait.
  void Listen(std::function<void(const Event&)> listener) { listener_ = std::move(listener); }

  // The one decision.
  Decision Decide(Strategy strategy, const Asker& asker, const config::Config& config) const;
  // Whether anybody in the namespace, or in any, may have the strategy on or in shadow mode; what a
  // trip turned off may come back.
  bool MayRun(Strategy strategy, storage::NamespaceId id, const config::Config& config) const;
  bool MayRunSomewhere(Strategy strategy, const config::Config& config) const;

  // Answers the setting that is in force from now on. `config`: what is not given begins with.
  Setting Set(storage::NamespaceId id, Strategy strategy, const SettingChange& change,
              const config::Config& config, storage::Transaction& transaction);
  // Back to the configuration; false when it was there.
  bool Reset(storage::NamespaceId id, Strategy strategy, storage::Transaction& transaction);
  // Errors: kTooLarge.
  base::Status SetOverride(storage::NamespaceId id, const OverrideView& key, const Override& item,
                           storage::Transaction& transaction);
  bool RemoveOverride(storage::NamespaceId id, const OverrideView& key,
                      storage::Transaction& transaction);
  // Errors: kBadRequest for what contradicts another rule in force; kTooLarge.
  base::Status SetGuardrail(storage::NamespaceId id, const NamespaceGuardrail& item,
                            storage::Transaction& transaction);
  // Back to the configuration; false when the namespace has no rule of this name.
  bool ResetGuardrail(storage::NamespaceId id, std::string_view name,
                      storage::Transaction& transaction);
  // Ends the trip of one guardrail, or of all (empty name); its evidence begins anew.
  std::vector<Trip> Rearm(storage::NamespaceId id, std::string_view name,
                          storage::Transaction& transaction);
  // Answers what tripped by this call.
  std::vector<Trip> Record(const Report& report, const config::Config& config,
                           storage::Transaction& transaction);
  void Drop(storage::NamespaceId id, storage::Transaction& transaction);

  // What is in force for the namespace, the configuration's defaults filled in.
  Setting SettingOf(storage::NamespaceId id, Strategy strategy, const config::Config& config) const;
  // Never null.
  std::shared_ptr<const Book> BookOf(storage::NamespaceId id) const;
  // In the order of the configuration, then the namespace's own.
  std::vector<GuardrailReading> Guardrails(storage::NamespaceId id) const;
  Terms CurrentTerms() const;
  ControlStats Stats() const;

  // Cool-downs, expired overrides, and evidence to be saved.
  bool NeedsUpkeep(base::UnixMillis now) const;
  void Upkeep(base::UnixMillis now, storage::Transaction& transaction);
  // All evidence that was not saved yet; before the end.
  void Save(storage::Transaction& transaction);

 private:
  struct Home;
  struct Defaults;

  explicit Control(std::string_view secret);
  Home* Find(storage::NamespaceId id) const;
  Home& FindOrMake(storage::NamespaceId id);
  std::shared_ptr<const Defaults> GetDefaults() const;
  static std::optional<Mode> OverrideOf(const Home& home, Strategy strategy, const Asker& asker);
  // Publishes the book, and takes it back when the commit fails.
  void Publish(Home& home, const std::shared_ptr<const Book>& book,
               storage::Transaction& transaction);
  void Install(Home& home, const std::shared_ptr<const Book>& book);
  Places PlacesOf(const Report& report, const config::Config& config) const;
  Trip Begin(Watches::Tripped found, base::UnixMillis now, const Defaults& defaults,
             const Book& book) const;
  void End(Home& home, const std::vector<Trip>& trips, Event::Kind kind,
           storage::Transaction& transaction);
  void Announce(const Event& event, storage::Transaction& transaction);
  void SaveEvidence(Home& home, base::UnixMillis now, storage::Transaction& transaction);

  Draw draw_;
  std::function<void(const Event&)> listener_;
  std::atomic<std::uint64_t> trips_{0};
  std::atomic<std::uint64_t> recorded_{0};
  std::atomic<std::uint64_t> overrides_{0};
  mutable base::Mutex mutex_;
  std::shared_ptr<const Defaults> defaults_ GUARDED_BY(mutex_);
  storage::ByNamespace<Home> homes_;
};

}  // namespace reprise::control
