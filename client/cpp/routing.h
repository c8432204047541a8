// RoutingCommands: which model answers a prompt, and how the answer was.
//
//   auto choice = client.Routing().Select("What is RAII?", {.scopes = {"bot:coder"}});
//   if (choice.ok()) {
//     ... ask choice.value().model ...
//     client.Routing().Feedback(choice.value().decision, {.quality = 0.9, .latency_ms = 850});
//   }
//
// model_call.h does all of that, and the money, in one call. Units: nano-dollars (prices: of a
// million tokens), tokens, milliseconds; qualities and shares 0 to 1; empty, 0 and absent mean "not
// given". Threads: those of the Caller, which must outlive this. Errors: those of caller.h; also
// kNotFound (a model, a decision), kExists (judged before), kTooLarge, kForbidden (the shared
// list). Repeating: Models, Score and Stats are repeated when a connection is lost, the others only
// when nothing had been sent. Complexity: one round trip each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/caller.h"

namespace reprise::client {

struct SelectOptions {
  std::vector<std::string> models{};  // to choose from; empty: the catalogue
  std::string type{};
  bool critical = false;
  std::optional<double> importance{};
  std::string conversation{};
  std::int64_t context_tokens = 0;
  std::int64_t answer_tokens = 0;
  std::optional<std::int64_t> max_cost_nano{};
  std::int64_t max_latency_ms = 0;
  std::optional<double> min_quality{};
  std::vector<std::string> needs{};  // tools, vision, json, reasoning
  std::vector<std::string> scopes{};
  std::optional<double> pressure{};
};
struct ModelChoice {
  std::uint64_t decision = 0;
  std::string model{};
  double score = 0;  // 0 to 100
  std::string level{};
  double confidence = 0;
  double quality = 0;
  double gain = 0;
  std::int64_t cost_nano = 0;  // expected; 0: no price is known
  double propensity = 1;
  std::string reason{};
  std::vector<std::string> fallbacks{};
  std::string would{};  // in shadow: the model that would have been chosen
};

struct ModelFeedback {
  std::string model{};  // empty: the chosen one
  std::optional<double> quality{};
  bool failed = false;
  std::optional<std::int64_t> latency_ms{};
  std::optional<std::int64_t> tokens_in{};
  std::optional<std::int64_t> tokens_out{};
  std::optional<std::int64_t> cost_nano{};
};

struct ModelOptions {
  std::string provider{};
  std::optional<std::int64_t> input_nano{};  // together with output_nano; else the price table
  std::optional<std::int64_t> output_nano{};
  std::optional<std::int64_t> cached_input_nano{};
  std::int64_t context_window = 0;
  std::vector<std::string> capabilities{};
  std::int64_t latency_ms = 0;
  std::optional<double> strength{};
  bool shared = false;
};

class RoutingCommands {
 public:
  explicit RoutingCommands(Caller& caller) : caller_(caller) {}

  base::Result<ModelChoice> Select(std::string_view prompt, const SelectOptions& options = {},
                                   const CallOptions& call = {});
  // Whether it was learned from.
  base::Result<bool> Feedback(std::uint64_t decision, const ModelFeedback& feedback,
                              const CallOptions& call = {});
  // Whether it is new.
  base::Result<bool> SetModel(std::string_view model, const ModelOptions& options = {},
                              const CallOptions& call = {});
  base::Status DeleteModel(std::string_view model, bool shared = false,
                           const CallOptions& call = {});
  // As the commands ROUTE.MODELS, ROUTE.SCORE and ROUTE.STATS answer.
  base::Result<base::Value> Models(const CallOptions& call = {});
  base::Result<base::Value> Score(std::string_view prompt, const CallOptions& call = {});
  base::Result<base::Value> Stats(const CallOptions& call = {});

 private:
  Caller& caller_;
};

}  // namespace reprise::client
