// Watches: the monitors of one namespace, one for each strategy of each guardrail.
//
// Units: as monitor.h. Threads: one owner at a time. Errors: none. Complexity: Record O(guardrails
// x strategies), about 10 ns each. Limits: base::limits::kGuardrails.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "server/config/guardrail.h"
#include "server/control/book.h"
#include "server/control/monitor.h"
#include "server/control/strategy.h"

namespace reprise::control {

// How slices and evidence are measured.
struct Terms {
  std::int64_t slice_ms = 60'000;
  double needed = 1.44e7;  // wealth at which a monitor trips
  // At most one false trip in so many days (and in 1,000 slices), on average, of a figure that
  // stands on its limit.
  static Terms Of(std::int64_t slice_ms, std::int64_t false_trip_days);
};

// Where one call stands in the comparison of one strategy.
struct Place {
  Group group = Group::kNone;
  std::uint64_t unit = 0;
  bool is_drawn = true;  // see Decision
};
using Places = std::array<Place, config::kStrategyCount>;

// One call of a model, as QUALITY.RECORD tells it.
struct CallFigures {
  std::optional<double> quality;  // 0 to 1
  bool failed = false;
  std::optional<double> response_ms;
  std::optional<double> cost_nano;
  std::optional<double> baseline_nano;  // what it would have cost
  base::UnixMillis now{0};
};

class Watches {
 public:
  struct Watch {
    Guardrail rule;
    std::vector<std::pair<Strategy, Monitor>> monitors;
  };
  struct Tripped {
    Guardrail rule;
    Strategy strategy = Strategy::kCacheExact;
    Finding finding;
  };

  // Monitors of rules whose metric and limit stay the same go on.
  void Use(const std::vector<Guardrail>& rules);
  // Adds the call; answers the rules that trip now, each once. Those that `is_tripped` says of
  // wait.
  std::vector<Tripped> Record(const CallFigures& call, const Places& places, const Terms& terms,
                              const std::function<bool(std::string_view rule)>& is_tripped);
  void Forget(std::string_view rule);
  void Forget(Strategy strategy);

  const std::vector<Watch>& all() const { return watches_; }
  // Evidence that was saved; of a rule or limit that is no longer there, nothing.
  void Load(const Guardrail& rule, Strategy strategy, const MonitorState& state);

 private:
  std::vector<Watch> watches_;
};

}  // namespace reprise::control
