// Home: what server/control holds of one namespace. Private to this folder.
//
// Threads: the switches any, the rest under the mutex, a leaf. Lifetime: as long as the Control.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/base/mutex.h"
#include "server/control/control.h"

namespace reprise::control {

// The server-wide default of a strategy.
Mode ModeIn(const config::Config& config, Strategy strategy);

// What the draw is about for this asker, and whether the hold-out takes such units.
struct Drawn {
  std::string_view unit;
  bool may_be_held_out = false;
};
Drawn DrawnOf(const Switch& now, const Asker& asker);

// What the configuration says.
struct Control::Defaults {
  std::vector<Guardrail> rules;
  Terms terms;
  std::int64_t cool_down_ms = 0;

  // The configuration's, but for those that the namespace has replaced or contradicts; then its
  // own.
  std::vector<Guardrail> RulesWith(const Book& book) const;
  std::int64_t CoolDownOf(std::string_view rule, const Book& book) const {
    const NamespaceGuardrail* own = book.FindGuardrail(rule);
    return own != nullptr ? own->cool_down_ms.value_or(cool_down_ms) : cool_down_ms;
  }
};

// One namespace.
struct Control::Home {
  explicit Home(storage::NamespaceId namespace_id)
      : id(namespace_id), book(std::make_shared<const Book>()) {}

  // The rules as they are now.
  void Refresh(const std::shared_ptr<const Defaults>& defaults) REQUIRES(mutex) {
    if (used_defaults != defaults || used_book != book) {
      watches.Use(defaults->RulesWith(*book));
      used_defaults = defaults;
      used_book = book;
    }
  }
  std::shared_ptr<const Book> Get() const {
    base::MutexLock lock(mutex);
    return book;
  }

  const storage::NamespaceId id;
  std::array<std::atomic<std::uint64_t>, config::kStrategyCount> switches{};
  mutable base::Mutex mutex;
  std::shared_ptr<const Book> book GUARDED_BY(mutex);
  Watches watches GUARDED_BY(mutex);
  std::shared_ptr<const Defaults> used_defaults GUARDED_BY(mutex);
  std::shared_ptr<const Book> used_book GUARDED_BY(mutex);
  bool has_unsaved GUARDED_BY(mutex) = false;
  base::UnixMillis saved_at GUARDED_BY(mutex){0};
};

}  // namespace reprise::control
